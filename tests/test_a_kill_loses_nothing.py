"""kill -9 of the console in the middle of a bulk decision: all of it or none of it is there afterwards, and what was said holds."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, cast

import pytest

from console.settings import Settings
from tests.crowd import crowd
from tests.forked import Call, Forked
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import open_portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.counted import Counted
    from tests.services.postgres import Cluster

ROWS = 500
KILLS = 50
KILLS_WHOLE = 1000
SEED = 20261122
LONGER, SHORTER = 1.03, 0.96
"""What a kill that came too early, and one that came too late, make of the time in which the next may come."""
WARM = (Call("warm 1", params={"reason": "fits"}), Call("warm 2", undo=""))


def next_call(key: str, last: str | None, params: dict[str, str]) -> Call:
    """Approve what waits; where everything is approved, by the batch `last`, take that back."""
    return Call(key, undo=last) if last is not None else Call(key, params=params)


def campaign(folder: Path, url: str, kills: int) -> Counts:
    """So many kills, each at a moment between the call and a little later than its end, however busy the machine is by then."""
    portal = open_portal(url, folder)
    crowd(portal, ROWS)
    config = folder / "district.toml"
    config.write_text(Settings.example({"database.url": url, "portal.origin": "test.example/ledger"}), encoding="utf-8")
    journal, counts, dice = Journal(folder / "journal"), Counts(), random.Random(SEED)
    judge = Judge(portal, journal, counts)
    last: str | None = None
    latest = 0.0
    with Forked(config, warm=WARM) as consoles:
        for n in range(-2, kills):
            key = f"kill {n}"
            journal.asked(key)
            consoles.call(next_call(key, last, {"reason": "fits"}))
            if n < 0:
                began = time.monotonic()
                told = consoles.ended()
                latest = time.monotonic() - began
            else:
                time.sleep(dice.uniform(0, latest))
                told = consoles.kill()
                latest *= SHORTER if told else LONGER
                counts.runs += 1
            journal.answered(key, Said.of(told))
            judge.recover()
            there = judge.look()
            if key in there:
                last = there[key] if last is None else None
    judge.verified()
    portal.office.engine.dispose()
    journal.close()
    return counts


@pytest.mark.campaign
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_kill_in_a_bulk_decision_leaves_all_or_nothing(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, whole: bool, counted: Counted
) -> None:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    if engine == "postgresql":
        url = cast("Cluster", request.getfixturevalue("postgres")).fresh_database()
    counts = campaign(tmp_path, url, KILLS_WHOLE if whole else KILLS)
    counted(f"kill -9 of the console in a bulk decision, {engine}", **counts.told())
    counts.clean()
    assert 0 < counts.saved < counts.runs
