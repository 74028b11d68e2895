"""Many rows into one table by the engine's own bulk path: COPY on PostgreSQL, statements of many rows and late indexes on SQLite."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models.row_scope import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, Connection, Table

COPY_FROM = 50
"""Rows from which COPY is worth its set-up."""
TOGETHER = 200
"""Rows of one statement where there is no COPY: each statement costs as much as another row, and SQLite takes 32,766 values in one."""
MANY = 20_000
"""Rows from which an index costs less when it is made at once, schema and all, than when it grows."""


@contextmanager
def first_rows(connection: Connection, table: Table, count: int) -> Iterator[None]:
    """A block that brings some `count` rows to `table`. Where those are its first, SQLite makes its indexes once they are there.

    So names by the hundred thousand are sorted, at a quarter of what it takes to find each its place. Constraints hold throughout;
    afterwards the indexes are the same, and where the block raises the transaction is to be rolled back. On PostgreSQL, whose
    console does not own its tables, they grow.
    """
    from sqlalchemy import exists, select

    found: list[tuple[str, str]] = []
    filled = select(exists().select_from(table))
    if connection.dialect.name == "sqlite" and count >= MANY and not connection.execute(filled).scalar():
        told = "SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
        found = [(name, sql) for name, sql in connection.exec_driver_sql(told, (table.name,))]
    quote = connection.dialect.identifier_preparer.quote
    for name, _ in found:
        connection.exec_driver_sql(f"DROP INDEX main.{quote(name)}")
    yield
    for _, sql in found:
        connection.exec_driver_sql(sql)


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` (tuples in the order of `columns`) in the connection's transaction; they are asked for as they are written.

    Moments are given as aware datetimes and become what the engine stores, as through the table's own types.
    """
    converters = [
        (place, convert)
        for place, name in enumerate(columns)
        if (convert := _converter(connection, table.c[name])) is not None
    ]
    insert_stored(connection, table, columns, (_converted(row, converters) for row in rows) if converters else rows)


def stored(connection: Connection, column: Column[Any], value: Any) -> Any:
    """A value as the engine stores it, for `insert_stored`."""
    convert = _converter(connection, column)
    return value if convert is None else convert(value)


def _converter(connection: Connection, column: Column[Any]) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def insert_stored(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    same: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """The same for values that are already as the engine stores them; `same` has those that no row has for itself."""
    coming = iter(rows)
    begun = list(islice(coming, COPY_FROM))
    if not begun:
        return
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in (*same, *columns))
    shared = tuple(same.values())
    into = quote(table.name)
    if connection.dialect.name == "postgresql" and len(begun) >= COPY_FROM:
        # COPY refuses a table with row-level security, so there the rows take the way through one without.
        through = "incoming" if table.name in POLICIES else into
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            if through != into:
                cursor.execute(f"CREATE TEMPORARY TABLE incoming AS SELECT {names} FROM {into} WITH NO DATA")
            with cursor.copy(f"COPY {through} ({names}) FROM STDIN") as copy:
                for row in chain(begun, coming):
                    copy.write_row((*shared, *row))
            if through != into:
                cursor.execute(f"INSERT INTO {into} ({names}) SELECT {names} FROM incoming")
                cursor.execute("DROP TABLE incoming")
        return
    coming = chain(begun, coming)
    if connection.dialect.name == "sqlite":
        # A numbered place is filled once for all rows; those without a number count on from there. (Python 3.12.0 to 3.12.3 take
        # such a number for a name, and warn.)
        marks = ", ".join([*(f"?{n}" for n, _ in enumerate(shared, 1)), *["?"] * len(columns)])
        first, repeated = shared, ()
    else:
        marks = ", ".join(["%s"] * (len(shared) + len(columns)))
        first, repeated = (), shared

    @cache
    def statement(count: int) -> str:
        return f"INSERT INTO {into} ({names}) VALUES {', '.join([f'({marks})'] * count)}"

    while many := list(islice(coming, TOGETHER)):
        given = chain.from_iterable((*repeated, *row) for row in many) if repeated else chain.from_iterable(many)
        connection.exec_driver_sql(statement(len(many)), (*first, *given))


def _converted(row: Sequence[Any], converters: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in converters:
        values[place] = convert(values[place])
    return tuple(values)
