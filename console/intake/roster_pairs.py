"""Who belongs where and to whom, after the people themselves came in: contacts to students, students and staff to schools.

These rows have no identifiers of their own; what the roster says of them is put together from several files, so the wanted state is
computed in a temporary table and the difference carried out. The rules where files disagree:
- a student is at a school from the first class begun there to the last one ended; where classes say nothing, from the user's orgs;
- staff are where their orgs or roles say, else where they teach; a disabled user of the staff is nowhere;
- a guardian and a student are tied when either row says so; the guardian's own row alone says what is restricted;
- a tie ends when both rows are in the files and neither names the other. A delta that names one of them ends none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.intake.roster_carrying import Pair, carry_out
from console.intake.roster_files import Mode
from console.intake.roster_tables import HELD
from console.lazy import sa, t
from models.words import RosterStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.intake.report import Kind
    from console.intake.roster_load import Load

ACTIVE = RosterStatus.ACTIVE


def _kinds() -> tuple[Pair, ...]:
    period = (("begins", "begins"), ("ends", "ends"))
    return (
        Pair(
            "contact ties",
            t.contact_tie,
            ("contact_id", t.contact),
            ("student_id", t.student),
            (("relation", "relation"), ("restricted", "restricted"), ("restriction_reference", "reference")),
        ),
        Pair("enrollments", t.enrollment, ("student_id", t.student), ("school_id", t.school), period),
        Pair("posts", t.post, ("staff_id", t.staff), ("school_id", t.school), period),
    )


def join_up(load: Load, *, touched: bool) -> list[Kind]:
    """Bring ties, enrollments and posts to what the roster says, of everybody or of those in `touched`. Returns the counts."""
    ties, enrollments, posts = _kinds()
    look = _Look(load, touched)
    if load.modes["users"] is not Mode.ABSENT:
        _want_ties(load, look)
    load.step()
    _want_enrollments(load, look)
    load.step()
    _want_posts(load, look)
    load.step()
    load.stage.analyze(load.connection, load.stage.pairs)
    return [
        carry_out(load, ties, _ended_ties(load), look.at_rows(ties.one, ties.other)),
        carry_out(load, enrollments, _ended_enrollments(load), look.at_rows(enrollments.one)),
        carry_out(load, posts, _ended_posts(load), look.at_rows(posts.one)),
    ]


@dataclass(frozen=True, slots=True)
class _Look:
    """At whom is looked: at everybody, or at those in `touched`."""

    load: Load
    touched: bool

    def at(self, *source_ids: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Where one of these identifiers is looked at."""
        if not self.touched:
            return sa.true()
        some = sa.select(self.load.stage.touched.c.source_id)
        return sa.or_(*(each.in_(some) for each in source_ids))

    def at_rows(self, *ends: tuple[str, sa.Table]) -> dict[str, sa.Select[Any]]:
        """For each end of pairs, by its column, the ids that are looked at; none named: all are."""
        if not self.touched:
            return {}
        return {column: sa.select(table.c.id).where(self.at(table.c.source_id)) for column, table in ends}


def _held(load: Load, kind: str) -> sa.Select[Any]:
    found = load.stage.differences
    return sa.select(found.c.source_id).where(found.c.kind == kind, found.c.change == HELD)


def _want(load: Load, names: Sequence[str], query: sa.Select[Any]) -> None:
    load.connection.execute(load.stage.pairs.insert().from_select(names, query))


# ties


def _want_ties(load: Load, look: _Look) -> None:
    links, staged = load.stage.links, load.stage.kinds["contacts"].stage
    contact, student, tie = t.contact, t.student, t.contact_tie
    # Either end may say it: first what both say is put together, by indexes alone; all else is looked up once for each tie.
    said = (
        sa.select(
            contact.c.id.label("contact_id"),
            student.c.id.label("student_id"),
            *(sa.func.max(links.c[name]).label(name) for name in ("relation", "restricted", "reference")),
            sa.func.count().label("links"),
        )
        .select_from(
            links.join(contact, contact.c.source_id == links.c.guardian).join(
                student, student.c.source_id == links.c.student
            )
        )
        .where(look.at(links.c.guardian, links.c.student))
        .group_by(contact.c.id, student.c.id)
        .subquery("said")
    )
    own = staged.c.source_id.is_not(None)
    restricted = sa.or_(said.c.restricted == 1, sa.and_(~own, sa.func.coalesce(tie.c.restricted, sa.false())))
    relation = sa.func.coalesce(
        sa.func.nullif(staged.c.relation, ""),
        sa.func.nullif(sa.func.lower(said.c.relation), ""),
        tie.c.relation,
        "",
    )
    query = (
        sa.select(
            sa.literal("contact ties"),
            contact.c.id,
            student.c.id,
            relation,
            restricted,
            sa.case((own, said.c.reference), else_=sa.func.coalesce(said.c.reference, tie.c.restriction_reference)),
            said.c.links,
        )
        .select_from(
            said.join(contact, contact.c.id == said.c.contact_id)
            .join(student, student.c.id == said.c.student_id)
            .outerjoin(staged, staged.c.source_id == contact.c.source_id)
            .outerjoin(tie, sa.and_(tie.c.contact_id == contact.c.id, tie.c.student_id == student.c.id))
        )
        .where(
            contact.c.status == ACTIVE, student.c.status == ACTIVE, student.c.source_id.not_in(_held(load, "students"))
        )
    )
    _want(load, ("kind", "one", "other", "relation", "restricted", "reference", "links"), query)


def all_tied(load: Load) -> bool:
    """Whether every link became part of a tie, so that none names somebody whom nobody knows; to be asked after `join_up`."""
    links, pairs = load.stage.links, load.stage.pairs
    tied = sa.select(sa.func.coalesce(sa.func.sum(pairs.c.links), 0))
    said = sa.select(sa.func.count()).select_from(links)
    return bool(load.connection.execute(sa.select(tied.scalar_subquery() == said.scalar_subquery())).scalar_one())


def _ended_ties(load: Load) -> sa.ColumnElement[bool]:
    contacts, students = load.stage.kinds["contacts"].stage, load.stage.kinds["students"].stage
    contact, student, tie = t.contact.alias(), t.student.alias(), t.contact_tie
    return (
        sa.exists()
        .where(
            contact.c.id == tie.c.contact_id,
            contacts.c.source_id == contact.c.source_id,
            student.c.id == tie.c.student_id,
            students.c.source_id == student.c.source_id,
            student.c.source_id.not_in(_held(load, "students")),
        )
        .correlate(tie)
    )


# schools


def _by_classes(look: _Look, person: sa.Table, *, students: bool) -> sa.Select[Any]:
    """(person, school, begins, ends) of classes that are there, the earliest begin and the last end; open is open."""
    member, section, school = t.section_member, t.section, t.school
    role = member.c.role == "student" if students else member.c.role != "student"
    return (
        sa.select(
            person.c.id,
            school.c.id,
            _open_or(sa.func.min, member.c.begins),
            _open_or(sa.func.max, member.c.ends),
        )
        .select_from(
            member.join(section, section.c.source_id == member.c.section_source_id)
            .join(school, school.c.source_id == section.c.school_source_id)
            .join(person, person.c.source_id == member.c.person_source_id)
        )
        .where(
            role,
            member.c.status == ACTIVE,
            section.c.status == ACTIVE,
            person.c.status == ACTIVE,
            look.at(person.c.source_id),
        )
        .group_by(person.c.id, school.c.id)
    )


def _open_or(choose: Any, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.case((sa.func.count() > sa.func.count(column), None), else_=choose(column))


def _by_orgs(look: _Look, kind: str, person: sa.Table) -> sa.Select[Any]:
    load = look.load
    places, school = load.stage.places, t.school
    return (
        sa.select(sa.literal("enrollments" if kind == "students" else "posts"), person.c.id, school.c.id)
        .add_columns(places.c.begins, places.c.ends)
        .select_from(
            places.join(person, person.c.source_id == places.c.person).join(
                school, school.c.source_id == places.c.school
            )
        )
        .where(
            places.c.kind == kind,
            ~places.c.gone,
            person.c.status == ACTIVE,
            person.c.source_id.not_in(_held(load, kind)),
            look.at(places.c.person),
        )
    )


_PERIOD = ("kind", "one", "other", "begins", "ends")


def _want_enrollments(load: Load, look: _Look) -> None:
    pairs, student, school = load.stage.pairs, t.student, t.school
    classes = _by_classes(look, student, students=True).where(student.c.source_id.not_in(_held(load, "students")))
    named = classes.subquery()
    columns = list(named.columns)
    _want(load, _PERIOD, sa.select(sa.literal("enrollments"), *columns))
    known = sa.exists().where(pairs.c.kind == "enrollments", pairs.c.one == student.c.id, pairs.c.other == school.c.id)
    _want(load, _PERIOD, _by_orgs(look, "students", student).where(~known))
    staged = load.stage.kinds["students"].stage
    at_home = (
        sa.select(sa.literal("enrollments"), student.c.id, school.c.id, sa.null(), sa.null())
        .select_from(
            staged.join(student, student.c.source_id == staged.c.source_id).join(
                school, school.c.source_id == staged.c.school
            )
        )
        .where(
            staged.c.at_home,
            student.c.status == ACTIVE,
            student.c.source_id.not_in(_held(load, "students")),
            ~known,
            look.at(staged.c.source_id),
        )
    )
    _want(load, _PERIOD, at_home)


def _want_posts(load: Load, look: _Look) -> None:
    pairs, staff, school, staged = load.stage.pairs, t.staff, t.school, load.stage.kinds["staff"].stage
    disabled = sa.exists().where(staged.c.source_id == staff.c.source_id, ~staged.c.enabled)
    _want(load, _PERIOD, _by_orgs(look, "staff", staff).where(~disabled))
    known = sa.exists().where(pairs.c.kind == "posts", pairs.c.one == staff.c.id, pairs.c.other == school.c.id)
    # Who is not in the files may be disabled: teaching alone opens no post that was closed.
    closed = sa.exists().where(
        t.post.c.staff_id == staff.c.id,
        t.post.c.school_id == school.c.id,
        ~t.post.c.active,
        ~sa.exists().where(staged.c.source_id == staff.c.source_id),
    )
    # A post outlives the classes: their dates are those of a term.
    classes = (
        _by_classes(look, staff, students=False)
        .where(~disabled, ~known, ~closed, staff.c.source_id.not_in(_held(load, "staff")))
        .subquery()
    )
    person, place, begins, _ = classes.columns
    existing = sa.exists().where(t.post.c.staff_id == person, t.post.c.school_id == place, t.post.c.active)
    unstaged = ~sa.exists().where(staff.c.id == person, staged.c.source_id == staff.c.source_id)
    _want(
        load,
        _PERIOD,
        sa.select(sa.literal("posts"), person, place, begins, sa.null()).where(~sa.and_(existing, unstaged)),
    )


def _places_known(load: Load, kind: str, person: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether the files say all the places of a person of this kind."""
    staged = load.stage.kinds[kind].stage
    return sa.exists().where(staged.c.source_id == person.c.source_id, staged.c.places)


def _said_gone(load: Load, kind: str, person: sa.FromClause, table: sa.Table) -> sa.ColumnElement[bool]:
    places, school = load.stage.places, t.school.alias()
    return sa.exists().where(
        places.c.kind == kind,
        places.c.gone,
        places.c.person == person.c.source_id,
        school.c.source_id == places.c.school,
        school.c.id == table.c.school_id,
    )


def _ended_enrollments(load: Load) -> sa.ColumnElement[bool]:
    """Of who was withdrawn; of who is in the files, all that is not wanted; of others, where every class was withdrawn."""
    e, student = t.enrollment, t.student.alias()
    member, section, school = t.section_member.alias(), t.section.alias(), t.school.alias()
    classes_ended = sa.and_(
        sa.exists().where(
            member.c.person_source_id == student.c.source_id,
            member.c.role == "student",
            section.c.source_id == member.c.section_source_id,
            school.c.source_id == section.c.school_source_id,
            school.c.id == e.c.school_id,
        ),
        e.c.school_id.is_distinct_from(student.c.school_id),
        load_has(load, "enrollments"),
    )
    ended = sa.or_(
        student.c.status != ACTIVE,
        _places_known(load, "students", student),
        _said_gone(load, "students", student, e),
        classes_ended,
    )
    return (
        sa.exists()
        .where(student.c.id == e.c.student_id, ended, student.c.source_id.not_in(_held(load, "students")))
        .correlate(e)
    )


def load_has(load: Load, file: str) -> sa.ColumnElement[bool]:
    """True in SQL when the file is part of this import."""
    return sa.true() if load.modes[file] is not Mode.ABSENT else sa.false()


def _ended_posts(load: Load) -> sa.ColumnElement[bool]:
    p, staff, staged = t.post, t.staff.alias(), load.stage.kinds["staff"].stage
    ended = sa.or_(
        staff.c.status != ACTIVE,
        _places_known(load, "staff", staff),
        _said_gone(load, "staff", staff, p),
        sa.exists().where(staged.c.source_id == staff.c.source_id, ~staged.c.enabled),
    )
    return (
        sa.exists()
        .where(staff.c.id == p.c.staff_id, ended, staff.c.source_id.not_in(_held(load, "staff")))
        .correlate(p)
    )
