"""Promise: what docs/PORTAL-CONTRACT.md says to the portal's developers is so, on both engines.

Its examples are executed in their order; its views turn at the district's midnight, wear the masks, read through indexes, and
keep who may read them over an upgrade.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from models import tables as t
from models.engine import open_engine, reading, writing
from models.guards import make_guards
from models.views import drop_views, make_views
from tests.worlds import OPEN, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

PAGE = Path(__file__).parent.parent / "docs" / "PORTAL-CONTRACT.md"
BLOCK = re.compile(r"^```(sql|result)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONG_AGO = date(2020, 8, 1)
MADE = datetime(2020, 8, 1, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = open_engine(database_url)
    with writing(made) as connection:
        t.metadata.create_all(connection)
        make_views(connection)
        make_guards(connection)
    yield made
    made.dispose()


def add(connection: Connection, table: sa.Table, **values: object) -> None:
    connection.execute(sa.insert(table).values(**values))


def found(connection: Connection, zone: str) -> None:
    """A portal of the page's: Lincoln school, student 7, her parents 12 and 13, a teacher 14, a tutor 15."""
    add(connection, t.portal, name="Portal", origin="test", timezone=zone, verifier_key="-", made_at=MADE)
    school = {"source_id": "lincoln", "name": "Lincoln", "code": "LIN", "type": "school"}
    add(connection, t.school, id=4, **school, hold_policy="full", asp=True)
    name = {"given_name": "Ann", "family_name": "Lee", "family_initial": "L."}
    add(connection, t.student, id=7, source_id="s-7", number="900107", **name, school_id=4, mask="initial")
    add(connection, t.enrollment, student_id=7, school_id=4)
    for number, kind, login in (
        (12, "parent", "Pat.Vale"),
        (13, "parent", "k.roe"),
        (14, "certificated", "t.ash"),
        (15, "asp", "tutor"),
        (16, "student", "ann.lee"),
    ):
        add(
            connection,
            t.account,
            id=number,
            type=kind,
            login=login,
            login_key=login.lower(),
            given_name="Ann" if kind == "student" else "Pat",
            family_name="Lee" if kind == "student" else "Vale",
            status="active",
            since=LONG_AGO,
            student_id=7 if kind == "student" else None,
        )
    add(connection, t.account_school, account_id=14, school_id=4)
    entry = {"directory_id": "5f0e6a52-6d3c-4c1e-9a59-1c0f6a1f7a31", "login": "T.Ash", "login_key": "t.ash"}
    seen = {"first_seen": MADE, "last_seen": MADE}
    name = {"given_name": "Pat", "family_name": "Vale"}
    add(connection, t.directory_user, **entry, **name, **seen, state="activated", account_id=14)
    add(connection, t.membership, id=31, account_id=12, student_id=7, status="approved", since=LONG_AGO)
    add(connection, t.membership, id=32, account_id=13, student_id=7, status="approved", since=LONG_AGO)
    grant = {"ref": "gra-3", "state": "approved", "arrived_at": MADE, "purpose": "homework"}
    add(connection, t.access_grant, id=3, **grant, account_id=15, student_id=7, school_id=4, ends=date(2031, 7, 1))
    add(connection, t.intake_consent, ref="con-1", at=MADE, grant_ref="gra-3", login="pat.vale", gives=True)


def statements(text: str) -> list[str]:
    return [part for part in text.split(";\n") if part.strip()]


def test_the_examples_of_the_page_are_so(engine: Engine, engine_name: str):
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    answered = ""
    ran = 0
    with writing(engine) as connection:
        found(connection, "America/Los_Angeles")
    for kind, words, text in blocks:
        if kind == "result":
            assert answered == text.rstrip("\n"), text
            continue
        if words.split() and words.split()[0] != engine_name:
            continue
        if "refused" in words:
            with pytest.raises(sa.exc.DatabaseError, match="in UTC"), writing(engine) as connection:
                connection.exec_driver_sql(text)
            continue
        with writing(engine) as connection:
            for statement in statements(text):
                rows = connection.exec_driver_sql(statement)
                ran += 1
                if rows.returns_rows:
                    answered = "\n".join(" | ".join("" if cell is None else str(cell) for cell in row) for row in rows)
    assert ran >= 14
    if engine_name == "postgresql":
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP OWNED BY portal_login")
            connection.exec_driver_sql("DROP ROLE portal_login")


def test_the_role_of_the_page_can_do_what_a_portal_does_and_no_more(engine: Engine, engine_name: str):
    if engine_name == "sqlite":
        assert "GRANT" not in "".join(
            text for _, words, text in BLOCK.findall(PAGE.read_text("utf-8")) if "sqlite" in words
        )
        return
    rights = next(text for _, _, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if "CREATE ROLE" in text)
    challenge = "INSERT INTO intake_challenge (ref, arrived_at, challenger, challenged, student_number, statement) "
    with writing(engine) as connection:
        found(connection, "UTC")
        for statement in statements(rights):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("SET ROLE portal_login")
        connection.exec_driver_sql(challenge + "VALUES ('c', now(), 'pat.vale', 'k.roe', '900107', '-')")
        seen = connection.exec_driver_sql("SELECT count(*) FROM portal_access WHERE viewer IN (12, 13)").scalar_one()
        assert seen == 6
        for forbidden in (
            "SELECT family_name FROM student",
            "SELECT statement FROM intake_challenge",
            "UPDATE intake_challenge SET refused = 'no'",
            "DELETE FROM intake_consent",
            "SELECT * FROM access_tie",
        ):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
                connection.exec_driver_sql(forbidden)
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("DROP OWNED BY portal_login")
        connection.exec_driver_sql("DROP ROLE portal_login")


def columns_said(page: str, heading: str) -> set[str]:
    """The names in the first column of the table after a heading or a bold name."""
    part = page[page.index(heading) :]
    lines = re.findall(r"^\|.*$", part[: part.index("\n\n", part.index("|---"))], re.MULTILINE)[2:]
    return {name for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])}


def test_every_column_is_on_the_page(engine: Engine):
    page = PAGE.read_text(encoding="utf-8")
    common = {"id", "ref", "arrived_at", "taken_at", "refused"}
    intake = {table.name: table for table in t.metadata.sorted_tables if table.name.startswith("intake_")}
    assert len(intake) == 6
    for name, table in intake.items():
        assert columns_said(page, f"**`{name}`**") | common >= set(table.columns.keys()), name
        assert columns_said(page, f"**`{name}`**") <= set(table.columns.keys()), name
    assert columns_said(page, "`portal_access` has one row") == {"viewer", "student", "class", "via", "from", "until"}
    looked = sa.inspect(engine)
    for view, heading in (
        ("portal_access", "`portal_access` has one row"),
        ("portal_access_period", "`portal_access` has one row"),
        ("portal_account", "\n`portal_account`\n"),
        ("portal_student", "\n`portal_student`\n"),
        ("portal_directory", "\n`portal_directory`\n"),
    ):
        assert {column["name"] for column in looked.get_columns(view)} == columns_said(page, heading), view


def test_every_view_can_be_read(engine: Engine):
    """SQLite looks at a view's columns only when it is asked."""
    with reading(engine) as connection:
        names = sa.inspect(connection).get_view_names()
        for name in names:
            connection.exec_driver_sql(f"SELECT * FROM {name}").all()
    assert {"portal_access", "portal_access_period", "portal_account", "portal_student", "portal_directory"} <= set(
        names
    )


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "America/Los_Angeles"])
def test_a_day_begins_at_the_districts_midnight(engine: Engine, engine_name: str, monkeypatch, zone: str):
    """On SQLite the asking process has to stand in the district's time zone; on PostgreSQL its own does not matter."""
    monkeypatch.setenv("TZ", zone if engine_name == "sqlite" else "Asia/Tokyo")
    time.tzset()
    try:
        with writing(engine) as connection:
            found(connection, zone)
            today = datetime.now(ZoneInfo(zone)).date()
            connection.execute(sa.update(t.account).where(t.account.c.id == 12).values(since=today))
            connection.execute(sa.update(t.account).where(t.account.c.id == 13).values(since=today + timedelta(days=1)))
            connection.execute(sa.update(t.access_grant).values(ends=today + timedelta(days=1)))
        with reading(engine) as connection:
            viewers = connection.exec_driver_sql("SELECT DISTINCT viewer FROM portal_access").scalars().all()
            active = connection.exec_driver_sql("SELECT id FROM portal_account WHERE active").scalars().all()
        assert datetime.now(ZoneInfo(zone)).date() == today, "midnight fell into the test"
        assert sorted(viewers) == [12, 14, 15, 16]
        assert sorted(active) == [12, 14, 15, 16]
        with writing(engine) as connection:
            connection.execute(sa.update(t.access_grant).values(ends=today))
            over = connection.exec_driver_sql("SELECT count(*) FROM portal_access WHERE viewer = 15").scalar_one()
        assert over == 0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_mask_covers_the_students_own_login_too(engine: Engine):
    shown = {}
    for mask in ("none", "initial", "pseudonym"):
        with writing(engine) as connection:
            if mask == "none":
                found(connection, "UTC")
            connection.execute(sa.update(t.student).values(mask=mask, pseudonym="QK7-4M2"))
            names = sa.text("SELECT given_name, family_name FROM portal_account WHERE id = 16")
            student = sa.text("SELECT given_name, family_name FROM portal_student WHERE id = 7")
            shown[mask] = [tuple(connection.execute(query).one()) for query in (names, student)]
    assert shown == {
        "none": [("Ann", "Lee")] * 2,
        "initial": [("Ann", "L.")] * 2,
        "pseudonym": [("QK7-4M2", "")] * 2,
    }


def test_deleted_accounts_are_not_there(engine: Engine):
    with writing(engine) as connection:
        found(connection, "UTC")
        connection.execute(sa.update(t.account).where(t.account.c.id == 13).values(status="deleted"))
        ids = connection.exec_driver_sql("SELECT id FROM portal_account ORDER BY id").scalars().all()
    assert ids == [12, 14, 15, 16]


def test_who_may_read_the_views_still_may_after_they_were_made_anew(engine: Engine, engine_name: str):
    if engine_name == "sqlite":
        with writing(engine) as connection:
            assert drop_views(connection) == []
            make_views(connection)
        return
    with writing(engine) as connection:
        connection.exec_driver_sql('CREATE ROLE "Portal reader"')
        connection.exec_driver_sql('GRANT SELECT ON portal_access TO "Portal reader"')
        connection.exec_driver_sql("GRANT SELECT ON portal_student TO PUBLIC")
        make_views(connection, drop_views(connection))
        make_views(connection)
        may = "SELECT has_table_privilege('Portal reader', %s, 'SELECT')"
        rights = {
            view: connection.exec_driver_sql(may, (view,)).scalar_one()
            for view in ("portal_access", "portal_student", "portal_account", "access_tie")
        }
        connection.exec_driver_sql('DROP OWNED BY "Portal reader"')
        connection.exec_driver_sql('DROP ROLE "Portal reader"')
    assert rights == {"portal_access": True, "portal_student": True, "portal_account": False, "access_tie": False}


def test_views_of_an_earlier_version_go_away(engine: Engine):
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE VIEW access_of_last_year AS SELECT viewer FROM portal_access_period")
        make_views(connection)
        assert "access_of_last_year" not in sa.inspect(connection).get_view_names()


BIG = (
    "account",
    "membership",
    "student",
    "enrollment",
    "access_grant",
    "intake_consent",
    "intake_challenge",
    "challenge",
)
ASKED = ("viewer = 3", "viewer = 10", "student = 1", "viewer = 7 AND student = 1")


@pytest.mark.parametrize("where", ASKED)
def test_one_viewer_or_one_student_is_read_through_indexes(engine: Engine, engine_name: str, where: str):
    """No scan of a table that grows with the district."""
    query = f"SELECT * FROM portal_access_period WHERE {where}"
    with writing(engine) as connection:
        put(connection, OPEN)
        if engine_name == "sqlite":
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
            scans = [line for line in plan if line.startswith("SCAN") and "CONSTANT" not in line]
            # c and r are the list of classes and the few rows of the readers that were found.
            assert {line.split()[1] for line in scans} <= {"c", "r"}
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {query}")]
            scanned = {match[1] for line in plan if (match := re.search(r"Seq Scan on (\w+)", line))}
            assert not scanned & set(BIG)
        assert len(plan) > 20
