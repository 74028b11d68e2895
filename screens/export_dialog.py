"""Asking how the records that are listed leave the district: the form, the file, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.queue import Tone
from console.text import safe
from screens.form_dialog import FormDialog
from screens.words import lines, words, wrap

if TYPE_CHECKING:
    from console.params import Params

MEANS = (
    "The records that are listed, each with its proof. That they leave the district is recorded first, "
    "with who gets them (party), why they may (interest) and what for (reason)."
)


class ExportDialog(FormDialog):
    """Asks for the report."""

    def __init__(self, params: type[Params]) -> None:
        super().__init__("Export what is listed", params, yes="Export", likely=True, reason_needed=False)

    def on_mount(self) -> None:
        """Say what it means."""
        super().on_mount()
        self.call_after_refresh(
            lambda: self.tell(lines([words(line, Tone.DIM)] for line in wrap(safe(MEANS), self.width)))
        )
