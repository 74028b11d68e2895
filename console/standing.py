"""What a tie lets a person see, as one number: 0 nothing, 1 what is published, 2 everything its kind may see.

It says in a plan whose access opens and whose closes, and is the same rule as the view `access_tie` and `access_reader` (PORTAL,
*Who may see a student's data*). It reads the joined account, membership, student and home school of a desk's source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from models.words import AccountStatus, HoldPolicy, InitialRights, MembershipStatus

if TYPE_CHECKING:
    from console.filters import Predicate


def held(policy: HoldPolicy) -> Predicate:
    """Whether an open challenge holds the joined membership under this policy of the home school."""
    holding = sa.table("access_held", sa.column("membership_id"))
    return sa.and_(
        t.school.c.hold_policy == policy,
        sa.exists().where(holding.c.membership_id == t.membership.c.id),
    )


def parent_level(
    status: Any, account_status: Any, *, blocked: Any = None, parents_blocked: Any = None
) -> sa.ColumnElement[int]:
    """The standing of a parent's tie with this status and account status; the blocks are the joined rows' unless given."""
    m, s = t.membership.c, t.student.c
    status = sa.literal(status) if isinstance(status, str) else status
    account_status = sa.literal(account_status) if isinstance(account_status, str) else account_status
    closed = sa.or_(
        m.id.is_(None),
        m.blocked if blocked is None else blocked,
        s.parents_blocked if parents_blocked is None else parents_blocked,
        account_status != AccountStatus.ACTIVE,
        held(HoldPolicy.FULL),
    )
    limited = sa.case((s.verify_parents, 0), else_=1)
    return sa.case(
        (closed, 0),
        (sa.and_(status == MembershipStatus.APPROVED, sa.not_(held(HoldPolicy.LIMITED))), 2),
        (status.in_((MembershipStatus.APPROVED, MembershipStatus.LIMITED)), limited),
        else_=0,
    )


def student_level(status: Any, account_status: Any) -> sa.ColumnElement[int]:
    """The standing of a student's own login."""
    status = sa.literal(status) if isinstance(status, str) else status
    account_status = sa.literal(account_status) if isinstance(account_status, str) else account_status
    at_once = sa.and_(
        t.school.c.initial_rights == InitialRights.APPROVE_FOR_GRADES,
        status.not_in((MembershipStatus.SUSPENDED, MembershipStatus.REMOVED)),
    )
    return sa.case(
        (
            sa.and_(account_status == AccountStatus.ACTIVE, sa.or_(at_once, status == MembershipStatus.APPROVED)),
            2,
        ),
        else_=0,
    )


def moved(
    before: sa.ColumnElement[int], after: sa.ColumnElement[int]
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    """Whether the standing rises, and whether it falls, as 1 or 0."""
    return sa.case((after > before, 1), else_=0), sa.case((after < before, 1), else_=0)
