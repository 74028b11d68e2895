"""`district notices`: what people are told – what is held, what was sent, withdrawn, failed – and each one word for word."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write, write_json, write_rows
from models.words import NoticeState

if TYPE_CHECKING:
    from console.notices.reading import Listed

STATES = tuple(str(state) for state in NoticeState)
COLUMNS = ("id", "state", "template", "desk", "case", "to", "when", "attempts", "error")


@click.group("notices")
def command() -> None:
    """What people are told: held, sent, withdrawn, failed.

    A decision puts its notices here in its own transaction and holds them, so that undoing it withdraws them; district work
    sends them. `unknown` may have arrived: the line broke at the very end, and nothing is sent twice.
    """


@command.command("list")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only these; may be repeated.")
@click.option("--batch", metavar="BATCH", default="", help="Only those of one decision, as district batches names it.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many at most.")
@format_option
@click.pass_context
def list_notices(ctx: click.Context, states: tuple[str, ...], batch: str, limit: int, form: str) -> None:
    """List notices, the latest first."""
    from console.errors import Usage
    from console.ids import read_batch_id
    from console.notices.reading import notices

    if batch:
        try:
            batch = read_batch_id(batch)
        except ValueError:
            raise Usage("A batch is written like 7K2M-9QXH; look it up with district batches.") from None
    found = notices(open_office(ctx), who(ctx), states=states, batch=batch, limit=limit)
    write_rows([_row(each) for each in found], COLUMNS, form, titles={"id": "No."}, right=("id", "case", "attempts"))
    if not found:
        say("No notice matches.")


@command.command("show")
@click.argument("number", type=click.IntRange(1, 2**63 - 1), metavar="ID")
@format_option
@click.pass_context
def show_notice(ctx: click.Context, number: int, form: str) -> None:
    """Show one notice exactly as it will be sent.

    A notice is written when it is sent: for one that was sent already this is how it would read today. That it was opened is
    recorded.
    """
    from console.notices.reading import notice

    office = open_office(ctx)
    shown = notice(office, who(ctx), number)
    office.accesses.flush()
    row = _row(shown.listed) | {
        "address": shown.address,
        "message_id": shown.message_id,
        "subject": shown.subject,
        "text": "\n".join(shown.lines),
    }
    if form == "json":
        write_json(row)
    elif form == "csv":
        write_rows([row], tuple(row), form)
    else:
        for title, value in (
            ("State", f"{row['state']} {row['error']}".strip()),
            ("To", shown.address or "(no address that can be written to)"),
            ("Subject", shown.subject),
            ("", ""),
        ):
            write(f"{title + ':':<9}{value}" if title else "")
        for line in shown.lines:
            write(line)


def _row(listed: Listed) -> dict[str, Any]:
    return asdict(listed) | {"when": listed.sent_at or listed.not_before}
