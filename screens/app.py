"""The console in a terminal: one app, an operator, the desks they may see, and what is the same on every screen.

Promises: an error of the rules is a sentence, any other a reference and exit code 70, with nothing of a person in either; a
write outlives its screen; an idle console sends nothing; leaving is asked for once, and what was looked at is on record
before the console is gone.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import SystemCommand
from textual.binding import Binding

from console import lazy
from console.desks import DESKS, present
from console.errors import CodeNeeded, ConsoleError, Exit
from console.queue import Tone
from screens import theme
from screens.console_keys import CONSOLE_KEYS
from screens.desk_keys import decision_bindings, keyed
from screens.frame import ConsoleScreen
from screens.keymap import key_word, keymap
from screens.lockable import WHILE_LOCKED, LockableApp
from screens.locking import Locking
from screens.queue_keys import QUEUE_KEYS
from screens.taking_over import taking_over
from screens.watching import LedgerGrew, Watching
from screens.writes import Writes, Written

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

    from textual.binding import BindingType
    from textual.screen import Screen

    from console.authority import Operator
    from console.deciding.disclosing import Shown
    from console.desk import Desk, Disclosure
    from console.office import Office
    from console.params import Params
    from screens.counting import Counting
    from screens.desk_screen import DeskScreen
    from screens.plain import Plain
    from screens.writes import Outcome

FLUSH_AFTER = 4.0
"""Seconds after a case was opened when that is written into the log of accesses."""
STYLES = (
    "console",
    "frame",
    "prompt",
    "dialogs",
    "home",
    "desk_screen",
    "case_screen",
    "find",
    "command_line",
    "lock_screen",
)
"""The style sheets, the general before the particular."""
_log = logging.getLogger("district.screens")
# Where nobody configured logging, Python would write warnings to stderr, across the screen.
logging.getLogger("district").addHandler(logging.NullHandler())


class ConsoleApp(LockableApp, inherit_bindings=False):
    """The console of one operator."""

    # All at once: a style sheet that comes with a screen would have everything styled again when it opens.
    CSS_PATH: ClassVar[list[str | PurePath]] = [f"{name}.tcss" for name in STYLES]
    TITLE = "district"
    BINDINGS: ClassVar[list[BindingType]] = [*CONSOLE_KEYS]

    def __init__(
        self,
        office: Office,
        operator: Operator,
        *,
        desk: str | None = None,
        idle_minutes: float | None = None,
        counting: Counting | None = None,
        plain: Plain | None = None,
    ) -> None:
        """`counting` is home's first count, begun before; `plain` the terminal with the page that stands there until now."""
        super().__init__(ansi_color=True, driver_class=None if plain is None else taking_over(plain))
        # Two threads that touch a module for the first time at once would load it twice.
        lazy.load()
        self.office = office
        self.operator = operator
        self.desks: dict[str, Desk] = {name: each for name, each in present().items() if operator.may(each.see)}
        self.writes = Writes(self)
        self.watching = Watching(self)
        self.locking = Locking(self, idle_minutes or office.settings.signin.idle_minutes)
        self.size_seen = 0
        self.undoable: list[tuple[str, Desk, str, int]] = []
        """Title, desk and batch of this console's decisions that were not undone, the latest last."""
        self._first = desk
        self._counting = counting
        self._screens: dict[str, DeskScreen] = {}
        self._flushing = False
        self._leaving: Screen[bool] | None = None
        self.register_theme(theme.theme())
        wanted = office.settings.console.theme
        self.theme = wanted if wanted in self.available_themes else theme.NAME
        self.set_keymap(keymap(office.settings.console, self._declared()))

    def _declared(self) -> list[Binding]:
        from screens.case_screen import CaseScreen
        from screens.desk_screen import DeskScreen
        from screens.home import HomeScreen

        found = [*CONSOLE_KEYS, *QUEUE_KEYS]
        for screen in (HomeScreen, DeskScreen, CaseScreen):
            found += [each for each in screen.BINDINGS if isinstance(each, Binding)]
        for desk in self.desks.values():
            found += decision_bindings(desk)
        return found

    def key_of(self, name: str, declared: str) -> str:
        """How the key of a binding is written, after what the user made of it."""
        return key_word(self._keymap.get(name, declared))

    # Its life

    def get_default_screen(self) -> Screen[None]:
        """Home is the root."""
        from screens.home import HomeScreen

        return HomeScreen(self._counting)

    async def on_mount(self) -> None:
        """Go to the desk asked for, and begin to watch."""
        if self._first:
            await self.action_desk(self._first)
        self.watching.start(self._counting.size if self._counting else None)
        self.locking.start()

    def on_unmount(self) -> None:
        """Stop watching."""
        self.watching.stop()
        self.locking.stop()

    def opened(self) -> None:
        """A case was opened: write that into the log of accesses in a moment, with what comes until then."""
        if not self._flushing:
            self._flushing = True
            self.set_timer(FLUSH_AFTER, self._flush_accesses)

    def _flush_accesses(self) -> None:
        self.run_worker(self._write_accesses, thread=True, exclusive=False, group="accesses", description="accesses")

    def _write_accesses(self) -> None:
        self._flushing = False
        try:
            self.office.accesses.flush()
        except ConsoleError as error:
            _log.warning("accesses wait: %s", error)

    def _handle_exception(self, error: Exception) -> None:
        """End with a reference. Where it happened goes to the log; what it was about (locals, values) goes nowhere."""
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        reference = secrets.token_hex(4)
        frames = traceback.extract_tb(error.__traceback__)
        places = "; ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
        _log.critical("%s %s at %s", reference, type(error).__name__, places)
        self._return_code = int(Exit.OUR_FAULT)
        self.panic(Text(f"The console made a mistake and has ended; nothing half done was saved. Report {reference}."))

    # What others and this console decided

    def on_ledger_grew(self, message: LedgerGrew) -> None:
        """Let every screen see to it."""
        self.size_seen = max(self.size_seen, message.size)
        for screen in self.screen_stack:
            grew = getattr(screen, "ledger_grew", None)
            if grew is not None:
                grew(message.size)

    def on_written(self, message: Written) -> None:
        """Show what became of a write, wherever the operator is by now."""
        self.writes.ended()
        outcome = message.outcome
        if outcome.shown is not None:
            self._show(outcome.title, outcome.shown)
            return
        if isinstance(outcome.error, CodeNeeded) and outcome.again is not None:
            from screens.code_dialog import CodeDialog

            self.push_screen(CodeDialog(outcome.title, outcome.error), partial(self._coded, outcome))
            return
        if outcome.error is not None:
            self.say(str(outcome.error), Tone.WARN)
            return
        receipt = outcome.receipt
        if receipt is None:
            self.say(outcome.said)
            return
        if outcome.undoes:
            self.undoable = [each for each in self.undoable if each[2] != outcome.undoes]
        elif receipt.batch:
            self.undoable.append((outcome.title, outcome.desk, receipt.batch, receipt.done))
        for screen in self.screen_stack:
            after = getattr(screen, "after_writing", None)
            if after is not None:
                after()
        from screens.plan_words import receipt_sentence

        key = "" if outcome.undoes else self.key_of("console.undo", "u")
        tone = Tone.PLAIN if receipt.done or receipt.request else Tone.WARN
        zone = self.office.settings.portal.zone
        self.say(receipt_sentence(outcome.title, outcome.desk, receipt, key, zone), tone)

    def _coded(self, outcome: Outcome, given: object) -> None:
        """A code was given for what asked for one: do it."""
        if given is None:
            self.say("Nothing was done.")
        elif outcome.again is not None and not outcome.again():
            self.say("A decision is still being carried out; nothing was done. Try again in a moment.")

    def say(self, sentence: str, tone: Tone = Tone.PLAIN) -> None:
        """Say a sentence on the screen that has the room for it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ConsoleScreen):
                screen.say(sentence, tone)
                return

    def disclose(self, desk: Desk, disclosure: Disclosure, case: int, params: Params | None) -> None:
        """The answer of a dialog that asked why."""
        if params is None:
            self.say("Nothing was shown.")
        elif not self.writes.disclose(desk, disclosure, case, params):
            self.say("A decision is still being carried out; nothing was shown. Try again in a moment.")

    def _show(self, title: str, shown: Shown) -> None:
        from screens.disclose_dialog import ShownScreen

        if self.locking.locked:
            self.say(
                "The screen was locked, so what you asked for was not shown. It is on record; ask again.", Tone.WARN
            )
            return
        left = (shown.until - self.office.clock.now()).total_seconds()
        self.push_screen(ShownScreen(title, shown.text, left))

    # Going somewhere

    def action_home(self) -> None:
        """Home, from anywhere."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    async def action_digit(self, digit: str) -> None:
        """The desk with this digit."""
        name = next((name for name, desk in self.desks.items() if desk.digit == digit), None)
        if name is None:
            self.say(f"There is no desk {digit} for you. Home (h) names yours.", Tone.WARN)
        else:
            await self.action_desk(name)

    async def action_desk(self, name: str) -> None:
        """A desk, as it was left."""
        await self.go_to(name)

    async def go_to(self, name: str, *, case: int | None = None, where: str = "") -> None:
        """A desk; one case of it, or what matches a filter."""
        if name not in self.desks:
            known = name in DESKS
            why = "your role does not see it" if known else f"there are {', '.join(self.desks)}"
            self.say(f"There is no desk {name} here: {why}.", Tone.WARN)
            return
        shown = self._desk_screen(name)
        while len(self.screen_stack) > 1 and self.screen is not shown:
            self.pop_screen()
        if self.screen is not shown:
            await self.push_screen(f"desk {name}")
        if where:
            shown.show_where(where)
        if case is not None:
            await shown.open_case(case)

    def _desk_screen(self, name: str) -> DeskScreen:
        if name not in self._screens:
            from screens.desk_screen import DeskScreen

            self._screens[name] = keyed(DeskScreen, self.desks[name])(self.desks[name])
            self.install_screen(self._screens[name], f"desk {name}")
        return self._screens[name]

    async def action_find(self, text: str = "") -> None:
        """Find a person."""
        from screens.find import FindScreen

        await self.push_screen(FindScreen(text))

    async def action_keys(self) -> None:
        """The keys of the screen."""
        from screens.keys_help import KeysHelp

        await self.push_screen(KeysHelp(self.screen.active_bindings, ids=self.size.width >= 100))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing through the lock but leaving; no palette over a dialog: what it offers would act on the screen below."""
        if self.locking.locked:
            return action in WHILE_LOCKED
        del parameters
        return not (action == "command_palette" and self.screen.is_modal)

    # Taking back, leaving, commands

    async def action_undo(self) -> None:
        """Ask whether the last decision is taken back."""
        if not self.undoable:
            self.say("You decided nothing here yet. :undo BATCH takes back an older batch; home lists your last ones.")
            return
        await self.ask_undo(*self.undoable[-1])

    async def ask_undo(self, title: str, desk: Desk, batch: str, done: int) -> None:
        """Ask whether a batch is taken back."""
        from screens.ask_dialog import AskDialog
        from screens.words import plural

        def answered(yes: bool | None) -> None:
            if not yes:
                self.say("Nothing was undone.")
            elif not self.writes.undo(title, desk, batch):
                self.say("A decision is still being carried out; nothing was undone. Try again in a moment.")

        explained = f"Batch {batch}. What changed since stays as it is; notices that were not sent are withdrawn."
        await self.push_screen(
            AskDialog(
                f"Take back: {title}, {plural(done, desk.singular)}?",
                explained,
                yes="Take it back",
                no="Cancel",
                likely=True,
            ),
            answered,
        )

    async def action_ask_quit(self) -> None:
        """Ask whether to leave; asked again, leave."""
        from screens.ask_dialog import AskDialog

        if self.locking.locked or (self._leaving is not None and self.screen is self._leaving):
            self.exit(0)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.exit(0)

        self._leaving = AskDialog("Leave the console?", yes="Leave", no="Stay")
        await self.push_screen(self._leaving, answered)

    async def action_command(self) -> None:
        """Type a command."""
        from screens.command_line import CommandLine
        from screens.commands import HINT, known

        await self.push_screen(CommandLine(known(self), HINT), self._command)

    async def _command(self, text: str | None) -> None:
        from screens.commands import run_command

        if text:
            await run_command(self, text)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: everything by name, and nothing that writes the screen to a file."""
        from screens.commands import offered

        yield from (SystemCommand(*each) for each in offered(self, screen))


def run(
    office: Office,
    operator: Operator,
    *,
    desk: str | None = None,
    mouse: bool = False,
    counting: Counting | None = None,
    plain: Plain | None = None,
) -> int:
    """Run the console in this terminal until the operator leaves; the exit code."""
    app = ConsoleApp(office, operator, desk=desk, counting=counting, plain=plain)
    app.run(mouse=mouse or office.settings.console.mouse)
    try:
        office.accesses.flush()
    except ConsoleError as error:
        _log.warning("accesses were not written: %s", error)
    return app.return_code or 0
