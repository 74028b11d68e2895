"""Every widget of the console that shows text from outside, on one page, framed by cells that nobody else may touch.

`python -m tests.hostile_gallery SEED BEGIN END` shows the hostile names of a seed from number BEGIN up to END, a page at a time; with
seed 0 harmless ones to compare with. F12 turns the page. The first line says which page stands and whether anything happened
that nobody asked for: a message of a widget, a link or a button that was clicked.
"""

from __future__ import annotations

import sys
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from console.case_view import CaseView, Entry, Fact, Part
from console.desks.registrations import DESK
from console.queue import Cell, Row, Tone
from console.selection import Plan, Receipt, Skip
from console.text import pad, paragraph, safe
from fixtures.hostile import hostile_names
from screens import theme
from screens.app import STYLES
from screens.desk_keys import KeyHint
from screens.facts_panel import FactsPanel
from screens.fields import Words
from screens.frame import Heading, KeyLine, Told
from screens.listing import Line as Listed
from screens.listing import Listing
from screens.plan_words import plan_content, receipt_sentence, unplanned_content
from screens.prompt import Line, Prompt
from screens.queue_table import QueueTable
from screens.status import Status
from screens.words import lines, words, wrap
from tests.computed_queue import COLUMNS, ComputedQueue
from tests.portals import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult
    from textual.message import Message
    from textual.widget import Widget

A_PAGE = 16
"""Names on a page."""
COLUMNS_WIDE, ROWS_HIGH = 160, 188
"""The size of terminal that the page fills."""
WALL = "█"
"""What stands in the cells around every widget."""
ZONE = ZoneInfo("America/Los_Angeles")
PLAIN = "Ann Lee"


class Names(ComputedQueue):
    """A queue in which every text of a case is its name."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(range(1, len(names) + 1))
        self.names = names

    def row(self, case: int) -> Row:
        name = safe(self.names[case - 1])
        own = {"id": safe(str(case)), "match": safe("3"), "age": safe("4 d")}
        return Row(case, "submitted", tuple(Cell(own.get(each.name, name)) for each in COLUMNS), (case,))


class Wall(Static):
    """Cells that stay as they are."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__("\n".join([WALL * width] * height), markup=False)
        self.styles.width, self.styles.height = width, height


class Gallery(App[None]):
    """The page."""

    CSS_PATH: ClassVar[Any] = [f"../screens/{name}.tcss" for name in STYLES]
    CSS = """
    Screen { layers: base; overflow: hidden; }
    Gallery Vertical, Gallery Horizontal { height: auto; width: 1fr; }
    Gallery .walled > * { width: 1fr; margin: 0; }
    Gallery .walled > Wall { width: 1; }
    Gallery Prompt { padding: 0; }
    Gallery Told, Gallery .hint { height: 1; max-height: 1; padding: 0; text-wrap: nowrap; text-overflow: clip; }
    Gallery FactsPanel { overflow: hidden; padding: 0; margin: 0; border: none; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = [Binding("f12", "turn", "Turn", priority=True)]

    def __init__(self, names: Iterator[str]) -> None:
        super().__init__(ansi_color=True)
        self.register_theme(theme.theme())
        self.theme = theme.NAME
        self._names = names
        self._page = 0
        self._happened: list[str] = []

    def compose(self) -> ComposeResult:
        """Small widgets one line a name, then the large ones."""
        yield Static("", markup=False, id="page")
        yield Wall(COLUMNS_WIDE, 1)
        for _ in range(A_PAGE):
            yield from walled(1, Heading("Registrations", "Portal"), Told(), Status(), Line())
        for _ in range(A_PAGE):
            yield from walled(
                1,
                KeyLine(),
                Static("", markup=False, classes="shown"),
                Line(),
                Static("", markup=False, classes="receipt"),
            )
        yield from walled(A_PAGE + 1, QueueTable())
        yield from walled(A_PAGE * 2, Listing(), Static("", markup=False, classes="few"), FactsPanel(ZONE))
        yield from walled(A_PAGE * 4, Static("", markup=False, classes="plan"), FactsPanel(ZONE))
        prompt = Prompt("/")
        prompt.display = True
        yield from walled(2, prompt, Words(name="reason", lines=2))

    def on_mount(self) -> None:
        """The first page."""
        self.query_one(QueueTable).focus()
        self.call_after_refresh(self.action_turn)

    def action_turn(self) -> None:
        """Show the next names, each in every widget."""
        names = list(islice(self._names, A_PAGE))
        if not names:
            self.exit()
            return
        self._page += 1
        self._small(names)
        self._large(names)
        happened = ", ".join(self._happened) or "nothing"
        self.query_one("#page", Static).update(f"page {self._page} happened: {happened}.")

    def _small(self, names: Sequence[str]) -> None:
        for heading, told, status, name in zip(
            self.query(Heading), self.query(Told), self.query(Status), names, strict=False
        ):
            heading.about("Registrations", safe(name))
            told.say(safe(name))
            status.show(safe(name))
        for line, name in zip(self.query(Line), chain(names, names), strict=False):
            # As a terminal pastes it.
            line.value = ""
            line.post_message(events.Paste(name))
        for keys, shown, receipt, name in zip(
            self.query(KeyLine),
            self.query(".shown").results(Static),
            self.query(".receipt").results(Static),
            names,
            strict=False,
        ):
            keys.show([KeyHint("a", safe(name)), KeyHint("?", "Keys", lasting=True)])
            shown.update(lines([[words(wrap(safe(name), 38)[0], Tone.ACCENT)]]))
            skipped = (Skip(1, name),)
            said = receipt_sentence("Approve", DESK, Receipt("approve", None, 0, skipped, 0, 1), "u", ZONE)
            receipt.update(lines([[words(wrap(safe(said), 39)[1])]]))

    def _large(self, names: Sequence[str]) -> None:
        self.query_one(QueueTable).show(Names(names))
        self.query_one(Listing).show(
            [
                Listed(((pad(safe(name), 28), ""), ("  ", ""), words(safe(name), Tone.DIM)), str(n))
                for n, name in enumerate(names)
            ]
        )
        rows = [desk_row(n, name) for n, name in enumerate(names, 1)]
        self.query_one(".few", Static).update(unplanned_content(DESK, rows, 50))
        plans = [
            plan_content(
                DESK,
                Plan("registrations", "approve", 3, tuple(Skip(1, each) for each in four), 9, 0, 1, 1, False, False),
                four_rows,
                70,
                roomy=True,
            )
            for four, four_rows in zip(by_four(names), by_four(rows), strict=True)
        ]
        self.query_one(".plan", Static).update(Content("\n").join(plans))
        facts, thread = self.query(FactsPanel)
        facts.show(
            view(self._page, names, parts=(Part(safe(names[0]), tuple(Fact("Name", safe(name)) for name in names)),))
        )
        thread.show(view(self._page, names, thread=tuple(Entry(NOON, safe(name), paragraph(name)) for name in names)))
        self.query_one(Words).text = " | ".join(names)
        self.query_one(Prompt).hint(f"Nothing is named {names[0]}.")

    def happened(self, what: str) -> None:
        """Keep it for the first line."""
        self._happened.append(what)

    def on_queue_table_opened(self, _message: QueueTable.Opened) -> None:
        """Nobody pressed Enter."""
        self.happened("a case was opened")

    def on_listing_chosen(self, _message: Listing.Chosen) -> None:
        """Nobody pressed Enter."""
        self.happened("a line was chosen")

    def on_input_submitted(self, _message: Message) -> None:
        """Nobody pressed Enter."""
        self.happened("a line was submitted")

    def action_happened(self) -> None:
        """What a name's link would call."""
        self.happened("a link was followed")

    def bell(self) -> None:
        """So would this."""
        self.happened("the bell rang")

    async def action_quit(self) -> None:
        """And this."""
        self.happened("it was asked to end")


def walled(height: int, *shown: Widget) -> Iterator[Widget]:
    """Widgets beside each other, walls between and below them."""
    parts: list[Widget] = [Wall(1, height)]
    for each in shown:
        each.styles.height = height
        parts += [each, Wall(1, height)]
    row = Horizontal(*parts, classes="walled")
    row.styles.height = height
    yield row
    yield Wall(COLUMNS_WIDE, 1)


def view(number: int, names: Sequence[str], parts: tuple[Part, ...] = (), thread: tuple[Entry, ...] = ()) -> CaseView:
    """A case of these names."""
    return CaseView("registrations", number, "submitted", safe(names[-1]), parts, thread)


def desk_row(number: int, name: str) -> Row:
    """A row of registrations in which every cell is this name."""
    return Row(number, "submitted", tuple(Cell(safe(name)) for _ in DESK.columns), (number,))


def by_four(items: Sequence[Any]) -> Iterator[Any]:
    """Four at a time: as many as a dialog names."""
    return (items[at : at + 4] for at in range(0, len(items), 4))


def chosen(seed: int, begin: int, end: int) -> Iterator[str]:
    """The names of the pages."""
    return islice(hostile_names(seed) if seed else repeat(PLAIN), begin, end)


if __name__ == "__main__":
    Gallery(chosen(*(int(word) for word in sys.argv[1:]))).run(mouse=True)
