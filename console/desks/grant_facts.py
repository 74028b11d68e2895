"""What stands beside a grant: who asks for whom and why, what holds and what is lacking, what each parent says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.access.lacks import WORDS, Lack
from console.case_view import Fact, Part
from console.desks.grants import lacking
from console.drawn import age
from console.lazy import sa, t
from console.people import guardian_name, masked_number, person_name, student_name
from console.queue import Tone
from console.text import SafeText, join, paragraph, safe

if TYPE_CHECKING:
    from datetime import date

    from console.desk import Sight
    from console.desks.grants import Grants

_HELD = {
    Lack.SWITCH: "the school allows after-school access",
    Lack.ACCOUNT: "the professional's account is active",
    Lack.AGREEMENT: "the organisation's agreement is in force, or none is needed",
    Lack.ENROLMENT: "the student is enrolled at the school",
    Lack.SEALED: "the student's identity is not sealed",
    Lack.CONSENT: "a consent is in force",
    Lack.DATES: "today is within its dates",
}


def grant_facts(connection: sa.Connection, case: int, sight: Sight, desk: Grants) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one grant."""
    g, a, s, o = t.access_grant.c, t.account.c, t.student.c, t.organisation.c
    row = connection.execute(
        sa.select(
            *desk.shown(sight),
            desk.state(sight).label("state"),
            g.id,
            g.ref,
            g.purpose,
            g.permission_reference,
            g.permission_digest,
            t.operator.c.name.label("witness"),
            a.login,
            a.status.label("account_status"),
            o.agreement_required,
            o.agreement_from,
            o.agreement_until,
            s.number,
            s.grade,
            t.school.c.asp_advanced,
            t.school.c.asp_consent,
        )
        .select_from(desk.source().outerjoin(t.operator, t.operator.c.id == g.permission_witness))
        .where(g.id == case)
    ).one()
    who = person_name(row.given_name, row.family_name)
    student = student_name(row.student_given, row.student_family, row.mask, row.pseudonym)
    parts = [
        Part("Professional", _professional(row, who)),
        Part("Student", _student(row, student)),
        Part("Asked for", _asked(row, sight)),
        Part("What it takes", _takes(row)),
        Part(f"Parents – {row.asp_consent or 'any'} must consent", _parents(connection, row, sight)),
    ]
    if row.witness:
        parts.append(Part("Written permission", _paper(row)))
    if others := _others(connection, row, desk, sight):
        parts.append(Part("Other grants of this professional", others))
    return join((who, safe("for"), student), safe(" ")), tuple(parts)


def _professional(row: Any, who: SafeText) -> tuple[Fact, ...]:
    lines = [
        Fact("Name", who),
        Fact("Account", safe(f"{row.account_id}, {row.account_status}")),
        Fact("Login", safe(row.login)),
        Fact("Organisation", safe(row.organisation_name or "–")),
    ]
    if row.agreement_required:
        since = row.agreement_from.isoformat() if row.agreement_from else "never"
        until = last_day(row.agreement_until) or "open"
        lines.append(Fact("Agreement", safe(f"from {since}, until {until}" if row.agreement_from else "none")))
    return tuple(lines)


def _student(row: Any, student: SafeText) -> tuple[Fact, ...]:
    sees = "assignments, grades, attendance, record" if row.asp_advanced else "assignments"
    return (
        Fact("Student", student),
        Fact("Number", masked_number(row.number)),
        Fact("School", safe(row.school_name or "–")),
        Fact("Grade", safe(row.grade or "–")),
        Fact("Would see", safe(sees)),
    )


def _asked(row: Any, sight: Sight) -> tuple[Fact, ...]:
    lines = [Fact("Purpose" if n == 0 else "", line) for n, line in enumerate(paragraph(row.purpose))]
    lines.append(Fact("From", safe(row.begins.isoformat() if row.begins else "–")))
    lines.append(Fact("Last day", safe(last_day(row.ends) or "–")))
    lines.append(Fact("Arrived", safe(f"{age(row.arrived_at, sight.now)} ago"), Tone.DIM))
    return tuple(lines)


def _takes(row: Any) -> tuple[Fact, ...]:
    """Each condition, held or not. Dates are settled by approving, so a request shows them only where they are over."""
    missing = {lack for lack in Lack if getattr(row, f"lacks_{lack}")}
    lines = []
    for lack in Lack:
        if lack is Lack.DATES and row.state == "requested" and lack not in missing:
            continue
        held = lack not in missing
        tone = Tone.GOOD if held else Tone.WARN if lack in lacking(row) else Tone.DIM
        lines.append(Fact("✓" if held else "!", safe(_HELD[lack] if held else WORDS[lack]), tone))
    approved = row.state in ("alive", "lacking", "ended")
    said = "the district approved it" if approved else "the district's approval"
    lines.append(Fact("✓" if approved else "!", safe(said), Tone.GOOD if approved else Tone.WARN))
    return tuple(lines)


def _parents(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    """The approved parents and the last word of each, from the view that the contract reads."""
    del sight
    tie = sa.table(
        "access_tie",
        *(sa.column(name) for name in ("membership_id", "account_id", "student_id", "login_key", "status", "hold")),
    )
    c = t.intake_consent.c
    said = (
        sa.select(c.gives)
        .where(c.grant_ref == row.ref, sa.func.lower(c.login) == tie.c.login_key)
        .order_by(c.at.desc(), c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = connection.execute(
        sa.select(tie.c.account_id, tie.c.hold, t.account.c.given_name, t.account.c.family_name, said.label("said"))
        .select_from(tie.join(t.account, t.account.c.id == tie.c.account_id))
        .where(tie.c.student_id == row.student_id, tie.c.status == "approved")
        .order_by(tie.c.account_id)
    ).all()
    if not found:
        return (Fact("", safe("no approved parent: a written permission takes their place"), Tone.WARN),)
    lines = []
    for each in found:
        words = {None: "has not answered", True: "consents", False: "does not consent"}[each.said]
        held = each.said and each.hold != "none"
        said_words = f"{words}, but a challenge holds the tie" if held else words
        lines.append(
            Fact(
                f"account {each.account_id}",
                join(
                    (guardian_name(each.given_name, each.family_name, row.mask, "a parent"), safe(said_words)),
                    safe(" – "),
                ),
                Tone.GOOD if each.said and not held else Tone.WARN,
            )
        )
    return tuple(lines)


def _paper(row: Any) -> tuple[Fact, ...]:
    return (
        Fact("Reference", safe(row.permission_reference)),
        Fact("SHA-256", safe(row.permission_digest or "–"), Tone.DIM),
        Fact("Second operator", safe(row.witness)),
    )


def _others(connection: sa.Connection, row: Any, desk: Grants, sight: Sight) -> tuple[Fact, ...]:
    g, s = t.access_grant.c, t.student.c
    found = connection.execute(
        sa.select(g.id, desk.state(sight).label("state"), s.given_name, s.family_name, s.mask, s.pseudonym, g.ends)
        .select_from(desk.source())
        .where(g.account_id == row.account_id, g.id != row.id, *desk.within(sight.operator))
        .order_by(g.id.desc())
        .limit(8)
    )
    lines = []
    for each in found:
        text = [student_name(each.given_name, each.family_name, each.mask, each.pseudonym), safe(each.state)]
        if each.ends:
            text.append(safe(f"until {last_day(each.ends)}"))
        lines.append(Fact(f"no. {each.id}", join(text, safe(", ")), Tone.DIM))
    return tuple(lines)


def last_day(ends: date | None) -> str | None:
    """The last day of a period whose end is exclusive, as people say it."""
    return None if ends is None else (ends - timedelta(days=1)).isoformat()
