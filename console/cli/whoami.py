"""`district whoami`: who is signed in here."""

from __future__ import annotations

import click

from console.cli.opening import who
from console.cli.output import format_option, write, write_json


@click.command("whoami")
@format_option
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Say who is signed in here, in which role, for which schools."""
    operator = who(ctx)
    schools = sorted(operator.schools) if operator.schools is not None else []
    if form == "json":
        write_json({"name": operator.name, "role": str(operator.role), "schools": schools})
    else:
        scope = f"{len(schools)} schools" if schools else "all schools"
        write(f"{operator.name}, {operator.role.replace('_', ' ')}, {scope}")
