"""A stretch of a log, read in one transaction and judged by itself, wherever that is done: here or in a process beside.

What it finds is small beside what it reads: the leaf hashes for the tree, the first bad record, the first and the last batch, which
may go on in the neighbouring stretches. A record that is like the one before it is compared with that; any other is read back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from console.ledger.beside import Run, details_wrong, runs_wrong
from console.ledger.likeness import Likeness
from console.ledger.reading_back import SHARED, read_back, stored

if TYPE_CHECKING:
    from console.ledger.log import Record

BATCH = SHARED.index("batch")
_BODY = itemgetter(2)


@dataclass(slots=True)
class Stretch:
    """What was found from index `first` to below `end`: so many records."""

    first: int
    end: int
    count: int = 0
    leaves: list[bytes] = field(default_factory=list)
    """The leaf hashes up to the first record that is missing."""
    missing: int | None = None
    """Its index."""
    wrong: tuple[int, str] | None = None
    """The first record that is bad, and why."""
    edges: list[Run] = field(default_factory=list)
    """The first and the last batch: they may have more records elsewhere."""
    faults: list[str] = field(default_factory=list)
    """What is wrong with the batches between them."""


def read_stretch(connection: sa.Connection, log: str, first: int, stop: int) -> Stretch:
    """Read and judge the records from index `first` to below `stop`."""
    from models.raw import raw_rows

    record = t.record.c
    reader = _Reader(log, first, stop)
    query = (
        sa.select(*stored(connection))
        .where(record.log == log, record.index >= first, record.index < stop)
        .order_by(record.index)
    )
    for rows in raw_rows(connection, query):
        reader.take(rows)
    return reader.finish(connection)


class _Reader:
    """Takes the rows of one stretch in their order."""

    def __init__(self, log: str, first: int, stop: int) -> None:
        self._log = log
        self._found = Stretch(first, stop)
        self._expected = first
        self._runs: list[Run] = []
        self._details: dict[str, tuple[int, str]] = {}
        self._shared: tuple[Any, ...] = ()
        self._record: Record | None = None
        self._likeness: Likeness | None = None

    def take(self, rows: list[tuple[Any, ...]]) -> None:
        """Check rows that follow each other."""
        following = self._following(rows)
        self._expected = rows[-1][0] + 1
        self._found.count += len(rows)
        shared, record, likeness = self._shared, self._record, self._likeness
        run = self._runs[-1] if self._runs else None
        bodies = [text.encode() if isinstance(text, str) else text or b"" for text in map(_BODY, rows)]
        for row, body in zip(rows, bodies, strict=True):
            place, case = row[:2]
            if run is not None and record is not None and row[3:] == shared:
                if likeness is None:
                    likeness = Likeness(record)
                head = likeness.head % (case, place)
                if body.startswith(head) and likeness.ties(body, len(head)):
                    run.count += 1
                    continue
            record, likeness, shared = self._judge(row, body), None, row[3:]
            if run is None or run.batch != shared[BATCH]:
                run = Run(shared[BATCH], place, 0, record)
                self._runs.append(run)
            run.count += 1
            if record is not None and record.detail:
                self._details.setdefault(record.detail, (place, record.batch))
        self._shared, self._record, self._likeness = shared, record, likeness
        self._found.leaves += [sha256(b"\x00" + body).digest() for body in bodies[:following]]

    def _following(self, rows: list[tuple[Any, ...]]) -> int:
        """How many of the rows come before the first record of the stretch that is missing."""
        if self._found.missing is not None:
            return 0
        if rows[0][0] == self._expected and rows[-1][0] == self._expected + len(rows) - 1:
            return len(rows)
        following = next(n for n, row in enumerate(rows) if row[0] != self._expected + n)
        self._found.missing = self._expected + following
        return following

    def _judge(self, row: tuple[Any, ...], body: bytes) -> Record | None:
        """The record of the row, None when it is bad."""
        record, wrong = read_back(row, body, self._log)
        if wrong:
            self._note(row[0], wrong)
        return None if wrong else record

    def _note(self, index: int, wrong: str) -> None:
        if self._found.wrong is None or index < self._found.wrong[0]:
            self._found.wrong = (index, wrong)

    def finish(self, connection: sa.Connection) -> Stretch:
        """Look at what lies beside the records, and say what was found."""
        found = self._found
        if found.missing is None and self._expected < found.end:
            found.missing = self._expected
        for index, wrong in details_wrong(connection, self._details):
            self._note(index, wrong)
        found.edges = [*self._runs[:1], *self._runs[1:][-1:]]
        found.faults = runs_wrong(connection, self._runs[1:-1])
        return found
