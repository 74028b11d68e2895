"""Setting up a password and a second factor at the terminal: asked for twice, shown once.

Promises: seed and recovery codes go to the terminal itself and to no pipe, on its second screen, so that neither stays in what can be
scrolled back; nothing is echoed that is secret; the telephone's QR code and its key for typing stand side by side on 80×24.
"""

from __future__ import annotations

import os
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.cli import terminal_lines
from console.cli.output import say
from console.errors import Refused, Usage
from console.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from console.office import Office
    from console.signin.enrolling import Enrolling
    from console.signin.entering import WordGiven
    from console.signin.sessions import Begun
    from models.words import SessionKind

TRIES = 5
COLUMNS, ROWS = 80, 24
"""The smallest terminal on which the QR code and the words beside it stand."""
_SECOND, _FIRST = "\x1b[?1049h\x1b[H\x1b[2J", "\x1b[2J\x1b[?1049l"
_BLACK_ON_WHITE, _PLAIN = "\x1b[38;5;16;48;5;231m", "\x1b[0m"


def enrol_at_terminal(office: Office, given: WordGiven, kind: SessionKind, fingerprint: str | None) -> Begun:
    """Set up the sign-in of who gave a one-time word, and sign them in.

    Raises Refused when they gave up or were reset meanwhile, NotIn for another's key.
    """
    from console.cli.signing import named_now
    from console.signin.enrolling import come_in, welcome
    from console.signin.entering import NotIn, key_fits, refuse

    named = named_now()
    with office.reading() as connection:
        fits = key_fits(connection, given.operator_id, fingerprint, named)
    if not fits:
        raise refuse(office, NotIn("key", given.operator_id))
    who = welcome(office, given.operator_id, given.word)
    set_up(office, who)
    return come_in(office, who, kind, fingerprint, named)


def set_up(office: Office, who: Enrolling, *, keep_password: bool = False) -> None:
    """Ask for a new password where they have one here, show the seed, ask for its first code, show the recovery codes."""
    from console.signin.enrolling import WrongCode, enrol
    from console.signin.factor import new_seed

    password = None if keep_password or not who.local else new_password(office, who)
    seed = new_seed(office.random)
    wrong: tuple[str, ...] = ()
    for _ in range(TRIES):
        try:
            codes = enrol(office, who, password, seed, _asked_for_code(office, who, seed, wrong))
        except WrongCode:
            wrong = ("That was not the code of now.", "Is the telephone's clock right?")
        else:
            _show_recovery_codes(codes)
            _tell("Your sign-in is set up. Keep the recovery codes where the telephone is not.")
            return
    raise Refused(
        "No code was right; nothing was set up. Set the clocks of the telephone and this machine, and try again."
    )


def new_password(office: Office, who: Enrolling) -> str:
    """A new password, typed twice. Raises Usage after several that cannot be chosen, Unavailable without the district's list."""
    from console.signin.passwords import LEAST, LEAST_ALONE

    least = LEAST_ALONE if who.alone else LEAST
    _tell(
        f"Choose a password for {who.name}: {least} characters or more, best a few words that have nothing to do with you."
    )
    for _ in range(TRIES):
        first = terminal_lines.line("New password: ", secret=True)
        try:
            who.judge(office, first)
        except Usage as refused:
            _tell(str(refused))
            continue
        if terminal_lines.line("Once more: ", secret=True) == first:
            return first
        _tell("The two are not alike; no password was set.")
    raise Usage("No password was set, and nothing else. Begin again when you have chosen one.")


def _tell(text: str) -> None:
    """A sentence, broken between words on the smallest terminal."""
    say(textwrap.fill(text, COLUMNS - 1))


def _asked_for_code(office: Office, who: Enrolling, seed: bytes, wrong: Sequence[str]) -> str:
    from console.signin.factor import grouped
    from console.signin.qr import address, drawn, letters

    key = grouped(letters(seed), " ")
    half = len(key) // 2
    words = (
        *("Second factor", ""),
        *("Scan this with the authenticator", "app of your telephone.", ""),
        *("Or type this key into it:", "", f"  {key[:half].strip()}", f"  {key[half:].strip()}", ""),
        *("(time-based, 6 digits, 30 s)", "", "Then type the code it shows.", ""),
        *wrong,
    )
    code = drawn(address(seed, who.name, office.settings.portal.name))
    with _second_screen() as (columns, rows):
        if columns < COLUMNS or rows < ROWS:
            small = f"This terminal is too small for a QR code ({COLUMNS}×{ROWS})."
            _put([small, *words[5:]])
        else:
            _put([_beside(line, words[n] if n < len(words) else "") for n, line in enumerate(code)])
        return terminal_lines.line("Code: ").strip()


def _beside(drawn: str, word: str) -> str:
    return f"{_BLACK_ON_WHITE}{drawn}{_PLAIN}  {safe(word)}"


def _show_recovery_codes(codes: Sequence[str]) -> None:
    half = (len(codes) + 1) // 2
    pairs = [f"    {n + 1:>2}  {codes[n]}        {n + half + 1:>2}  {codes[n + half]}" for n in range(half)]
    with _second_screen():
        _put(
            [
                "Recovery codes",
                "",
                "Each lets you in once, in place of the telephone's code. They are shown now",
                "and never again: write them down, and keep them where the telephone is not.",
                "",
                *pairs,
                "",
            ]
        )
        terminal_lines.line("Press Enter when they are written down: ")


@contextmanager
def _second_screen() -> Iterator[tuple[int, int]]:
    """The terminal's second screen, empty, and its columns and rows; the first one comes back as it was."""
    with _terminal() as descriptor:
        os.write(descriptor, _SECOND.encode())
        size = os.get_terminal_size(descriptor)
    try:
        yield size.columns, size.lines
    finally:
        with _terminal() as descriptor:
            os.write(descriptor, _FIRST.encode())


def _put(lines: Sequence[str]) -> None:
    with _terminal() as descriptor:
        os.write(descriptor, "".join(line + "\r\n" for line in lines).encode())


@contextmanager
def _terminal() -> Iterator[int]:
    try:
        descriptor = os.open(terminal_lines.TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise Refused("There is no terminal to show it on; nothing was set up. Run this where you can type.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
