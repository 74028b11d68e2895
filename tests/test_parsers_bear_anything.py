"""ATTACK: files and texts of any kind: rosters, forms, notes and proofs, filters, settings, reports.

VERIFIES: each is understood or refused in a printable sentence of the kind that blames the input; no other exception, no case that
uses more than two seconds of the processor, no process that ever has more than 200 MB. Inputs are drawn by hypothesis; the whole
campaign draws as many again with atheris, which grows them towards lines of the console that none has reached (`tests.fuzzing`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fuzzing.targets import TARGETS

if TYPE_CHECKING:
    from tests.counted import Counted

CASES = 100
WHOLE = 10_000
MOST = 200
"""MB of a process, the interpreter and the generator of the inputs with it."""
WITHIN = 3600


def fuzzed(target: str, folder: Path, cases: int, *way: str) -> tuple[dict[str, Any], str]:
    """What it cost to give a parser so many inputs in a process of its own, and what ended it before its time, '' for nothing."""
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzzing", target, str(folder), str(cases), *way],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    if ran.returncode:
        return {"cases": 0, "longest_ms": 0, "peak_mb": 0}, ran.stdout[-3000:] + ran.stderr[-6000:]
    return json.loads(ran.stdout.splitlines()[-1]), ""


@pytest.mark.campaign
@pytest.mark.parametrize("target", TARGETS)
def test_a_parser_bears_anything(target: str, tmp_path: Path, whole: bool, counted: Counted) -> None:
    cases = WHOLE if whole else CASES
    grown, broke_too = fuzzed(target, tmp_path / "guided", cases, "guided") if whole else ({"cases": 0}, "")
    # What was grown is given once more without libFuzzer, whose own memory is none of the parser's.
    corpus = [str(tmp_path / "guided" / "corpus")] if whole else []
    told, broke = fuzzed(target, tmp_path / "drawn", cases, *corpus)
    both = [told, grown] if whole else [told]
    peak = told["peak_mb"]
    crashed = [each for each in (broke, broke_too) if each]
    counted(
        f"Parsers given anything: {target}",
        drawn=told["cases"],
        guided_by_coverage=grown["cases"],
        crashes_and_hangs=len(crashed),
        longest_ms=max(each["longest_ms"] for each in both),
        most_memory_MB=peak,
    )
    assert not crashed, crashed[0]
    assert min(each["cases"] for each in both) >= cases
    assert peak <= MOST
