"""Operators: who works at the console, in which role, for which schools, and by what they prove who they are.

Added with `district operators add` as proposed, let in by two others, and never deleted: records name them for good. What they know
and hold – password, seed, recovery codes – is not on this desk, only that it is there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.authority import Permission, Role
from console.desk import Desk, Sight, Value
from console.desks.operator_decisions import Disable, Enable, Key, Place, Reset, SignOut
from console.filters import Term, Wanted
from console.lazy import sa, t
from console.queue import Column, Tone
from console.text import SafeText, safe
from models.words import OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Operator
    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

BETWEEN = "\n"
"""Stands between the codes of an operator's schools; no code holds it."""
YES = ("yes", "no")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for never where signing in orders the queue."""


def _is(name: str) -> Any:
    def where(wanted: Wanted, sight: Sight) -> Predicate:
        del sight
        found: Predicate = t.operator.c[name] == wanted.text
        return found

    return where


def _yes(holds: Predicate, wanted: Wanted) -> Predicate:
    return holds if wanted.yes() else sa.not_(holds)


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    """Whose schools are among those of this code; who has all works for it too."""
    del sight
    s = t.operator_school
    mine = s.c.operator_id == t.operator.c.id
    named = sa.exists(
        sa.select(s.c.school_id)
        .join(t.school, t.school.c.id == s.c.school_id)
        .where(mine, sa.func.lower(t.school.c.code) == wanted.text.casefold())
    )
    return sa.or_(named.correlate(t.operator), sa.not_(sa.exists().where(mine)))


def has_factor() -> Predicate:
    """True for the operators who have a second factor."""
    f = t.operator_factor
    return sa.select(f.c.operator_id).where(f.c.operator_id == t.operator.c.id).correlate(t.operator).exists()


def _schools() -> sa.ColumnElement[str]:
    """The codes of an operator's schools, joined; NULL for all."""
    s = t.operator_school
    return (
        sa.select(sa.func.aggregate_strings(t.school.c.code, BETWEEN))
        .select_from(s.join(t.school, t.school.c.id == s.c.school_id))
        .where(s.c.operator_id == t.operator.c.id)
        .correlate(t.operator)
        .scalar_subquery()
    )


def codes_of(joined: str | None) -> tuple[SafeText, ...]:
    """The codes of an operator's schools as `_schools` joined them; `all` where there are none."""
    return tuple(safe(code) for code in sorted((joined or "all").split(BETWEEN)))


def _last() -> sa.ColumnElement[Any]:
    """When the operator last signed in."""
    s = t.session.c
    last = sa.select(sa.func.max(s.began_at)).where(s.operator_id == t.operator.c.id).correlate(t.operator)
    return sa.type_coerce(last.scalar_subquery(), s.began_at.type)


class Operators(Desk):
    name = "operators"
    title = "Operators"
    singular = "operator"
    help = "Who works here, in which role, for which schools."
    digit = "9"
    see = Permission.OPERATORS_SEE
    order = "name"
    empty = "No operator matches. district operators add proposes one."
    columns = (
        Column("id", "No.", 4, right=True),
        Column("state", "State", 8),
        Column("name", "Name", 18, grows=True),
        Column("role", "Role", 22),
        Column("schools", "Schools", 12, sortable=False, optional=2),
        Column("origin", "Origin", 9, optional=3),
        Column("factor", "Second factor", 13, optional=1),
        Column("last", "Signed in", 9, right=True, optional=4),
    )
    terms = (
        Term("state", "proposed waits for a second person", _is("status"), tuple(OperatorStatus)),
        Term("role", "what they may do", _is("role"), tuple(Role)),
        Term("school", "the code of a school that they work for", _school),
        Term("origin", "who says that they are who they are", _is("origin"), tuple(OperatorOrigin)),
        Term("factor", "whether a second factor is enrolled", lambda w, _: _yes(has_factor(), w), YES),
    )
    decisions = (Enable(), Disable(), Place(), Reset(), SignOut(), Key())

    def case(self) -> sa.Table:
        return t.operator

    def source(self) -> sa.FromClause:
        return t.operator

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        del sight
        state: sa.ColumnElement[str] = t.operator.c.status
        return state

    def within(self, operator: Operator) -> Sequence[Predicate]:
        """Of some schools: the operators who have some, and none beyond those."""
        if operator.schools is None:
            return ()
        s = t.operator_school.c
        mine = s.operator_id == t.operator.c.id
        return (sa.exists().where(mine), sa.not_(sa.exists().where(mine, s.school_id.not_in(sorted(operator.schools)))))

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        o = t.operator.c
        return (
            o.name,
            o.role,
            o.origin,
            o.unattended,
            o.break_glass,
            _schools().label("schools"),
            has_factor().label("factor"),
            _last().label("last"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        del sight
        return {
            "id": row.id,
            "state": safe(row.state),
            "name": safe(row.name),
            "role": safe(row.role),
            "schools": codes_of(row.schools),
            "origin": safe(row.origin),
            "factor": bool(row.factor),
            "last": row.last,
            "unattended": bool(row.unattended),
            "break_glass": bool(row.break_glass),
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        o = t.operator.c
        return {
            "id": o.id,
            "state": o.status,
            "name": sa.func.lowered(o.name),
            "role": o.role,
            "origin": o.origin,
            "factor": sa.case((has_factor(), 1), else_=0),
            "last": sa.func.coalesce(_last(), sa.literal(LONG_AGO, t.session.c.began_at.type)),
        }[column]

    def search(self, text: str) -> Predicate:
        """By how the name, or a later word of it, begins."""
        o, word = t.operator.c, text.casefold()
        return sa.or_(
            sa.func.lowered(o.name).startswith(word, autoescape=True),
            sa.func.lowered(o.name).contains(" " + word, autoescape=True),
        )

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        if column == "state" and value == OperatorStatus.PROPOSED:
            return Tone.WARN
        if column in ("id", "origin") or row.state == OperatorStatus.DISABLED:
            return Tone.DIM
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        del vault
        from console.desks.operator_facts import operator_facts

        return operator_facts(connection, case, sight, self)


DESK = Operators()
