"""`district roles`: which role has which right, from the one table that `authorize()` reads."""

from __future__ import annotations

import click

from console.authority import ROLES, Permission, Role
from console.cli.output import format_option, write_rows

SHORT = {
    Role.DISTRICT_ADMINISTRATOR: "district",
    Role.SCHOOL_ADMINISTRATOR: "school",
    Role.HELP_DESK: "help desk",
    Role.PRIVACY_OFFICER: "privacy",
    Role.TECHNOLOGY_DIRECTOR: "technology",
    Role.AUDITOR: "auditor",
    Role.AFTER_SCHOOL_COORDINATOR: "after school",
    Role.INTAKE: "intake",
}
"""Roles as a column's head."""


@click.command("roles")
@format_option
def command(form: str) -> None:
    """Show what each role may do.

    An operator has one role, for all schools or for a few; what lies outside them does not exist for that operator.
    """
    rows = [{"right": str(right)} | {str(role): right in ROLES[role] for role in Role} for right in Permission]
    titles = {str(role): SHORT.get(role, role.replace("_", " ")) for role in Role}
    write_rows(rows, ["right", *(str(role) for role in Role)], form, titles=titles)
