"""Forging the ledger with all that the database's owner and the files' owner may: one attacker at one portal.

The guards are dropped first. What the attacker has not: the signing key, and a second copy of what was published.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from console.ledger.log import Record, decode, encode
from console.ledger.merkle import Frontier
from console.ledger.note import SigningKey
from console.ledger.published import read_published
from models import tables as t
from models.engine import open_engine, writing
from models.words import Log
from tests.services.postgres import OWNER, as_role

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal

TABLES = (t.portal, t.batch, t.record, t.record_detail, t.log_head, t.log_node)
"""What the attacks change."""
OWN = SigningKey("test.example/ledger", b"y" * 32)
"""A key of the attacker's own, under the portal's name."""


class Place(NamedTuple):
    """The record that a verdict has to name as the first bad one of its log, and between which records it may leave it open.

    Where what the database says of a record was made to fit the lie, only the signed roots tell; then the verdict may name the
    records between two of them. Everywhere else `first` and `last` are the record itself.
    """

    log: str
    index: int
    first: int
    last: int


Expected = Place | None
"""None when no record is bad, but what lies beside them."""


def exactly(log: str, index: int) -> Place:
    """Exactly the record of this index."""
    return Place(log, index, index, index)


def unguard(connection: sa.Connection) -> None:
    """What only the owner can do."""
    for table in ("record", "record_detail", "log_node"):
        if connection.dialect.name == "sqlite":
            for event in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{event}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {table}_only_grows")


class Victim:
    """A portal under attack, with a connection of its owner's that stays open, and copies of it to be put back."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.olds: list[dict[sa.Table, list[dict[str, Any]]]] = []
        self._engine = open_engine(as_role(portal.settings.database.url, OWNER))
        with self.owning() as connection:
            unguard(connection)
        self._rows: dict[sa.Table, list[dict[str, Any]]] = {}
        self._files: dict[Path, bytes] = {}
        self._sizes: dict[str, list[int]] = {}

    @contextmanager
    def owning(self) -> Iterator[sa.Connection]:
        """A transaction of the owner's."""
        with writing(self._engine) as connection:
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def rows(self) -> dict[sa.Table, list[dict[str, Any]]]:
        """Everything that the attacks change in the database."""
        return {table: [row._asdict() for row in self.portal.all(sa.select(table))] for table in TABLES}

    def age(self) -> None:
        """Keep the database as it is as an old one."""
        self.olds.append(self.rows())

    def keep(self) -> None:
        """Keep the database and the files as they are as those to restore."""
        keys = self.portal.settings.keys
        assert keys.checkpoints is not None
        self._files = {
            path: path.read_bytes() for path in (*(keys.state / f"{log}.json" for log in Log), keys.checkpoints)
        }
        self._rows = self.rows()
        signers = [self.portal.office.signer.key(log).verify_key for log in Log]
        published = list(read_published(keys.checkpoints, len(self._files[keys.checkpoints]), signers))
        self._sizes = {
            str(log): [0, *(each.size for each in published if each.origin == key.name)]
            for log, key in zip(Log, signers, strict=True)
        }

    def put(self, rows: dict[sa.Table, list[dict[str, Any]]]) -> None:
        """Put rows in the place of all there are."""
        with self.owning() as connection:
            for table in reversed(TABLES):
                connection.execute(table.delete())
            for table, kept in rows.items():
                if kept:
                    connection.execute(table.insert(), kept)

    def restore(self) -> None:
        """Undo an attack."""
        for path, data in self._files.items():
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
        self.put(self._rows)

    def between_roots(self, log: str, index: int) -> Place:
        """The records between the signed roots on both sides of this one."""
        first = max(size for size in self._sizes[log] if size <= index)
        last = min(size for size in self._sizes[log] if size > index) - 1
        return Place(log, index, first, last)


@dataclass
class Crime:
    """One attack: what the attacker can do, and what the attacker draws."""

    victim: Victim
    chance: random.Random
    told: list[Any] = field(default_factory=list)

    @property
    def portal(self) -> Portal:
        return self.victim.portal

    def draw(self, *choices: Any) -> Any:
        made = self.chance.choice(choices)
        self.told.append(made)
        return made

    def execute(self, *statements: Any) -> None:
        with self.victim.owning() as connection:
            for each in statements:
                connection.execute(each)

    def log(self) -> str:
        return self.draw("ledger", "accesses")

    def rows(self, log: str) -> list[Any]:
        index = t.record.c.index
        return self.portal.all(sa.select(t.record, index.label("place")).where(t.record.c.log == log).order_by(index))

    def row(self, log: str) -> Any:
        rows = self.rows(log)
        return rows[self.draw(*range(len(rows)))]

    def records(self, log: str) -> list[Record]:
        return [decode(row.body) for row in self.rows(log)]

    def flip(self, data: bytes) -> bytes:
        at = self.draw(*range(len(data)))
        return data[:at] + bytes([data[at] ^ self.draw(1, 2, 128)]) + data[at + 1 :]

    def write(self, log: str, records: list[Record], *, tree: bool) -> None:
        """Put a log that fits itself in the place of the true one, and the tree over it where that is asked for."""
        with self.victim.owning() as connection:
            connection.execute(t.record.delete().where(t.record.c.log == log))
            connection.execute(t.record.insert(), [columns_of(log, each) for each in records])
        if tree:
            self.rebuild(log, records)

    def rebuild(self, log: str, records: list[Record]) -> Frontier:
        """Hash it all anew: head and stored tree fit these records."""
        frontier = Frontier()
        nodes = frontier.extend([sha256(b"\x00" + encode(each)).digest() for each in records])
        self.execute(
            t.log_node.delete().where(t.log_node.c.log == log),
            *(t.log_node.insert().values(log=log, level=level, index=n, hash=digest) for level, n, digest in nodes),
            t.log_head.update()
            .where(t.log_head.c.log == log)
            .values(size=frontier.size, frontier=frontier.to_bytes(), root=frontier.root()),
        )
        return frontier

    def lie(self, record: Record) -> Record:
        """The record saying something else, in the one form a record has."""
        return msgspec.structs.replace(
            record,
            **self.draw(
                {"case": record.case + 1},
                {"operator": record.operator + 7},
                {"params": {**record.params, "note": 1}},
                {"at": record.at.replace("2026", "2025")},
                {"after": {**record.after, "decided_by": 99}},
            ),
        )


def columns_of(log: str, record: Record) -> dict[str, Any]:
    """A record's row, its columns saying what its bytes say."""
    return {
        "log": log,
        "index": record.index,
        "at": datetime.fromisoformat(record.at),
        "operator_id": record.operator,
        "kind": record.kind,
        "desk": record.desk,
        "action": record.action,
        "case_id": record.case,
        "batch": record.batch,
        "from_state": record.from_state,
        "to_state": record.to_state,
        "body": encode(record).decode(),
    }
