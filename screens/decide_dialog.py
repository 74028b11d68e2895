"""The one dialog of a decision: how many and who, who is left out and why, whose access changes, what it needs, yes or no.

Promises: what it shows is the plan of exactly what yes would do, read again when something is typed or somebody else decides;
no is the default where access closes; above 25 cases the count is typed.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from console.errors import ConsoleError
from console.params import options, read_params
from console.queue import Tone
from screens.fields import Fields
from screens.form_dialog import CODE, FormDialog, without_dashes
from screens.plan_words import SHOWN, plan_content, unplanned_content
from screens.prompt import Line
from screens.resting import Rest
from screens.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from console.desk import Decision, Desk
    from console.params import Params
    from console.queue import Row
    from console.selection import Plan, Selection

COUNT = "count"


class DecideDialog(FormDialog):
    """Asks for one decision about the cases selected."""

    class Planned(Message):
        """The plan has been read."""

        def __init__(self, plan: Plan | None, first: Sequence[Row], fault: str = "") -> None:
            super().__init__()
            self.plan = plan
            self.first = first
            self.fault = fault

    def __init__(self, desk: Desk, decision: Decision, selection: Selection) -> None:
        super().__init__(
            f"{decision.title} – {desk.title}",
            decision.Params,
            yes=decision.title,
            likely=not decision.closes,
            reason_needed=decision.needs_reason,
        )
        self._desk = desk
        self._decision = decision
        self._selection = selection
        self._plan: Plan | None = None
        self._typing = Rest(self, self._read_plan)

    def extra(self) -> ComposeResult:
        """A line for the count, shown where there are many."""
        with Horizontal(classes="count") as line:
            yield Static("How many *", markup=False, classes="label")
            yield Line(name=COUNT)
        line.display = False

    def on_mount(self) -> None:
        """Read the plan."""
        super().on_mount()
        self.answer.ready(self._decision.title, "The plan is still being read.")
        self._read_plan()

    def ledger_grew(self, _size: int) -> None:
        """Others decided something: perhaps about these. Before it is drawn there is nothing to read again."""
        if self.query(Fields):
            self._read_plan()

    def _read_plan(self) -> None:
        params, fault = None, ""
        try:
            params = self._imagined()
        except ConsoleError as error:
            fault = "" if self.missing() else without_dashes(str(error))
        self.run_worker(
            partial(self._planning, params, fault), thread=True, exclusive=True, group="plan", description="a plan"
        )

    def _imagined(self) -> Params:
        """What is typed; where something needed is not yet, a stand-in that the plan does not depend on. Raises Usage."""
        sight = self.console.office.sight(self.console.operator)
        typed = self.fields.typed()
        for each in options(self._params):
            if each.required and not typed[each.name] and not each.words:
                typed[each.name] = {date: sight.today + timedelta(days=1), int: 0, bool: False}.get(each.type, "…")
        return read_params(self._params, typed, sight.calendar)

    def _planning(self, params: Params | None, fault: str) -> None:
        from console.rows import rows_of

        office, operator, worker = self.console.office, self.console.operator, get_current_worker()
        try:
            plan = office.plan(operator, self._desk, self._decision, self._selection, params) if params else None
            first = plan.first if plan else (self._selection.ids or ())[:SHOWN]
            read = self.Planned(plan, rows_of(office, operator, self._desk, first), fault)
        except ConsoleError as error:
            read = self.Planned(None, (), str(error))
        if not worker.is_cancelled:
            self.post_message(read)

    def on_decide_dialog_planned(self, message: Planned) -> None:
        """Show it."""
        plan = self._plan = message.plan
        if plan is None:
            fault = message.fault or self.missing() or "The plan is still being read."
            self.note(message.fault)
            self.answer.ready(self._decision.title, fault)
            self.tell(unplanned_content(self._desk, message.first, self.width))
            return
        self.note("")
        cases = plural(plan.count, self._desk.singular)
        self.entitle(f"{self._decision.title}: {cases}" if plan.count else f"{self._decision.title}: nothing to do")
        self._say_days()
        if self.code_fault:
            self.note(self.code_fault)
        self.tell(plan_content(self._desk, plan, message.first, self.width, roomy=self.roomy))
        yes = "Ask a second person" if plan.second_person else self._decision.title
        self.answer.ready(
            f"{yes} {plan.count:,}" if plan.count > 1 and not plan.second_person else yes,
            None
            if plan.count
            else f"None of them can take it: {plan.skipped[0].why if plan.skipped else 'none match'}.",
        )
        self.query_one(".count").display = plan.typed_count
        self.ask_code(needed=plan.step_up and plan.count > 0)
        self._count.placeholder = f"type {plan.count}, for these are many"

    def _say_days(self) -> None:
        """What a day is that was typed as `+14d`."""
        try:
            params = self.read()
        except ConsoleError:
            return
        days = [(each.name, getattr(params, each.name)) for each in self.fields.options if each.type is date]
        said = (f"{name.replace('_', ' ').capitalize()}: {day:%A, %-d %B %Y}." for name, day in days if day)
        self.note("  ".join(said), Tone.DIM)

    @property
    def _count(self) -> Line:
        return next(line for line in self.query(Line) if line.name == COUNT)

    def on_input_changed(self, event: Line.Changed) -> None:
        """Read the plan again when the typing rests."""
        event.stop()
        if event.input.name not in (COUNT, CODE):
            self._typing.again()

    def on_text_area_changed(self) -> None:
        """The same for longer texts."""
        self._typing.again()

    def on_choice_changed(self) -> None:
        """The same for words chosen."""
        self._typing.again()

    def on_input_submitted(self, event: Line.Submitted) -> None:
        """Enter behind the count is yes; elsewhere it goes on."""
        if event.input.name == COUNT:
            event.stop()
            self.answer.action_give(True)
        else:
            super().on_input_submitted(event)

    def digest(self, params: Any) -> bytes:
        """Of exactly this decision about these cases."""
        from console.deciding import Call

        return Call(self._desk, self._decision, self._selection, params, "").digest()

    def finish(self, params: Any) -> None:
        """Yes: the count has to be right where one is asked for."""
        plan = self._plan
        if plan is not None and plan.typed_count and self._count.value.strip().replace(",", "") != str(plan.count):
            self.note(f"These are many. Type {plan.count} and press enter.")
            self.set_focus(self._count)
            return
        super().finish(params)
