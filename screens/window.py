"""The rows of a queue that are in reach: at most two windows of 128, read by keyset when the cursor leaves them.

Promises: memory is flat however long the queue is; moving inside what is in reach asks nobody; when a read fails, the
rows in reach and the cursor among them are as good as before. Knows nothing of Textual: the table draws what this
holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.queue import Queue, Row

WINDOW = 128
"""Rows read at a time. A screen that shows more reads as many as it shows."""


class Window:
    """A stretch of a queue, the cursor in it, and which part of it is on the screen.

    `height` is the number of rows on the screen (at least 1). `rows` is the stretch, in the queue's order; `top` and
    `cursor` are indices into it. `base` is the place of `rows[0]` counted from the queue's beginning, None where that
    is not known (after a jump to the end or into the middle).
    """

    def __init__(self, queue: Queue, height: int = 1) -> None:
        self.queue = queue
        self.height = max(1, height)
        self.rows: list[Row] = []
        self.top = 0
        self.cursor = 0
        self.base: int | None = None
        self._starts_here = False
        self._ends_here = False
        self.first()

    @property
    def row(self) -> Row | None:
        """The row under the cursor; None in an empty queue."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def visible(self) -> Sequence[Row]:
        """The rows on the screen."""
        return self.rows[self.top : self.top + self.height]

    @property
    def place(self) -> int | None:
        """The cursor's place counted from the queue's beginning, from 0; None where that is not known."""
        return None if self.base is None else self.base + self.cursor

    @property
    def at_last(self) -> bool:
        """Whether the cursor is on the queue's last row, as far as is known."""
        return self._ends_here and self.cursor == len(self.rows) - 1

    @property
    def _size(self) -> int:
        return max(WINDOW, self.height)

    def first(self) -> None:
        """Go to the first row."""
        rows = self.queue.first(self._size)
        self._take(rows, base=0, starts_here=True, ends_here=len(rows) < self._size)

    def last(self, total: int | None = None) -> None:
        """Go to the last row; `total` is the exact number of rows, None where it is not known."""
        rows = self.queue.last(self._size)
        whole = len(rows) < self._size
        base = 0 if whole else None if total is None else max(0, total - len(rows))
        self._take(rows, base=base, starts_here=whole, ends_here=True)
        self.cursor = max(0, len(self.rows) - 1)
        self._follow()

    def seek(self, case: int, offset: int = 0) -> bool:
        """Put the cursor on the case or, where it no longer matches, on its place, `offset` lines below the screen's
        first line. False, and nothing changed, when the queue does not know the place.
        """
        rows = list(self.queue.around(case, self._size))
        if not rows:
            return False
        before = list(self.queue.before(rows[0], self._size))
        starts_here = len(before) < self._size
        base = 0 if starts_here else None
        self._take([*before, *rows], base=base, starts_here=starts_here, ends_here=len(rows) < self._size)
        self.cursor = len(before)
        self.top = self.cursor - min(max(0, offset), self.height - 1)
        self._follow()
        return True

    def go_to(self, place: int) -> None:
        """Put the cursor on a place of the first window, counted from 0, or on the last row before it."""
        self.first()
        self.cursor = max(0, min(place, len(self.rows) - 1))
        self._follow()

    def move(self, by: int) -> list[Row]:
        """Move the cursor `by` rows, as far as there are rows; the rows stepped on, in order. Reads all on the way."""
        return self._down(by) if by > 0 else self._up(-by)

    def scroll(self, by: int) -> list[Row]:
        """Move the cursor and the screen together `by` rows; the rows stepped on, in order."""
        offset = self.cursor - self.top
        stepped = self.move(by)
        self.top = self.cursor - offset
        self._follow()
        return stepped

    def resize(self, height: int) -> None:
        """Show `height` rows; the cursor stays on the screen."""
        self.height = max(1, height)
        self._follow()

    def _down(self, by: int) -> list[Row]:
        while self.cursor + by >= len(self.rows) and self._read_behind():
            pass
        start = self.cursor
        self.cursor = max(0, min(start + by, len(self.rows) - 1))
        stepped = self.rows[start + 1 : self.cursor + 1]
        self._follow()
        return stepped

    def _up(self, by: int) -> list[Row]:
        while self.cursor - by < 0 and self._read_in_front():
            pass
        start = self.cursor
        self.cursor = max(0, start - by)
        stepped = self.rows[self.cursor : start][::-1]
        self._follow()
        return stepped

    def _follow(self) -> None:
        """Let the screen show the cursor, and no empty lines while there are rows to fill them."""
        self.top = min(max(self.top, self.cursor - self.height + 1), self.cursor)
        while self.top + self.height > len(self.rows) and self._read_behind():
            pass
        self.top = min(self.top, len(self.rows) - self.height)
        try:
            while self.top < 0 and self._read_in_front():
                pass
        finally:
            self.top = max(0, self.top)
            self._forget()

    def _read_behind(self) -> bool:
        if self._ends_here or not self.rows:
            return False
        more = self.queue.after(self.rows[-1], self._size)
        self._ends_here = len(more) < self._size
        self.rows.extend(more)
        return bool(more)

    def _forget(self) -> None:
        """Keep two windows of rows with the screen in their middle, as far as there are rows on both sides."""
        kept = 2 * self._size
        surplus = len(self.rows) - kept
        if surplus <= 0:
            return
        front = min(max(0, self.top - (kept - self.height) // 2), surplus)
        self._starts_here = self._starts_here and front == 0
        self._ends_here = self._ends_here and front == surplus
        self.rows = self.rows[front : front + kept]
        self.cursor -= front
        self.top -= front
        if self.base is not None:
            self.base += front

    def _read_in_front(self) -> bool:
        if self._starts_here or not self.rows:
            return False
        more = self.queue.before(self.rows[0], self._size)
        self.rows[:0] = more
        self.cursor += len(more)
        self.top += len(more)
        if len(more) < self._size:
            self._starts_here, self.base = True, 0
        elif self.base is not None:
            # Rows that came in meanwhile make the count wrong; then the place is not known rather than guessed.
            self.base = self.base - len(more) if self.base >= len(more) else None
        return bool(more)

    def _take(self, rows: Sequence[Row], *, base: int | None, starts_here: bool, ends_here: bool) -> None:
        self.rows = list(rows)
        self.base = base
        self._starts_here = starts_here
        self._ends_here = ends_here
        self.cursor = 0
        self.top = 0
