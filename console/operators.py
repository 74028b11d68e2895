"""Who works at the console: the operators there are, and the one who is meant when nobody was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.errors import Refused, Usage
from console.lazy import sa, t

if TYPE_CHECKING:
    from console.authority import Operator
    from console.office import Office


def usual_operator(office: Office) -> Operator:
    """The only attended operator, or the first one of a demonstration. Raises Usage when there are several."""
    with office.reading() as connection:
        names = list(
            connection.execute(
                sa.select(t.operator.c.name)
                .where(t.operator.c.unattended.is_(sa.false()), t.operator.c.disabled.is_(sa.false()))
                .order_by(t.operator.c.id)
            ).scalars()
        )
        demo = connection.execute(sa.select(t.portal.c.demo_seed)).scalar()
    if not names:
        raise Refused("No operator works here; nothing was done. Make one with district init --operator NAME.")
    if len(names) > 1 and demo is None:
        raise Usage(
            f"{len(names)} operators work here; nothing was done. Say who you are with --operator or DISTRICT_OPERATOR."
        )
    return office.operator(names[0])
