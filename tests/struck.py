"""Disks that fail at a chosen call of a running process: `strace` answers in the kernel's place with "no space left" or an I/O error.

The process is one that stands still (tests/faulting.py); it is let go once strace holds it. Without a strike, the calls that write are
listed, so that each of them can be struck in turn.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from pathlib import Path

CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "rename", "unlink", "openat")
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_WRITES = re.compile(r"O_(?:RDWR|WRONLY|CREAT)")


class Strike(NamedTuple):
    """The call to strike: the how manieth of its name, on which file, with which error; `on` strikes all that follow, too."""

    name: str
    number: int
    file: str
    error: str = "EIO"
    on: bool = False


class Struck:
    """A process that strace holds. Use it with `with`, while the process stands still; let it go on inside."""

    def __init__(self, process: int, out: Path, strike: Strike | None = None) -> None:
        command = [
            "strace",
            "-f",
            "-y",
            "-s",
            "0",
            "-o",
            str(out),
            "-p",
            str(process),
            "-e",
            f"trace={','.join(CALLS)}",
        ]
        if strike is not None:
            when = f"{strike.number}{'+' if strike.on else ''}"
            command += ["-e", f"inject={strike.name}:error={strike.error}:when={when}"]
        self._out = out
        self._tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._tracer.stderr is not None
        said = self._tracer.stderr.readline()
        assert "attached" in said, said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tracer.communicate(timeout=30)

    def calls(self, folder: Path) -> list[Strike]:
        """The calls that wrote something below the folder, after the process has ended."""
        numbers: Counter[str] = Counter()
        found = []
        for line in self._out.read_text(encoding="utf-8", errors="replace").splitlines():
            match = _LINE.match(line)
            if match is None or "resumed>" in line:
                continue
            name, rest = match.groups()
            numbers[name] += 1
            at = re.search(re.escape(f"{folder}/") + r"([^\">,]+)", rest)
            if at is not None and (name != "openat" or _WRITES.search(rest)):
                found.append(Strike(name, numbers[name], at[1]))
        return found
