"""What goes to stdout (data) and to stderr (everything said about it).

JSON is ASCII: whatever a name holds becomes an escape that no terminal obeys. CSV takes the formulas out of text columns. A table
is plain text when it is piped, and never wrapped; on a terminal it is drawn to the terminal's width.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import click

from console.text import cells, csv_cell, pad, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from console.text import SafeText

FORMATS = ("table", "json", "csv")
BLOCK = 1 << 16
"""Characters of CSV that are written at a time."""


def format_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--format table|json|csv`, given to the command as `form`."""
    option = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="How the answer is written.",
    )
    decorated: Callable[..., Any] = option(function)
    return decorated


def say(text: str) -> None:
    """One sentence for a person, on stderr, wrapped at words on a terminal. What comes from data in it is made safe."""
    lines: list[str] = [safe(line) for line in text.split("\n")]
    if sys.stderr.isatty():
        from shutil import get_terminal_size
        from textwrap import wrap

        width = get_terminal_size().columns
        lines = [part for line in lines for part in wrap(line, width, break_long_words=False) or [""]]
    click.echo("\n".join(lines), err=True)


def write(text: str) -> None:
    """One line of data, on stdout, made safe for a terminal."""
    click.echo(safe(text))


def plain(value: Any) -> Any:
    """A value as JSON holds it: moments in UTC with `Z`, dates as ISO, words as text, flags as arrays."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Enum():
            return plain(value.value)
        case str():
            return str(value)
        case tuple() | list() | frozenset() | set():
            return [plain(each) for each in value]
        case dict():
            return {str(name): plain(each) for name, each in value.items()}
        case _:
            return value


def write_json(value: Any) -> None:
    """One JSON document: a list with one object a line, anything else indented. What comes one by one is written as it comes."""
    if not isinstance(value, Iterator):
        value = plain(value)
        if not isinstance(value, list):
            click.echo(json.dumps(value, ensure_ascii=True, indent=2))
            return
    before = "[\n"
    for each in value:
        click.echo(before + json.dumps(plain(each), ensure_ascii=True), nl=False)
        before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """CSV (RFC 4180, LF) with a header, also for no rows; text columns cannot be run by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv(row.get(name)) for name in columns])
        if text.tell() > BLOCK:
            click.echo(text.getvalue(), nl=False)
            text.seek(0)
            text.truncate()
    click.echo(text.getvalue(), nl=False)


def _csv(value: Any) -> Any:
    value = plain(value)
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return value
        case list():
            return csv_cell(str(safe("; ".join(str(each) for each in value))))
        case dict():
            return csv_cell(json.dumps(value, ensure_ascii=True))
        case _:
            return csv_cell(str(safe(str(value))))


def write_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    form: str,
    *,
    titles: Mapping[str, str] | None = None,
    right: Sequence[str] = (),
) -> None:
    """Rows of named values in the format asked for: JSON has every name, CSV and tables have `columns`."""
    if form == "json":
        write_json(rows)
    elif form == "csv":
        write_csv(rows, columns)
    else:
        named = titles or {}
        heads = [safe(named.get(each, each.replace("_", " ").capitalize())) for each in columns]
        write_table(heads, [[shown(row.get(each)) for each in columns] for row in rows], [c in right for c in columns])


def shown(value: Any) -> SafeText:
    """A value as a table shows it."""
    value = plain(value)
    match value:
        case None:
            return safe("")
        case bool():
            return safe("yes" if value else "–")
        case list():
            return safe(", ".join(str(each) for each in value))
        case dict():
            return safe(json.dumps(value))
        case int():
            return safe(f"{value:,}")
        case _:
            return safe(str(value))


def write_table(
    heads: Sequence[SafeText],
    lines: Sequence[Sequence[SafeText]],
    right: Sequence[bool],
    *,
    tones: Sequence[Sequence[str]] | None = None,
) -> None:
    """A table: on a terminal drawn by rich to its width, piped as plain aligned text of any width."""
    if sys.stdout.isatty():
        from console.cli.drawing import draw_table

        draw_table(heads, lines, right, tones)
        return
    widths = [max([cells(head), *(cells(line[n]) for line in lines)]) for n, head in enumerate(heads)]
    for line in (heads, *lines):
        drawn = "  ".join(pad(cell, widths[n], right[n]) for n, cell in enumerate(line))
        click.echo(drawn.rstrip())
