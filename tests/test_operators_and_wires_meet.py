"""Two operators on one case: one wins, the other is told. A connection lost at the commit: the console finds out, or says so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.desks import desk
from console.errors import Unavailable
from console.office import Office
from console.selection import Selection
from models import tables as t
from models.engine import open_engine
from tests.portals import open_portal
from tests.services.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

    from console.selection import Receipt
    from tests.portals import Portal
    from tests.services.postgres import Cluster

OPERATORS = 4
CASES = 12
ROUNDS = 5
WRITTEN = b"INSERT INTO batch"
"""The last thing a decision writes before it commits."""


def office_at(portal: Portal, url: str) -> Office:
    """Another console on the same portal, with connections of its own."""
    o = portal.office
    return Office(open_engine(url), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance)


def test_one_operator_wins_and_the_others_are_told(portal: Portal, database_url: str) -> None:
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(CASES)]
    offices = [office_at(portal, database_url) for _ in range(OPERATORS)]
    operators = [portal.hire(f"operator {n}", "district_administrator") for n in range(OPERATORS)]
    registrations = desk("registrations")
    words = {"approve": {}, "reject": {"reason": "no"}}
    for round_ in range(ROUNDS):
        receipts: dict[int, Receipt] = {}
        start = threading.Barrier(OPERATORS)

        def decide(
            n: int, start: threading.Barrier = start, receipts: dict[int, Receipt] = receipts, r: int = round_
        ) -> None:
            name = ("approve", "reject")[n % 2]
            made = registrations.decision(name)
            start.wait()
            receipts[n] = offices[n].decide(
                operators[n], registrations, made, Selection(ids=tuple(cases)), made.Params(**words[name]), f"{r} {n}"
            )

        threads = [threading.Thread(target=decide, args=(n,)) for n in range(OPERATORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(receipts) == OPERATORS
        assert sum(receipt.done for receipt in receipts.values()) == CASES
        (winner,) = (n for n, receipt in receipts.items() if receipt.done)
        state = ("approved", "rejected")[winner % 2]
        assert {row.state for row in portal.all(sa.select(t.registration.c.state))} == {state}
        for n, receipt in receipts.items():
            if n != winner:
                assert {skip.why for skip in receipt.skipped} == {f"it is {state}"}
        batch = receipts[winner].batch
        assert batch is not None
        assert portal.undo(batch).done == CASES
    portal.office.seal()


@pytest.fixture
def wired(postgres: Cluster, tmp_path: Path) -> tuple[Portal, Wire]:
    """A portal reached over a wire that can be cut, with one registration."""
    url = postgres.fresh_database()
    portal = open_portal(url, tmp_path)
    portal.registration(portal.student(school=portal.school()))
    address = sa.make_url(url)
    assert address.port is not None
    wire = Wire(address.port)
    over = address.set(port=wire.port).render_as_string(hide_password=False)
    portal.office.engine.dispose()
    portal.office.engine = open_engine(over)
    return portal, wire


def approve(portal: Portal) -> Receipt:
    return portal.decide("registrations", "approve", 1, key="once")


def test_a_commit_whose_answer_was_lost_is_found_by_its_key(wired: tuple[Portal, Wire]) -> None:
    portal, wire = wired
    with wire:
        wire.cut(b"COMMIT", "after", once=WRITTEN)
        receipt = approve(portal)
        assert receipt.done == 1
        assert receipt.again
        assert portal.one(t.registration, 1).state == "approved"
        assert portal.office.size() == 1


def test_a_commit_that_never_arrived_is_not_called_saved(wired: tuple[Portal, Wire]) -> None:
    portal, wire = wired
    with wire:
        wire.cut(b"COMMIT", "before", once=WRITTEN)
        with pytest.raises(Unavailable, match="nothing was done"):
            approve(portal)
        assert portal.one(t.registration, 1).state == "submitted"
        assert approve(portal).done == 1
        assert portal.office.size() == 1


def test_when_nobody_answers_the_console_says_it_does_not_know(wired: tuple[Portal, Wire]) -> None:
    portal, wire = wired
    with wire:
        wire.cut(b"COMMIT", "after", once=WRITTEN, for_good=True)
        with pytest.raises(Unavailable, match="not known whether"):
            approve(portal)


def test_a_connection_lost_before_the_commit_did_nothing(wired: tuple[Portal, Wire]) -> None:
    portal, wire = wired
    with wire:
        wire.cut(b"UPDATE registration", "after")
        with pytest.raises(Unavailable, match="nothing was done"):
            approve(portal)
        assert portal.one(t.registration, 1).state == "submitted"
        assert portal.office.size() == 0
