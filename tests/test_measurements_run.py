"""`make bench` runs: every part to its end at a small size, whatever the figures; and a page keeps the parts that were not repeated.

A measurement is no test, and none of these judges a time. What is broken shows here before somebody waits an hour for it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.measured.__main__ import PARTS
from tests.reported import BENCHMARKS, put, table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the database's own user can reach too; a test's usual one is closed to others."""
    with TemporaryDirectory(prefix="district-measured-", dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_to_its_end_and_a_trial_leaves_no_trace(part: str, reachable: Path) -> None:
    before = BENCHMARKS.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "tests.measured", part, "--small", "--folder", str(reachable)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert " | " in ran.stdout, "it says no figure"
    assert BENCHMARKS.read_text(encoding="utf-8") == before


def test_a_run_replaces_its_own_part_of_a_page_and_no_other(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nIn front.\n", encoding="utf-8")
    put(page, "First", ["one", "", *table(["a", "b"], [["1", "x|y"]])])
    put(page, "Second", ["two"])
    put(page, "First", ["three"])
    assert page.read_text(encoding="utf-8") == "# Title\n\nIn front.\n\n## First\n\nthree\n\n## Second\n\ntwo\n"
    assert table(["a"], [["x|y"]]) == ["| a |", "| --- |", "| x\\|y |"]
