"""A question that is answered with y or n."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from console.text import safe
from screens.answer import Answer
from screens.words import STRONG

if TYPE_CHECKING:
    from textual.app import ComposeResult


class AskDialog(ModalScreen[bool]):
    """Answers True for yes. `likely` is what enter means."""

    def __init__(self, question: str, explained: str = "", *, yes: str, no: str, likely: bool = False) -> None:
        super().__init__()
        self._question = safe(question)
        self._explained = safe(explained)
        self._words = (yes, no)
        self._likely = likely

    def compose(self) -> ComposeResult:
        """The question and the two answers."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._question, STRONG), markup=False)
            if self._explained:
                yield Static(Content(self._explained), markup=False, classes="explained")
            yield Answer(*self._words, likely=self._likely)

    def on_mount(self) -> None:
        """The answer is what is typed."""
        self.set_focus(self.query_one(Answer))

    def on_answer_given(self, message: Answer.Given) -> None:
        """That was it; a second answer, typed before this one was heard, is none."""
        if self.is_current:
            self.dismiss(message.yes)
