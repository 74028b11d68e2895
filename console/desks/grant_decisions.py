"""The five decisions about an after-school grant (PORTAL, *After-school professionals*).

Approving does not wait for consent: the district's approval is one of the things that a grant must have, the family's is another.
People say the last day of a grant; the table keeps the day after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from console.access.lacks import WORDS, Lack, account_open, agreement_dead, predicates
from console.authority import ROLES, Permission
from console.desk import Decision, NoticeFor, Objection, Sight
from console.errors import Usage
from console.lazy import sa, t
from console.params import Params, Telling, option
from models.words import GrantState, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Work
    from console.filters import Predicate

S = GrantState
DAY = timedelta(days=1)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Approving(Telling):
    """From when until when."""

    until: date = option("The last day: 2027-06-30, +90d, end-of-year; never after the school year.")
    begins: date | None = option("The first day; else the one asked for, or today.", default=None)


@dataclass(frozen=True, kw_only=True)
class Permitting(Params):
    """A paper that stands in for the parents' consent, where no parent is registered."""

    reference: str = option("Which paper: how it is found again.", personal=True)
    digest: str = option("The SHA-256 of the scanned paper, 64 hexadecimal digits.")
    witness: str = option("The second operator who saw it, by name.", personal=True)


@dataclass(frozen=True, kw_only=True)
class Extending(Telling):
    """Until when."""

    until: date = option("The new last day: 2027-06-30, +90d, end-of-year; never after the school year.")


def _within_year(until: date, sight: Sight) -> None:
    end = sight.calendar.end_of_year()
    if until < sight.today:
        raise Usage("--until is a day that is over; nothing was done. Write 2027-06-30, +90d or end-of-year.")
    if until > end:
        raise Usage(f"A grant ends with the school year, {end.isoformat()}; nothing was done. Write end-of-year.")


def long_before(until: date, sight: Sight) -> date:
    """The first day of the longest grant to that last day that asks for no code (`policy.long_grant_days`)."""
    return until + DAY - timedelta(days=sight.settings.policy.long_grant_days)


class _GrantDecision(Decision):
    """What all decisions about grants share."""

    permission = Permission.GRANTS_DECIDE

    def notices(self, params: Any) -> Sequence[NoticeFor]:
        return (NoticeFor(f"grant-{self.told}", t.access_grant.c.account_id, params.message),) if self.told else ()

    told: str = ""


class Approve(_GrantDecision):
    name = "approve"
    title = "Approve"
    help = "Give the district's approval until a day; the family's consent is the family's to give."
    key = "a"
    states = ("requested",)
    Params = Approving
    told = "approved"

    def check(self, params: Approving, sight: Sight) -> None:
        _within_year(params.until, sight)
        if params.begins is not None and params.begins < sight.today:
            raise Usage("A grant does not begin in the past; nothing was done. Leave --begins out for today.")
        if params.begins is not None and params.begins > params.until:
            raise Usage("A grant begins before it ends; nothing was done.")

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        found = [
            Objection(sa.not_(sa.func.coalesce(t.school.c.asp, sa.false())), WORDS[Lack.SWITCH]),
            Objection(sa.not_(account_open(sight.today)), WORDS[Lack.ACCOUNT]),
            Objection(agreement_dead(sight.today), WORDS[Lack.AGREEMENT]),
        ]
        if params.until is not None:
            late = self._begins(params, sight) > params.until
            found.append(Objection(late, "it asks to begin after that day, name another with --begins"))
        return found

    @staticmethod
    def _begins(params: Approving, sight: Sight) -> sa.ColumnElement[date]:
        if params.begins is not None:
            return sa.literal(params.begins, sa.Date())
        asked = t.access_grant.c.begins
        return sa.case((asked > sight.today, asked), else_=sa.literal(sight.today, sa.Date()))

    def step_up(self, params: Approving, sight: Sight) -> Predicate:
        return self._begins(params, sight) < long_before(params.until, sight)

    def changes(self, params: Approving, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        g = t.access_grant.c
        return {
            g.state: S.APPROVED,
            g.begins: self._begins(params, sight),
            g.ends: params.until + DAY,
            g.decided_at: sight.now,
            g.decided_by: sight.operator.id,
        }

    def notices(self, params: Approving) -> Sequence[NoticeFor]:
        del params
        return (NoticeFor("grant-approved", t.access_grant.c.account_id),)


class Reject(_GrantDecision):
    name = "reject"
    title = "Reject"
    help = "Refuse the request; it is kept."
    key = "r"
    states = ("requested",)
    needs_reason = True
    closes = True
    told = "rejected"
    Params = Telling

    def changes(self, params: Telling, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        g = t.access_grant.c
        return {g.state: S.REJECTED, g.decided_at: sight.now, g.decided_by: sight.operator.id}


class Permit(_GrantDecision):
    name = "permission"
    title = "Record a written permission"
    help = "Put a paper on record that two operators saw, where no parent is registered who could consent."
    key = "w"
    states = ("requested", "alive", "lacking")
    Params = Permitting
    bulk = False

    def check(self, params: Permitting, sight: Sight) -> None:
        if not params.reference.strip():
            raise Usage("--reference is missing; nothing was done. Say which paper it is.")
        if not _SHA256.fullmatch(params.digest.lower()):
            raise Usage("--digest takes the 64 hexadecimal digits of a SHA-256; nothing was done.")
        if params.witness.strip().lower() == sight.operator.name.lower():
            raise Usage("The second operator is somebody else than you; nothing was done. Name them with --witness.")

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        found = [Objection(_on_paper(), "a written permission is on record")]
        if params.witness is not None:
            found.append(Objection(sa.not_(self._witness(params).is_not(None)), "there is no such second operator"))
        return found

    @staticmethod
    def _witness(params: Permitting) -> sa.ColumnElement[int]:
        """Another operator who may decide about grants, by name in any case."""
        o = t.operator.c
        deciding = [str(role) for role, rights in ROLES.items() if Permission.GRANTS_DECIDE in rights]
        return (
            sa.select(sa.func.min(o.id))
            .where(
                sa.func.lowered(o.name) == params.witness.strip().lower(),
                o.status == OperatorStatus.ACTIVE,
                o.unattended.is_(sa.false()),
                o.role.in_(deciding),
            )
            .scalar_subquery()
        )

    def subject(self, params: Permitting) -> sa.Column[Any]:
        del params
        return t.access_grant.c.permission_witness

    def changes(self, params: Permitting, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        g = t.access_grant.c
        return {g.permission_witness: self._witness(params), g.permission_digest: params.digest.lower()}

    def access(self, params: Permitting, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        """The reference is no changed column, so what it opens is counted here: a grant that lacked nothing else."""
        del params
        now, then = predicates(sight.today), predicates(sight.today, written=sa.true())
        approved = t.access_grant.c.state == S.APPROVED
        opens = sa.and_(approved, sa.or_(*now.values()), sa.not_(sa.or_(*then.values())))
        return sa.case((opens, 1), else_=0), sa.literal(0)

    def carry_out(self, work: Work) -> None:
        """The reference may name people: it is put in its place and not in the record. Without its witness it says nothing."""
        params: Permitting = work.params  # type: ignore[assignment]
        work.connection.execute(
            t.access_grant.update()
            .where(t.access_grant.c.id.in_(sa.select(work.chosen.c.id)))
            .values(permission_reference=params.reference.strip())
        )


class Extend(_GrantDecision):
    name = "extend"
    title = "Extend"
    help = "Let it last longer, at most until the school year ends; one that has ended goes on from today."
    key = "t"
    states = ("alive", "lacking", "ended")
    Params = Extending
    told = "extended"

    def check(self, params: Extending, sight: Sight) -> None:
        _within_year(params.until, sight)

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if params.until is None:
            return ()
        return [Objection(t.access_grant.c.ends > params.until, "it lasts that long already")]

    def subject(self, params: Extending) -> sa.Column[Any]:
        del params
        return t.access_grant.c.ends

    def step_up(self, params: Extending, sight: Sight) -> Predicate:
        """The whole grant is measured, so that no long one is made of two short ones."""
        return self._begins(sight) < long_before(params.until, sight)

    @staticmethod
    def _begins(sight: Sight) -> sa.ColumnElement[date]:
        g = t.access_grant.c
        return sa.case((g.ends <= sight.today, sa.literal(sight.today, sa.Date())), else_=g.begins)

    def changes(self, params: Extending, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        g = t.access_grant.c
        return {g.ends: params.until + DAY, g.begins: self._begins(sight)}

    def notices(self, params: Extending) -> Sequence[NoticeFor]:
        del params
        return (NoticeFor("grant-extended", t.access_grant.c.account_id),)


class Revoke(_GrantDecision):
    name = "revoke"
    title = "Revoke"
    help = "Take the district's approval back at once."
    key = "v"
    states = ("alive", "lacking")
    needs_reason = True
    closes = True
    told = "revoked"
    Params = Telling

    def changes(self, params: Telling, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        g = t.access_grant.c
        return {g.state: S.REVOKED, g.decided_at: sight.now, g.decided_by: sight.operator.id}


def _on_paper() -> Predicate:
    g = t.access_grant.c
    return sa.and_(g.permission_reference.is_not(None), g.permission_witness.is_not(None))
