"""The way of a disclosure: authorise, record, commit, sign – and only then open what was asked for.

Nothing is read before the record of it is on the ledger under a signature: what cannot be recorded is not shown. The record says
who, whom, when and, encrypted, why; never what was shown (PORTAL, *Masks and restrictions*; 34 CFR 99.32).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from console.authority import authorize
from console.deciding import Committed, close, moment, repeated, split
from console.deciding.choosing import in_scope
from console.errors import ConsoleError, Refused, Unavailable, Usage
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from console.selection import Receipt
from models.words import Log

if TYPE_CHECKING:
    from console.authority import Operator
    from console.desk import Desk, Disclosure, Sight
    from console.office import Office
    from console.params import Params
    from console.text import SafeText


@dataclass(frozen=True, slots=True)
class Shown:
    """What was asked for, to be shown to this operator until that moment and kept nowhere."""

    text: SafeText
    until: datetime


def disclosure_digest(desk: Desk, disclosure: Disclosure, case: int, params: Params) -> bytes:
    """What makes a repeated disclosure the same, and what a code for it is given for."""
    return sha256(msgspec.json.encode([desk.name, disclosure.name, case, params], order="deterministic")).digest()


def disclose(
    office: Office, operator: Operator, desk: Desk, disclosure: Disclosure, case: int, params: Params, key: str
) -> Shown:
    """Record, sign and then give `disclosure` of one case. The same call again within its time is one disclosure.

    Raises Usage without a reason, Refused without the right, for a case that does not exist for the operator and for a call whose
    time is over, CodeNeeded without the code that it asks for, Unavailable when it could not be recorded or signed: then nothing
    is shown.
    """
    authorize(operator, disclosure.permission)
    if not params.reason.strip():
        raise Usage(f"{disclosure.title} needs a reason; nothing was shown. Add --reason.")
    sight = office.sight(operator)
    digest = disclosure_digest(desk, disclosure, case, params)
    receipt = office.carry_out(
        lambda connection: _record(connection, office, sight, desk, disclosure, case, params, key, digest),
        lambda connection: repeated(connection, sight, key, digest),
        operator,
    )
    _signed(office)
    with office.reading(operator) as connection:
        began = connection.execute(sa.select(t.batch.c.at).where(t.batch.c.id == receipt.batch)).scalar_one()
        until = began + timedelta(seconds=disclosure.seconds)
        if office.clock.now() >= until:
            raise Refused("What was asked for has been shown and its time is over. Ask again, with a reason.")
        return Shown(disclosure.give(connection, sight, case, office.vault), until)


def _signed(office: Office) -> None:
    """Sign up to the record, where that did not happen right after the commit."""
    try:
        office.seal()
    except ConsoleError as error:
        raise Unavailable(f"It was recorded but could not be signed, so nothing was shown. {error}") from error


def _record(
    connection: sa.Connection,
    office: Office,
    sight: Sight,
    desk: Desk,
    disclosure: Disclosure,
    case: int,
    params: Params,
    key: str,
    digest: bytes,
) -> Committed:
    if (found := repeated(connection, sight, key, digest)) is not None:
        return Committed(found)
    known = connection.execute(
        sa.select(desk.key()).select_from(desk.source()).where(desk.among((case,)), *in_scope(desk, sight))
    ).first()
    if known is None:
        raise Refused(f"There is no such {desk.singular}: {case}; nothing was shown. Look for it with its desk's list.")
    if disclosure.step_up and office.assurance.asks:
        office.assurance.spend(connection, sight.operator, digest, sight.now)
    batch = batch_id(office.random)
    head = log.lock_head(connection, Log.LEDGER)
    first = head.size
    plain, personal = split(params)
    said: dict[str, Any] = {**plain, "seconds": disclosure.seconds}
    record = log.Record(
        action=f"{desk.name}.{disclosure.name}",
        after={},
        at=moment(sight.now),
        batch=batch,
        before={},
        case=case,
        desk=desk.name,
        detail=log.seal_detail(connection, office.vault, batch, personal),
        index=first,
        kind=disclosure.kind,
        log=str(Log.LEDGER),
        operator=sight.operator.id,
        params=said,
        subject="",
        ties={},
    )
    receipt = Receipt(disclosure.name, batch, 1, (), 0)
    return Committed(receipt, close(connection, head, [record], sight, receipt, key, digest, desk.name))
