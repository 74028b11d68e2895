"""`district find TEXT`: a person from anywhere, masked as everywhere."""

from __future__ import annotations

import click

from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write_rows
from console.errors import Exit


@click.command("find")
@click.argument("text", nargs=-1, required=True)
@format_option
@click.pass_context
def command(ctx: click.Context, text: tuple[str, ...], form: str) -> int:
    """Find a person anywhere: students, logins, contacts.

    TEXT is the beginning of a name, login or e-mail address, or a whole number. What your role or schools do not see
    is not found, and a masked student only by number or code.
    """
    from console.finding import find

    office = open_office(ctx)
    found = find(office, who(ctx), " ".join(text))
    rows = [
        {
            "kind": each.kind,
            "id": each.id,
            "name": each.name,
            "detail": each.detail,
            "desk": each.desk,
            "case": each.case,
            "where": each.where,
        }
        for each in found.hits
    ]
    write_rows(rows, ("kind", "id", "name", "detail", "desk"), form, titles={"id": "No."}, right=("id",))
    if found.more:
        say("There are more; type more of the name.")
    if not rows:
        say("Nobody was found.")
    return Exit.DONE if rows else Exit.REFUSED
