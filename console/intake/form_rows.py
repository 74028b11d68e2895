"""The rows of the portal's files as they are read: typed, with their line. Their repr names only the line, never the person."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime


class Registration(NamedTuple):
    """A person's own application for an account or for a tie to a student."""

    line: int
    ref: str
    kind: str
    arrived_at: datetime
    login: str
    given_name: str
    family_name: str
    student_number: str
    email: str | None
    phone: str | None
    student_given_name: str | None
    student_family_name: str | None
    relation: str | None
    verification_code: str | None
    organisation: str | None
    school: str | None

    def __repr__(self) -> str:
        return f"Registration(line={self.line})"


class Challenge(NamedTuple):
    """A student's or approved parent's written challenge of somebody's tie to the student."""

    line: int
    ref: str
    arrived_at: datetime
    challenger: str
    challenged: str
    student_number: str
    statement: str

    def __repr__(self) -> str:
        return f"Challenge(line={self.line})"


class GrantRequest(NamedTuple):
    """An after-school professional's request for one student. `ends` is the last day."""

    line: int
    ref: str
    arrived_at: datetime
    login: str
    student_number: str
    purpose: str
    starts: date | None
    ends: date | None

    def __repr__(self) -> str:
        return f"GrantRequest(line={self.line})"


class Consent(NamedTuple):
    """A parent's consent to a grant, given or withdrawn."""

    line: int
    ref: str
    at: datetime
    grant_ref: str
    login: str
    action: str

    def __repr__(self) -> str:
        return f"Consent(line={self.line})"


class Answer(NamedTuple):
    """What somebody answered to a question in their case; `withdraws` takes the application back."""

    line: int
    ref: str
    at: datetime
    desk: str
    case_ref: str
    text: str
    withdraws: bool

    def __repr__(self) -> str:
        return f"Answer(line={self.line})"


class Account(NamedTuple):
    """An account that a portal in use has, with one of its ties. An account with several ties has several rows."""

    line: int
    login: str
    type: str
    given_name: str
    family_name: str
    ref: str | None
    email: str | None
    phone: str | None
    person: str | None
    schools: tuple[str, ...]
    organisation: str | None
    agreement_required: bool | None
    agreement_from: date | None
    agreement_until: date | None
    created_at: datetime | None
    active: bool
    student_number: str | None
    relation: str | None
    level: str | None
    since: datetime | None

    def __repr__(self) -> str:
        return f"Account(line={self.line})"
