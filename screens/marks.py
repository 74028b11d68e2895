"""Which cases an operator has marked: nothing, some cases by id, or everything that matches but some.

Marking a million cases costs as much as marking one: "everything" is a predicate with exceptions, never a list. A case
is marked by its id, so marks outlive paging, sorting and refreshing. Whoever holds marks holds a value: every change
gives new marks, and two screens can never change each other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.queue import Count


@dataclass(frozen=True, slots=True)
class Marks:
    """Marked cases.

    States: `all_matching` false – exactly the cases in `ids`; `all_matching` true – every case that the filter of the
    moment matches, except those in `ids`.
    """

    ids: frozenset[int] = frozenset()
    all_matching: bool = False

    def __bool__(self) -> bool:
        """Whether anything may be marked; "everything" counts, whatever it matches."""
        return self.all_matching or bool(self.ids)

    def includes(self, case: int) -> bool:
        """Whether this case is marked, given that it matches the filter."""
        return (case in self.ids) != self.all_matching

    def toggle(self, case: int) -> Marks:
        """The same marks with this one case turned over."""
        return Marks(self.ids ^ {case}, self.all_matching)

    def add(self, cases: Iterable[int]) -> Marks:
        """The same marks and these cases too."""
        return Marks(self.ids.difference(cases) if self.all_matching else self.ids.union(cases), self.all_matching)

    def everything(self) -> Marks:
        """All that matches, without exception."""
        return Marks(all_matching=True)

    def clear(self) -> Marks:
        """Nothing."""
        return Marks()

    def under_another_filter(self) -> Marks:
        """What stays marked when the filter changes: cases by id do; "all that match" ends with the filter it meant,
        because under a wider one it would silently cover cases that nobody meant.
        """
        return Marks() if self.all_matching else self

    def describe(self, count: Count) -> str:
        """The words of the status line: `3 marked`, `all 412 marked`, `all but 2 marked`; `all marked` where `count`
        is only a lower bound (how many match stands beside it).
        """
        if not self.all_matching:
            return f"{len(self.ids):,} marked"
        if self.ids:
            return f"all but {len(self.ids):,} marked"
        return "all marked" if count.capped else f"all {count.number:,} marked"


RANGE_LIMIT = 1000
"""Cases that one range marks at most; beyond it "all that match" marks without naming each."""


class MarkedRange:
    """A range of cases while it is being marked, from where it began to where the cursor is.

    A step on marks a case; a step back lets the case be what it was before the range.
    """

    def __init__(self, over: Marks, first: int, *, by_shift: bool = False) -> None:
        self._over = over
        self._cases = [first]
        self.by_shift = by_shift
        """Whether it lasts only as long as the shift key goes with the arrows."""

    @property
    def marks(self) -> Marks:
        """What was marked before the range, and the range."""
        return self._over.add(self._cases)

    @property
    def room(self) -> int:
        """How many cases the range may still take."""
        return RANGE_LIMIT - len(self._cases)

    def follow(self, cases: Iterable[int]) -> int:
        """Follow the cursor over `cases`, in the order in which it stepped on them; how many stayed out for the limit."""
        stayed_out = 0
        for case in cases:
            if len(self._cases) > 1 and self._cases[-2] == case:
                self._cases.pop()
            elif self.room:
                self._cases.append(case)
            else:
                stayed_out += 1
        return stayed_out
