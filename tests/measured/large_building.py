"""Filling a founded portal with a large district: rows by SQL inside the engine, indexes behind them, records through the log."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from console.deciding import moment
from console.ids import CROCKFORD
from console.ledger import log
from models.engine import writing
from models.words import Log
from tests.measured.large_names import family_pool, given_pool
from tests.measured.large_rows import SCHOOLS, Rows, Sizes
from tests.portals import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.office import Office

CHUNK = 50_000
A_BATCH = 50
"""Records of one bulk decision."""
_FAMILY = (
    "CREATE TEMPORARY TABLE name_family"
    " (n BIGINT PRIMARY KEY, name TEXT, key TEXT, shape TEXT, initial TEXT, first BIGINT, many BIGINT)"
)
_GIVEN = "CREATE TEMPORARY TABLE name_given (n BIGINT PRIMARY KEY, name TEXT, key TEXT, shape TEXT)"
_PLACED = (("help desk", "help_desk", (7, 8)), ("principal", "school_administrator", (9,)))
_EVERYWHERE = (
    ("privacy", "privacy_officer"),
    ("auditor", "auditor"),
    ("technology", "technology_director"),
    ("second", "district_administrator"),
)


def fill_sqlite(file: str, students: int) -> None:
    """The rows of a district of `students` in the file of a founded portal."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in (
        "journal_mode=OFF",
        "synchronous=OFF",
        "foreign_keys=OFF",
        "cache_size=-1000000",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute(_FAMILY)
    connection.execute(_GIVEN)
    connection.executemany("INSERT INTO name_family VALUES (?, ?, ?, ?, ?, ?, ?)", _numbered(family_pool()))
    connection.executemany("INSERT INTO name_given VALUES (?, ?, ?, ?)", _numbered(iter(given_pool())))
    for statement in (*Rows(Sizes(students), "sqlite").statements(), *_operators("sqlite", students)):
        connection.execute(statement)
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    wrong = connection.execute("PRAGMA foreign_key_check").fetchone() if students <= CHUNK else None
    connection.close()
    if wrong:
        raise RuntimeError(f"a row refers to none: {wrong}")


def fill_postgres(url: str, students: int) -> None:
    """The same at `url`, a superuser's address."""
    with psycopg.connect(url) as connection:
        # The rows refer to each other as they should; the server need not look each one up.
        connection.execute(
            "SET session_replication_role = replica; SET maintenance_work_mem = '512MB'; SET jit = off; SET work_mem = '256MB'"
        )
        indexes = connection.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' AND NOT EXISTS"
            " (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute(_FAMILY)
        connection.execute(_GIVEN)
        with connection.cursor() as cursor:
            for table, rows in (("name_family", family_pool()), ("name_given", iter(given_pool()))):
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in _numbered(rows):
                        copy.write_row(row)
        connection.execute("ANALYZE name_family; ANALYZE name_given")
        for statement in (*Rows(Sizes(students), "postgresql").statements(), *_operators("postgresql", students)):
            connection.execute(statement)
        for _, sql in indexes:
            connection.execute(sql)
        numbered = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'id'"
            " AND column_default LIKE 'nextval%'"
        ).fetchall()
        for (table,) in numbered:
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce((SELECT max(id) FROM \"{table}\"), 0) + 1, false)"
            )
    settle(url)


def settle(url: str) -> None:
    """What autovacuum would have done by itself a while after."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _numbered(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return ((n, *row) for n, row in enumerate(rows))


def _operators(engine: str, students: int) -> Iterator[str]:
    """One school administrator a school, and the few who have names; the portal's first operators are there already."""
    rows = Rows(Sizes(students), engine)
    schools = Sizes(students).schools
    yield (
        "INSERT INTO operator (id, name, role) SELECT 100 + s.n, 'school ' || s.n, 'school_administrator' "
        f"FROM {rows.numbers(schools)}"
    )
    yield f"INSERT INTO operator_school (operator_id, school_id) SELECT 100 + s.n, s.n FROM {rows.numbers(schools)}"
    number = 100 + SCHOOLS
    for name, role, placed in (*_PLACED, *((name, role, ()) for name, role in _EVERYWHERE)):
        number += 1
        yield f"INSERT INTO operator (id, name, role) VALUES ({number}, '{name}', '{role}')"
        for school in placed:
            yield f"INSERT INTO operator_school (operator_id, school_id) VALUES ({number}, {school})"


def append_records(office: Office, records: int) -> None:
    """So many records of a busy year, through the log itself, signed. Most are approvals, some signings-in, few disclosures."""
    schools = Sizes(records).schools
    for first in range(0, records, CHUNK):
        with writing(office.engine) as connection:
            head = log.lock_head(connection, Log.LEDGER)
            made = [_record(n, records, schools) for n in range(first, min(first + CHUNK, records))]
            log.append(connection, head, made)
    office.seal()


_SEEN = (
    *((("registrations", "approve", "decision", "submitted", "approved"),) * 70),
    *((("registrations", "reject", "decision", "submitted", "rejected"),) * 6),
    *((("registrations", "limited", "decision", "submitted", "limited"),) * 8),
    *((("operators", "signed_in", "signin", None, None),) * 9),
    *((("challenges", "ignore", "decision", "open", "closed"),) * 3),
    *((("students", "mask", "decision", "none", "initial"),) * 2),
    *((("grants", "approve", "decision", "requested", "approved"),) * 1),
    *((("students", "reveal", "access", None, None),) * 1),
)


def _record(n: int, records: int, schools: int) -> log.Record:
    """Record n: fifty of a kind are one batch of one operator; of the rare kinds, one."""
    group = n // A_BATCH
    desk, action, kind, before, after = _SEEN[group * group * 7 % 1009 % len(_SEEN)]
    if group % 97 == 13 and n % A_BATCH == 7:
        desk, action, kind, before, after = ("audit", "export", "disclosure", None, None)
    at = NOON - timedelta(seconds=(records - n) * 20_000_000 // records + 60)
    return log.Record(
        action=f"{desk}.{action}",
        after={} if after is None else {"state": after},
        at=moment(at.replace(microsecond=0)),
        batch="" if kind == "signin" else _batch(group),
        before={} if before is None else {"state": before},
        case=1 + n * 7 % records,
        desk=desk,
        detail="",
        index=n,
        kind=kind,
        log=str(Log.LEDGER),
        operator=101 + group * 31 % schools,
        params={},
        subject="" if before is None else "state",
        ties={},
    )


def _batch(number: int) -> str:
    letters = "".join(CROCKFORD[number >> shift & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"
