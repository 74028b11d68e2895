"""Setting up one's own sign-in: with a one-time word, or anew with what one has.

Promises: a word sets up what is not there and never replaces what is; password, second factor and recovery codes come in one
transaction with its record, or not at all; the second factor counts only once its first code was given back. Whatever changes ends
the operator's other sessions. Recovery codes are returned once and are nowhere afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.errors import Refused
from console.lazy import sa, t
from console.signin import delays, factor, invitations, passwords
from console.signin.entering import NotIn, begin, key_fits, password_is, refuse, take_turn, turn_of
from console.signin.recording import record, sign
from models.words import OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from console.authority import Operator
    from console.directory import Directory
    from console.office import Office
    from console.signin.sessions import Begun
    from models.words import SessionKind


class WrongCode(Refused):
    """The new factor is not set up yet: its first code was not given back."""


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Who sets up their sign-in. `local`: with a password; `alone`: one that has to hold by itself. `proof` is what let them.

    `epoch` is the operator's as they began: whoever ends their sessions raises it.
    """

    operator_id: int
    name: str
    local: bool
    alone: bool
    proof: str
    session: str | None = None
    epoch: int = 0

    def judge(self, office: Office, password: str) -> None:
        """Return when the password may be chosen. Raises as `passwords.judge`."""
        with office.reading() as connection:
            schools = connection.execute(
                sa.select(t.school.c.name)
                .join(t.operator_school, t.operator_school.c.school_id == t.school.c.id)
                .where(t.operator_school.c.operator_id == self.operator_id)
            ).scalars()
            email = connection.execute(
                sa.select(t.operator.c.email).where(t.operator.c.id == self.operator_id)
            ).scalar()
            names = [self.name, *schools, *([email.partition("@")[0]] if email else [])]
        passwords.judge(password, office.settings, names, alone=self.alone)


def invited(office: Office, name: str, word: str) -> Enrolling:
    """Who was given this one-time word, which stays unused until `enrol`. Raises NotIn and TooSoon as signing in does."""
    take_turn(office, name)
    with office.reading() as connection:
        row = connection.execute(_operator(sa.func.lowered(t.operator.c.name) == name.strip().lower())).one_or_none()
        holds = row is not None and invitations.holds(connection, office.vault, row.id, word, office.clock.now())
    if row is None or not holds or row.status != OperatorStatus.ACTIVE:
        raise refuse(office, NotIn("word" if row is not None else "name", row.id if row is not None else 0))
    return welcome(office, row.id, word)


def welcome(office: Office, operator_id: int, word: str) -> Enrolling:
    """An operator whose one-time word holds, as whoever asked for it found; it is judged again by `enrol`."""
    with office.writing() as connection:
        row = connection.execute(_operator(t.operator.c.id == operator_id)).one()
        delays.passed(connection, office.vault, row.name)
        delays.passed(connection, office.vault, turn_of(row.id))
    return _enrolling(row, word)


def proved(office: Office, directory: Directory | None, operator: Operator, password: str, code: str) -> Enrolling:
    """The operator who is signed in, asked for password and code again before they set them anew.

    The code is used up; a recovery code does too, for a telephone that was lost. Raises NotIn and TooSoon.
    """
    take_turn(office, operator.name)
    right = password_is(office, directory, operator.id, operator.name, password)
    with office.writing(operator) as connection:
        used = factor.use(connection, office.vault, operator.id, code, office.clock.now()) if right else None
        if used is not None:
            delays.passed(connection, office.vault, operator.name)
            row = connection.execute(_operator(t.operator.c.id == operator.id)).one()
    if used is None:
        raise refuse(office, NotIn("code" if right else "password", operator.id))
    return _enrolling(row, "", operator.session)


def enrol(office: Office, who: Enrolling, password: str | None, seed: bytes, code: str) -> tuple[str, ...]:
    """Set up password and second factor; `code` is the first one that the new factor shows. Returns the recovery codes.

    Without a password the one there is stays: a directory operator's, or one that is not to change. Raises Refused for a code that
    is not the factor's or a word that ran out meanwhile, and as `Enrolling.judge`; then everything is as it was.
    """
    encoded = None
    if password is not None:
        if not who.local:
            raise Refused("The district's directory keeps that password; nothing was set up. Change it there.")
        who.judge(office, password)
        encoded = passwords.encode(password, office.random)
    now = office.clock.now()
    steps = factor.steps_of(seed, code.replace(" ", ""), now)
    if not steps:
        raise WrongCode(
            "That is not the code of now; nothing was set up yet. Look at the clocks of both, and type the code that is shown."
        )
    with office.writing() as connection:
        row = connection.execute(_operator(t.operator.c.id == who.operator_id).with_for_update()).one()
        _allowed(connection, office, who, row)
        if encoded is not None:
            p = t.operator_password
            connection.execute(p.delete().where(p.c.operator_id == row.id))
            connection.execute(p.insert().values(operator_id=row.id, encoded=encoded, set_at=now))
        codes = factor.enrol(connection, office.vault, row.id, seed, steps[-1], now, office.random)
        s = t.session.c
        others = [s.operator_id == row.id, s.ended_at.is_(None), *([s.id != who.session] if who.session else [])]
        connection.execute(t.session.update().where(*others).values(ended_at=now))
        what = {"factor": True, "password": encoded is not None, "with": "word" if who.proof else "code"}
        size = record(connection, "enrol", row.id, now, by=row.id, params=what)
        connection.execute(t.operator.update().where(t.operator.c.id == row.id).values(version=size))
    sign(office)
    return codes


def come_in(
    office: Office, who: Enrolling, kind: SessionKind, fingerprint: str | None, named: tuple[str, ...] | None = None
) -> Begun:
    """Sign in whoever has just set up their sign-in, if all is as it was when they began: showing them everything takes its time.

    Raises Refused for who was disabled, reset or signed out meanwhile, NotIn for another's key.
    """
    with office.writing() as connection:
        row = connection.execute(_operator(t.operator.c.id == who.operator_id).with_for_update()).one()
        fits = key_fits(connection, row.id, fingerprint, named)
        there = row.factor is not None and (row.password is not None or not who.local)
        if row.status != OperatorStatus.ACTIVE or row.unattended or row.epoch != who.epoch or not there:
            raise Refused("You were reset, disabled or signed out meanwhile; nobody was signed in. Sign in anew.")
        if fits:
            begun = begin(connection, office, row.id, kind, fingerprint, office.clock.now(), "enrolment")
    if not fits:
        raise refuse(office, NotIn("key", who.operator_id))
    sign(office)
    return begun


def _allowed(connection: sa.Connection, office: Office, who: Enrolling, row: Any) -> None:
    """Return when they may, by now: disabled, reset or signed out meanwhile they may not. Uses the word up."""
    now = office.clock.now()
    if row.status != OperatorStatus.ACTIVE or row.unattended:
        raise Refused("You were disabled meanwhile; nothing was set up. Ask a district administrator.")
    if not who.proof:
        s = t.session.c
        alive = sa.select(s.id).where(s.id == who.session, s.ended_at.is_(None), s.epoch == row.epoch, s.until > now)
        if who.session is not None and connection.execute(alive).first() is None:
            raise Refused("Your sign-in was ended meanwhile; nothing was set up. Sign in again.")
        return
    there = row.factor is not None and (row.password is not None or not who.local)
    if there or not invitations.accept(connection, office.vault, row.id, who.proof, now):
        raise Refused("That one-time word does not count any more; nothing was set up. Ask for a new one.")


def _operator(which: Any) -> sa.Select[Any]:
    """An operator, with whether a password and a second factor are there."""
    o = t.operator.c
    f, p = t.operator_factor.c.operator_id, t.operator_password.c.operator_id
    return sa.select(
        o.id,
        o.name,
        o.origin,
        o.status,
        o.unattended,
        o.break_glass,
        o.epoch,
        sa.select(f).where(f == o.id).scalar_subquery().label("factor"),
        sa.select(p).where(p == o.id).scalar_subquery().label("password"),
    ).where(which)


def _enrolling(row: Any, proof: str, session: str | None = None) -> Enrolling:
    local = row.origin == OperatorOrigin.LOCAL
    return Enrolling(row.id, row.name, local, bool(row.break_glass), proof, session, row.epoch)
