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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from console.intake.findings import Findings

GUID = re.compile(r"[0-9A-Za-z./@_-]{1,255}")
"""OneRoster's identifiers."""

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
    """Turns the texts of one row, in the fields' order, into values; what is wrong becomes findings of `file`."""

    def __init__(self, fields: Sequence[Field], file: str, findings: Findings) -> None:
        self._plan = [(each.parse, each.blank, each.need is Need.MUST, each) for each in fields]
        self._file = file
        self._findings = findings

    def read(self, line: int, texts: Iterable[str], *, identity: str | None = None) -> list[Any] | None:
        """The values, or None when the row is rejected.

        With `identity`, only the field of that name is required and every other is lenient and silent: of a row that is
        withdrawn, the identifier is all that matters.
        """
        values: list[Any] = []
        rejected = False
        for text, (parse, blank, must, field) in zip(texts, self._plan, strict=True):
            quiet = identity is not None and field.name != identity
            if not text:
                if must and not quiet:
                    self._findings.error(self._file, line, field.name, "is blank")
                    rejected = True
                values.append(blank)
                continue
            try:
                values.append(parse(text))
            except FieldError as wrong:
                values.append(blank)
                if quiet:
                    continue
                if field.lenient:
                    self._findings.warn(self._file, line, field.name, f"{wrong}, taken as blank")
                else:
                    self._findings.error(self._file, line, field.name, str(wrong))
                    rejected = True
        return None if rejected else values


def guid(text: str) -> str:
    """A OneRoster identifier: letters, digits and . / @ _ -, at most 255."""
    if GUID.fullmatch(text) is None:
        raise FieldError("is no identifier (letters, digits and . / @ _ -, at most 255)")
    return text


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
        parts = dict.fromkeys(part.strip() for part in value.split(","))
        parts.pop("", None)
        if len(parts) > limit:
            raise FieldError(f"lists more than {limit}")
        return tuple(parse_one(part) for part in parts)

    return parse
