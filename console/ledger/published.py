"""The file of checkpoints that were signed and published, read back strictly, a checkpoint at a time.

The signer appends each note and an empty line. Anything else in the file is damage and is said with its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console.ledger.note import NoteError, open_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from console.ledger.note import VerifyKey

LINES = 6
"""Of a checkpoint in the file: origin, size, root, empty, signature, empty."""

LONGEST = 1024
"""Bytes of a line; none of ours comes near."""


class Published(NamedTuple):
    """What stands at a line of the file: a checkpoint's origin, size and root, or what is wrong there."""

    line: int
    origin: str
    size: int
    root: bytes
    wrong: str = ""


def read_published(file: Path, length: int, keys: Sequence[VerifyKey]) -> Iterator[Published]:
    """Every checkpoint in the first `length` bytes of the file, each verified by the key of its origin."""
    by_origin = {key.name: key for key in keys}
    lines: list[str] = []
    for number, text in enumerate(_lines(file, length), 1):
        if not lines and text not in by_origin:
            yield Published(number, "", 0, b"", f"line {number:,} does not begin a checkpoint of this portal")
            continue
        lines.append(text)
        if len(lines) == LINES:
            yield _checkpoint(number - LINES + 1, lines, by_origin[lines[0]])
            lines = []
    if lines:
        yield Published(0, "", 0, b"", "it ends in the middle of a checkpoint")


def _checkpoint(line: int, lines: Sequence[str], key: VerifyKey) -> Published:
    try:
        checkpoint = open_checkpoint("\n".join(lines[:-1]) + "\n", key)
    except NoteError:
        checkpoint = None
    if checkpoint is None or lines[-1]:
        return Published(line, "", 0, b"", f"line {line:,} does not begin a checkpoint that the portal's key signed")
    return Published(line, checkpoint.origin, checkpoint.size, checkpoint.root)


def _lines(file: Path, length: int) -> Iterator[str]:
    left = length
    with file.open("rb") as stream:
        while left > 0 and (raw := stream.readline(min(left, LONGEST))):
            left -= len(raw)
            whole = raw.endswith(b"\n")
            # An unended line is kept apart from an ended one, so that a cut never looks whole.
            yield raw.decode("utf-8", "replace").removesuffix("\n") + ("" if whole else "\0")
