"""Reports for programs: CSV (RFC 4180, LF, UTF-8) and JSON Lines, a record a line.

No cell holds a line break, for text is made printable first; text that a spreadsheet would run gets a `'` before it.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

from console.ledger.bundle import report_row
from console.text import csv_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from console.reports.lines import Line, Lines

    Write = Callable[[bytes], object]

TOGETHER = 2_000
"""Lines that are written at once."""


def _rows(lines: Iterable[Line], *, names: bool, reasons: bool) -> Iterator[dict[str, Any]]:
    for line in lines:
        row = report_row(line.record)
        row["operator"] = str(line.operator)
        if names:
            row["about"] = str(line.about)
        if reasons:
            row["reason"] = str(line.reason)
        yield row


def columns(*, names: bool, reasons: bool) -> list[str]:
    """The columns of a report, in their order."""
    said = ["no", "when", "operator_id", "desk", "action", "case", "from", "to", "kind", "batch", "operator"]
    return [*said, *(["about"] if names else []), *(["reason"] if reasons else [])]


def csv_head(*, names: bool, reasons: bool) -> bytes:
    """The first line of a CSV."""
    return (",".join(columns(names=names, reasons=reasons)) + "\n").encode()


def csv_rows(lines: Iterable[Line], *, names: bool, reasons: bool) -> Iterator[bytes]:
    """The lines of a CSV below its header, some at a time."""
    named = columns(names=names, reasons=reasons)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for n, row in enumerate(_rows(lines, names=names, reasons=reasons), 1):
        writer.writerow([csv_cell(value) if isinstance(value, str) else value for value in map(row.get, named)])
        if n % TOGETHER == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def jsonl_rows(lines: Iterable[Line], *, names: bool, reasons: bool) -> Iterator[bytes]:
    """JSON Lines, some at a time."""
    kept: list[bytes] = []
    encode = msgspec.json.encode
    for row in _rows(lines, names=names, reasons=reasons):
        kept.append(encode(row) + b"\n")
        if len(kept) >= TOGETHER:
            yield b"".join(kept)
            kept.clear()
    yield b"".join(kept)


def write_plain(lines: Lines, write: Write, format_: str, *, names: bool, reasons: bool) -> None:
    """The report as CSV with a header or as JSON Lines, gathered by the database where that can do it."""
    from console.reports.gathered import form, write_gathered

    rows = csv_rows if format_ == "csv" else jsonl_rows
    if format_ == "csv":
        write(csv_head(names=names, reasons=reasons))
    if names or reasons:
        for data in rows(lines, names=names, reasons=reasons):
            write(data)
        return
    write_gathered(lines, write, form(format_), lambda some: rows(some, names=False, reasons=False))
