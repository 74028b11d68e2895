"""The decisions about a challenge: who may take them when, and what becomes of the tie (PORTAL, *Challenges*).

On what ground stands in `challenge_grounds`, who has the case in `challenge_owners`. The challenger is in no message to the
challenged unless the operator writes it, and the reason, which may name anybody, is in none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date  # noqa: TC003 - parameters are read by their types at run time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.clock import add_school_days
from console.desk import Decision, Needs, NoticeFor, Objection, Sight
from console.desks.challenge_grounds import (
    Grounded,
    approved_before,
    beyond,
    check_basis,
    everywhere,
    once_approved,
    unfounded,
)
from console.desks.challenge_owners import LIVE, Claim, Reassign, somebody_else
from console.errors import Usage
from console.lazy import sa, t
from console.params import Params, Telling, option
from console.threads import add_deadline, write_entry
from models.words import AccountStatus, ChallengeState, MembershipStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from console.desk import Work
    from console.filters import Predicate

S = ChallengeState


class Outcome(StrEnum):
    """What became of a case."""

    SUSPENDED = "suspended"
    ACCOUNT_SUSPENDED = "account_suspended"
    DELETED = "deleted"
    IGNORED = "ignored"
    REINSTATED = "reinstated"


IN_FORCE = (Outcome.SUSPENDED, Outcome.ACCOUNT_SUSPENDED, Outcome.DELETED)
WHOLE = (Outcome.ACCOUNT_SUSPENDED, Outcome.DELETED)
"""What was done to the account, at every school."""


class Recipients(StrEnum):
    """Who is asked."""

    CHALLENGER = "challenger"
    CHALLENGED = "challenged"
    BOTH = "both"


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


def _answered(sight: Sight) -> sa.ColumnElement[datetime]:
    """The moment of the first answer: of the first question or decision."""
    answered = t.challenge.c.answered_at
    return sa.func.coalesce(answered, sa.literal(sight.now, answered.type))


def _in_force(status: sa.ColumnElement[str], until: sa.ColumnElement[date], sight: Sight) -> Predicate:
    """Whether it is suspended now: a suspension ends by itself on its day, and nobody writes that down."""
    return sa.and_(status == "suspended", sa.func.coalesce(until > sight.today, sa.true()))


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


class _ChallengeDecision(Decision):
    """What most decisions about challenges share."""

    permission = Permission.CHALLENGES_WORK
    bulk = False

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [somebody_else(sight)]

    def carry_out(self, work: Work) -> None:
        """What was told to somebody stands in the thread."""
        write_entry(work, "challenges", getattr(work.params, "message", ""))


class _OfAccount(_ChallengeDecision):
    def reserved(self, sight: Sight) -> Sequence[Objection]:
        return everywhere(sight, WHOLE)


class Suspend(_OfAccount):
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
        check_basis(params, sight)
        if params.until and params.until <= sight.today:
            raise Usage("--until is not after today; nothing was done. A suspension ends on a day that is to come.")
        if params.until and params.order_expires and params.until > params.order_expires:
            raise Usage("--until is later than --order-expires; nothing was done. A suspension ends with its order.")

    def objections(self, params: Suspending, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        m, a = t.membership.c, t.account.c
        found = [*super().objections(params, sight, bulk=bulk)]
        if params.account:
            found += [
                Objection(a.status == each, f"the account is {each}")
                for each in (AccountStatus.PENDING, AccountStatus.DELETED)
            ]
            found.append(Objection(_in_force(a.status, a.suspended_until, sight), "the account is suspended already"))
            found += beyond(sight)
        else:
            held = _in_force(m.status, m.suspended_until, sight)
            found.append(Objection(held, "the tie is suspended already", unless="account"))
            found.append(
                Objection(m.status == MembershipStatus.REMOVED, "the tie is removed already", unless="account")
            )
            found.append(Objection(a.status == AccountStatus.DELETED, "the account is deleted"))
        return [*found, *unfounded(params.basis, account=params.account)]

    def changes(self, params: Suspending, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        c, m, a = t.challenge.c, t.membership.c, t.account.c
        outcome = Outcome.ACCOUNT_SUSPENDED if params.account else Outcome.SUSPENDED
        changes = {**_settled(S.DECIDED, outcome, sight), c.basis: params.basis}
        if params.account:
            return {**changes, a.status: AccountStatus.SUSPENDED, a.suspended_until: params.ends}
        return {
            **changes,
            m.status: MembershipStatus.SUSPENDED,
            m.resumes_as: sa.case((m.status == MembershipStatus.SUSPENDED, m.resumes_as), else_=m.status),
            m.suspended_until: params.ends,
            m.since: sight.today,
        }

    def notices(self, params: Suspending) -> Sequence[NoticeFor]:
        return (NoticeFor("challenge-suspended", t.challenge.c.account_id, params.message),)


class Delete(_OfAccount):
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
        check_basis(params, sight)

    def needs(self, params: Any, count: int) -> Needs:
        return replace(super().needs(params, count), step_up=True)

    def second_person(self, params: Any, sight: Sight) -> Predicate:
        """An account that was approved for any student, also when that was suspended or taken back before."""
        del params, sight
        tie = t.membership.alias("tie")
        now = sa.exists().where(tie.c.account_id == t.challenge.c.account_id, once_approved(tie.c))
        return sa.or_(now, approved_before())

    def objections(self, params: Grounded, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        gone = Objection(t.account.c.status == AccountStatus.DELETED, "the account is deleted already")
        return [
            *super().objections(params, sight, bulk=bulk),
            gone,
            *beyond(sight),
            *unfounded(params.basis, account=True),
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


class Reinstate(_OfAccount):
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
        later = t.challenge.alias("later")
        again = sa.exists().where(
            later.c.account_id == c.account_id,
            later.c.outcome == c.outcome,
            later.c.decided_at > c.decided_at,
            sa.or_(whole, later.c.membership_id == c.membership_id),
        )
        return [
            *super().objections(params, sight, bulk=bulk),
            Objection(sa.not_(sa.func.coalesce(sa.or_(tie, whole), sa.false())), "this case suspended nothing"),
            Objection(sa.and_(tie, m.status != MembershipStatus.SUSPENDED), "the tie is not suspended any more"),
            Objection(sa.and_(whole, a.status != AccountStatus.SUSPENDED), "the account is not suspended any more"),
            Objection(again, "a later challenge suspended it again: reinstate there"),
            *(Objection(sa.and_(whole, each.holds), each.why) for each in beyond(sight)),
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
