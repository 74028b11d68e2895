"""Home: what waits and how old it is, what came, what is due, what expires, what went wrong, what you decided last.

Promises: numbers and words first, the plot beside them only says it again; no names; every line that leads somewhere leads
there by enter or by its digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.worker import get_current_worker

from console.errors import ConsoleError
from console.queue import Tone
from screens.frame import ConsoleScreen, Heading
from screens.home_lines import TITLE, day, greeting, hints, home_lines
from screens.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.overview import Overview
    from screens.counting import Counting
    from screens.desk_keys import KeyHint


class HomeScreen(ConsoleScreen[None]):
    """The root of all screens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "leave", "Leave", id="home.leave", tooltip="Leave the console"),
        Binding("R,f5", "refresh", "Refresh", show=False, id="home.refresh", tooltip="Count again"),
    ]

    class Counted(Message):
        """The overview has been read."""

        def __init__(self, overview: Overview | None, fault: str = "") -> None:
            super().__init__()
            self.overview = overview
            self.fault = fault

    def __init__(self, begun: Counting | None = None) -> None:
        """`begun` is a first count that may be there already."""
        super().__init__()
        self.title_said = TITLE
        self.overview: Overview | None = begun.within(0) if begun else None
        self._begun = begun

    def body(self) -> ComposeResult:
        """One list; its headings cannot be chosen."""
        yield Listing()

    def on_mount(self) -> None:
        """Name the desks at once; the numbers follow."""
        self.set_focus(self.query_one(Listing))
        self.say(greeting(self.console.operator), Tone.DIM)
        self._draw()

    def on_screen_resume(self) -> None:
        """Count when home is seen, not while it is covered, nor when that was just done."""
        self.set_focus(self.query_one(Listing))
        if self._begun and self.overview:
            self._begun = None
        else:
            self.look_again()

    def on_resize(self, _event: events.Resize) -> None:
        """More room says more."""
        self._draw()

    def look_again(self) -> None:
        """Count again."""
        self.run_worker(self._counting, thread=True, exclusive=True, group="home", description="the overview")

    def ledger_grew(self, _size: int) -> None:
        """Others decided something."""
        if self.is_current:
            self.look_again()

    def after_writing(self) -> None:
        """So did this console."""
        if self.is_current:
            self.look_again()

    def _counting(self) -> None:
        from console.overview import overview

        worker = get_current_worker()
        begun, self._begun = self._begun, None
        console = self.console
        try:
            counted = self.Counted(
                begun.result() if begun else overview(console.office, console.operator, list(console.desks.values()))
            )
        except ConsoleError as error:
            counted = self.Counted(None, str(error))
        if not worker.is_cancelled:
            self.post_message(counted)

    def on_home_screen_counted(self, message: Counted) -> None:
        """Show the numbers."""
        if message.overview is None:
            self.say(message.fault, Tone.WARN)
            return
        self.overview = message.overview
        self._draw()

    def _draw(self) -> None:
        console = self.console
        # Before the first layout the screen has no width of its own; a list drawn narrow would be drawn twice.
        width = self.size.width or console.size.width
        self.query_one(Listing).show(home_lines(console.desks, self.overview, width))
        now = self.overview.at if self.overview else console.office.clock.now()
        self.query_one(Heading).about(TITLE, day(now, console.office.settings.portal.zone))
        self.show_hints()

    async def on_listing_chosen(self, message: Listing.Chosen) -> None:
        """Go to the desk of the line."""
        await self.console.action_desk(message.name.partition(":")[0])

    def action_refresh(self) -> None:
        """Count again now."""
        self.look_again()
        self.say("Counted again.")

    async def action_leave(self) -> None:
        """Ask."""
        await self.console.action_ask_quit()

    def hints(self) -> Sequence[KeyHint]:
        """Where to go."""
        return hints(self.console.key_of)
