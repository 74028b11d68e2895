"""The outbox: notices that wait, are in a worker's hand, and have an end – none of them sent twice.

A notice's way is `held` → `sending` → `sent`, `failed` or `unknown`, or back to `held` for a later try; an undo turns `held` into
`withdrawn`. The promises and what they rest on:

- **One hand.** A worker takes one notice at a time by turning `held` into `sending` in a transaction of its own, committed before
  the network is touched. On PostgreSQL rows in another's hand are skipped (`FOR UPDATE SKIP LOCKED`), on SQLite the writer holds
  the only lock; on both the turn happens only where the row still says `held`. From then on an undo no longer withdraws it.
- **One name.** Its Message-ID is drawn and stored (UNIQUE) in that same transaction, before the first attempt, and stays.
- **Never twice, and no silent loss.** Between the server's 250 and our commit there is a moment in which a process may die. SMTP
  cannot tell afterwards what happened, so nobody guesses: what is still `sending` when `IN_HAND` has passed becomes `unknown`, as
  does a message whose last line was written and never answered. `unknown` means *sent once, or not at all*: it is never sent
  again by itself, it stands in `district notices list --state unknown`, the alert addresses are told, and the Message-ID says
  what to look for in the mail server's log. At most one notice of a worker is in that moment at a time.
- **Trouble passes.** What the server did not take for now waits 1, 5, 30 minutes, 2 and 6 hours; the sixth failure is the last. What
  it refuses for good (5xx) and what has no address fails at once.
- A worker that was only slow and learns the end after its notice became `unknown` corrects that: it is the one who knows.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.errors import ConsoleError
from console.lazy import sa, t
from console.notices.letters import new_message_id, on_the_wire
from console.notices.mailer import End, Outcome
from console.notices.rendering import render
from models.words import NoticeState

if TYPE_CHECKING:
    from datetime import datetime

    from console.office import Office

S = NoticeState
DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""How long to wait after the first failed attempt, the second …; after as many and one more it has failed."""

IN_HAND = timedelta(minutes=15)
"""How long a notice may be in a worker's hand. A conversation's waits add up to 5 × 30 s and 120 s (`mailer`)."""

_log = logging.getLogger("district.notices")


@dataclass(frozen=True, slots=True)
class Taken:
    """A notice in our hand: ready to be sent, unless `spoilt` says why it cannot be (it has failed already)."""

    id: int
    attempt: int
    to: str = ""
    message: bytes = b""
    spoilt: str = ""


def due(connection: sa.Connection, now: datetime) -> int:
    """How many notices wait to be sent by now."""
    n = t.notice.c
    counted = sa.select(sa.func.count()).where(n.state == S.HELD, n.not_before <= now)
    return int(connection.execute(counted).scalar_one())


def take(office: Office) -> Taken | None:
    """Take the notice that is due longest into our hand, committed. None when none is due."""
    n = t.notice.c
    now = office.clock.now()
    with office.writing() as connection:
        notice = connection.execute(
            sa.select(t.notice)
            .where(n.state == S.HELD, n.not_before <= now)
            .order_by(n.not_before, n.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if notice is None:
            return None
        name = notice.message_id or new_message_id(office.random, office.settings.mail.sender)
        attempt = notice.attempts + 1
        to, message, spoilt = _written(connection, office, notice, name, now)
        changed = connection.execute(
            t.notice.update()
            .where(n.id == notice.id, n.state == S.HELD)
            .values(
                state=S.FAILED if spoilt else S.SENDING,
                attempts=attempt,
                tried_at=now,
                message_id=name,
                last_error=spoilt or None,
            )
        )
        if changed.rowcount != 1:
            return None
    return Taken(notice.id, attempt, to, message, spoilt)


def _written(
    connection: sa.Connection, office: Office, notice: Any, name: str, now: datetime
) -> tuple[str, bytes, str]:
    """Address, message and '' – or two blanks and why there is no message."""
    settings = office.settings
    try:
        letter = render(connection, settings, office.vault, notice)
        if letter.to is None:
            return "", b"", "there is no address that can be written to"
        message = on_the_wire(
            letter, letter.to, sender=settings.mail.sender, portal=settings.portal.name, message_id=name, at=now
        )
    except (KeyError, ValueError, ConsoleError) as error:
        _log.error("notice %s cannot be written: %s", notice.id, type(error).__name__)
        return "", b"", "the message cannot be written; run district doctor"
    return letter.to, message, ""


def settle(office: Office, taken: Taken, outcome: Outcome) -> NoticeState:
    """Write down what became of it. Returns the state that it then has. Raises Unavailable when that cannot be written."""
    n = t.notice.c
    now = office.clock.now()
    values: dict[str, Any] = {"last_error": outcome.why or None}
    match outcome.end:
        case End.ACCEPTED:
            values |= {"state": S.SENT, "sent_at": now}
        case End.UNKNOWN:
            values["state"] = S.UNKNOWN
        case End.LATER if taken.attempt <= len(DELAYS):
            values |= {"state": S.HELD, "not_before": now + DELAYS[taken.attempt - 1]}
        case _:
            values["state"] = S.FAILED
    with office.writing() as connection:
        connection.execute(
            t.notice.update()
            .where(n.id == taken.id, n.attempts == taken.attempt, n.state.in_((S.SENDING, S.UNKNOWN)))
            .values(**values)
        )
    state: NoticeState = values["state"]
    return state


def put_off(office: Office, most: int) -> int:
    """The server is not there: count it as an attempt of what is due, at most `most` of them. Returns how many wait or have failed."""
    n = t.notice.c
    now = office.clock.now()
    delay = sa.case(
        *((n.attempts == k, sa.literal(now + each, n.not_before.type)) for k, each in enumerate(DELAYS)),
        else_=n.not_before,
    )
    with office.writing() as connection:
        ids = (
            connection.execute(
                sa.select(n.id)
                .where(n.state == S.HELD, n.not_before <= now)
                .order_by(n.not_before, n.id)
                .limit(most)
                .with_for_update(skip_locked=True)
            )
            .scalars()
            .all()
        )
        if ids:
            connection.execute(
                t.notice.update()
                .where(n.id.in_(ids), n.state == S.HELD)
                .values(
                    attempts=n.attempts + 1,
                    tried_at=now,
                    not_before=delay,
                    state=sa.case((n.attempts >= len(DELAYS), S.FAILED.value), else_=S.HELD.value),
                    last_error="the mail server did not answer",
                )
            )
    return len(ids)


def let_go(office: Office) -> int:
    """Call `unknown` what has been in a hand for too long: its worker died. Returns how many."""
    n = t.notice.c
    with office.writing() as connection:
        return connection.execute(
            t.notice.update()
            .where(n.state == S.SENDING, n.tried_at <= office.clock.now() - IN_HAND)
            .values(state=S.UNKNOWN, last_error="the worker ended before it knew whether the message was taken")
        ).rowcount
