"""A decision that needs a second person does not run: it is kept as it was asked for, with the exact rows that it is about.

What is kept: the parameters, sealed; every case with its version, by one statement whatever their number; and a digest over all of
it, which the signed record of the asking repeats, so that what is confirmed is what was asked for or nothing is done. A request
waits for 24 hours (SECURITY, *Authority*). Who could confirm it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from console.deciding import Committed, close, moment
from console.deciding.second_person import could_confirm
from console.errors import Refused, Unverified
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from models.words import Log, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from console.deciding import Call
    from console.deciding.chosen import Chosen
    from console.desk import Sight
    from console.ids import RandomSource
    from console.selection import Receipt
    from console.vault import Vault

WAITS = timedelta(hours=24)
ASK = "requests.ask"
"""The action of the record of an asking."""
TEMPLATE = "request-waits"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: action and parameters (canonical JSON), and their reason, which the record's detail repeats."""

    desk: str
    action: str
    call: bytes
    reason: str


def digest_of(maker: int, asked: Asked, rows: Iterable[tuple[int, int]]) -> bytes:
    """SHA-256 over who asks, what, with which parameters, about which cases in which versions, in the cases' order."""
    found = sha256(msgspec.json.encode([maker, asked.desk, asked.action, asked.call.hex()]))
    for case, version in rows:
        found.update(f"\n{case} {version}".encode())
    return found.digest()


def request(
    connection: sa.Connection,
    call: Call,
    sight: Sight,
    vault: Vault,
    random: RandomSource,
    chosen: Chosen,
    receipt: Receipt,
) -> Committed:
    """Keep the call over the chosen cases; `receipt` says who was left out of it."""
    desk = call.desk
    asked = Asked(desk.name, call.decision.name, encode(call.params), call.params.reason)
    rows = sa.select(chosen.table.c.id, chosen.table.c.version)
    placed = desk.source().join(chosen.table, chosen.table.c.id == desk.case().c.id)
    school = desk.school()
    schools = None if school is None else sa.select(school).select_from(placed)
    return keep(connection, asked, rows, schools, sight, vault, random, receipt, call.key, call.digest())


def encode(params: Any) -> bytes:
    """Parameters as they are kept."""
    return msgspec.json.encode(params, order="deterministic")


def keep(
    connection: sa.Connection,
    asked: Asked,
    rows: sa.Select[Any],
    schools: sa.Select[Any] | None,
    sight: Sight,
    vault: Vault,
    random: RandomSource,
    receipt: Receipt,
    key: str,
    call_digest: bytes,
) -> Committed:
    """Keep what is asked for over `rows` (case and version) of `schools`, None for cases that are of none.

    Raises Refused when the same waits already, for an operator who cannot be answered, as a program.
    """
    maker = sight.operator
    if maker.unattended:
        raise Refused("This waits for a second person, and a program cannot ask for one; nothing was done.")
    number, until = _stored(connection, asked, rows, schools, sight, vault)
    digest, count = connection.execute(
        sa.select(t.request.c.digest, t.request.c.count).where(t.request.c.id == number)
    ).one()
    batch = batch_id(random)
    told = tell_who_could(connection, number, batch, sight, vault, asked, count)
    head = log.lock_head(connection, Log.LEDGER)
    first = head.size
    connection.execute(t.request.update().where(t.request.c.id == number).values(version=first + 1))
    record = log.Record(
        action=ASK,
        after={"state": str(RequestState.WAITING)},
        at=moment(sight.now),
        batch=batch,
        before={"state": None},
        case=number,
        desk="requests",
        detail=log.seal_detail(connection, vault, batch, {"reason": asked.reason}),
        index=first,
        kind="decision",
        log=str(Log.LEDGER),
        operator=maker.id,
        params={
            "about": f"{asked.desk}.{asked.action}",
            "cases": count,
            "digest": bytes(digest).hex(),
            "until": moment(until),
        },
        subject="state",
        ties={},
    )
    waits = replace(receipt, request=number, until=moment(until), notices=told)
    grown = close(connection, head, [record], sight, waits, key, call_digest, "requests", batch=batch, name="ask")
    return Committed(waits, grown)


def _stored(
    connection: sa.Connection,
    asked: Asked,
    rows: sa.Select[Any],
    schools: sa.Select[Any] | None,
    sight: Sight,
    vault: Vault,
) -> tuple[int, datetime]:
    r, maker, until = t.request.c, sight.operator.id, sight.now + WAITS
    places = rows.subquery("rows_asked_for").c
    ordered = sa.select(places[0], places[1]).order_by(places[0])
    count = 0

    def counted() -> Iterable[tuple[int, int]]:
        nonlocal count
        for case, version in connection.execute(ordered):
            count += 1
            yield case, version

    digest = digest_of(maker, asked, counted())
    waiting = connection.execute(
        sa.select(r.id).where(
            r.maker_id == maker, r.digest == digest, r.state == RequestState.WAITING, r.until > sight.now
        )
    ).scalar()
    if waiting is not None:
        raise Refused(f"Request {waiting} asks for just this and waits for a second person; nothing more was done.")
    unplaced = schools is None or _any_without(connection, schools)
    number = connection.execute(
        t.request.insert()
        .values(
            desk=asked.desk,
            action=asked.action,
            call=vault.seal("request", "call", digest.hex(), asked.call),
            digest=digest,
            count=count,
            unplaced=unplaced,
            maker_id=maker,
            made_at=sight.now,
            until=until,
        )
        .returning(r.id)
    ).scalar_one()
    connection.execute(
        t.request_case.insert().from_select(
            ["request_id", "case_id", "version"], sa.select(sa.literal(number), places[0], places[1])
        )
    )
    if schools is not None:
        at = schools.subquery("schools_asked_for").c[0]
        connection.execute(
            t.request_school.insert().from_select(
                ["request_id", "school_id"], sa.select(sa.literal(number), at).where(at.is_not(None)).distinct()
            )
        )
    return number, until


def _any_without(connection: sa.Connection, schools: sa.Select[Any]) -> bool:
    at = schools.subquery("schools_asked_for").c[0]
    return connection.execute(sa.select(sa.literal(1)).where(at.is_(None)).limit(1)).first() is not None


def tell_who_could(
    connection: sa.Connection, number: int, batch: str, sight: Sight, vault: Vault, asked: Asked, count: int
) -> int:
    """Put a message to everybody who could confirm the request, and has an address, into the outbox. Returns how many."""
    maker, other = t.operator.alias("maker"), t.operator.alias("other")
    told = (
        sa.select(
            sa.literal(batch),
            sa.literal("requests"),
            sa.literal(number),
            sa.literal(TEMPLATE),
            other.c.email,
            sa.literal(
                vault.seal("notice", "sealed", batch, said(asked, count, number, sight).encode()), sa.LargeBinary()
            ),
            sa.literal(sight.now, t.notice.c.made_at.type),
            sa.literal(sight.now, t.notice.c.not_before.type),
        )
        .select_from(t.request.join(maker, maker.c.id == t.request.c.maker_id))
        .where(
            t.request.c.id == number,
            other.c.email.is_not(None),
            other.c.email != "",
            could_confirm(t.request.c, maker.c, other.c, sight.now),
        )
    )
    names = ["batch", "desk", "case_id", "template", "address", "sealed", "made_at", "not_before"]
    inserted = t.notice.insert().from_select(names, told)
    return connection.execute(inserted, execution_options={"preserve_rowcount": True}).rowcount


def said(asked: Asked, count: int, number: int, sight: Sight) -> str:
    """What the message says: nobody's name but the maker's, and no case."""
    many = "1 case" if count == 1 else f"{count:,} cases"
    until = (sight.now + WAITS).astimezone(sight.settings.portal.zone)
    return (
        f"Request {number} on {sight.settings.portal.name} waits for a second person: {asked.action} at the desk "
        f"{asked.desk}, {many}, asked for by {sight.operator.name}. It waits until {until:%Y-%m-%d %H:%M}."
    )


def verified(connection: sa.Connection, row: Any, vault: Vault) -> Asked:
    """What a stored request asks for, when all of it is as it was asked for: raises Unverified where anything was changed.

    The digest is compared with the row's and with the one in the signed record of the asking.
    """
    asked = opened(row, vault)
    c, r = t.request_case.c, t.record.c
    rows = connection.execute(sa.select(c.case_id, c.version).where(c.request_id == row.id).order_by(c.case_id))
    digest = digest_of(row.maker_id, asked, ((case, version) for case, version in rows))
    body = connection.execute(
        sa.select(r.body).where(r.log == Log.LEDGER, r.desk == "requests", r.case_id == row.id, r.action == ASK)
    ).scalar()
    told = log.decode(body).params.get("digest") if body is not None else None
    if digest != bytes(row.digest) or told != digest.hex():
        raise Unverified(
            f"Request {row.id} is not what was asked for: somebody changed it. Nothing was done. "
            "Keep everything as it is and run district audit verify."
        )
    return asked


def opened(row: Any, vault: Vault) -> Asked:
    """What a stored request asks for, unsealed. Raises as `Vault.open`."""
    call = vault.open("request", "call", bytes(row.digest).hex(), bytes(row.call))
    reason = msgspec.json.decode(call).get("reason", "")
    return Asked(row.desk, row.action, call, reason)
