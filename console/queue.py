"""What a queue is made of: the shapes that travel from a desk to a table on the screen or to a line of output.

A queue is never a list. It is read in windows, by keyset, in a stable order, and knows its size only up to a cap: a million
waiting registrations cost as much to open as ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.text import SafeText

COUNT_CAP = 1000
"""How far a queue is counted on a key's path; beyond it the screen says "over 1,000"."""


class Tone(StrEnum):
    """How a cell is coloured. The words always say the same thing: colour is never the only carrier."""

    PLAIN = "plain"
    DIM = "dim"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ACCENT = "accent"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a queue.

    `width` is the preferred width in terminal cells; a column that `grows` shares what is left over; one that is
    `optional` gives way first (the highest number first) when the terminal is narrow.
    """

    name: str
    title: str
    width: int
    grows: bool = False
    right: bool = False
    optional: int = 0
    sortable: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one column of one row: printable text and its tone."""

    text: SafeText
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Row:
    """One case as a queue shows it. `anchor` is its place in the queue's order; it means nothing to anybody else."""

    id: int
    state: str
    cells: tuple[Cell, ...]
    anchor: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases match: exact below the cap, "at least" at it."""

    number: int
    capped: bool


class Queue(Protocol):
    """A desk's cases under one filter and one order, read in windows. All reads are bounded and in the queue's order."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns of every row's cells."""

    def first(self, count: int) -> Sequence[Row]:
        """The first `count` rows."""

    def last(self, count: int) -> Sequence[Row]:
        """The last `count` rows, in the queue's order."""

    def after(self, row: Row, count: int) -> Sequence[Row]:
        """The next `count` rows behind `row`; fewer at the end."""

    def before(self, row: Row, count: int) -> Sequence[Row]:
        """The `count` rows in front of `row`, in the queue's order; fewer at the beginning."""

    def around(self, case: int, count: int) -> Sequence[Row]:
        """A window of `count` rows that begins at the case, or at its place if it no longer matches; empty if unknown."""

    def count(self, cap: int = COUNT_CAP) -> Count:
        """How many rows there are, counted no further than `cap`."""
