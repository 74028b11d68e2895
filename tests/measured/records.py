"""A portal with a ledger of many records, for measuring: as bulk decisions leave it, signed, and verifying as it stands.

Promises: every record is written by the log's own way of appending, has the shape of a real approval or rejection, belongs to a batch
with its receipt, and every seventh batch has a sealed reason. It is built once below the folder, about 8 s a hundred thousand and
engine, and found again by later runs of the same size.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import psycopg
import sqlalchemy as sa

from console.clock import SettableClock
from console.deciding import moment
from console.ids import CROCKFORD, SeededRandom
from console.ledger import log
from console.selection import Receipt
from console.settings import Settings
from console.wiring import open_office
from models import tables as t
from models.bulk import insert_rows
from models.engine import open_engine, writing
from models.words import Log
from tests.founded import found_as_owner
from tests.portals import NOON, Portal
from tests.services.postgres import APP, OWNER, Cluster, as_role
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.office import Office

ENGINES = ("SQLite", "PostgreSQL")
A_BATCH = 500
CHUNK = 50_000
"""Records of one transaction of the builder, a multiple of a batch."""
SERVER = {"shared_buffers": "512MB", "max_wal_size": "2GB"}
_KINDS = (("approve", "approved"), ("approve", "approved"), ("approve", "approved"), ("reject", "rejected"))


@contextmanager
def ledger(folder: Path, engine: str, records: int) -> Iterator[Portal]:
    """The portal with so many records, open. One process has it at a time."""
    place = folder / f"records-{engine.lower()}-{records}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if engine == "SQLite":
            with _opened(place, f"sqlite:///{place / 'portal.db'}", records) as portal:
                yield portal
            return
        for each in (place, place.parent):  # the server runs as nobody
            each.chmod(each.stat().st_mode | 0o011)
        with Cluster(settings=SERVER, folder=place / "server") as cluster:
            if not (place / "made").exists():
                cluster.template("records", lambda _: None)
            with _opened(place, cluster.url("records"), records) as portal:
                yield portal


def remove(folder: Path, engine: str, records: int) -> None:
    """Give the disk back."""
    shutil.rmtree(folder / f"records-{engine.lower()}-{records}", ignore_errors=True)


@contextmanager
def _opened(place: Path, url: str, records: int) -> Iterator[Portal]:
    settings = Settings.build(
        {
            "database": {"url": as_role(url, APP)},
            "portal": {"origin": "test.example/ledger"},
            "policy": {"export_row_budget": 10_000_000},
        },
        place,
    )
    made = place / "made"
    if not made.exists():
        found_as_owner(settings, NOON)
    clock = SettableClock(settings.portal.zone, NOON)
    office = open_office(settings, clock=clock, random=SeededRandom(records), assurance=Unasked())
    try:
        if not made.exists():
            _fill(office, as_role(url, OWNER), records)
            made.touch()
        yield Portal(office, settings, clock)
    finally:
        office.engine.dispose()


def _fill(office: Office, url: str, records: int) -> None:
    engine = open_engine(url)
    with writing(engine) as connection:
        for name in ("second", "third"):
            connection.execute(t.operator.insert().values(name=name, role="district_administrator"))
        operators = list(connection.execute(sa.select(t.operator.c.id).order_by(t.operator.c.id)).scalars())
    for first in range(0, records, CHUNK):
        with writing(engine) as connection:
            numbers = range(first // A_BATCH, -(-min(first + CHUNK, records) // A_BATCH))
            head = log.lock_head(connection, Log.LEDGER)
            made = []
            for number in numbers:
                operator = operators[number % len(operators)]
                made += _batch(office, connection, number, min(A_BATCH, records - number * A_BATCH), operator)
            log.append(connection, head, made)
    engine.dispose()
    office.seal()
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as settled:
            settled.execute("VACUUM (ANALYZE)")


def _batch(office: Office, connection: sa.Connection, number: int, size: int, operator: int) -> list[log.Record]:
    """Bulk decision `number` of so many records, with its receipt."""
    decision, state = _KINDS[number % len(_KINDS)]
    name = "".join(CROCKFORD[number >> shift & 31] for shift in range(35, -1, -5))
    batch = f"{name[:4]}-{name[4:]}"
    at = NOON - timedelta(days=200) + timedelta(seconds=number, microseconds=number * 7919 % 1_000_000)
    detail = log.seal_detail(connection, office.vault, batch, {"reason": "roster match"}) if number % 7 == 0 else ""
    insert_rows(
        connection,
        t.batch,
        ("id", "at", "operator_id", "call_key", "call_digest", "desk", "decision", "done", "receipt"),
        [
            (
                batch, at, operator, f"measured {number}", number.to_bytes(32, "big"), "registrations", decision, size,
                msgspec.json.encode(Receipt(decision, batch, size, (), size)).decode(),
            )
        ],
    )  # fmt: skip
    first = number * A_BATCH
    return [
        log.Record(
            action=f"registrations.{decision}",
            after={"membership.status": state, "state": state},
            at=moment(at),
            batch=batch,
            before={"membership.status": "limited", "state": "submitted"},
            case=1_000_000 + index,
            desk="registrations",
            detail=detail,
            index=index,
            kind="decision",
            log=str(Log.LEDGER),
            operator=operator,
            params={},
            subject="state",
            ties={"membership": 3_000_000 + index},
        )
        for index in range(first, first + size)
    ]
