"""Finding a person from anywhere: type, choose, go there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from console.errors import ConsoleError
from console.queue import Tone
from console.text import pad
from screens.desk_keys import KeyHint
from screens.frame import ConsoleScreen
from screens.listed import Line as Listed
from screens.listing import Listing
from screens.prompt import Line
from screens.resting import Rest
from screens.words import STRONG, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.finding import Found, Hit

GROUPS = {"student": "Students", "account": "Accounts", "contact": "Contacts of the roster"}


class FindScreen(ConsoleScreen[None]):
    """A line to type in, and who was found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="find.back", tooltip="Back to where you were"),
        Binding("down", "into", "", show=False, id="find.into", tooltip="Go to who was found"),
    ]

    class Answered(Message):
        """Who was found for a text."""

        def __init__(self, text: str, found: Found | None, fault: str = "") -> None:
            super().__init__()
            self.text = text
            self.found = found
            self.fault = fault

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.title_said = "Find a person"
        self._text = text
        self._hits: dict[str, Hit] = {}
        self._typing = Rest(self, self._look)

    def body(self) -> ComposeResult:
        """The line and the list."""
        with Horizontal(classes="typed"):
            yield Static("›", markup=False, classes="sign")
            yield Line(self._text, placeholder="how a name begins, a student's number, a login, an e-mail address")
        yield Listing()

    def on_mount(self) -> None:
        """Type at once."""
        self.set_focus(self.query_one(Line))
        self.show_hints()
        self._look()

    def on_input_changed(self, event: Line.Changed) -> None:
        """Look when the typing rests."""
        event.stop()
        self._typing.again()

    def _look(self) -> None:
        text = self.query_one(Line).value
        self.run_worker(partial(self._looking, text), thread=True, exclusive=True, group="find", description="a person")

    def _looking(self, text: str) -> None:
        from console.finding import find

        worker = get_current_worker()
        try:
            answered = self.Answered(text, find(self.console.office, self.console.operator, text))
        except ConsoleError as error:
            answered = self.Answered(text, None, str(error))
        if not worker.is_cancelled:
            self.post_message(answered)

    def on_find_screen_answered(self, message: Answered) -> None:
        """List them."""
        if message.found is None:
            self.say(message.fault, Tone.WARN)
            return
        listed: list[Listed] = []
        self._hits = {}
        group = ""
        for n, hit in enumerate(message.found.hits):
            if hit.kind != group:
                listed += [*([Listed(())] if group else []), Listed(((GROUPS[hit.kind], STRONG),))]
                group = hit.kind
            self._hits[str(n)] = hit
            listed.append(Listed(((pad(hit.name, 28), ""), ("  ", ""), words(hit.detail, Tone.DIM)), str(n)))
        self.query_one(Listing).show(listed)
        self.say(self._said(message), Tone.DIM)

    def _said(self, message: Answered) -> str:
        if message.found is not None and message.found.hits:
            return "There are more; type on to narrow it." if message.found.more else ""
        return "Nobody was found. Masked students are found by their number." if len(message.text.strip()) > 1 else ""

    def on_input_submitted(self, event: Line.Submitted) -> None:
        """Go to the one that is marked."""
        event.stop()
        self.query_one(Listing).action_choose()

    async def on_listing_chosen(self, message: Listing.Chosen) -> None:
        """Go there."""
        hit = self._hits[message.name]
        await self.console.go_to(hit.desk, case=hit.case, where=hit.where)

    def action_into(self) -> None:
        """From the line into the list."""
        if self._hits:
            self.set_focus(self.query_one(Listing))

    def action_back(self) -> None:
        """Back to the line, or to where one was."""
        line = self.query_one(Line)
        if line.has_focus:
            self.dismiss()
        else:
            self.set_focus(line)

    def hints(self) -> Sequence[KeyHint]:
        """How to go on."""
        return [KeyHint("↓", "List"), KeyHint("enter", "Go there"), KeyHint("esc", "Back", lasting=True)]
