"""A terminal that judges what a program does to it: which orders it gets, and what stands in every cell.

`pyte` is the terminal. Promises: every order it takes for one is kept by its name, the unknown ones too; a page is looked at when the
program has come to rest, so that nothing is judged half drawn.
"""

from __future__ import annotations

import os
import select
import subprocess
import termios
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyte
from wcwidth import wcwidth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
JOINER = "\u200d"
STILL = 0.04
"""Seconds without a byte after which a page stands."""


class Cells(pyte.Screen):
    """`pyte`'s cells. It forgets the rest of a text behind a joiner or a selector; here what these join is drawn upon the
    letter before, as the console counts it. A terminal that draws joined letters of Sinhala or Bengali apart shows what
    is behind them a cell later.
    """

    _before = ""

    def draw(self, data: str) -> None:
        """Write text."""
        drawn = []
        for char in data:
            if self._before != JOINER and (wcwidth(char) != 0 or unicodedata.combining(char)):
                drawn.append(char)
            self._before = char
        super().draw("".join(drawn))


SHIFTS = frozenset(b"\x0e\x0f")
"""Orders to change the character set, which pyte passes over in UTF-8 and some terminals do not."""


class Orders:
    """Stands before the cells and keeps the names of all orders that pass."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        order = getattr(self.cells, name)
        if name not in pyte.Stream.events:
            return order

        def passed(*details: Any, **more: Any) -> Any:
            # Unknown ones come as `debug`; what they say tells them apart.
            self.names.add(f"{name} {details}" if name in ("debug", "set_mode", "reset_mode") else name)
            return order(*details, **more)

        return passed


class Judge:
    """A program on a judging terminal; use it with `with`."""

    def __init__(self, command: Sequence[str], columns: int, rows: int) -> None:
        self.cells = Cells(columns, rows)
        self.orders = Orders(self.cells)
        self._stream = pyte.ByteStream(self.orders)
        self._terminal, slave = os.openpty()
        termios.tcsetwinsize(slave, (rows, columns))
        environment = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        environment |= {name: os.environ[name] for name in ("HOME",) if name in os.environ}
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=ROOT
        )
        os.close(slave)
        self.raw = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def send(self, keys: str) -> None:
        """Press keys, or click, as a terminal says it."""
        os.write(self._terminal, keys.encode())

    def stands(self, sign: str) -> list[list[str]]:
        """The cells, row by row, once a text stands in the first row and nothing more comes."""
        deadline = time.monotonic() + PATIENCE
        while sign not in "".join(self.row(0)):
            assert time.monotonic() < deadline, f"{sign!r} did not come:\n{self.text()}"
            assert self._read(1.0) or self._process.poll() is None, f"It has ended before {sign!r}:\n{self.text()}"
        while self._read(STILL):
            pass
        return [self.row(y) for y in range(self.cells.lines)]

    def row(self, y: int) -> list[str]:
        """The cells of one row; the second half of a wide character is ''."""
        return [self.cells.buffer[y][x].data for x in range(self.cells.columns)]

    def text(self) -> str:
        """The screen as lines."""
        return "\n".join("".join(self.row(y)).rstrip() for y in range(self.cells.lines))

    def exit_code(self) -> int:
        """How it ended, when all it wrote has been read."""
        while self._read(5.0):
            pass
        return self._process.wait(timeout=20)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        try:
            data = os.read(self._terminal, 1 << 20) if ready else b""
        except OSError:  # EIO: it has ended
            return b""
        self.raw += data
        if SHIFTS & set(data):
            self.orders.names.add("shift")
        self._stream.feed(data)
        return data
