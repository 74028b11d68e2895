"""What the table [directory] must hold together: half a directory is none, and a role misspelt is a right that nobody meant.

Said when the settings are read, by every command, before anything is asked of anybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from console.errors import Usage
from console.settings.tables import nearest

if TYPE_CHECKING:
    from console.settings.signing_tables import DirectorySettings

ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+")
"""An attribute's name or number (RFC 4512, 2.5)."""
NEEDED = {
    "user": "the DN of the account that searches",
    "password_file": "a file with its password, for an empty one would search as nobody",
    "base": "where people are searched below",
}


def check(directory: DirectorySettings, where: str) -> None:
    """Raise Usage for a directory that cannot be asked safely, a DN that is none, a role that does not exist."""
    if directory.hosts:
        for key, what in NEEDED.items():
            if not getattr(directory, key):
                raise Usage(f"{where}: directory.hosts needs directory.{key}, {what}.")
    for key in ("user", "base"):
        _dn(getattr(directory, key), f"directory.{key}", where)
    for key in ("login_attribute", "number_attribute", "code_attribute"):
        if getattr(directory, key) and not ATTRIBUTE.fullmatch(getattr(directory, key)):
            raise Usage(f"{where}: directory.{key} must be an attribute's name such as employeeID.")
    _roles(directory.roles, where)


def _roles(roles: tuple[tuple[str, str], ...], where: str) -> None:
    from console.authority import Role, unfit

    known = [role.value for role in Role if not unfit(role, unattended=False)]
    seen: set[str] = set()
    for number, (group, given) in enumerate(roles, 1):
        form = _dn(group, f"the group of line {number} in directory.roles", where)
        if not form or form in seen:
            fault = "is named twice" if form else "has no name"
            raise Usage(f"{where}: the group of line {number} in directory.roles {fault}; name each group once.")
        seen.add(form)
        role = given.split()[0] if given.strip() else ""
        if role not in known:
            raise Usage(
                f"{where}: the role of line {number} in directory.roles is none that a person can have; "
                f"the nearest known one is {nearest(role, known)}."
            )


def _dn(text: str, what: str, where: str) -> str:
    """The normal form of a DN; empty for empty text."""
    from console.directory.groups import normal

    try:
        return normal(text) if text else ""
    except ValueError:
        raise Usage(f"{where}: {what} must be a DN such as ou=people,dc=district,dc=example.") from None
