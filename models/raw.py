"""Rows as the driver has them, for reading very many: the toolkit's own rows cost as much again as reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Select

TOGETHER = 1_000
"""Rows that are held at a time; more of them no longer fit a processor's cache, and reading slows down."""


def raw_rows(connection: Connection, query: Select[Any], together: int = TOGETHER) -> Iterator[list[tuple[Any, ...]]]:
    """What `query` finds, some rows at a time, each a tuple of the driver's own values: a moment is text on SQLite.

    Raises SQLAlchemy's errors, as `connection.execute` does.
    """
    result = connection.execute(query)
    cursor: Any = result.cursor
    dbapi: Any = connection.dialect.dbapi
    try:
        while rows := cursor.fetchmany(together):
            yield rows
    except dbapi.Error as error:
        raise DBAPIError.instance(str(query), None, error, dbapi.Error, dialect=connection.dialect) from error
    finally:
        result.close()
