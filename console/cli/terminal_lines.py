"""Lines typed at the terminal itself, whatever stdin and stdout are: what is secret is not echoed, and nothing typed before counts.

A pipe is never asked: a password does not come from one. Raises Refused without a terminal, so that cron gets a sentence, not a wait.
"""

from __future__ import annotations

import os
import select
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from console.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.cli.beside import Beside

TERMINAL = "/dev/tty"
LONGEST = 4096
"""Bytes of a line; more is nobody's password, and the terminal takes no more."""


def there() -> bool:
    """Whether somebody sits there: a terminal at stdin or stderr that is also the controlling one."""
    if not any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return False
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def line(prompt: str, *, secret: bool = False, beside: Beside[Any] | None = None) -> str:
    """What is typed behind the prompt, without its line break. Raises Refused without a terminal, click.Abort at its end.

    Should what is done `beside` fail, nothing more is asked: raises its error.
    """
    try:
        descriptor = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise Refused("There is no terminal to ask at; nobody was signed in. Run this where you can type.") from None
    try:
        with _echo(descriptor, off=secret):
            os.write(descriptor, prompt.encode())
            data = _read(descriptor, beside)
        if secret:
            os.write(descriptor, b"\n")
    finally:
        os.close(descriptor)
    return data.decode("utf-8", "surrogateescape")


def _read(descriptor: int, beside: Beside[Any] | None) -> bytes:
    """One line, however the terminal hands it over."""
    data = b""
    while not data.endswith(b"\n") and len(data) < LONGEST:
        if beside is not None and beside.fileno() in select.select([descriptor, beside.fileno()], [], [])[0]:
            os.write(descriptor, b"\n")
            beside.result()
        part = os.read(descriptor, 1)
        if not part:
            raise click.Abort
        data += part
    return data.removesuffix(b"\n").removesuffix(b"\r")


@contextmanager
def _echo(descriptor: int, *, off: bool) -> Iterator[None]:
    """The terminal as lines are typed at it; with `off` it shows nothing of them. As it was, afterwards, whatever happens."""
    before = termios.tcgetattr(descriptor)
    wanted = termios.tcgetattr(descriptor)
    wanted[0] |= termios.ICRNL
    wanted[3] |= termios.ICANON | termios.ISIG | termios.ECHO
    if off:
        wanted[3] &= ~(termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ECHONL)
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, wanted)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
