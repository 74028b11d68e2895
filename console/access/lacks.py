"""What an after-school grant lacks, in words and as predicates, so that queue, facts and objections say the same as the contract.

A grant lets somebody in while it lacks nothing (PORTAL, *After-school professionals*). The predicates are about one day and read the
joined grant, account, organisation, student and school of a desk's source; each is true or false, never NULL. What parents say comes
from the view `access_asked`, whose words are those of `portal_access_period`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from console.lazy import sa, t
from models.words import AccountStatus, AccountType, ConsentPolicy, GrantState, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from console.filters import Predicate


class Lack(StrEnum):
    """What may be missing, the most lasting first."""

    SWITCH = "switch"
    ACCOUNT = "account"
    AGREEMENT = "agreement"
    ENROLMENT = "enrolment"
    SEALED = "sealed"
    CONSENT = "consent"
    DATES = "dates"


WORDS: Mapping[Lack, str] = {
    Lack.SWITCH: "the school does not allow after-school access",
    Lack.ACCOUNT: "the professional's account is not active",
    Lack.AGREEMENT: "the organisation's agreement is not in force",
    Lack.ENROLMENT: "the student is not enrolled at the school",
    Lack.SEALED: "the student's identity is sealed",
    Lack.CONSENT: "no consent in force: neither the parents' nor a written permission",
    Lack.DATES: "today is not within its dates",
}


def predicates(today: date, *, written: Predicate | None = None) -> dict[Lack, Predicate]:
    """For each lack, whether the grant has it on this day; `written` in place of whether a written permission is on record.

    A request has no dates yet: it lacks them only when what it asks for is over.
    """
    return {
        Lack.SWITCH: sa.not_(sa.func.coalesce(t.school.c.asp, sa.false())),
        Lack.ACCOUNT: sa.not_(account_open(today)),
        Lack.AGREEMENT: agreement_dead(today),
        Lack.ENROLMENT: sa.not_(_enrolled(today)),
        Lack.SEALED: t.student.c.mask == Mask.PSEUDONYM,
        Lack.CONSENT: sa.not_(consented(today, written)),
        Lack.DATES: _out_of_dates(today),
    }


def any_of(today: date) -> Predicate:
    """Whether the grant lacks anything on this day."""
    return sa.or_(*predicates(today).values())


def account_open(today: date) -> Predicate:
    """Whether the joined account is an after-school professional's and may act: active, or its suspension is over."""
    a = t.account.c
    return sa.and_(
        a.type == AccountType.ASP,
        sa.or_(
            sa.and_(a.status == AccountStatus.ACTIVE, a.since <= today),
            sa.and_(a.status == AccountStatus.SUSPENDED, sa.func.coalesce(a.suspended_until <= today, sa.false())),
        ),
    )


def agreement_dead(today: date) -> Predicate:
    """Whether the joined organisation needs an agreement and has none in force."""
    o = t.organisation.c
    alive = sa.and_(o.agreement_from <= today, sa.or_(o.agreement_until.is_(None), o.agreement_until > today))
    return sa.and_(sa.func.coalesce(o.agreement_required, sa.false()), sa.not_(sa.func.coalesce(alive, sa.false())))


def _enrolled(today: date) -> Predicate:
    e, g = t.enrollment.c, t.access_grant.c
    return (
        sa.select(sa.literal(1))
        .select_from(t.enrollment)
        .where(
            e.student_id == g.student_id,
            e.school_id == g.school_id,
            e.active,
            sa.or_(e.begins.is_(None), e.begins <= today),
            sa.or_(e.ends.is_(None), e.ends > today),
        )
        .correlate(t.access_grant)
        .exists()
    )


def consented(today: date, written: Predicate | None = None) -> Predicate:
    """Whether somebody who may carries the grant on this day: one approved parent or all, as the school wants it, or a paper.

    The days are those of `access_asked`; after the majority only a parent whose tie goes on counts, and never a paper while there
    is an approved parent.
    """
    names = ("willing", "rebased", "unwilling", "first", "majority")
    asked = sa.table(
        "access_asked",
        sa.column("id", sa.BigInteger()),
        sa.column("written", sa.Boolean()),
        *(sa.column(name, sa.Date()) for name in names),
    )
    q = asked.c
    none_says_no = sa.or_(
        sa.func.coalesce(t.school.c.asp_consent, ConsentPolicy.ANY.value) == ConsentPolicy.ANY,
        q.unwilling.is_(None),
        q.unwilling > today,
    )
    minor = sa.or_(q.majority.is_(None), q.majority > today)
    parents = sa.or_(sa.and_(minor, q.willing <= today), sa.and_(q.majority <= today, q.rebased <= today))
    paper = sa.and_(q.written if written is None else written, sa.or_(q.first.is_(None), q.first > today))
    return (
        sa.select(sa.literal(1))
        .select_from(asked)
        .where(q.id == t.access_grant.c.id, sa.or_(sa.and_(none_says_no, parents), paper))
        .correlate(t.access_grant, t.school)
        .exists()
    )


def _out_of_dates(today: date) -> Predicate:
    g = t.access_grant.c
    over = sa.func.coalesce(g.ends <= today, g.state == GrantState.APPROVED)
    not_begun = sa.and_(g.state == GrantState.APPROVED, sa.func.coalesce(g.begins > today, sa.false()))
    return sa.or_(over, not_begun)
