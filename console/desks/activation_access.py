"""Whom an activation lets see somebody, counted for the plan by the contract's rules (PORTAL, *Who may see a student's data*).

The login is not there while the plan is made, so the views cannot be asked: a student sees themselves, certificated staff see the
students enrolled where the roster places them, or at the school of their code where it places them nowhere; nobody else sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.directory.conflicts import own, same
from console.lazy import sa, t
from models.words import AccountStatus, AccountType, InitialRights, MembershipStatus

if TYPE_CHECKING:
    from datetime import date

    from console.filters import Predicate


def opens(kind: str, today: date) -> sa.ColumnElement[int]:
    """How many students the case's login will see that it does not see now."""
    starts = sa.or_(sa.not_(own()), same().c.status == AccountStatus.PENDING)
    if kind == AccountType.STUDENT:
        return _oneself(starts)
    if kind == AccountType.CERTIFICATED:
        return sa.case((starts, _pupils(today)), else_=0)
    return sa.literal(0)


def _oneself(starts: Predicate) -> sa.ColumnElement[int]:
    """One who had a login may have waited for the school's approval."""
    status = sa.func.coalesce(t.membership.c.status, MembershipStatus.PENDING.value)
    closed = sa.and_(own(), status == MembershipStatus.SUSPENDED)
    by_school = sa.func.coalesce(t.school.c.initial_rights == InitialRights.APPROVE_FOR_GRADES, sa.false())
    waited = sa.and_(
        same().c.status == AccountStatus.ACTIVE,
        status != MembershipStatus.APPROVED,
        sa.or_(status == MembershipStatus.REMOVED, sa.not_(by_school)),
    )
    return sa.case((closed, 0), (starts, 1), (waited, 1), else_=0)


def _pupils(today: date) -> sa.ColumnElement[int]:
    d, p, e = t.directory_user.c, t.post.c, t.enrollment.c

    def runs(begins: sa.Column[date], ends: sa.Column[date]) -> Predicate:
        return sa.and_(
            sa.or_(begins.is_(None), begins <= today),
            sa.or_(ends.is_(None), ends > today),
        )

    placed = sa.exists().where(p.staff_id == d.staff_id, p.active).correlate(t.directory_user)
    here = (
        sa.select(sa.func.count(sa.distinct(e.student_id)))
        .select_from(t.enrollment)
        .where(
            e.active,
            runs(e.begins, e.ends),
            sa.or_(
                sa.exists()
                .where(p.staff_id == d.staff_id, p.school_id == e.school_id, p.active, runs(p.begins, p.ends))
                .correlate(t.directory_user, t.enrollment),
                sa.and_(sa.not_(placed), e.school_id == d.school_id),
            ),
        )
    )
    return here.correlate(t.directory_user, same()).scalar_subquery()
