"""Cases that somebody named, drawn as their desk's queue draws them: what a dialog shows of the cases it is about.

Promises: nothing beyond the operator's schools, never more than asked for, and no access is noted: a row listed is not a
case opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.authority import authorize
from console.deciding.choosing import in_scope
from console.errors import Refused
from console.lazy import sa
from console.opening import availability
from console.queue import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.authority import Operator
    from console.desk import Desk, Sight
    from console.office import Office


def rows_of(office: Office, operator: Operator, desk: Desk, cases: Sequence[int]) -> tuple[Row, ...]:
    """The rows of these cases in the order of the numbers given; what does not exist for the operator is left out."""
    with office.reading(operator) as connection:
        return read_rows(connection, office.sight(operator), desk, cases)


def read_rows(connection: sa.Connection, sight: Sight, desk: Desk, cases: Sequence[int]) -> tuple[Row, ...]:
    """The same within a reading that is under way."""
    authorize(sight.operator, desk.see)
    query = (
        sa.select(desk.key().label("id"), desk.state(sight).label("state"), *desk.shown(sight))
        .select_from(desk.source())
        .where(desk.among(cases), *in_scope(desk, sight))
    )
    found = {row.id: row for row in connection.execute(query)}
    return tuple(
        Row(each, found[each].state, desk.cells(found[each], sight), (each,)) for each in cases if each in found
    )


def possible(office: Office, operator: Operator, desk: Desk, case: int) -> Mapping[str, str | None]:
    """For each decision, why this case cannot take it now, or None. Raises Refused when there is no such case."""
    authorize(operator, desk.see)
    sight = office.sight(operator)
    with office.reading(operator) as connection:
        state = connection.execute(
            sa.select(desk.state(sight)).select_from(desk.source()).where(desk.among((case,)), *in_scope(desk, sight))
        ).scalar()
        if state is None:
            raise Refused(f"There is no such {desk.singular}: {case}; nothing was done.")
        return availability(connection, desk, case, state, sight)
