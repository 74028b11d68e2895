"""A queue of any length that holds nothing: its rows are computed from their number when they are asked for.

It promises what `console.queue.Queue` promises, and counts how often it was asked.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from console.errors import Unavailable
from console.queue import COUNT_CAP, Cell, Column, Count, Row, Tone
from console.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COLUMNS = (
    Column("id", "No.", 9, right=True),
    Column("applicant", "Applicant", 20, grows=True),
    Column("student", "Student", 18, grows=True),
    Column("school", "School", 14, optional=1),
    Column("match", "Facts", 5, right=True),
    Column("state", "State", 10),
    Column("flags", "Against", 12, optional=2, sortable=False),
    Column("age", "Waits", 7, right=True, optional=3),
)
_FIRST = ("Ann", "José", "Wei", "Oluwaseun", "Zoë", "Dmitri", "Fatima")
_LAST = ("Alvarez", "Okonkwo", "Nguyễn", "Smith-Jones", "O'Neil", "Żak")
_SCHOOLS = ("Lincoln High", "Mission Elem.", "Harbor Middle")
_STATES = (("submitted", Tone.PLAIN), ("limited", Tone.WARN), ("needs info", Tone.ACCENT), ("approved", Tone.GOOD))
_FLAGS = (("", Tone.PLAIN), ("", Tone.PLAIN), ("duplicate", Tone.BAD), ("court order", Tone.BAD))


def _name(case: int) -> str:
    return f"{_FIRST[case % 7]} {_LAST[case % 6]}"


class ComputedQueue:
    """The cases of a range (in its order), except those that are `gone`. `broken` makes every read fail."""

    def __init__(self, cases: range, *, gone: frozenset[int] = frozenset(), name: Callable[[int], str] = _name) -> None:
        self.cases = cases
        self.gone = gone
        self.name = name
        self.columns = COLUMNS
        self.asked = 0
        self.broken = False

    def row(self, case: int) -> Row:
        state, tone = _STATES[case % 4]
        flag, flag_tone = _FLAGS[case % 4 if case % 5 else 3]
        cells = (
            Cell(safe(f"{case}"), Tone.DIM),
            Cell(safe(self.name(case))),
            Cell(safe(_name(case * 13))),
            Cell(safe(_SCHOOLS[case % 3]), Tone.DIM),
            Cell(safe(f"{case % 9}")),
            Cell(safe(state), tone),
            Cell(safe(flag), flag_tone),
            Cell(safe(f"{case % 60} d"), Tone.DIM),
        )
        return Row(case, state, cells, (case,))

    def _rows(self, places: range, count: int) -> list[Row]:
        self.asked += 1
        if self.broken:
            raise Unavailable("The database does not answer. Nothing was read. Try again.")
        found: Iterator[int] = (self.cases[place] for place in places if self.cases[place] not in self.gone)
        return [self.row(case) for case in islice(found, count)]

    def _place(self, case: int) -> int:
        """Where the case stands or would stand."""
        away = (case - self.cases.start) * (1 if self.cases.step > 0 else -1)
        return min(max(0, -(-away // abs(self.cases.step))), len(self.cases))

    def first(self, count: int) -> Sequence[Row]:
        return self._rows(range(len(self.cases)), count)

    def last(self, count: int) -> Sequence[Row]:
        return self._rows(range(len(self.cases) - 1, -1, -1), count)[::-1]

    def after(self, row: Row, count: int) -> Sequence[Row]:
        return self._rows(range(self._place(row.id) + 1, len(self.cases)), count)

    def before(self, row: Row, count: int) -> Sequence[Row]:
        return self._rows(range(self._place(row.id) - 1, -1, -1), count)[::-1]

    def around(self, case: int, count: int) -> Sequence[Row]:
        return [] if case <= 0 else self._rows(range(self._place(case), len(self.cases)), count)

    def count(self, cap: int = COUNT_CAP) -> Count:
        number = len(self.cases) - sum(case in self.cases for case in self.gone)
        return Count(min(number, cap), capped=number > cap)
