"""Home: what waits and how old it is, what came, what is due, what expires, what went wrong, what you decided last.

Promises: numbers and words first, the plot beside them only says it again; no names; every line that leads somewhere leads
there by enter or by its digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.worker import get_current_worker

from console.desks import DESKS
from console.desks import desk as desk_of
from console.drawn import age
from console.errors import ConsoleError
from console.queue import Tone
from console.text import cells, clip, join, pad, safe
from screens.desk_keys import KeyHint
from screens.frame import ConsoleScreen, Heading
from screens.listing import Line, Listing
from screens.plots import spark
from screens.words import KEY, STRONG, STYLES, plural, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.desk import Desk
    from console.overview import Decided, DeskView, Overview
    from screens.words import Words

TITLE = 19
"""Cells for a desk's title."""
ROWS = {"intake": "row"}
"""What is counted where there is no desk."""
ROOM_FOR_PLOT = 76
"""Cells from which a plot stands beside the numbers."""
MARGIN = 4
"""Cells that a line leaves free on its two sides."""


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

    def __init__(self) -> None:
        super().__init__()
        self.title_said = "Home"
        self.overview: Overview | None = None

    def body(self) -> ComposeResult:
        """One list; its headings cannot be chosen."""
        yield Listing()

    def on_mount(self) -> None:
        """Name the desks at once; the numbers follow."""
        self.set_focus(self.query_one(Listing))
        operator = self.console.operator
        self.say(f"Signed in as {operator.name}, {operator.role.replace('_', ' ')}.", Tone.DIM)
        self._draw()

    def on_screen_resume(self) -> None:
        """Count when home is seen, not while it is covered."""
        self.set_focus(self.query_one(Listing))
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
        try:
            counted = self.Counted(
                overview(self.console.office, self.console.operator, list(self.console.desks.values()))
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
        self.query_one(Listing).show([*self._desk_lines(), *self._other_lines()])
        self._about()

    def _about(self) -> None:
        now = self.overview.at if self.overview else self.console.office.clock.now()
        day = now.astimezone(self.console.office.settings.portal.zone)
        self.query_one(Heading).about("Home", safe(day.strftime("%A, %-d %B %Y")))
        self.show_hints()

    def _desk_lines(self) -> list[Line]:
        counted = {each.name: each for each in self.overview.desks} if self.overview else {}
        found = [_heading("What waits")]
        for name, desk in self.console.desks.items():
            found.append(Line(tuple(self._desk_line(desk, counted.get(name))), name))
        return found

    def _desk_line(self, desk: Desk, view: DeskView | None) -> list[Words]:
        parts: list[Words] = [(f"{desk.digit}  ", KEY), (pad(safe(desk.title), TITLE), "")]
        if view is None:
            about = safe("" if desk.waiting else desk.help)
            return [*parts, words(clip(join([safe("  "), about]), max(0, self.size.width - TITLE - 8)), Tone.DIM)]
        count = f"{'over ' if view.waiting.capped else ''}{view.waiting.number:,}"
        none = not view.waiting.number
        parts.append((pad(safe("nothing" if none else count), 11, right=True), STYLES[Tone.DIM] if none else STRONG))
        assert self.overview is not None  # noqa: S101 - a view comes with its overview
        oldest = f"oldest {age(view.oldest, self.overview.at)}" if view.oldest and not none else ""
        parts.append(words(pad(safe(f"  {oldest}"), 14), Tone.DIM))
        came: list[Words] = []
        if view.arrivals and self.size.width >= ROOM_FOR_PLOT:
            came = [
                (spark(view.arrivals), STYLES[Tone.ACCENT]),
                words(safe(f"  {view.arrivals[-1]:,} today"), Tone.DIM),
            ]
        due: list[Words] = []
        if view.overdue:
            due.append(words(safe(f"  {view.overdue:,} overdue"), Tone.BAD))
        if view.due_today:
            due.append(words(safe(f"  {view.due_today:,} due today"), Tone.WARN))
        while came and sum(cells(safe(text)) for text, _ in [*parts, *came, *due]) > self.size.width - MARGIN:
            came.pop()  # what is late matters more than what came
        return [*parts, *came, *due]

    def _other_lines(self) -> list[Line]:
        if self.overview is None:
            return []
        view = self.overview
        lines: list[Line] = []
        coming = [
            (view.reviews, "mask or block to look at again within 14 days", "students", Tone.WARN),
            (view.grants_ending, "grant that ends within 30 days", "grants", Tone.WARN),
            (view.refused, "row from the portal that was refused", "", Tone.BAD),
            (view.notices_failed, "notice that could not be sent", "", Tone.BAD),
        ]
        found = [
            _line([words(pad(safe(f"{count:,}"), 4, right=True), tone), (f"  {_several(what, count)}", "")], desk)
            for count, what, desk, tone in coming
            if count
        ]
        lines += [
            _blank(),
            _heading("What needs a look"),
            *(found or [_line([words(safe("Nothing."), Tone.DIM)])]),
        ]
        if view.last:
            lines += [_blank(), _heading("What you decided last"), *(self._decided(each) for each in view.last)]
        return lines

    def _decided(self, each: Decided) -> Line:
        assert self.overview is not None  # noqa: S101 - it comes from the overview
        # Also of a desk that the operator does not see: what they decided, or a program did, was decided there.
        counted = desk_of(each.desk).singular if each.desk in DESKS else ROWS.get(each.desk, each.desk)
        done = plural(each.done, counted)
        undone = "  undone" if each.undone else ""
        parts = [
            words(pad(safe(age(each.at, self.overview.at)), 4, right=True), Tone.DIM),
            (f"  {each.decision}, {done}", ""),
            words(safe(f"   {each.batch}{undone}"), Tone.DIM),
        ]
        return _line(parts)

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
        key = self.console.key_of
        return [
            KeyHint(key("", "enter"), "Open"),
            KeyHint(key("console.find", "ctrl+f"), "Find a person"),
            KeyHint(key("console.command", "colon"), "Command"),
            KeyHint(key("home.leave", "q"), "Leave", lasting=True),
            KeyHint(key("console.keys", "question_mark"), "Keys", lasting=True),
        ]


def _heading(text: str) -> Line:
    return Line(((text, STRONG),))


def _blank() -> Line:
    return Line(())


def _line(parts: Sequence[Words], desk: str = "") -> Line:
    return Line(tuple(parts), f"{desk}:look" if desk else "")


def _several(what: str, count: int) -> str:
    if count == 1:
        return what
    first, _, rest = what.partition(" ")
    several = {"mask": "masks or blocks", "grant": "grants", "row": "rows", "notice": "notices"}[first]
    rest = rest.removeprefix("or block ").replace("ends", "end").replace("that was", "that were")
    return f"{several} {rest}"
