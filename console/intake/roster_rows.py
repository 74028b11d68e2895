"""What a roster says, one type for each of its files: rows that the import loads and that know their line.

Rows are tuples in declared order, the line first, so that a staging table can take them as they are. Race, ethnicity, sex and
place of birth have no place here: nothing in this console needs them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime


ACCOUNT_TYPES: Mapping[str, str] = {
    "administrator": "district_administrator",
    "districtAdministrator": "district_administrator",
    "principal": "school_administrator",
    "siteAdministrator": "school_administrator",
    "systemAdministrator": "school_administrator",
    "teacher": "certificated",
    "counselor": "certificated",
    "aide": "classified",
    "proctor": "classified",
    "parent": "parent",
    "guardian": "parent",
    "relative": "parent",
    "student": "student",
}
"""A roster's role and the portal's account type. A `relative` is never strong evidence of parenthood."""

_WEIGHT = (
    "district_administrator",
    "school_administrator",
    "certificated",
    "classified",
    "parent",
    "student",
    "other",
)


def account_type(role: str) -> str:
    """The portal's account type for a roster's role; "other" for extensions."""
    return ACCOUNT_TYPES.get(role, "other")


class Status(StrEnum):
    """What a row says of its subject. The old word `inactive` reads as `tobedeleted`; blank in a bulk file as `active`."""

    ACTIVE = "active"
    WITHDRAWN = "tobedeleted"


class AcademicSession(NamedTuple):
    """A term, semester, school year or grading period. Dates are None only in a withdrawn row."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    title: str
    type: str
    start_date: date | None
    end_date: date | None
    parent: str | None
    school_year: str | None


class Org(NamedTuple):
    """A school, district, department or authority. `type` is blank only in a withdrawn row."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    name: str
    type: str
    identifier: str | None
    parent: str | None


class Course(NamedTuple):
    """A course of an org."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    title: str
    code: str | None
    org: str | None
    school_year: str | None
    grades: tuple[str, ...]
    subjects: tuple[str, ...]


class Section(NamedTuple):
    """A class (the file is classes.csv): a course held for a group at a school."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    title: str
    code: str | None
    type: str | None
    course: str | None
    school: str
    terms: tuple[str, ...]
    grades: tuple[str, ...]
    subjects: tuple[str, ...]
    periods: tuple[str, ...]


class Role(NamedTuple):
    """One role of a user at one or more orgs. `account_type` is the portal's word for it."""

    role: str
    account_type: str
    orgs: tuple[str, ...]
    primary: bool
    begin_date: date | None
    end_date: date | None


class RoleRow(NamedTuple):
    """A row of roles.csv (1.2). A delta may change roles of users whom users.csv does not name."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    user: str
    role: str
    account_type: str
    primary: bool
    org: str
    begin_date: date | None
    end_date: date | None


class User(NamedTuple):
    """A person of the roster: student, staff or guardian. Its repr names the line, not the person.

    `agents` are users tied to this one, in either direction. On guardians, `restricted_students` are those whom a court
    order or the like concerns and `restriction_reference` names it. `user_ids` are (type, id) pairs.
    """

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    enabled: bool
    username: str | None
    given_name: str
    family_name: str
    middle_name: str | None
    preferred_given_name: str | None
    preferred_middle_name: str | None
    preferred_family_name: str | None
    identifier: str | None
    email: str | None
    sms: str | None
    phone: str | None
    user_ids: tuple[tuple[str, str], ...]
    agents: tuple[str, ...]
    grades: tuple[str, ...]
    primary_org: str | None
    restricted_students: tuple[str, ...]
    restriction_reference: str | None
    relation: str | None
    verification_code: str | None
    directory_opt_out: bool | None
    roles: tuple[Role, ...]

    def __repr__(self) -> str:
        return f"User(line={self.line})"

    @property
    def account_type(self) -> str:
        """The portal's word for the weightiest of the roles; "other" without any."""
        return min((role.account_type for role in self.roles), key=_WEIGHT.index, default="other")


class Enrollment(NamedTuple):
    """A user in a class. `end_date` is the first day no longer enrolled."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    section: str
    school: str | None
    user: str
    role: str
    primary: bool | None
    begin_date: date | None
    end_date: date | None


class Demographics(NamedTuple):
    """A user's date of birth; `sourced_id` is the user's. Its repr names the line, not the person."""

    line: int
    sourced_id: str
    status: Status
    modified: datetime | None
    birth_date: date | None

    def __repr__(self) -> str:
        return f"Demographics(line={self.line})"


class Link(NamedTuple):
    """That a guardian and a student belong together, as one of the two rows says it. The other row may say it again.

    `restricted` is true when the guardian's own row lists the student as restricted: of two rows, the one that restricts counts.
    Whether the other end has the right role is for the import to see, it may stand in an earlier file; a student who is a
    parent is told apart that way too.
    """

    line: int
    guardian: str
    student: str
    relation: str | None
    restricted: bool
    restriction_reference: str | None


def links_of(user: User) -> Iterator[Link]:
    """What the user's row says of who is whose guardian: a student's agents, a guardian's students, and those restricted.

    A restricted student is linked even where `agents` leaves them out: a court order that is overlooked is the worse error.
    """
    kinds = {role.account_type for role in user.roles}
    if "student" in kinds:
        for agent in user.agents:
            yield Link(user.line, agent, user.sourced_id, None, restricted=False, restriction_reference=None)
    if "parent" in kinds:
        for student in dict.fromkeys((*user.agents, *user.restricted_students)):
            restricted = student in user.restricted_students
            reference = user.restriction_reference if restricted else None
            yield Link(user.line, user.sourced_id, student, user.relation, restricted, reference)
