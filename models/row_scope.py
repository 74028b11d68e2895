"""The second belt of the operators' schools: on PostgreSQL the tables themselves keep other schools' rows from a transaction.

The console's own predicates decide what exists for an operator; they are the same on both engines. Where one was forgotten, these
policies leave nothing to see. A transaction that is for an operator of some schools carries the schools' ids in `district.schools`,
set for that transaction alone; in one without it every row is there, as its grants allow. A row exists where it lies at one of the
schools or concerns a student of them, and a student is of a school as the home school or by a case there: so much an operator of the
school sees of a case on SQLite too. docs/POSTGRESQL.md says which tables have no policy and why.

The views of the portal's contract are the owner's and read everything, whoever asks them.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

SETTING = "district.schools"

# Each setting is read in a sub-select of its own, which PostgreSQL evaluates once a statement and not once a row. That the whole is
# seen is written as IS NOT NULL, which the planner takes for nearly always true: it plans as if there were no policy.
_WHOLE = f"(SELECT 1 WHERE coalesce(current_setting('{SETTING}', true), '') = '') IS NOT NULL"
_THESE = f"ANY ((SELECT string_to_array(current_setting('{SETTING}', true), ',')::bigint[])::bigint[])"

# Asked last, for rows that lie at no school of the setting; a statement that meets none never asks. It has the owner's rights, so that
# it reads across schools, and names bound when it is made. What it costs is told low: a planner that takes a policy for dear gives up
# hash joins for everybody, and for most there is nothing to ask.
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION of_these_schools() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 100 ROWS 1000
BEGIN ATOMIC
    SELECT p.student_id
    FROM (SELECT id AS student_id, school_id FROM student
          UNION ALL SELECT student_id, school_id FROM registration
          UNION ALL SELECT student_id, school_id FROM challenge
          UNION ALL SELECT student_id, school_id FROM access_grant) p
    WHERE p.student_id IS NOT NULL
      AND p.school_id = ANY ((SELECT string_to_array(current_setting('{SETTING}', true), ',')::bigint[])::bigint[]);
END
"""
_AT_SCHOOL = f"school_id = {_THESE} OR {{student}} IN (SELECT f FROM of_these_schools() f)"
POLICIES = {
    "student": _AT_SCHOOL.format(student="id"),
    "sealed_name": "student_id IN (SELECT f FROM of_these_schools() f)",
    "registration": _AT_SCHOOL.format(student="student_id"),
    "challenge": _AT_SCHOOL.format(student="student_id"),
    "access_grant": _AT_SCHOOL.format(student="student_id"),
    "directory_user": _AT_SCHOOL.format(student="student_id"),
}
"""For each table that keeps to the schools, which of its rows exist for an operator of them."""


def drop_policies(connection: Connection) -> None:
    """Remove the policies, so that the tables can change. Nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    found = connection.exec_driver_sql(
        "SELECT tablename FROM pg_policies WHERE schemaname = current_schema() AND policyname = 'of_these_schools'"
    ).scalars()
    for table in found.all():
        connection.exec_driver_sql(f'DROP POLICY of_these_schools ON "{table}"')


def make_policies(connection: Connection) -> None:
    """Put row-level security in place; again is harmless. Nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    drop_policies(connection)
    connection.exec_driver_sql(_FUNCTION)
    for table, exists in POLICIES.items():
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"CREATE POLICY of_these_schools ON {table} USING ({_WHOLE} OR {exists})")


def unprotected(connection: Connection) -> list[str]:
    """The tables whose rows PostgreSQL does not keep apart although it should."""
    kept = connection.exec_driver_sql(
        "SELECT c.relname FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname AND p.schemaname = current_schema()"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity AND p.policyname = 'of_these_schools'"
    ).scalars()
    return sorted(POLICIES.keys() - set(kept))


def told(schools: Collection[int] | None) -> str:
    """The value of the setting: nothing for all schools, and for none of them one that no school has."""
    return "" if schools is None else ",".join(str(int(school)) for school in sorted(schools)) or "0"


@contextmanager
def everywhere(connection: Connection) -> Iterator[None]:
    """What is read in this block is read across all schools: for judging, where only the verdict or a number comes out.

    The places that may are named in tests/test_schools_keep_apart_in_the_database.py, each with its reason.
    """
    schools = connection.get_execution_options().get("schools")
    if schools is None or connection.dialect.name != "postgresql":
        yield
        return
    from sqlalchemy.exc import DBAPIError

    connection.exec_driver_sql(f"SET LOCAL {SETTING} = ''")
    try:
        yield
    finally:
        # After an error of the database the transaction reads nothing more, and refuses this too.
        with suppress(DBAPIError):
            connection.exec_driver_sql(f"SET LOCAL {SETTING} = '{told(schools)}'")
