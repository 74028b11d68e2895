"""Audit: both logs, browsed record by record. Nothing is decided here; export and verification are commands over the same records.

A record of the ledger goes by its index in the ledger's tree, from 0, as proofs call it; one of the log of accesses by -1 minus its
index, so that one number still names one record. Without `log:` a filter means the ledger.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Desk, Sight, Value
from console.filters import Term, Wanted, spelled
from console.ids import read_batch_id
from console.lazy import sa, t
from console.queue import Column, Tone
from console.reports.asking import Exporting
from console.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from console.authority import Operator
    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

DESKS = (
    *("registrations", "challenges", "students", "grants", "schools", "audit", "intake"),
    *("activations", "requests", "operators"),
)
BESIDE = ("work",)
"""What is no desk and leaves records all the same."""
KINDS = ("decision", "access", "disclosure", "signin")
LOGS = ("ledger", "accesses")
FIRST_ACCESS = -1
"""The number of the first record of the log of accesses; the next is one less."""


def number_of(log: str, index: int) -> int:
    """The number by which a record goes at this desk."""
    return index if log == "ledger" else FIRST_ACCESS - index


def _begins(day: date, sight: Sight) -> datetime:
    """The moment at which a day begins in the portal's time zone."""
    return datetime.combine(day, time.min, sight.settings.portal.zone).astimezone(UTC)


def _on(wanted: Wanted, sight: Sight) -> Predicate:
    day = wanted.day()
    at = t.record.c.at
    return sa.and_(at >= _begins(day, sight), at < _begins(day + timedelta(days=1), sight))


def _action(wanted: Wanted, sight: Sight) -> Predicate:
    """`registrations.approve`, or `approve` at any desk; nothing for what cannot be an action's name."""
    del sight
    action = t.record.c.action
    named = (wanted.text,) if "." in wanted.text else (f"{desk}.{wanted.text}" for desk in (*DESKS, *BESIDE))
    with suppress(ValueError):
        return sa.or_(*(action == spelled(name) for name in named))
    return sa.false()


def _operator(wanted: Wanted, sight: Sight) -> Predicate:
    """By name, or by number."""
    del sight
    if wanted.text.isascii() and wanted.text.isdigit():
        return t.record.c.operator_id == wanted.number()
    o = t.operator.c
    # No two have one name in any case; one number, where there could be several, is found by its index in the queue's order.
    named = sa.select(o.id).where(sa.func.lowered(o.name) == wanted.text.lower()).limit(1).scalar_subquery()
    return t.record.c.operator_id == named


def _kind(wanted: Wanted, sight: Sight) -> Predicate:
    """Whatever is no decision is rare, and said so in the words of the index that has only that."""
    del sight
    found: Predicate = t.record.c.kind == spelled(wanted.text)
    return found if wanted.text == KINDS[0] else sa.and_(sa.literal_column("(record.kind <> 'decision')"), found)


def _case(wanted: Wanted, sight: Sight) -> Predicate:
    """At any desk, of which there are few: the index begins with the desk."""
    del sight
    r = t.record.c
    return sa.or_(*(sa.and_(r.desk == desk, r.case_id == wanted.number()) for desk in (*DESKS, *BESIDE)))


def _actions_of(word: str) -> sa.Select[Any]:
    """The actions there are that begin with the word, behind their desk or with it: each is looked for behind the one before."""
    r = t.record.c
    there = sa.select(sa.func.min(r.action).label("action")).cte(recursive=True)
    behind = sa.select(sa.func.min(r.action)).where(r.action > there.c.action).scalar_subquery()
    there = there.union_all(sa.select(behind).where(there.c.action.is_not(None)))
    action = there.c.action
    begins = action.startswith(word, autoescape=True), action.contains("." + word, autoescape=True)
    return sa.select(action).where(sa.or_(*begins))


def _named(word: str) -> sa.Select[Any]:
    """The operators whose names begin with the word, in any case."""
    o = t.operator.c
    return sa.select(o.id).where(sa.func.lowered(o.name).startswith(word, autoescape=True))


def _batch(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    try:
        return t.record.c.batch == read_batch_id(wanted.text)
    except ValueError:
        return sa.false()


class Audit(Desk):
    name = "audit"
    title = "Audit"
    singular = "record"
    help = "What was decided, disclosed and looked at: browse, prove, export."
    digit = "6"
    see = Permission.AUDIT_SEE
    order = "id"
    descending = True
    whole = True
    search_lanes = True
    exporting = Exporting
    empty = "No record matches. log:accesses shows who opened which case."
    columns = (
        Column("id", "No.", 7, right=True),
        Column("when", "When", 16, sortable=False),
        Column("operator", "Operator", 14, grows=True, sortable=False),
        Column("desk", "Desk", 13, optional=4, sortable=False),
        Column("action", "Action", 12, grows=True, sortable=False),
        Column("case", "Case", 7, right=True, sortable=False),
        Column("from", "From", 10, optional=1, sortable=False),
        Column("to", "To", 10, sortable=False),
        Column("batch", "Batch", 9, optional=2, sortable=False),
    )
    terms = (
        Term("desk", "at which desk", lambda w, _: t.record.c.desk == w.text, DESKS),
        Term("action", "what was done, as approve or registrations.approve", _action, lanes=True),
        Term("operator", "who did it, by name or number", _operator),
        Term("case", "the case's number at its desk", _case, lanes=True),
        Term("batch", "the batch, as 7K2M-9QXH", _batch),
        Term("kind", "what sort of record", _kind, KINDS),
        Term("log", "which log; the ledger unless said", lambda w, _: t.record.c.log == spelled(w.text), LOGS),
        Term("no", "the record's number, as no:>=120", lambda w, _: w.compare(t.record.c.index)),
        Term("day", "on that day, as day:2026-11-21", _on),
        Term("from", "since the beginning of that day", lambda w, sight: t.record.c.at >= _begins(w.day(), sight)),
        Term(
            "until",
            "up to the end of that day",
            lambda w, sight: t.record.c.at < _begins(w.day() + timedelta(days=1), sight),
        ),
        Term("older", "longer ago, as older:5d", lambda w, sight: t.record.c.at < sight.now - timedelta(days=w.days())),
        Term("newer", "since, as newer:2d", lambda w, sight: t.record.c.at >= sight.now - timedelta(days=w.days())),
    )

    def case(self) -> sa.Table:
        return t.record

    def key(self) -> sa.ColumnElement[int]:
        r = t.record.c
        return sa.case((r.log == spelled(LOGS[0]), r.index), else_=FIRST_ACCESS - r.index)

    def apart(self) -> sa.Column[str]:
        """Two records of one index are of two logs, whose names are in the order of their records' numbers."""
        log: sa.Column[str] = t.record.c.log
        return log

    def among(self, cases: Sequence[int]) -> Predicate:
        r = t.record.c
        decided = [case for case in cases if case >= 0]
        looked = [FIRST_ACCESS - case for case in cases if case < 0]
        return sa.or_(sa.and_(r.log == LOGS[0], r.index.in_(decided)), sa.and_(r.log == LOGS[1], r.index.in_(looked)))

    def presumed(self, asked: frozenset[str]) -> Sequence[Predicate]:
        return () if "log" in asked else (t.record.c.log == spelled(LOGS[0]),)

    def source(self) -> sa.FromClause:
        return t.record.outerjoin(t.operator, t.operator.c.id == t.record.c.operator_id)

    def within(self, operator: Operator) -> Sequence[Predicate]:
        from console.scope import records_of

        return () if operator.schools is None else (records_of(operator),)

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        """What sort of record it is: a record itself never changes."""
        del sight
        return t.record.c.kind

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        r = t.record.c
        return (
            r.log,
            r.index.label("place"),
            r.at,
            r.operator_id,
            r.desk,
            r.action,
            r.case_id,
            r.batch,
            r.from_state,
            r.to_state,
            t.operator.c.name.label("operator_name"),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        local = row.at.astimezone(sight.settings.portal.zone)
        return {
            "id": row.id,
            "when": safe(f"{local:%Y-%m-%d %H:%M}"),
            "operator": safe(row.operator_name or f"no. {row.operator_id}"),
            "desk": safe(row.desk),
            "action": safe(row.action.removeprefix(f"{row.desk}.").replace("_", " ")),
            "case": row.case_id or None,
            "from": safe((row.from_state or "").replace("_", " ")),
            "to": safe((row.to_state or "").replace("_", " ")),
            "batch": safe(row.batch),
            "at": row.at,
            "log": safe(row.log),
            "index": row.place,
            "operator_id": row.operator_id,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        return {"id": t.record.c.index}[column]

    def search(self, text: str) -> Predicate:
        """A batch, the beginning of an action or of an operator's name."""
        r = t.record.c
        word = text.lower()
        found: list[Predicate] = [r.action.in_(_actions_of(word)), r.operator_id.in_(_named(word))]
        with suppress(ValueError):
            found.append(r.batch == read_batch_id(text))
        return sa.or_(*found)

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        del value
        if column in ("id", "when", "batch", "desk", "from"):
            return Tone.DIM
        if column == "action" and row.state == "disclosure":
            return Tone.WARN
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.audit_facts import audit_facts

        return audit_facts(connection, case, sight, vault)


DESK = Audit()
