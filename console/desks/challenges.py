"""Challenges: a student or an approved parent disputes somebody's tie (PORTAL, *Challenges*): the queue and its filters.

What can be decided is in `challenge_decisions`, the clock in `challenge_clock`, what stands beside a case in `challenge_facts`. The
challenger has no name in the queue: whoever looks over a shoulder does not learn who wrote.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Desk, Sight, Value
from console.desks.challenge_clock import Due, back, due_tone, due_words, is_due
from console.desks.challenge_decisions import DECISIONS
from console.desks.challenge_owners import claimed
from console.filters import Term, Wanted, begins
from console.lazy import sa, t
from console.names import name_key
from console.people import person_name, student_name
from console.queue import Column, Tone
from console.scope import schools_called
from console.text import SafeText, safe
from models.words import AccountType, ChallengeState, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

S = ChallengeState


def _state(wanted: Wanted, sight: Sight) -> Predicate:
    """The same as `Challenges.state(sight) == wanted.text`, in a form that an index on the stored state can serve."""
    c = t.challenge.c
    match wanted.text:
        case S.OPEN:
            return sa.or_(c.state == S.OPEN, back(sight))
        case S.WAITING:
            return sa.and_(c.state == S.WAITING, c.waiting_until > sight.today)
        case _:
            stored: Predicate = c.state == wanted.text
            return stored


def _owner(wanted: Wanted, sight: Sight) -> Predicate:
    match wanted.text:
        case "me":
            return sa.and_(claimed(sight), t.challenge.c.owner_id == sight.operator.id)
        case "none":
            return sa.not_(claimed(sight))
        case name:
            return sa.and_(claimed(sight), sa.func.lowered(t.operator.c.name) == name.lower())


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    return t.challenge.c.school_id.in_(schools_called(wanted.text))


def _arrived_before(wanted: Wanted, sight: Sight) -> Predicate:
    return t.challenge.c.arrived_at < sight.now - timedelta(days=wanted.days())


def _arrived_since(wanted: Wanted, sight: Sight) -> Predicate:
    return t.challenge.c.arrived_at >= sight.now - timedelta(days=wanted.days())


class Challenges(Desk):
    name = "challenges"
    title = "Challenges"
    singular = "challenge"
    help = "Students and parents who dispute somebody's tie: claim, ask, suspend, delete, ignore, reinstate."
    digit = "2"
    see = Permission.CHALLENGES_SEE
    order = "due"
    whole = True
    waiting = "state:open"
    empty = "No challenge matches. Everything that waits is shown by state:open."
    columns = (
        Column("id", "No.", 5, right=True),
        Column("state", "State", 8, optional=1),
        Column("student", "Student", 18, grows=True),
        Column("challenged", "Challenged", 18, grows=True),
        Column("by", "By", 7, optional=3, sortable=False),
        Column("school", "School", 12, optional=4),
        Column("owner", "Claimed by", 12, optional=2, sortable=False),
        Column("due", "Due", 17),
        Column("arrived", "Age", 4, right=True),
    )
    terms = (
        Term("state", "its state now", _state, tuple(S)),
        Term("school", "the school's code or how its name begins", _school),
        Term("owner", "who has claimed it: me, none or a name", _owner),
        Term(
            "due",
            "when its first answer or decision is due",
            lambda w, sight: is_due(Due(w.text), sight),
            tuple(Due),
        ),
        Term("older", "arrived longer ago, as older:5d", _arrived_before),
        Term("newer", "arrived since, as newer:2d", _arrived_since),
        Term("student", "the student's number in the portal", lambda w, _: t.challenge.c.student_id == w.number()),
        Term("account", "the challenged account's number", lambda w, _: t.challenge.c.account_id == w.number()),
    )
    decisions = DECISIONS

    def case(self) -> sa.Table:
        return t.challenge

    def ties(self) -> Mapping[sa.Table, sa.ColumnElement[int]]:
        return {t.account: t.challenge.c.account_id, t.membership: t.challenge.c.membership_id}

    def source(self) -> sa.FromClause:
        c = t.challenge
        challenger = self.challenger
        return (
            c.join(t.account, t.account.c.id == c.c.account_id)
            .join(t.membership, t.membership.c.id == c.c.membership_id)
            .join(t.student, t.student.c.id == c.c.student_id)
            .join(challenger, challenger.c.id == c.c.challenger_id)
            .outerjoin(t.school, t.school.c.id == c.c.school_id)
            .outerjoin(t.operator, t.operator.c.id == c.c.owner_id)
        )

    @cached_property
    def challenger(self) -> sa.FromClause:
        """The account of whoever wrote it, beside the challenged one."""
        return t.account.alias("challenger")

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        return sa.case((back(sight), S.OPEN.value), else_=t.challenge.c.state)

    def school(self) -> sa.ColumnElement[int]:
        return t.challenge.c.school_id

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        c, s, a = t.challenge.c, t.student.c, t.account.c
        return (
            c.arrived_at,
            c.answer_due,
            c.decision_due,
            c.answered_at,
            c.waiting_until,
            c.outcome,
            c.basis,
            c.account_id,
            c.student_id,
            c.membership_id,
            a.given_name,
            a.family_name,
            s.given_name.label("student_given"),
            s.family_name.label("student_family"),
            s.mask,
            s.pseudonym,
            self.challenger.c.type.label("challenger_type"),
            t.school.c.name.label("school_name"),
            sa.case((claimed(sight), t.operator.c.name)).label("owner"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        return {
            "id": row.id,
            "state": safe(row.state),
            "student": student_name(row.student_given, row.student_family, row.mask, row.pseudonym),
            "challenged": person_name(row.given_name, row.family_name),
            "by": safe("student" if row.challenger_type == AccountType.STUDENT else "parent"),
            "school": safe(row.school_name or ""),
            "owner": safe(row.owner or ""),
            "due": safe(due_words(row, sight)),
            "arrived": row.arrived_at,
            "answer_due": row.answer_due,
            "decision_due": row.decision_due,
            "waiting_until": row.waiting_until,
            "outcome": safe(row.outcome),
            "basis": safe(row.basis),
            "account": row.account_id,
            "student_id": row.student_id,
            "membership": row.membership_id,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        c = t.challenge.c
        return {
            "id": c.id,
            "state": self.state(sight),
            "student": sa.case((t.student.c.mask == Mask.NONE, t.student.c.family_key), else_=""),
            "challenged": t.account.c.family_key,
            "school": sa.func.coalesce(t.school.c.name, ""),
            "due": c.decision_due,
            "arrived": c.arrived_at,
        }[column]

    def search(self, text: str) -> Predicate:
        """By the challenged name, and by what the mask leaves of the student's."""
        key = name_key(text)
        if not key:
            return sa.false()
        s, a = t.student.c, t.account.c
        given = sa.func.lower(s.given_name).startswith(text.strip().lower(), autoescape=True)
        return sa.or_(
            begins(a.family_key, key),
            begins(a.name_key, key),
            sa.and_(s.mask == Mask.INITIAL, given),
            sa.and_(s.mask == Mask.NONE, begins(s.family_key, key)),
        )

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        del row
        if column == "due" and isinstance(value, SafeText):
            return due_tone(value)
        if column in ("id", "school", "arrived", "by"):
            return Tone.DIM
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.challenge_facts import challenge_facts

        del vault
        return challenge_facts(connection, case, sight, self.source())


DESK = Challenges()
