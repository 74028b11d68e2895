"""Sessions: what a sign-in leaves, how long it holds, what ends it, and the codes that were given within it.

Promises: a session holds no longer than its absolute limit, nor beyond the minutes in which nothing was done; it ends at once when
its operator is disabled, gets another role or is signed out everywhere (`operator.epoch`), and pauses when the directory was not
heard for fifteen minutes. A clock that was set back makes no session longer. Its token is kept only by who was given it; the
database holds a digest. A code is for one action and once.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from console.errors import CodeNeeded, Expired, Paused, Rested, SignedOut
from console.ids import batch_id
from console.lazy import sa, t
from console.operators import operator_of
from models.words import OperatorOrigin, OperatorStatus, SessionKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from console.authority import Operator
    from console.ids import RandomSource
    from console.settings import Settings

TOKEN_BYTES = 32
RECHECK = timedelta(minutes=15)
"""For how long the directory's word holds (SECURITY, *Signing in*)."""
CODE_HOLDS = timedelta(minutes=5)
"""How old a code may be when the action it was given for is carried out."""
SEEN_EVERY = timedelta(seconds=30)
"""How exactly `seen_at` is kept: a write for each command or key would be one too many."""
ASTRAY = timedelta(minutes=2)
"""How far ahead of the clock a session may have been seen: between two consoles' machines, and no clock that was set back."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session: its number, and the token that only its holder has."""

    id: str
    token: bytes
    operator: Operator


class Sessions:
    """The assurance of a real portal."""

    asks = True
    second_person = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.over: list[Callable[[SignedOut], None]] = []
        """Who is told when a session was found not to hold, in whatever thread that was: a screen, which then locks."""

    def present(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        """Return when the operator's session holds. Raises SignedOut, with what to do."""
        try:
            self._holds(connection, operator, now)
        except SignedOut as over:
            for tell in self.over:
                tell(over)
            raise

    def _holds(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        if operator.unattended:
            self._program(connection, operator)
            return
        if operator.session is None:
            raise SignedOut("Nobody is signed in; nothing was done. Sign in with district signin.")
        s, o = t.session.c, t.operator.c
        row = connection.execute(
            sa.select(
                s.kind, s.epoch, s.seen_at, s.until, s.ended_at, o.status, o.origin, o.checked_at, o.epoch.label("now")
            )
            .join(t.operator, o.id == s.operator_id)
            .where(s.id == operator.session, s.operator_id == operator.id)
        ).one_or_none()
        if row is None or row.ended_at is not None or row.epoch != row.now or row.status != OperatorStatus.ACTIVE:
            raise SignedOut("This sign-in was ended; nothing was done. Sign in again.")
        kind = SessionKind(row.kind)
        again = "Type your password." if kind is SessionKind.SCREEN else "Sign in again."
        if now >= row.until:
            hours = self._settings.signin.absolute_hours
            raise Expired(f"A sign-in lasts {hours} hours, and this one is over; nothing was done. Sign in again.")
        if row.seen_at - now > ASTRAY:
            raise Expired("This machine's clock was set back; nothing was done. Set it right and sign in again.")
        if now - row.seen_at >= self.idle(kind) + SEEN_EVERY:
            raise Rested(f"Nothing was done here for too long; nothing was done now. {again}")
        if row.origin == OperatorOrigin.DIRECTORY and (row.checked_at is None or abs(now - row.checked_at) > RECHECK):
            raise Paused(unheard(self._settings))

    def spend(self, connection: sa.Connection, operator: Operator, digest: bytes, now: datetime) -> None:
        """Use up the code that was given for the action of this digest. Raises CodeNeeded when there is none of late."""
        if operator.unattended:
            raise CodeNeeded(
                "This asks for a code, and a program has none; nothing was done. A person has to do it.", digest
            )
        c = t.step_up.c
        spent = connection.execute(
            t.step_up.delete().where(
                c.session_id == operator.session, c.digest == digest, c.at > now - CODE_HOLDS, c.at <= now
            )
        ).rowcount
        if spent != 1:
            raise CodeNeeded(
                "This asks for a code of your second factor, for this very action; nothing was done yet.", digest
            )

    def idle(self, kind: SessionKind) -> timedelta:
        """How long a session of this kind holds with nothing done in it."""
        signin = self._settings.signin
        return timedelta(minutes=signin.line_minutes if kind is SessionKind.LINE else signin.idle_minutes)

    def begin(
        self,
        connection: sa.Connection,
        operator_id: int,
        kind: SessionKind,
        now: datetime,
        random: RandomSource,
        fingerprint: str | None = None,
    ) -> Begun:
        """Begin a session of an operator who proved who they are; `fingerprint` is the SSH key that they came with."""
        token = random.bytes(TOKEN_BYTES)
        row = connection.execute(sa.select(t.operator).where(t.operator.c.id == operator_id)).one()
        number = batch_id(random)
        connection.execute(
            t.session.insert().values(
                id=number,
                operator_id=operator_id,
                kind=kind,
                digest=sha256(token).digest(),
                epoch=row.epoch,
                fingerprint=fingerprint,
                began_at=now,
                seen_at=now,
                until=now + timedelta(hours=self._settings.signin.absolute_hours),
            )
        )
        return Begun(number, token, operator_of(connection, row, number))

    def resume(
        self, connection: sa.Connection, number: str, token: bytes, now: datetime, fingerprint: str | None = None
    ) -> Operator:
        """The operator of a session, for who has its token and comes with the SSH key that it began with. Raises SignedOut."""
        operator = self.holder(connection, number, token, fingerprint)
        self.present(connection, operator, now)
        return operator

    def holder(self, connection: sa.Connection, number: str, token: bytes, fingerprint: str | None = None) -> Operator:
        """Whose session it is, whether it still holds or not. Raises SignedOut for a token or key that is not its own."""
        s = t.session.c
        row = connection.execute(
            sa.select(s.digest, s.fingerprint, t.operator)
            .join(t.operator, t.operator.c.id == s.operator_id)
            .where(s.id == number)
        ).one_or_none()
        known = bytes(row.digest) if row is not None else b""
        if row is None or not hmac.compare_digest(known, sha256(token).digest()) or row.fingerprint != fingerprint:
            raise SignedOut("This sign-in is not known here; nothing was done. Sign in again.")
        return operator_of(connection, row, number)

    def stale(self, connection: sa.Connection, operator: Operator, now: datetime) -> bool:
        """Whether it is time to write down that the session is in use."""
        seen = connection.execute(sa.select(t.session.c.seen_at).where(t.session.c.id == operator.session)).scalar()
        return seen is not None and seen < now - SEEN_EVERY

    def seen(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        """Something was done in the session."""
        s = t.session.c
        connection.execute(
            t.session.update()
            .where(s.id == operator.session, s.ended_at.is_(None), s.seen_at < now - SEEN_EVERY)
            .values(seen_at=now)
        )

    def wake(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        """The password was given again, and found right: the session's idle minutes begin anew. Its limit stays."""
        s = t.session.c
        connection.execute(t.session.update().where(s.id == operator.session, s.ended_at.is_(None)).values(seen_at=now))

    def renew(self, connection: sa.Connection, operator: Operator, now: datetime) -> bool:
        """Everything was given again, and found right: the session begins anew. False when it was ended meanwhile."""
        s, o = t.session.c, t.operator.c
        epoch = sa.select(o.epoch).where(o.id == operator.id).scalar_subquery()
        until = now + timedelta(hours=self._settings.signin.absolute_hours)
        anew = t.session.update().where(
            s.id == operator.session, s.operator_id == operator.id, s.ended_at.is_(None), s.epoch == epoch
        )
        return connection.execute(anew.values(began_at=now, seen_at=now, until=until)).rowcount == 1

    def end(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        """End the operator's session."""
        s = t.session.c
        connection.execute(
            t.session.update().where(s.id == operator.session, s.ended_at.is_(None)).values(ended_at=now)
        )

    def give(self, connection: sa.Connection, operator: Operator, digest: bytes, now: datetime) -> None:
        """A code was given, and found right, for the action of this digest."""
        c = t.step_up.c
        same = sa.and_(c.session_id == operator.session, c.digest == digest)
        connection.execute(t.step_up.delete().where(sa.or_(same, c.at <= now - CODE_HOLDS)))
        connection.execute(t.step_up.insert().values(session_id=operator.session, digest=digest, at=now))

    @staticmethod
    def _program(connection: sa.Connection, operator: Operator) -> None:
        o = t.operator.c
        row = connection.execute(sa.select(o.status, o.unattended).where(o.id == operator.id)).one_or_none()
        if row is None or row.status != OperatorStatus.ACTIVE or not row.unattended:
            raise SignedOut("This program was disabled here; nothing was done. Ask a district administrator.")


def unheard(settings: Settings) -> str:
    """What is said when the directory does not answer: that nobody is let in or goes on by anything else meanwhile."""
    besides = settings.directory.unreachable.strip()
    said = "The directory does not answer, and nobody it vouches for goes on without it; nothing was done. Try again in a moment."
    return f"{said} {besides}" if besides else said
