"""How much an operator may export in a day: a budget of rows, and how many of them without a second person."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from console.errors import Refused
from console.lazy import sa, t
from console.ledger import log
from console.ledger.bundle import ACTION
from console.reports.leave import by_leave
from models.words import Log

if TYPE_CHECKING:
    from console.desk import Sight
    from console.office import Office


def spent_today(connection: sa.Connection, sight: Sight) -> tuple[int, int]:
    """Rows that the operator exported today, by the ledger, and those of them that no second person gave leave for."""
    zone = sight.settings.portal.zone
    today = datetime.combine(sight.today, time.min, zone).astimezone(UTC)
    r = t.record.c
    rows = connection.execute(
        sa.select(r.body, r.batch).where(
            r.log == Log.LEDGER, r.operator_id == sight.operator.id, r.action == ACTION, r.at >= today
        )
    ).all()
    counted = [(int(log.decode(row.body).params["count"]), row.batch) for row in rows]
    given = set(connection.execute(by_leave(sight.operator.id)).scalars()) if counted else set()
    return sum(many for many, _ in counted), sum(many for many, batch in counted if batch not in given)


def too_many(office: Office, sight: Sight, count: int) -> bool:
    """Whether so many records of one day wait for a second person: in slices they are as many."""
    return office.assurance.second_person and count > sight.settings.signin.export_rows


def within_budget(sight: Sight, spent: int, count: int) -> None:
    """Raises Refused where so many more would be above the day's budget."""
    budget = sight.settings.policy.export_row_budget
    if spent + count > budget:
        more = "more than" if spent + count == budget + 1 else "at least"
        raise Refused(
            f"Of the {budget:,} records that may be exported a day, {spent:,} were; this would be {more} {budget - spent:,} more. "
            "Nothing was exported. Narrow the filter, or have policy.export_row_budget raised."
        )
