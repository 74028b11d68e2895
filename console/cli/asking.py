"""The question before many cases: how many, the first of them, who is left out. Default no; never asked of a pipe."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import say
from console.errors import Refused

if TYPE_CHECKING:
    from console.authority import Operator
    from console.desk import Decision, Desk
    from console.office import Office
    from console.selection import Selection


def ask(
    office: Office,
    operator: Operator,
    desk: Desk,
    decision: Decision,
    selection: Selection,
    params: Any,
    *,
    keyed: bool,
) -> Selection:
    """Ask where a person is there to answer and the decision wants it; the selection then holds to what was shown.

    A call with a key of its own stays as it was typed, so that repeating it finds its receipt. Raises Refused for no.
    """
    if selection.single or not sys.stdin.isatty():
        return selection
    shown = selection if keyed else replace(selection, watermark=office.size())
    plan = office.plan(operator, desk, decision, shown, params)
    if not plan.typed_count or not plan.count:
        return shown
    say(f"{decision.title}: {plan.count:,} {desk.name}. Access opens for {plan.opens:,}, closes for {plan.closes:,}.")
    say("First: " + ", ".join(_named(office, operator, desk, plan.first)))
    if plan.skipped_count:
        whys = ", ".join(sorted({each.why for each in plan.skipped}))
        say(f"Left out: {plan.skipped_count:,} ({whys}).")
    if not click.confirm("Do it?", default=False, err=True):
        raise Refused("Nothing was done.")
    return shown


def _named(office: Office, operator: Operator, desk: Desk, ids: tuple[int, ...]) -> list[str]:
    """The first cases by number and by what the queue calls them, masked as everywhere."""
    from console.rows import rows_of

    column = next((n for n, each in enumerate(desk.columns) if each.grows), 0)
    return [f"{row.id} {row.cells[column].text}" for row in rows_of(office, operator, desk, ids)]
