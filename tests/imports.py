"""Small rosters and forms for tests of imports, and everything a portal holds, to compare before and after."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.intake.importing import import_form, import_roster
from models import tables as t
from tests.rosters import folder, manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from console.intake.report import ImportReport
    from tests.portals import Portal

TRAIL = frozenset({"batch", "log_head", "log_node", "record", "record_detail", "roster_import"})
"""Tables in which every import leaves that it was made."""

ORGS = (
    {"sourcedId": "D1", "name": "District", "type": "district", "identifier": "D"},
    {"sourcedId": "S1", "name": "Lincoln", "type": "school", "identifier": "LMS", "parentSourcedId": "D1"},
    {"sourcedId": "S2", "name": "Mission", "type": "school", "identifier": "MHS", "parentSourcedId": "D1"},
)
CLASSES = (
    {"sourcedId": "C1", "title": "Reading", "schoolSourcedId": "S1", "termSourcedIds": "", "courseSourcedId": ""},
    {"sourcedId": "C2", "title": "Algebra", "schoolSourcedId": "S2", "termSourcedIds": "", "courseSourcedId": ""},
)


def user(
    source_id: str, role: str = "student", given: str = "Kim", family: str = "Vale", **values: str
) -> dict[str, str]:
    """A row of users.csv (1.1), at S1 and with its number unless said otherwise."""
    return {
        "sourcedId": source_id,
        "enabledUser": "true",
        "orgSourcedIds": "S1",
        "role": role,
        "username": source_id.lower(),
        "givenName": given,
        "familyName": family,
        "identifier": f"77{source_id[1:]}" if role == "student" else "",
        **values,
    }


def born(source_id: str, day: str) -> dict[str, str]:
    """A row of demographics.csv."""
    return {"sourcedId": source_id, "birthDate": day}


def member(source_id: str, section: str, person: str, role: str = "student", **values: str) -> dict[str, str]:
    """A row of enrollments.csv."""
    return {"sourcedId": source_id, "classSourcedId": section, "userSourcedId": person, "role": role, **values}


_ALWAYS = {
    "users": ("enabledUser", "orgSourcedIds", "role", "username", "givenName", "familyName", "identifier"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "beginDate", "endDate"),
    "demographics": ("birthDate",),
    "orgs": ("name", "type", "identifier", "parentSourcedId"),
    "classes": ("title", "courseSourcedId", "schoolSourcedId", "termSourcedIds"),
}


def table(rows: Iterable[Mapping[str, str]], always: Sequence[str] = ()) -> str:
    """Rows as CSV, with every column that one of them has."""
    rows = list(rows)
    columns = list(dict.fromkeys([*always, *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def roster(place: Path, mode: str = "bulk", version: str = "1.1", **files: Sequence[Mapping[str, str]]) -> Path:
    """A roster's folder. A bulk one has the two schools and their classes unless told otherwise."""
    if mode == "bulk":
        files = {"orgs": ORGS, "classes": CLASSES, **files}
    start = ("sourcedId", "status", "dateLastModified")
    rows = {
        name: [
            {"status": "active", "dateLastModified": "2026-11-20", **row} if mode == "delta" else row for row in each
        ]
        for name, each in files.items()
    }
    if version == "1.2":
        always = {**_ALWAYS, "users": tuple(each for each in _ALWAYS["users"] if each not in ("orgSourcedIds", "role"))}
    else:
        always = _ALWAYS
    texts = {f"{name}.csv": table(each, (*start, *always.get(name, ()))) for name, each in rows.items()}
    return folder(place, {"manifest.csv": manifest(version, **dict.fromkeys(files, mode)), **texts})


class Imports:
    """Imports of one portal, each under a key of its own, by the unattended operator."""

    def __init__(self, portal: Portal, place: Path) -> None:
        self.portal = portal
        self.place = place
        self.count = 0

    def roster(
        self, mode: str = "bulk", version: str = "1.1", options: Mapping[str, Any] | None = None, **files: Any
    ) -> ImportReport:
        """Write a roster and import it."""
        self.count += 1
        return self.path(roster(self.place / f"roster-{self.count}", mode, version, **files), **(options or {}))

    def path(self, path: Path, **options: Any) -> ImportReport:
        """Import the roster that lies there."""
        self.count += 1
        options.setdefault("key", f"roster {self.count}")
        return import_roster(self.portal.office, self.portal.operator("intake"), path, **options)

    def form(self, kind: str, *rows: Mapping[str, Any], **options: Any) -> ImportReport:
        """Write rows as JSON Lines and import them."""
        self.count += 1
        path = self.place / f"{kind}-{self.count}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        options.setdefault("key", f"{kind} {self.count}")
        return import_form(self.portal.office, self.portal.operator("intake"), kind, path, **options)

    def student(self, source_id: str) -> Any:
        """The student of that identifier."""
        (row,) = self.portal.all(sa.select(t.student).where(t.student.c.source_id == source_id))
        return row

    def named(self, table: sa.Table, column: str, value: str) -> Any:
        """The one row with that value."""
        (row,) = self.portal.all(sa.select(table).where(table.c[column] == value))
        return row


def holdings(portal: Portal, without: frozenset[str] = TRAIL) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but those named."""
    with portal.office.reading() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(sa.select(each))), key=repr)
            for name, each in t.metadata.tables.items()
            if name not in without
        }
