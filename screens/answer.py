"""Yes or no: two words with their keys, one of which enter means. Yes can be not ready, and then says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from console.queue import Tone
from screens.words import KEY, STYLES

if TYPE_CHECKING:
    from textual.binding import BindingType


class Answer(Widget, can_focus=True):
    """The last line of a dialog."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "give(True)", "Yes", id="answer.yes", tooltip="Yes"),
        Binding("n,escape,q", "give(False)", "No", id="answer.no", tooltip="No"),
        Binding("enter", "enter", "What is marked", id="answer.enter", tooltip="The answer that is marked"),
        Binding("left,right,tab,shift+tab", "turn", "The other", id="answer.turn", tooltip="Mark the other answer"),
    ]

    class Given(Message):
        """The answer."""

        def __init__(self, *, yes: bool) -> None:
            super().__init__()
            self.yes = yes

    class NotReady(Message):
        """Yes was said before it could be."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, yes: str, no: str, *, likely: bool = False) -> None:
        super().__init__()
        self._words = (yes, no)
        self._marked = likely
        self._why_not: str | None = None

    def ready(self, yes: str, why_not: str | None) -> None:
        """What yes means now, and why it cannot be said, or None."""
        if (yes, why_not) != (self._words[0], self._why_not):
            self._words, self._why_not = (yes, self._words[1]), why_not
            self.refresh(layout=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tab leaves the answer where there are fields to go to."""
        del parameters
        return action != "turn" or len(self.screen.focus_chain) == 1 or None

    def action_give(self, yes: bool) -> None:
        """Say it."""
        if yes and self._why_not is not None:
            self.post_message(self.NotReady(self._why_not))
        else:
            self.post_message(self.Given(yes=yes))

    def action_enter(self) -> None:
        """Say what is marked."""
        self.action_give(self._marked)

    def action_turn(self) -> None:
        """Mark the other one."""
        self._marked = not self._marked
        self.refresh()

    def render(self) -> Content:
        """The two answers; the one that enter means is turned over while the keys go here."""
        parts = []
        for yes, key, word in ((True, "y", self._words[0]), (False, "n", self._words[1])):
            off = yes and self._why_not is not None
            marked = self.has_focus and self._marked == yes and not off
            style = "reverse" if marked else STYLES[Tone.DIM] if off else ""
            parts += [
                (f" {key} ", STYLES[Tone.DIM] if off else f"{KEY} reverse" if marked else KEY),
                (f"{word} ", style),
                ("   ", ""),
            ]
        return Content.assemble(*parts[:-1])
