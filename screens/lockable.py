"""An app that can be locked: screens open and close above no lock, and keys count as somebody being there.

Beside the app itself because it is about the toolkit's screen stack (Textual 8.2.8), not about the console.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.widget import AwaitMount

from console.queue import Tone

if TYPE_CHECKING:
    from screens.lock_screen import LockScreen
    from screens.locking import Locking, NotOpened, Opened, SessionStands

WHILE_LOCKED = frozenset({"ask_quit", "focus_next", "focus_previous"})
"""The app's own actions that a locked console still takes."""


class LockableApp(App[int], inherit_bindings=False):
    """What locking needs of the app, and what the app does about it."""

    locking: Locking

    async def on_event(self, event: events.Event) -> None:
        """A key, a paste or the mouse: somebody is there."""
        if isinstance(event, events.InputEvent | events.Paste) and not isinstance(event, events.MouseMove):
            self.locking.key_pressed()
        await super().on_event(event)

    def push_screen(self, screen: Any, callback: Any = None, wait_for_dismiss: Any = False, **more: Any) -> Any:
        """As the toolkit's; while locked the screen waits."""
        later = partial(super().push_screen, screen, callback, wait_for_dismiss, **more)
        return AwaitMount(self.screen, []) if self.locking.holds_back(later) else later()

    def pop_screen(self) -> AwaitComplete:
        """As the toolkit's; while locked what closes waits too."""
        later = super().pop_screen
        return AwaitComplete() if self.locking.holds_back(later) else later()

    def show_lock(self, lock: LockScreen) -> None:
        """Put the lock above everything."""
        super().push_screen(lock)

    def take_lock_away(self) -> None:
        """Show what lies below again."""
        super().pop_screen()

    def forget_copied(self) -> None:
        """What was copied here is pasted nowhere any more."""
        self._clipboard = ""

    def action_lock(self) -> None:
        """Lock now."""
        from console.signin.staying import Standing, Stands

        if self.locking.exists:
            self.locking.fall(Standing(Stands.HOLDS), "key")
        else:
            self.say("Nobody signs in to a demonstration, so there is nothing to lock.")

    def say(self, sentence: str, tone: Tone = Tone.PLAIN) -> None:
        """Say a sentence to the operator."""
        raise NotImplementedError

    async def on_session_stands(self, message: SessionStands) -> None:
        """Lock, say why, or go on."""
        await self.locking.stands(message.standing)

    def on_lock_screen_given(self, message: LockScreen.Given) -> None:
        """Look at what was typed."""
        self.locking.given(message.password, message.code)

    async def on_opened(self, message: Opened) -> None:
        """Open."""
        del message
        await self.locking.open()

    def on_not_opened(self, message: NotOpened) -> None:
        """Say so."""
        self.locking.not_opened(message)
