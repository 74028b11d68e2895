"""After-school grants: a professional who asks for one student, what the request lacks, and the queue of what waits.

PORTAL, *After-school professionals*. A grant is alive, lacking or ended by itself: what opens or closes it besides the district's
approval is derived each day, in `console.access.lacks` as in the contract's views.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from console.access.lacks import Lack, any_of, predicates
from console.authority import Permission
from console.desk import Desk, Sight, Value
from console.desks.grant_decisions import DAY, Approve, Extend, Permit, Reject, Revoke
from console.filters import Term, Wanted, begins
from console.lazy import sa, t
from console.names import name_key
from console.people import person_name, student_name
from console.queue import Column, Tone
from console.text import SafeText, safe
from models.words import GrantState, Mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

S = GrantState
STATES = ("requested", "alive", "lacking", "ended", "rejected", "revoked")
FAR = date(9999, 12, 31)


def _ended(sight: Sight) -> Predicate:
    g = t.access_grant.c
    return sa.and_(g.state == S.APPROVED, sa.func.coalesce(g.ends <= sight.today, sa.false()))


def _going(sight: Sight) -> Predicate:
    """Approved and not over."""
    g = t.access_grant.c
    return sa.and_(g.state == S.APPROVED, sa.func.coalesce(g.ends > sight.today, sa.true()))


def _state(wanted: Wanted, sight: Sight) -> Predicate:
    """The same as `Grants.state(sight) == wanted.text`, in a form that an index on the stored state can serve."""
    match wanted.text:
        case "alive":
            return sa.and_(_going(sight), sa.not_(any_of(sight.today)))
        case "lacking":
            return sa.and_(_going(sight), any_of(sight.today))
        case "ended":
            return _ended(sight)
        case _:
            stored: Predicate = t.access_grant.c.state == wanted.text
            return stored


def _lacks(wanted: Wanted, sight: Sight) -> Predicate:
    """What a request or an approved grant lacks; one that is over or refused lacks nothing that anybody waits for."""
    waits = sa.or_(t.access_grant.c.state == S.REQUESTED, _going(sight))
    return sa.and_(waits, predicates(sight.today)[Lack(wanted.text)])


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    text = wanted.text.casefold()
    return sa.or_(
        sa.func.lower(t.school.c.code) == text, sa.func.lower(t.school.c.name).startswith(text, autoescape=True)
    )


class Grants(Desk):
    name = "grants"
    title = "After-school grants"
    singular = "grant"
    help = "After-school professionals who ask for a student: approve, extend, revoke; see what is lacking."
    digit = "4"
    see = Permission.GRANTS_SEE
    order = "arrived"
    whole = True
    waiting = "state:requested"
    empty = "No grant matches. Everything that waits is shown by state:requested."
    columns = (
        Column("id", "No.", 6, right=True),
        Column("state", "State", 9),
        Column("professional", "Professional", 20, grows=True),
        Column("organisation", "Organisation", 16, optional=4),
        Column("student", "Student", 18, grows=True),
        Column("school", "School", 12, optional=5),
        Column("lacks", "Lacks", 16, sortable=False),
        Column("begins", "From", 10, optional=3),
        Column("until", "Until", 10, optional=2),
        Column("arrived", "Age", 5, right=True, optional=1),
    )
    terms = (
        Term("state", "its state now; approved is alive, lacking or ended", _state, (*STATES, "approved")),
        Term("lacks", "what a request or an approved grant lacks", _lacks, tuple(Lack)),
        Term("school", "the school's code or how its name begins", _school),
        Term("student", "the student's number in the portal", lambda w, _: t.access_grant.c.student_id == w.number()),
        Term("account", "the account's number in the portal", lambda w, _: t.access_grant.c.account_id == w.number()),
        Term(
            "older",
            "asked longer ago, as older:5d",
            lambda w, sight: t.access_grant.c.arrived_at < sight.now - timedelta(days=w.days()),
        ),
        Term(
            "newer",
            "asked since, as newer:2d",
            lambda w, sight: t.access_grant.c.arrived_at >= sight.now - timedelta(days=w.days()),
        ),
    )
    decisions = (Approve(), Reject(), Permit(), Extend(), Revoke())

    def case(self) -> sa.Table:
        return t.access_grant

    def source(self) -> sa.FromClause:
        g = t.access_grant
        return (
            g.join(t.account, t.account.c.id == g.c.account_id)
            .outerjoin(t.organisation, t.organisation.c.id == t.account.c.organisation_id)
            .join(t.student, t.student.c.id == g.c.student_id)
            .outerjoin(t.school, t.school.c.id == g.c.school_id)
        )

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        g = t.access_grant.c
        return sa.case(
            (g.state != S.APPROVED, g.state),
            (_ended(sight), "ended"),
            (any_of(sight.today), "lacking"),
            else_="alive",
        )

    def school(self) -> sa.ColumnElement[int]:
        return t.access_grant.c.school_id

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        g, a, s = t.access_grant.c, t.account.c, t.student.c
        return (
            g.account_id,
            g.student_id,
            g.begins,
            g.ends,
            g.arrived_at,
            a.given_name,
            a.family_name,
            t.organisation.c.name.label("organisation_name"),
            s.given_name.label("student_given"),
            s.family_name.label("student_family"),
            s.mask,
            s.pseudonym,
            t.school.c.name.label("school_name"),
            *(holds.label(f"lacks_{lack}") for lack, holds in predicates(sight.today).items()),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        del sight
        return {
            "id": row.id,
            "state": safe(row.state),
            "professional": person_name(row.given_name, row.family_name),
            "organisation": safe(row.organisation_name or ""),
            "student": student_name(row.student_given, row.student_family, row.mask, row.pseudonym),
            "school": safe(row.school_name or ""),
            "lacks": tuple(safe(lack) for lack in lacking(row)),
            "begins": row.begins,
            "until": row.ends and row.ends - DAY,
            "arrived": row.arrived_at,
            "account": row.account_id,
            "student_id": row.student_id,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        g = t.access_grant.c
        far = sa.literal(FAR, sa.Date())
        return {
            "id": g.id,
            "state": g.state,
            "professional": t.account.c.family_key,
            "organisation": sa.func.coalesce(t.organisation.c.name, ""),
            "student": t.student.c.family_key,
            "school": sa.func.coalesce(t.school.c.name, ""),
            "begins": sa.func.coalesce(g.begins, far),
            "until": sa.func.coalesce(g.ends, far),
            "arrived": g.arrived_at,
        }[column]

    def search(self, text: str) -> Predicate:
        """By the professional, the organisation, or what a student's mask leaves of the name."""
        key = name_key(text)
        a, s = t.account.c, t.student.c
        if not key:
            return sa.false()
        return sa.or_(
            begins(a.family_key, key),
            begins(a.name_key, key),
            begins(t.organisation.c.name_key, key),
            sa.and_(s.mask != Mask.INITIAL, begins(s.family_key, key)),
        )

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        if column == "state":
            return {"alive": Tone.GOOD, "lacking": Tone.WARN}.get(row.state, Tone.PLAIN)
        if column == "lacks" and value:
            return Tone.WARN
        if column in ("id", "school", "organisation", "arrived", "begins"):
            return Tone.DIM
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.grant_facts import grant_facts

        del vault
        return grant_facts(connection, case, sight, self)


def lacking(row: Any) -> tuple[Lack, ...]:
    """What a row of the queue lacks, as its state counts it."""
    if row.state not in ("requested", "lacking"):
        return ()
    return tuple(lack for lack in Lack if getattr(row, f"lacks_{lack}"))


DESK = Grants()
