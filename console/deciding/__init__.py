"""The way of a decision, walked as data: authorise, lock, choose, change, record, notify, commit, sign.

One transaction does it all or nothing. The receipt is stored in the batch's own row, so that the same call made again finds it.
What asks for a code uses it up in that transaction; what asks for a second person ends as a request (`console.deciding.requesting`),
and is carried out here, in the maker's name, when it is confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from console.authority import authorize
from console.deciding.choosing import as_asked_for, objections, selected, skips, taking_part
from console.deciding.chosen import Chosen
from console.deciding.recorded import name_of
from console.deciding.requiring import required_of
from console.desk import Work
from console.errors import Refused, Usage
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from console.ledger.alike import Alike
from console.ledger.merkle import Growth
from console.params import options
from console.progress import SILENT
from console.selection import Receipt, Skip
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from console.assurance import Assurance
    from console.deciding.chosen import Change
    from console.desk import Decision, Desk, NoticeFor, Objection, Sight
    from console.ids import RandomSource
    from console.params import Params
    from console.progress import Progress
    from console.selection import Selection
    from console.vault import Vault


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That another operator confirmed a call: of which request, whose operator's number it is, and how many cases it has."""

    request: int
    by: int
    count: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operator: what, about which cases, with what, under which key; and whether somebody confirmed it."""

    desk: Desk
    decision: Decision
    selection: Selection
    params: Params
    key: str
    confirmed: Confirmed | None = None

    @property
    def bulk(self) -> bool:
        """Whether it is about more than one case."""
        return self.confirmed.count > 1 if self.confirmed else not self.selection.single

    def digest(self) -> bytes:
        """What makes a repeated call the same call."""
        return sha256(
            msgspec.json.encode(
                [self.desk.name, self.decision.name, self.selection, [self.params.__class__.__name__, self.params]],
                order="deterministic",
            )
        ).digest()


@dataclass(frozen=True, slots=True)
class Committed:
    """What a transaction left to do after its commit: the receipt to show, and what to sign: nothing, where no record was written."""

    receipt: Receipt
    growth: Growth | None = None


def repeated(connection: sa.Connection, sight: Sight, key: str, digest: bytes) -> Receipt | None:
    """The receipt of this very call if it was made before. Raises Refused when the key was used for another call."""
    row = connection.execute(
        sa.select(t.batch.c.receipt, t.batch.c.call_digest).where(
            t.batch.c.operator_id == sight.operator.id, t.batch.c.call_key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if bytes(row.call_digest) != digest:
        raise Refused("This key was used for another decision; nothing was done. Use a new key.")
    stored: dict[str, Any] = msgspec.json.decode(row.receipt)
    stored["skipped"] = tuple(Skip(**each) for each in stored["skipped"])
    return Receipt(**stored | {"again": True})


def held_to_one(call: Call) -> None:
    """Raise Usage where many cases are named for what is decided one by one."""
    if call.bulk and not call.decision.bulk:
        raise Usage(
            f"{call.decision.title} is decided one {call.desk.singular} at a time; nothing was done. Name one with --ids."
        )


def against(call: Call, sight: Sight) -> list[Objection]:
    """Everything that keeps cases out of this call, the most telling first."""
    desk, selection = call.desk, call.selection
    found = objections(desk, call.decision, call.params, sight, bulk=call.bulk, watermark=selection.watermark)
    return [as_asked_for(desk, selection.request), *found] if selection.request is not None else found


def decide(
    connection: sa.Connection,
    call: Call,
    sight: Sight,
    vault: Vault,
    random: RandomSource,
    assurance: Assurance,
    progress: Progress = SILENT,
) -> Committed:
    """Carry out the call inside `connection`'s transaction, or have it wait for a second person.

    Raises Refused, CodeNeeded, Usage or Cancelled, and then nothing was done.
    """
    desk, decision, params = call.desk, call.decision, call.params
    authorize(sight.operator, decision.permission)
    # Before its parameters are judged: a day that was to come when the call was made may be over when it is repeated.
    if (found := repeated(connection, sight, call.key, call.digest())) is not None:
        return Committed(found)
    decision.check(params, sight)
    held_to_one(call)
    out = against(call, sight)
    where = sa.and_(*selected(desk, call.selection, sight), *taking_part(out))
    changes = decision.changes(params, sight)
    ties = decision.ties(desk, params)
    decision.prepare(connection, where, params, sight)
    progress.say(0, 0, "choosing")
    with Chosen(connection, desk, ties, changes, "asked_for" if call.confirmed else "chosen") as chosen:
        count = chosen.fill(where)
        left_out = desk.case().c.id.not_in(sa.select(chosen.table.c.id))
        nothing = Receipt(
            decision.name, None, 0, *_skipped(skips(connection, desk, call.selection, out, sight, left_out))
        )
        if not count:
            return Committed(nothing)
        waits, said = _satisfied(connection, call, chosen, count, sight, assurance)
        if waits:
            from console.deciding.requesting import request

            return request(connection, call, sight, vault, random, chosen, nothing)
        batch = batch_id(random)
        work = Work(connection, sight, batch, params, vault, chosen.table, random, progress)
        inner = decision.underlying(work)
        if inner is not None and not inner.receipt.done:
            return Committed(replace(inner.receipt, decision=decision.name))
        progress.say(0, count, "changing")
        head = log.lock_head(connection, Log.LEDGER)
        first = head.size
        notices = _notify(connection, decision.notices(params), chosen, desk, batch, sight, vault)
        chosen.apply(first)
        decision.carry_out(work)
        plain, personal = split(params)
        detail = log.seal_detail(connection, vault, batch, personal)
        subject = decision.subject(params)
        named = name_of(subject, desk.case()) if subject is not None else "state"
        receipt = replace(nothing, batch=batch, done=count, notices=notices)
        if inner is not None:
            receipt = replace(
                inner.receipt, decision=decision.name, done=count, notices=notices + inner.receipt.notices
            )
        runs = _runs(chosen, desk, decision, sight, batch, first, plain | said, detail, named)
        log.append_runs(connection, head, runs, count, progress)
    conclude(connection, head, sight, receipt, call.key, call.digest(), desk.name, batch=batch)
    if inner is not None and inner.growth is not None and inner.growth.after == head.start:
        return Committed(receipt, Growth(inner.growth.before, head.frontier))
    return Committed(receipt, head.growth)


def _skipped(found: tuple[tuple[Skip, ...], int]) -> tuple[tuple[Skip, ...], int, int]:
    """Skipped cases, no notices, how many were skipped: as a receipt wants them."""
    return found[0], 0, found[1]


def _satisfied(
    connection: sa.Connection, call: Call, chosen: Chosen, count: int, sight: Sight, assurance: Assurance
) -> tuple[bool, dict[str, Any]]:
    """Whether it waits for a second person, and what records say of who answers for it. Uses up the code that was given for it.

    Raises Usage without the reason that is needed, CodeNeeded without the code.
    """
    if call.confirmed is not None:
        return False, {"confirmed_by": call.confirmed.by, "request": call.confirmed.request}
    needs = required_of(connection, call, chosen, count, sight, assurance)
    if needs.reason and not call.params.reason.strip():
        raise Usage(f"{call.decision.title} needs a reason; nothing was done. Add --reason.")
    if needs.step_up:
        assurance.spend(connection, sight.operator, call.digest(), sight.now)
    if not needs.second_person:
        return False, {}
    from console.deciding.second_person import alone

    if call.decision.bootstraps and alone(connection, call.decision.permission, sight):
        return False, {"alone": True}
    return True, {}


def close(
    connection: sa.Connection,
    head: log.Head,
    records: Sequence[log.Record],
    sight: Sight,
    receipt: Receipt,
    key: str,
    digest: bytes,
    desk: str,
    *,
    batch: str | None = None,
    name: str = "",
) -> Growth:
    """Append the records and the batch with its receipt; the last thing before the commit.

    `batch` and `name` are the batch's own where they are not the receipt's.
    """
    log.append(connection, head, records)
    conclude(connection, head, sight, receipt, key, digest, desk, batch=batch, name=name)
    return head.growth


def conclude(
    connection: sa.Connection,
    head: log.Head,
    sight: Sight,
    receipt: Receipt,
    key: str,
    digest: bytes,
    desk: str,
    undoes: str | None = None,
    *,
    batch: str | None = None,
    name: str = "",
) -> None:
    """Write the batch with its receipt behind its records, and tell of it."""
    connection.execute(
        t.batch.insert().values(
            id=batch or receipt.batch,
            at=sight.now,
            operator_id=sight.operator.id,
            call_key=key,
            call_digest=digest,
            desk=desk,
            decision=name or receipt.decision,
            done=receipt.done,
            undoes=undoes,
            receipt=msgspec.json.encode(receipt).decode(),
        )
    )
    announce(connection, head.size)


def announce(connection: sa.Connection, size: int) -> None:
    """Tell other consoles, at once, on an engine that can; it takes effect with the commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_notify("district_ledger", str(size))))


def split(params: Params) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters as the record may say them, and those that only the encrypted detail may hold."""
    personal = {each.name for each in options(type(params)) if each.personal}
    plain: dict[str, Any] = {}
    detail: dict[str, Any] = {}
    for part in fields(params):
        value = getattr(params, part.name)
        if value is None or value == "":
            continue
        (detail if part.name in personal else plain)[part.name] = (
            value.isoformat() if hasattr(value, "isoformat") else value
        )
    return plain, detail


def moment(at: Any) -> str:
    """A moment as records hold it: UTC, microseconds, `Z`."""
    return str(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _runs(
    chosen: Chosen,
    desk: Desk,
    decision: Decision,
    sight: Sight,
    batch: str,
    first: int,
    params: Mapping[str, Any],
    detail: str,
    subject: str,
) -> Iterator[log.Run]:
    """The records of the chosen cases."""

    @cache
    def alike(change: Change) -> Alike:
        return Alike(
            log.Record(
                action=f"{desk.name}.{decision.name}",
                after=change.after,
                at=moment(sight.now),
                batch=batch,
                before=change.before,
                case=0,
                desk=desk.name,
                detail=detail,
                index=0,
                kind="decision",
                log=str(Log.LEDGER),
                operator=sight.operator.id,
                params=dict(params),
                subject=subject,
                ties=dict.fromkeys(change.ties, 0),
            )
        )

    for group in chosen.groups():
        yield alike(group.change).run(first + group.place, group.cases, group.ties)


def _notify(
    connection: sa.Connection,
    notices: Sequence[NoticeFor],
    chosen: Chosen,
    desk: Desk,
    batch: str,
    sight: Sight,
    vault: Vault,
) -> int:
    """Put the notices into the outbox, held so that an undo can withdraw them. Returns how many."""
    count = 0
    case = desk.case()
    not_before = sight.now + timedelta(minutes=sight.settings.policy.notice_hold_minutes)
    for each in notices:
        sealed = vault.seal("notice", "sealed", batch, each.message.encode()) if each.message else None
        named = {
            "batch": sa.literal(batch),
            "desk": sa.literal(desk.name),
            "case_id": case.c.id,
            "template": sa.literal(each.template),
            "account_id": each.account,
            "sealed": sa.literal(sealed, sa.LargeBinary()),
            "made_at": sa.literal(sight.now, t.notice.c.made_at.type),
            "not_before": sa.literal(not_before, t.notice.c.not_before.type),
        }
        picked = (
            sa.select(*named.values())
            .select_from(desk.source().join(chosen.table, chosen.table.c.id == case.c.id))
            .where(each.account.is_not(None), *([each.where] if each.where is not None else []))
        )
        inserted = t.notice.insert().from_select(list(named), picked)
        count += connection.execute(inserted, execution_options={"preserve_rowcount": True}).rowcount
    return count
