"""Asking how the records that are listed leave the district: the form, the file, and for whom; and what that asks for first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.worker import get_current_worker

from console.errors import ConsoleError
from console.queue import Tone
from console.reports.asking import Exporting
from console.text import safe
from screens.form_dialog import CODE, FormDialog
from screens.resting import Rest
from screens.words import lines, plural, words, wrap

if TYPE_CHECKING:
    from console.reports.leave import ExportPlan
    from screens.prompt import Line

MEANS = (
    "The records that are listed, each with its proof. That they leave the district is recorded first, "
    "with who gets them (party), why they may (interest) and what for (reason)."
)
WAITS = "So many wait for a second person: no file is made until another operator confirms it."
ASKS = "Names and reasons ask for a code of your second factor."


class ExportDialog(FormDialog):
    """Asks for the report of what matches a filter."""

    class Planned(Message):
        """What the export would hold has been read."""

        def __init__(self, plan: ExportPlan | None, fault: str = "") -> None:
            super().__init__()
            self.plan = plan
            self.fault = fault

    def __init__(self, where: str) -> None:
        super().__init__("Export what is listed", Exporting, yes="Export", likely=True, reason_needed=False)
        self._where = where
        self._typing = Rest(self, self._read_plan)

    def on_mount(self) -> None:
        """Say what it means."""
        super().on_mount()
        self.call_after_refresh(self._explain, None)
        self._read_plan()

    def digest(self, params: Any) -> bytes:
        """Of this export."""
        from console.reports.leave import export_digest

        return export_digest(params.wanted(self._where))

    def _explain(self, plan: ExportPlan | None) -> None:
        if not self.is_attached:  # answered before its first refresh
            return
        found = [words(line, Tone.DIM) for line in wrap(safe(MEANS), self.width)]
        if plan is not None:
            found.append((safe(f"{plural(plan.count, 'record')}."), ""))
            if plan.second_person:
                found += [words(line, Tone.WARN) for line in wrap(safe(WAITS), self.width)]
            if plan.step_up:
                found += [words(line, Tone.DIM) for line in wrap(safe(ASKS), self.width)]
        self.tell(lines([each] for each in found))

    def _read_plan(self) -> None:
        try:
            params = self.read()
        except ConsoleError:
            return
        self.run_worker(
            partial(self._planning, params), thread=True, exclusive=True, group="plan", description="a plan"
        )

    def _planning(self, params: Any) -> None:
        console, worker = self.console, get_current_worker()
        try:
            read = self.Planned(console.office.plan_export(console.operator, params.wanted(self._where)))
        except ConsoleError as error:
            read = self.Planned(None, str(error))
        if not worker.is_cancelled:
            self.post_message(read)

    def on_export_dialog_planned(self, message: Planned) -> None:
        """Show it."""
        self.note(message.fault or self.code_fault)
        self._explain(message.plan)
        plan = message.plan
        self.ask_code(needed=plan is not None and plan.step_up)
        self.answer.ready("Ask a second person" if plan is not None and plan.second_person else "Export", None)

    def on_input_changed(self, event: Line.Changed) -> None:
        """Count again when the typing rests."""
        event.stop()
        if event.input.name != CODE:
            self._typing.again()

    def on_choice_changed(self) -> None:
        """The same for words chosen."""
        self._typing.again()
