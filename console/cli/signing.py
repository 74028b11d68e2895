"""Who is meant by a command of a real portal: who has the session that is kept, a program by its key, or who signs in now.

Nothing secret is echoed, comes from a pipe or stands on a command line. Over SSH nobody is a program: all operators share an account
there, which can read the programs' keys.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from console.cli import terminal_lines
from console.cli.output import say
from console.errors import ConsoleError, Expired, Paused, Refused, Rested, SignedOut, Usage
from models.words import SessionKind

if TYPE_CHECKING:
    from console.authority import Operator
    from console.cli.beside import Beside
    from console.office import Office
    from console.signin.sessions import Begun, Sessions

TRIES = 3
"""Wrong attempts after which the command ends; the delays go on."""


def signed_in(office: Office, name: str, *, remote: bool = False) -> Operator:
    """Who is at the line mode of a real portal: the program `name` by its key, or who has the session that is kept.

    Where no session holds and somebody sits at a terminal, they are asked right there. Raises SignedOut without a terminal, Refused
    when `name` is somebody else, or a program over SSH.
    """
    from console.signin.programs import program

    if name and _is_program(office, name):
        if remote:
            raise Refused("Over SSH nobody works as a program; nothing was done. Sign in as yourself.")
        return program(office, name)
    operator = resumed(office)
    if operator is None:
        if not terminal_lines.there():
            raise SignedOut(
                "Nobody is signed in, and there is no terminal to ask at; nothing was done. "
                "Run district signin, over SSH with ssh -t; a program names itself with --operator."
            )
        operator = keep(office, ask_in(office, name, SessionKind.LINE))
    if name and operator.name.lower() != name.lower():
        raise Refused(
            f"{operator.name} is signed in here, not {name}; nothing was done. Leave --operator out, or district signout first."
        )
    return operator


def resumed(office: Office) -> Operator | None:
    """The operator of the session that is kept, None when none is or it is over. Raises Refused for a file that was tampered with."""
    from console.signin import line_session
    from console.signin.leaving import touch
    from console.signin.rechecking import due, recheck

    fingerprint = key_now()
    kept = line_session.read(office.settings, os.environ, fingerprint)
    if kept is None:
        return None
    now = office.clock.now()
    own = sessions_of(office)
    with office.reading() as connection:
        operator = own.holder(connection, kept.session, kept.token, fingerprint)
    if operator.id != kept.operator_id:
        raise SignedOut("The session's file was changed; nothing was done. Run district signout, then district signin.")
    try:
        if due(office, operator, now):
            # A directory that is silent pauses nobody before its last word is too old, which the next line looks at.
            with suppress(Paused):
                recheck(office, office.directory, operator, now)
        with office.reading(operator):
            pass
    except (Rested, Expired):
        return None
    touch(office, operator, now)
    return operator


def ask_first(portal: str, name: str, beside: Beside[Any]) -> tuple[str, str]:
    """Name and password, asked for while the office is opened `beside`. Raises what that raised, and as `ssh_key.fingerprint`."""
    key_now()
    say(f"Sign in to {portal}.")
    return _name_and_password(name, beside)


def ask_in(office: Office, name: str, kind: SessionKind, typed: tuple[str, str] | None = None) -> Begun:
    """Ask for name, password and code at the terminal until they are right, at most three times. Raises the last refusal.

    `typed` are the first name and password, where `ask_first` has asked for them.
    """
    from console.signin.entering import NotIn, TooSoon, WordGiven, enter

    fingerprint = key_now()
    if typed is None:
        say(f"Sign in to {office.settings.portal.name}.")
    for attempt in range(TRIES):
        who, password = typed or _name_and_password(name)
        typed = None
        code = "" if _is_word(password) else terminal_lines.line("Code: ", secret=True)
        try:
            return enter(office, office.directory, who, password, code, kind, fingerprint, named_now())
        except WordGiven as given:
            from console.cli.enrolling import enrol_at_terminal

            return enrol_at_terminal(office, given, kind, fingerprint)
        except (NotIn, TooSoon) as refused:
            if attempt == TRIES - 1:
                raise
            say(str(refused))
    raise AssertionError


def _name_and_password(name: str, beside: Beside[Any] | None = None) -> tuple[str, str]:
    typed = name or terminal_lines.line("Name: ", beside=beside).strip()
    return typed, terminal_lines.line("Password (or one-time word): ", secret=True, beside=beside)


def key_now() -> str | None:
    """The SSH key that this connection came with, None without one. Raises Refused as `ssh_key.fingerprint`."""
    from console.signin.ssh_key import fingerprint

    return fingerprint(os.environ)


def named_now() -> tuple[str, ...] | None:
    """Whom the certificate of that key names, None without one. Raises Refused as `ssh_key.key`."""
    from console.signin.ssh_key import key

    found = key(os.environ)
    return None if found is None else found.principals


def keep(office: Office, begun: Begun) -> Operator:
    """Keep a line session for the commands that follow; one that cannot be kept is ended. Raises as `line_session.write`."""
    from console.signin import line_session
    from console.signin.leaving import leave

    try:
        line_session.write(office.settings, os.environ, key_now(), begun)
    except ConsoleError:
        leave(office, begun.operator)
        raise
    return begun.operator


def _is_word(text: str) -> bool:
    """Whether it has the form of a one-time word, whose owner has no code yet."""
    from console.signin.invitations import LETTERS

    bare = text.replace("-", "").replace(" ", "")
    return len(bare) == LETTERS and bare.isascii() and bare.isalnum() and text.count("-") == LETTERS // 4 - 1


def _is_program(office: Office, name: str) -> bool:
    from console.lazy import sa, t

    o = t.operator.c
    with office.reading() as connection:
        return bool(connection.execute(sa.select(o.unattended).where(sa.func.lowered(o.name) == name.lower())).scalar())


def sessions_of(office: Office) -> Sessions:
    """The sessions of the office. Raises Usage in a demonstration, where nobody signs in."""
    from console.signin.leaving import sessions

    own = sessions(office)
    if own is None:
        raise Usage("Nobody signs in to a demonstration; nothing was done. Name an operator with --operator.")
    return own
