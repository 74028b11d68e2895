"""Sending what is due, one notice after the other, over as few conversations as the server allows."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.errors import ConsoleError, Unavailable
from console.notices.mailer import Unreachable
from console.notices.outbox import due, put_off, settle, take
from models.words import NoticeState

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.notices.mailer import Conversation, Mailer, Outcome
    from console.notices.outbox import Taken
    from console.office import Office

A_ROUND = 500
"""Notices that one round sends at most."""
A_CONVERSATION = 50
"""Messages after which a new conversation begins: servers limit them, and answer 421 beyond."""
TRIES_TO_SETTLE = 10
"""How often an end is written down again when the database is locked (an import's long transaction): not to know is worse."""


@dataclass(slots=True)
class Sent:
    """What a round of sending did. `trouble` is the sentence about a server that was not there."""

    sent: int = 0
    later: int = 0
    failed: int = 0
    unknown: int = 0
    trouble: ConsoleError | None = None


def send_due(office: Office, mailer: Mailer, stopping: Callable[[], bool], most: int = A_ROUND) -> Sent:
    """Send at most `most` of the notices that are due, until `stopping()`. Raises Unavailable when the database is gone."""
    done = Sent()
    left = most
    while left > 0 and not stopping():
        with office.reading() as connection:
            if not due(connection, office.clock.now()):
                break
        with ExitStack() as opened:
            try:
                conversation = opened.enter_context(mailer.conversation())
            except ConsoleError as trouble:
                done.trouble = trouble
                if isinstance(trouble, Unreachable):
                    done.later += put_off(office, left)
                break
            tried = _talk(office, conversation, done, min(left, A_CONVERSATION), stopping)
        if not tried:
            break
        left -= tried
    return done


def _talk(office: Office, conversation: Conversation, done: Sent, most: int, stopping: Callable[[], bool]) -> int:
    """Send over one conversation until it breaks or nothing is due. Returns how many were tried."""
    for tried in range(most):
        taken = None if stopping() else take(office)
        if taken is None:
            return tried
        if taken.spoilt:
            done.failed += 1
            continue
        outcome = conversation.send(taken.to, taken.message)
        _count(done, _settled(office, taken, outcome))
        if outcome.broken:
            return tried + 1
    return most


def _settled(office: Office, taken: Taken, outcome: Outcome) -> NoticeState:
    for again in range(TRIES_TO_SETTLE):
        try:
            return settle(office, taken, outcome)
        except Unavailable:
            if again == TRIES_TO_SETTLE - 1:
                raise
            time.sleep(0.2 * (again + 1))
    raise AssertionError


def _count(done: Sent, state: NoticeState) -> None:
    match state:
        case NoticeState.SENT:
            done.sent += 1
        case NoticeState.HELD:
            done.later += 1
        case NoticeState.UNKNOWN:
            done.unknown += 1
        case _:
            done.failed += 1
