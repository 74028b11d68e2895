"""What signing in leaves in the ledger: who came, who was refused and why, who left, what the directory said of somebody.

A record names an operator by number and never what was typed: a password is easily typed in a name's place. Who was refused has
proved nothing, so the record is nobody's (operator 0) about the operator whose name it was (case; 0 for a name that nobody has).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from console.errors import ConsoleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import sqlalchemy as sa

    from console.office import Office

KIND = "signin"
DESK = "operators"
NOBODY = 0

_log = logging.getLogger("district.signin")


def record(
    connection: sa.Connection,
    action: str,
    case: int,
    now: datetime,
    *,
    by: int = NOBODY,
    params: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> int:
    """Append `operators.<action>` about an operator, in this transaction; returns the ledger's size after it."""
    from console.deciding import announce, moment
    from console.ledger import log
    from models.words import Log

    head = log.lock_head(connection, Log.LEDGER)
    made = log.Record(
        action=f"{DESK}.{action}",
        after=dict(after or {}),
        at=moment(now),
        batch="",
        before=dict(before or {}),
        case=case,
        desk=DESK,
        detail="",
        index=head.size,
        kind=KIND,
        log=str(Log.LEDGER),
        operator=by,
        params=dict(params or {}),
        subject="",
        ties={},
    )
    log.append(connection, head, [made])
    announce(connection, head.size)
    return head.size


def sign(office: Office) -> None:
    """Sign what was committed. What cannot be signed now is signed at the next start, and said in the log."""
    try:
        office.seal()
    except ConsoleError as error:
        _log.critical("committed but not signed: %s", error)
