"""Notices as an operator sees them: which there are, and one of them word for word.

Promises: a notice is seen by whoever may see its case, and by nobody else: the desk's right and the operator's schools decide, as
for the case itself; what the worker says of its own (failures) is seen by who may run it. A list names no person; opening one
shows an address and what was written, so it is noted in the log of accesses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize
from console.deciding.choosing import in_scope
from console.desks import DESKS
from console.errors import Refused
from console.lazy import sa, t
from console.notices.alerting import WORK
from console.notices.rendering import greeting, render
from console.text import SafeText, paragraph, safe
from models.words import Mask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from console.authority import Operator
    from console.desk import Sight
    from console.filters import Predicate
    from console.notices.letters import Letter
    from console.office import Office

SEES = (Permission.REGISTRATIONS_SEE, Permission.CHALLENGES_SEE, Permission.GRANTS_SEE, Permission.WORK)
"""Any of these lets an operator ask; each opens its own desk's notices."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A notice as listed. `to` is `account 12` or `alerts`; `not_before` when it is sent at the earliest; `error` names nobody."""

    id: int
    state: str
    template: str
    desk: str
    case: int
    batch: str
    to: str
    made_at: datetime
    not_before: datetime
    attempts: int
    tried_at: datetime | None
    sent_at: datetime | None
    error: SafeText


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice word for word, as it reads now. `address` is None where there is none that can be written to."""

    listed: Listed
    address: SafeText | None
    message_id: str | None
    subject: SafeText
    lines: tuple[SafeText, ...]


def notices(
    office: Office, operator: Operator, *, states: Sequence[str] = (), batch: str = "", limit: int = 100
) -> list[Listed]:
    """The notices that the operator may see, the latest first. Raises Refused for a role that may see none."""
    n = t.notice.c
    sight = office.sight(operator)
    with office.reading(operator) as connection:
        where = [_visible(connection, sight)]
        if states:
            where.append(n.state.in_(states))
        if batch:
            where.append(n.batch == batch)
        rows = connection.execute(sa.select(t.notice).where(*where).order_by(n.id.desc()).limit(limit))
        return [_listed(row) for row in rows]


def notice(office: Office, operator: Operator, number: int) -> Shown:
    """One notice word for word; that it was opened is noted. Raises Refused when it does not exist for the operator."""
    sight = office.sight(operator)
    with office.reading(operator) as connection:
        row = connection.execute(
            sa.select(t.notice).where(t.notice.c.id == number, _visible(connection, sight))
        ).one_or_none()
        if row is None:
            raise Refused(f"There is no such notice: {number}. Look for it with district notices list.")
        letter = _masked(connection, row, render(connection, office.settings, office.vault, row))
    office.accesses.note(operator, row.desk, "notice", row.case_id)
    return Shown(
        _listed(row),
        safe(letter.to) if letter.to else None,
        row.message_id,
        safe(letter.subject),
        paragraph(letter.text),
    )


def _masked(connection: sa.Connection, row: Any, letter: Letter) -> Letter:
    """The letter as an operator may read it: to a student whose name a mask hides it is addressed by that name."""
    a, s = t.account.c, t.student.c
    own = connection.execute(
        sa.select(a.given_name, a.family_name, s.mask)
        .select_from(t.account.join(t.student, s.id == a.student_id))
        .where(a.id == row.account_id)
    ).one_or_none()
    if own is None or own.mask == Mask.NONE:
        return letter
    named = greeting(own.given_name, own.family_name)
    return replace(letter, to=letter.to and "(hidden)", text=letter.text.replace(named, "Hello,", 1))


def _visible(connection: sa.Connection, sight: Sight) -> Predicate:
    from console.desks import desk as desk_of

    if not any(sight.operator.may(each) for each in SEES):
        authorize(sight.operator, SEES[0])
    n = t.notice.c
    found: list[Predicate] = [n.desk == WORK] if sight.operator.may(Permission.WORK) else []
    for name in connection.execute(sa.select(n.desk).distinct()).scalars():
        if name not in DESKS or not sight.operator.may(desk_of(name).see):
            continue
        desk = desk_of(name)
        scope = in_scope(desk, sight)
        cases = [n.case_id.in_(sa.select(desk.key()).select_from(desk.source()).where(*scope))] if scope else []
        found.append(sa.and_(n.desk == name, *cases))
    return sa.or_(sa.false(), *found)


def _listed(row: Any) -> Listed:
    return Listed(
        id=row.id,
        state=row.state,
        template=row.template,
        desk=row.desk,
        case=row.case_id,
        batch=row.batch,
        to=f"account {row.account_id}" if row.account_id is not None else "alerts",
        made_at=row.made_at,
        not_before=row.not_before,
        attempts=row.attempts,
        tried_at=row.tried_at,
        sent_at=row.sent_at,
        error=safe(row.last_error or ""),
    )
