"""What a setting's value may be, read from TOML and from an environment variable, and written back as TOML.

A kind promises to say what it wants in words and never to repeat the value it refuses: it may be a secret in the
wrong place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from console.clock import MonthDay

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

NAMES_OF_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "text",
    list: "a list",
    dict: "a table",
    date: "a date",
    datetime: "a date with a time",
}


class MisfitError(Exception):
    """A value is not of its kind; the text says what it is or lacks, without repeating it."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """`words` follows "must be"; `read` takes a TOML value, `listen` an environment variable's text; both raise
    MisfitError.
    """

    words: str
    read: Callable[[object], T]
    listen: Callable[[str], T]
    write: Callable[[T], str]


def type_name(value: object) -> str:
    return NAMES_OF_TYPES.get(type(value), "a time")


def exactly(kind: type[T], value: object) -> T:
    """The value, when it is of this very type: `true` is no number and a moment is no date."""
    if type(value) is not kind:
        raise MisfitError(f"it is {type_name(value)}")
    return value


def quoted(text: object) -> str:
    """As a TOML basic string; JSON's escapes are TOML's, DEL apart."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def text(words: str = "text", check: Callable[[str], str | None] = lambda _: None) -> Kind[str]:
    """A text for which `check` finds no fault; control characters are never meant."""

    def listen(value: str) -> str:
        if not value.isprintable():
            raise MisfitError("it holds a control character")
        fault = check(value)
        if fault:
            raise MisfitError(fault)
        return value

    return Kind(words, lambda value: listen(exactly(str, value)), listen, quoted)


def choice(*words: str) -> Kind[str]:
    return text(
        f"one of {', '.join(word or 'nothing' for word in words)}",
        lambda value: None if value in words else "it is another word",
    )


def whole(least: int, most: int) -> Kind[int]:
    """A whole number from `least` to `most`, both allowed."""

    def bounded(value: int) -> int:
        if not least <= value <= most:
            raise MisfitError("it is out of that range")
        return value

    def listen(value: str) -> int:
        if not (value.isascii() and value.isdigit()):
            raise MisfitError("it is other text")
        return bounded(int(value[:20]))

    return Kind(
        f"a whole number from {least} to {most}",
        lambda value: bounded(exactly(int, value)),
        listen,
        lambda value: f"{value}",
    )


def switch() -> Kind[bool]:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

    def listen(value: str) -> bool:
        if value.lower() not in words:
            raise MisfitError("it is other text")
        return words[value.lower()]

    return Kind("true or false", lambda value: exactly(bool, value), listen, lambda value: str(value).lower())


def path() -> Kind[Path | None]:
    """A file or folder; empty text is none. Made absolute by who knows the settings file's folder."""

    def listen(value: str) -> Path | None:
        if not value.isprintable():
            raise MisfitError("it holds a control character")
        return Path(value).expanduser() if value else None

    return Kind(
        "a path (text)",
        lambda value: listen(exactly(str, value)),
        listen,
        lambda value: quoted("" if value is None else value),
    )


def place() -> Kind[Path]:
    """A file or folder that must be named."""

    def listen(value: str) -> Path:
        found = path().listen(value)
        if found is None:
            raise MisfitError("it is empty")
        return found

    return Kind("a path (text)", lambda value: listen(exactly(str, value)), listen, quoted)


def day() -> Kind[date | None]:
    def listen(value: str) -> date | None:
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise MisfitError("it is other text") from None

    def read(value: object) -> date | None:
        return listen(value) if isinstance(value, str) else exactly(date, value)

    return Kind("a date such as 2026-11-21", read, listen, lambda value: '""' if value is None else value.isoformat())


def month_day() -> Kind[MonthDay]:
    def listen(value: str) -> MonthDay:
        try:
            return MonthDay.read(value)
        except ValueError:
            raise MisfitError("it is no day of every year") from None

    return Kind('a month and day such as "06-30"', lambda value: listen(exactly(str, value)), listen, quoted)


def days() -> Kind[frozenset[date]]:
    """A set of dates; in an environment variable separated by commas."""
    one = day()

    def present(value: date | None) -> date:
        if value is None:
            raise MisfitError("one of them is empty")
        return value

    def listen(value: str) -> frozenset[date]:
        return frozenset(present(one.listen(part.strip())) for part in value.split(",") if part.strip())

    def read(value: object) -> frozenset[date]:
        return frozenset(present(one.read(part)) for part in exactly(list, value))

    def write(value: frozenset[date]) -> str:
        return f"[{', '.join(part.isoformat() for part in sorted(value))}]"

    return Kind("a list of dates such as [2026-11-26, 2026-11-27]", read, listen, write)


def texts(one: Kind[str], words: str) -> Kind[tuple[str, ...]]:
    """Several texts of one kind; in an environment variable separated by commas."""
    return Kind(
        words,
        lambda value: tuple(one.read(part) for part in exactly(list, value)),
        lambda value: tuple(one.listen(part.strip()) for part in value.split(",") if part.strip()),
        lambda value: f"[{', '.join(quoted(part) for part in value)}]",
    )


def pairs() -> Kind[tuple[tuple[str, str], ...]]:
    """A table of texts, as pairs in its order; in an environment variable `name=value` separated by spaces."""
    one = text()

    def listen(value: str) -> tuple[tuple[str, str], ...]:
        found = [part.partition("=") for part in value.split()]
        if not all(name and sign and keys for name, sign, keys in found):
            raise MisfitError("one part is not of the form name=keys")
        return tuple((one.listen(name), one.listen(keys)) for name, _, keys in found)

    def read(value: object) -> tuple[tuple[str, str], ...]:
        return tuple((one.read(name), one.read(keys)) for name, keys in exactly(dict, value).items())

    def write(value: tuple[tuple[str, str], ...]) -> str:
        inside = ", ".join(f"{quoted(name)} = {quoted(keys)}" for name, keys in value)
        return f"{{ {inside} }}" if inside else "{}"

    return Kind('a table of texts such as { approve = "a" }'.replace("\\", ""), read, listen, write)
