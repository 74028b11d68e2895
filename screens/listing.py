"""A short list to choose from, drawn like the queue: a cursor that is a glyph first and turned over second.

Lines without a name are headings and spaces; the cursor passes over them. A step repaints two lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from screens.listed import Line, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType


class Listing(Widget, can_focus=True):
    """The list. `show` gives it lines; the cursor stays on the name it was on."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Listing { height: 1fr; width: 1fr; text-wrap: nowrap; text-overflow: clip; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", id="list.choose", tooltip="Go where the line leads"),
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up", tooltip="Go to the line above"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down", tooltip="Go to the line below"),
        Binding("g,home", "move(-1000)", "First", show=False, id="list.first", tooltip="Go to the first line"),
        Binding("G,end", "move(1000)", "Last", show=False, id="list.last", tooltip="Go to the last line"),
    ]

    class Chosen(Message):
        """The operator wants to go where this line leads."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Line, ...] = ()
        self._cursor: int | None = None
        self._top = 0

    @property
    def name_at_hand(self) -> str:
        """The name of the line under the cursor; '' when there is none."""
        return "" if self._cursor is None else self._shown[self._cursor].name

    def show(self, shown: Sequence[Line]) -> None:
        """Show these lines."""
        if tuple(shown) == self._shown:
            return
        name = self.name_at_hand
        self._shown = tuple(shown)
        places = self._places()
        self._cursor = next((n for n in places if self._shown[n].name == name), places[0] if places else None)
        self._follow()
        self.refresh()

    def _places(self) -> list[int]:
        return [n for n, line in enumerate(self._shown) if line.name]

    def action_move(self, by: int) -> None:
        """Go some lines down or up, as far as there are lines that lead somewhere."""
        places = self._places()
        if self._cursor is None or not places:
            return
        before, top = self._cursor, self._top
        place = max(0, min(len(places) - 1, places.index(self._cursor) + by))
        self._cursor = places[place]
        self._follow(to_the_top=place == 0)
        if self._top != top:
            self.refresh()
        elif self._cursor != before:
            self.refresh(*(Region(0, n - self._top, self.size.width, 1) for n in (before, self._cursor)))

    def _follow(self, *, to_the_top: bool = False) -> None:
        """Let the cursor be seen; with the first line, the headings above it too."""
        height = self.size.height
        if not height:  # nothing is laid out yet: the list begins at its beginning
            self._top = 0
            return
        cursor = self._cursor or 0
        self._top = 0 if to_the_top else min(max(self._top, cursor - height + 1), cursor)

    def on_resize(self, _event: events.Resize) -> None:
        """The cursor stays in sight."""
        self._follow(to_the_top=(self._cursor or 0) < self.size.height)

    def action_choose(self) -> None:
        """Go there."""
        if self.name_at_hand:
            self.post_message(self.Chosen(self.name_at_hand))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; twice, go there."""
        place = self._top + event.y
        if place in self._places():
            self._cursor = place
            self.refresh()
            if event.chain > 1:
                self.action_choose()

    def render(self) -> Content:
        """The lines in sight."""
        rows = [self._row(n) for n in range(self._top, min(len(self._shown), self._top + self.size.height))]
        return Content("\n").join(rows)

    def _row(self, place: int) -> Content:
        here = place == self._cursor
        return Content.assemble(*row(self._shown[place], self.size.width, here=here, focus=self.has_focus))
