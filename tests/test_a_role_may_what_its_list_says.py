"""On PostgreSQL the console's role and the signer may what models/roles.py lists, and nothing else of the portal or the server.

The attacks speak to the server themselves, as somebody would who got the console's password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import errors

from models import tables as t
from models.engine import open_engine, reading, writing
from models.roles import APP as MAY
from models.roles import SIGNER as SIGNER_MAY
from models.roles import Roles, differences, settle
from models.views import VIEWS
from tests.portals import open_portal
from tests.services.postgres import APP, OWNER, SIGNER, as_role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.portals import Portal
    from tests.services.postgres import Cluster

HELD = """
SELECT table_name, privilege_type FROM information_schema.table_privileges
WHERE table_schema = 'public' AND grantee = %s
"""


@pytest.fixture(scope="module")
def founded(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One portal with a decided case, for tests that change nothing: every attack is refused."""
    url = postgres.fresh_database()
    portal = open_portal(url, tmp_path_factory.mktemp("portal"))
    case = portal.registration(portal.student(school=portal.school()))
    portal.decide("registrations", "approve", case, reason="ok")
    yield portal
    portal.office.engine.dispose()
    postgres.drop(url)


def address(portal: Portal, role: str) -> str:
    return as_role(portal.settings.database.url, role)


def ask(portal: Portal, role: str, *statements: str) -> list[Any]:
    """The answer to the last statement, in a session of the role's own."""
    with psycopg.connect(address(portal, role), autocommit=True) as session:
        for each in statements:
            cursor = session.execute(each)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize(("role", "listed"), [(APP, MAY), (SIGNER, SIGNER_MAY)], ids=["app", "signer"])
def test_a_role_has_exactly_the_privileges_of_its_list(
    founded: Portal, role: str, listed: dict[str, frozenset[str]]
) -> None:
    """The server's own catalogue, asked by a superuser, against the list: a table that nobody named would be missing in one."""
    held: dict[str, set[str]] = {}
    with psycopg.connect(address(founded, "postgres")) as session:
        for table, privilege in session.execute(HELD, (role,)):
            held.setdefault(table, set()).add(privilege)
        everybody = session.execute(HELD, ("PUBLIC",)).fetchall()
        columns = session.execute(
            "SELECT DISTINCT table_name FROM information_schema.column_privileges WHERE grantee = %s", (role,)
        ).fetchall()
    assert held == {table: set(rights) for table, rights in listed.items()}
    assert everybody == []
    assert {table for (table,) in columns} == set(held)


def test_every_table_and_view_is_named(founded: Portal) -> None:
    there = {
        row[0]
        for row in ask(
            founded, "postgres", "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    }
    assert there == set(MAY) == {*t.metadata.tables, *VIEWS, "alembic_version"}


def test_a_table_that_nobody_named_is_closed_and_a_right_that_strayed_is_taken_back(founded: Portal) -> None:
    owner, app = open_engine(address(founded, OWNER)), open_engine(address(founded, APP))
    try:
        with writing(owner) as connection:
            connection.exec_driver_sql("CREATE TABLE later (id int)")
            connection.exec_driver_sql(f"GRANT UPDATE ON record TO {APP}")
            connection.exec_driver_sql("GRANT SELECT ON student TO PUBLIC")
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), reading(app) as connection:
            connection.exec_driver_sql("SELECT * FROM later")
        with writing(owner) as connection:
            connection.exec_driver_sql("DROP TABLE later")
            assert differences(connection, APP, MAY) == ["record"]
            settle(connection, Roles(APP, SIGNER))
            assert differences(connection, APP, MAY) == []
        with pytest.raises(errors.InsufficientPrivilege):
            ask(founded, SIGNER, "SELECT * FROM student")
    finally:
        owner.dispose()
        app.dispose()


def test_the_portals_own_login_keeps_what_it_was_given(founded: Portal) -> None:
    """Settling again takes from the roles it knows and from everybody, and from nobody else."""
    owner = open_engine(address(founded, OWNER))
    with psycopg.connect(address(founded, "postgres"), autocommit=True) as session:
        session.execute("CREATE ROLE portal_web LOGIN")
        session.execute("CREATE ROLE stranger LOGIN")
        session.execute(
            "GRANT CONNECT ON DATABASE " + founded.settings.database.url.rpartition("/")[2] + " TO portal_web"
        )
    with writing(owner) as connection:
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO portal_web")
        connection.exec_driver_sql("GRANT SELECT ON portal_access TO portal_web")
        settle(connection, Roles(APP, SIGNER))
    owner.dispose()
    assert ask(founded, "portal_web", "SELECT count(*) FROM portal_access")[0][0] > 0
    with pytest.raises(errors.InsufficientPrivilege):
        ask(founded, "portal_web", "SELECT count(*) FROM student")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        ask(founded, "stranger", "SELECT 1")
    with psycopg.connect(address(founded, "postgres"), autocommit=True) as session:
        session.execute("DROP OWNED BY portal_web")
        session.execute("DROP ROLE portal_web, stranger")


def test_the_roles_are_nothing_but_logins(founded: Portal) -> None:
    query = (
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        f" pg_has_role(rolname, '{OWNER}', 'MEMBER') FROM pg_roles WHERE rolname IN ('{APP}', '{SIGNER}')"
    )
    assert ask(founded, "postgres", query) == [(False,) * 6] * 2


LEDGER = [
    statement
    for table, change in (
        ("record", "body = ''"),
        ("record_detail", "sealed = ''"),
        ("log_node", "hash = ''"),
    )
    for statement in (
        f"UPDATE {table} SET {change}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"DROP TRIGGER {table}_only_grows ON {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"DROP TABLE {table} CASCADE",
    )
]
SCHOOLS = [
    "ALTER TABLE student DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE student NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY of_these_schools ON student",
    "CREATE POLICY mine ON student USING (true)",
    "CREATE OR REPLACE VIEW scope_home (student_id, school_id) AS SELECT id, 1::bigint FROM student",
    "DROP FUNCTION of_these_schools() CASCADE",
]
HIGHER = [
    f"SET ROLE {OWNER}",
    f"SET SESSION AUTHORIZATION {OWNER}",
    "SET ROLE postgres",
    "SET session_replication_role = replica",
    f"ALTER ROLE {APP} SUPERUSER",
    f"ALTER ROLE {APP} BYPASSRLS",
    f"GRANT {OWNER} TO {APP}",
    "CREATE ROLE another LOGIN",
    "CREATE DATABASE another",
    "CREATE TABLE public.record_copy AS SELECT * FROM record",
    "CREATE FUNCTION public.now() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION dblink",
    "CREATE OR REPLACE FUNCTION log_only_grows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER DEFAULT PRIVILEGES FOR ROLE district_owner GRANT ALL ON TABLES TO PUBLIC",
]
SERVER = [
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY portal FROM PROGRAM 'id'",
    "COPY student TO '/tmp/students.csv'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "ALTER SYSTEM SET fsync = off",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
]
THE_PORTALS_OWN = [
    "UPDATE portal SET verifier_key = 'mine'",
    "DELETE FROM log_head",
    "INSERT INTO log_head (log, size, frontier, root) VALUES ('other', 0, '', '')",
    "UPDATE data_key SET wrapped = ''",
    "UPDATE batch SET receipt = '{}'",
    "UPDATE alembic_version SET version_num = '9'",
    "DELETE FROM student",
    "DELETE FROM registration",
]


@pytest.mark.parametrize("statement", LEDGER + SCHOOLS + HIGHER + SERVER + THE_PORTALS_OWN)
def test_who_has_the_consoles_password_is_refused(founded: Portal, statement: str) -> None:
    """VULNERABILITY: whoever takes over the console, or its database password, rewrites what was recorded, or becomes more.

    ATTACK: a session of the console's role with the statement itself: on the logs and their triggers, on row-level security, on
    roles and schema, on the server's files and programs, on the portal's own rows.
    VERIFIES: the server refuses each for want of a right, not by a trigger that could be dropped.
    """
    with pytest.raises(errors.InsufficientPrivilege):
        ask(founded, APP, statement)


@pytest.mark.parametrize("statement", LEDGER)
def test_who_has_the_signers_password_is_refused(founded: Portal, statement: str) -> None:
    """ATTACK: the same on the logs, from the machine that signs."""
    with pytest.raises(errors.InsufficientPrivilege):
        ask(founded, SIGNER, statement)


@pytest.mark.parametrize("table", sorted(set(MAY) - set(SIGNER_MAY)))
def test_the_signer_reads_nobodys_data(founded: Portal, table: str) -> None:
    """VULNERABILITY: the machine that signs elsewhere becomes another place where students' data leak.

    ATTACK: a session of the signer reads each table that is no log.
    VERIFIES: refused; it reads neither people nor keys.
    """
    with pytest.raises(errors.InsufficientPrivilege):
        ask(founded, SIGNER, f"SELECT * FROM {table}")


def test_the_owner_is_stopped_by_the_trigger(founded: Portal) -> None:
    """What the owner could drop stops a mistake all the same; what was dropped the signed tree tells (the ledger's own tests)."""
    with pytest.raises(errors.RaiseException, match="only grows"):
        ask(founded, OWNER, "DELETE FROM record")


def test_a_temporary_table_stands_in_for_nothing(founded: Portal) -> None:
    """VULNERABILITY: PostgreSQL looks for a table among the temporary ones first.

    ATTACK: a session of the console's role makes a temporary `record` and `student` and reads on.
    VERIFIES: the portal's own are read.
    """
    engine = open_engine(address(founded, APP))
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE record (nothing int)")
        connection.exec_driver_sql("CREATE TEMPORARY TABLE student (nothing int)")
        assert connection.exec_driver_sql("SELECT count(body) FROM record").scalar_one() >= 1
        assert connection.exec_driver_sql("SELECT count(number) FROM student").scalar_one() == 1
        connection.rollback()
    engine.dispose()
