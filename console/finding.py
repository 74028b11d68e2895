"""Finding a person from anywhere: students, accounts and contacts by name, number, login or e-mail.

Promises: at most `EACH` of a kind; only what the operator's role and schools may see; a masked student is found by number or
code but never by the part of the name that the mask hides, or searching would tell what the screen does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.filters import begins
from console.lazy import sa, t
from console.names import email_key, name_key
from console.people import masked_number, person_name, student_name
from console.reaching import number
from console.scope import families_of, tied
from console.text import SafeText, join, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Operator
    from console.filters import Predicate
    from console.office import Office

EACH = 20
"""How many of one kind are found at most."""
LONGEST = 320
"""Characters above which nothing is looked for: no name, login or address is longer (RFC 5321)."""
SHORTEST = 2
"""Characters below which nothing is looked for: one letter finds everybody."""
_DOT = safe(" · ")


class Kind(StrEnum):
    """What was found."""

    STUDENT = "student"
    ACCOUNT = "account"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Hit:
    """One person. `desk` and `case` say where to go, or `desk` and `where` which queue shows them."""

    kind: Kind
    id: int
    name: SafeText
    detail: SafeText
    desk: str
    case: int | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Who was found, by kind; `more` when a kind had more than `EACH`."""

    hits: tuple[Hit, ...]
    more: bool


def find(office: Office, operator: Operator, text: str) -> Found:
    """Everybody that `text` may mean: the beginning of a name, login or e-mail, or a whole number."""
    wanted = text.strip()
    if not SHORTEST <= len(wanted) <= LONGEST or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in wanted):
        return Found((), more=False)
    hits: list[Hit] = []
    more = False
    with office.reading(operator) as connection:
        for allowed, look in (
            (Permission.STUDENTS_SEE, _students),
            (Permission.REGISTRATIONS_SEE, _accounts),
            (Permission.STUDENTS_SEE, _contacts),
        ):
            if operator.may(allowed):
                found = look(connection, operator, wanted)
                more = more or len(found) > EACH
                hits.extend(found[:EACH])
    return Found(tuple(hits), more)


def _any_of(
    key: sa.ColumnElement[int],
    ways: Sequence[tuple[Predicate, Sequence[sa.ColumnElement[Any]]]],
    *where: Predicate,
) -> Predicate:
    """True for the rows that one of the ways leads to: each in the order of its own index, until there are more than are shown.

    So what is rare in a name's order is soon met, and what is not there costs no more than looking at all who bear the name.
    """
    found = [
        sa.select(key.label("id")).where(way, *where).order_by(*order).limit(number(EACH + 1)).subquery()
        for way, order in ways
    ]
    return key.in_(sa.union_all(*(sa.select(each.c.id) for each in found)))


def _mail(column: sa.ColumnElement[str], wanted: str) -> Predicate:
    return sa.and_(column == email_key(wanted), column != "")


def _seen(operator: Operator) -> list[Predicate]:
    """The students of the operator's schools."""
    if operator.schools is None:
        return []
    return [sa.func.judged(t.student.c.school_id).in_(sorted(operator.schools))]


def _students(connection: sa.Connection, operator: Operator, wanted: str) -> list[Hit]:
    s = t.student.c
    key = name_key(wanted)
    plain, in_order = s.mask == "none", (s.family_key, s.id)
    ways = [
        (sa.and_(plain, begins(s.family_key, key)), in_order),
        (sa.and_(plain, begins(s.name_key, key)), (s.name_key, s.id)),
        (sa.and_(plain, _mail(s.email_key, wanted)), (s.id,)),
        (s.number == wanted, (s.id,)),
        (s.pseudonym == wanted, (s.id,)),
    ]
    rows = connection.execute(
        sa.select(
            s.id, s.given_name, s.family_name, s.mask, s.pseudonym, s.number, s.grade, t.school.c.name.label("school")
        )
        .select_from(t.student.outerjoin(t.school, t.school.c.id == s.school_id))
        .where(_any_of(s.id, ways, *_seen(operator)))
        .order_by(*in_order)
        .limit(number(EACH + 1))
    )
    return [
        Hit(
            Kind.STUDENT,
            row.id,
            student_name(row.given_name, row.family_name, row.mask, row.pseudonym),
            _detail(masked_number(row.number), safe(row.school), safe(f"grade {row.grade}" if row.grade else "")),
            "students",
            case=row.id,
        )
        for row in rows
    ]


def _accounts(connection: sa.Connection, operator: Operator, wanted: str) -> list[Hit]:
    """Logins of families and after-school professionals: a console never lists administrators' accounts (PORTAL)."""
    a = t.account.c
    key = name_key(wanted)
    in_order = (a.family_key, a.id)
    ways = [
        (begins(a.family_key, key), in_order),
        (begins(a.name_key, key), (a.name_key, a.id)),
        (begins(a.login_key, wanted.lower()), (a.login_key,)),
        (_mail(a.email_key, wanted), (a.id,)),
    ]
    # A student's login carries the name that the student's mask hides.
    shown = sa.or_(a.student_id.is_(None), ~tied(t.account, t.student.c.id == a.student_id, t.student.c.mask != "none"))
    if operator.schools is not None:
        # In this order: of a student at no school of the operator's, row-level security would ask for all cases of them first.
        shown = sa.case((families_of(operator.schools), shown), else_=sa.false())
    where = [a.type.in_(("parent", "student", "asp")), shown]
    rows = connection.execute(
        sa.select(a.id, a.given_name, a.family_name, a.login, a.type, a.status)
        .where(_any_of(a.id, ways, *where))
        .order_by(*in_order)
        .limit(number(EACH + 1))
    )
    return [
        Hit(
            Kind.ACCOUNT,
            row.id,
            person_name(row.given_name, row.family_name),
            _detail(safe(row.login), safe(row.type), safe(row.status)),
            "registrations",
            where=f"account:{row.id}",
        )
        for row in rows
    ]


def _contacts(connection: sa.Connection, operator: Operator, wanted: str) -> list[Hit]:
    """Guardians of the roster, each with a student of theirs; none of a sealed student."""
    c, s, tie = t.contact.c, t.student.c, t.contact_tie.c
    key = name_key(wanted)
    in_order = (c.name_key, c.id)
    ways = [
        (begins(c.name_key, key), in_order),
        (begins(c.family_key, key), (c.family_key, c.id)),
        (_mail(c.email_key, wanted), (c.id,)),
    ]
    shown = [tie.active, s.mask == "none", *_seen(operator)]
    named = _any_of(
        c.id, ways, c.status == "active", tied(t.contact, tie.contact_id == c.id, s.id == tie.student_id, *shown)
    )
    rows = connection.execute(
        sa.select(
            c.id,
            c.given_name,
            c.family_name,
            tie.relation,
            s.id.label("student"),
            s.given_name.label("student_given"),
            s.family_name.label("student_family"),
            s.mask,
            s.pseudonym,
        )
        .select_from(t.contact.join(t.contact_tie, tie.contact_id == c.id).join(t.student, s.id == tie.student_id))
        .where(named, *shown)
        .order_by(*in_order, s.id)
        .limit(number(EACH + 1))
    )
    return [
        Hit(
            Kind.CONTACT,
            row.id,
            person_name(row.given_name, row.family_name),
            _detail(
                safe((row.relation or "contact").replace("_", " ")),
                student_name(row.student_given, row.student_family, row.mask, row.pseudonym),
            ),
            "students",
            case=row.student,
        )
        for row in rows
    ]


def _detail(*parts: SafeText) -> SafeText:
    return join((part for part in parts if part), _DOT)
