"""`district operators add|invite|enrol`: what the operators desk cannot do by a decision about somebody who is there already."""

from __future__ import annotations

import click

from console.authority import Role
from console.cli.opening import open_office, who
from console.cli.output import say


@click.group("operators")
def command() -> None:
    """Who works here, in which role, for which schools."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="See district roles.")
@click.option(
    "--school", "schools", multiple=True, metavar="CODE", help="Only this school; may be given several times."
)
@click.option("--email", default="", metavar="ADDRESS", help="Where they are told of what waits for them.")
@click.option(
    "--directory", is_flag=True, help="NAME signs in with the district's directory and keeps no password here."
)
@click.option("--unattended", is_flag=True, help="A program, as the nightly import, and no person; it gets a key file.")
@click.option("--break-glass", is_flag=True, help="For the day on which nothing else works; its use is announced.")
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    role: str,
    schools: tuple[str, ...],
    email: str,
    *,
    directory: bool,
    unattended: bool,
    break_glass: bool,
) -> None:
    """Propose an operator NAME, on record. They work here once another operator confirmed it: district operators enable."""
    from console.errors import Usage
    from console.operators import Hired, add_operator
    from models.words import OperatorOrigin

    if directory and unattended:
        raise Usage("A program is in no directory; nobody was added. Leave --directory or --unattended out.")
    origin = OperatorOrigin.LOCAL
    if unattended or directory:
        origin = OperatorOrigin.PROGRAM if unattended else OperatorOrigin.DIRECTORY
    office = open_office(ctx)
    number = add_operator(
        office, who(ctx), Hired(name, Role(role), schools, origin, email=email, break_glass=break_glass)
    )
    say(f"Operator {number} was proposed. Let them work here with: district operators enable --ids {number}")
    if unattended:
        from console.signin.programs import key_file

        say(f"Their key is {key_file(office.settings, name)}; only the program's own user may read it.")
