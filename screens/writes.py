"""Everything the console writes for an operator goes through here, one at a time, in a thread that belongs to the app.

Promises: a write is never cancelled because its screen went away, and its result always arrives; while one runs, no second
one begins; the same call made again after the database was lost carries the same key, so it is done once.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.message import Message

from console.errors import ConsoleError, Unavailable
from console.progress import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer

    from console.deciding.disclosing import Shown
    from console.desk import Decision, Desk, Disclosure
    from console.progress import Progress
    from console.reports.exporting import Wanted
    from console.selection import Receipt, Selection
    from screens.app import ConsoleApp
    from screens.working_dialog import WorkingDialog

LOOK = 0.2
"""Seconds between two looks at whether a write takes long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a write: a receipt, something shown, a sentence, or the sentence that says why not."""

    title: str
    desk: Desk
    receipt: Receipt | None = None
    undoes: str | None = None
    disclosure: Disclosure | None = None
    shown: Shown | None = None
    error: ConsoleError | None = None
    said: str = ""
    again: Callable[[], bool] | None = None
    """Does it once more: for what turned out to ask for a code."""


class Written(Message):
    """A write has ended."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Writes:
    """The app's one way to write."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.busy = False
        self._lost: tuple[tuple[Any, ...], str] | None = None
        self._looking: Timer | None = None
        self._dialog: WorkingDialog | None = None

    def decide(self, desk: Desk, decision: Decision, selection: Selection, params: Any) -> bool:
        """Begin to decide; False when another write is still running."""
        office, operator = self._app.office, self._app.operator

        def work(key: str, progress: Progress) -> Outcome:
            receipt = office.decide(operator, desk, decision, selection, params, key, progress)
            return Outcome(decision.title, desk, receipt)

        call = (desk.name, decision.name, selection, params)
        return self._begin(call, work, Outcome(decision.title, desk))

    def undo(self, title: str, desk: Desk, batch: str) -> bool:
        """Begin to undo a batch; False when another write is still running."""
        office, operator = self._app.office, self._app.operator

        def work(key: str, progress: Progress) -> Outcome:
            return Outcome(f"Undo {title}", desk, office.undo(operator, batch, key, progress), undoes=batch)

        return self._begin(("undo", batch), work, Outcome(f"Undo {title}", desk))

    def disclose(self, desk: Desk, disclosure: Disclosure, case: int, params: Any) -> bool:
        """Begin to disclose; False when another write is still running."""
        office, operator = self._app.office, self._app.operator

        def work(key: str, _progress: Progress) -> Outcome:
            shown = office.disclose(operator, desk, disclosure, case, params, key)
            return Outcome(disclosure.title, desk, disclosure=disclosure, shown=shown)

        return self._begin(("disclose", disclosure.name, case, params), work, Outcome(disclosure.title, desk))

    def export(self, desk: Desk, wanted: Wanted) -> bool:
        """Begin to export; False when another write is still running."""
        office, operator = self._app.office, self._app.operator

        def work(key: str, progress: Progress) -> Outcome:
            exported = office.export(operator, wanted, key, progress)
            if exported.request is not None:
                many = f"{exported.count:,} records wait for a second person as request {exported.request}"
                return Outcome("Export", desk, said=f"{many}; nothing was exported yet. Export the same again then.")
            many = "1 record" if exported.count == 1 else f"{exported.count:,} records"
            return Outcome("Export", desk, said=f"{many} exported with proofs to {exported.out}.")

        return self._begin(("export", wanted), work, Outcome("Export", desk))

    def _begin(self, call: tuple[Any, ...], work: Callable[[str, Progress], Outcome], failed: Outcome) -> bool:
        if self.busy:
            return False
        self.ended()
        self.busy = True
        key = self._lost[1] if self._lost and self._lost[0] == call else self._app.office.random.bytes(16).hex()
        progress = Watched(monotonic)

        def run() -> None:
            try:
                outcome = work(key, progress)
                self._lost = None
            except ConsoleError as error:
                self._lost = (call, key) if isinstance(error, Unavailable) else None
                outcome = Outcome(failed.title, failed.desk, error=error, again=lambda: self._begin(call, work, failed))
            finally:
                self.busy = False
            self._app.post_message(Written(outcome))

        self._app.run_worker(run, thread=True, exclusive=False, group="writes", description="a write")
        self._looking = self._app.set_interval(LOOK, lambda: self._look(failed.title, progress))
        return True

    def _look(self, title: str, progress: Watched) -> None:
        """Show a write that takes long."""
        from screens.working_dialog import WorkingDialog

        if self.busy and progress.look() is not None and not self._app.locking.locked:
            self._stop_looking()
            self._dialog = WorkingDialog(title, progress)
            self._app.push_screen(self._dialog)

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.stop()
            self._looking = None

    def ended(self) -> None:
        """A write has ended, and its outcome was heard: nothing is shown of it any more."""
        if self.busy:
            return
        self._stop_looking()
        if self._dialog is not None:
            self._dialog.over()
            self._dialog = None
