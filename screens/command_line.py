"""The command line inside the console: `:challenges`, `:approve`, `:undo 7K2M-9QXH`, `:find garcia`, `:q`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from screens.prompt import LastWord, Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input


class CommandLine(ModalScreen[str]):
    """Answers what was typed; '' for nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="command.close", tooltip="Close the command line"),
    ]

    def __init__(self, known: Sequence[str], hint: str) -> None:
        super().__init__()
        self._known = known
        self._hint = hint

    def compose(self) -> ComposeResult:
        """One prompt at the bottom."""
        yield Prompt(":", LastWord(lambda _: self._known))

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Prompt).open("", self._hint)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """That was it."""
        event.stop()
        self.dismiss(event.value.strip())

    def action_close(self) -> None:
        """Nothing."""
        self.dismiss("")
