"""Reports of many records put together by the database, some thousand lines at a time: a line in Python costs as much as ten there.

Promises: the bytes are those that `console.reports.plain` writes, which a test holds for hostile values too. Only lines that need no
quoting, no escape and no `'` before a formula are taken so; a window with any other is left to `plain`. An operator whose name is not
plain ASCII stands in the database's line as a mark, and is put in here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from console.lazy import sa, t
from console.text import csv_cell, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from console.reports.lines import Ground, Lines, Window

    Write = Callable[[bytes], object]

WINDOW = 10_000
"""Lines that are gathered at a time, 2 MB at most."""
MARKED = 500
"""Operators whose names may be marked; where there are more, `plain` writes."""
_MARK = "\x7f"
_BEGINNINGS = b"=+-@ '"
"""What a cell must not begin with, for it may be taken for a formula or could hide one."""


def _kinds(others: bytes) -> bytes:
    """A table that keeps what a format is made of and tells of every other byte: harmless, not at a beginning, or loud."""
    kinds = bytearray(b"!" * 256)
    for each in range(0x20, 0x7F):
        kinds[each] = ord("^") if each in _BEGINNINGS else ord("x")
    for each in b',\n"':
        kinds[each] = each
    for each in others:
        kinds[each] = ord("!")
    return bytes(kinds)


_CSV = _kinds(b'"')
_JSON = _kinds(b"\\")
_WORDS = bytes(each for each in range(0x20, 0x7F) if each not in b'"\\')
"""What a line of JSON is made of, but for the quotes."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a format's lines are gathered. `cell` writes an operator's name; `is_quiet` is given lines, how many, and their nulls."""

    cell: Callable[[str], bytes]
    line: Callable[[Columns, sa.ColumnElement[str]], sa.ColumnElement[str]]
    is_quiet: Callable[[bytes, int, int], bool]
    marks: re.Pattern[bytes]
    """A mark at the end of a line, where alone an operator stands."""
    nulls: bool
    """Whether it has to know how many are null."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the database knows of a record; `case`, `was`, `became` and `batch` are null where a report says nothing.

    `joined` puts values into a template, nothing for a null; `object` makes a JSON object of them.
    """

    joined: Callable[..., sa.ColumnElement[str]]
    object: Callable[[Mapping[str, Any]], sa.ColumnElement[str]]
    no: sa.ColumnElement[str]
    when: sa.ColumnElement[str]
    operator: sa.ColumnElement[str]
    desk: sa.ColumnElement[str]
    action: sa.ColumnElement[str]
    case: sa.ColumnElement[str]
    was: sa.ColumnElement[str]
    became: sa.ColumnElement[str]
    kind: sa.ColumnElement[str]
    batch: sa.ColumnElement[str]


def form(name: str) -> Form:
    """The form of csv or jsonl."""
    return {"csv": CSV, "jsonl": JSONL}[name]


def write_gathered(lines: Lines, write: Write, of: Form, plainly: Callable[[Lines], Iterator[bytes]]) -> None:
    """The lines of a report without names and reasons. `plainly` gives those of a window that is not quiet."""
    ground = lines.ground()
    marked = {number: of.cell(name) for number, name in ground.operators.items() if not _is_plain(name, of)}
    if len(marked) > MARKED:
        for data in plainly(lines):
            write(data)
        return
    r = t.record.c
    name: Any = sa.func.coalesce(t.operator.c.name, sa.literal("no. ").concat(_text(r.operator_id)))
    if marked:
        mark = sa.literal(_MARK).concat(_text(r.operator_id)).concat(_MARK)
        name = sa.case((r.operator_id.in_(sorted(marked)), mark), else_=name)
    nullable = [r.from_state, r.to_state, sa.func.nullif(r.batch, "")] if of.nulls else []
    for window in _one_ahead(lines.windows(of.line(_columns(ground), name), WINDOW, nullable)):
        text = window.text
        if marked:
            text = of.marks.sub(b"x", text)
        if of.is_quiet(text, window.count, window.nulls):
            write((of.marks.sub(lambda found: marked[int(found[1])], window.text) if marked else text) + b"\n")
        else:
            for data in plainly(lines.between(window.first, window.last)):
                write(data)
        lines.said(window.count)


def _one_ahead(windows: Iterator[Window]) -> Iterator[Window]:
    """The same, the next one being put together by the database while this one is looked at and written."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as other:
        coming = other.submit(next, windows, None)
        while (window := coming.result()) is not None:
            coming = other.submit(next, windows, None)
            yield window


def _is_plain(name: str, of: Form) -> bool:
    """Whether a name is written as it is, and looks harmless where it stands."""
    written = name.encode(errors="replace")
    return name.isascii() and of.cell(name) == written and not name.startswith(tuple(_BEGINNINGS.decode()))


def _columns(ground: Ground) -> Columns:
    r = t.record.c
    when: Any
    if ground.postgres:
        when = sa.func.to_char(sa.func.timezone("UTC", r.at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    else:
        when = sa.func.replace(_stored(r.at), _constant(" "), _constant("T")).concat(_constant("Z"))
    return Columns(
        _concat if ground.postgres else _printf, _json_concat if ground.postgres else _json_object,
        r.index, when, r.operator_id, r.desk, r.action, sa.func.nullif(r.case_id, sa.literal_column("0"), type_=sa.BigInteger()),
        r.from_state, r.to_state, r.kind, sa.func.nullif(r.batch, _constant("")),
    )  # fmt: skip


def _stored(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A column as it is stored, whatever it means."""
    return sa.type_coerce(column, sa.Text())


def _text(value: Any) -> sa.ColumnElement[str]:
    return sa.cast(value, sa.Text())


def _concat(template: str, *values: Any) -> sa.ColumnElement[str]:
    """On PostgreSQL: the template with the values in place of each %s."""
    first, *rest = template.split("%s")
    parts = [part for value, text in zip(values, rest, strict=True) for part in (value, _constant(text))]
    return sa.func.concat(_constant(first), *parts)


def _printf(template: str, *values: Any) -> sa.ColumnElement[str]:
    """The same on SQLite, in one step."""
    return sa.func.printf(_constant(template), *values)


def _json_concat(values: Mapping[str, Any]) -> sa.ColumnElement[str]:
    """On PostgreSQL: an object without blanks, as its own functions do not write it. Numbers stay bare."""

    def said(value: Any) -> sa.ColumnElement[str]:
        number = isinstance(value.type, sa.Integer)
        text = _text(value) if number else _constant('"').concat(value).concat(_constant('"'))
        return sa.func.coalesce(text, _constant("null"))

    template = "{" + ",".join(f'"{name}":%s' for name in values) + "}"
    return _concat(template, *map(said, values.values()))


def _json_object(values: Mapping[str, Any]) -> sa.ColumnElement[str]:
    """The same on SQLite."""
    return sa.func.json_object(*(part for name, value in values.items() for part in (_constant(name), value)))


def _constant(text: str) -> sa.ColumnElement[str]:
    """Text of ours as a constant of the statement: a parameter would be looked at for each record."""
    return sa.literal_column("'" + text + "'", sa.Text())


def _csv_line(c: Columns, name: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    cells = (c.no, c.when, c.operator, c.desk, c.action, c.case, c.was, c.became, c.kind, c.batch, name)
    return c.joined(",".join(["%s"] * len(cells)), *cells)


def _csv_quiet(text: bytes, count: int, _nulls: int) -> bool:
    kinds = text.translate(_CSV)
    return (
        b"!" not in kinds and kinds.count(b",") == count * 10 and kinds.count(b"\n") == count - 1 and b",^" not in kinds
    )


def _jsonl_line(c: Columns, name: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return c.object({
        "no": c.no, "when": c.when, "operator_id": c.operator, "desk": c.desk, "action": c.action, "case": c.case,
        "from": c.was, "to": c.became, "kind": c.kind, "batch": c.batch, "operator": name,
    })  # fmt: skip


def _jsonl_quiet(text: bytes, count: int, nulls: int) -> bool:
    rest = text.translate(_JSON, _WORDS)
    quotes = (11 + 8) * 2 * count - 2 * nulls
    return len(rest) == quotes + count - 1 and rest.count(b"\n") == count - 1 and b"!" not in rest


def _csv_cell(name: str) -> bytes:
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["", csv_cell(str(safe(name)))])
    return text.getvalue()[1:].encode()


def _json_cell(name: str) -> bytes:
    return msgspec.json.encode(str(safe(name)))[1:-1]


CSV = Form(_csv_cell, _csv_line, _csv_quiet, re.compile(rb"\x7f(\d+)\x7f(?=\n|\Z)"), nulls=False)
JSONL = Form(_json_cell, _jsonl_line, _jsonl_quiet, re.compile(rb"\x7f(\d+)\x7f(?=\"\}(?:\n|\Z))"), nulls=True)
