"""The schema that the migrations make is the one that the tables declare, on each engine, and a second upgrade harms nothing."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from models import tables as t
from models.engine import open_engine, reading
from models.migrate import current, newest, upgrade
from models.schema import completed


def test_migrations_make_exactly_the_declared_tables(database_url: str) -> None:
    """Defaults are compared on PostgreSQL: Alembic misreads an empty text on SQLite, and one migration makes both."""
    engine = open_engine(database_url)
    upgrade(engine)
    defaults = engine.dialect.name == "postgresql"
    with reading(engine) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": defaults, "include_object": _ours}
        )
        differences = compare_metadata(context, completed())
    engine.dispose()
    assert differences == []


def test_migrations_make_every_closed_list_of_words(database_url: str) -> None:
    """Alembic compares no CHECK constraints, and they are what keeps a state to its words."""
    engine = open_engine(database_url)
    upgrade(engine)
    inspector = sa.inspect(engine)
    made = {
        (table, check["name"]): set(re.findall(r"'(\w+)'", check["sqltext"]))
        for table in t.metadata.tables
        for check in inspector.get_check_constraints(table)
        if str(check["name"]).endswith("_word")
    }
    engine.dispose()
    declared = {
        (table.name, f"ck_{table.name}_{column.name}_word"): {str(word) for word in column.info["words"]}
        for table in t.metadata.tables.values()
        for column in table.c
        if "words" in column.info
    }
    assert made == declared


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    engine = open_engine(database_url)
    assert upgrade(engine) == newest()
    before = _shape(engine)
    assert upgrade(engine) == newest()
    assert _shape(engine) == before
    with reading(engine) as connection:
        assert current(connection) == newest()
    engine.dispose()


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    """Alembic's own table is not declared."""
    return not (kind == "table" and name == "alembic_version")


def _shape(engine: sa.Engine) -> dict[str, Any]:
    inspector = sa.inspect(engine)
    return {
        name: (
            [column["name"] for column in inspector.get_columns(name)],
            [_said(index) for index in inspector.get_indexes(name)],
        )
        for name in [*inspector.get_table_names(), *inspector.get_view_names()]
    }


def _said(index: Any) -> dict[str, str]:
    """Of an index of some rows the inspector tells the condition as an object that equals none."""
    options = {name: str(value) for name, value in index["dialect_options"].items()}
    return {name: str(value) for name, value in {**index, "dialect_options": options}.items()}
