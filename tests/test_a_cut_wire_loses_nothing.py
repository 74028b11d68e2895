"""The connection to the database is cut before, during and after COMMIT: the console says what it knows, and the same call finds out.

A wire of the test's own stands between console and PostgreSQL and is cut at a chosen byte of the message or of its answer
(tests/services/wire.py). The judge looks past the wire.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest
import sqlalchemy as sa

from console.office import Office
from models.engine import open_engine
from tests.crowd import crowd
from tests.forked import Call, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import open_portal
from tests.services.postgres import APP
from tests.services.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from tests.counted import Counted
    from tests.services.postgres import Cluster

ROWS = 60
CUTS = 15
CUTS_WHOLE = 500
SEED = 20261122
MESSAGE, ANSWER = 12, 18
"""Bytes of PostgreSQL's COMMIT and of what it answers: done, and ready for the next."""
LAST = b"INSERT INTO batch"
"""The last thing that a decision writes before it commits."""
EARLIER = (b"FOR UPDATE", b"UPDATE registration", b"COPY record", LAST)
FOR_GOOD = 12
"""One cut of so many is for good: nobody is there to be asked, and finding out takes three seconds until the console gives up."""


@dataclass(frozen=True)
class Where:
    """A place to cut at."""

    word: bytes
    when: Literal["before", "after"]
    passed: int
    reset: bool
    for_good: bool


def place(dice: random.Random) -> Where:
    """Half of the cuts in the answer to COMMIT, a quarter in the message itself, a quarter earlier."""
    kind = dice.randrange(4)
    reset, for_good = dice.random() < 0.5, dice.randrange(FOR_GOOD) == 0
    if kind == 0:
        return Where(dice.choice(EARLIER), dice.choice(("before", "after")), 0, reset, for_good)
    if kind == 1:
        return Where(b"COMMIT", "before", dice.randrange(MESSAGE + 1), reset, for_good)
    return Where(b"COMMIT", "after", dice.randrange(ANSWER + 1), reset, for_good)


def test_what_the_bulk_path_is_refused_is_said_in_one_sentence(postgres: Cluster, tmp_path: Path) -> None:
    """COPY goes past SQLAlchemy, and so did its errors: the console called a disk that was full its own fault."""
    portal = open_portal(postgres.fresh_database(), tmp_path)
    crowd(portal, ROWS)
    call = Call("once", params={"reason": "fits"})
    with portal.owning() as connection:
        connection.execute(sa.text(f"REVOKE INSERT ON record FROM {APP}"))
    told = carry_out(portal.office, portal.operator(), call)
    assert "does not let the console's role do that; nothing was done" in told["error"]
    with portal.owning() as connection:
        connection.execute(sa.text(f"GRANT INSERT ON record TO {APP}"))
    assert carry_out(portal.office, portal.operator(), call)["done"] == ROWS
    portal.office.engine.dispose()


@pytest.mark.campaign
def test_a_cut_around_the_commit_is_found_out(
    postgres: Cluster, tmp_path: Path, whole: bool, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh_database()
    portal = open_portal(url, tmp_path)
    crowd(portal, ROWS)
    journal, counts, dice = Journal(tmp_path / "journal"), Counts(), random.Random(SEED)
    judge = Judge(portal, journal, counts)
    o = portal.office
    address = sa.make_url(o.settings.database.url)
    assert address.port is not None
    last, unknown, found = None, 0, 0
    if not whole:
        monkeypatch.setattr("console.office.sleep", lambda _: None)
    with Wire(address.port) as wire:
        over = address.set(port=wire.port).render_as_string(hide_password=False)
        office = Office(open_engine(over), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance)
        operator = office.operator("administrator")
        for n in range(CUTS_WHOLE if whole else CUTS):
            call = Call(f"cut {n}", undo=last) if last is not None else Call(f"cut {n}", params={"reason": "fits"})
            at = place(dice)
            journal.asked(call.key)
            once = LAST if at.word == b"COMMIT" else b""
            wire.cut(at.word, at.when, passed=at.passed, once=once, for_good=at.for_good, reset=at.reset)
            told = carry_out(office, operator, call)
            said = Said.of(told)
            counts.runs += wire.mend()
            journal.answered(call.key, said)
            unknown += said.outcome == "unknown"
            found += bool(told.get("again"))
            judge.recover()
            there = judge.look().get(call.key)
            journal.asked(call.key)
            again = Said.of(carry_out(office, operator, call))
            journal.answered(call.key, again)
            if there is not None and again.batch != there:
                counts.note("phantom", f"{call} at {at} is {there}, and the same call gives {again}")
            if again.outcome != "saved":
                counts.note("lost", f"{call} at {at} cannot be done afterwards: {again}")
            judge.recover()
            judge.look()
            last = again.batch if last is None else None
    judge.verified()
    counted(
        "the connection cut before, during and after COMMIT",
        **counts.told(),
        found_out_at_once=found,
        said_not_known=unknown,
    )
    for each in (office, portal.office):
        each.engine.dispose()
    journal.close()
    counts.clean()
    assert unknown
    assert found
