"""What lies beside the ledger's records and must fit them: each batch with its receipt, each sealed detail under its digest."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from console.lazy import sa, t

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from console.ledger.log import Record
    from models.words import Log

SLICE = 500
"""Values of one IN list."""


@dataclass(slots=True)
class _Run:
    """The records of one batch, which stand side by side."""

    batch: str
    first: int
    count: int
    record: Record | None


class _Receipt(msgspec.Struct):
    """As much of a stored receipt as its batch repeats."""

    decision: str
    batch: str | None
    done: int


class Beside:
    """Looks at the records of one log in their order. `faults` are about batches; a bad detail is its record's."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._run: _Run | None = None
        self._ended: list[_Run] = []
        self._detail = ""
        self.faults: list[str] = []

    def look(
        self, connection: sa.Connection, read: Sequence[tuple[Any, Record | None]], *, last: bool
    ) -> Iterator[tuple[int, str]]:
        """Take rows with their records in; gives the index of each record whose detail is not right, and why."""
        digests: dict[str, tuple[int, str]] = {}
        for row, record in read:
            if self._run is None or self._run.batch != row.batch:
                self._end()
                self._run = _Run(row.batch, row.place, 0, record)
            self._run.count += 1
            if record is not None and record.detail and record.detail != self._detail:
                self._detail = record.detail
                digests.setdefault(record.detail, (row.place, record.batch))
        if last:
            self._end()
        self._batches(connection)
        yield from _details(connection, digests)

    def _end(self) -> None:
        if self._run is not None and self._run.batch:
            self._ended.append(self._run)
        self._run = None

    def _batches(self, connection: sa.Connection) -> None:
        for start in range(0, len(self._ended), SLICE):
            runs = self._ended[start : start + SLICE]
            found = {
                row.id: row
                for row in connection.execute(sa.select(t.batch).where(t.batch.c.id.in_([run.batch for run in runs])))
            }
            for run in runs:
                if wrong := _batch_wrong(run, found.get(run.batch)):
                    self.faults.append(f"Batch {run.batch}, whose records begin at {run.first:,}, {wrong}.")
        self._ended.clear()

    def left_over(self, connection: sa.Connection) -> None:
        """Batches and details that no record names. They are committed with their records, so none is ever too young."""
        for table, what in ((t.batch, "Batch"), (t.record_detail, "A sealed detail of batch")):
            name = table.c.id if table is t.batch else table.c.batch
            named = sa.select(sa.literal(1)).where(t.record.c.batch == name).exists()
            for batch in connection.execute(sa.select(name).where(~named).order_by(name).limit(3)).scalars():
                self.faults.append(f"{what} {batch!r} belongs to no record.")


def _details(connection: sa.Connection, digests: dict[str, tuple[int, str]]) -> Iterator[tuple[int, str]]:
    detail = t.record_detail
    names = list(digests)
    for start in range(0, len(names), SLICE):
        wanted = [bytes.fromhex(name) for name in names[start : start + SLICE]]
        found = {
            bytes(row.digest): row for row in connection.execute(sa.select(detail).where(detail.c.digest.in_(wanted)))
        }
        for digest in wanted:
            index, batch = digests[digest.hex()]
            row = found.get(digest)
            if row is None:
                yield index, "its sealed detail is missing."
            elif sha256(row.sealed).digest() != digest or row.batch != batch:
                yield index, "its sealed detail is another than the one it names."


def _batch_wrong(run: _Run, row: Any) -> str:
    """What is wrong with a batch whose records are `run`, '' for nothing."""
    if row is None:
        return "has no receipt"
    try:
        receipt = msgspec.json.decode(row.receipt, type=_Receipt)
    except msgspec.MsgspecError:
        return "has a receipt that cannot be read"
    asked = (row.desk, row.decision) == ASKED
    if run.count != (1 if asked else row.done) and row.desk != INTAKE:
        return f"says {row.done:,} were done, but has {run.count:,} records here"
    if receipt.done != row.done or (not asked and _told(receipt, row) != (row.id, row.decision)):
        return "differs from its receipt"
    record = run.record
    if record is None:
        return ""
    from console.ledger.reading_back import moment_text

    if (row.operator_id, moment_text(row.at), row.desk) != (record.operator, record.at, record.desk):
        return "differs from its records in operator, moment or desk"
    if (row.undoes or "") != record.params.get("undoes", ""):
        return "differs from its records in what it undoes"
    if record.action not in (f"{row.desk}.{row.decision}", f"{row.desk}.undo"):
        return "differs from its records in what was decided"
    return ""


def _told(receipt: _Receipt, row: Any) -> tuple[str | None, str]:
    """The batch and decision that a receipt tells of: a confirmation's names the batch of what it confirmed, which undo takes."""
    return (row.id if row.desk == ASKED[0] else receipt.batch), receipt.decision


ASKED = ("requests", "ask")
"""Desk and decision of an asking for a second person, whose receipt is that of what is asked for, with nothing done yet."""
INTAKE = "intake"
"""The desk of imports, whose one record stands for all the rows of a file."""
