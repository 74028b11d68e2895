"""How a queue's rows get onto the screen: kept strips, and as few painted regions as cover what changed.

It knows the rows in reach, the marks and the order, and draws them; what the operator does is `screens.queue_table`'s.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from textual.filter import NoColor
from textual.geometry import Region
from textual.widget import Widget

from screens.marks import Marks
from screens.queue_lines import GUTTER, Drawing, Line, Order
from screens.theme import ASCII_SIGNS, SIGNS, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from textual.strip import Strip

    from console.queue import Column
    from console.text import SafeText
    from screens.window import Window

STRIPS = 512
"""Drawn rows that are kept; a few screens' worth."""


class PaintedQueue(Widget):
    """The drawn side of a queue table; blank until there is a window."""

    def __init__(
        self,
        *,
        empty: SafeText | None,
        ascii_only: bool,
        id: str | None,  # noqa: A002 - the toolkit's name for it
        classes: str | None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._empty = empty
        self._signs = ASCII_SIGNS if ascii_only else SIGNS
        self._order: Order | None = None
        self._window: Window | None = None
        self._marks = Marks()
        self._drawing = Drawing()
        self._drawn_for: tuple[object, ...] | None = None
        self._lines: list[Line] = []
        self._row_strips: dict[Line, Strip] = {}
        self._other_strips: list[Strip] = []

    @property
    def _columns(self) -> Sequence[Column]:
        return self._window.queue.columns if self._window else ()

    def _repaint(self) -> None:
        """Ask for those lines to be painted that read differently than what was painted."""
        old, self._lines = self._lines, self._lines_now()
        if len(old) != len(self._lines):
            self.refresh()
        elif changed := [*self._changed(old, self._lines)]:
            self.refresh(*changed)

    def _lines_now(self) -> list[Line]:
        window = self._window
        if window is None:
            return []
        sign = self._signs.marked_by_filter if self._marks.all_matching else self._signs.marked
        includes, focus, under = self._marks.includes, self.has_focus, window.cursor - window.top
        return [
            Line(row.id, line == under, sign if includes(row.id) else " ", focus and line == under)
            for line, row in enumerate(window.visible)
        ]

    def _changed(self, old: Sequence[Line], new: Sequence[Line]) -> Iterator[Region]:
        """As few regions as cover what changed; where only a mark did, the gutter is enough: 30 bytes, not 170."""
        widths = [
            0 if was == now else GUTTER if was == now._replace(mark=was.mark) else self.size.width
            for was, now in zip(old, new, strict=True)
        ]
        y = 1
        for width, same in groupby(widths):
            height = len(list(same))
            if width:
                yield Region(0, y, width, height)
            y += height

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of `crop`, past the toolkit's cache of styled lines: it would add nothing to them."""
        strips = self._strips(crop.line_range)
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """The line `y` of the table; 0 is the header."""
        return self._strips((y,))[0]

    def _strips(self, ys: Iterable[int]) -> list[Strip]:
        self._prepare()
        return [self._row_strip(y - 1) if 0 < y <= len(self._lines) else self._other_strip(y) for y in ys]

    def _row_strip(self, place: int) -> Strip:
        line = self._lines[place]
        strip = self._row_strips.get(line)
        if strip is None and self._window is not None:
            if len(self._row_strips) >= STRIPS:
                self._row_strips.clear()
            strip = self._row_strips[line] = self._drawing.row(line, self._window.visible[place])
        return strip or self._drawing.blank()

    def _other_strip(self, y: int) -> Strip:
        """The header, the sentence of an empty queue, and what is blank below."""
        if not self._other_strips:
            drawing = self._drawing
            strips = [drawing.header()] if self._window is not None else []
            if self._empty and self._window is not None and self._window.row is None:
                sentence = drawing.sentence(self._empty)
                strips += [drawing.blank(), *sentence] if len(sentence) + 2 <= self.size.height else sentence
            self._other_strips = [*strips, drawing.blank()]
        return self._other_strips[min(y, len(self._other_strips) - 1)]

    def _prepare(self) -> None:
        """Forget what was drawn for another queue, another size or other colours."""
        # NO_COLOR needs no filter here, the look has no colour then; the filter would write defaults into every line.
        filters = tuple(kept for kept in self.get_line_filters() if not isinstance(kept, NoColor))
        drawn_for = (self.size, self.app.no_color, filters)
        if drawn_for == self._drawn_for:
            return
        self._drawn_for = drawn_for
        self._row_strips.clear()
        self._other_strips.clear()
        self._drawing = Drawing(
            columns=self._columns,
            width=self.size.width,
            order=self._order,
            signs=self._signs,
            look=look(colour=not self.app.no_color),
            filters=filters,
            background=self.background_colors[1],
        )
