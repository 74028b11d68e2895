"""How wide each column of a queue is drawn, on a screen or a line of output of any width.

Promises: the columns and the gaps between them never take more cells than there are; optional columns give way before
anything is cut, the highest number first; what is left over goes to the columns that grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.queue import Column

GAP = 2
"""Cells between two columns; one where the terminal is narrow."""
NARROW = 80
"""Below this width in cells columns stand closer."""
SHORTEST = 8
"""A growing column is cut to this many cells before a column of fixed width loses any."""


def gap(width: int) -> int:
    """Cells between two columns on a line of `width` cells."""
    return GAP if width >= NARROW else 1


def fit(columns: Sequence[Column], width: int, between: int = GAP) -> tuple[int, ...]:
    """The width in cells of every column on a line of `width` cells; 0 for a column that is not drawn.

    The sum of the widths and of the gaps of `between` cells that separate drawn columns is at most `width`.
    """
    drawn = list(range(len(columns)))

    def room() -> int:
        return width - between * (len(drawn) - 1)

    def wanted() -> int:
        return sum(columns[place].width for place in drawn)

    giving_way = sorted((place for place in drawn if columns[place].optional), key=lambda p: (columns[p].optional, p))
    while giving_way and wanted() > room():
        drawn.remove(giving_way.pop())
    while len(drawn) > 1 and room() < len(drawn):
        drawn.pop()
    widths = {place: max(1, columns[place].width) for place in drawn}
    growing = [place for place in drawn if columns[place].grows]
    _level(widths, growing, room(), SHORTEST)
    _level(widths, drawn, room(), 1)
    spare = room() - sum(widths.values())
    for turn, place in enumerate(growing if spare > 0 else ()):
        widths[place] += spare // len(growing) + (turn < spare % len(growing))
    return tuple(widths.get(place, 0) for place in range(len(columns)))


def _level(widths: dict[int, int], places: Sequence[int], room: int, shortest: int) -> None:
    """Cut the widest of `places`, cell by cell, until all widths fit into `room` or none is above `shortest`."""
    while sum(widths.values()) > room:
        widest = max(places, key=lambda place: widths[place], default=None)
        if widest is None or widths[widest] <= shortest:
            return
        widths[widest] -= 1
