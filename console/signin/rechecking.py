"""The directory is asked again about who it vouched for: at most every fifteen minutes, and before every step-up.

Promises: who is gone, disabled, out of every group that may sign in, or in another role by now is signed out everywhere, on record;
when the directory does not answer nobody is signed out and nothing is believed instead: their session pauses once the last word is
fifteen minutes old (`sessions`), and goes on when it answers.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from console.errors import Paused, SignedOut, Unavailable
from console.lazy import sa, t
from console.signin.following import follow
from console.signin.recording import record, sign
from console.signin.sessions import unheard
from models.words import OperatorOrigin

if TYPE_CHECKING:
    from datetime import datetime

    from console.authority import Operator
    from console.directory import Directory, Person
    from console.office import Office
    from console.signin.placing import Place

AGAIN = timedelta(minutes=10)
"""How old the directory's word may be before it is asked for again, five minutes before it no longer holds."""

_log = logging.getLogger("district.signin")


def due(office: Office, operator: Operator, now: datetime) -> bool:
    """Whether the directory should be asked about this operator by now."""
    with office.reading() as connection:
        row = connection.execute(
            sa.select(t.operator.c.origin, t.operator.c.checked_at).where(t.operator.c.id == operator.id)
        ).one()
    if row.origin != OperatorOrigin.DIRECTORY:
        return False
    return row.checked_at is None or abs(now - row.checked_at) >= AGAIN


def recheck(office: Office, directory: Directory | None, operator: Operator, now: datetime) -> None:
    """Ask the directory about a directory operator now; of any other nothing is asked.

    Raises SignedOut when it no longer vouches for them as they signed in, Paused when it does not answer.
    """
    with office.reading() as connection:
        row = connection.execute(
            sa.select(t.operator.c.origin, t.operator.c.directory_id).where(t.operator.c.id == operator.id)
        ).one()
    if row.origin != OperatorOrigin.DIRECTORY:
        return
    if directory is None:
        raise Paused(unheard(office.settings))
    try:
        person = directory.is_active(row.directory_id)
        place = None if person is None else _placed(office, directory, person)
    except Unavailable as error:
        _log.error("the directory: %s", error)
        raise Paused(unheard(office.settings)) from None
    with office.writing() as connection:
        over = _settled(connection, operator, person, place, now)
    if over is not None:
        sign(office)
        raise SignedOut(over)


def _placed(office: Office, directory: Directory, person: Person) -> Place | None:
    from console.signin.placing import placed

    return placed(office.settings, directory.groups(person))


def _settled(
    connection: sa.Connection, operator: Operator, person: Person | None, place: Place | None, now: datetime
) -> str | None:
    """What the answer leaves; why the operator is signed out, None when they are as they were."""
    o = t.operator.c
    if person is None or place is None or follow(connection, person, place, now) is None:
        why = "gone" if person is None else "group" if place is None else "conflict"
        ended = record(connection, "lost", operator.id, now, params={"why": why})
        connection.execute(
            t.operator.update().where(o.id == operator.id).values(epoch=o.epoch + 1, checked_at=None, version=ended)
        )
        return "The directory no longer lets you in here; you were signed out everywhere, and nothing was done."
    row = connection.execute(sa.select(o.epoch, o.role).where(o.id == operator.id)).one()
    if operator.session is None:
        return None
    began = connection.execute(sa.select(t.session.c.epoch).where(t.session.c.id == operator.session)).scalar()
    if began == row.epoch:
        return None
    return "The directory gave you another role or other schools; nothing was done. Sign in again."
