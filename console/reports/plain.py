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

    from console.reports.lines import Line

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


def write_csv(lines: Iterable[Line], write: Write, *, names: bool, reasons: bool) -> None:
    """The report as CSV, with a header."""
    named = columns(names=names, reasons=reasons)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(named)
    for n, row in enumerate(_rows(lines, names=names, reasons=reasons)):
        writer.writerow([csv_cell(value) if isinstance(value, str) else value for value in map(row.get, named)])
        if n % TOGETHER == 0:
            write(text.getvalue().encode())
            text.seek(0)
            text.truncate()
    write(text.getvalue().encode())


def write_jsonl(lines: Iterable[Line], write: Write, *, names: bool, reasons: bool) -> None:
    """The report as JSON Lines."""
    kept: list[bytes] = []
    encode = msgspec.json.encode
    for row in _rows(lines, names=names, reasons=reasons):
        kept.append(encode(row) + b"\n")
        if len(kept) >= TOGETHER:
            write(b"".join(kept))
            kept.clear()
    write(b"".join(kept))
