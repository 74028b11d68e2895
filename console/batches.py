"""The decisions that were made, batch by batch, the latest first: where an operator finds the name that `undo` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.authority import Permission, authorize
from console.lazy import sa, t
from console.scope import records_of
from console.text import SafeText, safe
from models.words import Log

if TYPE_CHECKING:
    from datetime import datetime

    from console.authority import Operator
    from console.filters import Predicate
    from console.office import Office


@dataclass(frozen=True, slots=True)
class Made:
    """One batch. `undone_by` is the batch that took it back, None where none did."""

    id: str
    at: datetime
    operator: SafeText
    desk: str
    decision: str
    done: int
    undone_by: str | None


def batches(office: Office, operator: Operator, *, everybody: bool = False, limit: int = 20) -> list[Made]:
    """The operator's own last decisions, or everybody's for who may see the audit. Raises Refused without that right."""
    if everybody:
        authorize(operator, Permission.AUDIT_SEE)
    b, later = t.batch.c, t.batch.alias("later")
    undone = sa.select(sa.func.max(later.c.id)).where(later.c.undoes == b.id).scalar_subquery()
    where: list[Predicate] = [] if everybody else [b.operator_id == operator.id]
    done: sa.ColumnElement[int] = b.done
    if operator.schools is not None:
        r = t.record.c
        seen = sa.and_(r.batch == b.id, r.log == Log.LEDGER, records_of(operator))
        where.append(sa.or_(b.operator_id == operator.id, sa.exists().where(seen)))
        counted = sa.select(sa.func.count()).select_from(t.record).where(seen).scalar_subquery()
        done = sa.case((b.operator_id == operator.id, b.done), else_=counted)
    query = (
        sa.select(b.id, b.at, t.operator.c.name, b.desk, b.decision, done.label("done"), undone.label("undone_by"))
        .join(t.operator, t.operator.c.id == b.operator_id)
        .where(*where)
        .order_by(b.at.desc(), b.id)
        .limit(limit)
    )
    with office.reading(operator) as connection:
        return [
            Made(row.id, row.at, safe(row.name), row.desk, row.decision, row.done, row.undone_by)
            for row in connection.execute(query)
        ]
