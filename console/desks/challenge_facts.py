"""What stands beside a challenge, in words: the clock, the hold, both sides, the statement, the roster, what came before.

Both sides in the same order of words, so that neither looks better for having more said about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.case_view import Fact as Line
from console.case_view import Part
from console.desks.challenge_clock import day_words, due_tone
from console.desks.challenge_owners import LIVE, claimed
from console.drawn import age
from console.evidence import FACT_WORDS, FLAG_WORDS, words
from console.lazy import sa, t
from console.people import masked_number, person_name, student_name
from console.queue import Tone
from console.text import SafeText, join, paragraph, safe
from models.words import AccountStatus, AccountType, HoldPolicy, Mask, MembershipStatus, Origin

if TYPE_CHECKING:
    from datetime import datetime

    from console.desk import Sight

DASH = safe(" – ")
MOST = 8
"""Other ties and other challenges that are listed."""


def challenge_facts(
    connection: sa.Connection, case: int, sight: Sight, source: sa.FromClause
) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one challenge."""
    s, home = t.student.c, t.school.alias("home")
    row = connection.execute(
        sa.select(
            t.challenge,
            s.given_name.label("s_given"),
            s.family_name.label("s_family"),
            s.mask,
            s.pseudonym,
            s.grade,
            s.number.label("s_number"),
            s.status.label("s_status"),
            s.adult_on,
            s.school_id.label("home_id"),
            home.c.name.label("home_name"),
            home.c.hold_policy,
            sa.case((claimed(sight), t.operator.c.name)).label("owner"),
        )
        .select_from(source.outerjoin(home, home.c.id == s.school_id))
        .where(t.challenge.c.id == case)
    ).one()
    student = student_name(row.s_given, row.s_family, row.mask, row.pseudonym)
    challenged, challenger = _account(connection, row.account_id), _account(connection, row.challenger_id)
    parts = [
        Part("Clock", _clock(row, sight)),
        Part("Hold", (_hold(connection, row),)),
        Part("Student", _student(row, student, sight)),
        Part("Challenged", _side(connection, challenged, row, student, sight)),
        Part("Challenger", _side(connection, challenger, row, student, sight)),
        Part("Statement", tuple(Line("", line) for line in paragraph(row.statement)) or (Line("", safe("–")),)),
    ]
    for title, lines in (
        ("Contacts in the roster", _contacts(connection, row, challenged, challenger)),
        ("Other ties of the challenged", _ties(connection, row, sight)),
        ("Other challenges", _challenges(connection, row, sight)),
    ):
        if lines:
            parts.append(Part(title, lines))
    name = person_name(challenged.given_name, challenged.family_name)
    return join((name, safe("–"), student), safe(" ")), tuple(parts)


def _account(connection: sa.Connection, account: int) -> Any:
    return connection.execute(sa.select(t.account).where(t.account.c.id == account)).one()


def _clock(row: Any, sight: Sight) -> tuple[Line, ...]:
    lines = [Line("Arrived", safe(f"{_day(row.arrived_at, sight)}, {age(row.arrived_at, sight.now)} ago"))]
    if row.answered_at is not None:
        lines.append(Line("First answer", safe(f"given {_day(row.answered_at, sight)}"), Tone.GOOD))
    else:
        said = day_words(row.answer_due, sight)
        lines.append(Line("First answer", safe(f"{row.answer_due.isoformat()}, {said}"), due_tone(said)))
    if row.state in LIVE:
        said = day_words(row.decision_due, sight)
        lines.append(Line("Decision", safe(f"{row.decision_due.isoformat()}, {said}"), due_tone(said)))
    elif row.decided_at is not None:
        lines.append(Line("Decision", safe(f"taken {_day(row.decided_at, sight)}"), Tone.GOOD))
    if row.waiting_until is not None:
        lines.append(Line("Waits until", safe(row.waiting_until.isoformat())))
    if row.outcome:
        ground = f", on the ground of {_spoken(row.basis)}" if row.basis else ""
        lines.append(Line("Outcome", safe(f"{_spoken(row.outcome)}{ground}")))
    if row.owner:
        lines.append(Line("Claimed by", safe(row.owner)))
    return tuple(lines)


def _hold(connection: sa.Connection, row: Any) -> Line:
    """The hold now in force, by the student's home school, from this challenge or from another that is open."""
    held = sa.table("access_held", sa.column("membership_id"))
    another = row.state not in LIVE
    if (
        another
        and not connection.execute(sa.select(sa.exists().where(held.c.membership_id == row.membership_id))).scalar_one()
    ):
        return Line("", safe("The tie is not held: the case is settled."), Tone.DIM)
    if row.hold_policy in (None, HoldPolicy.NONE):
        return Line("", safe("The tie is not held: the school's policy is to hold none."), Tone.DIM)
    since = "since another challenge is open" if another else "since this challenge is open"
    return Line("", safe(f"The tie is held: {row.hold_policy}, by the school's policy, {since}."), Tone.WARN)


def _student(row: Any, name: SafeText, sight: Sight) -> tuple[Line, ...]:
    lines = [
        Line("Student", name),
        Line("Number", masked_number(row.s_number)),
        Line("School", safe(row.home_name or "–")),
        Line("Grade", safe(row.grade or "–")),
    ]
    if row.s_status != "active":
        lines.append(Line("Roster", safe("withdrawn"), Tone.WARN))
    if row.adult_on is not None and row.adult_on <= sight.today:
        lines.append(Line("Of age", safe(f"since {row.adult_on.isoformat()}: the rights are the student's"), Tone.WARN))
    return tuple(lines)


def _side(connection: sa.Connection, account: Any, row: Any, student: SafeText, sight: Sight) -> tuple[Line, ...]:
    """One side: who, the tie to this student, how it came about, what its application was worth."""
    if account.type == AccountType.STUDENT and account.student_id == row.student_id:
        return (Line("Name", student), Line("Is", safe("the student")), *_status(account))
    lines = [
        Line("Name", person_name(account.given_name, account.family_name)),
        Line("Is", safe(_spoken(account.type))),
        Line("E-mail", safe(account.email or "–")),
        *_status(account),
    ]
    m = t.membership.c
    tie = connection.execute(
        sa.select(t.membership).where(m.account_id == account.id, m.student_id == row.student_id)
    ).one_or_none()
    if tie is None:
        return (*lines, Line("Tie", safe("none to this student"), Tone.WARN))
    lines.append(Line("Relation", safe(tie.relation or "–")))
    lines.append(_tie(tie, sight))
    lines.append(_verified(tie, sight))
    return (*lines, *_application(connection, account, row))


def _status(account: Any) -> tuple[Line, ...]:
    if account.status == AccountStatus.ACTIVE:
        return ()
    until = f" until {account.suspended_until.isoformat()}" if account.suspended_until else ""
    return (Line("Account", safe(f"{account.status}{until}"), Tone.WARN),)


def _tie(tie: Any, sight: Sight) -> Line:
    if tie.status != MembershipStatus.SUSPENDED:
        text, tone = f"{tie.status} since {tie.since.isoformat()}", Tone.PLAIN
    elif tie.suspended_until and tie.suspended_until <= sight.today:
        text, tone = f"{tie.resumes_as} again since {tie.suspended_until.isoformat()}", Tone.PLAIN
    else:
        until = f" until {tie.suspended_until.isoformat()}" if tie.suspended_until else ""
        text, tone = f"suspended since {tie.since.isoformat()}{until}, {tie.resumes_as} before", Tone.WARN
    return Line("Tie", safe(text + (", blocked" if tie.blocked else "")), Tone.WARN if tie.blocked else tone)


def _verified(tie: Any, sight: Sight) -> Line:
    """Who established who it is; of an adopted tie the portal's life before this console says so, or nobody."""
    adopted = tie.origin == Origin.ADOPTED
    if tie.verified_at is not None:
        who = "before this console" if adopted else "by an operator"
        return Line("Verified", safe(f"{who}, {_day(tie.verified_at, sight)}"), Tone.GOOD)
    return Line("Verified", safe("by nobody" + (", adopted from before this console" if adopted else "")), Tone.WARN)


def _application(connection: sa.Connection, account: Any, row: Any) -> tuple[Line, ...]:
    """What spoke for and against the latest application of this account for this student."""
    r = t.registration.c
    found = connection.execute(
        sa.select(r.id, r.match, r.facts, r.flags, r.state, r.checked_on, r.check_proof)
        .where(r.account_id == account.id, r.student_id == row.student_id)
        .order_by(r.id.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return (Line("Application", safe("none"), Tone.DIM),)
    lines = [Line("Application", safe(f"no. {found.id}, {_spoken(found.state)}, {found.match} of 8 facts for it"))]
    if found.checked_on:
        lines.append(
            Line("In person", safe(f"{found.checked_on.isoformat()}, {_spoken(found.check_proof)}"), Tone.GOOD)
        )
    lines += [Line("✓", safe(text), Tone.GOOD) for text in words(found.facts, FACT_WORDS)]
    lines += [Line("!", safe(text), Tone.BAD) for text in words(found.flags, FLAG_WORDS)]
    return tuple(lines)


def _contacts(connection: sa.Connection, row: Any, challenged: Any, challenger: Any) -> tuple[Line, ...]:
    """The guardians that the roster knows, with whom each agrees; none while the student is sealed."""
    if row.mask == Mask.PSEUDONYM:
        return ()
    tie, contact = t.contact_tie, t.contact
    found = connection.execute(
        sa.select(contact, tie.c.relation, tie.c.restricted)
        .join(tie, tie.c.contact_id == contact.c.id)
        .where(tie.c.student_id == row.student_id, tie.c.active, contact.c.status == "active")
        .order_by(contact.c.id)
    )
    lines = []
    for each in found:
        text = [person_name(each.given_name, each.family_name)]
        for side, account in (("challenged", challenged), ("challenger", challenger)):
            if same := _same(each, account):
                text.append(safe(f"same {', '.join(same)} as the {side}"))
        if each.restricted:
            text.append(safe("restricted by an order"))
        lines.append(
            Line(_spoken(each.relation or "contact"), join(text, DASH), Tone.BAD if each.restricted else Tone.PLAIN)
        )
    return tuple(lines)


def _same(contact: Any, account: Any) -> list[str]:
    agreeing = (
        ("name", account.name_key and contact.name_key == account.name_key),
        ("e-mail", account.email_key and contact.email_key == account.email_key),
        ("phone", account.phone_key and account.phone_key in (contact.phone_key, contact.sms_key)),
    )
    return [word for word, agrees in agreeing if agrees]


def _ties(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Line, ...]:
    """Other students of the challenged, as far as the operator's schools reach."""
    m, s = t.membership.c, t.student.c
    where = [m.account_id == row.account_id, m.id != row.membership_id]
    if sight.operator.schools is not None:
        where.append(s.school_id.in_(sorted(sight.operator.schools)))
    found = connection.execute(
        sa.select(t.membership, s.given_name, s.family_name, s.mask, s.pseudonym)
        .join(t.student, s.id == m.student_id)
        .where(*where)
        .order_by(m.id)
        .limit(MOST)
    )
    lines = []
    for each in found:
        line = _tie(each, sight)
        name = student_name(each.given_name, each.family_name, each.mask, each.pseudonym)
        lines.append(Line(each.relation or "tie", join((name, line.text), DASH), line.tone))
    return tuple(lines)


def _challenges(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Line, ...]:
    """Other challenges: about this tie, and by the same challenger, as far as the operator's schools reach."""
    c = t.challenge.c
    where = [c.id != row.id, sa.or_(c.membership_id == row.membership_id, c.challenger_id == row.challenger_id)]
    if sight.operator.schools is not None:
        where.append(c.school_id.in_(sorted(sight.operator.schools)))
    found = connection.execute(
        sa.select(c.id, c.state, c.outcome, c.arrived_at, c.membership_id)
        .where(*where)
        .order_by(c.id.desc())
        .limit(MOST)
    )
    lines = []
    for each in found:
        about = "about this tie" if each.membership_id == row.membership_id else "by the same challenger"
        became = f", {_spoken(each.outcome)}" if each.outcome else ""
        text = f"{about}, {each.state}{became}, {age(each.arrived_at, sight.now)} ago"
        lines.append(Line(f"no. {each.id}", safe(text), Tone.DIM))
    return tuple(lines)


def _day(moment: datetime, sight: Sight) -> str:
    return moment.astimezone(sight.settings.portal.zone).date().isoformat()


def _spoken(word: str) -> str:
    return word.replace("_", " ")
