"""A page on the terminal without the toolkit: shown at once, and taken over by the toolkit when that is loaded.

Promises: the terminal is as it was when the page is left, whatever went wrong meanwhile; keys typed early wait for the toolkit and
are not echoed across the page; with `NO_COLOR` the page has weights and no colours, as the toolkit then has. The page is the
alternate screen: what stood on the terminal before stands there again.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from screens.words import Words

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
LEAVE = "\x1b[?7h\x1b[?1049l\x1b[?25h"
_WEIGHTS = {"bold": "1", "dim": "2", "reverse": "7"}
_COLOURS = {"$error": "31", "$success": "32", "$warning": "33", "$accent": "36"}
_OFF = os.fpathconf(0, "PC_VDISABLE") if hasattr(os, "fpathconf") else 0


class Plain:
    """The terminal of this process: stdin, and stderr, which is where the toolkit writes. Use it with `with`.

    Nothing happens before `show`, and nothing ever where either is no terminal.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self._terminated: Any = None
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as the toolkit finds them."""
        return shutil.get_terminal_size()

    def show(self, rows: Sequence[Sequence[Words]]) -> None:
        """Put these rows on the terminal, the first at its top."""
        if not self._shown and not self._enter():
            return
        colour = "NO_COLOR" not in os.environ
        text = "".join(f"\x1b[{n};1H{_sequences(row, colour=colour)}\x1b[K" for n, row in enumerate(rows, 1))
        self._write(f"{text}\x1b[J" if rows else text)

    def leave(self) -> None:
        """Give the terminal back as it was; nothing when it was taken over."""
        if self._shown:
            self._write(LEAVE)
            self._give_back()

    def taken(self) -> bool:
        """The toolkit takes over: whether it finds the page on the terminal, which from now on it gives back itself."""
        shown = self._shown
        if shown:
            self._give_back()
        return shown

    def _enter(self) -> bool:
        if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
            return False
        self._before = termios.tcgetattr(0)
        quiet = termios.tcgetattr(0)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        quiet[6][termios.VSUSP] = bytes([_OFF])
        self._terminated = signal.signal(signal.SIGTERM, _terminate)
        self._shown = True
        termios.tcsetattr(0, termios.TCSANOW, quiet)
        self._write(ENTER)
        return True

    def _give_back(self) -> None:
        self._shown = False
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, self._before or [])
        signal.signal(signal.SIGTERM, self._terminated or signal.SIG_DFL)

    @staticmethod
    def _write(text: str) -> None:
        data = text.encode()
        with suppress(OSError):
            while data:
                data = data[os.write(2, data) :]


def _terminate(number: int, _frame: FrameType | None) -> None:
    """Leave through the `with` instead of dying on the page."""
    sys.exit(128 + number)


def _sequences(row: Sequence[Words], *, colour: bool) -> str:
    found = []
    for text, style in row:
        codes = [code for word in style.split() if (code := _WEIGHTS.get(word) or (_COLOURS[word] if colour else ""))]
        found.append(f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text)
    return "".join(found)
