"""Long work in the line mode: one line on stderr that is drawn anew, and Ctrl-C that ends the work between two chunks.

Promises: nothing is drawn where stderr is no terminal, and nothing in the first half second; the line is gone when the work is.
Ctrl-C is heard with or without a terminal: the work ends as after a fault, with one sentence. Pressed again, while a chunk takes
long, it interrupts the command on the spot, which undoes what is not committed too. A closed terminal or SSH session (SIGHUP) and
SIGTERM are heard the same way.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from console.progress import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from console.progress import Progress

PAUSE = 0.15
"""Seconds between two drawings."""

HINT = "Ctrl-C cancels"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals by which a command is told to end."""


class Drawn(Watched):
    """A progress that draws itself on a terminal."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._stream = stream
        self._time = clock
        self._drawn_at = 0.0
        self._width = 0

    def say(self, done: int, total: int, what: str) -> None:
        """Draw it, now and then."""
        super().say(done, total, what)
        now = self._time()
        if now - self._drawn_at >= PAUSE and (pace := self.look()) is not None:
            self._drawn_at = now
            self._draw(f"{pace} · {HINT}")

    def wipe(self) -> None:
        """Take the line away."""
        if self._width:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()

    def _draw(self, text: str) -> None:
        from shutil import get_terminal_size

        # A line that reaches the last cell would go on to the next one; a terminal shows Ctrl-C as ^C behind it.
        text = text[: get_terminal_size().columns - len("^C") - 1]
        self._stream.write("\r" + text.ljust(self._width + len("^C")))
        self._stream.flush()
        self._width = len(text)


@contextmanager
def watching() -> Iterator[Progress]:
    """What long work of a command is given."""
    progress = Drawn(sys.stderr, monotonic) if sys.stderr.isatty() else Watched(monotonic)
    wiped = progress.wipe if isinstance(progress, Drawn) else (lambda: None)
    try:
        with _heard(progress):
            yield progress
    finally:
        wiped()


@contextmanager
def _heard(progress: Watched) -> Iterator[None]:
    """A signal to end cancels the progress; the second one does what it always does."""
    before = {number: signal.getsignal(number) for number in ENDING}
    # Who started the command may have told it to ignore one of them; and only the main thread hears signals.
    heard = [number for number, action in before.items() if action not in (signal.SIG_IGN, None)]
    if threading.current_thread() is not threading.main_thread():
        heard = []

    def restore() -> None:
        for number in heard:
            signal.signal(number, before[number])

    def hear(number: int, _frame: FrameType | None) -> None:
        progress.cancel(number)
        restore()

    for number in heard:
        signal.signal(number, hear)
    try:
        yield
    finally:
        restore()
