"""Publishing a checkpoint: appended to a file for others to keep, before the signer remembers it.

Promises: what the signer remembers was published, as long as the file took it; a checkpoint stands there once, also when the process
died in between; one that found no room leaves no part of itself, for a part would spoil the file for whoever reads it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from typing import TYPE_CHECKING

from console.ledger.note import NoteError, open_checkpoint
from console.ledger.waiting import lock_in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.ledger.note import VerifyKey

_log = logging.getLogger("district.ledger")
TAIL = 8192
"""Bytes of the file's end that are looked at first; the last checkpoint of a log mostly stands there."""
LINES = 5
"""Of a checkpoint's note: origin, size, root, empty, signature."""


def publish(file: Path, note: str) -> int:
    """Append the note and an empty line, whole or not at all. Returns the file's length then, 0 where it did not take it."""
    entry = f"{note}\n".encode()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            return _append(descriptor, entry)
        finally:
            os.close(descriptor)
    except OSError as error:
        _log.warning("a checkpoint could not be appended to its file: %s", error.strerror)
        return 0


def length_of(file: Path) -> int:
    """The file's length in bytes, 0 where there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _append(descriptor: int, entry: bytes) -> int:
    """Both logs' checkpoints go to one file: its own lock keeps what is taken back here from being the other log's."""
    lock_in_time(descriptor)
    length = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, entry)
        while written < len(entry):
            written += os.write(descriptor, entry[written:])
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, length)
        raise
    return length + len(entry)


def last_published(file: Path, key: VerifyKey) -> int:
    """The size of the last checkpoint in the file that `key` signed, -1 for none or where the file cannot be read."""
    try:
        with file.open("rb") as stream:
            length = os.fstat(stream.fileno()).st_size
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return -1
            reach = TAIL
            while True:
                stream.seek(max(0, length - reach))
                tail = stream.read(min(reach, length)).decode("utf-8", "replace")
                for note in _notes(tail, key.name):
                    with contextlib.suppress(NoteError):
                        return open_checkpoint(note, key).size
                if reach >= length:
                    return -1
                reach *= 8
    except OSError:
        return -1


def _notes(text: str, origin: str) -> Iterator[str]:
    """What may be notes of this origin, the last first."""
    begin = len(text)
    while (begin := text.rfind(f"{origin}\n", 0, begin)) >= 0:
        if begin == 0 or text[begin - 1] == "\n":
            yield "\n".join(text[begin:].split("\n", LINES)[:LINES]) + "\n"
