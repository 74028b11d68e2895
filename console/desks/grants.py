"""After-school grants: a professional who asks for one student, what the request lacks, and the five decisions about it.

PORTAL, *After-school professionals*. A grant is alive, lacking or ended by itself: what opens or closes it besides the district's
approval is derived each day, in `console.lacks` as in the contract's views. Approving does not wait for consent: the district's
approval is one of the things that a grant must have, the family's is another. People say the last day of a grant; the table keeps
the day after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from console.authority import ROLES, Permission
from console.desk import Decision, Desk, NoticeFor, Objection, Part, Sight, Value
from console.errors import Usage
from console.filters import Term, Wanted
from console.lacks import WORDS, Lack, account_open, agreement_dead, any_of, predicates
from console.lazy import sa, t
from console.names import name_key
from console.params import Params, option
from console.people import person_name, student_name
from console.queue import Column, Tone
from console.text import SafeText, safe
from models.words import GrantState, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Work
    from console.filters import Predicate
    from console.vault import Vault

S = GrantState
STATES = ("requested", "alive", "lacking", "ended", "rejected", "revoked")
DAY = timedelta(days=1)
FAR = date(9999, 12, 31)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Approving(Params):
    """From when until when."""

    until: date = option("The last day: 2027-06-30, +90d, end-of-year; never after the school year.")
    begins: date | None = option("The first day; else the one asked for, or today.", default=None)


@dataclass(frozen=True, kw_only=True)
class Permitting(Params):
    """A paper that stands in for the parents' consent, where no parent is registered."""

    reference: str = option("Which paper: how it is found again.", personal=True)
    digest: str = option("The SHA-256 of the scanned paper, 64 hexadecimal digits.")
    witness: str = option("The second operator who saw it, by name.", personal=True)


@dataclass(frozen=True, kw_only=True)
class Extending(Params):
    """Until when."""

    until: date = option("The new last day: 2027-06-30, +90d, end-of-year; never after the school year.")


def _within_year(until: date, sight: Sight) -> None:
    end = sight.calendar.end_of_year()
    if until < sight.today:
        raise Usage("--until is a day that is over; nothing was done. Write 2027-06-30, +90d or end-of-year.")
    if until > end:
        raise Usage(f"A grant ends with the school year, {end.isoformat()}; nothing was done. Write end-of-year.")


class _GrantDecision(Decision):
    """What all decisions about grants share."""

    permission = Permission.GRANTS_DECIDE

    def notices(self, params: Any) -> Sequence[NoticeFor]:
        return (NoticeFor(f"grant-{self.told}", t.access_grant.c.account_id, params.reason),) if self.told else ()

    told: str = ""


class Approve(_GrantDecision):
    name = "approve"
    title = "Approve"
    help = "Give the district's approval until a day; the family's consent is the family's to give."
    key = "a"
    states = ("requested",)
    Params = Approving
    told = "approved"

    def check(self, params: Approving, sight: Sight) -> None:
        _within_year(params.until, sight)
        if params.begins is not None and params.begins < sight.today:
            raise Usage("A grant does not begin in the past; nothing was done. Leave --begins out for today.")
        if params.begins is not None and params.begins > params.until:
            raise Usage("A grant begins before it ends; nothing was done.")

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        found = [
            Objection(sa.not_(sa.func.coalesce(t.school.c.asp, sa.false())), WORDS[Lack.SWITCH]),
            Objection(sa.not_(account_open(sight.today)), WORDS[Lack.ACCOUNT]),
            Objection(agreement_dead(sight.today), WORDS[Lack.AGREEMENT]),
        ]
        if params.until is not None:
            late = self._begins(params, sight) > params.until
            found.append(Objection(late, "it asks to begin after that day, name another with --begins"))
        return found

    @staticmethod
    def _begins(params: Approving, sight: Sight) -> sa.ColumnElement[date]:
        if params.begins is not None:
            return sa.literal(params.begins, sa.Date())
        asked = t.access_grant.c.begins
        return sa.case((asked > sight.today, asked), else_=sa.literal(sight.today, sa.Date()))

    def changes(self, params: Approving, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        g = t.access_grant.c
        return {
            g.state: S.APPROVED,
            g.begins: self._begins(params, sight),
            g.ends: params.until + DAY,
            g.decided_at: sight.now,
            g.decided_by: sight.operator.id,
        }

    def notices(self, params: Approving) -> Sequence[NoticeFor]:
        del params
        return (NoticeFor("grant-approved", t.access_grant.c.account_id),)


class Reject(_GrantDecision):
    name = "reject"
    title = "Reject"
    help = "Refuse the request; it is kept."
    key = "r"
    states = ("requested",)
    needs_reason = True
    closes = True
    told = "rejected"

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        g = t.access_grant.c
        return {g.state: S.REJECTED, g.decided_at: sight.now, g.decided_by: sight.operator.id}


class Permit(_GrantDecision):
    name = "permission"
    title = "Record a written permission"
    help = "Put a paper on record that two operators saw, where no parent is registered who could consent."
    key = "w"
    states = ("requested", "alive", "lacking")
    Params = Permitting
    bulk = False

    def check(self, params: Permitting, sight: Sight) -> None:
        if not params.reference.strip():
            raise Usage("--reference is missing; nothing was done. Say which paper it is.")
        if not _SHA256.fullmatch(params.digest.lower()):
            raise Usage("--digest takes the 64 hexadecimal digits of a SHA-256; nothing was done.")
        if params.witness.strip().lower() == sight.operator.name.lower():
            raise Usage("The second operator is somebody else than you; nothing was done. Name them with --witness.")

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        found = [Objection(_on_paper(), "a written permission is on record")]
        if params.witness is not None:
            found.append(Objection(sa.not_(self._witness(params).is_not(None)), "there is no such second operator"))
        return found

    @staticmethod
    def _witness(params: Permitting) -> sa.ColumnElement[int]:
        """Another operator who may decide about grants, by name in any case."""
        o = t.operator.c
        deciding = [str(role) for role, rights in ROLES.items() if Permission.GRANTS_DECIDE in rights]
        return (
            sa.select(sa.func.min(o.id))
            .where(
                sa.func.lower(o.name) == params.witness.strip().lower(),
                o.disabled.is_(sa.false()),
                o.unattended.is_(sa.false()),
                o.role.in_(deciding),
            )
            .scalar_subquery()
        )

    def subject(self, params: Permitting) -> sa.Column[Any]:
        del params
        return t.access_grant.c.permission_witness

    def changes(self, params: Permitting, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        g = t.access_grant.c
        return {g.permission_witness: self._witness(params), g.permission_digest: params.digest.lower()}

    def access(self, params: Permitting, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        """The reference is no changed column, so what it opens is counted here: a grant that lacked nothing else."""
        del params
        now, then = predicates(sight.today), predicates(sight.today, written=sa.true())
        approved = t.access_grant.c.state == S.APPROVED
        opens = sa.and_(approved, sa.or_(*now.values()), sa.not_(sa.or_(*then.values())))
        return sa.case((opens, 1), else_=0), sa.literal(0)

    def carry_out(self, work: Work) -> None:
        """The reference may name people: it is put in its place and not in the record. Without its witness it says nothing."""
        params: Permitting = work.params  # type: ignore[assignment]
        work.connection.execute(
            t.access_grant.update()
            .where(t.access_grant.c.id.in_(sa.select(work.chosen.c.id)))
            .values(permission_reference=params.reference.strip())
        )


class Extend(_GrantDecision):
    name = "extend"
    title = "Extend"
    help = "Let it last longer, at most until the school year ends; one that has ended goes on from today."
    key = "t"
    states = ("alive", "lacking", "ended")
    Params = Extending
    told = "extended"

    def check(self, params: Extending, sight: Sight) -> None:
        _within_year(params.until, sight)

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if params.until is None:
            return ()
        return [Objection(t.access_grant.c.ends > params.until, "it lasts that long already")]

    def subject(self, params: Extending) -> sa.Column[Any]:
        del params
        return t.access_grant.c.ends

    def changes(self, params: Extending, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        g = t.access_grant.c
        today = sa.literal(sight.today, sa.Date())
        return {g.ends: params.until + DAY, g.begins: sa.case((g.ends <= sight.today, today), else_=g.begins)}

    def notices(self, params: Extending) -> Sequence[NoticeFor]:
        del params
        return (NoticeFor("grant-extended", t.access_grant.c.account_id),)


class Revoke(_GrantDecision):
    name = "revoke"
    title = "Revoke"
    help = "Take the district's approval back at once."
    key = "v"
    states = ("alive", "lacking")
    needs_reason = True
    closes = True
    told = "revoked"

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        g = t.access_grant.c
        return {g.state: S.REVOKED, g.decided_at: sight.now, g.decided_by: sight.operator.id}


def _on_paper() -> Predicate:
    g = t.access_grant.c
    return sa.and_(g.permission_reference.is_not(None), g.permission_witness.is_not(None))


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
            a.family_key.startswith(key),
            a.name_key.startswith(key),
            t.organisation.c.name_key.startswith(key),
            sa.and_(s.mask != Mask.INITIAL, s.family_key.startswith(key)),
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
