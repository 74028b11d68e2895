"""What stands beside a registration, in words: who applies, for whom, what speaks for it and what against, what came before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.case_view import Fact as Line
from console.case_view import Part
from console.desks.registrations import DESK, applicant_name, masked
from console.drawn import age
from console.evidence import FACT_WORDS, FLAG_WORDS, words
from console.lazy import sa, t
from console.people import masked_number, person_name, student_name
from console.queue import Tone
from console.text import SafeText, join, safe

if TYPE_CHECKING:
    from console.desk import Sight
    from console.vault import Vault


def registration_facts(
    connection: sa.Connection, case: int, sight: Sight, vault: Vault, source: sa.FromClause
) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one registration."""
    del vault
    r, s = t.registration.c, t.student.c
    row = connection.execute(
        sa.select(
            t.registration,
            s.given_name.label("s_given"),
            s.family_name.label("s_family"),
            s.mask,
            s.pseudonym,
            s.grade,
            s.status.label("s_status"),
            s.number.label("s_number"),
            t.school.c.name.label("school_name"),
            t.membership.c.status.label("tie"),
            t.account.c.login,
        )
        .select_from(source)
        .where(r.id == case)
    ).one()
    name = applicant_name(row)
    parts = [
        Part("Applicant", _applicant(row, name)),
        Part("Student", _student(row)),
        Part(f"Speaks for it – {row.match} of 8", _lines(words(row.facts, FACT_WORDS), "✓", Tone.GOOD, "nothing")),
        Part("Speaks against it", _lines(words(row.flags, FLAG_WORDS), "!", Tone.BAD, "nothing")),
    ]
    if contacts := _contacts(connection, row):
        parts.append(Part("Contacts in the roster", contacts))
    if earlier := _earlier(connection, row, sight):
        parts.append(Part("Other applications", earlier))
    return join((name, safe(f"as {row.kind}")), safe(" ")), tuple(parts)


def _applicant(row: Any, name: SafeText) -> tuple[Line, ...]:
    hidden = safe("(hidden)") if masked(row) else None
    given = [
        ("Name", name),
        ("Relation", safe(row.relation)),
        ("E-mail", hidden or safe(row.email)),
        ("Phone", safe(row.phone)),
        ("Organisation", safe(row.organisation_name)),
        ("Login", hidden or safe(row.login)),
        ("Tie now", safe(row.tie)),
    ]
    return tuple(Line(label, text) for label, text in given if text)


def _student(row: Any) -> tuple[Line, ...]:
    if row.student_id is None:
        typed = safe("as typed, no student has this number")
        return (
            Line("Number", join((masked_number(row.student_number), typed), safe(" – ")), Tone.BAD),
            Line("Name", person_name(row.student_given_name or "", row.student_family_name or "")),
        )
    sealed = row.mask == "pseudonym"
    lines = [
        Line("Student", student_name(row.s_given, row.s_family, row.mask, row.pseudonym)),
        Line("Number", masked_number(row.s_number)),
        Line("School", safe(row.school_name or "–")),
        Line("Grade", safe(row.grade or "–")),
    ]
    if not sealed and row.mask == "none" and (row.student_given_name or row.student_family_name):
        lines.append(
            Line("As typed", person_name(row.student_given_name or "", row.student_family_name or ""), Tone.DIM)
        )
    if row.s_status != "active":
        lines.append(Line("Roster", safe("withdrawn"), Tone.WARN))
    return tuple(lines)


def _lines(texts: tuple[str, ...], sign: str, tone: Tone, none: str) -> tuple[Line, ...]:
    if not texts:
        return (Line("", safe(none), Tone.DIM),)
    return tuple(Line(sign, safe(text), tone) for text in texts)


def _contacts(connection: sa.Connection, row: Any) -> tuple[Line, ...]:
    """The guardians that the roster knows, with what agrees; none while the student is sealed."""
    if row.student_id is None or row.mask == "pseudonym":
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
        same = [
            word
            for word, agrees in (
                ("name", each.name_key == row.name_key and row.name_key),
                ("e-mail", each.email_key == row.email_key and row.email_key),
                ("phone", row.phone_key and row.phone_key in (each.phone_key, each.sms_key)),
            )
            if agrees
        ]
        text = [person_name(each.given_name, each.family_name)]
        if same:
            text.append(safe(f"same {', '.join(same)}"))
        if each.restricted:
            text.append(safe("restricted by an order"))
        tone = Tone.BAD if each.restricted else Tone.GOOD if same else Tone.PLAIN
        lines.append(Line((each.relation or "contact").replace("_", " "), join(text, safe(" – ")), tone))
    return tuple(lines)


def _earlier(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Line, ...]:
    r, s = t.registration.c, t.student.c
    same = [r.account_id == row.account_id]
    if row.student_id is not None:
        same.append(r.student_id == row.student_id)
    where = [r.id != row.id, sa.or_(*same), *DESK.within(sight.operator)]
    found = connection.execute(
        sa.select(
            r.id,
            r.state,
            r.kind,
            r.student_id,
            r.given_name,
            r.family_name,
            r.arrived_at,
            r.account_id,
            s.mask,
            s.pseudonym,
        )
        .select_from(t.registration.outerjoin(t.student, s.id == r.student_id))
        .where(*where)
        .order_by(r.id.desc())
        .limit(8)
    )
    lines = []
    for each in found:
        who = safe("the same account") if each.account_id == row.account_id else applicant_name(each)
        state = safe(f"{each.state.replace('_', ' ')}, {age(each.arrived_at, sight.now)} ago")
        tone = Tone.BAD if each.state == "rejected" else Tone.DIM
        lines.append(Line(f"no. {each.id}", join((who, state), safe(" – ")), tone))
    return tuple(lines)
