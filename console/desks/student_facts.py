"""What stands beside a student: what is in force and until when, who is tied to them, and who can see what, and why.

Everything here obeys the mask: beside a sealed student no parent, contact or login is named, for a family shares its name.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.access import who_can_see
from console.case_view import Fact, Part
from console.lazy import sa, t
from console.people import guardian_name, masked_number, person_name, student_name
from console.queue import Tone
from console.text import SafeText, join, safe
from models.words import AccountType, ChallengeState, DataClass, Mask, RegistrationState

if TYPE_CHECKING:
    from datetime import date

    from console.desk import Sight

EACH = 12
"""Lines of one part at most; the rest is counted."""
_DOT = safe(" · ")
_WAITING = (RegistrationState.SUBMITTED, RegistrationState.NEEDS_INFO, RegistrationState.DEFERRED)
_OPEN = (ChallengeState.OPEN, ChallengeState.WAITING, ChallengeState.APPEALED)


def student_facts(
    connection: sa.Connection, case: int, sight: Sight, source: sa.FromClause
) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one student."""
    s = t.student.c
    row = connection.execute(
        sa.select(t.student, t.school.c.name.label("school_name"), t.school.c.close_at_18)
        .select_from(source)
        .where(s.id == case)
    ).one()
    parts = [
        Part("Student", _student(row, sight)),
        Part("In force", _in_force(row, sight)),
        Part("Who can see what today", _seen(connection, row, sight)),
        Part("Parents", _ties(connection, row, sight)),
        Part("Contacts in the roster", _contacts(connection, row)),
        Part("Enrolled", _enrolled(connection, row)),
        Part("After-school grants", _grants(connection, row, sight)),
        Part("Waiting", _waiting(connection, row)),
    ]
    return student_name(row.given_name, row.family_name, row.mask, row.pseudonym), tuple(
        part for part in parts if part.facts
    )


def _student(row: Any, sight: Sight) -> tuple[Fact, ...]:
    lines = [
        Fact("Name", student_name(row.given_name, row.family_name, row.mask, row.pseudonym)),
        Fact("Number", masked_number(row.number)),
        Fact("School", safe(row.school_name or "–")),
        Fact("Grade", safe(row.grade or "–")),
    ]
    if row.status != "active":
        lines.append(Fact("Roster", safe("withdrawn"), Tone.WARN))
    if row.adult_on is not None and row.adult_on <= sight.today:
        lines.append(
            Fact("Of age", safe(f"18 since {row.adult_on.isoformat()}, rights are the student's own"), Tone.WARN)
        )
    return tuple(lines)


def _in_force(row: Any, sight: Sight) -> tuple[Fact, ...]:
    """Each restriction with the day on which it is to be looked at again."""
    masked = {Mask.INITIAL: "last name hidden", Mask.PSEUDONYM: "name sealed"}.get(row.mask, "")
    opted = "all of it" if row.directory_opt_out == "all" else row.directory_opt_out.replace(",", ", ")
    found = [
        ("Mask", masked, row.mask_review),
        ("Parents", "all blocked" if row.parents_blocked else "", row.block_review),
        ("Verification", "parents must be verified" if row.verify_parents else "", row.verify_review),
        ("Directory", f"opted out: {opted}" if opted else "", row.opt_out_review),
    ]
    lines = tuple(
        Fact(label, join((safe(said), _review(review, sight)), safe(", ")), _overdue(review, sight))
        for label, said, review in found
        if said
    )
    return lines or (Fact("", safe("nothing"), Tone.DIM),)


def _review(review: date | None, sight: Sight) -> SafeText:
    if review is None:
        return safe("no review date")
    return safe(f"review {'was due' if review <= sight.today else 'on'} {review.isoformat()}")


def _overdue(review: date | None, sight: Sight) -> Tone:
    return Tone.BAD if review is not None and review <= sight.today else Tone.WARN


def _seen(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    """Each reader, through what, what it opens and the last day; certificated staff, who are many, by their way and in numbers."""
    staff: dict[SafeText, int] = defaultdict(int)
    lines = []
    for reader in who_can_see(connection, row.id, sight.today):
        way = reader.way
        if reader.type == AccountType.CERTIFICATED:
            staff[way.via] += 1
            continue
        opened = "everything" if len(way.classes) == len(DataClass) else ", ".join(way.classes)
        said = [reader.name, way.via, safe(opened)]
        if way.until is not None:
            said.append(safe(f"until {(way.until - timedelta(days=1)).isoformat()}"))
        lines.append(Fact(f"account {reader.viewer}", join(said, _DOT)))
    lines.extend(Fact("staff", join((safe(f"{count:,}"), via), safe(" "))) for via, count in staff.items())
    return _some(lines) or (Fact("", safe("nobody"), Tone.WARN),)


def _ties(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    m, a = t.membership.c, t.account.c
    held = sa.table("access_held", sa.column("membership_id", sa.BigInteger()))
    found = connection.execute(
        sa.select(
            t.membership,
            a.given_name,
            a.family_name,
            a.status.label("account_status"),
            sa.exists().where(held.c.membership_id == m.id).label("challenged"),
        )
        .join(t.account, a.id == m.account_id)
        .where(m.student_id == row.id, a.type == AccountType.PARENT)
        .order_by(m.id)
    )
    of_age = row.adult_on is not None and row.adult_on <= sight.today
    lines = []
    for each in found:
        said = [guardian_name(each.given_name, each.family_name, row.mask, "a parent"), safe(each.relation)]
        said.append(safe(f"{each.status} since {each.since.isoformat()}"))
        if each.suspended_until is not None and each.status == "suspended":
            said.append(safe(f"until {(each.suspended_until - timedelta(days=1)).isoformat()}"))
        if each.account_status != "active":
            said.append(safe(f"account {each.account_status}"))
        if each.blocked:
            said.append(join((safe("blocked"), _review(each.block_review, sight)), safe(", ")))
        if each.challenged:
            said.append(safe("challenged"))
        if of_age:
            said.append(safe(each.rebased.replace("_", " ") if each.rebased else "no ground since 18"))
        tone = Tone.BAD if each.blocked else Tone.WARN if each.challenged else Tone.PLAIN
        lines.append(Fact(f"account {each.account_id}", join([part for part in said if part], _DOT), tone))
    return _some(lines)


def _contacts(connection: sa.Connection, row: Any) -> tuple[Fact, ...]:
    tie, contact = t.contact_tie.c, t.contact.c
    found = connection.execute(
        sa.select(contact.given_name, contact.family_name, tie.relation, tie.restricted)
        .select_from(t.contact_tie.join(t.contact, contact.id == tie.contact_id))
        .where(tie.student_id == row.id, tie.active, contact.status == "active")
        .order_by(contact.id)
    ).all()
    if row.mask == Mask.PSEUDONYM:
        if not found:
            return ()
        restricted = sum(each.restricted for each in found)
        return (
            Fact("", safe(f"{len(found)}, not named while the name is sealed"), Tone.DIM),
            *((Fact("!", safe(f"{restricted} restricted by an order"), Tone.BAD),) if restricted else ()),
        )
    return _some(
        [
            Fact(
                (each.relation or "contact").replace("_", " "),
                join(
                    [
                        guardian_name(each.given_name, each.family_name, row.mask),
                        *([safe("restricted by an order")] if each.restricted else []),
                    ],
                    _DOT,
                ),
                Tone.BAD if each.restricted else Tone.PLAIN,
            )
            for each in found
        ]
    )


def _enrolled(connection: sa.Connection, row: Any) -> tuple[Fact, ...]:
    e = t.enrollment.c
    found = connection.execute(
        sa.select(t.school.c.name, e.begins, e.ends, e.active)
        .select_from(t.enrollment.join(t.school, t.school.c.id == e.school_id))
        .where(e.student_id == row.id)
        .order_by(e.id)
    )
    lines = []
    for each in found:
        said = [safe(each.name)]
        if each.begins:
            said.append(safe(f"from {each.begins.isoformat()}"))
        if each.ends:
            said.append(safe(f"until {(each.ends - timedelta(days=1)).isoformat()}"))
        if not each.active:
            said.append(safe("ended by the roster"))
        lines.append(Fact("", join(said, _DOT), Tone.PLAIN if each.active else Tone.DIM))
    return _some(lines)


def _grants(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    from console.desks.grants import DESK

    g, a = t.access_grant.c, t.account.c
    found = connection.execute(
        sa.select(g.id, g.ends, DESK.state(sight).label("state"), a.given_name, a.family_name)
        .select_from(DESK.source())
        .where(g.student_id == row.id)
        .order_by(g.id.desc())
    )
    lines = []
    for each in found:
        said = [person_name(each.given_name, each.family_name), safe(each.state)]
        if each.ends:
            said.append(safe(f"until {(each.ends - timedelta(days=1)).isoformat()}"))
        lines.append(Fact(f"grant {each.id}", join(said, _DOT), Tone.GOOD if each.state == "alive" else Tone.DIM))
    return _some(lines)


def _waiting(connection: sa.Connection, row: Any) -> tuple[Fact, ...]:
    """What other desks hold about the student, by number: names stand there, under the same mask."""
    r, c = t.registration.c, t.challenge.c
    registrations = connection.execute(
        sa.select(r.id, r.kind, r.state).where(r.student_id == row.id, r.state.in_(_WAITING)).order_by(r.id)
    )
    challenges = connection.execute(
        sa.select(c.id, c.state).where(c.student_id == row.id, c.state.in_(_OPEN)).order_by(c.id)
    )
    return _some(
        [
            *(
                Fact(f"registration {each.id}", safe(f"{each.kind}, {each.state.replace('_', ' ')}"))
                for each in registrations
            ),
            *(Fact(f"challenge {each.id}", safe(each.state), Tone.WARN) for each in challenges),
        ]
    )


def _some(lines: list[Fact]) -> tuple[Fact, ...]:
    if len(lines) <= EACH:
        return tuple(lines)
    return (*lines[:EACH], Fact("", safe(f"and {len(lines) - EACH:,} more"), Tone.DIM))
