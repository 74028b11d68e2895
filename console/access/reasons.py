"""Why an account does not see a student, or not all that its type may see: one sentence for each rule that stands in the way.

The rules are PORTAL's table *Who may see a student's data*, *Challenges* and *After-school professionals*. No sentence names a
person: what it says can be read aloud on the telephone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from console.text import SafeText, safe
from models.words import (
    AccountStatus,
    AccountType,
    ChallengeState,
    ConsentPolicy,
    GrantState,
    HoldPolicy,
    InitialRights,
    Mask,
    MembershipStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_OPEN = (ChallengeState.OPEN, ChallengeState.WAITING, ChallengeState.APPEALED)
_READING = (MembershipStatus.LIMITED, MembershipStatus.APPROVED)


def reasons(connection: sa.Connection, account: Any, student: Any, today: date) -> tuple[SafeText, ...]:
    """The sentences for rows of `account` and `student`, each once; none when all that the type may see is open."""
    found = [*_account(account, today)]
    match account.type:
        case AccountType.STUDENT:
            found += _as_the_student(connection, account, student, today)
        case AccountType.PARENT:
            found += _as_a_parent(connection, account, student, today)
        case AccountType.CERTIFICATED:
            found += _as_staff(connection, account, student, today)
        case AccountType.ASP:
            found += _as_a_professional(connection, account, student, today)
        case other:
            found.append(f"An account of type {other} sees no student's data in the portal.")
    return tuple(safe(sentence) for sentence in dict.fromkeys(found))


def _account(account: Any, today: date) -> Iterator[str]:
    status, until = account.status, account.suspended_until
    if status == AccountStatus.PENDING:
        yield "The account is pending: it waits for approval."
    elif status == AccountStatus.DELETED:
        yield "The account is deleted."
    elif status == AccountStatus.SUSPENDED:
        if until is None:
            yield "The account is suspended."
        elif today < until:
            yield f"The account is suspended until {until}."
    elif today < account.since:
        yield f"The account begins on {account.since}."


def _acts(account: Any, today: date) -> bool:
    return not [*_account(account, today)]


def _tie(connection: sa.Connection, account: int, student: int) -> Any:
    m = t.membership
    return connection.execute(sa.select(m).where(m.c.account_id == account, m.c.student_id == student)).one_or_none()


def _standing(tie: Any, today: date) -> str | None:
    """The tie's status on that day; None before it begins. A suspension that has an end becomes what it resumes as."""
    if tie.status == MembershipStatus.SUSPENDED:
        over = tie.suspended_until is not None and tie.suspended_until <= today
        return tie.resumes_as or MembershipStatus.SUSPENDED if over else MembershipStatus.SUSPENDED
    return tie.status if tie.since <= today else None


def _home(connection: sa.Connection, student: Any) -> Any:
    """The home school, or None."""
    return connection.execute(sa.select(t.school).where(t.school.c.id == student.school_id)).one_or_none()


def _not_in_force(tie: Any, today: date) -> Iterator[str]:
    """Why a tie does not stand at all today."""
    standing, until = _standing(tie, today), tie.suspended_until
    if standing is None:
        yield f"The tie begins on {tie.since}."
    elif standing == MembershipStatus.REMOVED:
        yield "The tie is removed."
    elif standing == MembershipStatus.SUSPENDED:
        if until is None:
            yield "The tie is suspended."
        elif today < until:
            yield f"The tie is suspended until {until}."
        else:
            yield f"The tie's suspension ended on {until}, but what the tie resumes as is not on record."


# ── students and parents ────────────────────────────────────────────────────────────────────────────────────────────


def _as_the_student(connection: sa.Connection, account: Any, student: Any, today: date) -> Iterator[str]:
    if account.student_id is None:
        yield "The account is tied to no student."
        return
    if account.student_id != student.id:
        yield "The account belongs to another student."
        return
    tie = _tie(connection, account.id, student.id)
    closed = [*_not_in_force(tie, today)] if tie else []
    yield from closed
    if closed or (tie and _standing(tie, today) == MembershipStatus.APPROVED):
        return
    home = _home(connection, student)
    if home is None:
        yield "The student has no home school, so the account needs approval, and it is not approved."
    elif home.initial_rights == InitialRights.APPROVE_FOR_ANY:
        yield "The school approves every account first, and this one is not approved."


def _as_a_parent(connection: sa.Connection, account: Any, student: Any, today: date) -> Iterator[str]:
    if student.parents_blocked:
        yield "Every parent's access to this student is blocked."
    tie = _tie(connection, account.id, student.id)
    if tie is None:
        yield "There is no tie between this account and this student."
        return
    yield from _not_in_force(tie, today)
    standing = _standing(tie, today)
    if standing == MembershipStatus.PENDING:
        yield "The tie is pending: nobody has approved it."
    if tie.blocked:
        yield "The tie is blocked."
    home = _home(connection, student)
    if _closed_by_majority(tie, student, home, today):
        yield (
            f"The student came of age on {student.adult_on}, and the school closes parents' ties until they are re-based."
        )
    held = _hold(connection, tie, account.login_key, student, home)
    if held:
        yield f"{held} holds the tie; the school's policy is {home.hold_policy}."
    if standing in _READING and (standing == MembershipStatus.LIMITED or held):
        if standing == MembershipStatus.LIMITED:
            yield "The tie is limited: it shows what is published and nothing else."
        if student.verify_parents:
            yield "The student's parents must be verified, and until it is approved a tie shows nothing."


def _closed_by_majority(tie: Any, student: Any, home: Any, today: date) -> bool:
    grown = student.adult_on is not None and student.adult_on <= today
    return bool(grown and home is not None and home.close_at_18 and tie.rebased is None)


def _hold(connection: sa.Connection, tie: Any, login_key: str, student: Any, home: Any) -> str:
    """The open challenge that holds the tie, as the beginning of a sentence; '' when none does."""
    if home is None or home.hold_policy == HoldPolicy.NONE:
        return ""
    c, i = t.challenge.c, t.intake_challenge.c
    number = connection.execute(
        sa.select(sa.func.min(c.id)).where(c.membership_id == tie.id, c.state.in_(_OPEN))
    ).scalar_one()
    if number is not None:
        return f"An open challenge (number {number})"
    logins = connection.execute(
        sa.select(i.challenged).where(i.student_number == student.number, i.taken_at.is_(None), i.refused.is_(None))
    ).scalars()
    arrived = any(_plain(login) == login_key for login in logins)
    return "An open challenge (not taken over yet)" if arrived else ""


def _plain(login: str) -> str:
    """A login as the portal's views compare it: A to Z in lower case, every other character as it is."""
    return login.translate({letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)})


# ── certificated staff ──────────────────────────────────────────────────────────────────────────────────────────────


def _as_staff(connection: sa.Connection, account: Any, student: Any, today: date) -> Iterator[str]:
    posts, stays = _posts(connection, account), _stays(connection, student)
    if not posts:
        yield "The account is at no school."
    if not stays:
        yield "The student is enrolled at no school."
    shared = posts.keys() & stays.keys()
    if posts and stays and not shared:
        yield "The account is at no school where the student is enrolled."
    outside = {
        school: [*_outside("post", posts[school], today), *_outside("enrolment", stays[school], today)]
        for school in sorted(shared)
    }
    if shared and all(outside.values()):
        for sentences in outside.values():
            yield from sentences
    if student.directory_opt_out == "all":
        yield "The family opted out of all directory information, so directory is not shown."


def _posts(connection: sa.Connection, account: Any) -> dict[int, Any]:
    """The account's schools: the roster's posts, else what the portal knows, without dates."""
    p, k = t.post.c, t.account_school.c
    days = (t.school.c.name, p.begins, p.ends)
    of_the_roster = (
        sa.select(p.school_id, *days)
        .join(t.school, t.school.c.id == p.school_id)
        .where(p.staff_id == account.staff_id, p.active)
    )
    of_the_portal = (
        sa.select(k.school_id, t.school.c.name, sa.null().label("begins"), sa.null().label("ends"))
        .join(t.school, t.school.c.id == k.school_id)
        .where(k.account_id == account.id)
    )
    found = {row.school_id: row for row in connection.execute(of_the_portal)}
    return found | {row.school_id: row for row in connection.execute(of_the_roster)}


def _stays(connection: sa.Connection, student: Any) -> dict[int, Any]:
    e = t.enrollment.c
    query = (
        sa.select(e.school_id, t.school.c.name, e.begins, e.ends)
        .join(t.school, t.school.c.id == e.school_id)
        .where(e.student_id == student.id, e.active)
    )
    return {row.school_id: row for row in connection.execute(query)}


def _outside(what: str, stay: Any, today: date) -> Iterator[str]:
    if stay.begins is not None and today < stay.begins:
        yield f"The {what} at {stay.name} begins on {stay.begins}."
    if stay.ends is not None and stay.ends <= today:
        yield f"The {what} at {stay.name} ended on {stay.ends}."


# ── after-school professionals ──────────────────────────────────────────────────────────────────────────────────────


def _as_a_professional(connection: sa.Connection, account: Any, student: Any, today: date) -> Iterator[str]:
    g = t.access_grant
    grants = connection.execute(
        sa.select(g).where(g.c.account_id == account.id, g.c.student_id == student.id).order_by(g.c.id)
    ).all()
    if not grants:
        yield "There is no grant for this account and this student."
        return
    lacks = {grant.id: [*_lacks(connection, account, student, grant, today)] for grant in grants}
    alive = [grant for grant in grants if not lacks[grant.id]]
    if not alive:
        for number, sentences in lacks.items():
            yield from sentences if len(grants) == 1 else (f"Grant {number}: {sentence}" for sentence in sentences)
        return
    advanced = sa.select(sa.func.count()).where(
        t.school.c.id.in_([grant.school_id for grant in alive]), t.school.c.asp_advanced
    )
    if not connection.execute(advanced).scalar_one():
        yield "The school has not switched advanced after-school access on: only assignments are shown."


def _lacks(connection: sa.Connection, account: Any, student: Any, grant: Any, today: date) -> Iterator[str]:
    """Why a grant is not alive, the professional's account aside."""
    yield from _undecided(grant, today)
    school = connection.execute(sa.select(t.school).where(t.school.c.id == grant.school_id)).one_or_none()
    if school is None:
        yield "The grant names no school."
    else:
        if not school.asp:
            yield "The school has switched after-school access off."
        stay = _stays(connection, student).get(school.id)
        yield from (
            _outside("enrolment", stay, today) if stay else ("The student is not enrolled at the grant's school.",)
        )
        if grant.state == GrantState.APPROVED:
            yield from _not_carried(connection, student, grant, school, today)
    yield from _agreement(connection, account, today)
    if student.mask == Mask.PSEUDONYM:
        yield "The student's name is sealed, and no after-school professional sees a sealed student."


def _undecided(grant: Any, today: date) -> Iterator[str]:
    if grant.state == GrantState.REQUESTED:
        yield "The grant waits for a decision."
    elif grant.state != GrantState.APPROVED:
        yield f"The grant was {grant.state}."
    elif grant.ends is None:
        yield "The grant has no end date."
    elif grant.ends <= today:
        yield f"The grant ended on {grant.ends}."
    if grant.state == GrantState.APPROVED and grant.begins is not None and today < grant.begins:
        yield f"The grant begins on {grant.begins}."


def _not_carried(connection: sa.Connection, student: Any, grant: Any, school: Any, today: date) -> Iterator[str]:
    """Why neither the parents nor a paper carry the grant."""
    home = _home(connection, student)
    said = [
        (parent, _wants(connection, grant, parent), _hold(connection, parent, parent.login_key, student, home))
        for parent in _approved_parents(connection, student, today)
    ]
    if not said:
        if grant.permission_reference is None or grant.permission_witness is None:
            yield "No parent is approved, and there is no written permission with a witness."
        return
    yes = [(parent, held) for parent, wants, held in said if wants]
    free = [parent for parent, held in yes if not held]
    if not yes:
        yield "No approved parent has consented."
    elif not free:
        for held in dict.fromkeys(held for _, held in yes):
            yield f"{held} holds the tie of a parent who consented; the school's policy is {home.hold_policy}."
    elif all(_closed_by_majority(parent, student, home, today) for parent in free):
        yield f"The student came of age on {student.adult_on}, and the parents' consents ended with their ties."
    if yes and school.asp_consent == ConsentPolicy.ALL and len(free) < len(said):
        yield "Not every approved parent has consented, and the school asks for all."


def _approved_parents(connection: sa.Connection, student: Any, today: date) -> list[Any]:
    """The approved ties of active parents that nobody blocked, each with the account's columns."""
    if student.parents_blocked:
        return []
    m, a = t.membership, t.account
    ties = connection.execute(
        sa.select(m, a.c.login_key)
        .join(a, a.c.id == m.c.account_id)
        .where(m.c.student_id == student.id, a.c.type == AccountType.PARENT, sa.not_(m.c.blocked))
        .order_by(m.c.id)
    ).all()
    accounts = {
        row.id: row for row in connection.execute(sa.select(a).where(a.c.id.in_([tie.account_id for tie in ties])))
    }
    return [
        tie
        for tie in ties
        if _standing(tie, today) == MembershipStatus.APPROVED and _acts(accounts[tie.account_id], today)
    ]


def _wants(connection: sa.Connection, grant: Any, parent: Any) -> bool:
    """The parent's last word for the grant; none is no."""
    i = t.intake_consent.c
    words = connection.execute(
        sa.select(i.login, i.gives).where(i.grant_ref == grant.ref).order_by(i.at.desc(), i.id.desc())
    )
    return next((bool(word.gives) for word in words if _plain(word.login) == parent.login_key), False)


def _agreement(connection: sa.Connection, account: Any, today: date) -> Iterator[str]:
    o = t.organisation
    firm = connection.execute(sa.select(o).where(o.c.id == account.organisation_id)).one_or_none()
    if firm is None or not firm.agreement_required:
        return
    if firm.agreement_from is None:
        yield "The organisation needs an agreement and has none."
    elif today < firm.agreement_from:
        yield f"The organisation's agreement begins on {firm.agreement_from}."
    if firm.agreement_until is not None and firm.agreement_until <= today:
        yield f"The organisation's agreement ended on {firm.agreement_until}."
