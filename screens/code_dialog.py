"""Asking for a code alone: for what turned out to ask for one when it was already under way, as taking back very many cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from console.queue import Tone
from console.text import safe
from screens.form_dialog import FormDialog
from screens.words import lines, words, wrap

if TYPE_CHECKING:
    from console.errors import CodeNeeded
    from console.params import Params


@dataclass(frozen=True)
class Nothing:
    """No parameters."""


class CodeDialog(FormDialog):
    """Answers something once the code counts, None for no."""

    def __init__(self, title: str, needed: CodeNeeded) -> None:
        super().__init__(title, cast("type[Params]", Nothing), yes="Go on", likely=True, reason_needed=False)
        self._needed = needed

    def on_mount(self) -> None:
        """Say why, and begin at the code."""
        super().on_mount()
        self.ask_code(needed=True)
        self.set_focus(self.code)
        self.call_after_refresh(
            lambda: self.tell(lines([words(line, Tone.DIM)] for line in wrap(safe(str(self._needed)), self.width)))
        )

    def digest(self, params: Any) -> bytes:
        """Of what asked for it."""
        del params
        return self._needed.digest
