"""What exists for an operator who has some schools and not all, beyond the cases of a desk: records, batches, accounts.

Promises: what lies outside an operator's schools is neither listed, counted, shown nor named; what operators did themselves they see.
Administrators' logins exist for nobody but who manages operators (PORTAL, *Who is who*: the help desk cannot list them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desks import DESKS, desk
from console.lazy import sa, t
from models.words import AccountType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.authority import Operator
    from console.filters import Predicate

FAMILIES = (AccountType.PARENT, AccountType.STUDENT, AccountType.ASP)
STAFF = (AccountType.CERTIFICATED, AccountType.CLASSIFIED)


def records_of(operator: Operator) -> Predicate:
    """True for the records of the cases that exist for the operator, and for what they did themselves.

    Records of no desk's case (an export, an import) are of the whole district.
    """
    if operator.schools is None:
        return sa.true()
    r = t.record.c
    found: list[Predicate] = [r.operator_id == operator.id]
    for name in DESKS:
        of = desk(name)
        if of.case() is t.record:
            continue
        cases = sa.select(of.key()).select_from(of.source()).where(*of.within(operator))
        found.append(sa.and_(r.desk == name, r.case_id.in_(cases)))
    return sa.or_(*found)


def schools_called(text: str) -> sa.Select[Any]:
    """The numbers of the schools of this code, or whose name begins so, in any case."""
    s, wanted = t.school.c, text.casefold()
    called = sa.or_(sa.func.lower(s.code) == wanted, sa.func.lower(s.name).startswith(wanted, autoescape=True))
    return sa.select(s.id).where(called)


def tied(of: sa.Table, *where: Predicate) -> Predicate:
    """True for the rows of `of` that have such rows of other tables; looked for one by one, where a limit lets only few be met.

    PostgreSQL would collect all such rows first and look each up among them; an offset, of none, keeps it from that.
    """
    return sa.exists(sa.select(sa.literal_column("1")).where(*where).correlate(of).offset(sa.literal_column("0")))


def families_of(schools: Iterable[int]) -> Predicate:
    """True for the accounts that applied at these schools, or are tied to a student of theirs; for judging one by one."""
    a, r, m, g, s = t.account.c, t.registration.c, t.membership.c, t.access_grant.c, t.student.c
    schools = sorted(schools)
    here = [sa.func.judged(school).in_(schools) for school in (s.school_id, r.school_id, g.school_id)]
    return sa.or_(
        tied(t.account, s.id == a.student_id, here[0]),
        tied(t.account, r.account_id == a.id, here[1]),
        tied(t.account, m.account_id == a.id, s.id == m.student_id, here[0]),
        tied(t.account, g.account_id == a.id, here[2]),
    )


def accounts_of(operator: Operator) -> Predicate:
    """True for the accounts that exist for the operator."""
    a = t.account.c
    if operator.schools is None:
        return sa.true() if operator.may(Permission.OPERATORS_DECIDE) else a.type.in_((*FAMILIES, *STAFF))
    here = sorted(operator.schools)
    k, p = t.account_school.c, t.post.c
    works = sa.or_(
        sa.exists().where(k.account_id == a.id, k.school_id.in_(here)),
        sa.exists().where(p.staff_id == a.staff_id, p.school_id.in_(here)),
    )
    return sa.or_(
        sa.and_(a.type.in_(FAMILIES), families_of(here)),
        sa.and_(a.type.in_(STAFF), works),
    )
