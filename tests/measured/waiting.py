"""A portal in which so many registrations are, made by a few statements: what the queue's table needs, and nothing else.

Accounts, ties, students and schools are there because a queue's rows are drawn from them; a million take a minute to build, where a
large district (`tests.measured.large`) takes several. Every fifth registration waits. People's names are of a short list.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from models.engine import open_engine, writing
from tests.line_mode import write_settings
from tests.portals import NOON, Portal, open_portal
from tests.services.postgres import OWNER, as_role

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = ("Ana", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hana", "Ivan", "Jin", "Kofi", "Lena", "José")
FAMILY = ("Alvarez", "Brandt", "Cohen", "Demir", "Eze", "Fischer", "Garcia", "Nguyen", "Okonkwo", "Smith-Jones", "Żak")
PER_SCHOOL, PER_STUDENT = 3000, 2
_SERIES = {
    "sqlite": "(WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {count}) SELECT n FROM up)",
    "postgresql": "(SELECT generate_series(1, {count}) AS n)",
}
_MOMENT = {
    "sqlite": "datetime('{begin}', '+' || n || ' minutes') || '.000000'",
    "postgresql": "TIMESTAMPTZ '{begin}+00' + n * INTERVAL '1 minute'",
}
_STATEMENTS = (
    """INSERT INTO school (source_id, name, code, type)
       SELECT 'school-' || n, 'School ' || n, 'S' || n, 'school' FROM {schools} AS s""",
    """INSERT INTO student (source_id, number, given_name, family_name, name_key, family_key, family_initial, school_id)
       SELECT 'student-' || n, 20000000 + n, {given}, {family}, lower({given} || {family}), lower({family}), 'A.',
              1 + n % {school_count} FROM {students} AS s""",
    """INSERT INTO account (type, login, login_key, given_name, family_name, name_key, family_key, email, email_key, status,
                            since)
       SELECT 'parent', 'applicant' || n, 'applicant' || n, {given}, {family}, lower({given} || {family}), lower({family}),
              'applicant' || n || '@mail.example', 'applicant' || n || '@mail.example', 'active', {day} FROM {all} AS s""",
    """INSERT INTO membership (account_id, student_id, status, arrival_status, since)
       SELECT n, 1 + (n - 1) / {per_student}, 'limited', 'limited', {day} FROM {all} AS s""",
    """INSERT INTO registration (ref, kind, state, arrived_at, account_id, student_id, membership_id, school_id, given_name,
                                 family_name, name_key, family_key, email, email_key, student_number, facts, match, flags)
       SELECT 'registration-' || n, 'parent', CASE WHEN n % 5 = 0 THEN 'submitted' ELSE 'approved' END, {arrived}, n,
              1 + (n - 1) / {per_student}, n, 1 + (1 + (n - 1) / {per_student}) % {school_count}, {given}, {family},
              lower({given} || {family}), lower({family}), 'applicant' || n || '@mail.example',
              'applicant' || n || '@mail.example', 20000000 + 1 + (n - 1) / {per_student}, 7, 2 + n % 4,
              CASE WHEN n % 10 = 9 THEN 1 ELSE 0 END FROM {all} AS s""",
)


def portal(folder: Path, count: int, url: str | None = None) -> Portal:
    """A new portal of so many registrations whose settings lie in `folder`: on SQLite there, or in the fresh database at `url`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    opened = open_portal(url or f"sqlite:///{folder / 'portal.db'}", folder)
    write_settings(opened, folder)
    engine = open_engine(as_role(opened.settings.database.url, OWNER))
    try:
        with writing(engine, late=True) as connection:
            for statement in _statements(engine.dialect.name, count):
                connection.execute(sa.text(statement))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    finally:
        engine.dispose()
    return opened


def _statements(engine: str, count: int) -> list[str]:
    schools, students = 1 + count // PER_SCHOOL, 1 + count // PER_STUDENT
    begin = f"{NOON - timedelta(minutes=count + 60):%Y-%m-%d %H:%M:%S}"
    words = {
        "schools": _SERIES[engine].format(count=schools),
        "students": _SERIES[engine].format(count=students),
        "all": _SERIES[engine].format(count=count),
        "school_count": schools,
        "per_student": PER_STUDENT,
        "given": _one_of(GIVEN, "n"),
        "family": _one_of(FAMILY, "n / 7"),
        "day": f"'{NOON.date()}'" if engine == "sqlite" else f"DATE '{NOON.date()}'",
        "arrived": _MOMENT[engine].format(begin=begin),
    }
    return [statement.format(**words) for statement in _STATEMENTS]


def _one_of(names: tuple[str, ...], number: str) -> str:
    cases = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(names))
    return f"(CASE ({number}) % {len(names)} {cases} END)"
