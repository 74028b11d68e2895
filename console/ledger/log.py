"""The two logs in the database: appended under one lock, dense, in the transaction of what they record.

A record is canonical JSON (sorted keys, no spaces, UTF-8) kept byte for byte as it was hashed. The head row is the lock: it is
taken last, gives the next index and carries the frontier, so that appending never reads what is already there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import chain, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from console.errors import Unavailable
from console.lazy import sa, t
from console.ledger.merkle import EMPTY_ROOT, Frontier, Growth, Subtrees, leaf_hash
from console.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from console.progress import Progress
    from models.words import Log


class Record(msgspec.Struct, frozen=True, omit_defaults=False):
    """One record as it is hashed. The fields stand in sorted order, which makes the encoding canonical.

    `kind` is decision, access or disclosure (PORTAL, *Masks and restrictions*), or signin (`console.signin.recording`). `before` and
    `after` hold the columns that changed, `table.column` for those of a tie, whose row `ties` names; never a name, an address or any
    other word of a person's.
    """

    action: str
    after: dict[str, Any]
    at: str
    batch: str
    before: dict[str, Any]
    case: int
    desk: str
    detail: str
    index: int
    kind: str
    log: str
    operator: int
    params: dict[str, Any]
    subject: str
    ties: dict[str, int]

    @property
    def from_state(self) -> str | None:
        """The case's state before, None when the decision changed no state."""
        return _word(self.before.get(self.subject))

    @property
    def to_state(self) -> str | None:
        """The case's state after."""
        return _word(self.after.get(self.subject))


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Record).decode


def _word(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def encode(record: Record) -> bytes:
    """The record's canonical bytes."""
    return _encode(record)


def canonical(part: Any) -> bytes:
    """Any part of a record, encoded as it is in one."""
    return _encode(part)


def decode(body: str | bytes) -> Record:
    """The record of stored bytes. Raises msgspec.ValidationError for anything else."""
    return _decode(body)


@dataclass(slots=True)
class Head:
    """The locked end of a log: its next index is `size`."""

    log: Log
    frontier: Frontier
    start: Frontier
    """As it was when it was locked."""

    @property
    def size(self) -> int:
        """How many records the log holds."""
        return self.frontier.size

    @property
    def growth(self) -> Growth:
        """From where it was locked to where it is."""
        return Growth(self.start, self.frontier)


def lock_head(connection: sa.Connection, log: Log) -> Head:
    """The end of the log, locked until the transaction ends."""
    head = t.log_head
    row = connection.execute(
        sa.select(head.c.size, head.c.frontier).where(head.c.log == log).with_for_update()
    ).one_or_none()
    if row is None:
        raise Unavailable("The ledger is not set up in this database; nothing was done. Run district init.")
    frontier = Frontier.from_bytes(row.size, row.frontier)
    return Head(log, frontier, frontier.copy())


def read_size(connection: sa.Connection, log: Log) -> int:
    """How many records the log holds, without a lock."""
    head = t.log_head
    return int(connection.execute(sa.select(head.c.size).where(head.c.log == log)).scalar_one_or_none() or 0)


def start(connection: sa.Connection, log: Log) -> None:
    """Make the head of an empty log."""
    connection.execute(t.log_head.insert().values(log=log, size=0, frontier=b"", root=EMPTY_ROOT))


def append(connection: sa.Connection, head: Head, records: Iterable[Record]) -> None:
    """Write the records, whose indexes continue the head's, and the new head."""
    from models.bulk import insert_stored

    leaves: list[bytes] = []
    runs = [Run(record, record.index, [record.case], [_encode(record)]) for record in records]
    own = chain.from_iterable(_rows(head, runs, leaves, 0, SILENT))
    rows = ((*_stored(connection, run.like).values(), *row) for run, row in zip(runs, own, strict=True))
    insert_stored(connection, t.record, (*SHARED, *OWN), rows)
    extend_head(connection, head, leaves)


class Run(NamedTuple):
    """Records one after the other, from index `first`, in their canonical bytes; case, index and ties apart they are as `like`."""

    like: Record
    first: int
    cases: Sequence[int]
    bodies: Sequence[bytes]


def append_runs(
    connection: sa.Connection, head: Head, runs: Iterable[Run], total: int, progress: Progress = SILENT
) -> None:
    """The same for many records of one decision, encoded already. They are asked for as they are written. Raises Cancelled."""
    from models.bulk import insert_stored

    coming = iter(runs)
    first = next(coming)
    leaves: list[bytes] = []
    rows = _rows(head, _alike(first, coming), leaves, total, progress)
    insert_stored(connection, t.record, OWN, chain.from_iterable(rows), _stored(connection, first.like))
    extend_head(connection, head, leaves)


def _alike(first: Run, others: Iterable[Run]) -> Iterator[Run]:
    """These runs, as long as their records share what the first one's share."""
    yield first
    for run in others:
        if run.like is not first.like and _shared(run.like) != _shared(first.like):
            raise ValueError("records of two decisions were to be written as one")
        yield run


def _stored(connection: sa.Connection, record: Record) -> dict[str, Any]:
    """What stands in the columns of SHARED for this record, as the engine stores it."""
    from models.bulk import stored

    values = dict(zip(SHARED, _shared(record), strict=True))
    values["at"] = stored(connection, t.record.c.at, datetime.fromisoformat(record.at))
    return values


def _rows(
    head: Head, runs: Iterable[Run], leaves: list[bytes], total: int, progress: Progress
) -> Iterator[Iterable[tuple[Any, ...]]]:
    """The records of each run in the order of OWN; their leaf hashes are added to `leaves`."""
    for like, first, cases, bodies in runs:
        before = len(leaves)
        if first != head.size + before or like.log != head.log:
            raise ValueError("a record's index does not continue the log")
        leaves += map(leaf_hash, bodies)
        many = len(bodies)
        index = range(first, first + many)
        states = repeat(like.from_state, many), repeat(like.to_state, many)
        yield zip(index, cases, *states, map(bytes.decode, bodies), strict=True)
        if len(leaves) // SAID_EVERY > before // SAID_EVERY:
            progress.say(len(leaves), total, "recording")


SAID_EVERY = 1_000
"""Records between two words about how far it is."""
SHARED = {
    "log": "log",
    "at": "at",
    "operator_id": "operator",
    "kind": "kind",
    "desk": "desk",
    "action": "action",
    "batch": "batch",
}
"""The columns in which the records of one decision are alike, and what of a record stands there."""
OWN = ("index", "case_id", "from_state", "to_state", "body")
"""The columns that each record has for itself."""
_shared = attrgetter(*SHARED.values())


def extend_head(connection: sa.Connection, head: Head, leaves: Sequence[bytes]) -> None:
    """Grow the head by the leaves and write it, with the subtree roots that were completed."""
    from models.bulk import insert_rows

    nodes = head.frontier.extend(leaves)
    if nodes:
        insert_rows(
            connection,
            t.log_node,
            ("log", "level", "index", "hash"),
            [(str(head.log), level, index, digest) for level, index, digest in nodes],
        )
    connection.execute(
        t.log_head.update()
        .where(t.log_head.c.log == head.log)
        .values(size=head.size, frontier=head.frontier.to_bytes(), root=head.frontier.root())
    )


def seal_detail(connection: sa.Connection, vault: Any, batch: str, detail: Mapping[str, Any]) -> str:
    """Keep `detail` encrypted beside the records of `batch`; returns the hex digest they carry, '' for an empty detail."""
    kept = {name: value for name, value in detail.items() if value not in (None, "")}
    if not kept:
        return ""
    sealed = vault.seal("record_detail", "sealed", batch, _encode(kept))
    digest = sha256(sealed).digest()
    connection.execute(t.record_detail.insert().values(digest=digest, batch=batch, sealed=sealed))
    return digest.hex()


def open_detail(connection: sa.Connection, vault: Any, record: Record) -> dict[str, Any]:
    """The encrypted detail of a record, empty when it has none or its key was destroyed."""
    if not record.detail:
        return {}
    stored = connection.execute(
        sa.select(t.record_detail.c.sealed).where(t.record_detail.c.digest == bytes.fromhex(record.detail))
    ).scalar_one_or_none()
    if stored is None:
        return {}
    opened: dict[str, Any] = msgspec.json.decode(vault.open("record_detail", "sealed", record.batch, stored))
    return opened


def leaves_between(connection: sa.Connection, log: Log, start: int, stop: int) -> list[bytes]:
    """The leaf hashes of records start to stop - 1, hashed from the stored bytes."""
    record = t.record
    rows = connection.execute(
        sa.select(record.c.body)
        .where(record.c.log == log, record.c.index >= start, record.c.index < stop)
        .order_by(record.c.index)
    )
    return [leaf_hash(body.encode()) for (body,) in rows]


def subtrees(connection: sa.Connection, log: Log, size: int) -> Subtrees:
    """The stored tree of the first `size` records, for proofs."""
    node = t.log_node

    def stored(level: int, start: int, stop: int) -> list[bytes]:
        rows = connection.execute(
            sa.select(node.c.hash)
            .where(node.c.log == log, node.c.level == level, node.c.index >= start, node.c.index < stop)
            .order_by(node.c.index)
        )
        return [digest for (digest,) in rows]

    return Subtrees(size, lambda start, stop: leaves_between(connection, log, start, stop), stored)
