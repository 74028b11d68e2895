"""What stands beside a person of the directory: what the directory says, what the roster says of the same number, what is in the way.

Differences are marked; every conflict is told in a sentence with who else is meant – as far as that person exists for the operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.case_view import Fact, Part
from console.desks.activations import HIDDEN, called, masked
from console.directory.conflicts import joined, living, own, same, twin
from console.drawn import age
from console.lazy import sa, t
from console.people import masked_number, person_name, student_name
from console.queue import Tone
from console.scope import accounts_of
from console.text import SafeText, join, safe
from models.words import AccountStatus, ActivationState, Mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.desk import Sight
    from console.desks.activations import Activations
    from console.filters import Predicate

FEW = 5
"""Others in the same conflict that are told one by one."""
_DOT, _SPACE = safe(" · "), safe(" ")


def activation_facts(
    connection: sa.Connection, case: int, sight: Sight, desk: Activations
) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one entry."""
    d, s, e = t.directory_user.c, t.student.c, t.staff.c
    coded = t.school.alias("coded")
    row = connection.execute(
        sa.select(
            *desk.shown(sight),
            desk.state(sight).label("state"),
            d.id,
            d.login_key,
            d.staff_id,
            d.email,
            d.codes,
            d.differs,
            d.several,
            d.last_seen,
            coded.c.name.label("coded_name"),
            coded.c.id.label("coded_id"),
            s.given_name.label("student_given"),
            s.family_name.label("student_family"),
            s.grade,
            s.school_id.label("home_id"),
            e.given_name.label("staff_given"),
            e.family_name.label("staff_family"),
            e.type.label("staff_type"),
            e.email.label("staff_email"),
        )
        .select_from(desk.source().outerjoin(coded, coded.c.id == d.school_id))
        .where(d.id == case)
    ).one()
    parts = [
        Part("The directory says", tuple(_directory(row, sight))),
        Part("The roster says", tuple(_roster(connection, row))),
    ]
    if row.stored == ActivationState.WAITING and (found := tuple(_conflicts(connection, row, sight, desk))):
        parts.append(Part("What stands against it", found))
    if login := tuple(_login(connection, row, sight)):
        parts.append(Part("Login of the portal", login))
    return called(row), tuple(parts)


def _directory(row: Any, sight: Sight) -> Iterator[Fact]:
    hidden = masked(row)
    yield Fact("Name", called(row), Tone.WARN if row.differs else Tone.PLAIN)
    yield Fact("Login", HIDDEN if hidden else safe(row.login))
    yield Fact("E-mail", HIDDEN if hidden and row.email else safe(row.email or "–"))
    yield Fact("Number", masked_number(row.number or "") or safe("–"))
    other = row.home_id is not None and row.coded_id is not None and row.home_id != row.coded_id
    yield Fact("School", safe(row.coded_name or "none: the district's own"), Tone.WARN if other else Tone.PLAIN)
    yield Fact("Codes", safe(row.codes or "–"))
    if row.disabled:
        yield Fact("Disabled", safe("the directory lets them sign in nowhere"), Tone.BAD)
    last = safe(f"{age(row.last_seen, sight.now)} ago")
    yield Fact("Last seen", join((last, safe("then no longer")), safe(", ")) if row.state == "gone" else last)


def _roster(connection: sa.Connection, row: Any) -> Iterator[Fact]:
    if row.several:
        yield Fact("Number", safe("is that of more than one person"), Tone.BAD)
    elif row.student_id is not None:
        name = student_name(row.student_given, row.student_family, row.mask, row.pseudonym)
        yield Fact("Student", name, Tone.WARN if row.differs else Tone.GOOD)
        yield Fact("Grade", safe(row.grade or "–"))
        yield Fact("School", safe(row.school_name or "–"))
    elif row.staff_id is not None:
        yield Fact("Staff", person_name(row.staff_given, row.staff_family), Tone.WARN if row.differs else Tone.GOOD)
        yield Fact("Kind", safe(row.staff_type.replace("_", " ")))
        yield Fact("E-mail", safe(row.staff_email or "–"))
        p = t.post.c
        names = connection.execute(
            sa.select(t.school.c.name)
            .join(t.post, p.school_id == t.school.c.id)
            .where(p.staff_id == row.staff_id, p.active)
            .order_by(t.school.c.name)
        ).scalars()
        yield Fact("Schools", safe(", ".join(names) or "–"))
    else:
        yield Fact("Number", safe("nobody has it" if row.number else "the entry has none"))


def _conflicts(connection: sa.Connection, row: Any, sight: Sight, desk: Activations) -> Iterator[Fact]:
    d, other = t.directory_user.c, twin().c
    if row.conflict_account:
        who = _accounts(connection, sight, t.account.c.login_key == row.login_key)
        yield Fact("Login", join((safe("The portal's login of this name is somebody else's:"), who), _SPACE), Tone.BAD)
    if row.conflict_person:
        there = sa.or_(t.account.c.student_id == row.student_id, t.account.c.staff_id == row.staff_id)
        who = _accounts(connection, sight, there, t.account.c.login_key != row.login_key)
        yield Fact("Person", join((safe("The person has a login of another name; link it:"), who), _SPACE), Tone.BAD)
    if row.conflict_number:
        words = "The number means more than one person of the roster." if row.several else ""
        same_person = sa.or_(other.student_id == row.student_id, other.staff_id == row.staff_id)
        who = _twins(connection, row, sight, desk, same_person)
        said = safe(words) if words else join((safe("Another entry has the number of the same person:"), who), _SPACE)
        yield Fact("Number", said, Tone.BAD)
    if row.conflict_login:
        who = _twins(connection, row, sight, desk, other.login_key == d.login_key)
        yield Fact(
            "Login", join((safe("Another entry has this login; the first activated has it:"), who), _SPACE), Tone.BAD
        )
    if row.conflict_name:
        yield Fact("Name", safe("The roster has another name for this number: is it this person's?"), Tone.WARN)


def _twins(connection: sa.Connection, row: Any, sight: Sight, desk: Activations, alike: Predicate) -> SafeText:
    """The other entries, each as the queue would call it; those of other schools are counted only."""
    d = t.directory_user.c
    other = twin()
    ids = (
        sa.select(other.c.id)
        .select_from(other.join(t.directory_user, d.id == row.id))
        .where(alike, other.c.id != row.id, living(other))
    )
    found = set(connection.execute(ids).scalars())
    rows = connection.execute(
        sa.select(*desk.shown(sight), desk.state(sight).label("state"), d.id)
        .select_from(desk.source())
        .where(d.id.in_(found), *desk.within(sight.operator))
        .order_by(d.id)
        .limit(FEW)
    ).all()
    said = [join((safe(f"no. {each.id}"), called(each), safe(f"({each.state})")), _SPACE) for each in rows]
    rest = len(found) - len(rows)
    if rest:
        said.append(
            safe(f"{rest} more" if said else "one of another school" if rest == 1 else f"{rest} of other schools")
        )
    return join(said, _DOT)


def _accounts(connection: sa.Connection, sight: Sight, *where: Predicate) -> SafeText:
    """The logins, as far as they exist for the operator."""
    a = t.account.c
    rows = connection.execute(
        _named().where(*where, accounts_of(sight.operator), a.status != AccountStatus.DELETED).order_by(a.id).limit(FEW)
    ).all()
    return join([_of(row) for row in rows], _DOT) if rows else safe("one that you do not see")


def _named() -> sa.Select[Any]:
    a, s = t.account.c, t.student.c
    return sa.select(
        a.id, a.login, a.type, a.status, a.given_name, a.family_name, a.student_id, s.mask, s.pseudonym
    ).select_from(t.account.outerjoin(t.student, s.id == a.student_id))


def _of(row: Any) -> SafeText:
    hidden = row.student_id is not None and row.mask != Mask.NONE
    name = (
        student_name(row.given_name, row.family_name, row.mask, row.pseudonym)
        if hidden
        else person_name(row.given_name, row.family_name)
    )
    kind = safe(f"({row.type.replace('_', ' ')}, {row.status})")
    return join((safe(f"account {row.id}"), name, kind), _SPACE)


def _login(connection: sa.Connection, row: Any, sight: Sight) -> Iterator[Fact]:
    """The login that was activated, or the one of this very person that waits to be."""
    a, d = t.account.c, t.directory_user.c
    if row.account_id is not None:
        who = _accounts(connection, sight, a.id == row.account_id)
        closed = row.state == "gone"
        yield Fact("Activated", who, Tone.WARN if closed else Tone.GOOD)
        if closed:
            yield Fact("", safe("The directory no longer has the person; the login is still there."), Tone.WARN)
        return
    mine = connection.execute(sa.select(same().c.id).select_from(joined()).where(d.id == row.id, own())).scalar()
    if mine is not None:
        yield Fact("Has one", _accounts(connection, sight, a.id == mine))
