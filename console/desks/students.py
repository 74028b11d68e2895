"""Students: found, looked at, and protected (PORTAL, *Masks and restrictions*). Nobody waits here; the queue is for browsing.

A student's state is one word, the one that says most about who may see what: `withdrawn` (the roster no longer has them), else
`blocked` (no parent sees anything), else `sealed` (the name is encrypted), else `masked` (the last name is hidden), else `open`.
What else is in force stands in its own column.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize
from console.desk import Desk, Disclosure, Sight, Value
from console.desks.opt_outs import OptIn, OptOut
from console.desks.restrictions import (
    Block,
    MaskName,
    Rebase,
    Review,
    Unblock,
    Unmask,
    Unverify,
    Verify,
    has_tie,
    in_force,
)
from console.filters import Term, Wanted, begins, spelled
from console.lazy import sa, t
from console.names import name_key
from console.params import Params
from console.people import masked_number, person_name, student_name
from console.queue import Column, Tone
from console.scope import schools_called
from console.sealed_names import PURPOSE, Name
from console.sealing import sealed_name
from console.text import SafeText, join, safe
from models.words import Mask, MembershipStatus, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

STATES = ("open", "masked", "sealed", "blocked", "withdrawn")
SOON_DAYS = 30
"""How far ahead `review:soon` looks."""
FAR = date(9999, 12, 31)
"""In place of a review date where there is none: ordered last."""


class Reveal(Disclosure):
    """One student's name and number, for one operator, for one minute (PORTAL, *Masks and restrictions*)."""

    name = "reveal"
    title = "Reveal"
    help = "Show the full name and number for a minute; why is recorded before anything is shown."
    key = "m"
    permission = Permission.STUDENTS_REVEAL
    Params = Params
    kind = "access"
    step_up = True
    seconds = 60

    def give(self, connection: sa.Connection, sight: Sight, case: int, vault: Vault) -> SafeText:
        del sight
        s = t.student.c
        row = connection.execute(
            sa.select(s.given_name, s.middle_name, s.family_name, s.number).where(s.id == case)
        ).one()
        name = sealed_name(connection, vault, case) or Name(row.given_name, row.middle_name, row.family_name)
        given = " ".join(part for part in (name.given, name.middle) if part)
        return join((person_name(given, name.family), safe(f"no. {row.number}")), safe(" · "))


def _state() -> sa.ColumnElement[str]:
    s = t.student.c
    return sa.case(
        (s.status == spelled(RosterStatus.WITHDRAWN), spelled("withdrawn")),
        (s.parents_blocked, spelled("blocked")),
        (s.mask == spelled(Mask.PSEUDONYM), spelled("sealed")),
        (s.mask == spelled(Mask.INITIAL), spelled("masked")),
        else_=spelled("open"),
    )


def some_mask() -> Predicate:
    """True for the few students with a mask, in the words of the index that has only them."""
    few: Predicate = sa.literal_column("(student.mask <> 'none')")
    return few


def _in_state(wanted: Wanted, sight: Sight) -> Predicate:
    """The same as `_state() == wanted.text`, beginning with what an index of few rows knows."""
    del sight
    found: Predicate = _state() == spelled(wanted.text)
    match wanted.text:
        case "blocked":
            return sa.and_(sa.literal_column("student.parents_blocked"), found)
        case "sealed" | "masked":
            mask = Mask.PSEUDONYM if wanted.text == "sealed" else Mask.INITIAL
            return sa.and_(some_mask(), t.student.c.mask == spelled(mask), found)
        case _:
            return found


def _masked(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    found: Predicate = t.student.c.mask == spelled(wanted.text)
    return found if wanted.text == Mask.NONE else sa.and_(some_mask(), found)


def _blocked(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    m = t.membership.c
    one = t.student.c.id.in_(sa.select(m.student_id).where(sa.literal_column("membership.blocked")))
    found = sa.or_(sa.literal_column("student.parents_blocked"), one)
    return found if wanted.yes() else sa.not_(found)


def _verify(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    verified: Predicate = t.student.c.verify_parents
    return verified if wanted.yes() else sa.not_(verified)


def _opted(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    opted: Predicate = t.student.c.directory_opt_out != ""
    return opted if wanted.yes() else sa.not_(opted)


def _review(wanted: Wanted, sight: Sight) -> Predicate:
    """Something in force whose review day is past or here, or comes within a month."""
    m = t.membership.c
    first, last = (
        (date.min, sight.today)
        if wanted.text == "over"
        else (sight.today + timedelta(days=1), sight.today + timedelta(days=SOON_DAYS))
    )
    due = [sa.and_(holds, review.between(first, last)) for holds, review in in_force()]
    tied = sa.select(m.student_id).where(sa.literal_column("membership.blocked"), m.block_review.between(first, last))
    return sa.or_(*due, t.student.c.id.in_(tied))


def _rebase(wanted: Wanted, sight: Sight) -> Predicate:
    """Parents' ties of students of 18 that nobody has said go on."""
    del wanted
    m = t.membership.c
    living = m.status.in_((MembershipStatus.LIMITED, MembershipStatus.APPROVED, MembershipStatus.SUSPENDED))
    parent = m.account_id.in_(sa.select(t.account.c.id).where(t.account.c.type == "parent"))
    return sa.and_(t.student.c.adult_on <= sight.today, has_tie(living, m.rebased.is_(None), parent))


def _sealed(wanted: Wanted, sight: Sight) -> Predicate:
    """A sealed student by the whole name. It tells who stands behind a code, so it needs the right to see that."""
    authorize(sight.operator, Permission.STUDENTS_REVEAL)
    key = name_key(wanted.text)
    if not key or sight.macs is None:
        return sa.false()
    return sa.and_(t.student.c.mask == Mask.PSEUDONYM, t.student.c.sealed_name_mac.in_(sight.macs(PURPOSE, key)))


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    return t.student.c.school_id.in_(schools_called(wanted.text))


def _nearest() -> sa.ColumnElement[date]:
    """The nearest review day of what stands for the student, `FAR` where there is none."""
    far = sa.literal_column(f"'{FAR.isoformat()}'", sa.Date())
    days = [sa.case((holds, sa.func.coalesce(review, far)), else_=far) for holds, review in in_force()]
    nearest: sa.ColumnElement[date] = sa.func.least(*days)
    return nearest


class Students(Desk):
    name = "students"
    title = "Students"
    singular = "student"
    help = "Look up students; mask names, block or verify parents, keep directory information back."
    digit = "3"
    see = Permission.STUDENTS_SEE
    order = "student"
    whole = True
    search_lanes = True
    empty = 'No student matches. A sealed student is found by the code, with number: or with sealed:"Ann Lee".'
    columns = (
        Column("id", "No.", 7, right=True),
        Column("student", "Student", 22, grows=True),
        Column("number", "Number", 8, optional=4),
        Column("grade", "Grade", 5, right=True, optional=2),
        Column("school", "School", 14, optional=3),
        Column("mask", "Mask", 9),
        Column("parents", "Parents", 14, sortable=False),
        Column("opt_out", "Opt-out", 10, optional=5, sortable=False),
        Column("review", "Review", 10, optional=1),
    )
    terms = (
        Term("state", "what says most about who may see what", _in_state, STATES),
        Term("school", "the home school's code or how its name begins", _school),
        Term("grade", "the grade", lambda w, _: t.student.c.grade == w.text),
        Term("mask", "how the name is masked", _masked, tuple(Mask)),
        Term("blocked", "whether all parents or one are blocked", _blocked, ("yes", "no"), lanes=True),
        Term("verify", "whether parents must be verified", _verify, ("yes", "no")),
        Term("opted", "whether directory information is kept back", _opted, ("yes", "no")),
        Term("review", "what is to be looked at again: over, or soon (30 days)", _review, ("over", "soon"), lanes=True),
        Term("rebase", "students of 18 whose parents' ties have no ground yet", _rebase, ("due",)),
        Term("number", "the whole student number", lambda w, _: t.student.c.number == w.text),
        Term("sealed", 'a sealed student by the full name, as sealed:"Ann Lee"', _sealed),
        Term("id", "the student's number in the portal", lambda w, _: w.compare(t.student.c.id)),
    )
    decisions = (
        MaskName(),
        Unmask(),
        Block(),
        Unblock(),
        Verify(),
        Unverify(),
        OptOut(),
        OptIn(),
        Rebase(),
        Review(),
    )
    disclosures = (Reveal(),)

    def case(self) -> sa.Table:
        return t.student

    def source(self) -> sa.FromClause:
        return t.student.outerjoin(t.school, t.school.c.id == t.student.c.school_id)

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        del sight
        return _state()

    def school(self) -> sa.ColumnElement[int]:
        return t.student.c.school_id

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        s, m = t.student.c, t.membership.c
        ties = (
            sa.select(sa.func.count())
            .select_from(t.membership)
            .where(m.student_id == s.id, sa.literal_column("membership.blocked"))
            .correlate(t.student)
            .scalar_subquery()
        )
        return (
            s.given_name,
            s.family_name,
            s.mask,
            s.pseudonym,
            s.number,
            s.grade,
            s.parents_blocked,
            s.verify_parents,
            s.directory_opt_out,
            ties.label("blocked_ties"),
            _nearest().label("review"),
            t.school.c.name.label("school_name"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        del sight
        return {
            "id": row.id,
            "state": safe(row.state),
            "student": student_name(row.given_name, row.family_name, row.mask, row.pseudonym),
            "number": masked_number(row.number),
            "grade": safe(row.grade or ""),
            "school": safe(row.school_name or ""),
            "mask": safe("" if row.mask == Mask.NONE else row.mask),
            "parents": safe(parents_in_words(row.parents_blocked, row.blocked_ties, row.verify_parents)),
            "opt_out": safe(row.directory_opt_out.replace(",", ", ")),
            "review": None if row.review == FAR else row.review,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        s = t.student.c
        return {
            "id": s.id,
            "student": s.family_key,
            "number": s.number,
            "grade": sa.func.coalesce(s.grade, ""),
            "school": sa.func.coalesce(t.school.c.name, ""),
            "mask": s.mask,
            "review": _nearest(),
        }[column]

    def search(self, text: str) -> Predicate:
        """By what the mask leaves: a hidden name is not found by its letters, or searching would spell it."""
        key = name_key(text)
        s = t.student.c
        if not key:
            return sa.false()
        given = sa.func.lower(s.given_name).startswith(text.strip().lower(), autoescape=True)
        return sa.or_(
            sa.and_(some_mask(), s.mask == Mask.INITIAL, given),
            sa.and_(s.mask != Mask.INITIAL, begins(s.family_key, key)),
            sa.and_(s.mask == Mask.NONE, begins(s.name_key, key)),
        )

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        if column == "parents" and row.parents_blocked:
            return Tone.BAD
        if column in ("mask", "parents", "review") and value:
            return Tone.WARN
        if column in ("id", "number", "grade", "school"):
            return Tone.DIM
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.student_facts import student_facts

        del vault
        return student_facts(connection, case, sight, self.source())


def parents_in_words(blocked: bool, ties: int, verify: bool) -> str:
    """What stands against the parents: `blocked`, `1 blocked`, `verify`, or nothing."""
    if blocked:
        return "blocked"
    said = [f"{ties} blocked"] if ties else []
    return ", ".join([*said, "verify"] if verify else said)


DESK = Students()
