"""Values as a queue draws them, in one cell each: ages, dates, yes and no, numbers."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from console.text import SafeText, safe

if TYPE_CHECKING:
    from console.desk import Value


def drawn(value: Value, now: datetime) -> SafeText:
    """A value as a cell shows it: moments as ages, dates as dates, yes as a word."""
    match value:
        case None:
            return safe("")
        case SafeText():
            return value
        case bool():
            return safe("yes" if value else "–")
        case datetime():
            return safe(age(value, now))
        case date():
            return safe(value.isoformat())
        case tuple():
            return safe(", ".join(value))
        case _:
            return safe(f"{value:,}")


def age(then: datetime, now: datetime) -> str:
    """How long ago, in one unit: `12s`, `5m`, `3h`, `12d`. A moment ahead reads `in 3h`."""
    seconds = int((now - then).total_seconds())
    if seconds < 0:
        return "in " + age(now, then)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
