"""After a roster: applications that wait are led to the student who has their number now (PORTAL, *Data coming in*).

Numbers come later than applications, change in mid-year and are given to others. A case follows the number it was typed with, unless
the typed family name says that its first student was meant; the tie that the application made goes with it, by the rules of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console.intake.letting_go import let_go
from console.intake.lookups import CHUNK, Schools, Students, memberships_of
from console.lazy import sa, t
from models.words import Origin, RegistrationKind, RegistrationState, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

WAITING = (RegistrationState.SUBMITTED, RegistrationState.NEEDS_INFO, RegistrationState.DEFERRED)


@dataclass(slots=True)
class Moved:
    """What was changed, by table: the rows that get the import's version."""

    rows: dict[str, list[int]] = field(default_factory=dict)

    def note(self, table: sa.Table, rows: Sequence[int]) -> None:
        """Remember rows of a table."""
        self.rows.setdefault(table.name, []).extend(rows)

    def stamp(self, connection: sa.Connection, version: int) -> None:
        """Give them their version."""
        for name, ids in self.rows.items():
            table = t.metadata.tables[name]
            for start in range(0, len(ids), CHUNK):
                part = ids[start : start + CHUNK]
                connection.execute(table.update().where(table.c.id.in_(part)).values(version=version))


def follow_numbers(connection: sa.Connection, today: date) -> Moved:
    """Lead the waiting registrations whose number has no student, or another one, to the student who has it now."""
    moved = Moved()
    schools = Schools.all(connection)
    r, s = t.registration.c, t.student.c
    last = 0
    while True:
        rows = connection.execute(
            sa.select(t.registration, s.family_key.label("known_family"))
            .outerjoin(t.student, s.id == r.student_id)
            .where(
                r.id > last,
                r.state.in_(WAITING),
                sa.or_(s.id.is_(None), s.number != r.student_number, s.status != RosterStatus.ACTIVE),
            )
            .order_by(r.id)
            .limit(CHUNK)
        ).all()
        if not rows:
            return moved
        last = rows[-1].id
        students = Students.numbered(connection, (row.student_number for row in rows))
        found = [(row, student) for row in rows if (student := _meant(row, students)) is not None]
        if found:
            _lead(connection, found, schools, today, moved)


def _meant(row: Any, students: Students) -> Any | None:
    """The student to go to, None to stay."""
    student = students.find(row.student_number, row.student_family_key)
    if student is None or student.id == row.student_id or student.status != RosterStatus.ACTIVE:
        return None
    typed = row.student_family_key
    if row.student_id is not None and typed and typed == row.known_family and typed != student.family_key:
        return None
    return student


def _lead(
    connection: sa.Connection, found: Sequence[tuple[Any, Any]], schools: Schools, today: date, moved: Moved
) -> None:
    left = [row.id for row, _ in found if row.membership_id is not None]
    if left:
        moved.note(t.membership, [row.membership_id for row, _ in found if row.membership_id is not None])
        let_go(connection, left, today, 0)
    ties = _ties(connection, found, schools, today, moved)
    connection.execute(
        t.registration.update()
        .where(t.registration.c.id == sa.bindparam("case"))
        .values(
            student_id=sa.bindparam("student"), membership_id=sa.bindparam("tie"), school_id=sa.bindparam("school")
        ),
        [
            {
                "case": row.id,
                "student": student.id,
                "tie": ties.get((row.account_id, student.id)) if row.kind != RegistrationKind.ASP else None,
                "school": student.school_id,
            }
            for row, student in found
        ],
    )
    moved.note(t.registration, [row.id for row, _ in found])
    own = [(row, student) for row, student in found if row.kind == RegistrationKind.STUDENT]
    for row, student in own:
        a = t.account.c
        changed = connection.execute(
            t.account.update()
            .where(a.id == row.account_id, sa.or_(a.student_id.is_(None), a.student_id == row.student_id))
            .values(student_id=student.id)
        ).rowcount
        if changed:
            moved.note(t.account, [row.account_id])


def _ties(
    connection: sa.Connection, found: Sequence[tuple[Any, Any]], schools: Schools, today: date, moved: Moved
) -> dict[tuple[int, int], int]:
    """The ties to the students found, made as on arrival where there are none."""
    from models.bulk import insert_rows

    accounts = {row.account_id for row, _ in found}
    known = memberships_of(connection, accounts)
    new: dict[tuple[int, int], tuple[Any, ...]] = {}
    for row, student in found:
        pair = (row.account_id, student.id)
        if row.kind != RegistrationKind.ASP and pair not in known and pair not in new:
            status = schools.arrival(row.kind, student.school_id)
            new[pair] = (*pair, row.relation, status, status, Origin.SELF, today)
    insert_rows(
        connection,
        t.membership,
        ("account_id", "student_id", "relation", "status", "arrival_status", "origin", "since"),
        new.values(),
    )
    if new:
        known = memberships_of(connection, accounts)
        moved.note(t.membership, [known[pair].id for pair in new])
    return {pair: tie.id for pair, tie in known.items()}
