"""A program on a pseudo-terminal whose every key is timed and weighed, from outside, as somebody at a terminal feels it.

Promises: a key's time goes from writing it until the last byte that it brought about; bytes are counted as the terminal gets them. The
terminal understands synchronised updates, as today's do. Nothing interprets the bytes while a key is timed.
"""

from __future__ import annotations

import os
import select
import statistics
import subprocess
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

COLUMNS, ROWS = 120, 40
QUIET = 0.08
"""Seconds without a byte after which a key has been answered; shorter than what follows a cursor at rest."""
PATIENCE = 120.0
"""Seconds within which a program has to show what is waited for: one of the peers fills its table for half a minute."""
ASKED, ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class Cost(NamedTuple):
    """What one key came to: milliseconds and bytes."""

    milliseconds: float
    written: int


class Costs(NamedTuple):
    """What keys of one kind came to: the median of their times, and the bytes that nine of ten stayed below.

    The tenth is left to what comes of itself meanwhile: the case beside the queue, when the cursor rested too long on a busy machine.
    """

    milliseconds: float
    written: int

    @classmethod
    def of(cls, costs: Sequence[Cost]) -> Costs:
        """Of these keys."""
        written = sorted(cost.written for cost in costs)
        return cls(statistics.median(cost.milliseconds for cost in costs), written[(len(written) * 9 - 1) // 10])


class Wire:
    """A program at 120×40; use it with `with`."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        self._terminal, slave = os.openpty()
        termios.tcsetwinsize(slave, (ROWS, COLUMNS))
        own = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"}
        own |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._seen = b""
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=own | dict(environment or {}),
            cwd=Path(__file__).parent.parent.parent,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        os.close(self._terminal)
        self._process.wait(timeout=20)

    def press(self, key: str) -> Cost:
        """Press a key and wait until it has been answered. Raises AssertionError when nothing answers within ten seconds."""
        begin = last = time.perf_counter()
        os.write(self._terminal, key.encode())
        written, patience = 0, 10.0
        while data := self._read(patience):
            last, patience = time.perf_counter(), QUIET
            written += len(data)
        assert written, f"{key!r} was not answered"
        return Cost((last - begin) * 1000, written)

    def rest(self, seconds: float = 0.3) -> int:
        """Wait until nothing is written for so long; how many bytes came until then."""
        count = 0
        while data := self._read(seconds):
            count += len(data)
        return count

    def type(self, text: str) -> None:
        """Send keys and wait for nothing."""
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Wait until a text stands on the screen, which is only then read as one."""
        deadline = time.monotonic() + PATIENCE
        while text not in "\n".join(self.lines()):
            assert time.monotonic() < deadline, f"{text!r} did not come:\n" + "\n".join(self.lines())
            self._read(0.1)

    def lines(self) -> list[str]:
        """What a terminal shows of all that came so far."""
        self._stream.feed(self._seen)
        self._seen = b""
        return ["".join(self._screen.buffer[y][x].data for x in range(COLUMNS)).rstrip() for y in range(ROWS)]

    def memory(self) -> float:
        """Resident memory in MB."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _read(self, seconds: float) -> bytes:
        """What is written next, b"" when nothing comes within so many seconds."""
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        try:
            data = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # EIO: the program has ended
            raise AssertionError("The program has ended:\n" + "\n".join(self.lines())) from None
        if ASKED in data:
            os.write(self._terminal, ANSWER)
        self._seen += data
        return data
