"""`district batches`: your last decisions, with the names that `district undo` takes."""

from __future__ import annotations

import click

from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write_rows

COLUMNS = ("id", "at", "desk", "decision", "done", "state")


@click.command("batches")
@click.option("--all", "everybody", is_flag=True, help="Every operator's, for who may see the audit.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many at most.")
@format_option
@click.pass_context
def command(ctx: click.Context, everybody: bool, limit: int, form: str) -> None:
    """List your last decisions, the latest first, with the names that undo takes.

    After a lost connection, look here: what is listed was done, what is not was not.
    """
    from console.batches import batches

    office = open_office(ctx)
    made = batches(office, who(ctx), everybody=everybody, limit=limit)
    rows = [
        {
            "id": each.id,
            "state": "undone" if each.undone_by else "done",
            "at": each.at,
            "operator": each.operator,
            "desk": each.desk,
            "decision": each.decision,
            "done": each.done,
            "undone_by": each.undone_by,
        }
        for each in made
    ]
    columns = (*COLUMNS[:2], "operator", *COLUMNS[2:]) if everybody else COLUMNS
    write_rows(rows, columns, form, titles={"id": "Batch", "at": "When"}, right=("done",))
    if not rows:
        say("No decision yet.")
