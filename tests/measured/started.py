"""A program started on a terminal of 120×40, from its start to what a person sees of it: moments, memory, what was typed at it.

Promises: a moment counts from before the process is made until the bytes have come that show what is waited for; nothing else is done
with them meanwhile. The environment is a small one, as sshd gives it.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import termios
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

COLUMNS, ROWS = 120, 40
PATIENCE = 60.0
"""Seconds."""
DRAWN = rb"(?:\x1b\[[0-9;?<>]*[a-zA-Z$]+|\x1b\][^\x07]*\x07|[\x00-\x20])*[^\x00-\x20\x1b]"
"""Bytes of which the last one is the first that shows anything."""


@dataclass(slots=True)
class Started:
    """The program; use it with `with`, which ends it."""

    command: Sequence[str | Path]
    folder: Path
    written: bytearray = field(default_factory=bytearray)
    began: float = 0.0
    _terminal: int = -1
    _process: subprocess.Popen[bytes] | None = None
    _read: int = 0

    def __enter__(self) -> Self:
        self._terminal, slave = os.openpty()
        termios.tcsetwinsize(slave, (ROWS, COLUMNS))
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *self.command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=_environment(),
            cwd=self.folder,
        )
        os.close(slave)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def until(self, pattern: bytes) -> float:
        """Seconds from the start, or from the last `type`, until this has been written. Raises AssertionError when it never is."""
        sought = re.compile(pattern)
        while True:
            found = sought.search(self.written, self._read)
            if found is not None:
                self._read = found.end()
                return time.perf_counter() - self.began
            if not select.select([self._terminal], [], [], PATIENCE)[0]:
                break
            part = b""
            with suppress(OSError):  # EIO: the program has ended
                part = os.read(self._terminal, 65536)
            if not part:
                break
            self.written += part
        raise AssertionError(f"{pattern!r} did not come; the last bytes: {bytes(self.written[-600:])!r}")

    def type(self, line: str) -> None:
        """Type a line; the next moment counts from here."""
        self._read = len(self.written)
        self.began = time.perf_counter()
        os.write(self._terminal, line.encode() + b"\r")

    def memory(self) -> float:
        """The most memory that it has had, in MB."""
        assert self._process is not None
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as file:  # noqa: PTH123 - of the kernel
            peak = next(line for line in file if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024


def command(words: Sequence[str | Path], folder: Path) -> float:
    """Seconds of a command whose answer goes into a pipe. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    subprocess.run(words, capture_output=True, env=_environment(), cwd=folder, check=True)
    return time.perf_counter() - began


def how_it_ran() -> str:
    """A sentence about what else the machine could do meanwhile; '' where it could do anything."""
    ahead = os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO)
    return "The run went ahead of everything else on the machine (`chrt -r 1 …`), which others shared." if ahead else ""


_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], capture_output=True, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def memory_of(words: Sequence[str | Path], folder: Path) -> float:
    """The most memory that a command has, in MB. A process inherits the peak of whoever makes it: a small one does."""
    found = subprocess.run(
        [sys.executable, "-S", "-c", _PEAK, *words], capture_output=True, env=_environment(), cwd=folder, check=True
    )
    return int(found.stdout) / 1024


def _environment() -> dict[str, str]:
    own = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"}
    return own | {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
