"""Who may be the second person: a relation between a request, who made it and another operator, said once in SQL.

Promises: nobody confirms their own, through no second login either – the same account, the same entry of the directory, the same
SSH key, an operator whom the maker brought in or set anew within a day, or who did so with the maker; nor does whoever it is about.
The other has the right to the decision itself, and its cases all exist for them (SECURITY, *Authority*).

Read three ways: as what keeps a request from an operator's hands, as whom a request is announced to, and as whether anybody could
confirm it at all.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from console.authority import ROLES, Permission
from console.lazy import sa, t
from models.words import Log, OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime

    from console.desk import Sight
    from console.filters import Predicate

APART = timedelta(hours=24)
"""For how long bringing in an operator, or setting them anew, keeps the two from confirming each other's."""
WEEK = timedelta(days=7)
"""For how long an operator who was disabled still counts as somebody who could confirm: else who disables the others is alone."""
TAKING = ("operators.disable", "operators.signout")
"""What gives nobody a way in: it keeps nobody from confirming."""
EXPORT = ("audit", "export")
"""The desk and action of a request to export; every other is a decision of its desk."""


@cache
def rights() -> dict[tuple[str, str], Permission]:
    """Everything that can wait for a second person, by desk and action, with the right to it."""
    from console.desks import DESKS, desk

    decisions = {(name, each.name): each.permission for name in DESKS for each in desk(name).decisions}
    return {**decisions, EXPORT: Permission.AUDIT_EXPORT}


def roles_with(permission: Permission) -> list[str]:
    """The roles that have a right."""
    return [str(role) for role, held in ROLES.items() if permission in held]


@cache
def _entitling() -> dict[tuple[str, ...], list[str]]:
    """What can wait, as `desk.action`, by the roles that have the right to it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for action, permission in rights().items():
        found.setdefault(tuple(roles_with(permission)), []).append(".".join(action))
    return found


def entitled(request: Any, operator: Any) -> Predicate:
    """Whether the operator's role has the right to what the request asks for."""
    asked = request.desk + "." + request.action
    return sa.or_(*(sa.and_(operator.role.in_(roles), asked.in_(actions)) for roles, actions in _entitling().items()))


def _any(table: sa.Table, *which: Predicate) -> Predicate:
    """Whether a row of the table is so. Everything else is of the statements around it, however deep this stands in them.

    SQLAlchemy looks by itself only at the next one, and reads the whole table again for what stands further out.
    """
    return sa.exists().where(*which).correlate_except(table)


def sees_all(request: Any, operator: Any) -> Predicate:
    """Whether all of the request's cases exist for the operator, by the schools they were of when it was made."""
    o, r = t.operator_school.c, t.request_school.c
    theirs = sa.select(o.school_id).where(o.operator_id == operator.id).correlate_except(t.operator_school)
    outside = _any(t.request_school, r.request_id == request.id, r.school_id.not_in(theirs))
    some = _any(t.operator_school, o.operator_id == operator.id)
    return sa.or_(sa.not_(some), sa.and_(sa.not_(request.unplaced), sa.not_(outside)))


def one_person(maker: Any, other: Any) -> Predicate:
    """Whether two operators are one person behind two logins, as far as the portal can know."""
    s, k = t.session.c, t.operator_key.c
    used = sa.union_all(
        sa.select(s.operator_id, s.fingerprint).where(s.fingerprint.is_not(None)),
        sa.select(k.operator_id, k.fingerprint),
    )
    mine, theirs = used.subquery("keys_of_maker"), used.subquery("keys_of_other")
    same = sa.select(sa.literal(1)).select_from(mine.join(theirs, mine.c.fingerprint == theirs.c.fingerprint))
    alike = same.where(mine.c.operator_id == maker.id, theirs.c.operator_id == other.id)
    return sa.or_(
        maker.id == other.id,
        sa.func.coalesce(maker.account_id == other.account_id, sa.false()),
        sa.func.coalesce(maker.directory_id == other.directory_id, sa.false()),
        alike.correlate_except(mine, theirs).exists(),
    )


def brought_in(maker: Any, other: Any, now: datetime) -> Predicate:
    """Whether one of the two added, invited, reset or changed the other within a day, as the ledger and the tables tell."""
    since = now - APART
    i, r = t.invitation.c, t.record.c

    def by(one: Any, two: Any) -> Predicate:
        return sa.or_(
            sa.func.coalesce(sa.and_(two.added_by == one.id, two.added_at > since), sa.false()),
            _any(t.invitation, i.operator_id == two.id, i.made_by == one.id, i.made_at > since),
            _any(t.record, _decided_about(two), r.operator_id == one.id, r.at > since, r.action.not_in(TAKING)),
        )

    return sa.or_(by(maker, other), by(other, maker))


def _decided_about(operator: Any) -> Predicate:
    r = t.record.c
    return sa.and_(r.log == Log.LEDGER, r.kind == "decision", r.desk == "operators", r.case_id == operator.id)


def concerned(request: Any, other: Any) -> Predicate:
    """Whether the request is about the operator, under whichever of their logins."""
    c, about = t.request_case.c, t.operator.alias("about")
    cases = sa.select(sa.literal(1)).select_from(t.request_case.join(about, about.c.id == c.case_id))
    theirs = cases.where(c.request_id == request.id, one_person(about.c, other))
    return sa.and_(request.desk == "operators", theirs.correlate_except(t.request_case, about).exists())


def could_confirm(request: Any, maker: Any, other: Any, now: datetime) -> Predicate:
    """Whether the other operator could confirm the request now, for a maker who still may ask for it."""
    return sa.and_(
        maker.status == OperatorStatus.ACTIVE,
        entitled(request, maker),
        other.status == OperatorStatus.ACTIVE,
        sa.not_(other.unattended),
        entitled(request, other),
        sees_all(request, other),
        sa.not_(one_person(maker, other)),
        sa.not_(brought_in(maker, other, now)),
        sa.not_(concerned(request, other)),
    )


def alone(connection: sa.Connection, permission: Permission, sight: Sight) -> bool:
    """Whether nobody else works here, or did within a week, who has the right: neither programs nor the sealed account count."""
    o, r = t.operator.c, t.record.c
    lately = sa.exists().where(_decided_about(o), r.at > sight.now - WEEK)
    others = sa.select(o.id).where(
        o.id != sight.operator.id,
        sa.not_(o.unattended),
        sa.not_(o.break_glass),
        o.role.in_(roles_with(permission)),
        sa.or_(o.status == OperatorStatus.ACTIVE, sa.and_(o.status == OperatorStatus.DISABLED, lately)),
    )
    return connection.execute(others.limit(1)).first() is None
