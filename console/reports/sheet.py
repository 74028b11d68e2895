"""A report as a spreadsheet, written row by row: text stays text, whatever it begins with; numbers are numbers."""

from __future__ import annotations

from datetime import datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from console.errors import Refused
from console.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from console.reports.heading import Heading
    from console.reports.lines import Line

ROWS = 1_048_576
"""Rows of a sheet."""

CELL = 32_767
"""Characters of a cell."""

_WIDTHS = {"No.": 8, "When": 19, "Operator": 18, "Action": 18, "Batch": 11, "About": 36, "Why": 60}


def write_xlsx(lines: Iterable[Line], file: Path, heading: Heading) -> None:
    """The report as a workbook at `file`: the records first, then what was asked for. Raises Refused for too many."""
    import xlsxwriter  # type: ignore[import-untyped]

    if heading.manifest.count >= ROWS:
        raise Refused("A spreadsheet holds 1,048,575 records; nothing was exported. Narrow the filter or take CSV.")
    # The writer leaves what it had written where it stops, as on a full disk.
    with TemporaryDirectory(prefix=f"{file.name}.", dir=file.parent) as folder:
        book = xlsxwriter.Workbook(
            str(file),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": folder,
            },
        )
        _fill(book, lines, heading)
        book.close()


def _fill(book: Any, lines: Iterable[Line], heading: Heading) -> None:
    made = datetime.fromisoformat(heading.manifest.made).replace(tzinfo=None)
    book.set_properties({"title": "Audit report", "created": made})
    bold = book.add_format({"bold": True, "bottom": 1})
    sheet = book.add_worksheet("Records")
    for n, title in enumerate(heading.titles):
        sheet.set_column(n, n, _WIDTHS.get(title, 12))
        sheet.write_string(0, n, title, bold)
    sheet.freeze_panes(1, 0)
    row = 0
    for row, line in enumerate(lines, 1):
        for n, value in enumerate(heading.cells(line)):
            if isinstance(value, int):
                sheet.write_number(row, n, value)
            elif value:
                sheet.write_string(row, n, safe(value)[:CELL])
    sheet.autofilter(0, 0, row, len(heading.titles) - 1)
    about = book.add_worksheet("About")
    about.set_column(0, 0, 20)
    about.set_column(1, 1, 80)
    for n, (label, text) in enumerate(heading.said()):
        about.write_string(n, 0, label, bold)
        about.write_string(n, 1, safe(text)[:CELL])
