"""The six decisions on a registration, and what approving needs (PORTAL, *Registrations*)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Decision, NoticeFor, Objection, Sight
from console.errors import Usage
from console.evidence import Fact
from console.lazy import sa, t
from console.params import Params, Telling, option
from console.threads import add_deadline, write_entry
from models.words import AccountStatus, MembershipStatus, RegistrationKind, RegistrationState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Work

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


def _suspended(sight: Sight) -> Objection:
    """A suspension has its ground and ends with its challenge or by itself: no application ends it (PORTAL, *Challenges*)."""
    m = t.membership.c
    in_force = sa.and_(
        m.status == MembershipStatus.SUSPENDED,
        sa.or_(m.suspended_until.is_(None), m.suspended_until > sight.today),
    )
    return Objection(
        sa.func.coalesce(in_force, sa.false()), "the tie is suspended, reinstate it at its challenge first"
    )


def _started() -> sa.ColumnElement[str]:
    """An account that waited for its first approval starts; any other stays as it is."""
    status = t.account.c.status
    return sa.case((status == AccountStatus.PENDING, AccountStatus.ACTIVE.value), else_=status)


_ONE_FACT = "one fact alone is never enough"


def _new_fact() -> sa.ColumnElement[int]:
    """How much a check in person adds to the facts: nothing where one was made before."""
    return sa.case((t.registration.c.facts.op("&")(int(Fact.IN_PERSON)) == 0, 1), else_=0)


def _too_little() -> list[Objection]:
    """What is missing without a check in person, and whether one would do (PORTAL, *Registrations*)."""
    r, school = t.registration.c, t.school.c
    unchecked = sa.and_(
        sa.func.coalesce(school.in_person_check, sa.false()), r.checked_on.is_(None), r.kind == RegistrationKind.PARENT
    )
    return [
        Objection(r.match < 1, _ONE_FACT),
        Objection(r.match < 2, _ONE_FACT, unless="checked_on"),
        Objection(unchecked, "the school wants the identity checked in person", unless="checked_on"),
    ]


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
        r = t.registration.c
        found = [Objection(r.student_id.is_(None), "no student has this number"), _suspended(sight)]
        found += _too_little() if params.checked_on is None else [Objection(r.match + _new_fact() < 2, _ONE_FACT)]
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
                r.match: r.match + _new_fact(),
            }
        return changes

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
    Params = Telling
    states = WAITING
    closes = True
    needs_reason = True

    def changes(self, params: Telling, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        r, m = t.registration.c, t.membership.c
        return {
            r.state: S.REJECTED,
            r.decided_at: sight.now,
            r.decided_by: sight.operator.id,
            m.status: MembershipStatus.REMOVED,
            m.since: sight.today,
        }

    def notices(self, params: Telling) -> Sequence[NoticeFor]:
        return (NoticeFor("registration-rejected", t.registration.c.account_id, params.message),)


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
    Params = Telling
    states = (S.APPROVED, S.LIMITED)
    closes = True
    needs_reason = True

    def objections(self, params: Telling, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [_suspended(sight)]

    def changes(self, params: Telling, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        r, m = t.registration.c, t.membership.c
        return {
            r.state: S.SUBMITTED,
            r.decided_at: None,
            r.decided_by: None,
            m.status: m.arrival_status,
            m.since: sa.case((m.status == m.arrival_status, m.since), else_=sight.today),
        }

    def notices(self, params: Telling) -> Sequence[NoticeFor]:
        return (NoticeFor("registration-unapproved", t.registration.c.account_id, params.message),)
