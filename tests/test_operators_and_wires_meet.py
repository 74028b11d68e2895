"""Two operators on one case: one wins, the other is told. A connection lost at the commit: the console finds out, or says so."""

from __future__ import annotations

import fcntl
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.desks import desk
from console.errors import Unavailable
from console.office import Office
from console.selection import Selection
from models import tables as t
from models.engine import open_engine, reading
from tests.portals import Portal, open_portal
from tests.services.postgres import as_role
from tests.services.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from console.selection import Receipt
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


def after(office: Office, words: str, act: Callable[[], object], nth: int = 1) -> None:
    """Do something once, right after this console's `nth` statement with these words."""
    left = [nth]

    @sa.event.listens_for(office.engine, "after_cursor_execute")
    def _done(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        left[0] -= words in statement
        if not left[0]:
            left[0] = -1
            act()


def two_cases(postgres: Cluster, folder: Path) -> Portal:
    portal = open_portal(postgres.fresh_database(), folder)
    school = portal.school()
    for _ in range(2):
        portal.registration(portal.student(school=school))
    return portal


def test_what_is_chosen_again_is_locked_too(postgres: Cluster, tmp_path: Path) -> None:
    """A case that began to wait between our two looks was chosen without a lock, and a suspension after that was overwritten."""
    portal = two_cases(postgres, tmp_path)
    portal.decide("registrations", "approve", 2)
    office = office_at(portal, portal.settings.database.url)

    def others() -> None:
        portal.decide("registrations", "ask", 1, message="Which school?")
        portal.decide("registrations", "unapprove", 2, reason="too early")

    until = portal.today + timedelta(days=9)
    after(office, "INSERT INTO chosen", others)
    after(
        office,
        "INSERT INTO chosen",
        lambda: portal.change(t.membership, 2, status="suspended", resumes_as="approved", suspended_until=until),
        nth=2,
    )
    receipt = Portal(office, portal.settings, portal.clock, _calls=100).decide("registrations", "approve", 1, 2)
    assert portal.one(t.membership, 2).status == "suspended"
    assert (receipt.done, [skip.id for skip in receipt.skipped]) == (1, [2])
    for each in (office, portal.office):
        each.engine.dispose()


def test_a_rejection_and_an_approval_wait_for_each_other_in_one_order(postgres: Cluster, tmp_path: Path) -> None:
    """A rejection only writes to the account: it met approvals, which lock the account first, in the other order."""
    portal = two_cases(postgres, tmp_path)
    rejecting, approving = (office_at(portal, portal.settings.database.url) for _ in range(2))
    begun: list[str] = []
    for name, office in (("reject", rejecting), ("approve", approving)):
        after(office, "INSERT INTO chosen", lambda name=name: begun.append(name))
        sa.event.listen(
            office.engine, "rollback", lambda _, name=name: begun.append(f"{name} again")
        )  # a transaction that is repeated was rolled back first
    other = threading.Thread(
        target=lambda: Portal(approving, portal.settings, portal.clock).decide("registrations", "approve", 1, 2)
    )

    watching = open_engine(as_role(portal.settings.database.url, "postgres"))

    def meet() -> None:
        other.start()
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        while other.is_alive():
            with reading(watching) as connection:
                if connection.execute(waiting).scalar_one():
                    return

    after(rejecting, "UPDATE OF registration", meet)
    receipt = Portal(rejecting, portal.settings, portal.clock, _calls=100).decide(
        "registrations", "reject", 1, 2, reason="no"
    )
    other.join()
    assert receipt.done == 2
    assert begun == ["reject", "approve"]
    for engine in (rejecting.engine, approving.engine, portal.office.engine, watching):
        engine.dispose()


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


def test_a_commit_that_was_found_out_is_said_whatever_becomes_of_its_signature(
    wired: tuple[Portal, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.ledger.waiting.PATIENCE", 0.1)
    portal, wire = wired
    with wire, (portal.settings.keys.state / "ledger.lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        wire.cut(b"COMMIT", "after", once=WRITTEN)
        assert approve(portal).again


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
