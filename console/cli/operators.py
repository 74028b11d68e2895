"""`district operators add|invite|enrol`: what the operators desk cannot do by a decision about somebody who is there already."""

from __future__ import annotations

import click

from console.authority import Role
from console.cli import terminal_lines
from console.cli.opening import open_office, who
from console.cli.output import say, write


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


@command.command("invite")
@click.argument("name")
@click.pass_context
def invite(ctx: click.Context, name: str) -> None:
    """Print a one-time word for operator NAME, who sets up a sign-in with it: in person, on paper, by telephone.

    For who works here and has no second factor yet, or was reset. It asks for your code, and is on record.
    """
    from console.errors import CodeNeeded
    from console.operators import invite_operator

    office = open_office(ctx)
    operator = who(ctx)
    try:
        word = invite_operator(office, operator, name)
    except CodeNeeded as needed:
        if not terminal_lines.there():
            raise
        say("This asks for a code of your second factor.")
        office.step_up(operator, needed.digest, terminal_lines.line("Code: ", secret=True).strip())
        word = invite_operator(office, operator, name)
    say(
        f"For {office.settings.signin.invitation_hours} hours, once; {name} types it at: district operators enrol {name}"
    )
    write(word)


@command.command("enrol")
@click.argument("name", required=False, default="")
@click.option("--renew", is_flag=True, help="Set up a new second factor and password; asks for the ones you have.")
@click.option("--keep-password", is_flag=True, help="With --renew: a new second factor alone.")
@click.pass_context
def enrol(ctx: click.Context, name: str, *, renew: bool, keep_password: bool) -> None:
    """Set up your own sign-in: a password, a second factor, recovery codes. It asks for the one-time word you were given."""
    from console.cli.enrolling import set_up
    from console.errors import Refused
    from console.signin.enrolling import invited, proved

    if not terminal_lines.there():
        raise Refused(
            "There is no terminal to ask at; nothing was set up. Run this where you can type, over SSH with ssh -t."
        )
    office = open_office(ctx)
    if renew:
        operator = who(ctx)
        password = terminal_lines.line("Password: ", secret=True)
        code = terminal_lines.line("Code, or a recovery code: ", secret=True).strip()
        set_up(office, proved(office, office.directory, operator, password, code), keep_password=keep_password)
        return
    name = name or terminal_lines.line("Name: ").strip()
    set_up(office, invited(office, name, terminal_lines.line("One-time word: ", secret=True)))
