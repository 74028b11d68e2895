"""The right and the scope of a decision about very many cases are judged by the same few statements as of ten.

What a hundred thousand cost is measured by tests/measured/of_bulk.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from models import tables as t
from tests.applying import arrived

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.authority import Operator
    from tests.portals import Portal

TREE = 2
"""Statements by which two sizes of the log may differ."""


def statements(portal: Portal, work: Callable[[], object]) -> list[str]:
    """What is said to the database meanwhile. Where there is no COPY, rows go over some hundred at a time: that is said once."""
    said: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        into, values, _ = statement.partition(" VALUES (?")
        if not (values and said and said[-1].startswith(f"{into} VALUES")):
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
