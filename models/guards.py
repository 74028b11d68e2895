"""What the database itself refuses: changing or deleting what a log has said, and a moment that SQLite cannot order.

The logs' triggers stop mistakes and ordinary connections. Whoever owns the file or the database can drop them; that is what the
signed tree outside the database is for. SQLite keeps a moment as the text that it is given; since a challenge or a consent acts as
it lies in the intake, what does not sort like time is refused there (docs/PORTAL-CONTRACT.md). PostgreSQL has a type for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

_APPEND_ONLY = ("record", "record_detail", "log_node")
_SAYS = "a log only grows: nothing in it is changed or deleted"

_MOMENTS = {
    "intake_registration": "arrived_at",
    "intake_challenge": "arrived_at",
    "intake_grant": "arrived_at",
    "intake_consent": "at",
    "intake_answer": "at",
}
_MOMENT = "-".join(["[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2]) + " " + ":".join(["[0-9]" * 2] * 3) + "*"


def make_guards(connection: Connection) -> None:
    """Put the triggers in place; again is harmless."""
    if connection.dialect.name == "sqlite":
        for table in _APPEND_ONLY:
            for event in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
                )
        for table, column in _MOMENTS.items():
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {table}_moment BEFORE INSERT ON {table} "
                f"WHEN NEW.{column} NOT GLOB '{_MOMENT}' OR substr(NEW.{column}, 20) GLOB '*[^.0-9]*' "
                f"BEGIN SELECT RAISE(ABORT, '{column} is written as YYYY-MM-DD HH:MM:SS.ffffff, in UTC'); END"
            )
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION log_only_grows() RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAYS}'; END $$"
    )
    for table in _APPEND_ONLY:
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION log_only_grows()"
        )
