"""The case beside its queue, and the same facts as the body of a case's own screen: one column of words that scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from screens.case_words import case_content, part_places

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from textual import events
    from textual.app import ComposeResult

    from console.case_view import CaseView


class FactsPanel(VerticalScroll, can_focus=False):
    """Shows one case, or nothing."""

    def __init__(self, zone: ZoneInfo, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._zone = zone
        self.view: CaseView | None = None
        self._drawn_in = 0

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("", markup=False, classes="case")

    def show(self, view: CaseView | None) -> None:
        """Show this case from its first line, or the same case where it stands."""
        if view is None or self.view is None or view.id != self.view.id:
            self.scroll_home(animate=False)
        self.view = view
        self._draw()

    def step(self, by: int) -> None:
        """Scroll to the next group of facts, or to the one before."""
        if self.view is None:
            return
        here = round(self.scroll_offset.y)
        places = part_places(self.view, self._room)
        behind = [place for place in places if place > here] if by > 0 else [p for p in reversed(places) if p < here]
        if behind:
            self.scroll_to(y=behind[0], animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap to the new width, if it is another."""
        if self.view is not None and self._room != self._drawn_in:
            self._draw()

    @property
    def _room(self) -> int:
        return max(10, self.scrollable_content_region.width)

    def _draw(self) -> None:
        self._drawn_in = self._room
        content = case_content(self.view, self._drawn_in, self._zone) if self.view else Content("")
        self.query_one(".case", Static).update(content)
