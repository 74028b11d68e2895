"""What an operator waits for is read through an index on either engine: no plan of a hot query walks through a large table.

The district has a few thousand of everything, enough for PostgreSQL to prefer an index where one fits; SQLite has no statistics, as in
life. A plan that begins to scan shows here before a large district feels it. What PostgreSQL keeps prepared is looked at as it is
after some runs, when one plan may serve for all values.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg.sql
import pytest
import sqlalchemy as sa

from console.desks import desk
from console.finding import find
from tests.measured.large import ENGINES, portal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.office import Office
    from tests.measured.large import Large

STUDENTS = 16_000
RUNS = 7
"""PostgreSQL plans a prepared statement anew five times, and then may keep a plan."""
LARGE = ("registration", "student", "account", "membership", "contact", "contact_tie", "record", "enrollment")


@pytest.fixture(scope="module", params=ENGINES)
def large(request: pytest.FixtureRequest) -> Iterator[Large]:
    # Not below the tests' own folder, which PostgreSQL, running as nobody, could not reach.
    with (
        TemporaryDirectory(prefix="district-large-") as folder,
        portal(Path(folder), request.param, students=STUDENTS, records=4_000) as made,
    ):
        yield made


def plans(office: Office, ask: Callable[[], Any]) -> list[str]:
    """The plan of every statement that `ask` runs, a line each step."""
    seen: list[tuple[str, Any, bool]] = []

    def note(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters, getattr(cursor.connection, "prepare_threshold", None) == 0))

    sa.event.listen(office.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(office.engine, "before_cursor_execute", note)
    lite = office.engine.dialect.name == "sqlite"
    lines = []
    with office.reading() as connection:
        for statement, parameters, prepared in seen:
            words = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN (COSTS OFF) "
            rows = connection.exec_driver_sql(words + statement, parameters).all()
            if prepared:
                rows = [*rows, *settled(connection, statement, parameters)]
            lines += [str(row[3] if lite else row[0]).strip(" ->") for row in rows]
    return lines


def settled(connection: sa.Connection, statement: str, parameters: dict[str, Any]) -> list[Any]:
    """The plan that PostgreSQL comes to after some runs of a prepared statement."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement).replace("%%", "%")
    values = ", ".join(psycopg.sql.Literal(parameters[name]).as_string(None) for name in names)
    with connection.connection.cursor() as cursor:
        cursor.execute(f"PREPARE settled AS {numbered}".encode(), prepare=False)
        for _ in range(RUNS):
            run = f"EXPLAIN (COSTS OFF) EXECUTE settled{f'({values})' if values else ''}"
            rows = cursor.execute(run.encode(), prepare=False).fetchall()
        cursor.execute(b"DEALLOCATE settled", prepare=False)
    return list(rows)


def whole_tables(lines: list[str]) -> list[str]:
    """The steps that walk through a large table."""
    return [
        line
        for line in lines
        for table in LARGE
        if line.startswith(("Seq Scan on " + table + " ", "Parallel Seq Scan on " + table + " "))
        or line in (f"Seq Scan on {table}", f"Parallel Seq Scan on {table}", f"SCAN {table}")
    ]


QUEUES = (
    ("registrations", "state:submitted"),
    ("registrations", "state:submitted older:20d"),
    ("registrations", "oscar.marerwick"),
    ("registrations", "account:5"),
    ("registrations", "student:5"),
    ("students", ""),
    ("students", "number:10000671"),
    ("students", "rakotomalala"),
    ("students", "mask:pseudonym"),
    ("students", "state:blocked"),
    ("audit", ""),
    ("audit", "action:students.reveal"),
    ("audit", "kind:disclosure"),
    ("audit", "desk:registrations case:77"),
    ("audit", 'operator:"school 9"'),
)


@pytest.mark.parametrize(("name", "where"), QUEUES, ids=lambda each: each.replace(" ", "_") or "all")
def test_a_page_and_its_count_are_read_through_indexes(large: Large, name: str, where: str) -> None:
    queue = large.office.queue(large.office.operator("administrator"), desk(name), where)
    lines = plans(large.office, lambda: (queue.first(40), queue.last(40), where and queue.count()))
    assert lines
    assert not whole_tables(lines), "\n".join(lines)


@pytest.mark.parametrize("name", ["administrator", "help desk"])
@pytest.mark.parametrize("text", ["rakotomalala", "oscar.marerwick", "10000671", "asp17", "garland"])
def test_somebody_is_found_through_indexes(large: Large, text: str, name: str) -> None:
    lines = plans(large.office, lambda: find(large.office, large.office.operator(name), text))
    assert lines
    assert not whole_tables(lines), "\n".join(lines)


def test_a_scan_would_be_seen(large: Large) -> None:
    def ask() -> None:
        with large.office.reading() as connection:
            connection.execute(sa.text("SELECT count(*) FROM registration WHERE relation = 'nobody'")).all()

    assert whole_tables(plans(large.office, ask))
