"""Staying signed in: a screen learns within two seconds that its session no longer holds, and why; the directory is asked in time.

One read of one row nearly every second, in a thread of its own, on either engine: a session can end by a clock as well as by
somebody, and a clock notifies nobody. The directory is asked in another thread, so that its silence delays nothing.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from console.errors import ConsoleError, Expired, Paused, Rested, SignedOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.authority import Operator
    from console.office import Office

LOOK_EVERY = 0.8
"""Seconds between two looks at the session."""
ASK_EVERY = 15.0
"""Seconds between two looks at whether the directory is to be asked again."""

_log = logging.getLogger("district.signin")


class Stands(StrEnum):
    """How a session stands, by what opens it again: nothing needed, the password, password and code, the directory, nothing."""

    HOLDS = "holds"
    RESTED = "rested"
    EXPIRED = "expired"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands, and the sentence for it."""

    stands: Stands
    said: str = ""


def standing_of(over: SignedOut) -> Standing:
    """What an error says of a session."""
    known = {Rested: Stands.RESTED, Expired: Stands.EXPIRED, Paused: Stands.PAUSED}
    return Standing(known.get(type(over), Stands.ENDED), str(over))


def standing(office: Office, operator: Operator) -> Standing | None:
    """How the operator's session stands now; None when that cannot be known, for the database is not there."""
    try:
        with office.reading(operator):
            return Standing(Stands.HOLDS)
    except SignedOut as over:
        return standing_of(over)
    except ConsoleError as error:
        _log.warning("not watching the session for a moment: %s", error)
        return None


def stay(
    office: Office,
    operator: Operator,
    stop: threading.Event,
    used: Callable[[], bool],
    tell: Callable[[Standing], None],
) -> None:
    """Call `tell` whenever the session stands otherwise than before, until `stop` is set; write down that it is in use. Blocks.

    `used` says whether a key was pressed since it was asked last.
    """
    from console.signin.leaving import touch

    before = Stands.HOLDS
    asking = _Asking(office, operator)
    since_asked = ASK_EVERY
    while not stop.wait(LOOK_EVERY):
        since_asked += LOOK_EVERY
        if since_asked >= ASK_EVERY:
            since_asked = 0.0
            asking.begin()
        if used():
            touch(office, operator, office.clock.now())
        now = standing(office, operator)
        if now is not None and now.stands is not before:
            before = now.stands
            tell(now)


class _Asking:
    """Asks the directory, one question at a time."""

    def __init__(self, office: Office, operator: Operator) -> None:
        self._office = office
        self._operator = operator
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Ask, if it is time and nobody does."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._ask, name="asking the directory", daemon=True)
            self._thread.start()

    def _ask(self) -> None:
        from console.signin.rechecking import due, recheck

        office, now = self._office, self._office.clock.now()
        try:
            if due(office, self._operator, now):
                recheck(office, office.directory, self._operator, now)
        except ConsoleError as error:
            _log.info("asked the directory: %s", error)
