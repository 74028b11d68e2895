"""What stands over the screen while long work is done: how far it is, how fast, how long still; esc cancels it.

Promises: it comes only when work takes long, goes by itself when the work has ended, and changes nothing but by esc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from console.queue import Tone
from console.text import safe
from screens.words import STRONG, words

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.progress import Watched

PAUSE = 0.2
"""Seconds between two looks."""
HINT = "esc cancels; what was not finished then was not done."
ENDING = "Cancelling: it ends at the next step …"


class WorkingDialog(ModalScreen[None]):
    """Shows one piece of work until it ends."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="working.cancel", tooltip="Give the work up"),
    ]

    def __init__(self, title: str, work: Watched) -> None:
        super().__init__()
        self._title = safe(title)
        self._work = work
        self._over = False

    def compose(self) -> ComposeResult:
        """What is done, how far it is, what can be done about it."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._title, STRONG), markup=False, classes="title")
            yield Static("", markup=False, classes="pace explained")
            yield Static("", markup=False, classes="hint")

    def on_mount(self) -> None:
        """Look now and then."""
        self._look()
        self.set_interval(PAUSE, self._look)

    def _look(self) -> None:
        if self._over:
            # Below the lock it stays until that is open again.
            if self.is_current:
                self.dismiss(None)
            return
        pace = self._work.look()
        if pace is not None:
            self.query_one(".pace", Static).update(Content(safe(str(pace))))
        hint = ENDING if self._work.cancelled else HINT
        self.query_one(".hint", Static).update(Content.assemble(words(safe(hint), Tone.DIM)))

    def over(self) -> None:
        """The work has ended."""
        self._over = True
        self._look()

    def action_cancel(self) -> None:
        """Give it up."""
        self._work.cancel()
        self._look()
