"""One case whole: its facts, its messages, and every decision with its key or with why it cannot be taken.

Promises: after a decision the next case of the queue opens by itself; `n` and `p` walk the queue; a decision is about the
case as it was read here, so what changed meanwhile is not decided unseen.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from console.errors import ConsoleError
from console.queue import Tone
from console.selection import Selection
from console.text import safe
from screens.case_words import decisions_content
from screens.deciding import DecidingScreen
from screens.desk_keys import KeyHint
from screens.facts_panel import FactsPanel
from screens.frame import WIDE, Heading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.case_view import CaseView
    from screens.desk_screen import DeskScreen


class CaseScreen(DecidingScreen):
    """A case that was opened from its desk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", "Next", id="case.next", tooltip="Open the next case of the queue"),
        Binding("p", "step(-1)", "Previous", id="case.previous", tooltip="Open the case before"),
        Binding("f8", "step(1)", "Next", show=False, id="case.next_too", tooltip="The same as n"),
        Binding("f7", "step(-1)", "Previous", show=False, id="case.previous_too", tooltip="The same as p"),
        Binding("q,escape", "back", "Back", show=False, id="case.back", tooltip="Back to the queue"),
        Binding("down,j", "scroll(1)", "", show=False, id="case.down", tooltip="Scroll down"),
        Binding("up,k", "scroll(-1)", "", show=False, id="case.up", tooltip="Scroll up"),
        Binding(
            "pagedown,space,ctrl+d", "page(1)", "", show=False, id="case.page_down", tooltip="Scroll one screen down"
        ),
        Binding("pageup,ctrl+u", "page(-1)", "", show=False, id="case.page_up", tooltip="Scroll one screen up"),
        Binding("g,home", "end(-1)", "", show=False, id="case.first", tooltip="Go to the top"),
        Binding("G,end", "end(1)", "", show=False, id="case.last", tooltip="Go to the end"),
        Binding(
            "left_square_bracket", "facts(-1)", "", show=False, id="case.facts_up", tooltip="Go to the group above"
        ),
        Binding(
            "right_square_bracket", "facts(1)", "", show=False, id="case.facts_down", tooltip="Go to the group below"
        ),
        Binding("m", "reveal", "Reveal", show=False, id="case.reveal", tooltip="Show what is masked, for a reason"),
        Binding("y", "copy", "Copy", show=False, id="case.copy", tooltip="Copy the number of the case"),
        Binding("R,f5", "refresh", "Refresh", show=False, id="case.refresh", tooltip="Read the case again"),
    ]

    class CaseRead(Message):
        """The case has been read, as of a size of the ledger."""

        def __init__(self, case: int, view: CaseView | None, size: int, fault: str = "") -> None:
            super().__init__()
            self.case = case
            self.view = view
            self.size = size
            self.fault = fault

    def __init__(self, queue: DeskScreen, case: int) -> None:
        super().__init__()
        self.desk = queue.desk
        self.queue = queue
        self.case = case
        self.view: CaseView | None = None
        self._as_of = 0
        self._deciding: int | None = None
        self.title_said = f"{self.desk.singular.capitalize()} {case}"

    def body(self) -> ComposeResult:
        """Facts, and the decisions below them or, where there is room, beside them."""
        with Horizontal(classes="case-and-decisions"):
            yield FactsPanel(self.console.office.settings.portal.zone, classes="whole")
            with VerticalScroll(classes="decisions", can_focus=False) as decisions:
                yield Static("", markup=False)
            decisions.display = bool(self.desk.decisions)

    def on_mount(self) -> None:
        """Read it."""
        self._read()

    def _read(self) -> None:
        self.run_worker(
            partial(self._reading, self.case), thread=True, exclusive=True, group="case", description="a case"
        )

    def _reading(self, case: int) -> None:
        office, operator, worker = self.console.office, self.console.operator, get_current_worker()
        try:
            size = office.size()
            read = self.CaseRead(case, office.case(operator, self.desk, case), size)
        except ConsoleError as error:
            read = self.CaseRead(case, None, 0, str(error))
        if not worker.is_cancelled:
            self.post_message(read)

    def on_case_screen_case_read(self, message: CaseRead) -> None:
        """Show it."""
        if message.case != self.case:
            return
        if message.view is None:
            self._blank()
            self.say(message.fault, Tone.WARN)
            return
        before, self.view, self._as_of = self.view, message.view, message.size
        if before and before.id == self.view.id and before.state != self.view.state:
            self.say(f"This case is {_word(self.view.state)} now; it was {_word(before.state)}.", Tone.WARN)
        self.console.opened()
        self._show()

    def _show(self) -> None:
        view = self.view
        if view is None:
            return
        self.query_one(Heading).about(f"{self.desk.singular.capitalize()} {view.id}", safe(_word(view.state)))
        self.query_one(FactsPanel).show(view)
        self._show_decisions()
        self.show_hints()

    def _show_decisions(self) -> None:
        view = self.view
        if view is None:
            return
        wide = self.size.width >= WIDE
        width = 42 if wide else max(20, self.size.width - 4)
        content = decisions_content(self.desk, view, width, self.console.key_of, long=wide)
        self.query_one(".decisions Static", Static).update(content)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap to the new width."""
        if self.is_mounted:
            self._show_decisions()

    # Deciding

    def case_at_hand(self) -> int | None:
        """The case that is open."""
        return self.case

    def known(self) -> Mapping[str, str | None] | None:
        """What can be decided about it."""
        return self.view.decisions if self.view else None

    def selection(self) -> Selection | None:
        """The case that is open, as it was read."""
        return Selection(ids=(self.case,), watermark=self._as_of) if self.view else None

    def after_writing(self) -> None:
        """Open the next case; the queue has been read again and stands on it or still on this one."""
        following = self.queue.case_at_hand()
        if following == self.case:
            following = self.queue.step(1)
        if following is None:
            self.action_back()
        else:
            self._open(following)

    def look_again(self) -> None:
        """Read the case again."""
        self._read()

    def ledger_grew(self, size: int) -> None:
        """Others decided something; perhaps this."""
        if size > self._as_of:
            self._read()

    # Moving

    def _open(self, case: int) -> None:
        """Read another case. What is shown is the last one, whole, until this one is there; it takes no decision any more."""
        self.case, self.view = case, None
        self._read()

    def _blank(self) -> None:
        """Show none: the case at hand could not be read."""
        self.view = None
        self.query_one(Heading).about(f"{self.desk.singular.capitalize()} {self.case}", safe(""))
        self.query_one(FactsPanel).show(None)
        self.query_one(".decisions Static", Static).update(Content(""))

    def action_step(self, by: int) -> None:
        """Open the next case of the queue, or the one before."""
        following = self.queue.step(by) if self.queue.case_at_hand() == self.case else self.queue.case_at_hand()
        if following is None:
            self.say("There is no further case." if by > 0 else "There is no case before this one.")
        else:
            self.say_nothing()
            self._open(following)

    def action_back(self) -> None:
        """Back to the queue."""
        self.dismiss()

    def action_refresh(self) -> None:
        """Read it again now."""
        self._read()
        self.say("The case was read again.")

    def action_scroll(self, by: int) -> None:
        """Scroll by a line."""
        self.query_one(FactsPanel).scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by a screen."""
        panel = self.query_one(FactsPanel)
        panel.scroll_relative(y=by * max(1, panel.size.height - 1), animate=False)

    def action_end(self, end: int) -> None:
        """Scroll to an end."""
        panel = self.query_one(FactsPanel)
        panel.scroll_to(y=0 if end < 0 else panel.max_scroll_y, animate=False)

    def action_facts(self, by: int) -> None:
        """Scroll to another group of facts."""
        self.query_one(FactsPanel).step(by)

    def hints(self) -> Sequence[KeyHint]:
        """The first decisions, the next case, the key sheet."""
        key = self.console.key_of
        return [
            *self.decision_hints(),
            KeyHint(key("case.next", "n"), "Next", lasting=True),
            KeyHint(key("console.keys", "question_mark"), "Keys", lasting=True),
        ]


def _word(state: str) -> str:
    return state.replace("_", " ")
