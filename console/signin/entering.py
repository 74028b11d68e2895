"""Coming in: a name, a password and a code of the second factor become a session, or one sentence that tells nothing.

The order: the delay of the typed name; the operator it means – a local one, else whom the directory knows; the password, at the
directory or against its Argon2id hash, and never against a hash because a directory is silent; the SSH key, where there is one; the
second factor; the session. Promises:

- Every refusal is the same sentence and takes about as long, whoever the name belongs to. Why is in the ledger, for who may read it.
- A wrong guess makes the next one wait (`delays`), whatever was wrong, and a hundred guesses at once are one. A wrong code does so
  for whose code it was too, however a directory lets their name be written.
- A directory operator is who the directory's own number says, wherever their login name goes. Role and schools follow their groups
  at each sign-in, on record. A login name that a local operator has is refused: it would be two people.
- The directory's password alone enrols no second factor: who signs in for the first time becomes known here, is refused, and gets a
  one-time word from an administrator, which they give in place of a code. A stolen password so never brings its thief a factor.
- Who has keys tied to them comes with one of them when over SSH; a key of another operator is refused. The first key that somebody
  comes with becomes theirs, on record; so does one with a certificate that names them, and only them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from console.directory import NotAccepted
from console.errors import Refused, Unavailable
from console.lazy import sa, t
from console.signin import delays, factor, invitations, passwords
from console.signin.following import follow
from console.signin.recording import record, sign
from console.signin.sessions import Begun, Sessions, unheard
from models.words import OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import Any

    from console.directory import Directory, Person
    from console.office import Office
    from console.signin.placing import Place
    from models.words import SessionKind

_log = logging.getLogger("district.signin")


class NotIn(Refused):
    """Nobody was signed in. `why` is for the log and the ledger, never for who typed."""

    def __init__(self, why: str, case: int = 0) -> None:
        super().__init__(
            "That name, password and code do not go together; nobody was signed in. Try again; "
            "if you are new here or lost your second factor, ask an administrator for a one-time word."
        )
        self.why = why
        self.case = case


class TooSoon(Refused):
    """Another attempt under this name has to wait."""

    def __init__(self, wait: timedelta) -> None:
        seconds = ceil(wait.total_seconds())
        super().__init__(
            f"The last attempt under that name was wrong; nobody was signed in. Wait {seconds} seconds and try again."
        )
        self.seconds = seconds


class WordGiven(Refused):
    """A one-time word was given that holds: its owner now enrols (`invitations`), which uses it up."""

    def __init__(self, operator_id: int, name: str, word: str, *, local: bool) -> None:
        super().__init__("A one-time word lets you set up your sign-in; nobody was signed in yet. Run district signin.")
        self.operator_id = operator_id
        self.name = name
        self.word = word
        self.local = local
        """Whether a password is set too: a directory operator has theirs in the directory."""


@dataclass(frozen=True, slots=True)
class Known:
    """Whose password it was: an operator's number (None: not known here yet), and what the directory says of them."""

    operator_id: int | None
    person: Person | None = None
    place: Place | None = None


def enter(
    office: Office,
    directory: Directory | None,
    name: str,
    password: str,
    code: str,
    kind: SessionKind,
    fingerprint: str | None = None,
    named: tuple[str, ...] | None = None,
) -> Begun:
    """Sign somebody in. `fingerprint` is the SSH key they came with, None without SSH; `named` whom its certificate names, if any.

    Raises NotIn, TooSoon, WordGiven, and Unavailable when the directory or the database is not there; then nobody was signed in.
    """
    # Half a character or a NUL stands in no name, and in no database.
    name = name.strip().encode("utf-8", "replace").decode().replace("\0", "?")
    take_turn(office, name)
    known = _proved(office, directory, name, password, code)
    begun = _admit(office, known, code, kind, fingerprint, name, named)
    sign(office)
    if isinstance(begun, Refused):
        raise begun
    return begun


def take_turn(office: Office, name: str) -> None:
    """Take the turn for one attempt under this name, committed. Raises TooSoon."""
    with office.writing() as connection:
        wait = delays.attempt(connection, office.vault, name, office.clock.now())
    if wait:
        raise TooSoon(wait)


def turn_of(operator_id: int) -> str:
    """What an operator's own attempts are counted under: no name that is typed, for it holds a NUL."""
    return f"operator\0{operator_id}"


def refuse(office: Office, refused: NotIn) -> NotIn:
    """Put a refusal on record; returns it, to be raised."""
    with office.writing() as connection:
        record(connection, "refuse", refused.case, office.clock.now(), params={"why": refused.why})
    sign(office)
    return refused


def password_is(office: Office, directory: Directory | None, operator_id: int, name: str, password: str) -> bool:
    """Whether it is the password of this operator, who is signed in already: at the directory, or the one that is kept here.

    Raises Unavailable when the directory does not answer.
    """
    row, encoded = _local(office, sa.and_(t.operator.c.id == operator_id))
    if row is not None and row.origin == OperatorOrigin.DIRECTORY:
        try:
            return bool(_asked(office, directory, name, password).id == row.directory_id)
        except NotAccepted:
            return False
    return passwords.matches(encoded, password) and row is not None and row.status == OperatorStatus.ACTIVE


def _proved(office: Office, directory: Directory | None, name: str, password: str, code: str) -> Known:
    """Whose name and password these are. Raises NotIn on record, WordGiven for a local operator's one-time word."""
    row, encoded = _local(office, sa.func.lowered(t.operator.c.name) == name.lower())
    if row is not None and row.origin != OperatorOrigin.DIRECTORY:
        if row.origin != OperatorOrigin.LOCAL or row.unattended or row.status != OperatorStatus.ACTIVE:
            passwords.matches(None, password)
            raise refuse(office, NotIn("disabled" if row.status != OperatorStatus.ACTIVE else "program", row.id))
        _invited(office, row, password or code)
        if not passwords.matches(encoded, password):
            raise refuse(office, NotIn("password", row.id))
        return Known(row.id)
    try:
        person = _asked(office, directory, name, password)
    except NotAccepted as error:
        _log.info("the directory did not accept a sign-in: %s", error.code)
        passwords.matches(None, password)
        raise refuse(
            office, NotIn("password" if row is not None else "name", row.id if row is not None else 0)
        ) from None
    from console.signin.placing import placed

    try:
        place = placed(office.settings, directory.groups(person)) if directory is not None else None
    except Unavailable as error:
        raise _silent(office, error) from None
    with office.reading() as connection:
        meant = connection.execute(
            sa.select(t.operator.c.id).where(t.operator.c.directory_id == person.id)
        ).scalar_one_or_none()
    if place is None:
        raise refuse(office, NotIn("group", meant or 0))
    return Known(meant, person, place)


def _local(office: Office, which: Any) -> tuple[Any, str | None]:
    """The operator that is meant, with the hash of their password."""
    with office.reading() as connection:
        row = connection.execute(
            sa.select(t.operator, t.operator_password.c.encoded)
            .outerjoin(t.operator_password, t.operator_password.c.operator_id == t.operator.c.id)
            .where(which)
        ).one_or_none()
    return row, None if row is None else row.encoded


def _asked(office: Office, directory: Directory | None, name: str, password: str) -> Person:
    if directory is None:
        raise NotAccepted("no directory")
    try:
        return directory.authenticate(name, password)
    except Unavailable as error:
        raise _silent(office, error) from None


def _silent(office: Office, error: Unavailable) -> Unavailable:
    _log.error("the directory: %s", error)
    return Unavailable(unheard(office.settings))


def _invited(office: Office, row: Any, word: str) -> None:
    """Raise WordGiven when the word is the operator's and still holds."""
    with office.reading() as connection:
        if not invitations.holds(connection, office.vault, row.id, word, office.clock.now()):
            return
    raise WordGiven(row.id, row.name, word, local=row.origin == OperatorOrigin.LOCAL)


def _admit(
    office: Office,
    known: Known,
    code: str,
    kind: SessionKind,
    fingerprint: str | None,
    typed: str,
    named: tuple[str, ...] | None,
) -> Begun | Refused:
    """Everything that is written about a sign-in whose password was right, in one transaction; the refusal is returned, not raised."""
    now = office.clock.now()
    with office.writing() as connection:
        number = known.operator_id
        if known.person is not None and known.place is not None:
            number = follow(connection, known.person, known.place, now)
        if number is None:
            return _refused(connection, "conflict", 0, now)
        row = connection.execute(sa.select(t.operator).where(t.operator.c.id == number).with_for_update()).one()
        if row.status != OperatorStatus.ACTIVE or row.unattended:
            return _refused(connection, "disabled", number, now)
        if not key_fits(connection, number, fingerprint, named):
            return _refused(connection, "key", number, now)
        own = turn_of(number)
        if delays.attempt(connection, office.vault, own, now):
            return _refused(connection, "delay", number, now)
        if known.person is not None and invitations.holds(connection, office.vault, number, code, now):
            return WordGiven(number, row.name, code, local=False)
        used = factor.use(connection, office.vault, number, code, now)
        if used is None:
            return _refused(connection, "code", number, now)
        delays.passed(connection, office.vault, typed)
        delays.passed(connection, office.vault, own)
        return begin(connection, office, number, kind, fingerprint, now, str(used.kind))


def begin(
    connection: sa.Connection,
    office: Office,
    number: int,
    kind: SessionKind,
    fingerprint: str | None,
    now: datetime,
    proof: str,
) -> Begun:
    """Begin the session of an operator who proved who they are with two factors, in this transaction and on record."""
    from console.signin.announcing import announce_break_glass

    begun = Sessions(office.settings).begin(connection, number, kind, now, office.random, fingerprint)
    tied = tie(connection, number, fingerprint, now)
    said = {"by": proof, "kind": str(kind), "session": begun.id}
    if fingerprint is not None:
        said |= {"key": fingerprint, "tied": "new" if tied else "known"}
    record(connection, "signin", number, now, by=number, params=said)
    announce_break_glass(connection, office, number, now)
    return begun


def key_fits(
    connection: sa.Connection, operator_id: int, fingerprint: str | None, named: tuple[str, ...] | None = None
) -> bool:
    """Whether an operator may come with this SSH key: one of theirs, or one that is nobody's as long as they have none.

    With a certificate only who is `named` in it; on the authority's word also when they have other keys.
    """
    if fingerprint is None:
        return True
    if named is not None:
        own = connection.execute(sa.select(t.operator.c.name).where(t.operator.c.id == operator_id)).scalar_one()
        if own.lower() not in {each.lower() for each in named}:
            return False
    k = t.operator_key.c
    owner = connection.execute(sa.select(k.operator_id).where(k.fingerprint == fingerprint)).scalar()
    if owner is not None:
        return bool(owner == operator_id)
    return (
        named is not None
        or connection.execute(sa.select(k.id).where(k.operator_id == operator_id).limit(1)).first() is None
    )


def tie(connection: sa.Connection, operator_id: int, fingerprint: str | None, now: datetime) -> bool:
    """Tie the key that somebody came with to them; whether that is new. `key_fits` was asked before."""
    k = t.operator_key.c
    if fingerprint is None or connection.execute(sa.select(k.id).where(k.fingerprint == fingerprint)).first():
        return False
    connection.execute(t.operator_key.insert().values(operator_id=operator_id, fingerprint=fingerprint, added_at=now))
    return True


def _refused(connection: sa.Connection, why: str, case: int, now: datetime) -> NotIn:
    record(connection, "refuse", case, now, params={"why": why})
    return NotIn(why, case)
