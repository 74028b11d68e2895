"""What every screen that shows cases of a desk does alike: decide, disclose, and say why a key does nothing.

A screen says which cases are meant and what is known of them; the dialog asks; the app writes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from console.authority import Permission
from console.queue import Tone
from console.reports.asking import Exporting
from screens.desk_keys import KeyHint
from screens.frame import ConsoleScreen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Decision, Desk
    from console.params import Params
    from console.selection import Selection

DECISIONS_NAMED = 4
"""Decisions that the last line names; all of them are named by `?` and on the case's own screen."""
ONE_BY_ONE = "it is decided one at a time"


class DecidingScreen(ConsoleScreen[None]):
    """A screen of one desk."""

    desk: Desk

    def selection(self) -> Selection | None:
        """The cases that a decision would be about; None when there is none."""
        raise NotImplementedError

    def known(self) -> Mapping[str, str | None] | None:
        """For each decision why the case at hand cannot take it, or None where that is not known (yet)."""
        raise NotImplementedError

    def case_at_hand(self) -> int | None:
        """The case under the cursor, or the one that is open."""
        raise NotImplementedError

    def why_not(self, decision: Decision) -> str | None:
        """Why the decision cannot be taken now, as far as is known without asking."""
        if not self.console.operator.may(decision.permission):
            return "your role does not have this right"
        selection = self.selection()
        if selection is None:
            return "there is no case here"
        if not selection.single:
            return None if decision.bulk else ONE_BY_ONE
        known = self.known()
        return known.get(decision.name) if known else None

    def decision_hints(self) -> Sequence[KeyHint]:
        """The keys of the first decisions."""
        return [
            KeyHint(self.console.key_of(f"{self.desk.name}.{each.name}", each.key), each.title, self.why_not(each))
            for each in [each for each in self.desk.decisions if each.key][:DECISIONS_NAMED]
        ]

    async def action_decide(self, name: str) -> None:
        """Ask for one decision about the cases meant."""
        decision = self.desk.decision(name)
        selection = self.selection()
        with self.calmly():
            if selection is not None and selection.single and self.known() is None:
                from console.rows import possible

                why = possible(self.console.office, self.console.operator, self.desk, selection.ids[0])[name]  # type: ignore[index]
            else:
                why = self.why_not(decision)
            if why is not None or selection is None:
                self.say(f"{decision.title}: not now – {why}.", Tone.WARN)
            elif self.console.writes.busy:
                self.say("A decision is still being carried out; nothing else was begun. Try again in a moment.")
            else:
                await self._ask(decision, selection)

    async def _ask(self, decision: Decision, selection: Selection) -> None:
        from screens.decide_dialog import DecideDialog

        self.say_nothing()
        dialog = DecideDialog(self.desk, decision, selection)
        await self.app.push_screen(dialog, partial(self._decided, decision, selection))

    def _decided(self, decision: Decision, selection: Selection, params: Params | None) -> None:
        if params is None:
            self.say("Nothing was done.")
        elif self.console.writes.decide(self.desk, decision, selection, params):
            self.say(f"{decision.title}: being carried out …")

    async def action_disclose(self, name: str) -> None:
        """Ask for what is hidden about the case at hand."""
        from screens.disclose_dialog import DiscloseDialog

        disclosure = self.desk.disclosure(name)
        case = self.case_at_hand()
        if case is None:
            self.say(f"There is no {self.desk.singular} here.", Tone.WARN)
        elif not self.console.operator.may(disclosure.permission):
            self.say(f"{disclosure.title}: your role does not have this right.", Tone.WARN)
        else:
            await self.app.push_screen(
                DiscloseDialog(self.desk, disclosure, case), partial(self.console.disclose, self.desk, disclosure, case)
            )

    async def action_reveal(self) -> None:
        """What `m` does on a desk whose declaration has no key for it."""
        if self.desk.disclosures:
            await self.action_disclose(self.desk.disclosures[0].name)
        else:
            self.say(f"Nothing is hidden on the desk {self.desk.title}: masks belong to students.")

    def action_copy(self) -> None:
        """Copy the number of the case at hand, and show it: not every terminal takes it."""
        case = self.case_at_hand()
        if case is None:
            self.say(f"There is no {self.desk.singular} here.", Tone.WARN)
        else:
            self.app.copy_to_clipboard(str(case))
            self.say(f"Copied: {case}")

    async def action_export(self) -> None:
        """Ask how what is listed is written to a file with its proofs; other desks' lists are written by the command line."""
        if self.desk.exporting is None:
            self.say(f"A list is written from a shell: district {self.desk.name} list --format csv")
            return
        if not self.console.operator.may(Permission.AUDIT_EXPORT):
            self.say("Export: your role does not have this right.", Tone.WARN)
            return
        from screens.export_dialog import ExportDialog

        await self.app.push_screen(ExportDialog(self.listed()), self._exported)

    def _exported(self, params: Params | None) -> None:
        if not isinstance(params, Exporting):
            self.say("Nothing was exported.")
        elif self.console.writes.export(self.desk, params.wanted(self.listed())):
            self.say("Export: being written and proved …")

    def listed(self) -> str:
        """The filter that says what is listed."""
        return ""
