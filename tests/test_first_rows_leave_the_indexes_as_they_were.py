"""Where the first rows of a table are very many, SQLite makes its indexes after them: they are the same then, or nothing happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from models import bulk
from models import tables as t
from models.bulk import first_rows
from models.engine import writing
from tests.imports import Imports, user

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def imports(portal: Portal, tmp_path: Path) -> Imports:
    return Imports(portal, tmp_path)


def _indexes(connection: sa.Connection) -> Any:
    """All of the engine's, in the words in which it keeps them."""
    told = {
        "sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name",
        "postgresql": "SELECT indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
    }
    return connection.execute(sa.text(told[connection.dialect.name])).all()


def test_a_first_roster_leaves_the_indexes_as_they_were(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MANY", 1)
    office = imports.portal.office
    with office.reading() as connection:
        before = _indexes(connection)
    people = [user(f"U{n}") for n in range(30)] + [user(f"G{n}", "guardian") for n in range(30)]
    report = imports.roster(users=people)
    assert (report.kind("students").added, report.kind("contacts").added) == (30, 30)
    with office.reading() as connection:
        assert _indexes(connection) == before
        if connection.dialect.name == "sqlite":
            assert connection.execute(sa.text("PRAGMA integrity_check")).scalars().all() == ["ok"]


def test_only_the_first_rows_and_only_very_many_are_worth_it(portal: Portal) -> None:
    portal.school()
    with writing(portal.office.engine) as connection:
        whole = _indexes(connection)
        with first_rows(connection, t.student, bulk.MANY - 1):
            assert _indexes(connection) == whole
        with first_rows(connection, t.school, bulk.MANY):
            assert _indexes(connection) == whole
        with first_rows(connection, t.student, bulk.MANY):
            during = _indexes(connection)
        assert _indexes(connection) == whole
    gone = {name for name, table, _ in whole if table == "student"} - {name for name, _, _ in during}
    if portal.office.engine.dialect.name == "sqlite":
        assert {"ix_student_name_key", "ix_student_family_key_id"} <= gone
        assert not any("autoindex" in name for name in gone)
    else:
        assert not gone


def test_given_up_between_the_indexes_are_there_again(portal: Portal) -> None:
    with portal.office.reading() as connection:
        before = _indexes(connection)
    with (
        pytest.raises(KeyboardInterrupt),
        writing(portal.office.engine) as connection,
        first_rows(connection, t.contact, bulk.MANY),
    ):
        raise KeyboardInterrupt
    with portal.office.reading() as connection:
        assert _indexes(connection) == before
