"""What keeps a person of the directory from getting the login that it names, as predicates: true at any moment, never stored.

A login is one person's (PORTAL, *Directory*): logins are compared without case and without what stands behind the @, so two mail
domains can give one login twice; the first that is activated has it. A number is one person's too, of the roster and of the
directory. What can be wrong with it is seen here, said in words at the desk, and mailed to the directory's alert addresses.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from console.lazy import sa, t
from models.words import AccountStatus, AccountType, ActivationState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.filters import Predicate

T = AccountType
STAFF = (T.CERTIFICATED, T.CLASSIFIED, T.ASSOCIATE, T.OTHER, T.SCHOOL_ADMINISTRATOR, T.DISTRICT_ADMINISTRATOR)
"""Types of login that the district's own people have; families and professionals register themselves."""


class Conflict(StrEnum):
    """What stands against a login, the most telling first."""

    ACCOUNT = "account"
    PERSON = "person"
    NUMBER = "number"
    LOGIN = "login"
    NAME = "name"


WHY: Mapping[Conflict, str] = {
    Conflict.ACCOUNT: "its login is somebody else's in the portal",
    Conflict.PERSON: "the person has another login, link that one",
    Conflict.NUMBER: "its number is not one person's",
    Conflict.LOGIN: "another entry has the same login",
    Conflict.NAME: "the roster has another name for its number",
}
"""Each as a reason to be skipped with."""


@cache
def same() -> sa.FromClause:
    """The portal's login of this name, whosever it is; joined to the case by `login_key`, one at most."""
    return t.account.alias("same")


@cache
def twin() -> sa.FromClause:
    """Another entry of the directory, of whatever school: a login is one person's in the whole district."""
    names = ("id", "login_key", "student_id", "staff_id", "account_id", "state", "gone")
    d = t.directory_user.c
    return sa.table("scope_entry", *(sa.column(name, d[name].type) for name in names)).alias("twin")


def living(entry: sa.FromClause) -> Predicate:
    """Whether an entry still counts: the directory has it, and nobody dismissed it."""
    found: Predicate = sa.and_(sa.not_(entry.c.gone), entry.c.state != ActivationState.DISMISSED)
    return found


def own() -> Predicate:
    """Whether the login of this name is the very person's: by the roster where the number says who it is, else by their name."""
    d, a = t.directory_user.c, same().c
    staff = a.type.in_(STAFF)
    alike = sa.and_(staff, a.student_id.is_(None), a.staff_id.is_(None), a.name_key == d.name_key, a.name_key != "")
    mine = sa.case(
        (d.student_id.is_not(None), sa.and_(a.type == T.STUDENT, a.student_id == d.student_id)),
        (d.staff_id.is_not(None), sa.or_(sa.and_(staff, a.staff_id == d.staff_id), alike)),
        (d.several, sa.false()),
        else_=alike,
    )
    found: Predicate = sa.func.coalesce(sa.and_(a.status != AccountStatus.DELETED, mine, sa.not_(_held())), sa.false())
    return found


def _held() -> Predicate:
    """Whether another entry that is still there was activated with the login."""
    d, other, a = t.directory_user.c, twin().c, same().c
    found = sa.exists().where(
        other.account_id == a.id, other.id != d.id, other.state == ActivationState.ACTIVATED, sa.not_(other.gone)
    )
    return found.correlate(t.directory_user, same())


def _other_login() -> Predicate:
    """Whether the person that the number means has a login of another name."""
    d, a = t.directory_user.c, t.account.alias("elsewhere")
    there = sa.and_(a.c.status != AccountStatus.DELETED, a.c.login_key != d.login_key)
    return sa.or_(
        sa.exists().where(a.c.student_id == d.student_id, a.c.type == T.STUDENT, there).correlate(t.directory_user),
        sa.exists().where(a.c.staff_id == d.staff_id, there).correlate(t.directory_user),
    )


def _twin_by(column: str) -> Predicate:
    d, other = t.directory_user.c, twin()
    return (
        sa.exists().where(other.c[column] == d[column], other.c.id != d.id, living(other)).correlate(t.directory_user)
    )


def conflicts() -> dict[Conflict, Predicate]:
    """Each conflict as a predicate over `directory_user` with `same()` joined to it."""
    d, a = t.directory_user.c, same().c
    return {
        Conflict.ACCOUNT: sa.and_(a.id.is_not(None), sa.not_(own())),
        Conflict.PERSON: _other_login(),
        Conflict.NUMBER: sa.or_(d.several, _twin_by("student_id"), _twin_by("staff_id")),
        Conflict.LOGIN: _twin_by("login_key"),
        Conflict.NAME: d.differs == sa.true(),
    }


def waiting() -> Predicate:
    """Whether an entry waits for a decision, with a conflict or without."""
    d = t.directory_user.c
    found: Predicate = sa.and_(d.state == ActivationState.WAITING, sa.not_(d.gone))
    return found


def joined() -> sa.FromClause:
    """The entries with the portal's login of the same name."""
    return t.directory_user.outerjoin(same(), same().c.login_key == t.directory_user.c.login_key)
