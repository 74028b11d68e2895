"""The eight decisions about a challenge: who may take them when, on what ground, and what becomes of the tie (PORTAL, *Challenges*).

Either parent has full rights unless a court order, a statute or a legally binding document says otherwise (34 CFR 99.4), so what
closes an approved parent's access names its basis. The challenger is in no message to the challenged unless the operator writes it.
A claim keeps others from settling the case while it lasts; handing the case to somebody lasts until they have settled it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import ROLES, Permission
from console.clock import add_school_days
from console.desk import Decision, NoticeFor, Objection, Sight
from console.errors import Usage
from console.lazy import sa, t
from console.params import Params, Telling, option
from console.threads import add_deadline, write_entry
from models.words import AccountStatus, Basis, ChallengeState, MembershipStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from console.desk import Work
    from console.filters import Predicate

S = ChallengeState
LIVE = (S.OPEN, S.WAITING, S.APPEALED)
"""States in which the case is still to be settled; they are those that hold the tie."""
ON_PAPER = (Basis.COURT_ORDER, Basis.STATUTE, Basis.BINDING_DOCUMENT)


class Outcome(StrEnum):
    """What became of a case."""

    SUSPENDED = "suspended"
    ACCOUNT_SUSPENDED = "account_suspended"
    DELETED = "deleted"
    IGNORED = "ignored"
    REINSTATED = "reinstated"


IN_FORCE = (Outcome.SUSPENDED, Outcome.ACCOUNT_SUSPENDED, Outcome.DELETED)


class Recipients(StrEnum):
    """Who is asked."""

    CHALLENGER = "challenger"
    CHALLENGED = "challenged"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True)
class Grounded(Telling):
    """On what ground an access is closed."""

    basis: Basis = option("On what ground: an approved parent has full rights without one (34 CFR 99.4).")
    reference: str = option("Which order, statute or document: how it is found again.", default="", personal=True)
    order_date: date | None = option("The order's or document's date.", default=None)
    order_expires: date | None = option("The day on which the order or document ends.", default=None)


@dataclass(frozen=True, kw_only=True)
class Suspending(Grounded):
    """A suspension: of the tie, or of everything the account can do."""

    until: date | None = option(
        "The day it ends by itself; else when the order ends, else when reinstated.", default=None
    )
    account: bool = option("Suspend the whole account, not this tie alone.", default=False)

    @property
    def ends(self) -> date | None:
        """The day on which access comes back by itself."""
        return self.until or self.order_expires


@dataclass(frozen=True, kw_only=True)
class Asking(Params):
    """A question to one side or both."""

    recipients: Recipients = option("Who is asked.")
    message: str = option(
        "What they are asked, as they will read it; each side reads the same.", personal=True, lines=4
    )
    until: date | None = option(
        "The day the case comes back without an answer; else the days of a decision.", default=None
    )


@dataclass(frozen=True, kw_only=True)
class Reassigning(Params):
    """Who has the case from now on."""

    to: str = option("The operator who has it from now on, by name.")


def claimed(sight: Sight) -> Predicate:
    """Whether the case has an owner now."""
    c = t.challenge.c
    return sa.and_(c.owner_id.is_not(None), sa.or_(c.owned_until.is_(None), c.owned_until > sight.now))


def _somebody_else(sight: Sight) -> Objection:
    return Objection(
        sa.and_(claimed(sight), t.challenge.c.owner_id != sight.operator.id), "it is claimed by somebody else"
    )


def _answered(sight: Sight) -> sa.ColumnElement[datetime]:
    """The moment of the first answer: of the first question or decision."""
    answered = t.challenge.c.answered_at
    return sa.func.coalesce(answered, sa.literal(sight.now, answered.type))


def _settled(state: S, outcome: Outcome, sight: Sight) -> dict[sa.Column[Any], Any]:
    """What the case itself becomes."""
    c = t.challenge.c
    return {
        c.state: state,
        c.outcome: outcome,
        c.decided_at: sight.now,
        c.decided_by: sight.operator.id,
        c.answered_at: _answered(sight),
        c.waiting_until: None,
    }


def once_approved(tie: Any) -> Predicate:
    """Whether a membership has full rights, comes back to them, or somebody established who it is."""
    resumes = sa.func.coalesce(tie.resumes_as == MembershipStatus.APPROVED, sa.true())
    return sa.and_(
        tie.status != MembershipStatus.REMOVED,
        sa.or_(
            tie.verified_at.is_not(None),
            tie.status == MembershipStatus.APPROVED,
            sa.and_(tie.status == MembershipStatus.SUSPENDED, resumes),
        ),
    )


def _unfounded(basis: Basis | None, *, account: bool) -> list[Objection]:
    """`not_verified` is a ground only against somebody who was never approved; for an account, for none of its students."""
    if basis != Basis.NOT_VERIFIED:
        return []
    why = "the parent was approved: it needs a court order, statute, binding document, fraud, duplicate or own request"
    found = [Objection(once_approved(t.membership.c), why)]
    if account:
        other = t.membership.alias("other")
        elsewhere = sa.exists().where(other.c.account_id == t.challenge.c.account_id, once_approved(other.c))
        found.append(Objection(elsewhere, "the account is approved for another student: not_verified is no ground"))
    return found


def _beyond(sight: Sight) -> list[Objection]:
    """What is done to an account is done at every school, so it takes somebody who may decide at all of them."""
    if sight.operator.schools is None:
        return []
    other, student = t.membership.alias("other"), t.student.alias("elsewhere")
    outside = sa.or_(student.c.school_id.is_(None), student.c.school_id.not_in(sorted(sight.operator.schools)))
    reaches = sa.exists().where(
        other.c.account_id == t.challenge.c.account_id,
        other.c.status != MembershipStatus.REMOVED,
        student.c.id == other.c.student_id,
        outside,
    )
    return [Objection(reaches, "the account reaches beyond your schools: the district decides")]


def _check_basis(params: Grounded, sight: Sight) -> None:
    if params.basis in ON_PAPER and not params.reference.strip():
        raise Usage(
            f"The basis {params.basis.replace('_', ' ')} needs its reference; nothing was done. "
            "Say which it is with --reference."
        )
    if params.order_date and params.order_date > sight.today:
        raise Usage("--order-date is still to come; nothing was done. Give the date of the order itself.")
    if params.order_expires and params.order_expires <= sight.today:
        raise Usage("--order-expires is over; nothing was done. An order that has ended is no ground.")


class _ChallengeDecision(Decision):
    """What most decisions about challenges share."""

    permission = Permission.CHALLENGES_WORK
    bulk = False

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [_somebody_else(sight)]

    def carry_out(self, work: Work) -> None:
        """What was told to somebody stands in the thread."""
        write_entry(work, "challenges", getattr(work.params, "message", ""))


class Claim(Decision):
    name = "claim"
    title = "Claim"
    help = "Take the case for a while, so that nobody else works on it."
    key = "c"
    permission = Permission.CHALLENGES_WORK
    states = LIVE

    def objections(self, params: Params, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        c = t.challenge.c
        handed = sa.and_(c.owner_id == sight.operator.id, c.owned_until.is_(None))
        return [_somebody_else(sight), Objection(sa.func.coalesce(handed, sa.false()), "it is yours already")]

    def subject(self, params: Params) -> sa.Column[Any]:
        del params
        return t.challenge.c.owner_id

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        c = t.challenge.c
        minutes = timedelta(minutes=sight.settings.policy.claim_minutes)
        return {c.owner_id: sight.operator.id, c.owned_until: sight.now + minutes}


class Suspend(_ChallengeDecision):
    name = "suspend"
    title = "Suspend"
    help = "Close the challenged tie, or the whole account, until a day or until it is reinstated."
    key = "b"
    permission = Permission.CHALLENGES_SUSPEND
    Params = Suspending
    states = LIVE
    closes = True
    needs_reason = True

    def check(self, params: Suspending, sight: Sight) -> None:
        _check_basis(params, sight)
        if params.until and params.until <= sight.today:
            raise Usage("--until is not after today; nothing was done. A suspension ends on a day that is to come.")
        if params.until and params.order_expires and params.until > params.order_expires:
            raise Usage("--until is later than --order-expires; nothing was done. A suspension ends with its order.")

    def objections(self, params: Suspending, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        found = [*super().objections(params, sight, bulk=bulk)]
        if params.account:
            status = t.account.c.status
            found += [Objection(status == each, f"the account is {each}") for each in AccountStatus if each != "active"]
            found += _beyond(sight)
        else:
            status = t.membership.c.status
            closed = (MembershipStatus.SUSPENDED, MembershipStatus.REMOVED)
            found += [Objection(status == each, f"the tie is {each} already") for each in closed]
            found.append(Objection(t.account.c.status == AccountStatus.DELETED, "the account is deleted"))
        return [*found, *_unfounded(params.basis, account=params.account)]

    def changes(self, params: Suspending, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        c, m, a = t.challenge.c, t.membership.c, t.account.c
        outcome = Outcome.ACCOUNT_SUSPENDED if params.account else Outcome.SUSPENDED
        changes = {**_settled(S.DECIDED, outcome, sight), c.basis: params.basis}
        if params.account:
            return {**changes, a.status: AccountStatus.SUSPENDED, a.suspended_until: params.ends}
        return {
            **changes,
            m.status: MembershipStatus.SUSPENDED,
            m.resumes_as: m.status,
            m.suspended_until: params.ends,
            m.since: sight.today,
        }

    def notices(self, params: Suspending) -> Sequence[NoticeFor]:
        return (NoticeFor("challenge-suspended", t.challenge.c.account_id, params.message),)


class Delete(_ChallengeDecision):
    name = "delete"
    title = "Delete the account"
    help = "Close the challenged account at once and for every student; it is purged later, until then undo brings it back."
    key = "D"
    permission = Permission.CHALLENGES_DELETE
    Params = Grounded
    states = LIVE
    closes = True
    needs_reason = True

    def check(self, params: Grounded, sight: Sight) -> None:
        _check_basis(params, sight)

    def objections(self, params: Grounded, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        gone = Objection(t.account.c.status == AccountStatus.DELETED, "the account is deleted already")
        return [
            *super().objections(params, sight, bulk=bulk),
            gone,
            *_beyond(sight),
            *_unfounded(params.basis, account=True),
        ]

    def changes(self, params: Grounded, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        return {
            **_settled(S.DECIDED, Outcome.DELETED, sight),
            t.challenge.c.basis: params.basis,
            t.account.c.status: AccountStatus.DELETED,
            t.account.c.deleted_at: sight.now,
        }

    def notices(self, params: Grounded) -> Sequence[NoticeFor]:
        return (NoticeFor("challenge-deleted", t.challenge.c.account_id, params.message),)


class Ignore(_ChallengeDecision):
    name = "ignore"
    title = "Ignore"
    help = "End the case and change nothing; an appeal ends so with what was decided before."
    key = "l"
    Params = Telling
    states = LIVE
    bulk = True
    needs_reason = True

    def changes(self, params: Telling, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        c = t.challenge.c
        stands = sa.and_(c.state == S.APPEALED, sa.func.coalesce(c.outcome.in_(IN_FORCE), sa.false()))
        return {
            **_settled(S.CLOSED, Outcome.IGNORED, sight),
            c.state: sa.case((stands, S.DECIDED.value), else_=S.CLOSED.value),
            c.outcome: sa.case((stands, c.outcome), else_=Outcome.IGNORED.value),
        }

    def notices(self, params: Telling) -> Sequence[NoticeFor]:
        return (NoticeFor("challenge-ignored", t.challenge.c.challenger_id, params.message),)


class Ask(_ChallengeDecision):
    name = "ask"
    title = "Ask"
    help = "Ask one side or both; the case waits for the answer or the day."
    key = "i"
    Params = Asking
    states = LIVE

    def check(self, params: Asking, sight: Sight) -> None:
        if params.until and params.until <= sight.today:
            raise Usage("--until is not after today; nothing was done. Give them a day that is to come.")

    @staticmethod
    def _until(params: Asking, sight: Sight) -> date:
        days, closed = sight.settings.policy.decision_days, sight.settings.portal.closed_days
        return params.until or add_school_days(sight.today, days, closed)

    def changes(self, params: Asking, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        c = t.challenge.c
        return {c.state: S.WAITING, c.waiting_until: self._until(params, sight), c.answered_at: _answered(sight)}

    def carry_out(self, work: Work) -> None:
        params: Asking = work.params  # type: ignore[assignment]
        who = {"challenger": "To the challenger", "challenged": "To the challenged", "both": "To both sides"}
        write_entry(work, "challenges", f"{who[params.recipients]}:\n{params.message}")
        add_deadline(work, "challenges", "answer", self._until(params, work.sight))

    def notices(self, params: Asking) -> Sequence[NoticeFor]:
        c = t.challenge.c
        asked = {Recipients.CHALLENGER: c.challenger_id, Recipients.CHALLENGED: c.account_id}
        return tuple(
            NoticeFor("challenge-asked", account, params.message)
            for who, account in asked.items()
            if params.recipients in (who, Recipients.BOTH)
        )


class Reinstate(_ChallengeDecision):
    name = "reinstate"
    title = "Reinstate"
    help = "End the suspension: the tie or the account is what it was before."
    key = "t"
    permission = Permission.CHALLENGES_SUSPEND
    Params = Telling
    states = (S.DECIDED, S.APPEALED)
    needs_reason = True

    def objections(self, params: Telling, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        c, m, a = t.challenge.c, t.membership.c, t.account.c
        tie, whole = c.outcome == Outcome.SUSPENDED, c.outcome == Outcome.ACCOUNT_SUSPENDED
        return [
            *super().objections(params, sight, bulk=bulk),
            Objection(sa.not_(sa.func.coalesce(sa.or_(tie, whole), sa.false())), "this case suspended nothing"),
            Objection(sa.and_(tie, m.status != MembershipStatus.SUSPENDED), "the tie is not suspended any more"),
            Objection(sa.and_(whole, a.status != AccountStatus.SUSPENDED), "the account is not suspended any more"),
            *(Objection(sa.and_(whole, each.holds), each.why) for each in _beyond(sight)),
        ]

    def changes(self, params: Telling, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        c, m, a = t.challenge.c, t.membership.c, t.account.c
        tie = c.outcome == Outcome.SUSPENDED
        by_itself = sa.func.coalesce(m.suspended_until <= sight.today, sa.false())
        since = sa.case((by_itself, m.suspended_until), else_=sa.literal(sight.today, sa.Date()))
        return {
            **_settled(S.CLOSED, Outcome.REINSTATED, sight),
            m.status: sa.case((tie, m.resumes_as), else_=m.status),
            m.since: sa.case((tie, since), else_=m.since),
            m.resumes_as: sa.case((tie, sa.null()), else_=m.resumes_as),
            m.suspended_until: sa.case((tie, sa.null()), else_=m.suspended_until),
            a.status: sa.case((tie, a.status), else_=AccountStatus.ACTIVE.value),
            a.suspended_until: sa.case((tie, a.suspended_until), else_=sa.null()),
        }

    def notices(self, params: Telling) -> Sequence[NoticeFor]:
        return (NoticeFor("challenge-reinstated", t.challenge.c.account_id, params.message),)


class Appeal(Decision):
    name = "appeal"
    title = "Open again"
    help = "Open a settled case again because a side appeals; a new decision is due."
    key = "o"
    permission = Permission.CHALLENGES_WORK
    states = (S.DECIDED, S.CLOSED)
    bulk = False
    needs_reason = True

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        c = t.challenge.c
        days, closed = sight.settings.policy.decision_days, sight.settings.portal.closed_days
        return {
            c.state: S.APPEALED,
            c.decision_due: add_school_days(sight.today, days, closed),
            c.owner_id: None,
            c.owned_until: None,
        }


class Reassign(Decision):
    name = "reassign"
    title = "Hand over"
    help = "Give the case to another operator, or take it from one, until it is settled."
    key = "w"
    permission = Permission.CHALLENGES_WORK
    Params = Reassigning
    states = LIVE

    def objections(self, params: Reassigning, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if not params.to:
            return ()
        o, place = t.operator.c, t.operator_school.c
        working = [str(role) for role, rights in ROLES.items() if Permission.CHALLENGES_WORK in rights]
        named = sa.exists().where(self._named(params))
        able = sa.exists().where(self._named(params), o.role.in_(working))
        somewhere = sa.exists().where(place.operator_id == o.id)
        here = sa.exists().where(place.operator_id == o.id, place.school_id == t.challenge.c.school_id)
        seeing = sa.exists().where(self._named(params), sa.or_(sa.not_(somewhere), here))
        handed = sa.and_(t.challenge.c.owner_id == self._operator(params), t.challenge.c.owned_until.is_(None))
        return [
            Objection(sa.not_(named), "there is no such operator"),
            Objection(sa.not_(able), "that operator may not work on challenges"),
            Objection(sa.not_(seeing), "that operator is of another school"),
            Objection(sa.func.coalesce(handed, sa.false()), "that operator has it already"),
        ]

    @staticmethod
    def _named(params: Reassigning) -> Predicate:
        o = t.operator.c
        return sa.and_(
            sa.func.lower(o.name) == params.to.strip().lower(), o.disabled.is_(sa.false()), o.unattended.is_(sa.false())
        )

    def _operator(self, params: Reassigning) -> sa.ColumnElement[int]:
        return sa.select(sa.func.min(t.operator.c.id)).where(self._named(params)).scalar_subquery()

    def subject(self, params: Reassigning) -> sa.Column[Any]:
        del params
        return t.challenge.c.owner_id

    def changes(self, params: Reassigning, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.challenge.c.owner_id: self._operator(params), t.challenge.c.owned_until: None}


DECISIONS: tuple[Decision, ...] = (
    Claim(),
    Suspend(),
    Delete(),
    Ignore(),
    Ask(),
    Reinstate(),
    Appeal(),
    Reassign(),
)
