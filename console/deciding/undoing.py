"""Taking a batch back: every case to what its record says it was, unless something changed it since.

History is not edited: an undo is a batch of its own, with records that turn before and after round, and can be undone in turn.
Notices that were still held are withdrawn; what was said in a thread by that batch is marked withdrawn. Undoing the undo says both
after all.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

from console.authority import authorize
from console.deciding import Committed, conclude, moment, repeated
from console.deciding.choosing import in_scope
from console.deciding.chosen import ONE_BY_ONE, Chosen, Put
from console.desk import Decision, Work
from console.desks import DESKS
from console.errors import Refused
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from console.ledger.alike import Alike
from console.params import Params
from console.progress import SILENT
from console.selection import Receipt, Skip
from models.words import Log, NoticeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from console.assurance import Assurance
    from console.deciding.chosen import Change
    from console.desk import Desk, Objection, Sight
    from console.ids import RandomSource
    from console.progress import Progress
    from console.vault import Vault


def undo_digest(batch: str) -> bytes:
    """What makes a repeated undo the same call."""
    return sha256(f"undo {batch}".encode()).digest()


def undo(
    connection: sa.Connection,
    batch: str,
    sight: Sight,
    vault: Vault,
    random: RandomSource,
    key: str,
    desk_of: Callable[[str], Desk],
    assurance: Assurance,
    progress: Progress = SILENT,
) -> Committed:
    """Undo `batch` inside `connection`'s transaction.

    Raises Refused when it is unknown or cannot be undone, CodeNeeded for as many cases as ask for a code, Cancelled.
    """
    row = connection.execute(sa.select(t.batch).where(t.batch.c.id == batch)).one_or_none()
    if row is None or row.desk not in DESKS:
        raise _unknown(batch)
    desk = desk_of(row.desk)
    records = _records_of(connection, batch)
    span = (records[0].index + 1, records[-1].index + 1)
    if row.operator_id != sight.operator.id and (scope := in_scope(desk, sight)):
        seen = set(connection.execute(sa.select(desk.key()).select_from(desk.source()).where(*scope)).scalars())
        records = [record for record in records if record.case in seen]
        if not records:
            raise _unknown(batch)
    decision = _decision(desk, row)
    authorize(sight.operator, decision.permission)
    digest = undo_digest(batch)
    if (found := repeated(connection, sight, key, digest)) is not None:
        return Committed(found)
    if not decision.undoable:
        raise Refused(f"{decision.title} cannot be undone; nothing was done.")
    progress.say(0, len(records), "choosing")
    columns = _columns(records, desk, decision)
    tables = {column.table.name: column.table for column in columns}
    tables.pop(desk.case().name, None)
    ties = {table: sa.cast(sa.null(), sa.BigInteger()) for table in tables.values()}
    with Chosen(connection, desk, ties, dict.fromkeys(columns, ONE_BY_ONE)) as chosen:
        skipped = _pin(connection, chosen, records, desk, decision, sight, span)
        again = row.decision.startswith("undo ")
        if again:
            _once_more(connection, chosen, desk, decision, sight, assurance)
        if len(skipped) == len(records):
            return Committed(Receipt(f"undo {decision.name}", None, 0, skipped, 0, len(skipped)))
        coded = again and type(decision).step_up is not Decision.step_up
        if assurance.asks and (coded or chosen.count() > sight.settings.signin.step_up_cases):
            assurance.spend(connection, sight.operator, digest, sight.now)
        progress.say(0, len(records), "changing")
        head = log.lock_head(connection, Log.LEDGER)
        new = batch_id(random)
        first = head.size
        chosen.apply(first)
        work = Work(connection, sight, new, Params(), vault, chosen.table, random)
        decision.take_back(work)
        for why in _held_by(connection, chosen, desk, decision.reserved(sight)).values():
            raise Refused(f"{decision.title} cannot be undone here: {why}; nothing was done.")
        told = _retell(connection, _said(connection, row), chosen, desk, sight)
        done = decision.name if again else f"undo {decision.name}"
        receipt = Receipt(done, new, chosen.count(), skipped, told, len(skipped))
        runs = _runs(chosen, records, desk, sight, new, first, batch)
        log.append_runs(connection, head, runs, receipt.done, progress)
    conclude(connection, head, sight, receipt, key, digest, desk.name, undoes=batch)
    return Committed(receipt, head.growth)


def _decision(desk: Desk, row: Any) -> Decision:
    """The decision that made a batch. Raises Refused for what nobody can take back."""
    name = row.decision.removeprefix("undo ")
    decision = next((each for each in desk.decisions if each.name == name), None)
    if decision is not None:
        return decision
    if row.desk == "requests":
        raise Refused("A request is taken back with district requests withdraw; nothing was done.")
    raise Refused("What was shown or given out cannot be taken back; nothing was done. It stays on record.")


def _runs(
    chosen: Chosen, records: Sequence[log.Record], desk: Desk, sight: Sight, new: str, first: int, undone: str
) -> Iterator[log.Run]:
    """The records of the cases that are undone: each with the subject and the ties of the one that it turns round."""
    by_case = {record.case: record for record in records}

    @cache
    def alike(change: Change, subject: str, ties: tuple[str, ...]) -> Alike:
        return Alike(
            log.Record(
                action=f"{desk.name}.undo",
                after=change.after,
                at=moment(sight.now),
                batch=new,
                before=change.before,
                case=0,
                desk=desk.name,
                detail="",
                index=0,
                kind="decision",
                log=str(Log.LEDGER),
                operator=sight.operator.id,
                params={"undoes": undone},
                subject=subject,
                ties=dict.fromkeys(ties, 0),
            )
        )

    def said(case: int) -> tuple[str, tuple[str, ...]]:
        return by_case[case].subject, tuple(sorted(by_case[case].ties))

    for group in chosen.groups():
        index = first + group.place
        for (subject, tables), some in groupby(group.cases, said):
            cases = list(some)
            ties = [[by_case[case].ties[table] for case in cases] for table in tables]
            yield alike(group.change, subject, tables).run(index, cases, ties)
            index += len(cases)


def _once_more(
    connection: sa.Connection, chosen: Chosen, desk: Desk, decision: Decision, sight: Sight, assurance: Assurance
) -> None:
    """Raise Refused where undoing an undo would do again, alone, what takes a code or a second person."""
    grave = decision.second_person(Params(), sight) if assurance.second_person else None
    coded = assurance.asks and decision.needs(Params(), 1).step_up
    if grave is not None and not coded:
        source = desk.source().join(chosen.table, chosen.table.c.id == desk.case().c.id)
        coded = (
            connection.execute(sa.select(sa.literal(1)).select_from(source).where(grave).limit(1)).first() is not None
        )
    if coded:
        raise Refused(f"{decision.title} is not done again by an undo; nothing was done. Decide it again.")


def _unknown(batch: str) -> Refused:
    return Refused(f"There is no batch {batch} that can be undone; nothing was done. Look it up with district batches.")


def _records_of(connection: sa.Connection, batch: str) -> list[log.Record]:
    rows = connection.execute(
        sa.select(t.record.c.body)
        .where(t.record.c.batch == batch, t.record.c.log == Log.LEDGER)
        .order_by(t.record.c.index)
    )
    return [log.decode(body) for (body,) in rows]


def _columns(records: Sequence[log.Record], desk: Desk, decision: Decision) -> list[sa.Column[Any]]:
    """The columns that the batch changed, from the records' own names."""
    names = sorted({name for record in records for name in record.after} | {record.subject for record in records})
    found = []
    for name in names:
        table, _, column = name.rpartition(".")
        home = t.metadata.tables[table] if table else desk.case()
        if column not in home.c:
            raise Refused(f"{decision.title} was recorded under another shape of the portal and cannot be undone.")
        found.append(home.c[column])
    return found


def _pin(
    connection: sa.Connection,
    chosen: Chosen,
    records: Sequence[log.Record],
    desk: Desk,
    decision: Decision,
    sight: Sight,
    span: tuple[int, int],
) -> tuple[Skip, ...]:
    """Choose what the records say, before and after in each other's place, and lock it. Returns what is left out and why.

    `span` are the first and last version that the batch gave.
    """
    rows = [Put(record.case, record.index + 1, record.ties, record.after, record.before) for record in records]
    chosen.put(rows)
    chosen.lock_rows()
    outside: set[int] = set()
    if scope := in_scope(desk, sight):
        seen = sa.select(desk.case().c.id).select_from(desk.source()).where(*scope)
        outside = set(connection.execute(sa.select(chosen.table.c.id).where(chosen.table.c.id.not_in(seen))).scalars())
    whys = _held_by(connection, chosen, desk, [*decision.reserved(sight), *decision.lasting()])
    whys |= dict.fromkeys(chosen.stale(*span), "it changed since")
    whys |= dict.fromkeys(outside, f"there is no such {desk.singular}")
    if whys:
        chosen.clear()
        chosen.put(row for row in rows if row.id not in whys)
    return tuple(Skip(each, whys[each]) for each in sorted(whys))


def _held_by(connection: sa.Connection, chosen: Chosen, desk: Desk, objections: Sequence[Objection]) -> dict[int, str]:
    """The put cases for which one of these holds by now, each with the first that does."""
    case = desk.case().c
    found: dict[int, str] = {}
    for each in reversed(objections):
        rows = (
            sa.select(case.id).select_from(desk.source()).where(case.id.in_(sa.select(chosen.table.c.id)), each.holds)
        )
        found |= dict.fromkeys(connection.execute(rows).scalars(), each.why)
    return found


def _said(connection: sa.Connection, batch: sa.Row[Any]) -> tuple[str, bool]:
    """The decision's own batch, under which everything was said, and whether what was withdrawn is to be said after all."""
    first, again = batch, False
    while first.undoes is not None:
        first, again = connection.execute(sa.select(t.batch).where(t.batch.c.id == first.undoes)).one(), not again
    return str(first.id), again


def _retell(connection: sa.Connection, said: tuple[str, bool], chosen: Chosen, desk: Desk, sight: Sight) -> int:
    """Withdraw the held notices, the thread entries and deadlines of the undone cases; where an undo is undone, bring them back.

    Notices that come back are held as long as new ones. Returns how many notices it were.
    """
    batch, again = said
    cases = sa.select(chosen.table.c.id)
    was, becomes = (NoticeState.WITHDRAWN, NoticeState.HELD) if again else (NoticeState.HELD, NoticeState.WITHDRAWN)
    values: dict[str, Any] = {"state": becomes}
    if again:
        values["not_before"] = sight.now + timedelta(minutes=sight.settings.policy.notice_hold_minutes)
    notices = connection.execute(
        t.notice.update()
        .where(t.notice.c.batch == batch, t.notice.c.state == was, t.notice.c.case_id.in_(cases))
        .values(values)
    ).rowcount
    for table in (t.thread_entry, t.deadline):
        connection.execute(
            table.update()
            .where(table.c.batch == batch, table.c.desk == desk.name, table.c.case_id.in_(cases))
            .values(withdrawn=sa.false() if again else sa.true())
        )
    return notices
