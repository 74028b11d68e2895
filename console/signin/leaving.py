"""Leaving, locking and coming back: what becomes of a session that somebody has, each on record.

Locking ends nothing: the session holds as long as it would, and its screen asks for the password. Signing out ends one session;
everywhere, all of the operator's at once, wherever they are open.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from console.errors import SignedOut, Unavailable
from console.lazy import sa, t
from console.signin import delays, factor
from console.signin.entering import NotIn, key_fits, password_is, refuse, take_turn
from console.signin.rechecking import recheck
from console.signin.recording import record, sign
from console.signin.sessions import Sessions

if TYPE_CHECKING:
    from datetime import datetime

    from console.authority import Operator
    from console.directory import Directory
    from console.office import Office

_log = logging.getLogger("district.signin")


def sessions(office: Office) -> Sessions | None:
    """The sessions of an office in which people sign in, None where nobody does."""
    return office.assurance if isinstance(office.assurance, Sessions) else None


def touch(office: Office, operator: Operator, now: datetime) -> None:
    """Something was done in the session: its idle minutes begin anew. Where that cannot be written it only rests sooner."""
    own = sessions(office)
    if own is None or operator.session is None:
        return
    try:
        with office.reading() as connection:
            if not own.stale(connection, operator, now):
                return
        with office.writing() as connection:
            own.seen(connection, operator, now)
    except Unavailable as error:
        _log.warning("it was not written down that a session is in use: %s", error)


def leave(office: Office, operator: Operator, *, everywhere: bool = False) -> None:
    """Sign out. `everywhere` ends all of the operator's sessions; others learn of it within two seconds."""
    own = sessions(office)
    if own is None or operator.session is None:
        return
    now = office.clock.now()
    with office.writing() as connection:
        own.end(connection, operator, now)
        params = {"session": operator.session, "everywhere": everywhere}
        size = record(connection, "signout", operator.id, now, by=operator.id, params=params)
        if everywhere:
            o = t.operator.c
            connection.execute(t.operator.update().where(o.id == operator.id).values(epoch=o.epoch + 1, version=size))
    sign(office)


def lock(office: Office, operator: Operator, why: str) -> None:
    """Put on record that the screen was locked; `why` is a word: idle, key, expired, rested."""
    if sessions(office) is None or operator.session is None:
        return
    with office.writing() as connection:
        params = {"session": operator.session, "why": why}
        record(connection, "lock", operator.id, office.clock.now(), by=operator.id, params=params)
    sign(office)


def unlock(
    office: Office, directory: Directory | None, operator: Operator, password: str, code: str | None = None
) -> None:
    """Open a locked screen again with the password; with a code too, when the session has reached its limit, which begins it anew.

    Raises NotIn or TooSoon for a wrong one, SignedOut when the session was ended, Unavailable when the directory is silent.
    """
    own = sessions(office)
    if own is None or operator.session is None:
        return
    take_turn(office, operator.name)
    if not password_is(office, directory, operator.id, operator.name, password):
        raise refuse(office, NotIn("password", operator.id))
    recheck(office, directory, operator, office.clock.now())
    wrong = _opened(office, own, operator, code)
    if wrong is not None:
        raise refuse(office, wrong)
    sign(office)


def _opened(office: Office, own: Sessions, operator: Operator, code: str | None) -> NotIn | None:
    now = office.clock.now()
    with office.writing() as connection:
        begun = connection.execute(
            sa.select(t.session.c.fingerprint).where(t.session.c.id == operator.session)
        ).scalar_one_or_none()
        if not key_fits(connection, operator.id, begun):
            return NotIn("key", operator.id)
        if code is None:
            own.wake(connection, operator, now)
        elif factor.use(connection, office.vault, operator.id, code, now) is None:
            return NotIn("code", operator.id)
        elif not own.renew(connection, operator, now):
            raise SignedOut("This sign-in was ended; nothing was done. Sign in again.")
        own.present(connection, operator, now)
        delays.passed(connection, office.vault, operator.name)
        params = {"session": operator.session, "by": "password" if code is None else "password and code"}
        record(connection, "unlock", operator.id, now, by=operator.id, params=params)
    return None
