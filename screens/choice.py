"""One of a few words, all of them in sight: `○ court order  ● statute  ○ fraud`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from console.text import cells, safe
from screens.words import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType
    from textual.geometry import Size

    from screens.words import Words

GAP = 2


class Choice(Widget, can_focus=True):
    """Radio buttons on as few lines as they take. `value` is the word chosen, '' for none."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,space", "turn(1)", "Next word", id="choice.next", tooltip="Choose the next word"),
        Binding("left,up", "turn(-1)", "Word before", id="choice.previous", tooltip="Choose the word before"),
        Binding("enter", "leave", "Go on", id="choice.leave", tooltip="Go on to the next field"),
    ]

    class Changed(Message):
        """Another word was chosen."""

    def __init__(self, options: Sequence[str], value: str = "", *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._options = tuple(options)
        self.value = value

    def action_turn(self, by: int) -> None:
        """Choose the next word; before the first stands the first."""
        here = self._options.index(self.value) if self.value in self._options else -1 if by > 0 else 0
        self.value = self._options[(here + by) % len(self._options)]
        self.refresh()
        self.post_message(self.Changed())

    def action_leave(self) -> None:
        """Go on."""
        self.screen.focus_next()

    def _lines(self, width: int) -> list[list[Words]]:
        rows: list[list[Words]] = [[]]
        used = 0
        for each in self._options:
            sign = "●" if each == self.value else "○"
            word = safe(each.replace("_", " ") or "none")
            wide = cells(word) + 2 + GAP
            if used and used + wide - GAP > width:
                rows.append([])
                used = 0
            chosen = each == self.value
            style = KEY if chosen else ""
            rows[-1] += [
                (f"{sign} ", style),
                (word, "reverse" if chosen and self.has_focus else style),
                (" " * GAP, ""),
            ]
            used += wide
        return rows

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the words take."""
        del container, viewport
        return len(self._lines(width))

    def render(self) -> Content:
        """The words."""
        return Content("\n").join(Content.assemble(*row) for row in self._lines(self.size.width))
