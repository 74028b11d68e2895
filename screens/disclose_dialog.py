"""Asking for what is hidden, and showing it for a minute: a reason first, then a record, then the name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from console.queue import Tone
from console.text import safe
from screens.form_dialog import FormDialog
from screens.words import STRONG, lines, words, wrap

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.desk import Desk, Disclosure
    from console.text import SafeText


class DiscloseDialog(FormDialog):
    """Asks why."""

    def __init__(self, desk: Desk, disclosure: Disclosure, case: int) -> None:
        super().__init__(
            f"{disclosure.title}: {desk.singular} {case}",
            disclosure.Params,
            yes=disclosure.title,
            likely=False,
            reason_needed=True,
        )
        self._desk = desk
        self._disclosure = disclosure
        self._case = case

    def digest(self, params: Any) -> bytes:
        """Of this disclosure of this case, for this reason."""
        from console.deciding.disclosing import disclosure_digest

        return disclosure_digest(self._desk, self._disclosure, self._case, params)

    def on_mount(self) -> None:
        """Say what it means."""
        super().on_mount()
        self.ask_code(needed=self._disclosure.step_up and self.console.office.assurance.asks)
        seconds = self._disclosure.seconds
        said = f"{self._disclosure.help} It is recorded with your name and reason, and shown for {seconds} seconds."
        self.call_after_refresh(
            lambda: self.tell(lines([words(line, Tone.DIM)] for line in wrap(safe(said), self.width)))
        )


class ShownScreen(ModalScreen[None]):
    """What was disclosed, until `seconds` have passed or any of its keys is pressed. It is nowhere else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,m,space", "hide", "Hide", id="shown.hide", tooltip="Hide it now"),
    ]

    def __init__(self, title: str, shown: SafeText, seconds: float) -> None:
        super().__init__()
        self._title = title
        self._shown = shown
        self._seconds = seconds

    def compose(self) -> ComposeResult:
        """The text, and how long it stays."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._title, STRONG), markup=False)
            yield Static(Content.assemble(words(self._shown, Tone.ACCENT)), markup=False, classes="explained")
            left = f"Hidden again in {round(self._seconds)} seconds; esc hides it now."
            yield Static(Content.assemble(words(safe(left), Tone.DIM)), markup=False, classes="explained")

    def on_mount(self) -> None:
        """Hide it by itself."""
        self.set_timer(max(0.1, self._seconds), self.action_hide)

    def action_hide(self) -> None:
        """Hide it."""
        if self.is_current:
            self.dismiss()
