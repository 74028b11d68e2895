"""Files that a command reads or writes, by their path or as `-`: what comes on stdin, what goes to stdout.

Promises: over SSH there is only `-`, so that no operator names a file of the server; what came is whole, not cut off by a connection
that broke; what was put down on the way is gone when the command ends.
"""

from __future__ import annotations

import select
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import session, who
from console.cli.output import write
from console.errors import Refused, Unavailable, Usage

if TYPE_CHECKING:
    from typing import BinaryIO

STREAM = "-"
LARGEST = 2 << 30
"""Bytes that may come on stdin, as many as an import may hold inflated."""
CHUNK = 1 << 20
SETTLE = 500
"""Milliseconds in which a broken connection, whose end looks like the end of the input, shows at stdout too."""


class FileIn(click.Path):
    """A file that is read. `-` is stdin."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; of stdin that of a copy, which only this account can read and which ends with the command."""
        if ctx is None or ctx.resilient_parsing:
            return super().convert(value, param, ctx)
        remote = session(ctx).remote
        if str(value) != STREAM:
            if remote:
                raise Usage("Over SSH a file is given on stdin, as -; nothing was read: ssh HOST district … - < FILE")
            return super().convert(value, param, ctx)
        if sys.stdin.isatty():
            raise Usage("- reads what comes on stdin, and nothing comes from a terminal; nothing was read.")
        if remote:
            who(ctx)
        place = _folder(ctx) / "stdin"
        with place.open("xb") as file:
            _copy(sys.stdin.buffer, file)
        if remote and _cut_off():
            raise Unavailable("The connection broke while the file came; nothing was done.")
        return place


class FileOut(click.Path):
    """A file that is written. `-` is stdout; `hand_over` writes it there."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; for stdout that of a file which ends with the command."""
        if ctx is None or ctx.resilient_parsing:
            return super().convert(value, param, ctx)
        if str(value) != STREAM:
            if session(ctx).remote:
                raise Usage(
                    "Over SSH a file goes to stdout, as -; nothing was done: ssh HOST district … --out - > FILE"
                )
            return super().convert(value, param, ctx)
        if sys.stdout.isatty():
            raise Usage("- writes to stdout, which is a terminal; nothing was done. Send it into a file with > FILE.")
        session(ctx).streamed = _folder(ctx) / "report.zip"
        return session(ctx).streamed


def hand_over(ctx: click.Context, made: Path) -> None:
    """Give a file that was made: its path on stdout, or the file itself where `-` was asked for."""
    if made != session(ctx).streamed:
        write(str(made))
        return
    with made.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer, CHUNK)
    sys.stdout.buffer.flush()


def _folder(ctx: click.Context) -> Path:
    made = Path(mkdtemp(prefix="district-stream-"))
    ctx.find_root().call_on_close(lambda: shutil.rmtree(made, ignore_errors=True))
    return made


def _copy(source: BinaryIO, file: BinaryIO) -> None:
    size = 0
    while piece := source.read(CHUNK):
        size += len(piece)
        if size > LARGEST:
            raise Refused(f"More than {LARGEST >> 30} GiB came on stdin; nothing was done. Give less at a time.")
        file.write(piece)


def _cut_off() -> bool:
    """Whether nobody is there any more to read the answer: sshd closes everything when the connection breaks."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        poll.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(SETTLE))
