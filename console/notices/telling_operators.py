"""What administrators are told of who works here: that somebody was added, that the break-glass account was used.

Promises: it goes to the district's own addresses (`mail.alerts`) and to every other administrator who has one, once each, in the
transaction of what it tells; a message names numbers and no person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.authority import Permission, holding
from console.ids import batch_id
from console.lazy import sa, t
from models.words import OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime

    from console.ids import RandomSource
    from console.settings import Settings

DESK = "operators"


def tell_administrators(
    connection: sa.Connection,
    settings: Settings,
    random: RandomSource,
    now: datetime,
    template: str,
    case: int,
    *,
    but: int | None = None,
) -> int:
    """Put `template` about operator no. `case` into the outbox, due at once; returns for how many addresses.

    `but` is the operator who did it and knows. Whom it is about is told too, once they work here.
    """
    o = t.operator.c
    theirs = connection.execute(
        sa.select(o.id, o.email).where(
            o.status == OperatorStatus.ACTIVE,
            o.email.is_not(None),
            o.email != "",
            sa.or_(o.id == case, o.role.in_(holding(Permission.OPERATORS_DECIDE))),
        )
    ).all()
    addresses = dict.fromkeys((*settings.mail.alerts, *(row.email for row in theirs if row.id != but)))
    batch = batch_id(random)
    rows = [
        {
            "batch": batch,
            "desk": DESK,
            "case_id": case,
            "template": template,
            "address": address,
            "made_at": now,
            "not_before": now,
        }
        for address in addresses
    ]
    if rows:
        connection.execute(t.notice.insert(), rows)
    return len(rows)
