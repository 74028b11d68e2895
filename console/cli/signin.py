"""`district signin`: name, password and code at the terminal, and a session that is kept for the commands that follow."""

from __future__ import annotations

import click

from console.cli.opening import open_office, session
from console.cli.output import say
from console.cli.signing import ask_in, keep, sessions_of
from models.words import SessionKind


@click.command("signin")
@click.argument("name", required=False, default="")
@click.pass_context
def command(ctx: click.Context, name: str) -> None:
    """Sign in: NAME, password, and a code of your second factor, asked for at the terminal.

    The sign-in is kept for commands that follow, as sudo does, and ends after signin.line_minutes without one. With a one-time
    word in place of the password (at the first sign-in) you set a password and a second factor; who has a password in the
    district's directory types that, and the word in place of the code.
    """
    office = open_office(ctx)
    sessions_of(office)
    operator = keep(office, ask_in(office, name or session(ctx).operator_name, SessionKind.LINE))
    minutes = office.settings.signin.line_minutes
    say(
        f"Signed in as {operator.name}, {operator.role.replace('_', ' ')}, until {minutes} minutes pass without a command."
    )
