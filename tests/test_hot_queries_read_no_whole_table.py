"""What an operator waits for is read through an index on either engine: no plan of a hot query walks through a large table.

The district has a few thousand of everything, enough for PostgreSQL to prefer an index where one fits; SQLite has no statistics, as in
life. A plan that begins to scan shows here before a large district feels it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

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
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    sa.event.listen(office.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(office.engine, "before_cursor_execute", note)
    lite = office.engine.dialect.name == "sqlite"
    lines = []
    with office.reading() as connection:
        for statement, parameters in seen:
            words = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN (COSTS OFF) "
            rows = connection.exec_driver_sql(words + statement, parameters).all()
            lines += [str(row[3] if lite else row[0]).strip(" ->") for row in rows]
    return lines


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
    lines = plans(large.office, lambda: (queue.first(40), queue.last(40)))
    assert lines
    assert not whole_tables(lines), "\n".join(lines)


@pytest.mark.parametrize("text", ["rakotomalala", "oscar.marerwick", "10000671", "asp17"])
def test_somebody_is_found_through_indexes(large: Large, text: str) -> None:
    lines = plans(large.office, lambda: find(large.office, large.office.operator("administrator"), text))
    assert lines
    assert not whole_tables(lines), "\n".join(lines)


def test_a_scan_would_be_seen(large: Large) -> None:
    def ask() -> None:
        with large.office.reading() as connection:
            connection.execute(sa.text("SELECT count(*) FROM registration WHERE relation = 'nobody'")).all()

    assert whole_tables(plans(large.office, ask))
