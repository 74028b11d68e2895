"""The table of a desk's cases: a header line and as many rows as the screen has, out of a queue of any length.

Promises (measured by `make bench PARTS=screen`): a cursor key at 120×40 costs at most 3 ms and 450 bytes on the
wire, a page 8 ms and 8 KB, an idle table nothing; memory does not grow with the queue. Marks live by id and outlive
paging, filtering and refreshing. Cursor and marks are glyphs first and colour second. Names are drawn as they come out
of `console.text`, never parsed.

The table decides nothing: it posts what the operator did, and the screen answers with `show`. It has no border and no
padding and takes none from a style sheet, because it draws its lines itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from console.errors import ConsoleError
from console.queue import Count
from screens.marks import RANGE_LIMIT, MarkedRange, Marks
from screens.queue_keys import QUEUE_KEYS
from screens.queue_lines import GUTTER, Order
from screens.queue_painting import PaintedQueue
from screens.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.binding import BindingType

    from console.queue import Queue, Row
    from console.text import SafeText

    Counted = Callable[[str, Marks], None]


class QueueTable(PaintedQueue, can_focus=True):
    """A queue on the screen. `show` gives it one; until then it is blank.

    `counted` is called with the status and the marks whenever one of them changed, before the table is painted: what is drawn from
    them comes in the same frame, while what follows a message comes in the next, 30 ms later.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "QueueTable { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*QUEUE_KEYS]

    class Opened(Message):
        """The operator wants to see this case."""

        def __init__(self, case_id: int) -> None:
            super().__init__()
            self.case_id = case_id

    class Moved(Message):
        """The cursor stands on another case, or a queue was shown; `row` is None when the queue is empty."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    class SortAsked(Message):
        """The operator wants the queue in another order; nothing changes until the screen shows one."""

        def __init__(self, column: str, *, descending: bool) -> None:
            super().__init__()
            self.column = column
            self.descending = descending

    class Told(Message):
        """A key did not do all that it says, or rows could not be read; one plain sentence says so."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    def __init__(
        self,
        *,
        empty: SafeText | None = None,
        counted: Counted | None = None,
        ascii_only: bool = False,
        id: str | None = None,  # noqa: A002 - the toolkit's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(empty=empty, ascii_only=ascii_only, id=id, classes=classes)
        self._counted = counted
        self._asked: Order | None = None
        self._count = Count(0, capped=False)
        self._range: MarkedRange | None = None
        self._told: tuple[int | None, str, Marks] = (None, "", self._marks)

    # What the screen may ask and say

    @property
    def row(self) -> Row | None:
        """The row under the cursor; None when there is none."""
        return self._window.row if self._window else None

    @property
    def count(self) -> Count:
        """How many cases match, as counted when the queue was shown."""
        return self._count

    @property
    def order(self) -> Order | None:
        """The order of what is shown, as far as it was told."""
        return self._order

    @property
    def marks(self) -> Marks:
        """What is marked."""
        return self._marks

    @marks.setter
    def marks(self, marks: Marks) -> None:
        self._range = None
        self._put_marks(marks)
        self._redraw()

    @property
    def ranging(self) -> bool:
        """Whether a range is being marked."""
        return self._range is not None

    @property
    def status(self) -> str:
        """One line that reads like `3 marked · 412 match · 1–40`; `…` where the place in the queue is not known."""
        number = f"{self._count.number:,}"
        match = f"over {number} match" if self._count.capped else f"{number} match"
        return f"{self._marks.describe(self._count)} · {match} · {self._place()}"

    def _place(self) -> str:
        window = self._window
        if window is None or not window.rows:
            return "0–0"
        if window.base is None:
            return "…"
        begin = window.base + window.top
        return f"{begin + 1:,}–{begin + len(window.visible):,}"

    def show(
        self,
        queue: Queue,
        *,
        keep: int | None = None,
        order: Order | None = None,
        same_filter: bool = False,
        empty: SafeText | None = None,
    ) -> None:
        """Show a queue: another filter, another order, or the same one read again.

        `keep` is a case on which the cursor stays, or on its place where it no longer matches; without it the cursor
        goes to the first row. `order` is what the header says; by default what was last asked for. `empty` is the
        sentence that stands where rows would, when there are none. Marks by id stay; "all that match" stays only under
        `same_filter`. Raises what the queue raises, and then still shows what it showed before.
        """
        window = Window(queue, self._rows_on_screen())
        if keep is not None:
            self._keep(window, keep)
        self._count = queue.count()
        self._window = window
        self._order = order or self._asked or self._order
        self._empty = empty or self._empty
        self._range = None
        if not same_filter:
            self._put_marks(self._marks.under_another_filter())
        self._drawn_for = None
        self._told = (None, *self._told[1:])
        self.refresh()
        self._redraw()
        if window.row is None:
            self.post_message(self.Moved(None))

    def _keep(self, window: Window, case: int) -> None:
        old = self._window
        if window.seek(case, old.cursor - old.top if old else 0) or old is None:
            return
        if old.at_last:
            window.last()
        elif old.place is not None:
            window.go_to(old.place)

    def seek(self, case: int) -> bool:
        """Put the cursor on a case, or on its place; False when the queue does not know it. Ends a range."""
        window = self._window
        if window is None:
            return False
        self._range = None
        found = window.seek(case, window.cursor - window.top)
        self._redraw()
        return found

    def stop_range(self) -> bool:
        """End a range, keeping what it marked; False when there was none."""
        ranging, self._range = self.ranging, None
        return ranging

    def clear_marks(self) -> bool:
        """Unmark everything; False when nothing was marked."""
        marked = bool(self._marks)
        self.marks = self._marks.clear()
        return marked

    # Keys

    def action_move(self, by: int) -> None:
        self._end_range_by_shift()
        self._go(lambda window: window.move(by))

    def action_page(self, pages: int) -> None:
        self._end_range_by_shift()
        self._go(lambda window: window.scroll(pages * max(1, window.height - 1)))

    def action_half(self, halves: int) -> None:
        self._end_range_by_shift()
        self._go(lambda window: window.scroll(halves * max(1, window.height // 2)))

    def action_first(self) -> None:
        self._jump(Window.first, -1)

    def action_last(self) -> None:
        total = None if self._count.capped else self._count.number
        self._jump(lambda window: window.last(total), 1)

    def action_extend(self, by: int) -> None:
        if self._range is None:
            self._begin_range(by_shift=True)
        self._go(lambda window: window.move(by))

    def action_range(self) -> None:
        if not self.stop_range():
            self._begin_range(by_shift=False)
            self._redraw()

    def action_mark(self) -> None:
        row = self.row
        if self.stop_range() or row is None:
            return
        self._put_marks(self._marks.toggle(row.id))
        self._go(lambda window: window.move(1))

    def action_mark_all(self) -> None:
        if self._marks.all_matching:
            self.marks = self._marks.clear()
        elif self.row is not None:
            self.marks = self._marks.everything()

    def action_open(self) -> None:
        if (row := self.row) is not None:
            self.post_message(self.Opened(row.id))

    def action_sort(self) -> None:
        names = [column.name for column in self._columns if column.sortable]
        if not names:
            return
        current = self._order.column if self._order else None
        self._ask(Order(names[(names.index(current) + 1) % len(names)] if current in names else names[0]))

    def action_reverse(self) -> None:
        if self._order is None:
            self.action_sort()
        else:
            self._ask(Order(self._order.column, not self._order.descending))

    def _ask(self, order: Order) -> None:
        self._asked = order
        self.post_message(self.SortAsked(order.column, descending=order.descending))

    # Moving

    def _go(self, step: Callable[[Window], Sequence[Row] | None]) -> int:
        """Take a step; how many of the rows stepped on found no room in the range that is being marked."""
        window, stayed_out = self._window, 0
        if window is None:
            return 0
        try:
            stepped = step(window)
        except ConsoleError as error:
            self.post_message(self.Told(str(error)))
            stepped = None
        if self._range is not None:
            room = self._range.room
            stayed_out = self._range.follow(row.id for row in stepped or ())
            self._put_marks(self._range.marks)
            if room and not self._range.room:
                self.post_message(self.Told(f"A range marks {RANGE_LIMIT:,} cases at most; * marks all that match."))
        self._redraw()
        return stayed_out

    def _jump(self, jump: Callable[[Window], None], direction: int) -> None:
        """Go to one end. While a range is marked the way is walked, as far as a range reaches: it is marked by id."""
        self._end_range_by_shift()
        if self._range is None:
            self._go(jump)
        else:
            too_far = self._go(lambda window: window.move(direction * RANGE_LIMIT))
            self._go(lambda window: window.move(-direction * too_far))

    def _begin_range(self, *, by_shift: bool) -> None:
        if (row := self.row) is not None:
            self._range = MarkedRange(self._marks, row.id, by_shift=by_shift)
            self._put_marks(self._range.marks)

    def _end_range_by_shift(self) -> None:
        if self._range is not None and self._range.by_shift:
            self._range = None

    def _put_marks(self, marks: Marks) -> None:
        self._marks = marks

    def _tell(self) -> None:
        """Post what changed since it was last told."""
        row, status, marks = self.row, self.status, self._marks
        case = row.id if row else None
        told_case, *told = self._told
        self._told = (case, status, marks)
        if case != told_case:
            self.post_message(self.Moved(row))
        if self._counted is not None and told != [status, marks]:
            self._counted(status, marks)

    # Mouse: its events come only when the driver was asked for them

    def on_click(self, event: events.Click) -> None:
        window = self._window
        line = event.y - 1
        if window is None or not 0 <= line < len(window.visible):
            return
        event.stop()
        self.stop_range()
        by = window.top + line - window.cursor
        self._go(lambda window: window.move(by))
        if event.chain > 1:
            self.action_open()
        elif event.x < GUTTER and (row := self.row) is not None:
            self.marks = self._marks.toggle(row.id)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(lambda window: window.scroll(3))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(lambda window: window.scroll(-3))

    # Drawing

    def _rows_on_screen(self) -> int:
        return max(1, self.size.height - 1)

    def on_resize(self) -> None:
        height = self._rows_on_screen()
        self.refresh()
        self._go(lambda window: window.resize(height))

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self._redraw()

    def _redraw(self) -> None:
        """Paint what reads differently, and tell what changed."""
        self._repaint()
        self._tell()
