"""The lock of the console: when it falls, what it covers, what opens it.

It falls after `signin.idle_minutes` without a key, at its key, and when the session no longer holds, whoever noticed. Promises: what
lies below stays as it is, unseen and without a key; nothing opens above the lock, but waits until it is opened; what was disclosed is
gone; a write that has begun finishes. Where nobody signs in there is no lock.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from console.errors import ConsoleError, SignedOut
from console.signin.entering import NotIn
from console.signin.leaving import lock, sessions, unlock
from console.signin.staying import Standing, Stands, standing_of, stay
from screens.disclose_dialog import ShownScreen
from screens.lock_screen import LockScreen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from screens.app import ConsoleApp

_log = logging.getLogger("district.screens")


class SessionStands(Message):
    """The session stands otherwise than before."""

    def __init__(self, standing: Standing) -> None:
        super().__init__()
        self.standing = standing


class Opened(Message):
    """Password, and code where one was asked for, were right."""


class NotOpened(Message):
    """They were not; `over` when the session has ended for good meanwhile."""

    def __init__(self, sentence: str, over: Standing | None) -> None:
        super().__init__()
        self.sentence = sentence
        self.over = over


class Locking:
    """The lock of one app. `minutes` without a key let it fall."""

    def __init__(self, app: ConsoleApp, minutes: float) -> None:
        self._app = app
        self._sessions = sessions(app.office)
        self._idle = minutes * 60
        self._screen: LockScreen | None = None
        self._owed = False
        """Whether the password has to be given: a directory that answers again opens only what its silence locked."""
        self._waiting: list[Callable[[], Awaitable[object]]] = []
        self._stop = threading.Event()
        self._used = threading.Event()
        self._last_key = time.monotonic()
        self._thread: threading.Thread | None = None

    @property
    def locked(self) -> bool:
        """Whether the lock has fallen."""
        return self._screen is not None

    @property
    def exists(self) -> bool:
        """Whether there is one: whether people sign in here."""
        return self._sessions is not None and self._app.operator.session is not None

    def start(self) -> None:
        """Begin to watch keys and session."""
        if self._sessions is None or not self.exists:
            return
        self._sessions.over.append(self._noticed)
        self._app.set_timer(self._idle, self._rest, name="idle")
        self._thread = threading.Thread(
            target=stay,
            args=(self._app.office, self._app.operator, self._stop, self._in_use, self._tell),
            name="staying",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; nobody waits for it longer than a second."""
        self._stop.set()
        if self._sessions is not None and self._noticed in self._sessions.over:
            self._sessions.over.remove(self._noticed)
        if self._thread is not None:
            self._thread.join(timeout=1)

    def key_pressed(self) -> None:
        """Somebody is there. A key on the lock is not one that keeps it away."""
        if not self.locked:
            self._last_key = time.monotonic()
            self._used.set()

    def holds_back(self, later: Callable[[], Awaitable[object]]) -> bool:
        """Keep what wants to open or close a screen until the lock is open; False when it is."""
        if self.locked:
            self._waiting.append(later)
        return self.locked

    def fall(self, standing: Standing, why: str) -> None:
        """Lock, for this reason; what is locked is told only what is new, for somebody may be typing there."""
        if self._screen is not None:
            if self._screen.standing.stands not in (Stands.ENDED, standing.stands):
                self._owed |= standing.stands is not Stands.PAUSED
                self._screen.stand(standing)
            return
        self._owed = standing.stands is not Stands.PAUSED
        while isinstance(self._app.screen, ShownScreen):
            self._app.pop_screen()
        self._app.forget_copied()
        self._screen = LockScreen(self._app.office.settings.portal.name, standing)
        self._app.show_lock(self._screen)
        self._write(partial(lock, self._app.office, self._app.operator, why))

    async def stands(self, standing: Standing) -> None:
        """The session stands so now."""
        if standing.stands is not Stands.HOLDS:
            self.fall(standing, str(standing.stands))
        elif self._screen is not None and self._screen.standing.stands is Stands.PAUSED:
            if not self._owed and time.monotonic() - self._last_key < self._idle:
                await self.open()
            else:
                self._screen.stand(Standing(Stands.RESTED))

    def given(self, password: str, code: str | None) -> None:
        """Look at what was typed, in a thread: a password takes its time."""
        office, operator = self._app.office, self._app.operator

        def look() -> None:
            try:
                unlock(office, office.directory, operator, password, code)
            except SignedOut as over:
                self._app.post_message(NotOpened(str(over), standing_of(over)))
            except ConsoleError as refused:
                wrong = isinstance(refused, NotIn)
                said = "That was not right; the screen stays locked. Try again." if wrong else str(refused)
                self._app.post_message(NotOpened(said, None))
            else:
                self._app.post_message(Opened())

        self._write(look)

    async def open(self) -> None:
        """Take the lock away, and let open and close what waited for it, one after the other."""
        if self._screen is None:
            return
        self._screen = None
        self._last_key = time.monotonic()
        self._app.take_lock_away()
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            await each()

    def not_opened(self, message: NotOpened) -> None:
        """Say so."""
        if self._screen is None:
            return
        if message.over is not None:
            self._screen.stand(message.over)
        else:
            self._screen.again(message.sentence)

    def _rest(self) -> None:
        """Lock if no key was pressed for so long; else look again when that could be."""
        left = self._idle - (time.monotonic() - self._last_key)
        if left <= 0 and not self.locked:
            minutes = self._app.office.settings.signin.idle_minutes
            said = f"No key was pressed for {minutes} minutes; what was open is still there. Type your password."
            self.fall(Standing(Stands.RESTED, said), "idle")
        self._app.set_timer(left if left > 0 else self._idle, self._rest, name="idle")

    def _in_use(self) -> bool:
        used = self._used.is_set()
        self._used.clear()
        return used

    def _noticed(self, over: SignedOut) -> None:
        self._tell(standing_of(over))

    def _tell(self, standing: Standing) -> None:
        self._app.post_message(SessionStands(standing))

    def _write(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except ConsoleError as error:
                _log.warning("the lock was not put on record: %s", error)

        self._app.run_worker(run, thread=True, exclusive=False, group="locking", description="the lock")
