"""The plain way to load the measured roster: the engine's own tool into staging tables, then one SQL script into the portal's tables.

It fills the same tables under the same keys and indexes, with the compared forms of names as good as plain SQL makes them. What it
leaves out is said in docs/BENCHMARKS.md: nothing is checked, no digest of a row, no key without accents, no HMAC of a code, nothing
about who was withdrawn or whose identifier was reused, no history and no record.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from fixtures.roster_files import HEADERS
from tests.measured.large_roster import APPLICATION, FILES
from tests.services.postgres import programs

if TYPE_CHECKING:
    from pathlib import Path

_ENGINES = {
    "sqlite": {
        "agents": "json_each('[\"' || replace({0}, ',', '\",\"') || '\"]')",
        "agent": "value",
        "adult": "date({0}, '+18 years')",
        "day": "{0}",
        "digits": "replace(replace(replace({0}, '(', ''), ') ', ''), '-', '')",
    },
    "postgresql": {
        "agents": "unnest(string_to_array({0}, ',')) AS agent",
        "agent": "agent",
        "adult": "({0}::date + interval '18 years')::date",
        "day": "nullif({0}, '')::date",
        "digits": "translate({0}, '() -', '')",
    },
}

_FILL = """
INSERT INTO school (source_id, name, code, type, parent_source_id)
SELECT "sourcedId", name, identifier, type, nullif("parentSourcedId", '') FROM stage_orgs WHERE true {orgs};
INSERT INTO academic_session (source_id, title, type, begins, ends, school_year)
SELECT "sourcedId", title, type, {begins}, {ends}, 2027 FROM "stage_academicSessions" WHERE true {sessions};
INSERT INTO course (source_id, title, code, school_source_id)
SELECT "sourcedId", title, "courseCode", "orgSourcedId" FROM stage_courses WHERE true {courses};
INSERT INTO section (source_id, title, code, type, course_source_id, school_source_id)
SELECT "sourcedId", title, "classCode", "classType", "courseSourcedId", "schoolSourcedId" FROM stage_classes WHERE true {classes};
INSERT INTO student (source_id, number, given_name, middle_name, family_name, name_key, family_key, family_initial, birth_date,
                     adult_on, grade, email, email_key, school_id, directory_opt_out)
SELECT u."sourcedId", u.identifier, u."givenName", nullif(u."middleName", ''), u."familyName",
       lower(replace(u."givenName" || u."familyName", '-', '')), lower(replace(u."familyName", '-', '')),
       upper(substr(u."familyName", 1, 1)) || '.', {birth}, {adult}, u.grades, u.email, lower(trim(u.email)), s.id, ''
FROM stage_users u JOIN school s ON s.source_id = u."orgSourcedIds"
     LEFT JOIN stage_demographics d ON d."sourcedId" = u."sourcedId"
WHERE u.role = 'student' {students};
INSERT INTO contact (source_id, given_name, family_name, name_key, family_key, skeleton, email, email_key, phone, phone_key, sms_key)
SELECT "sourcedId", "givenName", "familyName", lower(replace("givenName" || "familyName", '-', '')),
       lower(replace("familyName", '-', '')), lower(replace("givenName" || "familyName", '-', '')), email, lower(trim(email)),
       phone, substr({digits}, 4, 7), ''
FROM stage_users WHERE role = 'guardian' {contacts};
INSERT INTO staff (source_id, number, given_name, family_name, email, type)
SELECT "sourcedId", identifier, "givenName", "familyName", email, 'certificated' FROM stage_users WHERE role = 'teacher' {staff};
INSERT INTO section_member (source_id, section_source_id, person_source_id, role, begins, ends)
SELECT "sourcedId", "classSourcedId", "userSourcedId", role, {begin}, {end} FROM stage_enrollments WHERE true {members};
{analyze}
INSERT INTO contact_tie (contact_id, student_id, relation)
SELECT c.id, s.id, max(relation) FROM (
    SELECT "sourcedId" AS guardian, {agent} AS student, "metadata.relation" AS relation FROM stage_users, {agents}
    WHERE role = 'guardian' AND "agentSourcedIds" <> ''
    UNION ALL
    SELECT {agent}, "sourcedId", '' FROM stage_users, {agents} WHERE role = 'student' AND "agentSourcedIds" <> ''
) l JOIN contact c ON c.source_id = l.guardian JOIN student s ON s.source_id = l.student
WHERE true GROUP BY c.id, s.id {ties};
INSERT INTO enrollment (student_id, school_id, begins, ends)
SELECT p.id, s.id, min(m.begins), max(m.ends)
FROM section_member m JOIN section c ON c.source_id = m.section_source_id JOIN school s ON s.source_id = c.school_source_id
     JOIN student p ON p.source_id = m.person_source_id
WHERE m.role = 'student' GROUP BY p.id, s.id {enrollments};
INSERT INTO post (staff_id, school_id)
SELECT p.id, s.id FROM stage_users u JOIN staff p ON p.source_id = u."sourcedId" JOIN school s ON s.source_id = u."orgSourcedIds"
WHERE true {posts};
"""

_AGAIN = {
    "orgs": ("school", "name code type parent_source_id"),
    "sessions": ("academic_session", "title type begins ends"),
    "courses": ("course", "title code school_source_id"),
    "classes": ("section", "title code type course_source_id school_source_id"),
    "students": (
        "student",
        (
            "number given_name middle_name family_name name_key family_key family_initial birth_date adult_on grade email "
            "email_key school_id"
        ),
    ),
    "contacts": ("contact", "given_name family_name name_key family_key skeleton email email_key phone phone_key"),
    "staff": ("staff", "number given_name family_name email type"),
    "members": ("section_member", "section_source_id person_source_id role begins ends"),
    "ties": ("contact_tie", "relation"),
    "enrollments": ("enrollment", "begins ends"),
    "posts": ("post", "begins ends"),
}
_KEYS = {"ties": "contact_id, student_id", "enrollments": "student_id, school_id", "posts": "staff_id, school_id"}


def script(engine: str, *, again: bool) -> str:
    """The statements after the staging tables are filled. `again`: what is there already is written where it differs."""
    words = _ENGINES[engine]
    clauses = dict.fromkeys(_AGAIN, "")
    if again:
        clauses = {name: _upsert(name, *what) for name, what in _AGAIN.items()}
    return _FILL.format(
        **clauses,
        agents=words["agents"].format('"agentSourcedIds"'),
        agent=words["agent"],
        adult=words["adult"].format('d."birthDate"'),
        birth=words["day"].format('d."birthDate"'),
        begins=words["day"].format('"startDate"'),
        ends=words["day"].format('"endDate"'),
        begin=words["day"].format('"beginDate"'),
        end="NULL" if engine == "sqlite" else words["day"].format('"endDate"'),
        digits=words["digits"].format("phone"),
        analyze="ANALYZE student; ANALYZE contact; ANALYZE section_member;" if engine == "postgresql" else "",
    )


def _upsert(name: str, table: str, columns: str) -> str:
    listed = columns.split()
    values = ", ".join(f"{each} = excluded.{each}" for each in listed)
    differs = " OR ".join(f"{table}.{each} IS DISTINCT FROM excluded.{each}" for each in listed)
    return f"ON CONFLICT ({_KEYS.get(name, 'source_id')}) DO UPDATE SET {values} WHERE {differs}"


def load(engine: str, database: str, roster: Path, *, again: bool = False) -> None:
    """Do it: `database` is SQLite's file or libpq's address."""
    if engine == "sqlite":
        _sqlite(database, roster, again=again)
    else:
        _postgresql(database, roster, again=again)


def _columns(name: str) -> str:
    return ", ".join(f'"{column}" TEXT' for column in HEADERS[name].split(","))


def _keys(name: str) -> str:
    return f'CREATE UNIQUE INDEX "key_{name}" ON "stage_{name}" ("sourcedId");' if name == "demographics" else ""


def _sqlite(database: str, roster: Path, *, again: bool) -> None:
    lines = ["PRAGMA synchronous=EXTRA;", "PRAGMA secure_delete=ON;", "PRAGMA foreign_keys=ON;"]
    for name in FILES:
        lines.append(f'CREATE TEMP TABLE "stage_{name}" ({_columns(name)});')
        lines.append(f".import --csv --schema temp --skip 1 '{roster / name}.csv' stage_{name}")
        lines.append(_keys(name).replace('INDEX "', 'INDEX temp."'))
    fill = script("sqlite", again=again).replace("IS DISTINCT FROM", "IS NOT")
    lines += ["BEGIN IMMEDIATE;", fill, "COMMIT;"]
    subprocess.run(
        ["sqlite3", "-bail", database], input="\n".join(lines), text=True, check=True, stdout=subprocess.DEVNULL
    )


def _postgresql(database: str, roster: Path, *, again: bool) -> None:
    lines = ["BEGIN;"]
    for name in FILES:
        lines.append(f'CREATE TEMP TABLE "stage_{name}" ({_columns(name)});')
        lines.append(
            f"\\copy \"stage_{name}\" FROM '{roster / name}.csv' WITH (FORMAT csv, HEADER, FORCE_NOT_NULL ({_quoted(name)}))"
        )
        lines.append(f'{_keys(name)} ANALYZE "stage_{name}";')
    lines += [script("postgresql", again=again), "COMMIT;"]
    _psql(database, lines)


def _psql(database: str, lines: list[str]) -> None:
    command = [programs() / "psql", "-qX", "-v", "ON_ERROR_STOP=1", database]
    subprocess.run(command, input="\n".join(lines), text=True, check=True)


def _quoted(name: str) -> str:
    return ", ".join(f'"{column}"' for column in HEADERS[name].split(","))


_APPLY = """
INSERT INTO intake_registration (ref, kind, arrived_at, login, given_name, family_name, student_number, email, phone,
                                 student_given_name, student_family_name, relation, taken_at)
SELECT ref, kind, {moment}, login, given_name, family_name, student_number, email, phone, student_given_name, student_family_name,
       relation, {moment}
FROM stage_registrations;
INSERT INTO account (type, login, login_key, given_name, family_name, name_key, family_key, email, email_key, phone, phone_key,
                     status, since)
SELECT kind, login, lower(login), given_name, family_name, lower(replace(given_name || family_name, '-', '')),
       lower(replace(family_name, '-', '')), email, lower(trim(email)), phone, substr({digits}, 4, 7), 'active', {today}
FROM stage_registrations;
INSERT INTO membership (account_id, student_id, relation, status, arrival_status, since)
SELECT a.id, s.id, r.relation, 'limited', 'limited', {today}
FROM stage_registrations r JOIN account a ON a.login_key = lower(r.login) JOIN student s ON s.number = r.student_number;
INSERT INTO registration (ref, kind, arrived_at, account_id, student_id, membership_id, school_id, given_name, family_name, name_key,
                          family_key, skeleton, email, email_key, phone, phone_key, relation, student_number,
                          student_given_name, student_family_name, student_family_key)
SELECT r.ref, r.kind, {moment}, a.id, s.id, m.id, s.school_id, r.given_name, r.family_name,
       lower(replace(r.given_name || r.family_name, '-', '')), lower(replace(r.family_name, '-', '')),
       lower(replace(r.given_name || r.family_name, '-', '')), r.email, lower(trim(r.email)), r.phone, substr({digits_r}, 4, 7),
       r.relation, r.student_number, r.student_given_name, r.student_family_name, lower(replace(r.student_family_name, '-', ''))
FROM stage_registrations r JOIN account a ON a.login_key = lower(r.login) JOIN student s ON s.number = r.student_number
     JOIN membership m ON m.account_id = a.id AND m.student_id = s.id;
"""


def load_applications(engine: str, database: str, file: Path) -> None:
    """Applications into the intake table, accounts, ties and cases, without what is computed of each case."""
    words = _ENGINES[engine]
    columns = ", ".join(f"{column} TEXT" for column in APPLICATION)
    sqlite = engine == "sqlite"
    fill = _APPLY.format(
        digits=words["digits"].format("phone"),
        digits_r=words["digits"].format("r.phone"),
        moment="strftime('%Y-%m-%d %H:%M:%S.000000', arrived_at)" if sqlite else "arrived_at::timestamptz",
        today="CURRENT_DATE",
    )
    if sqlite:
        into = f".import --csv --schema temp --skip 1 '{file}' stage_registrations"
        lines = ["PRAGMA synchronous=EXTRA;", "PRAGMA secure_delete=ON;", "PRAGMA foreign_keys=ON;"]
        lines += [f"CREATE TEMP TABLE stage_registrations ({columns});", into, "BEGIN IMMEDIATE;", fill, "COMMIT;"]
        subprocess.run(
            ["sqlite3", "-bail", database], input="\n".join(lines), text=True, check=True, stdout=subprocess.DEVNULL
        )
        return
    lines = ["BEGIN;", f"CREATE TEMP TABLE stage_registrations ({columns});"]
    lines += [
        f"\\copy stage_registrations FROM '{file}' WITH (FORMAT csv, HEADER)",
        "ANALYZE stage_registrations;",
        fill,
        "COMMIT;",
    ]
    _psql(database, lines)
