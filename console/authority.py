"""Who may do what: the table of rights and roles as data, and the one `authorize()` that every decision passes.

Deny by default. A role is a set of permissions; an operator has one role and either all schools or a named few. What lies
outside an operator's schools does not exist for them, in lists, counts, searches and direct numbers alike. Why each role has what
it has stands in docs/SECURITY.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from console.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping


class Permission(StrEnum):
    """What can be allowed. The first word is the desk."""

    REGISTRATIONS_SEE = "registrations.see"
    REGISTRATIONS_DECIDE = "registrations.decide"
    CHALLENGES_SEE = "challenges.see"
    CHALLENGES_WORK = "challenges.work"
    CHALLENGES_SUSPEND = "challenges.suspend"
    CHALLENGES_DELETE = "challenges.delete"
    STUDENTS_SEE = "students.see"
    STUDENTS_RESTRICT = "students.restrict"
    STUDENTS_REVEAL = "students.reveal"
    GRANTS_SEE = "grants.see"
    GRANTS_DECIDE = "grants.decide"
    SCHOOLS_SEE = "schools.see"
    SCHOOLS_SWITCH = "schools.switch"
    ACTIVATIONS_SEE = "activations.see"
    ACTIVATIONS_DECIDE = "activations.decide"
    REQUESTS_SEE = "requests.see"
    OPERATORS_SEE = "operators.see"
    OPERATORS_DECIDE = "operators.decide"
    AUDIT_SEE = "audit.see"
    AUDIT_EXPORT = "audit.export"
    INTAKE = "intake"
    WORK = "work"


class Role(StrEnum):
    """The kinds of operator (PORTAL, *Who is who*; the help desk cannot delete, reveal or export)."""

    DISTRICT_ADMINISTRATOR = "district_administrator"
    SCHOOL_ADMINISTRATOR = "school_administrator"
    HELP_DESK = "help_desk"
    PRIVACY_OFFICER = "privacy_officer"
    TECHNOLOGY_DIRECTOR = "technology_director"
    AUDITOR = "auditor"
    AFTER_SCHOOL_COORDINATOR = "after_school_coordinator"
    INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class Right:
    """A row of the table: a permission, the letters of the roles that have it, and what it lets them do, in a sentence."""

    permission: Permission
    letters: str
    means: str


@dataclass(frozen=True, slots=True)
class Post:
    """A role as people read it: the letter of its column, a column's head, and what it is for, in a sentence."""

    role: Role
    letter: str
    head: str
    means: str


_P, _R = Permission, Role
# fmt: off
POSTS = (
    Post(_R.DISTRICT_ADMINISTRATOR,   "D", "district",     "Runs the portal and decides who works at the console."),
    Post(_R.SCHOOL_ADMINISTRATOR,     "S", "school",       "Decides for the families and the switches of a school."),
    Post(_R.HELP_DESK,                "H", "help desk",    "Works registrations and challenges; hides and deletes nothing."),
    Post(_R.PRIVACY_OFFICER,          "P", "privacy",      "Protects and reveals names, and releases records."),
    Post(_R.TECHNOLOGY_DIRECTOR,      "T", "technology",   "Runs data, directory and switches; decides of no family."),
    Post(_R.AUDITOR,                  "A", "auditor",      "Reads who decided what and who may; changes nothing."),
    Post(_R.AFTER_SCHOOL_COORDINATOR, "C", "after school", "Decides who works with which student after school."),
    Post(_R.INTAKE,                   "I", "intake",       "A program: brings data in and does what follows."),
)
"""The roles, in the order of the table's columns."""

RIGHTS = (
    Right(_P.REGISTRATIONS_SEE,    "D S H P . . . .", "See who applies for which student."),
    Right(_P.REGISTRATIONS_DECIDE, "D S H . . . . .", "Approve, refuse, ask and put off applications."),
    Right(_P.CHALLENGES_SEE,       "D S H P . . . .", "See who disputes whose tie to a student."),
    Right(_P.CHALLENGES_WORK,      "D S H . . . . .", "Claim, ask about, end and open again a challenge."),
    Right(_P.CHALLENGES_SUSPEND,   "D S H . . . . .", "Suspend a challenged tie or account, and reinstate it."),
    Right(_P.CHALLENGES_DELETE,    "D S . . . . . .", "Delete a challenged account."),
    Right(_P.STUDENTS_SEE,         "D S H P T . C .", "Look students up, names masked, and who may see them."),
    Right(_P.STUDENTS_RESTRICT,    "D S . P . . . .", "Mask names, block or verify parents, keep the directory back."),
    Right(_P.STUDENTS_REVEAL,      "D . . P . . . .", "Show one masked name for a minute, on record."),
    Right(_P.GRANTS_SEE,           "D S . P . . C .", "See who works with which student after school."),
    Right(_P.GRANTS_DECIDE,        "D S . . . . C .", "Approve, extend and revoke after-school grants."),
    Right(_P.SCHOOLS_SEE,          "D S . P T . C .", "See each school's switches."),
    Right(_P.SCHOOLS_SWITCH,       "D S . . T . . .", "Set each school's switches."),
    Right(_P.ACTIVATIONS_SEE,      "D S . . T . . .", "See who is in the directory and has no login yet."),
    Right(_P.ACTIVATIONS_DECIDE,   "D S . . T . . .", "Give people of the directory a login of the portal."),
    Right(_P.REQUESTS_SEE,         "D S H P T A C .", "See what waits for a second person."),
    Right(_P.OPERATORS_SEE,        "D . . . T A . .", "See who works here, in which role, at which schools."),
    Right(_P.OPERATORS_DECIDE,     "D . . . . . . .", "Hire, place, reset and disable operators."),
    Right(_P.AUDIT_SEE,            "D S . P T A . .", "Read the records of what was decided and looked at."),
    Right(_P.AUDIT_EXPORT,         "D . . P . A . .", "Take records out of the portal, with their proofs."),
    Right(_P.INTAKE,               "D . . . T . . I", "Bring in rosters and what the portal collected."),
    Right(_P.WORK,                 "D . . . T . . I", "Run the worker, and see what it could not send."),
)
"""Every permission once, and who has it: one column a role, a dot where it has not."""
# fmt: on

ROLES: Mapping[Role, frozenset[Permission]] = {
    post.role: frozenset(right.permission for right in RIGHTS if post.letter in right.letters) for post in POSTS
}
"""The same by role, as `authorize()` reads it."""

POST_OF: Mapping[Role, Post] = {post.role: post for post in POSTS}


def holding(permission: Permission) -> tuple[Role, ...]:
    """The roles that have the permission: the declared order."""
    return tuple(role for role, held in ROLES.items() if permission in held)


def unfit(role: Role, *, unattended: bool) -> str:
    """Why nobody can have this role so, in words; "" where it fits. A program has the one narrow role, and no person has it."""
    if unattended and role is not Role.INTAKE:
        return "a program has the role intake and no other"
    if role is Role.INTAKE and not unattended:
        return "the role intake is a program's"
    return ""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is at the console. `schools` is None for all, otherwise the ids of the schools that exist for them.

    `session` is the sign-in that vouches for them, None where none is asked for: programs, the demonstration.
    """

    id: int
    name: str
    role: Role
    schools: frozenset[int] | None = None
    unattended: bool = False
    session: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the operator's role has the permission; a program has no more than the role intake, whatever its row says."""
        return permission in ROLES[self.role] and (not self.unattended or permission in ROLES[Role.INTAKE])


def authorize(operator: Operator, permission: Permission) -> None:
    """Let the operator through, or raise Refused with what is missing. The only place that says no by right."""
    if not operator.may(permission):
        role = operator.role.replace("_", " ")
        raise Refused(
            f"The role {role} does not have the right {permission}; nothing was done. Ask a district administrator."
        )


def authorize_everywhere(operator: Operator, permission: Permission) -> None:
    """The same for what is about the whole district: Refused also for an operator of some schools."""
    authorize(operator, permission)
    if operator.schools is not None:
        raise Refused("This is about the whole district; nothing was done. Ask an operator of all schools.")
