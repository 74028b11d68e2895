"""One screen that draws any desk: its queue, the case under the cursor beside it where there is room, its filter, its keys.

Promises: it knows the desk's declaration and nothing else of it. The cursor keeps its place through refreshing, deciding and
what others decide; marks live until they are used. A filter that is wrong is explained where it is typed, and what was listed
stays. A case that is shown was opened, and is noted as such: scrolling past it is not.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.worker import get_current_worker

from console.browse import Order
from console.errors import ConsoleError
from console.queue import Tone
from console.selection import Selection
from console.text import safe
from screens.deciding import DecidingScreen
from screens.desk_keys import KeyHint
from screens.facts_panel import FactsPanel
from screens.frame import WIDE, Heading
from screens.marks import Marks
from screens.prompt import LastWord, Prompt, filter_words
from screens.queue_table import QueueTable
from screens.resting import Rest
from screens.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from console.browse import Browse
    from console.case_view import CaseView
    from console.desk import Desk


class DeskScreen(DecidingScreen):
    """The desk on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="desk.filter", tooltip="Show only the cases that match what is typed"),
        Binding("f3", "filter", "Filter", show=False, id="desk.filter_too", tooltip="The same as /"),
        Binding(
            "escape", "leave", "Back", show=False, id="desk.leave", tooltip="Leave the filter, the marks, the desk"
        ),
        Binding("q", "back", "Back", show=False, id="desk.back", tooltip="Back to the home screen"),
        Binding("left_square_bracket", "facts(-1)", "", show=False, id="desk.facts_up", tooltip="Facts: group above"),
        Binding("right_square_bracket", "facts(1)", "", show=False, id="desk.facts_down", tooltip="Facts: group below"),
        Binding("m", "reveal", "Reveal", show=False, id="desk.reveal", tooltip="Show what is masked, for a reason"),
        Binding("y", "copy", "Copy", show=False, id="desk.copy", tooltip="Copy the number of the case"),
        Binding("e", "export", "Export", show=False, id="desk.export", tooltip="Write what is listed to a file"),
        Binding("R", "refresh", "Refresh", show=False, id="desk.refresh", tooltip="Read the list again"),
        Binding("f5", "refresh", "Refresh", show=False, id="desk.refresh_too", tooltip="The same as R"),
    ]

    class CaseRead(Message):
        """The case under the cursor has been read: its view beside the queue, or only what can be decided about it."""

        def __init__(self, case: int, view: CaseView | None, can: Mapping[str, str | None], fault: str = "") -> None:
            super().__init__()
            self.case = case
            self.view = view
            self.can = can
            self.fault = fault

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.title_said = desk.title
        self.where = desk.waiting
        self.browse: Browse | None = None
        self._order: Order | None = None
        self._before = ""
        self._fault = ""
        self._said_for: int | None = None
        self._can: tuple[int, Mapping[str, str | None]] | None = None
        self._cursor = Rest(self, self._read_case)
        self._typing = Rest(self, self._apply)
        self._stale = False
        self._marks = Marks()

    # Its parts

    def body(self) -> ComposeResult:
        """The queue and the facts beside it, what is counted, the prompt."""
        with Horizontal(classes="desk"):
            yield QueueTable(empty=safe(self.desk.empty), counted=self._counted)
            yield FactsPanel(self.console.office.settings.portal.zone, classes="facts")
        yield Status()
        yield Prompt("/", LastWord(filter_words(self.desk.terms)))

    @property
    def table(self) -> QueueTable:
        """The queue."""
        return self.query_one(QueueTable)

    @property
    def prompt(self) -> Prompt:
        """Where the filter is typed."""
        return self.query_one(Prompt)

    @property
    def wide(self) -> bool:
        """Whether there is room for the case beside its queue."""
        return self.size.width >= WIDE

    def on_mount(self) -> None:
        """Show the queue."""
        self.set_focus(self.table)
        with self.calmly():
            self.load()

    def on_screen_resume(self) -> None:
        """Read again what others changed meanwhile, and the case on which the cursor was put meanwhile."""
        if self.browse is not None and self.browse.watermark < self.console.size_seen:
            self.look_again()
        elif self._can is None or self._can[0] != self.case_at_hand():
            self._cursor.again()

    # The queue

    def load(self, *, keep: int | None = None, same_filter: bool = False) -> None:
        """Show the queue under the filter and order of the moment. Raises what reading raises, and nothing changes then."""
        browse = self.console.office.queue(self.console.operator, self.desk, self.where, self._order)
        self.table.show(browse, keep=keep, same_filter=same_filter, order=browse.order)  # type: ignore[arg-type]
        self.browse = browse
        self._can = None
        self._about()
        self._cursor.again()

    def _about(self) -> None:
        where = self.where or "everything"
        self.query_one(Heading).about(self.desk.title, safe(where))
        self.show_hints()

    def look_again(self) -> None:
        """Read the queue again, the cursor on its case or its place, unless a range is being marked."""
        if self.table.ranging:
            self._stale = True
            return
        self._stale = False
        row = self.table.row
        with self.calmly():
            self.load(keep=row.id if row else None, same_filter=True)

    def ledger_grew(self, size: int) -> None:
        """Others decided something."""
        if self.browse is None or size > self.browse.watermark:
            self.look_again()

    def action_refresh(self) -> None:
        """Read again now."""
        self.look_again()
        self.say("The list was read again.")

    def on_queue_table_sort_asked(self, message: QueueTable.SortAsked) -> None:
        """Another order; the cursor stays on its case. A column that has none is passed over."""
        before, self._order = self._order, Order(message.column, message.descending)
        try:
            self.load(keep=row.id if (row := self.table.row) else None, same_filter=True)
        except ConsoleError as error:
            self._order = before
            self.say(str(error), Tone.WARN)

    def _counted(self, status: str, marks: Marks) -> None:
        """Count it; other decisions are possible for many than for one."""
        self.query_one(Status).show(status)
        if marks != self._marks:
            self._marks = marks
            self.show_hints()

    def on_queue_table_told(self, message: QueueTable.Told) -> None:
        """The table says something."""
        self.say(message.sentence, Tone.WARN)

    def on_queue_table_moved(self, message: QueueTable.Moved) -> None:
        """The cursor stands elsewhere: what was said is over, what is beside it follows when it rests."""
        case = message.row.id if message.row else None
        if self._said_for not in (None, case):
            self.say_nothing()
        if self._stale and not self.table.ranging:
            self.look_again()
        self._cursor.again()

    def say(self, sentence: str, tone: Tone = Tone.PLAIN) -> None:
        """Say it until the cursor moves or something else is said."""
        self._said_for = self.case_at_hand() if sentence else None
        super().say(sentence, tone)

    # The case under the cursor

    def case_at_hand(self) -> int | None:
        """The case under the cursor."""
        row = self.table.row
        return row.id if row else None

    def known(self) -> Mapping[str, str | None] | None:
        """What is known of the case under the cursor."""
        return self._can[1] if self._can and self._can[0] == self.case_at_hand() else None

    def _read_case(self) -> None:
        case = self.case_at_hand()
        if case is None:
            self.query_one(FactsPanel).show(None)
            return
        if not self.is_current:
            return
        self.run_worker(
            partial(self._reading, case, self.wide),
            thread=True,
            exclusive=True,
            group="facts",
            description="facts of a case",
        )

    def _reading(self, case: int, whole: bool) -> None:
        from console.rows import possible

        office, operator, worker = self.console.office, self.console.operator, get_current_worker()
        try:
            view = office.case(operator, self.desk, case) if whole else None
            can = view.decisions if view else possible(office, operator, self.desk, case)
            read = self.CaseRead(case, view, can)
        except ConsoleError as error:
            read = self.CaseRead(case, None, {}, str(error))
        if not worker.is_cancelled:
            self.post_message(read)

    def on_desk_screen_case_read(self, message: CaseRead) -> None:
        """Show it, if the cursor is still there."""
        if message.case != self.case_at_hand():
            return
        if message.fault:
            self.say(message.fault, Tone.WARN)
            return
        self._can = (message.case, message.can)
        if message.view is not None:
            self.query_one(FactsPanel).show(message.view)
            self.console.opened()
        self.show_hints()

    def action_facts(self, by: int) -> None:
        """Scroll the facts by a group."""
        self.query_one(FactsPanel).step(by)

    def on_resize(self, _event: events.Resize) -> None:
        """The facts come or go with the room."""
        if self.is_mounted and self.wide and self.query_one(FactsPanel).view is None:
            self._cursor.again()

    # Deciding

    def selection(self) -> Selection | None:
        """What is marked, or else the case under the cursor; with what the ledger held when the list was read."""
        if self.browse is None:
            return None
        marks, watermark = self.table.marks, self.browse.watermark
        if marks.all_matching:
            return Selection(where=self.browse.where, but=tuple(sorted(marks.ids)), watermark=watermark)
        case = self.case_at_hand()
        ids = tuple(sorted(marks.ids)) if marks else () if case is None else (case,)
        return Selection(ids=ids, watermark=watermark) if ids else None

    def listed(self) -> str:
        """The filter of the moment."""
        return self.where

    def after_writing(self) -> None:
        """A decision has been carried out: marks have done their work, the cursor stays at its place."""
        self.table.clear_marks()
        self.look_again()

    async def on_queue_table_opened(self, message: QueueTable.Opened) -> None:
        """Open the case on a screen of its own."""
        await self.open_case(message.case_id)

    async def open_case(self, case: int) -> None:
        """Show one case whole, whether the queue holds it or not."""
        from screens.case_screen import CaseScreen
        from screens.desk_keys import keyed

        await self.app.push_screen(keyed(CaseScreen, self.desk)(self, case))

    def step(self, by: int) -> int | None:
        """Put the cursor on the next case or the one before; None at the end of the queue."""
        before = self.case_at_hand()
        self.table.action_move(by)
        after = self.case_at_hand()
        return after if after != before else None

    # The filter

    def action_filter(self) -> None:
        """Open the prompt with the filter of the moment."""
        self._before = self.where
        self._fault = ""
        self.prompt.open(self.where, self._explained())

    def _explained(self) -> str:
        names = "  ".join(f"{term.name}:" for term in self.desk.terms)
        return f"{names}  or a name.  Enter keeps it, esc leaves it as it was."

    def on_input_changed(self, event: Input.Changed) -> None:
        """List what matches when the typing rests."""
        event.stop()
        self._typing.again()

    def _apply(self) -> bool:
        """List what matches what is typed; False when it is no filter, which the prompt says."""
        self._typing.stop()
        typed = " ".join(self.prompt.line.value.split())
        if typed == self.where and not self._fault:
            return True
        before, self.where = self.where, typed
        try:
            self.load()
        except ConsoleError as error:
            self.where, self._fault = before, str(error)
            self.prompt.hint(self._fault, Tone.WARN)
            return False
        self._fault = ""
        self.prompt.hint(self._explained())
        return True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, if it is one."""
        event.stop()
        if self._apply():
            self._close_prompt()

    def _close_prompt(self) -> None:
        self.prompt.close()
        self.set_focus(self.table)

    def action_leave(self) -> None:
        """Leave what is innermost: the prompt, a range, the filter, the marks, the desk."""
        if self.prompt.display:
            self._typing.stop()
            self._close_prompt()
            self._filter_by(self._before)
        elif self.table.stop_range():
            self.say("The range has ended; what it marked stays marked.")
        elif self.where != self.desk.waiting:
            self._filter_by(self.desk.waiting)
        elif not self.table.clear_marks():
            self.action_back()

    def _filter_by(self, where: str) -> None:
        if where != self.where:
            self.where = where
            with self.calmly():
                self.load(keep=self.case_at_hand())

    def show_where(self, where: str) -> None:
        """Show what matches a filter that was not typed."""
        self.where = where
        with self.calmly():
            self.load()

    def action_back(self) -> None:
        """Home."""
        self.console.action_home()

    def hints(self) -> Sequence[KeyHint]:
        """The first decisions, the filter, the key sheet."""
        key = self.console.key_of
        found = list(self.decision_hints())
        if not found:
            found = [KeyHint(key("queue.open", "enter"), "Open"), KeyHint(key("desk.export", "e"), "Export")]
        return [
            *found,
            KeyHint(key("desk.filter", "slash"), "Filter", lasting=True),
            KeyHint(key("console.keys", "question_mark"), "Keys", lasting=True),
        ]
