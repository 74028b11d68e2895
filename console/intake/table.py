"""Reads CSV and JSON Lines a row at a time, for every import alike, and says in words what is wrong with a file.

Strict where leniency would lose or shift data (UTF-8, quotes, short rows), tolerant where real exports differ (letter case of
headers, more columns than known, a byte order mark, CRLF). What makes the rest of a file unreadable raises Refused; what spoils
one row is a finding and the next row is read. A file of any size is read in the memory of one row.
"""

from __future__ import annotations

import csv
import itertools
import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from console.errors import Refused
from console.intake.findings import Findings, shown_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from console.intake.archive import Member

LINE_LIMIT = 1 << 20
"""Bytes in one line; a longer one is no export but something else."""

FIELD_LIMIT = 1 << 17
"""Characters in one field; a longer one is a quote that was never closed."""

COLUMN_LIMIT = 1000
"""Columns in one file; OneRoster's widest has about thirty."""

Row = tuple[int, tuple[str, ...]]


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
        width = len(self._header)
        pick = itemgetter(*(self._places.get(name, width) for name in self.known), width)
        with self._member.open() as stream:
            for line, row in itertools.islice(_csv_rows(stream, self.file, self.findings), 1, None):
                if len(row) != width:
                    if not any(row):
                        continue
                    if not self._fits(line, row, width):
                        continue
                    del row[width:]
                elif not any(row):
                    continue
                row.append("")
                yield line, tuple(map(str.strip, pick(row)[:-1]))

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
            for line, text in enumerate(_lines(stream, self.file), 1):
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


def header(member: Member) -> list[str]:
    """The names in a CSV member's first row, stripped. A file without any row, or with absurdly many columns, is refused."""
    with member.open() as stream:
        first = next(_csv_rows(stream, member.shown, Findings()), None)
    if first is None:
        raise Refused(f"{member.shown} is empty, it has not even a header row; nothing was imported, export it again.")
    names = [name.strip() for name in first[1]]
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


def _lines(stream: BinaryIO, file: str) -> Iterator[str]:
    """The stream's lines as text. Anything but UTF-8 without NUL in lines of reasonable length is refused."""
    number = 0
    while raw := stream.readline(LINE_LIMIT + 1):
        number += 1
        if number == 1:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Refused(f"{file} line 1: the file is UTF-16; nothing was imported, save it as CSV UTF-8.")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if len(raw) > LINE_LIMIT:
            raise Refused(
                f"{file} line {number}: longer than {LINE_LIMIT >> 20} MiB; nothing was imported, "
                "look whether it is the right file."
            )
        if b"\0" in raw:
            raise Refused(
                f"{file} line {number}: holds NUL bytes, as a file that was cut off or is UTF-16 does; "
                "nothing was imported, export it again as UTF-8."
            )
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise Refused(
                f"{file} line {number}: not UTF-8 (perhaps Latin-1 or Windows-1252); nothing was imported, save it as CSV UTF-8."
            ) from None
        yield text


def _csv_rows(stream: BinaryIO, file: str, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Every row with the line on which it starts, the header too. A row with broken quotes is a finding, the next is read."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(_lines(stream, file), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
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
            last = f" (the row ends on line {reader.line_num})" if reader.line_num > line else ""
            findings.error(file, line, None, f"a quote inside a field is not doubled{last}")
            continue
        if row is None:
            return
        if row:
            yield line, row


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
