"""Activations: people of the directory who have no login of the portal yet, matched to the roster (PORTAL, *Directory*).

A case is an entry of the directory as it was last read. It exists for operators of the school where the roster has the student, or
else of the school of the entry's code; what has no school exists for operators of the whole district alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Desk, Sight, Value
from console.desks.activation_accounts import ties, with_login
from console.desks.activation_decisions import Activate, Dismiss, Link, Restore
from console.directory.conflicts import Conflict, conflicts, joined
from console.filters import Term, Wanted, begins
from console.lazy import sa, t
from console.names import name_key
from console.people import masked_number, person_name, student_name
from console.queue import Column, Tone
from console.text import SafeText, safe
from models.words import ActivationState, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.case_view import Part
    from console.filters import Predicate
    from console.vault import Vault

S = ActivationState
STATES = ("waiting", "conflict", "activated", "dismissed", "gone")
KINDS = ("student", "staff", "other")
HIDDEN = safe("(hidden)")
"""In place of a login or an address that spells a masked name."""


def _state() -> sa.ColumnElement[str]:
    d = t.directory_user.c
    return sa.case(
        (d.gone, "gone"),
        (d.state != S.WAITING, d.state),
        (sa.or_(*conflicts().values()), "conflict"),
        else_="waiting",
    )


def _in_state(wanted: Wanted, sight: Sight) -> Predicate:
    """The same as `_state() == wanted.text`; conflicts are looked for only where they can be."""
    del sight
    d = t.directory_user.c
    here = sa.not_(d.gone)
    match wanted.text:
        case "gone":
            gone: Predicate = d.gone == sa.true()
            return gone
        case "waiting":
            return sa.and_(here, d.state == S.WAITING, sa.not_(sa.or_(*conflicts().values())))
        case "conflict":
            return sa.and_(here, d.state == S.WAITING, sa.or_(*conflicts().values()))
        case _:
            return sa.and_(here, d.state == wanted.text)


def _home() -> sa.ColumnElement[int]:
    """The home school of the student whom the number means, also of one who does not exist for the operator."""
    d = t.directory_user.c
    home = sa.table("scope_home", sa.column("student_id", d.student_id.type), sa.column("school_id", d.school_id.type))
    found = sa.select(home.c.school_id).where(home.c.student_id == d.student_id)
    return found.correlate(t.directory_user).scalar_subquery()


def _kind() -> sa.ColumnElement[str]:
    d = t.directory_user.c
    return sa.case((d.student_id.is_not(None), "student"), (d.staff_id.is_not(None), "staff"), else_="other")


def _conflict(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    found = conflicts()
    if wanted.text in found:
        return found[Conflict(wanted.text)]
    some = sa.or_(*found.values())
    return some if wanted.yes() else sa.not_(some)


def _disabled(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    disabled: Predicate = t.directory_user.c.disabled == sa.true()
    return disabled if wanted.yes() else sa.not_(disabled)


def _school(wanted: Wanted, sight: Sight) -> Predicate:
    del sight
    text = wanted.text.casefold()
    if text == "none":
        return t.school.c.id.is_(None)
    return sa.or_(
        sa.func.lower(t.school.c.code) == text, sa.func.lower(t.school.c.name).startswith(text, autoescape=True)
    )


class Activations(Desk):
    name = "activations"
    title = "Activations"
    singular = "person of the directory"
    help = "People of the district's directory: give them a login of the portal, link one, or set them aside."
    digit = "7"
    see = Permission.ACTIVATIONS_SEE
    order = "person"
    waiting = "state:waiting,conflict"
    empty = (
        "Nobody matches. Whoever waits is shown by state:waiting,conflict; district directory sync reads the directory."
    )
    columns = (
        Column("id", "No.", 6, right=True),
        Column("state", "State", 9),
        Column("person", "Person", 20, grows=True),
        Column("login", "Login", 16, grows=True),
        Column("kind", "Kind", 7),
        Column("number", "Number", 8, optional=3),
        Column("school", "School", 14, optional=2),
        Column("conflict", "Conflict", 14, sortable=False),
        Column("seen", "Since", 5, right=True, optional=1),
    )
    terms = (
        Term("state", "its state now", _in_state, STATES),
        Term("school", "the school's code or how its name begins; none for the district's own", _school),
        Term("kind", "whom the number means", lambda w, _: _kind() == w.text, KINDS),
        Term("number", "the district's whole number of the person", lambda w, _: t.directory_user.c.number == w.text),
        Term("conflict", "what stands against the login: yes, no, or what", _conflict, ("yes", "no", *Conflict)),
        Term("disabled", "whether the directory has it disabled", _disabled, ("yes", "no")),
        Term("account", "the login's number in the portal", lambda w, _: t.directory_user.c.account_id == w.number()),
        Term(
            "newer",
            "first seen since, as newer:2d",
            lambda w, sight: t.directory_user.c.first_seen >= sight.now - timedelta(days=w.days()),
        ),
    )
    decisions = (Activate(), Link(), Dismiss(), Restore())

    def case(self) -> sa.Table:
        return t.directory_user

    def source(self) -> sa.FromClause:
        d = t.directory_user.c
        return (
            with_login(joined())
            .outerjoin(t.student, t.student.c.id == d.student_id)
            .outerjoin(t.staff, t.staff.c.id == d.staff_id)
            .outerjoin(t.school, t.school.c.id == self.school())
        )

    def ties(self) -> Mapping[sa.Table, sa.ColumnElement[int]]:
        return ties()

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        del sight
        return _state()

    def school(self) -> sa.ColumnElement[int]:
        return sa.func.coalesce(_home(), t.directory_user.c.school_id)

    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        del sight
        d, s = t.directory_user.c, t.student.c
        return (
            d.given_name,
            d.family_name,
            d.login,
            d.number,
            d.first_seen,
            d.disabled,
            d.account_id,
            d.student_id,
            s.mask,
            s.pseudonym,
            _kind().label("kind"),
            t.school.c.name.label("school_name"),
            d.state.label("stored"),
            *(holds.label(f"conflict_{name}") for name, holds in conflicts().items()),
        )

    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        del sight
        return {
            "id": row.id,
            "state": safe(row.state),
            "person": called(row),
            "login": HIDDEN if masked(row) else safe(row.login),
            "kind": safe(row.kind),
            "number": masked_number(row.number or ""),
            "school": safe(row.school_name or ""),
            "conflict": against(row),
            "seen": row.first_seen,
            "account": row.account_id,
            "student_id": row.student_id,
        }

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        del sight
        d = t.directory_user.c
        return {
            "id": d.id,
            "state": d.state,
            "person": d.family_key,
            "login": d.login_key,
            "kind": _kind(),
            "number": sa.func.coalesce(d.number, ""),
            "school": sa.func.coalesce(t.school.c.name, ""),
            "seen": d.first_seen,
        }[column]

    def search(self, text: str) -> Predicate:
        """By name or login; a student whose name a mask hides by neither, or searching would spell it."""
        key = name_key(text)
        d = t.directory_user.c
        if not key:
            return sa.false()
        found = sa.or_(
            begins(d.family_key, key),
            begins(d.name_key, key),
            begins(d.login_key, text.strip().lower()),
        )
        return sa.and_(sa.func.coalesce(t.student.c.mask, Mask.NONE) == Mask.NONE, found)

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        if column == "conflict" and value:
            return Tone.BAD
        if column == "state":
            return {"activated": Tone.GOOD, "conflict": Tone.WARN}.get(row.state, Tone.PLAIN)
        if column in ("id", "number", "school", "seen"):
            return Tone.DIM
        return Tone.PLAIN

    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        from console.desks.activation_facts import activation_facts

        del vault
        return activation_facts(connection, case, sight, self)


def masked(row: Any) -> bool:
    """Whether the entry is a student's whose name a mask hides: its login and address spell it."""
    return row.student_id is not None and row.mask != Mask.NONE


def called(row: Any) -> SafeText:
    """The person as the directory names them, masked as the student is."""
    if masked(row):
        return student_name(row.given_name, row.family_name, row.mask, row.pseudonym)
    return person_name(row.given_name, row.family_name)


def against(row: Any) -> tuple[SafeText, ...]:
    """What stands against a login that waits, in words of one."""
    if row.stored != S.WAITING or row.state == "gone":
        return ()
    found = [safe(name) for name in Conflict if getattr(row, f"conflict_{name}")]
    return (*found, safe("disabled")) if row.disabled else tuple(found)


DESK = Activations()
