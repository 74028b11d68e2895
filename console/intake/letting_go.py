"""Ends a tie that only an application made, when the application is about that student no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.lazy import sa, t
from models.words import MembershipStatus, Origin, RegistrationState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

ENDED = (RegistrationState.WITHDRAWN, RegistrationState.EXPIRED, RegistrationState.REJECTED)


def let_go(connection: sa.Connection, registrations: Sequence[int], today: date, version: int) -> None:
    """Remove these registrations' ties where nobody ever approved them and no other application stands behind them.

    Ties that were approved or adopted stay: closing those is a decision.
    """
    m, r, other = t.membership.c, t.registration.c, t.registration.alias("other")
    mine = sa.select(r.membership_id).where(r.id.in_(registrations))
    behind = sa.exists().where(
        other.c.membership_id == m.id, other.c.id.not_in(registrations), other.c.state.not_in(ENDED)
    )
    connection.execute(
        t.membership.update()
        .where(
            m.id.in_(mine),
            m.status.in_((MembershipStatus.PENDING, MembershipStatus.LIMITED)),
            m.origin == Origin.SELF,
            m.verified_at.is_(None),
            ~behind,
        )
        .values(status=MembershipStatus.REMOVED, since=today, version=version)
    )
