"""What an operator adds to a decision: typed, declared once, asked for by dialogs and by command-line options alike."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from console.errors import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.clock import MonthDay


@dataclass(frozen=True, slots=True)
class Calendar:
    """The day it is, and the day the school year ends: what the words for days are measured from."""

    today: date
    school_year_end: MonthDay

    def end_of_year(self) -> date:
        """The last day of the running school year."""
        return self.school_year_end.on_or_after(self.today)


@dataclass(frozen=True, slots=True)
class Option:
    """One parameter as a person meets it. `personal` values go into the encrypted detail, never into the record."""

    name: str
    type: type
    help: str
    required: bool
    default: Any
    personal: bool
    lines: int

    @property
    def words(self) -> tuple[str, ...]:
        """The words it accepts, empty when it accepts others too."""
        return tuple(str(word) for word in self.type) if issubclass(self.type, StrEnum) else ()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")


def option(help: str, *, default: Any = MISSING, personal: bool = False, lines: int = 1) -> Any:  # noqa: A002 - click's word
    """Declare a parameter of a decision. Without a default it is required; `lines` is how tall its field is."""
    metadata = {"help": help, "personal": personal, "lines": lines}
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Params:
    """What every decision takes: why. `reason` is personal: it may name people."""

    reason: str = option("Why, in your own words; kept encrypted in the record.", default="", personal=True, lines=2)


@dataclass(frozen=True, kw_only=True)
class Telling(Params):
    """What the person concerned reads besides the decision itself. The reason stays in the record."""

    message: str = option(
        "What they are told besides, as they will read it; name nobody who must not be named.",
        default="",
        personal=True,
        lines=4,
    )


def options(params: type[Params]) -> tuple[Option, ...]:
    """The parameters of a decision in the order to ask for them, the reason last."""
    types = get_type_hints(params)
    found = []
    for part in fields(params):
        if "help" not in part.metadata:
            continue
        kind = types[part.name]
        inner = [each for each in get_args(kind) if each is not type(None)]
        found.append(
            Option(
                name=part.name,
                type=inner[0] if inner else kind,
                help=part.metadata["help"],
                required=part.default is MISSING,
                default=None if part.default is MISSING else part.default,
                personal=part.metadata["personal"],
                lines=part.metadata["lines"],
            )
        )
    return tuple(sorted(found, key=lambda each: each.name == "reason"))


def day(text: str, calendar: Calendar) -> date:
    """A date as typed: `2027-06-30`, `today`, `tomorrow`, `+14d`, `+2w`, `end-of-year`. Raises Usage for anything else."""
    word = text.strip().lower()
    named = {
        "today": calendar.today,
        "tomorrow": calendar.today + timedelta(days=1),
        "end-of-year": calendar.end_of_year(),
    }
    if word in named:
        return named[word]
    try:
        if word.startswith("+") and word[-1:] in ("d", "w"):
            return calendar.today + timedelta(days=int(word[1:-1]) * (7 if word.endswith("w") else 1))
        return date.fromisoformat(word)
    except (ValueError, OverflowError):
        raise Usage(f"{text!r} is not a day; nothing was done. Write 2027-06-30, today, +14d or end-of-year.") from None


def read_params(params: type[Params], typed: Mapping[str, Any], calendar: Calendar) -> Params:
    """Params from what was typed. Raises Usage that names what is missing or cannot be read."""
    values: dict[str, Any] = {}
    for each in options(params):
        value = typed.get(each.name)
        if value is None or value == "":
            if each.required:
                raise Usage(f"{each.flag} is missing; nothing was done. {each.help}")
            continue
        values[each.name] = _value(each, value, calendar)
    return params(**values)


def _value(each: Option, value: Any, calendar: Calendar) -> Any:
    if isinstance(value, each.type):
        return value
    text = str(value)
    if each.type is date:
        return day(text, calendar)
    if each.words:
        if text not in each.words:
            raise Usage(f"{each.flag} takes one of {', '.join(each.words)}; nothing was done.")
        return each.type(text)
    if each.type is bool:
        if text.lower() in ("true", "yes", "on", "1"):
            return True
        if text.lower() in ("false", "no", "off", "0"):
            return False
        raise Usage(f"{each.flag} takes yes or no; nothing was done.")
    try:
        return each.type(text)
    except ValueError:
        raise Usage(f"{each.flag} takes a whole number; nothing was done.") from None
