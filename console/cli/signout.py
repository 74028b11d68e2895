"""`district signout`: the session that is kept ends, or all of one's own, wherever they are open."""

from __future__ import annotations

import os

import click

from console.cli.opening import open_office
from console.cli.output import say
from console.cli.signing import key_now, resumed, sessions_of
from console.errors import Refused, SignedOut


@click.command("signout")
@click.option("--everywhere", is_flag=True, help="End all your sessions, wherever they are open.")
@click.pass_context
def command(ctx: click.Context, everywhere: bool) -> None:
    """Sign out, here or everywhere. Whoever has a copy of the session can do nothing with it."""
    from console.signin import line_session
    from console.signin.leaving import leave

    office = open_office(ctx)
    sessions_of(office)
    try:
        operator = resumed(office)
    except SignedOut:
        operator = None
    except Refused:
        # A file that cannot be relied on says nothing about whose session is to end.
        line_session.forget(office.settings, os.environ, key_now())
        raise
    if operator is None:
        line_session.forget(office.settings, os.environ, key_now())
        if everywhere:
            raise SignedOut("Nobody is signed in here, so nothing was ended elsewhere. Run district signin first.")
        say("Nobody was signed in here.")
        return
    leave(office, operator, everywhere=everywhere)
    line_session.forget(office.settings, os.environ, key_now())
    say(f"{operator.name} is signed out{', everywhere' if everywhere else ''}.")
