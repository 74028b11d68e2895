"""What waits, how old it is, what came, what expires and what went wrong: the numbers of the home screen.

Promises: counts only, no names; a handful of set-based queries whatever the size of the district, each count capped;
nothing that the operator's role or schools may not see.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.browse import Browse, Order
from console.deciding.choosing import matching
from console.lazy import sa, t
from console.queue import COUNT_CAP, Count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Operator
    from console.desk import Desk, Sight
    from console.office import Office

DAYS = 14
"""Days of arrivals that are counted one by one, today the last."""
REVIEW_WITHIN = 14
"""Days ahead in which a mask or a block that has to be looked at again counts."""
ENDS_WITHIN = 30
"""Days ahead in which a grant that ends counts."""
LAST = 5
"""How many of the operator's last decisions are shown."""


@dataclass(frozen=True, slots=True)
class DeskView:
    """One desk: what waits, since when, and how many cases arrived on each of the last `DAYS` days (empty: none arrive)."""

    name: str
    title: str
    digit: str
    waiting: Count
    oldest: datetime | None
    arrivals: tuple[int, ...]
    due_today: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision of the operator as its batch tells it; `undone` when a later batch took it back."""

    batch: str
    at: datetime
    desk: str
    decision: str
    done: int
    undone: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the home screen says. None where the operator may not know."""

    at: datetime
    desks: tuple[DeskView, ...]
    reviews: int | None
    grants_ending: int | None
    refused: int | None
    notices_failed: int | None
    last: tuple[Decided, ...]


def overview(office: Office, operator: Operator, desks: Sequence[Desk]) -> Overview:
    """The overview of these desks for this operator, now."""
    seen = [desk for desk in desks if operator.may(desk.see)]
    with office.reading(operator) as connection:
        sight = office.sight(operator)
        return Overview(
            at=sight.now,
            desks=tuple(_desk(connection, desk, sight) for desk in seen if desk.waiting),
            reviews=_reviews(connection, sight) if operator.may(Permission.STUDENTS_SEE) else None,
            grants_ending=_grants_ending(connection, sight) if operator.may(Permission.GRANTS_SEE) else None,
            refused=_refused(connection) if operator.may(Permission.INTAKE) else None,
            notices_failed=_notices_failed(connection) if operator.may(Permission.WORK) else None,
            last=_decided(connection, t.batch.c.operator_id == operator.id, LAST),
        )


def last_decisions(office: Office, operator: Operator, limit: int = LAST) -> tuple[Decided, ...]:
    """The operator's own last decisions, the latest first; undoing is one too."""
    with office.reading() as connection:
        return _decided(connection, t.batch.c.operator_id == operator.id, limit)


def batch_named(office: Office, batch: str) -> Decided:
    """The batch of that name, whoever decided it. Raises KeyError when there is none."""
    with office.reading() as connection:
        for found in _decided(connection, t.batch.c.id == batch, 1):
            return found
    raise KeyError(batch)


def _decided(connection: sa.Connection, where: sa.ColumnElement[bool], limit: int) -> tuple[Decided, ...]:
    b, later = t.batch.c, t.batch.alias("later")
    undone = sa.exists().where(later.c.undoes == b.id)
    query = (
        sa.select(b.id, b.at, b.desk, b.decision, b.done, undone.label("undone"))
        .where(where)
        .order_by(b.at.desc())
        .limit(limit)
    )
    return tuple(
        Decided(row.id, row.at, row.desk, row.decision, row.done, bool(row.undone)) for row in connection.execute(query)
    )


def _desk(connection: sa.Connection, desk: Desk, sight: Sight) -> DeskView:
    queue = Browse(lambda: nullcontext(connection), desk, sight, desk.waiting, None, 0)
    waiting = queue.count(COUNT_CAP)
    oldest: datetime | None = None
    arrivals: tuple[int, ...] = ()
    if "arrived_at" in desk.case().c:
        by_age = Browse(lambda: nullcontext(connection), desk, sight, desk.waiting, Order("arrived"), 0)
        oldest = next((row.anchor for row in by_age.rows(1)), None)
        arrivals = _arrivals(connection, desk, sight)
    due_today, overdue = _due(connection, desk, sight) if desk.name == "challenges" else (0, 0)
    return DeskView(desk.name, desk.title, desk.digit, waiting, oldest, arrivals, due_today, overdue)


def _arrivals(connection: sa.Connection, desk: Desk, sight: Sight) -> tuple[int, ...]:
    """Arrivals of each of the last days; a day begins at midnight in the portal's time zone, whatever its length."""
    zone = sight.settings.portal.zone
    first = sight.today - timedelta(days=DAYS - 1)
    bounds = [datetime.combine(first + timedelta(days=n), time.min, zone) for n in range(DAYS + 1)]
    at = desk.case().c.arrived_at
    source = desk.case() if desk.whole else desk.source()
    ours = matching(desk, "", sight)
    # A range of the index for each day: a sum over all days would judge every arrival fourteen times.
    days = [
        sa.select(sa.func.count()).select_from(source).where(at >= begins, at < ends, *ours).scalar_subquery()
        for begins, ends in pairwise(bounds)
    ]
    return tuple(int(each) for each in connection.execute(sa.select(*days)).one())


def _due(connection: sa.Connection, desk: Desk, sight: Sight) -> tuple[int, int]:
    """Challenges whose next date is today, and those whose date has passed: the first answer, then the decision."""
    c = t.challenge.c
    due = sa.case((sa.and_(c.answered_at.is_(None), c.answer_due < c.decision_due), c.answer_due), else_=c.decision_due)
    row = connection.execute(
        sa.select(
            sa.func.sum(sa.case((due == sight.today, 1), else_=0)),
            sa.func.sum(sa.case((due < sight.today, 1), else_=0)),
        )
        .select_from(desk.case() if desk.whole else desk.source())
        .where(*matching(desk, "", sight), c.state.in_(("open", "waiting", "appealed")))
    ).one()
    return int(row[0] or 0), int(row[1] or 0)


def _count(connection: sa.Connection, query: Any) -> int:
    return int(connection.execute(query).scalar_one())


def _ours(sight: Sight, school: sa.ColumnElement[int]) -> list[Any]:
    schools = sight.operator.schools
    return [] if schools is None else [sa.func.judged(school).in_(sorted(schools))]


def _reviews(connection: sa.Connection, sight: Sight) -> int:
    """Students with a mask, block, check or opt-out that has to be looked at again soon, or had to be."""
    s = t.student.c
    until = sight.today + timedelta(days=REVIEW_WITHIN)
    soon = [column <= until for column in (s.mask_review, s.block_review, s.verify_review, s.opt_out_review)]
    return _count(
        connection,
        sa.select(sa.func.count()).select_from(t.student).where(sa.or_(*soon), *_ours(sight, s.school_id)),
    )


def _grants_ending(connection: sa.Connection, sight: Sight) -> int:
    g = t.access_grant.c
    until = sight.today + timedelta(days=ENDS_WITHIN)
    return _count(
        connection,
        sa.select(sa.func.count())
        .select_from(t.access_grant)
        .where(g.state == "approved", g.ends > sight.today, g.ends <= until, *_ours(sight, g.school_id)),
    )


def _refused(connection: sa.Connection) -> int:
    """Rows of the intake tables that the console refused."""
    tables = (t.intake_registration, t.intake_challenge, t.intake_grant, t.intake_answer, t.intake_account)
    refused = [sa.select(sa.literal(1)).select_from(each).where(each.c.refused.is_not(None)) for each in tables]
    return _count(connection, sa.select(sa.func.count()).select_from(sa.union_all(*refused).subquery()))


def _notices_failed(connection: sa.Connection) -> int:
    n = t.notice.c
    return _count(connection, sa.select(sa.func.count()).select_from(t.notice).where(n.state == "failed"))
