"""Registrations: who applies for which student, what speaks for and against, and the six decisions (PORTAL, *Registrations*)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Decision, Desk, NoticeFor, Objection, Part, Sight, Value
from console.errors import Usage
from console.evidence import FACT_NAMES, FLAG_NAMES, Fact, Flag
from console.filters import Term, Wanted
from console.lazy import sa, t
from console.names import name_key
from console.params import Params, option
from console.people import person_name, student_name
from console.queue import Column, Tone
from console.standing import moved, parent_level, student_level
from console.text import SafeText, safe
from console.threads import add_deadline, write_entry
from models.words import AccountStatus, MembershipStatus, RegistrationKind, RegistrationState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from console.desk import Work
    from console.filters import Predicate
    from console.vault import Vault

S = RegistrationState
WAITING = (S.SUBMITTED, S.NEEDS_INFO, S.DEFERRED)


class Proof(StrEnum):
    """What somebody showed to establish who they are: the kind, never the number (PORTAL, *Registrations*)."""

    DRIVING_LICENCE = "driving_licence"
    PASSPORT = "passport"
    STATE_ID = "state_id"
    SCHOOL_RECORD = "school_record"
    COURT_PAPER = "court_paper"
    KNOWN_TO_STAFF = "known_to_staff"


@dataclass(frozen=True, kw_only=True)
class Approving(Params):
    """An approval may carry an identity check made in person."""

    checked_by: str = option("Who checked the applicant's identity in person.", default="", personal=True)
    checked_on: date | None = option("On which day it was checked.", default=None)
    proof: Proof | None = option("What was shown; never its number.", default=None)


@dataclass(frozen=True, kw_only=True)
class Asking(Params):
    """A question to the applicant."""

    message: str = option("What the applicant is asked, as they will read it.", personal=True, lines=4)


@dataclass(frozen=True, kw_only=True)
class Deferring(Params):
    """A day on which the case counts as submitted again."""

    until: date = option("The day it comes back: 2027-01-15, +14d, end-of-year.")


def _moves(status: Any, account_status: Any) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    """Whose access opens and whose closes when the tie and the account become this."""
    r, m, a = t.registration.c, t.membership.c, t.account.c
    before = sa.case(
        (r.kind == RegistrationKind.STUDENT, student_level(m.status, a.status)), else_=parent_level(m.status, a.status)
    )
    after = sa.case(
        (r.kind == RegistrationKind.STUDENT, student_level(status, account_status)),
        else_=parent_level(status, account_status),
    )
    return moved(before, after)


def _started() -> sa.ColumnElement[str]:
    """An account that waited for its first approval starts; any other stays as it is."""
    status = t.account.c.status
    return sa.case((status == AccountStatus.PENDING, AccountStatus.ACTIVE.value), else_=status)


class _Approving(Decision):
    """What approve and limited share: what the tie becomes, the account's own start, the check in person."""

    permission = Permission.REGISTRATIONS_DECIDE
    Params = Approving
    becomes: MembershipStatus
    to: RegistrationState

    def check(self, params: Approving, sight: Sight) -> None:
        given = [bool(params.checked_by.strip()), params.checked_on is not None, params.proof is not None]
        if any(given) and not all(given):
            raise Usage("A check in person needs who, when and what was shown; nothing was done. Give all three.")
        if params.checked_on and params.checked_on > sight.today:
            raise Usage("A check in person cannot lie in the future; nothing was done.")

    def objections(self, params: Approving, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight
        r, school = t.registration.c, t.school.c
        checked = params.checked_on is not None
        found = [
            Objection(r.student_id.is_(None), "no student has this number"),
            Objection(r.match + (1 if checked else 0) < 2, "one fact alone is never enough"),
        ]
        if not checked:
            found.append(
                Objection(
                    sa.and_(
                        sa.func.coalesce(school.in_person_check, sa.false()), r.checked_on.is_(None), r.kind == "parent"
                    ),
                    "the school wants the identity checked in person",
                )
            )
        if bulk:
            found.append(Objection(r.flags != 0, "it is flagged and is decided one by one"))
        return found

    def changes(self, params: Approving, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        r, m, a = t.registration.c, t.membership.c, t.account.c
        changes: dict[sa.Column[Any], Any] = {
            r.state: self.to,
            r.decided_at: sight.now,
            r.decided_by: sight.operator.id,
            m.status: self.becomes,
            m.since: sa.case((m.status == self.becomes, m.since), else_=sight.today),
            m.verified_at: sight.now,
            a.status: _started(),
        }
        if params.checked_on:
            facts = r.facts.op("|")(int(Fact.IN_PERSON))
            changes |= {
                r.checked_on: params.checked_on,
                r.check_proof: str(params.proof),
                r.facts: facts,
                r.match: r.match + sa.case((r.facts.op("&")(int(Fact.IN_PERSON)) == 0, 1), else_=0),
            }
        return changes

    def access(self, params: Approving, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        del params, sight
        return _moves(self.becomes, _started())

    def notices(self, params: Approving) -> Sequence[NoticeFor]:
        del params
        return (NoticeFor(f"registration-{self.to}", t.registration.c.account_id),)


class Approve(_Approving):
    name = "approve"
    title = "Approve"
    help = "Give the applicant full rights for this student."
    key = "a"
    states = (S.SUBMITTED, S.NEEDS_INFO, S.DEFERRED, S.LIMITED)
    to = S.APPROVED
    becomes = MembershipStatus.APPROVED


class Limited(_Approving):
    name = "limited"
    title = "Approve, limited"
    help = "Let the applicant see only what is published."
    key = "l"
    states = (S.SUBMITTED, S.NEEDS_INFO, S.DEFERRED, S.APPROVED)
    to = S.LIMITED
    becomes = MembershipStatus.LIMITED

    def objections(self, params: Approving, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        only_parents = Objection(
            t.registration.c.kind != RegistrationKind.PARENT, "only a parent's rights can be limited"
        )
        return (only_parents, *super().objections(params, sight, bulk=bulk))


class Reject(Decision):
    name = "reject"
    title = "Reject"
    help = "Refuse the application; it is kept, and a new one will show it."
    key = "r"
    permission = Permission.REGISTRATIONS_DECIDE
    states = WAITING
    closes = True
    needs_reason = True

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        r, m = t.registration.c, t.membership.c
        return {
            r.state: S.REJECTED,
            r.decided_at: sight.now,
            r.decided_by: sight.operator.id,
            m.status: MembershipStatus.REMOVED,
            m.since: sight.today,
        }

    def access(self, params: Params, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        del params, sight
        return _moves(MembershipStatus.REMOVED, t.account.c.status)

    def notices(self, params: Params) -> Sequence[NoticeFor]:
        return (NoticeFor("registration-rejected", t.registration.c.account_id, params.reason),)


class Ask(Decision):
    name = "ask"
    title = "Ask for information"
    help = "Write to the applicant; the case waits for the answer and expires without one."
    key = "i"
    permission = Permission.REGISTRATIONS_DECIDE
    Params = Asking
    states = (S.SUBMITTED, S.DEFERRED)

    def changes(self, params: Asking, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        return {t.registration.c.state: S.NEEDS_INFO, t.registration.c.asked_at: sight.now}

    def carry_out(self, work: Work) -> None:
        due = work.sight.today + timedelta(days=work.sight.settings.policy.needs_info_days)
        write_entry(work, "registrations", work.params.message)  # type: ignore[attr-defined]
        add_deadline(work, "registrations", "answer", due)

    def notices(self, params: Asking) -> Sequence[NoticeFor]:
        return (NoticeFor("registration-ask", t.registration.c.account_id, params.message),)


class Defer(Decision):
    name = "defer"
    title = "Defer"
    help = "Put it aside until a day; on that day it counts as submitted again."
    key = "d"
    permission = Permission.REGISTRATIONS_DECIDE
    Params = Deferring
    states = (S.SUBMITTED, S.NEEDS_INFO)

    def check(self, params: Deferring, sight: Sight) -> None:
        if params.until <= sight.today:
            raise Usage("A case is deferred to a day that is still to come; nothing was done.")

    def changes(self, params: Deferring, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.registration.c.state: S.DEFERRED, t.registration.c.deferred_until: params.until}


class Unapprove(Decision):
    name = "unapprove"
    title = "Take the approval back"
    help = "Make the application wait again; the tie returns to what it was at arrival."
    key = "b"
    permission = Permission.REGISTRATIONS_DECIDE
    states = (S.APPROVED, S.LIMITED)
    closes = True
    needs_reason = True

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        r, m = t.registration.c, t.membership.c
        return {
            r.state: S.SUBMITTED,
            r.decided_at: None,
            r.decided_by: None,
            m.status: m.arrival_status,
            m.since: sa.case((m.status == m.arrival_status, m.since), else_=sight.today),
        }

    def access(self, params: Params, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        del params, sight
        return _moves(t.membership.c.arrival_status, t.account.c.status)

    def notices(self, params: Params) -> Sequence[NoticeFor]:
        return (NoticeFor("registration-unapproved", t.registration.c.account_id, params.reason),)


def _asked_until(sight: Sight) -> datetime:
    """What was asked before this moment and not answered has expired."""
    return sight.now - timedelta(days=sight.settings.policy.needs_info_days)


def _now_state(sight: Sight) -> sa.ColumnElement[str]:
    """A deferred case counts as submitted from its day on; one that was asked expires without an answer."""
    r = t.registration.c
    return sa.case(
        (sa.and_(r.state == S.DEFERRED, r.deferred_until <= sight.today), S.SUBMITTED.value),
        (sa.and_(r.state == S.NEEDS_INFO, r.asked_at < _asked_until(sight)), S.EXPIRED.value),
        else_=r.state,
    )


def _state(wanted: Wanted, sight: Sight) -> Predicate:
    """The same as `_now_state(sight) == wanted.text`, in a form that an index on the stored state can serve."""
    r = t.registration.c
    back = sa.and_(r.state == S.DEFERRED, r.deferred_until <= sight.today)
    lapsed = sa.and_(r.state == S.NEEDS_INFO, r.asked_at < _asked_until(sight))
    match wanted.text:
        case S.SUBMITTED:
            return sa.or_(r.state == S.SUBMITTED, back)
        case S.DEFERRED:
            return sa.and_(r.state == S.DEFERRED, r.deferred_until > sight.today)
        case S.NEEDS_INFO:
            return sa.and_(r.state == S.NEEDS_INFO, r.asked_at >= _asked_until(sight))
        case S.EXPIRED:
            return sa.or_(r.state == S.EXPIRED, lapsed)
        case _:
            return r.state == wanted.text


def _flag(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    flags = t.registration.c.flags
    if wanted.text in ("yes", "no"):
        return flags != 0 if wanted.text == "yes" else flags == 0
    return flags.op("&")(int(Flag[wanted.text.upper()])) != 0


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    text = wanted.text.casefold()
    return sa.or_(
        sa.func.lower(t.school.c.code) == text, sa.func.lower(t.school.c.name).startswith(text, autoescape=True)
    )


class Registrations(Desk):
    name = "registrations"
    title = "Registrations"
    singular = "registration"
    help = "Parents, students and after-school professionals who apply for a student."
    digit = "1"
    see = Permission.REGISTRATIONS_SEE
    order = "arrived"
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
        Term("state", "its state now", _state, tuple(S)),
        Term("kind", "who applies", lambda w, _: t.registration.c.kind == w.text, tuple(RegistrationKind)),
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
        return (
            r.join(t.account, t.account.c.id == r.c.account_id)
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
            "applicant": person_name(row.given_name, row.family_name),
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
        return sa.or_(
            r.family_key.startswith(key),
            r.name_key.startswith(key),
            s.family_key.startswith(key),
            sa.func.lower(r.email).startswith(text.lower(), autoescape=True),
        )

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
