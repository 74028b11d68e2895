"""Requests: what waits for a second person, whoever asked for it, and what became of it.

A request exists for who asked for it, and for who sees the desk it is about and all schools of its cases. That it has expired is
derived from its moment; nothing has to run for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Desk, Sight, Value
from console.desks.request_decisions import Confirm, Refuse, Withdraw, waits_for
from console.desks.request_tables import action_words, confirmer, maker, state
from console.filters import Term, Wanted
from console.lazy import sa, t
from console.queue import Column, Tone
from console.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Operator
    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

STATES = ("waiting", "confirmed", "refused", "withdrawn", "expired")


def _waits(wanted: Wanted, sight: Sight) -> Predicate:
    """`waits:me` for what the operator could confirm now, `waits:others` for what they asked for themselves."""
    if wanted.text == "me":
        return waits_for(sight)
    return sa.and_(state(sight) == "waiting", t.request.c.maker_id == sight.operator.id)


def _mine(wanted: Wanted, sight: Sight) -> Predicate:
    mine: Predicate = t.request.c.maker_id == sight.operator.id
    return mine if wanted.yes() else sa.not_(mine)


def _of_desk(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    found: Predicate = t.request.c.desk == wanted.text
    return found


class Requests(Desk):
    name = "requests"
    title = "Requests"
    singular = "request"
    help = "What waits for a second person: confirm or refuse what a colleague asked for, withdraw your own."
    digit = "8"
    see = Permission.REQUESTS_SEE
    order = "until"
    waiting = "waits:me"
    empty = "No request matches. waits:me shows what waits for you, mine:yes what you asked for."
    columns = (
        Column("id", "No.", 5, right=True),
        Column("what", "What", 20, grows=True),
        Column("desk", "Desk", 13, optional=3),
        Column("cases", "Cases", 7, right=True),
        Column("maker", "Asked by", 12, grows=True),
        Column("asked", "Asked", 5, right=True, optional=2, sortable=False),
        Column("until", "Until", 13, optional=1),
        Column("state", "State", 9, sortable=False),
    )
    terms = (
        Term("state", "what became of it", lambda w, sight: state(sight) == w.text, STATES),
        Term("waits", "for whom it waits: me, or others where you asked", _waits, ("me", "others")),
        Term("mine", "whether you asked for it", _mine, ("yes", "no")),
        Term("desk", "the desk that it is about", _of_desk),
        Term("by", "who asked for it, by name", lambda w, _: sa.func.lowered(maker().c.name) == w.text.lower()),
        Term("id", "the request's number", lambda w, _: w.compare(t.request.c.id)),
    )
    decisions = (Confirm(), Refuse(), Withdraw())

    def case(self) -> sa.Table:
        return t.request

    def source(self) -> sa.FromClause:
        r = t.request
        return r.join(maker(), maker().c.id == r.c.maker_id).outerjoin(
            confirmer(), confirmer().c.id == r.c.confirmer_id
        )

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        return state(sight)

    def within(self, operator: Operator) -> Sequence[Predicate]:
        """One's own; else of desks that the operator sees, with all their cases."""
        from console.desks import DESKS, desk

        r, s = t.request.c, t.request_school.c
        seen = [name for name in DESKS if operator.may(desk(name).see)]
        others: list[Predicate] = [r.desk.in_(seen)]
        if operator.schools is not None:
            outside = sa.exists().where(s.request_id == r.id, s.school_id.not_in(sorted(operator.schools)))
            others += [sa.not_(r.unplaced), sa.not_(outside)]
        return (sa.or_(r.maker_id == operator.id, sa.and_(*others)),)

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        r = t.request.c
        return (
            r.desk,
            r.action,
            r["count"].label("cases"),
            r.made_at,
            r.until,
            r.batch,
            maker().c.name.label("maker_name"),
            confirmer().c.name.label("confirmer_name"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        until = row.until.astimezone(sight.settings.portal.zone)
        return {
            "id": row.id,
            "state": safe(row.state),
            "what": safe(action_words(row.desk, row.action)),
            "desk": safe(row.desk),
            "cases": row.cases,
            "maker": safe(row.maker_name),
            "asked": row.made_at,
            "until": safe(f"{until:%b %-d %H:%M}"),
            "action": safe(row.action),
            "confirmer": safe(row.confirmer_name or ""),
            "batch": safe(row.batch or ""),
            "until_at": row.until,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        r = t.request.c
        return {
            "id": r.id,
            "what": r.action,
            "desk": r.desk,
            "cases": r["count"],
            "maker": sa.func.lowered(maker().c.name),
            "until": r.until,
        }[column]

    def search(self, text: str) -> Predicate:
        """By how the decision's name, or the name of who asked, begins."""
        word = text.lower()
        return sa.or_(
            t.request.c.action.startswith(word, autoescape=True),
            t.request.c.desk.startswith(word, autoescape=True),
            sa.func.lowered(maker().c.name).startswith(word, autoescape=True),
        )

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        if column == "state":
            return {"waiting": Tone.WARN, "confirmed": Tone.GOOD}.get(str(value), Tone.DIM)
        if column == "until" and row.state == "waiting":
            return Tone.PLAIN
        return Tone.DIM if column in ("id", "desk", "asked", "until") else Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.request_facts import request_facts

        return request_facts(connection, case, sight, vault, self.source())


DESK = Requests()
