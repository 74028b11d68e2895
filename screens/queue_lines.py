"""How a row, the header and the sentence of an empty queue are drawn as one line of styled text.

Promises: a line is exactly as wide as it was asked to be, whatever the names in it; neighbours of one style become one
segment, for each costs bytes on the wire; what is told by colour is told by a glyph or a word too.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.columns import fit, gap
from console.text import clip, join, pad, safe
from screens.theme import SIGNS, Glyphs, Look, look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.color import Color
    from textual.filter import LineFilter

    from console.queue import Column, Row
    from console.text import SafeText

GUTTER = 4
"""Cells in front of the first column: cursor, space, mark, space."""


class Order(NamedTuple):
    """Which column a queue is sorted by."""

    column: str
    descending: bool = False


class Line(NamedTuple):
    """All that the drawing of one row of a queue depends on. `mark` is its glyph or a space."""

    case: int
    cursor: bool
    mark: str
    focus: bool


class Piece(NamedTuple):
    """Text of one style; None is the terminal's default."""

    text: str
    style: Style | None


@dataclass(frozen=True)
class Drawing:
    """Draws lines of `width` cells for a queue of these columns. `filters` are the toolkit's, for terminals that need
    them; they see `background`.
    """

    columns: Sequence[Column] = ()
    width: int = 0
    order: Order | None = None
    signs: Glyphs = SIGNS
    look: Look = field(default_factory=look)
    filters: Sequence[LineFilter] = ()
    background: Color | None = None

    def header(self) -> Strip:
        """The titles; the column of the order is bold and has an arrow."""
        pieces = [Piece(" " * GUTTER, None)]
        for _, column, width, between in self._drawn_columns():
            title, style = safe(column.title), self.look.header
            if self.order and self.order.column == column.name:
                sign = self.signs.descending if self.order.descending else self.signs.ascending
                title, style = join([clip(title, width - 2), safe(f" {sign}")]), self.look.sorted
            pieces.append(Piece(pad(title, width, column.right) + between, style))
        return self._paint(pieces)

    def row(self, line: Line, row: Row) -> Strip:
        """One case."""
        style = self.look.cursor if line.focus else self.look.cursor_away if line.cursor else None
        signed = line.cursor or line.mark != " "
        gutter = f"{self.signs.cursor if line.cursor else ' '} {line.mark} "
        pieces = [Piece(gutter, style if line.focus else self.look.gutter if signed else None)]
        for place, column, width, between in self._drawn_columns():
            cell = row.cells[place]
            pieces.append(Piece(pad(cell.text, width, column.right) + between, style or self.look.tones[cell.tone]))
        return self._paint(pieces)

    def sentence(self, text: SafeText) -> Sequence[Strip]:
        """A sentence where rows would stand, wrapped."""
        width = max(1, self.width - GUTTER)
        return [
            self._paint([Piece(" " * GUTTER, None), Piece(pad(safe(part), width), self.look.sentence)])
            for part in textwrap.wrap(text, width)
        ]

    def blank(self) -> Strip:
        """A line with nothing on it."""
        return self._paint([])

    def _drawn_columns(self) -> Iterator[tuple[int, Column, int, str]]:
        """Place, column, width and the space behind it, for each column that is drawn."""
        between = " " * gap(self.width)
        widths = fit(self.columns, max(1, self.width - GUTTER), len(between))
        drawn = [place for place, width in enumerate(widths) if width]
        for place in drawn:
            yield place, self.columns[place], widths[place], between if place != drawn[-1] else ""

    def _paint(self, pieces: Sequence[Piece]) -> Strip:
        merged: list[Piece] = []
        for piece in pieces:
            if merged and merged[-1].style == piece.style:
                merged[-1] = Piece(merged[-1].text + piece.text, piece.style)
            else:
                merged.append(piece)
        # Some of the toolkit's filters cannot read a missing style; without filters a missing one is the cheapest.
        default = Style() if self.filters else None
        strip = Strip([Segment(text, style or default) for text, style in merged]).adjust_cell_length(
            self.width, default
        )
        for line_filter in self.filters:
            if self.background is not None:
                strip = strip.apply_filter(line_filter, self.background)
        return strip
