"""`district operators list|add`: who works here. Signing in comes later; until then `--operator` names one of them."""

from __future__ import annotations

import click

from console.authority import Role
from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write_rows


@click.group("operators")
def command() -> None:
    """Who works here, in which role, for which schools."""


@command.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, form: str) -> None:
    """List the operators."""
    from console.operators import operators

    office = open_office(ctx)
    rows = [
        {
            "id": each.id,
            "state": each.status,
            "name": each.name,
            "role": each.role,
            "schools": [str(school) for school in each.schools] or ["all"],
            "unattended": each.unattended,
        }
        for each in operators(office, who(ctx))
    ]
    columns = ("id", "name", "role", "schools", "unattended", "state")
    write_rows(rows, columns, form, titles={"id": "No."}, right=("id",))


@command.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="See district roles.")
@click.option(
    "--school", "schools", multiple=True, metavar="CODE", help="Only this school; may be given several times."
)
@click.option("--unattended", is_flag=True, help="A program, as the nightly import, and no person.")
@click.pass_context
def add(ctx: click.Context, name: str, role: str, schools: tuple[str, ...], unattended: bool) -> None:
    """Add an operator NAME, on record."""
    from console.operators import add_operator

    office = open_office(ctx)
    number = add_operator(office, who(ctx), name, Role(role), schools, unattended=unattended)
    say(f"Operator {number} was added; district roles says what they may do.")
