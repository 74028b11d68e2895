"""Many rows into one table by the driver's own bulk path: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.row_scope import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection, Table

COPY_FROM = 50
"""Rows from which COPY is worth its set-up."""


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` (tuples in the order of `columns`) in the connection's transaction.

    Moments are given as aware datetimes and become what the engine stores, as through the table's own types.
    """
    converters = [
        (place, convert)
        for place, name in enumerate(columns)
        if (convert := table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect))
    ]
    listed = [_converted(row, converters) for row in rows] if converters else list(rows)
    if not listed:
        return
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    into = quote(table.name)
    if connection.dialect.name == "postgresql" and len(listed) >= COPY_FROM:
        # COPY refuses a table with row-level security, so there the rows take the way through one without.
        through = "incoming" if table.name in POLICIES else into
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            if through != into:
                cursor.execute(f"CREATE TEMPORARY TABLE incoming AS SELECT {names} FROM {into} WITH NO DATA")
            with cursor.copy(f"COPY {through} ({names}) FROM STDIN") as copy:
                for row in listed:
                    copy.write_row(row)
            if through != into:
                cursor.execute(f"INSERT INTO {into} ({names}) SELECT {names} FROM incoming")
                cursor.execute("DROP TABLE incoming")
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {into} ({names}) VALUES ({marks})", listed)


def _converted(row: Sequence[Any], converters: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in converters:
        values[place] = convert(values[place])
    return tuple(values)
