"""The directory as it is read: entries made fit for the database, in a temporary table beside what the portal knew.

Whatever stands in an attribute was typed by somebody: it is kept as it is but for what no database holds and what is longer than a
name can be. An entry without an id or a login is nobody that could sign in; it is counted and passed over.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from console.intake.lookups import CHUNK, login_key
from console.lazy import sa, t
from console.names import name_key
from console.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from console.directory import Person
    from console.intake.findings import Findings
    from console.intake.lookups import Schools
    from console.progress import Progress

FILE = "directory"
SAID = 500
"""Entries after which is said how far it is."""
LONGEST = 256
"""Characters of an attribute that are kept."""
COPIED = (
    *("login", "login_key", "given_name", "family_name", "name_key", "family_key"),
    *("email", "number", "codes", "school_id", "disabled"),
)
"""Columns of `directory_user` that an entry fills."""


@cache
def stage() -> sa.Table:
    """Where the entries wait, in the order in which they came."""
    d = t.directory_user.c
    return sa.Table(
        "stage_directory_user",
        sa.MetaData(),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("directory_id", sa.Text, nullable=False, index=True),
        *(sa.Column(name, d[name].type) for name in COPIED),
        prefixes=["TEMPORARY"],
    )


def fill(
    connection: sa.Connection,
    people: Iterable[Person],
    schools: Schools,
    district_codes: Collection[str],
    findings: Findings,
    progress: Progress = SILENT,
) -> None:
    """Put everybody into the temporary table, which is made. An entry that came twice counts once. Raises Cancelled."""
    from models.bulk import insert_rows

    table, ours = stage(), frozenset(code.casefold() for code in district_codes)
    table.create(connection)
    columns = ("line", "directory_id", *COPIED)
    rows: list[tuple[Any, ...]] = []
    for line, person in enumerate(people, 1):
        if (row := _row(line, person, schools, ours, findings)) is not None:
            rows.append(row)
        if line % SAID == 0:
            progress.say(line, 0, "reading the directory")
        if len(rows) >= CHUNK:
            insert_rows(connection, table, columns, rows)
            rows.clear()
    insert_rows(connection, table, columns, rows)
    first = sa.select(sa.func.min(table.c.line)).group_by(table.c.directory_id)
    connection.execute(table.delete().where(table.c.line.not_in(first)))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {table.name}")


def _row(
    line: int, person: Person, schools: Schools, district: frozenset[str], findings: Findings
) -> tuple[Any, ...] | None:
    identifier, login = fit(person.id), fit(person.login)
    if not identifier or not login_key(login):
        findings.error(FILE, line, None, "the entry has no id" if not identifier else "the entry has no login name")
        return None
    codes = tuple(code for each in person.codes if (code := fit(each)))
    named = [code for code in codes if code.casefold() not in district]
    school = next((found for code in named if (found := schools.coded(code)) is not None), None)
    if named and school is None:
        findings.warn(FILE, line, None, "no school has the entry's code; it counts as the district's")
    given, family = fit(person.given_name), fit(person.family_name)
    return (
        line,
        identifier,
        login,
        login_key(login),
        given,
        family,
        name_key(given + family),
        name_key(family),
        fit(person.email) or None,
        fit(person.number) or None,
        " ".join(codes),
        school,
        not person.active,
    )


def fit(text: str) -> str:
    """A text that both databases hold: without NUL and half characters, without spaces around it, at most 256 characters."""
    held = text.replace("\0", "").encode("utf-8", "ignore").decode()
    return held.strip()[:LONGEST].strip()
