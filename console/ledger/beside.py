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

SLICE = 500
"""Values of one IN list."""


@dataclass(slots=True)
class Run:
    """The records of one batch, which stand side by side: how many from index `first`, and what the first says if it is right."""

    batch: str
    first: int
    count: int
    record: Record | None


class _Receipt(msgspec.Struct):
    """As much of a stored receipt as its batch repeats."""

    decision: str
    batch: str | None
    done: int


class Batches:
    """Joins the batches of one log's stretches, taken in their order. `faults` says what is wrong with them."""

    def __init__(self) -> None:
        self._open: Run | None = None
        self.faults: list[str] = []

    def take(self, connection: sa.Connection, edges: Sequence[Run], *, last: bool) -> None:
        """Go on with the first and the last batch of a stretch; behind the last stretch nothing stays open."""
        ended = []
        for run in edges:
            if self._open is not None and self._open.batch == run.batch:
                self._open.count += run.count
                continue
            if self._open is not None:
                ended.append(self._open)
            self._open = run
        if last and self._open is not None:
            ended.append(self._open)
            self._open = None
        self.faults += runs_wrong(connection, ended)

    def left_over(self, connection: sa.Connection) -> None:
        """Batches and details that no record names. They are committed with their records, so none is ever too young."""
        for table, what in ((t.batch, "Batch"), (t.record_detail, "A sealed detail of batch")):
            name = table.c.id if table is t.batch else table.c.batch
            named = sa.select(sa.literal(1)).where(t.record.c.batch == name).exists()
            for batch in connection.execute(sa.select(name).where(~named).order_by(name).limit(3)).scalars():
                self.faults.append(f"{what} {batch!r} belongs to no record.")


def runs_wrong(connection: sa.Connection, runs: Sequence[Run]) -> list[str]:
    """What is wrong with batches all of whose records are known."""
    named = [run for run in runs if run.batch]
    faults: list[str] = []
    for start in range(0, len(named), SLICE):
        part = named[start : start + SLICE]
        found = {
            row.id: row
            for row in connection.execute(sa.select(t.batch).where(t.batch.c.id.in_([run.batch for run in part])))
        }
        faults += [
            f"Batch {run.batch}, whose records begin at {run.first:,}, {wrong}."
            for run in part
            if (wrong := _batch_wrong(run, found.get(run.batch)))
        ]
    return faults


def details_wrong(connection: sa.Connection, digests: dict[str, tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Of sealed details, each with the index and the batch that first name it: the index of one that is not right, and why."""
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


def _batch_wrong(run: Run, row: Any) -> str:
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
