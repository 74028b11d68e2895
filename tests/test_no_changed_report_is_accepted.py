"""ATTACK: an exported report is changed on its way, by somebody who has the file and not the key.

VERIFIES: no changed file is accepted, neither by our verifier nor by one in Go that shares no code with it, whatever was changed:
bytes, files, names, forms, digests made to fit, another key, a checkpoint of another day. What a change leaves as it was in every
file's content (a date in the zip, how a file is packed) is a change too: a report is the same byte for byte, or it is none.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from console.ledger.bundle import verify_bundle
from console.reports.exporting import Wanted, export
from models.words import Log
from tests.asking_go import ask_go
from tests.changed_bundles import WAYS, changed, files_of, packed
from tests.portals import open_portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.asking_go import Ask
    from tests.counted import Counted

__all__ = ["ask_go"]

SEED = 20261122
ROUNDS = 250
WHOLE = 10_000
AT_ONCE = 100
"""Bundles given to Go in one go."""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[bytes]]:
    """The public key of a portal, and reports of it in all formats: of everything, of a part, of one record, of different days."""
    folder = tmp_path_factory.mktemp("bundles")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    school = portal.school()
    made = []
    wanted: tuple[dict[str, Any], ...] = (
        {"format": "csv"},
        {"format": "jsonl", "where": "no:1,5,9", "reasons": True},
        {"format": "html", "where": "no:>=3"},
        {"format": "xlsx", "where": "no:2"},
        {"format": "csv", "where": "no:<9", "names": True, "party": 'Büro <\u2028> \\"', "purpose": "audit"},
    )
    for number, each in enumerate(wanted):
        cases = [portal.registration(portal.student(school=school)) for _ in range(6)]
        for case in cases[:3]:
            portal.decide("registrations", "approve", case, reason='=cmd|"\u202e\x07\nsecond line')
        portal.undo(portal.decide("registrations", "approve", *cases[3:], reason="roster match").batch or "")
        out = folder / f"{number}.zip"
        export(portal.office, portal.operator(), Wanted(out=out, **each), f"export-{number}")
        made.append(out.read_bytes())
    portal.office.engine.dispose()
    return portal.office.signer.key(Log.LEDGER).vkey, made


def test_go_accepts_every_report_of_ours(bundles: tuple[str, list[bytes]], ask_go: Ask) -> None:
    key, reports = bundles
    for answer in ask_go([{"Kind": "bundle", "Key": key, "Data": data} for data in reports]):
        assert answer["Accepted"], answer["Reason"]


def test_packing_anew_without_change_is_the_same_file(bundles: tuple[str, list[bytes]]) -> None:
    """Otherwise half of the campaign would fail for the wrong reason."""
    for data in bundles[1]:
        assert packed(list(files_of(data).items())) == data


@pytest.mark.campaign
def test_no_changed_report_is_accepted_by_us_or_by_go(
    bundles: tuple[str, list[bytes]], ask_go: Ask, tmp_path: Path, whole: bool, counted: Counted
) -> None:
    key, reports = bundles
    rounds = WHOLE if whole else ROUNDS
    accepted, differ = [], []
    done = dict.fromkeys((way.__name__.removeprefix("_") for way in WAYS), 0)
    file = tmp_path / "changed.zip"
    for first in range(0, rounds, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, rounds))
        made = [changed(random.Random(f"{SEED} {number}"), reports) for number in numbers]
        answers = ask_go([{"Kind": "bundle", "Key": key, "Data": data} for _, data in made])
        for number, (way, data), answer in zip(numbers, made, answers, strict=True):
            file.write_bytes(data)
            verdict = verify_bundle(file, key)
            done[way] += 1
            said = f"{number} {way}: ours {verdict.sentences}, Go's {answer.get('Reason')}"
            if verdict.holds or answer["Accepted"]:
                accepted.append(said)
            if verdict.holds != answer["Accepted"]:
                differ.append(said)
    counted(
        "Report bundles changed, our verifier and Go's",
        changed=rounds,
        kinds=len(WAYS),
        accepted=len(accepted),
        judged_differently=len(differ),
    )
    assert not accepted, accepted[:5]
    assert not differ, differ[:5]
    assert min(done.values()) > 0
