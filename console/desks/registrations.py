"""Registrations: who applies for which student, what speaks for and against (PORTAL, *Registrations*)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Desk, Sight, Value
from console.desks.registration_decisions import Approve, Ask, Defer, Limited, Reject, Unapprove
from console.evidence import FACT_NAMES, FLAG_NAMES, Fact, Flag
from console.filters import Term, Wanted, begins, spelled
from console.lazy import sa, t
from console.names import email_key, name_key
from console.people import person_name, student_name
from console.queue import Column, Tone
from console.scope import schools_called
from console.text import SafeText, safe
from models.words import Mask, RegistrationKind, RegistrationState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

S = RegistrationState


def _asked_until(sight: Sight) -> datetime:
    """What was asked before this moment and not answered has expired."""
    return sight.now - timedelta(days=sight.settings.policy.needs_info_days)


def _now_state(sight: Sight) -> sa.ColumnElement[str]:
    """A deferred case counts as submitted from its day on; one that was asked expires without an answer."""
    r = t.registration.c
    return sa.case(
        (sa.and_(r.state == spelled(S.DEFERRED), r.deferred_until <= sight.today), spelled(S.SUBMITTED)),
        (sa.and_(r.state == spelled(S.NEEDS_INFO), r.asked_at < _asked_until(sight)), spelled(S.EXPIRED)),
        else_=r.state,
    )


def _state(wanted: Wanted, sight: Sight) -> Predicate:
    """The same as `_now_state(sight) == wanted.text`, in a form that an index on the stored state can serve."""
    r = t.registration.c
    stored = r.state == spelled(wanted.text)
    match wanted.text:
        case S.SUBMITTED:
            return sa.or_(stored, sa.and_(r.state == spelled(S.DEFERRED), r.deferred_until <= sight.today))
        case S.DEFERRED:
            return sa.and_(stored, r.deferred_until > sight.today)
        case S.NEEDS_INFO:
            return sa.and_(stored, r.asked_at >= _asked_until(sight))
        case S.EXPIRED:
            return sa.or_(stored, sa.and_(r.state == spelled(S.NEEDS_INFO), r.asked_at < _asked_until(sight)))
        case _:
            return stored


def _flag(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    flags = t.registration.c.flags
    if wanted.text in ("yes", "no"):
        return flags != 0 if wanted.text == "yes" else flags == 0
    return flags.op("&")(int(Flag[wanted.text.upper()])) != 0


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    return t.registration.c.school_id.in_(schools_called(wanted.text))


class Registrations(Desk):
    name = "registrations"
    title = "Registrations"
    singular = "registration"
    help = "Parents, students and after-school professionals who apply for a student."
    digit = "1"
    see = Permission.REGISTRATIONS_SEE
    order = "arrived"
    whole = True
    school_lanes = True
    waiting = "state:submitted"
    empty = "No registration matches. Everything that waits is shown by state:submitted."
    columns = (
        Column("id", "No.", 6, right=True),
        Column("state", "State", 10, optional=2),
        Column("kind", "Who", 7, optional=3),
        Column("applicant", "Applicant", 18, grows=True),
        Column("student", "Student", 17, grows=True),
        Column("school", "School", 14, optional=4),
        Column("match", "Match", 5, right=True),
        Column("flags", "Flags", 12, optional=1, sortable=False),
        Column("arrived", "Age", 5, right=True),
    )
    terms = (
        Term("state", "its state now", _state, tuple(S), lanes=True, apart=True),
        Term("kind", "who applies", lambda w, _: t.registration.c.kind == spelled(w.text), tuple(RegistrationKind)),
        Term("match", "how many facts speak for it, as match:>=3", lambda w, _: w.compare(t.registration.c.match)),
        Term(
            "fact",
            "a fact that speaks for it",
            lambda w, _: _bit_set(t.registration.c.facts, Fact[w.text.upper()]),
            FACT_NAMES,
        ),
        Term("flag", "yes, no, or what speaks against it", _flag, ("yes", "no", *FLAG_NAMES)),
        Term("school", "the school's code or how its name begins", _school),
        Term(
            "older",
            "arrived longer ago, as older:5d",
            lambda w, sight: t.registration.c.arrived_at < sight.now - timedelta(days=w.days()),
        ),
        Term(
            "newer",
            "arrived since, as newer:2d",
            lambda w, sight: t.registration.c.arrived_at >= sight.now - timedelta(days=w.days()),
        ),
        Term("student", "the student's number in the portal", lambda w, _: t.registration.c.student_id == w.number()),
        Term("account", "the account's number in the portal", lambda w, _: t.registration.c.account_id == w.number()),
    )
    decisions = (Approve(), Limited(), Reject(), Ask(), Defer(), Unapprove())

    def case(self) -> sa.Table:
        return t.registration

    def ties(self) -> Mapping[sa.Table, sa.ColumnElement[int]]:
        return {t.account: t.registration.c.account_id, t.membership: t.registration.c.membership_id}

    def source(self) -> sa.FromClause:
        r = t.registration
        # Outer joins throughout, though every registration has its account: one that nothing is read of is left out by both engines.
        return (
            r.outerjoin(t.account, t.account.c.id == r.c.account_id)
            .outerjoin(t.membership, t.membership.c.id == r.c.membership_id)
            .outerjoin(t.student, t.student.c.id == r.c.student_id)
            .outerjoin(t.school, t.school.c.id == r.c.school_id)
        )

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        return _now_state(sight)

    def school(self) -> sa.ColumnElement[int]:
        return t.registration.c.school_id

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        r, s = t.registration.c, t.student.c
        return (
            r.kind,
            r.given_name,
            r.family_name,
            r.match,
            r.flags,
            r.facts,
            r.arrived_at,
            r.account_id,
            r.student_id,
            s.given_name.label("student_given"),
            s.family_name.label("student_family"),
            s.mask,
            s.pseudonym,
            t.school.c.name.label("school_name"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        del sight
        return {
            "id": row.id,
            "state": safe(row.state.replace("_", " ")),
            "kind": safe(row.kind),
            "applicant": applicant_name(row),
            "student": _student(row),
            "school": safe(row.school_name or ""),
            "match": row.match,
            "flags": tuple(safe(name.replace("_", " ")) for name in _names(row.flags)),
            "arrived": row.arrived_at,
            "account": row.account_id,
            "student_id": row.student_id,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        r = t.registration.c
        return {
            "id": r.id,
            "state": r.state,
            "kind": r.kind,
            "applicant": r.family_key,
            "match": r.match,
            "arrived": r.arrived_at,
        }[column]

    def search(self, text: str) -> Predicate:
        key = name_key(text)
        r, s = t.registration.c, t.student.c
        if not key:
            return sa.false()
        # A name that a mask hides is not found by its letters, or searching would spell it; nor is that of a student who applies.
        own = sa.and_(r.kind == RegistrationKind.STUDENT, sa.func.coalesce(s.mask, Mask.NONE) != Mask.NONE)
        applies = sa.or_(begins(r.family_key, key), begins(r.name_key, key), begins(r.email_key, email_key(text)))
        return sa.or_(sa.and_(sa.not_(own), applies), sa.and_(s.mask != Mask.INITIAL, begins(s.family_key, key)))

    def bearing(self, text: str) -> Sequence[sa.Select[Any]]:
        key = name_key(text)
        if not key:
            return ()
        r, s = t.registration.c, t.student.c
        own = ((r.family_key, key), (r.name_key, key), (r.email_key, email_key(text)))
        theirs = sa.select(r.id).join_from(t.student, t.registration, r.student_id == s.id)
        return (*(sa.select(r.id).where(begins(*each)) for each in own), theirs.where(begins(s.family_key, key)))

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        if column == "flags" and value:
            return Tone.BAD
        if column == "match":
            return Tone.GOOD if row.match >= 3 else Tone.WARN if row.match < 2 else Tone.PLAIN
        if column in ("id", "school", "arrived", "kind"):
            return Tone.DIM
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.registration_facts import registration_facts

        return registration_facts(connection, case, sight, vault, self.source())


def masked(row: Any) -> bool:
    """Whether the applicant is a student whose name a mask hides: what they typed of themselves spells it."""
    return row.kind == RegistrationKind.STUDENT and row.student_id is not None and row.mask != Mask.NONE


def applicant_name(row: Any) -> SafeText:
    """Who applies, by kind, name, and the mask and code of the student that the application is for."""
    if masked(row):
        return student_name(row.given_name, row.family_name, row.mask, row.pseudonym)
    return person_name(row.given_name, row.family_name)


def _bit_set(column: sa.ColumnElement[int], bit: int) -> Predicate:
    found: Predicate = column.op("&")(int(bit)) != 0
    return found


def _names(flags: int) -> list[str]:
    return [name for name, bit in zip(FLAG_NAMES, Flag, strict=True) if flags & bit]


def _student(row: Any) -> SafeText:
    if row.student_id is None:
        return safe("no such student")
    return student_name(row.student_given, row.student_family, row.mask, row.pseudonym)


DESK = Registrations()
