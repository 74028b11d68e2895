"""Finding a person from anywhere: students, accounts and contacts by name, number, login or e-mail.

Promises: at most `EACH` of a kind; only what the operator's role and schools may see; a masked student is found by number or
code but never by the part of the name that the mask hides, or searching would tell what the screen does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.lazy import sa, t
from console.names import email_key, name_key
from console.people import masked_number, person_name, student_name
from console.scope import families_of
from console.text import SafeText, join, safe

if TYPE_CHECKING:
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


def _begins(column: Any, key: str) -> Predicate:
    found: Predicate = column.startswith(key, autoescape=True) if key else sa.false()
    return found


def _seen(operator: Operator) -> list[Predicate]:
    """The students of the operator's schools."""
    if operator.schools is None:
        return []
    return [t.student.c.school_id.in_(sorted(operator.schools))]


def _students(connection: sa.Connection, operator: Operator, wanted: str) -> list[Hit]:
    s = t.student.c
    key = name_key(wanted)
    by_name = sa.and_(s.mask == "none", sa.or_(_begins(s.family_key, key), _begins(s.name_key, key)))
    by_mail = sa.and_(s.mask == "none", s.email_key == email_key(wanted), s.email_key != "")
    rows = connection.execute(
        sa.select(
            s.id, s.given_name, s.family_name, s.mask, s.pseudonym, s.number, s.grade, t.school.c.name.label("school")
        )
        .select_from(t.student.outerjoin(t.school, t.school.c.id == s.school_id))
        .where(sa.or_(by_name, by_mail, s.number == wanted, s.pseudonym == wanted), *_seen(operator))
        .order_by(s.family_key, s.id)
        .limit(EACH + 1)
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
    where = [
        a.type.in_(("parent", "student", "asp")),
        sa.or_(
            _begins(a.family_key, key),
            _begins(a.name_key, key),
            _begins(a.login_key, wanted.lower()),
            sa.and_(a.email_key == email_key(wanted), a.email_key != ""),
        ),
        # A student's login carries the name that the student's mask hides.
        sa.or_(a.student_id.is_(None), t.student.c.mask == "none"),
    ]
    if operator.schools is not None:
        where.append(families_of(operator.schools))
    rows = connection.execute(
        sa.select(a.id, a.given_name, a.family_name, a.login, a.type, a.status)
        .select_from(t.account.outerjoin(t.student, t.student.c.id == a.student_id))
        .where(*where)
        .order_by(a.family_key, a.id)
        .limit(EACH + 1)
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
        .where(
            c.status == "active",
            tie.active,
            s.mask == "none",
            # A contact has no key of the family name alone; the scan is bounded by the roster's size and runs beside the screen.
            sa.or_(
                _begins(c.name_key, key),
                _begins(sa.func.lower(c.family_name), wanted.lower()),
                sa.and_(c.email_key == email_key(wanted), c.email_key != ""),
            ),
            *_seen(operator),
        )
        .order_by(c.name_key, c.id, s.id)
        .limit(EACH + 1)
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
