"""Who may do what: permissions, roles as data, and the one `authorize()` that every decision passes.

Deny by default. A role is a set of permissions; an operator has one role and either all schools or a named few. What lies
outside an operator's schools does not exist for them, in lists, counts, searches and direct numbers alike.
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


_P = Permission
_SEE = frozenset(
    {
        _P.REGISTRATIONS_SEE,
        _P.CHALLENGES_SEE,
        _P.STUDENTS_SEE,
        _P.GRANTS_SEE,
        _P.SCHOOLS_SEE,
        _P.AUDIT_SEE,
        _P.REQUESTS_SEE,
    }
)

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.DISTRICT_ADMINISTRATOR: frozenset(Permission),
    Role.SCHOOL_ADMINISTRATOR: _SEE
    | {
        _P.REGISTRATIONS_DECIDE,
        _P.CHALLENGES_WORK,
        _P.CHALLENGES_SUSPEND,
        _P.CHALLENGES_DELETE,
        _P.STUDENTS_RESTRICT,
        _P.GRANTS_DECIDE,
        _P.SCHOOLS_SWITCH,
        _P.ACTIVATIONS_SEE,
        _P.ACTIVATIONS_DECIDE,
    },
    Role.HELP_DESK: frozenset(
        {
            _P.REGISTRATIONS_SEE,
            _P.REGISTRATIONS_DECIDE,
            _P.CHALLENGES_SEE,
            _P.CHALLENGES_WORK,
            _P.CHALLENGES_SUSPEND,
            _P.STUDENTS_SEE,
            _P.REQUESTS_SEE,
        }
    ),
    Role.PRIVACY_OFFICER: _SEE | {_P.STUDENTS_RESTRICT, _P.STUDENTS_REVEAL, _P.AUDIT_EXPORT},
    Role.TECHNOLOGY_DIRECTOR: _SEE | {_P.SCHOOLS_SWITCH, _P.ACTIVATIONS_SEE, _P.ACTIVATIONS_DECIDE, _P.INTAKE, _P.WORK},
    Role.AUDITOR: frozenset({_P.AUDIT_SEE, _P.AUDIT_EXPORT, _P.REQUESTS_SEE}),
    Role.AFTER_SCHOOL_COORDINATOR: frozenset(
        {_P.GRANTS_SEE, _P.GRANTS_DECIDE, _P.STUDENTS_SEE, _P.SCHOOLS_SEE, _P.REQUESTS_SEE}
    ),
    Role.INTAKE: frozenset({_P.INTAKE, _P.WORK}),
}


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
        """Whether the operator's role has the permission."""
        return permission in ROLES[self.role]


def authorize(operator: Operator, permission: Permission) -> None:
    """Let the operator through, or raise Refused with what is missing. The only place that says no by right."""
    if not operator.may(permission):
        role = operator.role.replace("_", " ")
        raise Refused(
            f"The role {role} does not have the right {permission}; nothing was done. Ask a district administrator."
        )
