"""Ids that changed hands or people that changed ids: what an export looks like when it is wrong, said before it is believed.

A person whose identifier now belongs to somebody else would hand that somebody's data to the first one's parents, so such rows of
students and staff are held back until an operator allows them; everything else here is only reported (PORTAL, *Data coming in*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.intake.report import Oddity
from console.intake.roster_load import hold
from console.intake.roster_tables import ADDED, CHANGED, WITHDRAWN
from console.lazy import sa, t
from models.words import Mask, RosterStatus

if TYPE_CHECKING:
    from console.intake.roster_load import Load

LIMIT = 1000
"""How many of each sort are reported one by one."""


def look_at_ids(load: Load, *, allow_reused: bool) -> tuple[Oddity, ...]:
    """What looks reused or changed; the reused identifiers of students and staff are held back unless allowed."""
    if not _anybody(load):
        return ()
    found: list[Oddity] = []
    for kind, query in (("students", _reused_students(load)), ("staff", _reused_staff(load))):
        rows = load.connection.execute(query).all()
        consequence = "taken over as allowed" if allow_reused else "held back"
        says = f"the sourcedId looks like somebody else's now, {consequence}"
        found += [Oddity("reused", kind, row.line, row.id, says) for row in rows[:LIMIT]]
        if not allow_reused:
            hold(load, kind, [row.source_id for row in rows])
    for what, says, query in (
        ("changed", "the student seems to have a new sourcedId; ties stay with the old one", _renamed(load)),
        ("changed", "the student's number changed", _renumbered(load)),
        ("reused", "the number belonged to another student", _numbers_reused(load)),
    ):
        rows = load.connection.execute(query.limit(LIMIT)).all()
        found += [Oddity(what, "students", row.line, row.id, says) for row in rows]
    return tuple(found)


def _anybody(load: Load) -> bool:
    """Whether the portal knows a student or staff: an identifier that nobody had is nobody else's now."""
    known = (sa.select(table.c.id).limit(1) for table in (t.student, t.staff))
    return any(load.connection.execute(query).first() for query in known)


def _students(load: Load, change: str) -> tuple[sa.Table, sa.FromClause]:
    staged, found = load.stage.kinds["students"].stage, load.stage.differences
    joined = staged.join(
        found,
        sa.and_(found.c.source_id == staged.c.source_id, found.c.kind == "students", found.c.change == change),
    )
    return staged, joined


def _other_name(staged: sa.Table, known: sa.FromClause) -> sa.ColumnElement[bool]:
    """Given and family name are both other ones: a wedding changes one of them."""
    return sa.and_(
        sa.func.lower(staged.c.given_name) != sa.func.lower(known.c.given_name),
        sa.func.lower(staged.c.family_name) != sa.func.lower(known.c.family_name),
    )


def _reused_students(load: Load) -> sa.Select[Any]:
    """Name and date of birth both differ; where one date is not known, given and family name both do. Sealed names: the date."""
    staged, joined = _students(load, CHANGED)
    student, births = t.student, load.stage.births
    both = sa.and_(births.c.birth_date.is_not(None), student.c.birth_date.is_not(None))
    same_birth = births.c.birth_date == student.c.birth_date
    other_name = sa.or_(student.c.mask == Mask.PSEUDONYM, staged.c.name_key != student.c.name_key)
    unknown = sa.and_(~both, student.c.mask != Mask.PSEUDONYM, _other_name(staged, student))
    return (
        sa.select(staged.c.line, student.c.id, staged.c.source_id)
        .select_from(
            joined.join(student, student.c.source_id == staged.c.source_id).outerjoin(
                births, births.c.source_id == staged.c.source_id
            )
        )
        .where(sa.or_(sa.and_(both, ~same_birth, other_name), unknown))
        .order_by(staged.c.line)
    )


def _reused_staff(load: Load) -> sa.Select[Any]:
    staged, found, staff = load.stage.kinds["staff"].stage, load.stage.differences, t.staff
    return (
        sa.select(staged.c.line, staff.c.id, staged.c.source_id)
        .select_from(
            staged.join(
                found,
                sa.and_(found.c.source_id == staged.c.source_id, found.c.kind == "staff", found.c.change == CHANGED),
            ).join(staff, staff.c.source_id == staged.c.source_id)
        )
        .where(_other_name(staged, staff))
        .order_by(staged.c.line)
    )


def _renamed(load: Load) -> sa.Select[Any]:
    """New in the roster, with name and birth date of a student who left with this import or before."""
    staged, joined = _students(load, ADDED)
    student, births, left = t.student, load.stage.births, load.stage.differences.alias("left_now")
    leaving = sa.exists().where(
        left.c.kind == "students", left.c.source_id == student.c.source_id, left.c.change == WITHDRAWN
    )
    return (
        sa.select(staged.c.line, student.c.id)
        .select_from(
            joined.join(births, births.c.source_id == staged.c.source_id).join(
                student,
                sa.and_(student.c.name_key == staged.c.name_key, student.c.birth_date == births.c.birth_date),
            )
        )
        .where(
            staged.c.name_key != "",
            student.c.source_id != staged.c.source_id,
            sa.or_(student.c.status == RosterStatus.WITHDRAWN, leaving),
        )
        .order_by(staged.c.line)
    )


def _renumbered(load: Load) -> sa.Select[Any]:
    staged, joined = _students(load, CHANGED)
    student = t.student
    return (
        sa.select(staged.c.line, student.c.id)
        .select_from(joined.join(student, student.c.source_id == staged.c.source_id))
        .where(student.c.number != staged.c.number)
        .order_by(staged.c.line)
    )


def _numbers_reused(load: Load) -> sa.Select[Any]:
    """The number is, or was, that of a student with another identifier and another name or birth date."""
    student, births = t.student, load.stage.births
    staged, found = load.stage.kinds["students"].stage, load.stage.differences
    own = t.student.alias("own")
    same_person = sa.and_(
        student.c.name_key == staged.c.name_key,
        sa.or_(
            births.c.birth_date.is_(None),
            student.c.birth_date.is_(None),
            births.c.birth_date == student.c.birth_date,
        ),
    )
    return (
        sa.select(staged.c.line, student.c.id)
        .select_from(
            staged.join(found, sa.and_(found.c.source_id == staged.c.source_id, found.c.kind == "students"))
            .join(student, student.c.number == staged.c.number)
            .outerjoin(births, births.c.source_id == staged.c.source_id)
            .outerjoin(own, own.c.source_id == staged.c.source_id)
        )
        .where(
            found.c.change.in_((ADDED, CHANGED)),
            student.c.source_id != staged.c.source_id,
            sa.or_(own.c.id.is_(None), own.c.number != staged.c.number),
            ~same_person,
        )
        .order_by(staged.c.line)
    )
