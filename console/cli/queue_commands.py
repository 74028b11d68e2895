"""`list` and `show`: a desk's queue and one case with everything beside it, as on the screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import open_office, who
from console.cli.output import format_option, plain, say, write_csv, write_json, write_table
from console.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from console.browse import Browse
    from console.case_view import CaseView
    from console.desk import Desk, Value
    from console.queue import Column

ON_A_TERMINAL = 50
"""Rows that a person gets who did not say how many; a pipe gets all."""

ALL = 2**31 - 1


def list_command(desk: Desk) -> click.Command:
    """`district <desk> list`."""

    @click.command("list", help=f"List the {desk.singular}s.")
    @click.option("--where", default="", metavar="FILTER", help=_where(desk))
    @click.option(
        "--order",
        type=click.Choice([each.name for each in desk.columns if each.sortable]),
        help=f"By which column.  [default: {desk.order}]",
    )
    @click.option("--desc/--asc", "descending", default=None, help="From the greatest down, or from the least up.")
    @click.option(
        "--limit",
        type=click.IntRange(0, ALL),
        help=f"Rows at most, 0 for all.  [default: {ON_A_TERMINAL} on a terminal]",
    )
    @format_option
    @click.pass_context
    def command(
        ctx: click.Context, where: str, order: str | None, descending: bool | None, limit: int | None, form: str
    ) -> None:
        from console.browse import Order

        office = open_office(ctx)
        by = order or desk.order
        down = descending if descending is not None else (desk.descending and by == desk.order)
        queue = office.queue(who(ctx), desk, where, Order(by, down))
        if limit is None:
            limit = ON_A_TERMINAL if form == "table" and sys.stdout.isatty() else 0
        shown = _write(queue, limit or ALL, form)
        _say_how_many(queue, desk, shown, cut=bool(limit) and shown == limit)

    return command


def _where(desk: Desk) -> str:
    names = ", ".join(f"{each.name}:" for each in desk.terms)
    return f"Only what matches; knows {names} and words." if names else "Only what matches the words."


def _write(queue: Browse, limit: int, form: str) -> int:
    if form == "table":
        rows = queue.first(limit)
        places = _drawn(queue.columns)
        write_table(
            [safe(queue.columns[n].title) for n in places],
            [[row.cells[n].text for n in places] for row in rows],
            [queue.columns[n].right for n in places],
            tones=[[row.cells[n].tone for n in places] for row in rows],
        )
        return len(rows)
    written = 0

    def counted() -> Iterator[dict[str, Value]]:
        nonlocal written
        for each in queue.records(limit):
            written += 1
            yield each

    if form == "json":
        write_json(counted())
    else:
        write_csv(counted(), list(dict.fromkeys(["id", "state", *(each.name for each in queue.columns)])))
    return written


def _drawn(columns: Sequence[Column]) -> list[int]:
    """The places of the columns that a terminal has room for, as the screens choose them; all where the output is no terminal."""
    if not sys.stdout.isatty():
        return list(range(len(columns)))
    from shutil import get_terminal_size

    from console.columns import fit

    return [n for n, width in enumerate(fit(columns, get_terminal_size().columns)) if width]


def _say_how_many(queue: Browse, desk: Desk, shown: int, *, cut: bool) -> None:
    if not shown:
        say(desk.empty)
    elif cut:
        count = queue.count()
        if count.number > shown or count.capped:
            more = f"over {count.number:,}" if count.capped else f"{count.number:,}"
            say(f"{shown:,} of {more} shown; --limit 0 shows all.")


def show_command(desk: Desk) -> click.Command:
    """`district <desk> show ID`."""

    @click.command(
        "show",
        help=f"Show one {desk.singular} with everything beside it; that you looked is recorded.",
        # A number may be below zero: records of the log of accesses are.
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("id", type=click.IntRange(-(2**63), 2**63 - 1), metavar="ID")
    @format_option
    @click.pass_context
    def command(ctx: click.Context, id: int, form: str) -> None:  # noqa: A002 - the argument's name in messages
        office = open_office(ctx)
        case = office.case(who(ctx), desk, id)
        office.accesses.flush()
        if form == "json":
            write_json(_as_json(case))
        elif form == "csv":
            write_csv(
                [
                    {"part": part.title, "fact": fact.label, "text": fact.text}
                    for part in case.parts
                    for fact in part.facts
                ],
                ["part", "fact", "text"],
            )
        else:
            _draw(desk, case)

    return command


def _as_json(case: CaseView) -> dict[str, Any]:
    return {
        "id": case.id,
        "state": case.state,
        "desk": case.desk,
        "title": case.title,
        "parts": [
            {
                "title": part.title,
                "facts": [{"label": fact.label, "text": fact.text, "tone": fact.tone} for fact in part.facts],
            }
            for part in case.parts
        ],
        "thread": [{"at": plain(each.at), "author": each.author, "text": list(each.text)} for each in case.thread],
        "decisions": dict(case.decisions),
    }


def _draw(desk: Desk, case: CaseView) -> None:
    from console.cli.drawing import write_pairs, write_title

    write_title(f"{desk.singular.capitalize()} {case.id}", f"{case.title} · {case.state.replace('_', ' ')}")
    for part in case.parts:
        write_pairs(part.title, [(fact.label, fact.text, fact.tone) for fact in part.facts])
    if case.thread:
        write_pairs("Thread", _thread(case))
    if case.decisions:
        write_pairs(
            "Decisions",
            [
                (name, safe(f"not now: {why}" if why else desk.decision(name).help), "dim" if why else "plain")
                for name, why in case.decisions.items()
            ],
        )


def _thread(case: CaseView) -> Sequence[tuple[str, Any, str]]:
    return [
        (
            f"{each.at:%Y-%m-%d %H:%M}" if not n else "",
            safe(f"{each.author}: {line}" if not n else f"  {line}"),
            "plain",
        )
        for each in case.thread
        for n, line in enumerate(each.text or (safe(""),))
    ]
