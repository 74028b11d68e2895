"""What time it is, asked of one object, so that a test or a demonstration district can have its own calendar.

A clock promises two readings that agree with each other: `now()`, an aware moment in UTC to the microsecond, which is
what the portal stores; and `today()`, the date in the portal's time zone, which is what deadlines, grants and school
years are about. School days (PORTAL, *Challenges*) are Monday to Friday without the district's list of closed days.
"""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import tzinfo

SCHOOL_DAYS_A_WEEK = 5
DAYS_A_WEEK = 7


class Clock(Protocol):
    """The seam: everything that needs the time takes one of these."""

    def now(self) -> datetime:
        """The moment it is, aware, in UTC, to the microsecond."""
        ...

    def today(self) -> date:
        """The date of this moment in the portal's time zone."""
        ...


class SystemClock:
    """The machine's time."""

    def __init__(self, timezone: tzinfo) -> None:
        self.timezone = timezone

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return self.now().astimezone(self.timezone).date()


class FixedDayClock:
    """The calendar of a demonstration district: always the same date, while the time of day runs on.

    It begins at the source's time of day and never goes back within a process. Where the day would end, it stays at
    the day's last microsecond, so that `today()` and `now()` never disagree.
    """

    def __init__(self, timezone: tzinfo, today: date, source: Clock | None = None) -> None:
        self.timezone = timezone
        self._today = today
        self._source = source or SystemClock(timezone)
        self._began = self._source.now()
        time_of_day = self._began.astimezone(timezone).time()
        self._last = datetime.combine(today, time_of_day, timezone).astimezone(UTC)
        self._start = self._last
        next_midnight = datetime.combine(today + timedelta(days=1), time.min, timezone).astimezone(UTC)
        self._end = next_midnight - timedelta(microseconds=1)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            reading = min(self._start + (self._source.now() - self._began), self._end)
            self._last = max(self._last, reading)
            return self._last

    def today(self) -> date:
        return self._today


class SettableClock:
    """A clock that stands still until it is told otherwise, for tests and for building histories."""

    def __init__(self, timezone: tzinfo, now: datetime) -> None:
        """`now` is aware, in any zone."""
        self.timezone = timezone
        self.set(now)

    def set(self, now: datetime) -> None:
        """Stand at this moment. Raises ValueError when it is not aware."""
        if now.tzinfo is None:
            raise ValueError("a clock is set to an aware moment")
        self._now = now.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        self._now += step

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return self._now.astimezone(self.timezone).date()


class MonthDay(NamedTuple):
    """A day of every year, such as the school year's end; never 29 February."""

    month: int
    day: int

    @classmethod
    def read(cls, text: str) -> MonthDay:
        """From `MM-DD`. Raises ValueError for any other form and for a day that some years lack."""
        if len(text) != len("MM-DD") or text[2] != "-" or not (text[:2] + text[3:]).isascii():
            raise ValueError("not of the form MM-DD")
        day_in_a_common_year = date.fromisoformat(f"2001-{text}")
        return cls(day_in_a_common_year.month, day_in_a_common_year.day)

    def __str__(self) -> str:
        return f"{self.month:02d}-{self.day:02d}"

    def on_or_after(self, start: date) -> date:
        """The first such day that is not before `start`."""
        this_year = start.replace(month=self.month, day=self.day)
        return this_year if this_year >= start else this_year.replace(year=start.year + 1)


def is_school_day(day: date, closed: AbstractSet[date] = frozenset()) -> bool:
    return day.weekday() < SCHOOL_DAYS_A_WEEK and day not in closed


def school_days_between(start: date, end: date, closed: AbstractSet[date] = frozenset()) -> int:
    """How many school days lie after `start`, up to and with `end`; negative when `end` is before `start`."""
    if end < start:
        return -school_days_between(end, start, closed)
    weeks, rest = divmod((end - start).days, DAYS_A_WEEK)
    count = weeks * SCHOOL_DAYS_A_WEEK
    count += sum((start.weekday() + step) % DAYS_A_WEEK < SCHOOL_DAYS_A_WEEK for step in range(1, rest + 1))
    return count - sum(start < day <= end and day.weekday() < SCHOOL_DAYS_A_WEEK for day in closed)


def add_school_days(start: date, days: int, closed: AbstractSet[date] = frozenset()) -> date:
    """The `days`-th school day after `start`, which itself does not count; `start` itself for 0.

    Raises ValueError for a negative number.
    """
    if days < 0:
        raise ValueError("school days are counted forward")
    day = start + timedelta(weeks=days // SCHOOL_DAYS_A_WEEK)
    missing = days - school_days_between(start, day, closed)
    while missing:
        day += timedelta(days=1)
        missing -= is_school_day(day, closed)
    return last_counted(day, start, closed)


def last_counted(day: date, start: date, closed: AbstractSet[date]) -> date:
    """`day`, or the last school day between `start` and it: no deadline falls on a day that does not count."""
    while day > start and not is_school_day(day, closed):
        day -= timedelta(days=1)
    return day
