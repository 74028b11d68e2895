"""`district` alone: the console on a terminal, refused with a sentence where there is none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from console.cli.opening import open_office, session, who
from console.errors import Usage

if TYPE_CHECKING:
    import click


def open_console(ctx: click.Context) -> None:
    """Open the console for the operator. Raises Usage without a terminal at both ends, and on one that can do nothing."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage(
            "The console needs a terminal; nothing was opened. Over SSH use ssh -t HOST district, or see district --help."
        )
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise Usage("This terminal (TERM=dumb) cannot show the console; nothing was opened. See district --help.")
    # TEXTUAL_DRIVER and its like import any module they name.
    for name in [each for each in os.environ if each.startswith("TEXTUAL")]:
        del os.environ[name]
    office = open_office(ctx)
    operator = who(ctx)
    from screens.app import run

    if session(ctx).mouse:
        run(office, operator, mouse=True)
    else:
        run(office, operator)
