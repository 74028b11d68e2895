"""The engine's own driver beside the console: it runs our statements and the bare ones in the very same way.

Promises: the same role, the same row-level security, every statement prepared, all its rows fetched, no transaction but its own. What
the console sent is taken from it as it went to the driver, so that nothing of ours but the SQL and its values is left.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

from models.row_scope import SETTING, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tests.measured.large import Large

Statement = tuple[str, Any]
"""SQL in the driver's own style, and its values."""
_NAMED = re.compile(r"(?<!:):([a-z_]+)")


def caught(engine: sa.Engine, ask: Callable[[], object]) -> list[Statement]:
    """The queries that `ask` sends through the engine."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            seen.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return seen


class Driver:
    """One connection of sqlite3 or psycopg to a large district."""

    def __init__(self, large: Large) -> None:
        self._lite: sqlite3.Connection | None = None
        self._served: psycopg.Connection[Any] | None = None
        if large.file is not None:
            self._lite = sqlite3.connect(large.file, isolation_level=None)
        else:
            url = sa.make_url(large.url).set(drivername="postgresql").render_as_string(hide_password=False)
            self._served = psycopg.connect(url, prepare_threshold=0, options="-c jit=off", autocommit=True)

    def by_hand(self, sql: str, values: dict[str, object]) -> Statement:
        """Bare SQL with its values written `:name`."""
        return (sql if self._lite else _NAMED.sub(r"%(\1)s", sql)), (values or None)

    def within(self, schools: Collection[int] | None) -> None:
        """From here on PostgreSQL shows the rows of these schools; all of them for None."""
        if self._served is not None:
            self._served.execute(f"SET {SETTING} = '{told(schools)}'".encode(), prepare=False)

    def run(self, statements: list[Statement]) -> int:
        """Run them one after the other; how many rows they gave."""
        connection: Any = self._lite or self._served
        return sum(
            len(connection.execute(sql, *(() if values is None else (values,))).fetchall())
            for sql, values in statements
        )

    def close(self) -> None:
        """End the connection."""
        for each in (self._lite, self._served):
            if each is not None:
                each.close()
