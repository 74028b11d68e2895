"""Which role and schools a person of the directory has here: what `[directory] roles` says of the groups they are in.

Promises: who is in no group of the settings has no place. Who is in several has the place of the one that stands first in the file,
whole and alone: roles and schools are never added up, so that nobody gets more than one line of the file gives. Put what gives least
first where people are in several groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.authority import Role
from console.directory.groups import normal

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from console.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """A role, and the codes of its schools: None for all schools, never empty. `group` is the line of the file that gave it."""

    role: Role
    schools: tuple[str, ...] | None
    group: str


def placed(settings: Settings, groups: AbstractSet[str]) -> Place | None:
    """The place of who is in these groups (`Directory.groups`, normal DNs); None for none."""
    for group, given in settings.directory.roles:
        if normal(group) in groups:
            role, *codes = given.split()
            return Place(Role(role), tuple(codes) or None, group)
    return None
