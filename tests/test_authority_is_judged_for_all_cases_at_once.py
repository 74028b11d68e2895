"""The right and the scope of a decision about very many cases are judged by the same few statements as of ten.

`make bench` measures 100,000 on both engines.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.names import name_key
from models import tables as t
from tests.portals import NOON

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.authority import Operator
    from tests.portals import Portal

TREE = 2
"""Statements by which two sizes of the log may differ."""


def arrived(portal: Portal, school: int, number: int) -> None:
    """That many parents' applications at a school, each for a student of its own."""
    with portal.office.writing() as connection:
        first = 1 + (connection.execute(sa.select(sa.func.max(t.student.c.id))).scalar() or 0)
        ids = range(first, first + number)
        person = {"given_name": "Pat", "family_name": "Vale", "name_key": name_key("PatVale"), "family_key": "vale"}
        rows: dict[sa.Table, list[dict[str, Any]]] = {
            t.student: [
                {**person, "id": n, "source_id": f"s{n}", "number": str(n), "family_initial": "V.", "school_id": school}
                for n in ids
            ],
            t.account: [
                {
                    **person,
                    "id": n,
                    "type": "parent",
                    "login": f"p{n}",
                    "login_key": f"p{n}",
                    "status": "active",
                    "since": portal.today,
                }
                for n in ids
            ],
            t.membership: [
                {
                    "id": n,
                    "account_id": n,
                    "student_id": n,
                    "status": "limited",
                    "arrival_status": "limited",
                    "since": portal.today,
                }
                for n in ids
            ],
            t.registration: [
                {
                    **person,
                    "id": n,
                    "ref": f"r{n}",
                    "kind": "parent",
                    "arrived_at": NOON,
                    "account_id": n,
                    "student_id": n,
                    "membership_id": n,
                    "school_id": school,
                    "skeleton": "patvale",
                    "email": "",
                    "email_key": "",
                    "phone": "",
                    "phone_key": "",
                    "student_number": str(n),
                    "facts": 7,
                    "match": 3,
                }
                for n in ids
            ],
        }
        for table, listed in rows.items():
            connection.execute(table.insert(), listed)


def statements(portal: Portal, work: Callable[[], object]) -> list[str]:
    """What is said to the database meanwhile."""
    said: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    sa.event.listen(portal.office.engine, "before_cursor_execute", listen)
    try:
        work()
    finally:
        sa.event.remove(portal.office.engine, "before_cursor_execute", listen)
    return said


def two_schools(portal: Portal, number: int) -> tuple[Operator, int]:
    """The operator of a school, and how many applications it has; another school has as many."""
    ours, theirs = portal.school("Lincoln"), portal.school("Roosevelt")
    arrived(portal, ours, number)
    arrived(portal, theirs, number)
    return portal.hire("clerk", "help_desk", (ours,)), number


def test_a_plan_a_decision_and_an_undo_of_a_thousand_cases_cost_the_statements_of_ten(portal: Portal) -> None:
    clerk, few = two_schools(portal, 10)
    many = portal.school("Harbor")
    arrived(portal, many, 1_000)
    counted = [walked(portal, clerk, few), walked(portal, portal.hire("registrar", "help_desk", (many,)), 1_000)]
    assert counted[0][0] == counted[1][0]
    # The log's tree is read and written by its nodes of this size: as many as its size has ones.
    assert all(abs(less - more) <= TREE for less, more in zip(*counted, strict=True)), counted
    assert not portal.all(sa.select(t.registration.c.id).where(t.registration.c.state == "approved"))


def walked(portal: Portal, who: Operator, number: int) -> list[int]:
    """The statements of a plan, the decision and its undo by this operator, whose cases are that many."""
    receipts: list[Any] = []

    def plan() -> None:
        assert portal.plan("registrations", "approve", where="state:submitted", by=who).count == number

    def approve() -> None:
        receipts.append(portal.decide("registrations", "approve", where="state:submitted", by=who))

    def undo() -> None:
        receipts.append(portal.undo(receipts[0].batch, by=who))

    counted = [len(statements(portal, work)) for work in (plan, approve, undo)]
    assert [each.done for each in receipts] == [number, number]
    return counted


@pytest.mark.bench
def test_bench_a_hundred_thousand(portal: Portal) -> None:
    clerk, number = two_schools(portal, 100_000)
    for name, work in (
        ("plan", lambda: portal.plan("registrations", "approve", where="state:submitted", by=clerk)),
        ("approve", lambda: portal.decide("registrations", "approve", where="state:submitted", by=clerk)),
    ):
        began = time.perf_counter()
        said = statements(portal, work)
        took = time.perf_counter() - began
        print(f"{portal.office.engine.dialect.name} {name} of {number:,}: {len(said)} statements, {took:.1f} s")  # noqa: T201
