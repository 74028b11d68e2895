"""Reads text files a part at a time: lines out of bytes, CSV rows out of lines, with the line on which each row starts.

What makes the rest of a file unreadable raises Refused; a row with broken quotes is a finding and the next row is read. The work of a
line is done for many at once, since an export has millions.
"""

from __future__ import annotations

import csv
import io
from itertools import chain, islice
from typing import TYPE_CHECKING

from console.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from console.intake.findings import Findings

LINE_LIMIT = 1 << 20
"""Bytes in one line; a longer one is no export but something else."""
FIELD_LIMIT = 1 << 17
"""Characters in one field; a longer one is a quote that was never closed."""
PART = 2_000
"""Rows that are read together."""
_BLOCK = 1 << 18

Rows = tuple["Sequence[int]", list[list[str]]]


def lines_of(stream: BinaryIO, file: str) -> Iterator[str]:
    """The stream's lines as text. Anything but UTF-8 without NUL in lines of reasonable length is refused."""
    return chain.from_iterable(_blocks(stream, file))


def _blocks(stream: BinaryIO, file: str) -> Iterator[Iterator[str]]:
    """Whole lines, a block at a time."""
    number, rest, first = 1, b"", True
    while data := stream.read(_BLOCK):
        if first and data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Refused(f"{file} line 1: the file is UTF-16; nothing was imported, save it as CSV UTF-8.")
        if first:
            data, first = data.removeprefix(b"\xef\xbb\xbf"), False
        end = data.rfind(b"\n") + 1
        if not end:
            rest += data
            _refuse_long(rest, file, number)
            continue
        block, rest = rest + data[:end], data[end:]
        _refuse_long(block[: block.find(b"\n")], file, number)
        text = _text(block, file, number)
        number += text.count("\n")
        yield io.StringIO(text, newline="\n")
    if rest:
        _refuse_long(rest, file, number)
        yield iter((_text(rest, file, number),))


def _refuse_long(line: bytes, file: str, number: int) -> None:
    if len(line) > LINE_LIMIT:
        raise Refused(
            f"{file} line {number}: longer than {LINE_LIMIT >> 20} MiB; nothing was imported, "
            "look whether it is the right file."
        )


def _text(block: bytes, file: str, number: int) -> str:
    """The block as text; `number` is its first line."""
    nul = block.find(b"\0")
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        if nul < 0 or error.start < nul:
            wrong = number + block.count(b"\n", 0, error.start)
            raise Refused(
                f"{file} line {wrong}: not UTF-8 (perhaps Latin-1 or Windows-1252); nothing was imported, save it as CSV UTF-8."
            ) from None
    if nul >= 0:
        wrong = number + block.count(b"\n", 0, nul)
        raise Refused(
            f"{file} line {wrong}: holds NUL bytes, as a file that was cut off or is UTF-16 does; "
            "nothing was imported, export it again as UTF-8."
        )
    return text


def csv_parts(stream: BinaryIO, file: str, findings: Findings, part: int = PART) -> Iterator[Rows]:
    """The rows, the header too, some at a time: the line on which each starts, and its fields. Blank lines are left out."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(lines_of(stream, file), strict=True)
    while True:
        start = reader.line_num + 1
        rows: list[list[str]] = []
        wrong: csv.Error | None = None
        try:
            rows.extend(islice(reader, part))
        except csv.Error as error:  # the rows before it are there
            wrong = error
        numbers = _numbers(rows, start, None if wrong else reader.line_num)
        if wrong is None and not rows:
            return
        next_line = numbers[-1] + _height(rows[-1]) if rows else start
        if not all(rows):
            kept = [place for place, row in enumerate(rows) if row]
            numbers, rows = [numbers[place] for place in kept], [rows[place] for place in kept]
        if rows:
            yield numbers, rows
        if wrong is not None:
            _broken(wrong, file, next_line, reader.line_num, findings)


def _numbers(rows: list[list[str]], start: int, last: int | None) -> Sequence[int]:
    """On which line each row starts: one after the other, unless quotes hold line ends."""
    if last is not None and last - start + 1 == len(rows):
        return range(start, last + 1)
    found = []
    for row in rows:
        found.append(start)
        start += _height(row)
    return found


def _height(row: list[str]) -> int:
    return 1 + sum(field.count("\n") for field in row)


def _broken(error: csv.Error, file: str, line: int, last: int, findings: Findings) -> None:
    """What a broken row means: the rest cannot be read, or it is a finding."""
    reason = str(error)
    if "unexpected end" in reason or "field limit" in reason:
        raise Refused(
            f"{file} line {line}: a quote that opens here is never closed; nothing was imported, "
            "the file may be cut off: export it again."
        ) from None
    if "new-line" in reason:
        raise Refused(
            f"{file} line {line}: lines end in a bare carriage return; nothing was imported, "
            "save it as CSV UTF-8 with ordinary line ends."
        ) from None
    spread = f" (the row ends on line {last})" if last > line else ""
    findings.error(file, line, None, f"a quote inside a field is not doubled{spread}")
