"""What a notice says: a template of plain English, filled with no more than its reader may know.

Promises: a student is called as the mask leaves them, "your student" where the name is sealed, and not by name at all to somebody
whose tie no operator ever approved and who did not type that name (a stranger who guessed a number learns nothing from the
refusal). The challenger is never named, no number of a student is written, and subjects name nobody: they stand on locked
screens. A recipient's own name greets them only if it reads like a name: a form that mails "Dear <what you typed>" to any address
is a way to send others' advertisements. What the operator wrote goes in as written, without control characters.

Rendered when it is sent, not when it was decided: a mask put on in between holds.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from console.desks import DESKS
from console.lazy import sa, t
from console.names import name_key
from console.notices.letters import Letter, one_address
from console.people import person_name, student_name
from console.text import clip, safe
from models.words import AccountStatus, GrantState, Mask, MembershipStatus

if TYPE_CHECKING:
    from console.settings import Settings
    from console.vault import Vault

TEMPLATES = Path(__file__).parent / "templates"
FOOTER = "_footer"
TO_OFFICE = (
    "challenge-received",
    "challenge-due",
    "alert-failure",
    "directory-conflicts",
    "request-waits",
    "request-answered",
    "export-made",
    "operator-added",
    "break-glass-used",
    "operator-invited",
)
"""Templates that go to the district's own addresses: no greeting, no footer."""

WIDTH = 72
LONGEST_NAME = 60
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def names() -> tuple[str, ...]:
    """Every template there is."""
    return tuple(sorted(each.stem for each in TEMPLATES.glob("[!_]*.txt")))


@cache
def template(name: str) -> tuple[str, tuple[str, ...]]:
    """A template's subject and the paragraphs below it. Raises KeyError for a name that has no file."""
    file = TEMPLATES / f"{name}.txt"
    if not re.fullmatch(r"_?[a-z-]+", name) or not file.is_file():
        raise KeyError(name)
    text = file.read_text(encoding="utf-8")
    subject = ""
    if text.startswith("Subject: "):
        first, _, text = text.partition("\n")
        subject = first.removeprefix("Subject: ")
    return subject, tuple(part.strip("\n") for part in re.split(r"\n\n+", text) if part.strip())


def render(connection: sa.Connection, settings: Settings, vault: Vault, notice: Any) -> Letter:
    """What this row of `notice` says now.

    Raises KeyError for an unknown template, and as `Vault.open` does when the operator's words do not open.
    """
    account = _row(connection, t.account, notice.account_id)
    written = ""
    if notice.sealed is not None:
        written = vault.open("notice", "sealed", notice.batch, bytes(notice.sealed)).decode()
    words = _words(connection, settings, notice, account)
    to = one_address(notice.address if account is None else account.email)
    return compose(notice.template, words, written, to)


def compose(name: str, words: dict[str, str], written: str, to: str | None) -> Letter:
    """The template filled with `words`; a paragraph `$written` becomes what the operator wrote, or goes."""
    subject, paragraphs = template(name)
    said = as_written(written)
    parts: list[str] = []
    for each in paragraphs:
        if each == "$written":
            if said:
                parts.append(said if name in TO_OFFICE else f"The office writes:\n\n{said}")
        elif each.startswith("    "):
            parts.append(each)
        else:
            parts.append(_filled(each, words))
    if name not in TO_OFFICE:
        parts.append("--\n" + "\n".join(_filled(line, words) for line in template(FOOTER)[1][0].split("\n")))
    return Letter(to, Template(subject).substitute(words), "\n\n".join(parts) + "\n")


def as_written(text: str) -> str:
    """An operator's words, line for line, without what is no text: controls other than the line's end and the tab."""
    lines = re.split(r"\r\n|\r|\n", text.strip())
    return "\n".join(
        "".join(c for c in line if c == "\t" or unicodedata.category(c) != "Cc").rstrip() for line in lines
    )


def greeting(given: str, family: str) -> str:
    """`Dear Ann Lee,` – or `Hello,` to a name that is long, empty or holds what makes an address or a message of it."""
    name = str(person_name(given, family))
    if len(name) > LONGEST_NAME or not _reads_like_a_name(name):
        return "Hello,"
    return f"Dear {name},"


def _reads_like_a_name(name: str) -> bool:
    """Letters, marks, spaces, apostrophes, hyphens; a full stop only at a word's end, or mail programs link it."""
    return any(c.isalpha() for c in name) and all(
        unicodedata.category(c)[0] in "LM" or c in " '’ʻʼ·-" or (c == "." and after in ("", " "))
        for c, after in zip(name, (*name[1:], ""), strict=True)
    )


def in_words(day: date | None, otherwise: str) -> str:
    """`January 14, 2027`, in English whatever the machine's locale."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}" if day else otherwise


def _words(connection: sa.Connection, settings: Settings, notice: Any, account: Any) -> dict[str, str]:
    """Everything that a template may name."""
    zone = settings.portal.zone
    case = _case(connection, notice.desk, notice.case_id)
    student = _row(connection, t.student, _student_of(case))
    school = _row(connection, t.school, getattr(case, "school_id", None))
    arrived: datetime | None = getattr(case, "arrived_at", None)
    ends: date | None = getattr(case, "ends", None)
    return {
        "portal": str(safe(settings.portal.name)),
        "greeting": greeting(account.given_name, account.family_name) if account is not None else "Hello,",
        "student": _called(connection, notice.desk, case, student, account),
        "school": str(clip(safe(school.name), LONGEST_NAME)) if school is not None else "your school district",
        "case": str(notice.case_id),
        "date": in_words(arrived.astimezone(zone).date() if arrived else None, "recently"),
        "due": in_words(_due(connection, notice, case), "the day that the portal shows"),
        "until": in_words(ends - timedelta(days=1) if ends else None, "the day that the portal shows"),
        "days": str(settings.policy.purge_days),
    }


def _called(connection: sa.Connection, desk: str, case: Any, student: Any, account: Any) -> str:
    """What the student is called to this reader."""
    if student is None or account is None:
        return "a student"
    if student.mask not in (Mask.NONE, Mask.INITIAL):
        return "your student"
    if not _knows(connection, desk, case, student, account):
        return "a student" if desk == "challenges" else "the student you named"
    shown = student_name(student.given_name, student.family_name, student.mask, student.pseudonym)
    return str(clip(shown, LONGEST_NAME))


def _knows(connection: sa.Connection, desk: str, case: Any, student: Any, account: Any) -> bool:
    """Whether the name is no news to the reader."""
    if account.student_id == student.id:
        return True
    if desk == "grants":
        return bool(case.state == GrantState.APPROVED)
    if desk == "registrations":
        typed = name_key((case.student_given_name or "") + (case.student_family_name or ""))
        if typed and typed == student.name_key:
            return True
    m = t.membership.c
    approved_once = sa.or_(m.status == MembershipStatus.APPROVED, m.verified_at.is_not(None))
    found = sa.exists().where(m.account_id == account.id, m.student_id == student.id, approved_once)
    return account.status != AccountStatus.PENDING and bool(connection.execute(sa.select(found)).scalar_one())


def _due(connection: sa.Connection, notice: Any, case: Any) -> date | None:
    """The day until which the reader, or for an alert the office, has to act."""
    d = t.deadline.c
    if notice.desk == "challenges" and notice.template in TO_OFFICE:
        due: date | None = (
            case.decision_due if case is not None and case.answered_at else getattr(case, "answer_due", None)
        )
        return due
    return connection.execute(
        sa.select(d.due)
        .where(d.desk == notice.desk, d.case_id == notice.case_id, d.met_at.is_(None), d.withdrawn.is_(sa.false()))
        .order_by(d.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def _case(connection: sa.Connection, desk: str, case: int) -> Any:
    from console.desks import desk as desk_of

    return _row(connection, desk_of(desk).case(), case) if desk in DESKS else None


def _student_of(case: Any) -> int | None:
    """The student whom the case is about: named by it, or itself the case."""
    if case is None:
        return None
    own: int | None = case.id if hasattr(case, "mask") else getattr(case, "student_id", None)
    return own


def _row(connection: sa.Connection, table: sa.Table, row: int | None) -> Any:
    if row is None:
        return None
    return connection.execute(sa.select(table).where(table.c.id == row)).one_or_none()


def _filled(text: str, words: dict[str, str]) -> str:
    filled = Template(" ".join(text.split("\n"))).substitute(words)
    return textwrap.fill(filled, WIDTH, break_long_words=False, break_on_hyphens=False)


def utc(at: datetime) -> datetime:
    """A moment for a message's date, whole seconds."""
    return at.astimezone(UTC).replace(microsecond=0)
