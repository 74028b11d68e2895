"""Append-only, in the database too: triggers that refuse to change or delete what a log has said.

They stop mistakes and ordinary connections. Whoever owns the file or the database can drop them; that is what the signed tree
outside the database is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

_APPEND_ONLY = ("record", "record_detail", "log_node")
_SAYS = "a log only grows: nothing in it is changed or deleted"


def make_guards(connection: Connection) -> None:
    """Put the triggers in place; again is harmless."""
    if connection.dialect.name == "sqlite":
        for table in _APPEND_ONLY:
            for event in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
                )
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION log_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAYS}'; END $$"
    )
    for table in _APPEND_ONLY:
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION log_only_grows()"
        )
