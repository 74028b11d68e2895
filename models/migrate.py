"""The schema's versions, run from code: Alembic without a configuration file.

Views and guards are made anew after the tables, in the same transaction, since they are text and not data.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.engine import writing
from models.guards import make_guards
from models.views import drop_views, make_views

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def upgrade(engine: Engine) -> str:
    """Bring the schema to the newest version, all or nothing; returns its name."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head() or ""

    def steps(revision: object, _context: object) -> object:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001 - Alembic's own recipe

    with (
        writing(engine) as connection,
        EnvironmentContext(config, scripts, fn=steps, destination_rev="head") as context,
    ):
        allowed = drop_views(connection)
        context.configure(connection=connection, transactional_ddl=False, transaction_per_migration=False)
        context.run_migrations()
        make_views(connection, allowed)
        make_guards(connection)
    return head


def current(connection: Connection) -> str | None:
    """The schema's version as the database says it, None before the first. Read without Alembic, which costs 0.7 s to import."""
    from sqlalchemy import inspect

    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision


def newest() -> str:
    """The version that this program brings, read from the file names alone."""
    files = sorted((Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    return files[-1].stem.split("_")[0] if files else ""
