"""Facts for a registration, counted, and facts against it: what may be held against the roster, in words and as bits.

The count of the facts for is the `match:` of the queue (PORTAL, *Registrations*). They are computed set-based, at arrival and again
after every import, from keys that make `O'Neil` and `ONEIL` the same and never from the typed text itself.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from models.words import Mask, RegistrationKind, RegistrationState

if TYPE_CHECKING:
    from datetime import date

    from console.filters import Predicate


class Fact(IntFlag):
    """What speaks for it. The names are the words shown."""

    NUMBER = 1
    CONTACT = 2
    EMAIL = 4
    PHONE = 8
    SURNAME = 16
    RELATION = 32
    CODE = 64
    IN_PERSON = 128


class Flag(IntFlag):
    """What speaks against it: each keeps the case out of bulk approval."""

    REJECTED_BEFORE = 1
    MANY_FAMILIES = 2
    THROWAWAY_MAIL = 4
    RESTRICTED = 8
    SEALED = 16
    ADULT = 32
    ODD_NAME = 64
    IMITATES = 128


FACT_WORDS = {
    Fact.NUMBER: "the student number is right",
    Fact.CONTACT: "the roster knows a contact of this name for the student",
    Fact.EMAIL: "the e-mail is that of a contact of the student",
    Fact.PHONE: "the phone is that of a contact of the student",
    Fact.SURNAME: "the student's family name is right",
    Fact.RELATION: "the relation is the one in the roster",
    Fact.CODE: "the verification code is right",
    Fact.IN_PERSON: "checked in person",
}
FLAG_WORDS = {
    Flag.REJECTED_BEFORE: "an earlier application for this student was rejected",
    Flag.MANY_FAMILIES: "claims children in many families",
    Flag.THROWAWAY_MAIL: "a throw-away mail address",
    Flag.RESTRICTED: "a restricted contact: an order is on file",
    Flag.SEALED: "the student's identity is sealed",
    Flag.ADULT: "the student is 18 or older",
    Flag.ODD_NAME: "the name mixes scripts or hides characters",
    Flag.IMITATES: "the name imitates another guardian's",
}
FLAG_NAMES = tuple(each.name.lower() for each in Flag if each.name)
FACT_NAMES = tuple(each.name.lower() for each in Fact if each.name)
STORED_AT_DECISION = Fact.IN_PERSON
TYPED_BY_APPLICANT = Flag.THROWAWAY_MAIL | Flag.ODD_NAME


def words(bits: int, meanings: dict[Any, str]) -> tuple[str, ...]:
    """The meanings of the bits that are set, in their order."""
    return tuple(text for bit, text in meanings.items() if bits & bit)


def _tied(*where: Predicate, restricted: bool | None = False) -> Predicate:
    """Whether the roster ties a contact to the registration's student that satisfies `where`."""
    tie, contact, registration = t.contact_tie, t.contact, t.registration
    found = [
        tie.c.student_id == registration.c.student_id,
        contact.c.id == tie.c.contact_id,
        tie.c.active,
        contact.c.status == "active",
        *where,
    ]
    if restricted is not None:
        found.append(tie.c.restricted.is_(sa.true() if restricted else sa.false()))
    return sa.exists().where(*found)


def _bit(holds: Predicate, bit: int) -> sa.ColumnElement[int]:
    return sa.case((holds, bit), else_=0)


def facts() -> sa.ColumnElement[int]:
    """The bits for, of a row of `registration` joined with its student `t.student`; the in-person check is kept as it is."""
    registration, student, contact, tie = t.registration, t.student, t.contact, t.contact_tie
    r, s, c = registration.c, student.c, contact.c
    parent = r.kind == RegistrationKind.PARENT
    own = r.kind == RegistrationKind.STUDENT
    same_name = sa.and_(c.name_key == r.name_key, r.name_key != "")
    same_email = sa.and_(c.email_key == r.email_key, r.email_key != "")
    same_phone = sa.and_(r.phone_key != "", sa.or_(c.phone_key == r.phone_key, c.sms_key == r.phone_key))
    known_by = sa.or_(same_name, same_email, same_phone)
    contact_fact = sa.or_(sa.and_(parent, _tied(same_name)), sa.and_(own, s.name_key == r.name_key, r.name_key != ""))
    email_fact = sa.or_(sa.and_(parent, _tied(same_email)), sa.and_(own, s.email_key == r.email_key, r.email_key != ""))
    # A relative is evidence of little: the roster's relation counts where the same contact is known by name, mail or phone.
    relation_fact = sa.and_(parent, r.relation != "", _tied(tie.c.relation == r.relation, known_by))
    surname_fact = sa.and_(r.student_family_key != "", s.family_key == r.student_family_key)
    code_fact = sa.and_(r.code_hash.is_not(None), s.code_hash == r.code_hash)
    return (
        _bit(s.number == r.student_number, Fact.NUMBER)
        + _bit(contact_fact, Fact.CONTACT)
        + _bit(email_fact, Fact.EMAIL)
        + _bit(sa.and_(parent, _tied(same_phone)), Fact.PHONE)
        + _bit(surname_fact, Fact.SURNAME)
        + _bit(relation_fact, Fact.RELATION)
        + _bit(code_fact, Fact.CODE)
        + _bit(r.checked_on.is_not(None), Fact.IN_PERSON)
    )


def flags(today: date, families: int) -> sa.ColumnElement[int]:
    """The bits against, of a row of `registration` joined with its student. `families` claims in so many families raise one."""
    r, s, c = t.registration.c, t.student.c, t.contact.c
    earlier, other = t.registration.alias("earlier"), t.registration.alias("other")
    claimed = t.student.alias("claimed")
    rejected = sa.exists().where(
        earlier.c.student_id == r.student_id,
        earlier.c.id != r.id,
        earlier.c.state == RegistrationState.REJECTED,
        sa.or_(
            earlier.c.account_id == r.account_id,
            sa.and_(earlier.c.email_key == r.email_key, r.email_key != ""),
            sa.and_(earlier.c.name_key == r.name_key, r.name_key != ""),
        ),
    )
    # Siblings share a family name in the roster or a contact; counting the students' family names is the cheap half of that.
    many = (
        sa.select(sa.func.count(sa.distinct(claimed.c.family_key)))
        .where(
            claimed.c.id == other.c.student_id,
            sa.or_(other.c.account_id == r.account_id, sa.and_(other.c.email_key == r.email_key, r.email_key != "")),
            other.c.state.not_in((RegistrationState.WITHDRAWN, RegistrationState.EXPIRED)),
        )
        .correlate(t.registration)
        .scalar_subquery()
    )
    same = sa.or_(
        sa.and_(c.name_key == r.name_key, r.name_key != ""),
        sa.and_(c.email_key == r.email_key, r.email_key != ""),
    )
    imitates = sa.and_(
        r.kind == RegistrationKind.PARENT,
        r.skeleton != "",
        _tied(c.skeleton == r.skeleton, c.name_key != r.name_key, restricted=None),
    )
    return (
        r.own_flags.op("&")(int(TYPED_BY_APPLICANT))
        + _bit(rejected, Flag.REJECTED_BEFORE)
        + _bit(many >= families, Flag.MANY_FAMILIES)
        + _bit(_tied(same, restricted=True), Flag.RESTRICTED)
        + _bit(s.mask == Mask.PSEUDONYM, Flag.SEALED)
        + _bit(sa.and_(r.kind == RegistrationKind.PARENT, s.adult_on <= today), Flag.ADULT)
        + _bit(imitates, Flag.IMITATES)
    )


def count(bits: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """How many of the eight bits are set."""
    total: sa.ColumnElement[int] = sa.literal(0)
    for n in range(8):
        total = total + bits.op(">>")(n).op("&")(1)
    return total


def recompute(connection: sa.Connection, today: date, families: int, where: Predicate | None = None) -> None:
    """Compute match and flags anew for the registrations that satisfy `where` (all that wait when None), set-based.

    The student is found by number again: numbers are changed and given to others in mid-year. A registration that was decided keeps
    the student it was decided for.
    """
    r, s = t.registration.c, t.student.c
    waiting = r.state.in_((RegistrationState.SUBMITTED, RegistrationState.NEEDS_INFO, RegistrationState.DEFERRED))
    judged = (
        sa.select(r.id, facts().label("facts"), flags(today, families).label("flags"))
        .select_from(t.registration.outerjoin(t.student, s.id == r.student_id))
        .where(waiting if where is None else where)
        .subquery()
    )
    new = sa.select(judged.c.id, judged.c.facts, judged.c.flags, count(judged.c.facts).label("match")).subquery()
    connection.execute(
        t.registration.update()
        .where(
            r.id == new.c.id,
            sa.or_(r.facts != new.c.facts, r.flags != new.c.flags, r.match != new.c.match),
        )
        .values(facts=new.c.facts, flags=new.c.flags, match=new.c.match)
    )
