"""What a field of an imported file is: a name, whether it must be there, and how its text becomes a value.

One declaration serves reading, the words of a reject and the documentation of the formats, so that the three cannot differ. A
parser gets text that is not blank and stripped; it returns the value or raises `FieldError` with a reason that never repeats the
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from itertools import compress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from console.intake.findings import Findings

_is_guid = re.compile(r"[0-9A-Za-z./@_-]{1,255}").fullmatch

_ARE_GUIDS = re.compile(r"(?:[0-9A-Za-z./@_-]{0,255}+\n)*+[0-9A-Za-z./@_-]{0,255}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_TRUTH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


class FieldError(ValueError):
    """A text that is no value of its field; its message is the reason, without the text."""


class Need(Enum):
    """How badly a field is needed."""

    MUST = "required"
    COLUMN = "column required, value may be blank"
    SHOULD = "expected"
    MAY = "optional"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a file.

    `blank` is its value where the text is blank or the column is missing. Of a `lenient` field a wrong text is a warning and
    counts as blank; of any other it rejects the row. `form` and `says` describe it in documentation.
    """

    name: str
    parse: Callable[[str], Any]
    need: Need = Need.MAY
    blank: Any = None
    lenient: bool = False
    says: str = ""

    @property
    def form(self) -> str:
        """The form of its text, in words."""
        return str(getattr(self.parse, "form", "") or (self.parse.__doc__ or "").split("\n", 1)[0].rstrip("."))


class RowReader:
    """Turns the texts of one row, in the fields' order, into values; what is wrong becomes findings of `file`.

    Only texts that are not blank cost anything: of OneRoster's columns most are blank, in a million rows.
    """

    def __init__(self, fields: Sequence[Field], file: str, findings: Findings) -> None:
        self._fields = tuple(fields)
        self._parsers = [each.parse for each in fields]
        self._blanks = [each.blank for each in fields]
        self._places = range(len(self._fields))
        self._musts = [place for place, each in enumerate(fields) if each.need is Need.MUST]
        self._file = file
        self._findings = findings

    def read(self, line: int, texts: Sequence[str], *, identity: str | None = None) -> list[Any] | None:
        """The values, or None when the row is rejected.

        With `identity`, only the field of that name is required and every other is lenient and silent: of a row that is
        withdrawn, the identifier is all that matters.
        """
        values = self._blanks.copy()
        parsers = self._parsers
        good = True
        for place in compress(self._places, texts):
            try:
                values[place] = parsers[place](texts[place])
            except FieldError as wrong:
                good &= self._tolerates(line, self._fields[place], str(wrong), identity)
        for place in self._musts:
            if not texts[place] and identity in {None, self._fields[place].name}:
                self._findings.error(self._file, line, self._fields[place].name, "is blank")
                good = False
        return values if good else None

    def _tolerates(self, line: int, field: Field, reason: str, identity: str | None) -> bool:
        """Whether the row stands although this field's text is wrong; says so."""
        if identity not in {None, field.name}:
            return True
        if field.lenient:
            self._findings.warn(self._file, line, field.name, f"{reason}, taken as blank")
        else:
            self._findings.error(self._file, line, field.name, reason)
        return field.lenient


def _are_guids(texts: Sequence[str]) -> bool:
    """Whether each of them is an identifier or blank."""
    joined = "\n".join(texts)
    return joined.count("\n") == len(texts) - 1 and _ARE_GUIDS.fullmatch(joined) is not None


def guid(text: str) -> str:
    """A OneRoster identifier: letters, digits and . / @ _ -, at most 255."""
    if _is_guid(text) is None:
        raise FieldError("is no identifier (letters, digits and . / @ _ -, at most 255)")
    return text


guid.whole = _are_guids  # type: ignore[attr-defined] # read by PartReader


def day(text: str) -> date:
    """A date YYYY-MM-DD."""
    if _DATE.fullmatch(text) is None:
        raise FieldError("is not a date of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldError("is a date that no calendar has") from None


def moment(text: str) -> datetime:
    """A date or ISO 8601 time, taken as UTC where no offset stands."""
    if _MOMENT.fullmatch(text) is None:
        raise FieldError("is neither a date YYYY-MM-DD nor a time YYYY-MM-DDTHH:MM:SSZ")
    try:
        found = datetime.fromisoformat(text.upper())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError("is a time that no calendar has") from None


def truth(text: str) -> bool:
    """Either true or false; any case, also 1, 0, yes, no."""
    try:
        return _TRUTH[text.casefold()]
    except KeyError:
        raise FieldError("is neither true nor false") from None


def described(form: str) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    """Give a parser that is made from parameters its form in words."""

    def give(parse: Callable[[str], Any]) -> Callable[[str], Any]:
        parse.form = form  # type: ignore[attr-defined] # read by Field.form
        return parse

    return give


def text(limit: int) -> Callable[[str], str]:
    """Text of at most so many characters."""

    @described(f"text, at most {limit} characters")
    def parse(value: str) -> str:
        if len(value) > limit:
            raise FieldError(f"is longer than {limit} characters")
        return value

    parse.whole = lambda texts: max(map(len, texts)) <= limit  # type: ignore[attr-defined] # read by PartReader
    return parse


def word(limit: int) -> Callable[[str], str]:
    """Text without blanks or control characters."""

    @described(f"text without blanks, at most {limit} characters")
    def parse(value: str) -> str:
        if len(value) > limit:
            raise FieldError(f"is longer than {limit} characters")
        if not value.isprintable() or any(character.isspace() for character in value):
            raise FieldError("holds a blank or a control character")
        return value

    return parse


def choice(names: Iterable[str], also: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """One of the names, in any letter case; `also` maps other spellings to a name."""
    listed = tuple(names)
    known = {name.casefold(): name for name in listed} | {key.casefold(): name for key, name in (also or {}).items()}

    @described(" | ".join(listed))
    def parse(value: str) -> str:
        try:
            return known[value.casefold()]
        except KeyError:
            raise FieldError(f"is none of {', '.join(listed)}") from None

    return parse


def several(parse_one: Callable[[str], Any], what: str, limit: int = 5000) -> Callable[[str], tuple[Any, ...]]:
    """A comma-separated list; blank items and repetitions are left out, the order is kept."""

    @described(f"{what}, separated by commas")
    def parse(value: str) -> tuple[Any, ...]:
        if "," not in value:
            return (parse_one(value),)
        parts = dict.fromkeys(map(str.strip, value.split(",")))
        parts.pop("", None)
        if len(parts) > limit:
            raise FieldError(f"lists more than {limit}")
        return tuple(map(parse_one, parts))

    return parse
