"""Leave to export: above the limit a second person gives it, over exactly these records; whoever asked then makes the file, once.

Also what an export leaves besides its record: the other administrators are told of it, and one that was refused for the day's budget
is on record (SECURITY, *Authority*: what carried a district's records away was one login and a built-in bulk export).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from console.authority import Role
from console.deciding import close, moment
from console.deciding.requesting import Asked, keep, opened
from console.deciding.second_person import EXPORT
from console.errors import Refused
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from console.selection import Receipt
from models.words import Log, OperatorStatus, RequestState

if TYPE_CHECKING:
    from console.deciding import Committed
    from console.desk import Sight
    from console.office import Office
    from console.reports.exporting import Wanted
    from console.reports.lines import Lines
    from console.vault import Vault

REFUSED = "audit.refused"
TEMPLATE = "export-made"


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export would hold and what it asks for first; `digest` is what a code is given for."""

    count: int
    step_up: bool
    second_person: bool
    digest: bytes


def asked_for(wanted: Wanted) -> Asked:
    """What is asked for: everything that decides what leaves and for whom, not the file's name."""
    said = {
        "format": wanted.format,
        "where": wanted.where,
        "names": wanted.names,
        "reasons": wanted.reasons,
        "party": wanted.party,
        "interest": wanted.interest,
        "reason": wanted.purpose,
    }
    return Asked(*EXPORT, msgspec.json.encode(said, order="deterministic"), wanted.purpose)


def export_digest(wanted: Wanted) -> bytes:
    """What a code for this export is given for: what leaves, for whom, and into which file."""
    asked = asked_for(wanted)
    return sha256(msgspec.json.encode([*EXPORT, asked.call.hex(), str(wanted.out)])).digest()


def asks_code(wanted: Wanted) -> bool:
    """Whether it takes a code: it names people, or says reasons, which may."""
    return wanted.names or wanted.reasons


def leave_for(connection: sa.Connection, sight: Sight, vault: Vault, wanted: Wanted) -> int | None:
    """The request by which the operator has leave for just this export, not made yet."""
    r = t.request.c
    rows = connection.execute(
        sa.select(t.request)
        .where(
            r.maker_id == sight.operator.id,
            r.desk == EXPORT[0],
            r.action == EXPORT[1],
            r.state == RequestState.CONFIRMED,
            r.batch.is_(None),
            r.until > sight.now,
        )
        .order_by(r.id)
    )
    call = asked_for(wanted).call
    return next((row.id for row in rows if opened(row, vault).call == call), None)


def ask_leave(
    connection: sa.Connection, office: Office, sight: Sight, wanted: Wanted, lines: Lines, key: str
) -> Committed:
    """Have the export wait for a second person, over the records that it would hold now."""
    indexes = lines.indexes().subquery("records_asked_for").c
    rows = sa.select(indexes[0], sa.literal(0).label("version"))
    receipt = Receipt("export", None, 0, (), 0)
    return keep(
        connection,
        asked_for(wanted),
        rows,
        None,
        sight,
        office.vault,
        office.random,
        receipt,
        key,
        export_digest(wanted),
    )


def spend_leave(connection: sa.Connection, request: int, batch: str, sight: Sight) -> None:
    """The leave is used up by this batch. Raises Refused when it was used or is over."""
    r = t.request.c
    spent = connection.execute(
        t.request.update()
        .where(r.id == request, r.state == RequestState.CONFIRMED, r.batch.is_(None), r.until > sight.now)
        .values(batch=batch)
    ).rowcount
    if spent != 1:
        raise Refused(f"Request {request} gave leave for one export, which was made; nothing was exported. Ask again.")


def by_leave(operator: int) -> sa.Select[Any]:
    """The batches of the operator's exports that a second person gave leave for."""
    r = t.request.c
    return sa.select(r.batch).where(
        r.maker_id == operator, r.desk == EXPORT[0], r.action == EXPORT[1], r.batch.is_not(None)
    )


def tell_others(
    connection: sa.Connection, office: Office, sight: Sight, batch: str, count: int, wanted: Wanted
) -> None:
    """Tell the other district administrators, in the transaction that records the export."""
    many = "1 record" if count == 1 else f"{count:,} records"
    with_names = ", with names" if wanted.names else ""
    text = f"{sight.operator.name} exported {many} of {sight.settings.portal.name}{with_names}, as batch {batch}."
    n, o = t.notice.c, t.operator.c
    at = sa.literal(sight.now, n.made_at.type)
    told = sa.select(
        sa.literal(batch),
        sa.literal("audit"),
        sa.literal(0),
        sa.literal(TEMPLATE),
        o.email,
        sa.literal(office.vault.seal("notice", "sealed", batch, text.encode()), sa.LargeBinary()),
        at,
        at,
    ).where(
        o.id != sight.operator.id,
        o.role == Role.DISTRICT_ADMINISTRATOR,
        o.status == OperatorStatus.ACTIVE,
        o.email.is_not(None),
        o.email != "",
    )
    names = ["batch", "desk", "case_id", "template", "address", "sealed", "made_at", "not_before"]
    connection.execute(t.notice.insert().from_select(names, told))


def record_refusal(office: Office, sight: Sight, wanted: Wanted, spent: int, count: int) -> None:
    """Put on record that an export was refused for the day's budget; `count` is how many it would have been, at least."""
    with office.writing(sight.operator) as connection:
        batch = batch_id(office.random)
        detail = {"filter": wanted.where, "party": wanted.party, "interest": wanted.interest, "purpose": wanted.purpose}
        sealed = log.seal_detail(connection, office.vault, batch, detail)
        head = log.lock_head(connection, Log.LEDGER)
        record = log.Record(
            action=REFUSED,
            after={},
            at=moment(sight.now),
            batch=batch,
            before={},
            case=0,
            desk="audit",
            detail=sealed,
            index=head.size,
            kind="access",
            log=str(Log.LEDGER),
            operator=sight.operator.id,
            params={
                "at_least": count,
                "budget": sight.settings.policy.export_row_budget,
                "names": wanted.names,
                "spent": spent,
            },
            subject="",
            ties={},
        )
        receipt = Receipt(REFUSED.rpartition(".")[2], batch, 1, (), 0)
        close(connection, head, [record], sight, receipt, f"refused {batch}", sha256(batch.encode()).digest(), "audit")
    office.seal()
