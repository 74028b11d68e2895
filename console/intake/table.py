"""Reads CSV and JSON Lines a row at a time, for every import alike, and says in words what is wrong with a file.

Strict where leniency would lose or shift data (UTF-8, quotes, short rows), tolerant where real exports differ (letter case of
headers, more columns than known, a byte order mark, CRLF). What makes the rest of a file unreadable raises Refused; what spoils
one row is a finding and the next row is read. A file of any size is read in the memory of one row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from console.errors import Refused
from console.intake.findings import Findings, shown_column
from console.intake.lines import FIELD_LIMIT, csv_parts, lines_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from console.intake.archive import Member

COLUMN_LIMIT = 1000
"""Columns in one file; OneRoster's widest has about thirty."""

Row = tuple[int, tuple[str, ...]]
Part = tuple["Sequence[int]", list[tuple[str, ...]]]
"""Some rows: on which line each starts, and their texts, a tuple for each column."""


class Table:
    """The rows of one member as `(line, values)`, values in the order of `known`, "" for a column the file has not.

    Values are stripped of surrounding blanks. `known` are the columns wanted, `required` and `expected` those whose absence is
    an error or a warning, `aliases` maps other names to known ones, `silent` are columns that are neither read nor worth a
    warning. `surplus` says what happens to a CSV row with more fields than the header: read with a warning, or rejected.
    With `objects`, JSON Lines is read too, recognised by its first character.
    Construction reads the header only; `present` are then the known columns that the file has (of JSON Lines, all).
    Iterating opens the member again and may be repeated.
    """

    def __init__(
        self,
        member: Member,
        known: Sequence[str],
        required: Collection[str],
        findings: Findings,
        *,
        expected: Collection[str] = (),
        aliases: Mapping[str, str] | None = None,
        silent: Collection[str] = (),
        surplus: str = "warn",
        objects: bool = False,
    ) -> None:
        self.file = member.shown
        self.known = tuple(known)
        self.findings = findings
        self._member = member
        self._aliases = dict(aliases or {})
        self._folded = {name.casefold(): name for name in self.known}
        self._folded |= {alias.casefold(): name for alias, name in self._aliases.items()}
        self._silent = {name.casefold() for name in silent}
        self._required = [name for name in self.known if name in required]
        self._expected = [name for name in self.known if name in expected]
        self._surplus = surplus
        self._header: list[str] = []
        self.is_json = objects and _is_json(member)
        if self.is_json:
            self.present = frozenset(self.known)
            self._places: dict[str, int] = {}
        else:
            self._header = header(member)
            self._places = self._place(self._header)
            self.present = frozenset(self._places)

    @property
    def size(self) -> int:
        """Bytes of the file, unpacked."""
        return self._member.size

    @property
    def read(self) -> int:
        """How many of them were read so far."""
        return self._member.read

    def expected(self, read: int) -> int:
        """How many rows there will be in all, judged by how much of the file the `read` ones are."""
        return max(read, read * self._member.size // max(self._member.read, 1))

    def __iter__(self) -> Iterator[Row]:
        return self._objects() if self.is_json else self._records()

    # CSV

    def _place(self, names: list[str]) -> dict[str, int]:
        """Where each known column stands. Required ones first: without them the first line may be people, not names."""
        places = self._match(names)
        missing = [name for name in self._required if name not in places]
        if missing:
            raise Refused(
                f"{self.file} line 1: {_listed('column', missing)} missing{_separator_hint(names)}; "
                "nothing was imported, export it again with a header row that has them."
            )
        taken = set(places.values())
        for position, name in enumerate(names):
            if position not in taken:
                self._unread(name, position + 1)
        for name in self._expected:
            if name not in places:
                self.findings.warn(self.file, 1, name, "the column is missing, its values are taken as unknown")
        return places

    def _match(self, names: list[str]) -> dict[str, int]:
        places: dict[str, int] = {}
        for position, name in enumerate(names):
            if name in self.known:
                if name in places:
                    raise Refused(
                        f"{self.file} line 1, column {name}: the name stands twice in the header; "
                        "nothing was imported, keep the right column."
                    )
                places[name] = position
        for position, name in enumerate(names):
            meant = self._folded.get(name.casefold())
            if meant is not None and meant not in places:
                places[meant] = position
                self.findings.warn(self.file, 1, shown_column(name, position + 1), f"read as {meant}")
        return places

    def _unread(self, name: str, position: int) -> None:
        shown = shown_column(name, position)
        if "password" in name.casefold():
            self.findings.warn(self.file, 1, shown, "not read: passwords are never taken over")
        elif name.casefold() not in self._silent:
            self.findings.warn(self.file, 1, shown, "unknown column, not read")

    def _records(self) -> Iterator[Row]:
        for lines, columns in self.parts():
            yield from zip(lines, zip(*columns, strict=True), strict=True)

    def parts(self) -> Iterator[Part]:
        """The rows of a CSV file some thousands at a time, column by column, in the order of `known`."""
        with self._member.open() as stream:
            skipped = 1
            for lines, rows in csv_parts(stream, self.file, self.findings):
                yield self._columns(lines[skipped:], rows[skipped:])
                skipped = 0

    def _columns(self, lines: Sequence[int], rows: list[list[str]]) -> Part:
        """Rows of the header's width turned into columns; blank ones and those that do not fit are left out."""
        width = len(self._header)
        texts = _turned(rows) if set(map(len, rows)) == {width} else []
        # A column that is blank nowhere says for all rows at once that they are not.
        if not any(map(all, texts)):
            kept = [
                place
                for place, row in enumerate(rows)
                if any(row) and (len(row) == width or self._fits(lines[place], row, width))
            ]
            lines, rows = [lines[place] for place in kept], [rows[place][:width] for place in kept]
            texts = _turned(rows) or [()] * width
        blank = ("",) * len(rows)
        places = [self._places.get(name) for name in self.known]
        return lines, [blank if place is None else _stripped(texts[place]) for place in places]

    def _fits(self, line: int, row: list[str], width: int) -> bool:
        """Whether a row of another width than the header's may still be read."""
        if len(row) < width:
            reason = f"{len(row)} fields where the header has {width}: the line is cut off"
        elif not any(row[width:]):
            return True
        else:
            reason = f"{len(row)} fields where the header has {width}"
            if self._surplus == "warn":
                self.findings.warn(self.file, line, None, f"{reason}, the last were not read")
                return True
            reason += ": a comma stands outside quotes"
        self.findings.error(self.file, line, None, reason)
        return False

    # JSON Lines

    def _objects(self) -> Iterator[Row]:
        with self._member.open() as stream:
            for line, text in enumerate(lines_of(stream, self.file), 1):
                if text.isspace():
                    continue
                try:
                    values = self._object(_JSON.decode(text), line)
                except (ValueError, RecursionError):
                    self.findings.error(self.file, line, None, "not a JSON object on one line")
                    continue
                if values is not None:
                    yield line, values

    def _object(self, pairs: Any, line: int) -> tuple[str, ...] | None:
        """The object's values in the order of `known`; None when the row was rejected."""
        if not isinstance(pairs, _Pairs):
            raise ValueError  # noqa: TRY004 - it becomes the finding "not a JSON object"
        found: dict[str, str] = {}
        for position, (name, value) in enumerate(pairs, 1):
            meant = name if name in self.known else self._folded.get(name.casefold())
            if meant is None:
                self._unread_key(name, position, line)
                continue
            text = _flat(value)
            reason = _unfit(text)
            if text is None or reason or meant in found:
                self.findings.error(self.file, line, meant, reason or "the name stands twice in the object")
                return None
            found[meant] = text.strip()
        missing = [name for name in self._required if name not in found]
        if missing:
            self.findings.error(self.file, line, missing[0], "is missing")
            return None
        return tuple(found.get(name, "") for name in self.known)

    def _unread_key(self, name: str, position: int, line: int) -> None:
        reason = "unknown column, not read"
        if "password" in name.casefold():
            reason = "not read: passwords are never taken over"
        elif name.casefold() in self._silent:
            return
        self.findings.warn_once(self.file, line, shown_column(name, position), reason)


def _turned(rows: list[list[str]]) -> list[tuple[str, ...]]:
    return list(zip(*rows, strict=True))


def _stripped(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(str.strip, texts)) if any(texts) else texts


def header(member: Member) -> list[str]:
    """The names in a CSV member's first row, stripped. A file without any row, or with absurdly many columns, is refused."""
    with member.open() as stream:
        first = next(csv_parts(stream, member.shown, Findings(), 1), None)
    if first is None:
        raise Refused(f"{member.shown} is empty, it has not even a header row; nothing was imported, export it again.")
    names = [name.strip() for name in first[1][0]]
    if len(names) > COLUMN_LIMIT:
        raise Refused(
            f"{member.shown} line 1: more than {COLUMN_LIMIT} columns; nothing was imported, look whether it is the right file."
        )
    while len(names) > 1 and not names[-1]:
        names.pop()
    return names


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, a name that stands twice included."""


def _constant(name: str) -> str:
    raise ValueError(name)


_JSON = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_constant)
"""Numbers stay as they were written: a student number is no quantity."""


def _flat(value: Any) -> str | None:
    """A JSON value as a CSV field would hold it; None for what no field can hold."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _Pairs():
            return None
        case list():
            parts = [part if isinstance(part, str) else "," for part in value]
            return ",".join(parts) if not any("," in part for part in parts) else None
    return None


def _unfit(text: str | None) -> str | None:
    """Why a database could not hold the text, or None."""
    if text is None:
        return "neither text, number, true, false nor a list of texts without commas"
    if "\0" in text:
        return "holds a NUL character"
    if len(text) > FIELD_LIMIT:
        return f"longer than {FIELD_LIMIT:,} characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate)"
    return None


def _is_json(member: Member) -> bool:
    """Whether the first character that is not blank opens a JSON object."""
    with member.open() as stream:
        start = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"[") and member.name.casefold().endswith((".json", ".jsonl", ".ndjson")):
        raise Refused(
            f"{member.shown} is one JSON array; nothing was imported, "
            "write JSON Lines: one object on each line, no brackets around."
        )
    return start.startswith(b"{")


def _listed(noun: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the {noun} {names[0]} is"
    return f"the {noun}s {', '.join(names[:-1])} and {names[-1]} are"


def _separator_hint(names: Sequence[str]) -> str:
    if len(names) == 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in names[0]:
                return f", fields seem to be separated by {word} where commas are expected"
    return ""
