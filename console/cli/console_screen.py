"""`district` alone: the console on a terminal, refused with a sentence where there is none.

Promises: something stands on the terminal before the toolkit or the database library is loaded – home's frame where nobody signs
in, the question for the name where somebody does, and then what they need is loaded while they type; home's numbers stand there
before the toolkit is loaded; whatever goes wrong on the way, the terminal is as it was.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from console.cli.environment import loading
from console.cli.opening import open_office, session, settings, who
from console.errors import ConsoleError, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from console.authority import Operator
    from console.office import Office
    from screens.first_page import FirstPage
    from screens.plain import Plain

PATIENCE = 0.5
"""Seconds for which home's numbers are waited for before the toolkit is loaded; in a large district they come later."""
AFTERWARDS = ("console.signin.entering", "console.signin.leaving", "screens.app", "screens.counting", "screens.home")
"""What is loaded while a person types; the rest comes with the office and the desks."""
_log = logging.getLogger("district.signin")


def open_console(ctx: click.Context, prove: Callable[[], None] | None = None) -> None:
    """Open the console for the operator. Raises Usage without a terminal at both ends, and on one that can do nothing.

    `prove` is asked of a demonstration before it is opened, and raises when it is none.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage(
            "The console needs a terminal; nothing was opened. Over SSH use ssh -t HOST district, or see district --help."
        )
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise Usage("This terminal (TERM=dumb) cannot show the console; nothing was opened. See district --help.")
    # Again here, for who starts it otherwise than as a program: TEXTUAL_DRIVER and its like import any module they name.
    for name in loading(os.environ):
        del os.environ[name]
    # Whoever started it may have had hanging up ignored, as nohup does: a screen without its terminal would stay there, signed in.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    chosen = settings(ctx)
    from screens.first_page import FirstPage
    from screens.plain import Plain

    with Plain() as plain:
        page = FirstPage(plain, chosen)
        # Only a demonstration may be one in which nobody signs in; whether it is, its database says.
        office, typed = _waiting(ctx, page, prove) if chosen.demo.made_by else _asking(ctx)
        office.names_files = not session(ctx).remote
        if office.assurance.asks:
            plain.leave()
            operator = _signed_in(ctx, office, typed)
            page.frame()
        else:
            operator = who(ctx)
        try:
            _run(ctx, office, operator, plain, page)
        finally:
            _leave(office, operator)


def _waiting(ctx: click.Context, page: FirstPage, prove: Callable[[], None] | None) -> tuple[Office, None]:
    """The office, opened behind home's frame."""
    page.frame()
    if prove is not None:
        prove()
    return open_office(ctx), None


def _asking(ctx: click.Context) -> tuple[Office, tuple[str, str]]:
    """The office, opened while a name and a password are typed, and what was typed. The toolkit is loaded meanwhile too."""
    from console.cli.beside import Beside
    from console.cli.signing import ask_first
    from console.desks import present

    def opened() -> Office:
        office = open_office(ctx)
        for name in AFTERWARDS:
            import_module(name)
        present()
        return office

    beside = Beside(opened)
    typed = ask_first(settings(ctx).portal.name, session(ctx).operator_name, beside)
    return beside.result(), typed


def _signed_in(ctx: click.Context, office: Office, typed: tuple[str, str] | None) -> Operator:
    """Who signs in on this terminal, with a session that ends with it.

    A sign-in of the line mode is not enough: it was made for commands, and where it lies a screen could be opened by who finds the
    terminal. Raises Refused for a program, which has no way to a screen.
    """
    from console.cli.signing import ask_in
    from models.words import SessionKind

    return ask_in(office, session(ctx).operator_name, SessionKind.SCREEN, typed).operator


def _run(ctx: click.Context, office: Office, operator: Operator, plain: Plain, page: FirstPage) -> None:
    """Home with its numbers on the page, then the console over it."""
    from console import lazy
    from console.desks import present
    from screens.counting import Counting

    lazy.load()
    desks = {name: desk for name, desk in present().items() if operator.may(desk.see)}
    counting = Counting(office, operator, list(desks.values()))
    counted = counting.within(PATIENCE)
    if counted is not None:
        page.fill(operator, desks, counted)
    from screens.app import run

    run(office, operator, mouse=session(ctx).mouse, counting=counting, plain=plain)


def _leave(office: Office, operator: Operator) -> None:
    """End the session, whatever became of the screen; where that cannot be written it ends with its idle minutes."""
    from console.signin.leaving import leave

    try:
        leave(office, operator)
    except ConsoleError as error:
        _log.warning("the session was not ended: %s", error)
