"""`district` alone: the console on a terminal, refused with a sentence where there is none."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from console.cli.environment import loading
from console.cli.opening import open_office, session, who
from console.errors import ConsoleError, Usage

if TYPE_CHECKING:
    import click

    from console.authority import Operator
    from console.office import Office

_log = logging.getLogger("district.signin")


def open_console(ctx: click.Context) -> None:
    """Open the console for the operator. Raises Usage without a terminal at both ends, and on one that can do nothing."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage(
            "The console needs a terminal; nothing was opened. Over SSH use ssh -t HOST district, or see district --help."
        )
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise Usage("This terminal (TERM=dumb) cannot show the console; nothing was opened. See district --help.")
    # Again here, for who starts it otherwise than as a program: TEXTUAL_DRIVER and its like import any module they name.
    for name in loading(os.environ):
        del os.environ[name]
    office = open_office(ctx)
    office.names_files = not session(ctx).remote
    operator = _operator(ctx, office)
    try:
        from screens.app import run

        if session(ctx).mouse:
            run(office, operator, mouse=True)
        else:
            run(office, operator)
    finally:
        _leave(office, operator)


def _operator(ctx: click.Context, office: Office) -> Operator:
    """Who opens the console: whoever signs in on this terminal, with a session that ends with it; of a demonstration as ever.

    A sign-in of the line mode is not enough: it was made for commands, and where it lies a screen could be opened by who finds the
    terminal. Raises Refused for a program, which has no way to a screen.
    """
    if not office.assurance.asks:
        return who(ctx)
    from console.cli.signing import ask_in
    from models.words import SessionKind

    return ask_in(office, session(ctx).operator_name, SessionKind.SCREEN).operator


def _leave(office: Office, operator: Operator) -> None:
    """End the session, whatever became of the screen; where that cannot be written it ends with its idle minutes."""
    from console.signin.leaving import leave

    try:
        leave(office, operator)
    except ConsoleError as error:
        _log.warning("the session was not ended: %s", error)
