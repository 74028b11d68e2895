"""Schools: the switches by which each school decides what registrations, challenges and after-school grants mean there.

What a switch changes is access, so a switch is a decision with a record and not configuration (PORTAL, *Registrations*,
*Challenges*, *After-school professionals*, *Who may see a student's data*). Each works for one school, some, or all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from console.authority import Permission
from console.case_view import Fact, Part
from console.desk import Decision, Desk, Objection, Sight, Value
from console.filters import Term, Wanted
from console.lazy import sa, t
from console.params import Params, option
from console.queue import Column, Tone
from console.text import SafeText, safe
from models.words import ConsentPolicy, HoldPolicy, InitialRights, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.filters import Predicate
    from console.vault import Vault

RIGHTS_WORDS = {"approve_for_grades": "published", "approve_for_any": "nothing"}
"""What a parent sees before approval, as the queue says it."""


@dataclass(frozen=True, kw_only=True)
class Rights(Params):
    """What approval is needed for."""

    rights: InitialRights = option("What a parent or student must be approved for: grades only, or anything.")


@dataclass(frozen=True, kw_only=True)
class Hold(Params):
    """What an open challenge does."""

    policy: HoldPolicy = option(
        "What an open challenge leaves of the tie: all (none), what is published (limited), nothing (full)."
    )


@dataclass(frozen=True, kw_only=True)
class Switch(Params):
    """On or off."""

    on: bool = option("yes or no.")


@dataclass(frozen=True, kw_only=True)
class Consent(Params):
    """Whose consent an after-school grant needs."""

    policy: ConsentPolicy = option("Whose consent a grant needs: any approved parent's, or all of theirs.")


class _Switch(Decision):
    """One switch: a column, and the parameter that it is set from."""

    permission = Permission.SCHOOLS_SWITCH
    column: ClassVar[str]
    parameter: ClassVar[str]

    def wanted(self, params: Any) -> Any:
        """What the switch is to say; None while nobody has said it."""
        return getattr(params, self.parameter)

    def subject(self, params: Any) -> sa.Column[Any]:
        del params
        return t.school.c[self.column]

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if (wanted := self.wanted(params)) is None:
            return ()
        return [Objection(t.school.c[self.column] == wanted, "it is set so already")]

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.school.c[self.column]: self.wanted(params)}


class _OnOff(_Switch):
    """A switch that is on or off."""

    parameter = "on"
    Params = Switch


class SetRights(_Switch):
    name = "rights"
    title = "Initial rights"
    help = "Say what approval is needed for: grades only, or anything."
    key = "r"
    Params = Rights
    column, parameter = "initial_rights", "rights"


class SetHold(_Switch):
    name = "hold"
    title = "Hold policy"
    help = "Say what an open challenge does to the tie that it is about."
    key = "h"
    Params = Hold
    column, parameter = "hold_policy", "policy"


class SetInPerson(_OnOff):
    name = "in-person"
    title = "Check in person"
    help = "Let parents establish their identity to a staff member before they are approved, or not."
    key = "i"
    column = "in_person_check"


class SetAsp(_OnOff):
    name = "asp"
    title = "After-school access"
    help = (
        "Let after-school professionals see students' assignments here, or not; off takes the advanced switch with it."
    )
    key = "a"
    column = "asp"

    def changes(self, params: Switch, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        c = t.school.c
        return {c.asp: params.on, c.asp_advanced: sa.and_(c.asp_advanced, sa.literal(params.on, sa.Boolean()))}


class SetAdvanced(_OnOff):
    name = "advanced"
    title = "Advanced after-school access"
    help = "Let after-school professionals see grades, attendance and record too, or not."
    key = "v"
    column = "asp_advanced"

    def objections(self, params: Switch, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        found = list(super().objections(params, sight, bulk=bulk))
        if params.on:
            found.append(Objection(sa.not_(t.school.c.asp), "after-school access is off there"))
        return found


class SetConsent(_Switch):
    name = "consent"
    title = "Whose consent"
    help = "Say whether one approved parent's consent carries a grant, or all of theirs."
    key = "c"
    Params = Consent
    column, parameter = "asp_consent", "policy"


class SetMajority(_OnOff):
    name = "majority"
    title = "Close at 18"
    help = "Close parents' ties on the student's 18th birthday until they are re-based, or leave them."
    key = "t"
    column = "close_at_18"


def _pupils() -> sa.ColumnElement[int]:
    """The students whose home school it is."""
    s = t.student.c
    return (
        sa.select(sa.func.count())
        .where(s.school_id == t.school.c.id, s.status == RosterStatus.ACTIVE)
        .correlate(t.school)
        .scalar_subquery()
    )


def _yes(name: str) -> Any:
    def where(wanted: Wanted, sight: Sight) -> Predicate:
        del sight
        found: Predicate = t.school.c[name].is_(sa.true() if wanted.yes() else sa.false())
        return found

    return where


def _is(name: str) -> Any:
    def where(wanted: Wanted, sight: Sight) -> Predicate:
        del sight
        found: Predicate = t.school.c[name] == wanted.text
        return found

    return where


YES = ("yes", "no")


class Schools(Desk):
    name = "schools"
    title = "Schools"
    singular = "school"
    help = "Each school's switches: initial rights, hold policy, check in person, after-school access."
    digit = "5"
    see = Permission.SCHOOLS_SEE
    order = "name"
    empty = "No school matches. A roster brings the schools."
    columns = (
        Column("id", "No.", 4, right=True),
        Column("name", "School", 18, grows=True),
        Column("code", "Code", 6, optional=5),
        Column("rights", "Initial rights", 14),
        Column("hold", "Hold", 7),
        Column("in_person", "In person", 9, optional=1),
        Column("asp", "ASP", 3),
        Column("advanced", "Advanced ASP", 12, optional=2),
        Column("consent", "Consent", 7, optional=3),
        Column("majority", "At 18", 6, optional=4),
        Column("students", "Students", 8, right=True),
    )
    terms = (
        Term("state", "whether the roster still has it", _is("status"), tuple(RosterStatus)),
        Term("rights", "what approval is needed for", _is("initial_rights"), tuple(InitialRights)),
        Term("hold", "what an open challenge does", _is("hold_policy"), tuple(HoldPolicy)),
        Term("asp", "whether after-school professionals see anything", _yes("asp"), YES),
        Term("advanced", "whether they see grades too", _yes("asp_advanced"), YES),
        Term("consent", "whose consent a grant needs", _is("asp_consent"), tuple(ConsentPolicy)),
        Term("in_person", "whether identity is checked in person", _yes("in_person_check"), YES),
        Term("majority", "whether parents' ties close at 18", _yes("close_at_18"), YES),
    )
    decisions = (SetRights(), SetHold(), SetInPerson(), SetAsp(), SetAdvanced(), SetConsent(), SetMajority())

    def case(self) -> sa.Table:
        return t.school

    def source(self) -> sa.FromClause:
        """Schools only: a roster's districts and departments have no switches."""
        listed = t.school.alias("listed")
        return t.school.join(listed, sa.and_(listed.c.id == t.school.c.id, listed.c.type == "school"))

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        del sight
        state: sa.ColumnElement[str] = t.school.c.status
        return state

    def school(self) -> sa.ColumnElement[int]:
        return t.school.c.id

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        s = t.school.c
        return (
            s.name,
            s.code,
            s.initial_rights,
            s.hold_policy,
            s.in_person_check,
            s.asp,
            s.asp_advanced,
            s.asp_consent,
            s.close_at_18,
            _pupils().label("students"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        del sight
        return {
            "id": row.id,
            "state": safe(row.state),
            "name": safe(row.name),
            "code": safe(row.code),
            "rights": safe(RIGHTS_WORDS[row.initial_rights]),
            "hold": safe(row.hold_policy),
            "in_person": row.in_person_check,
            "asp": row.asp,
            "advanced": row.asp_advanced,
            "consent": safe(row.asp_consent),
            "majority": safe("close" if row.close_at_18 else "–"),
            "students": row.students,
            "initial_rights": safe(row.initial_rights),
            "close_at_18": row.close_at_18,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        s = t.school.c
        return {
            "id": s.id,
            "name": sa.func.lower(s.name),
            "code": sa.func.lower(s.code),
            "rights": s.initial_rights,
            "hold": s.hold_policy,
            "in_person": s.in_person_check,
            "asp": s.asp,
            "advanced": s.asp_advanced,
            "consent": s.asp_consent,
            "majority": s.close_at_18,
            "students": _pupils(),
        }[column]

    def search(self, text: str) -> Predicate:
        """By how the name, a later word of it, or the code begins."""
        s, word = t.school.c, text.casefold()
        return sa.or_(
            sa.func.lower(s.name).startswith(word, autoescape=True),
            sa.func.lower(s.name).contains(" " + word, autoescape=True),
            sa.func.lower(s.code).startswith(word, autoescape=True),
        )

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        del row
        if column in ("id", "code") or value is False:
            return Tone.DIM
        if column == "hold" and value != HoldPolicy.NONE:
            return Tone.WARN
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        del vault
        row = connection.execute(
            sa.select(t.school, _pupils().label("students")).select_from(self.source()).where(t.school.c.id == case)
        ).one()
        parts = (
            Part("Switches", tuple(Fact(label, safe(text)) for label, text in _switches(row))),
            Part("Today", tuple(Fact(label, safe(f"{count:,}")) for label, count in _today(connection, row, sight))),
        )
        return safe(row.name), parts


def _switches(row: Any) -> tuple[tuple[str, str], ...]:
    """Each switch with what it means for people."""
    rights = {
        InitialRights.APPROVE_FOR_GRADES: "students see at once, parents what is published; grades after approval",
        InitialRights.APPROVE_FOR_ANY: "nobody sees anything before approval",
    }
    hold = {
        HoldPolicy.NONE: "an open challenge changes nothing until it is decided",
        HoldPolicy.LIMITED: "a challenged parent sees only what is published until it is decided",
        HoldPolicy.FULL: "a challenged parent sees nothing until it is decided",
    }
    asp = "assignments, grades, attendance, record" if row.asp_advanced else "assignments"
    consent = {
        ConsentPolicy.ANY: "one approved parent's consent carries a grant",
        ConsentPolicy.ALL: "all approved parents must consent",
    }
    return (
        ("Initial rights", rights[row.initial_rights]),
        ("Hold", hold[row.hold_policy]),
        (
            "In person",
            "identity is checked before approval" if row.in_person_check else "no check in person is asked for",
        ),
        ("After school", f"professionals with a living grant see {asp}" if row.asp else "professionals see nothing"),
        ("Consent", consent[row.asp_consent]),
        (
            "At 18",
            "parents' ties close until re-based" if row.close_at_18 else "parents' ties stay open, on a worklist",
        ),
    )


def _today(connection: sa.Connection, row: Any, sight: Sight) -> tuple[tuple[str, int], ...]:
    """What the switches act upon today."""
    m, s, g = t.membership.c, t.student.c, t.access_grant.c
    held = sa.table("access_held", sa.column("membership_id"))
    of_home = t.membership.join(t.student, s.id == m.student_id)
    count = sa.select(sa.func.count())
    counted = (
        ("Students", sa.select(sa.literal(row.students))),
        ("Parents' ties", count.select_from(of_home).where(s.school_id == row.id)),
        (
            "Challenged ties",
            count.select_from(of_home).where(s.school_id == row.id, m.id.in_(sa.select(held.c.membership_id))),
        ),
        ("Of age", count.where(s.school_id == row.id, s.adult_on <= sight.today)),
        ("Grants approved", count.where(g.school_id == row.id, g.state == "approved", g.ends > sight.today)),
    )
    return tuple((label, int(connection.execute(query).scalar_one())) for label, query in counted)


DESK = Schools()
