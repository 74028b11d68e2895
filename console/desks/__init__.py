"""The desks, in the order of their digits. Asking for one loads its declaration, not the database."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from console.errors import Usage

if TYPE_CHECKING:
    from console.desk import Desk

DESKS = (
    "registrations",
    "challenges",
    "students",
    "grants",
    "schools",
    "audit",
    "activations",
    "requests",
    "operators",
)


@cache
def desk(name: str) -> Desk:
    """The desk of that name. Raises Usage for any other."""
    if name not in DESKS:
        raise Usage(f"There is no desk {name}; there are {', '.join(DESKS)}.")
    found: Desk = import_module(f"console.desks.{name}").DESK
    return found


def present() -> dict[str, Desk]:
    """The desks that there are, by name; one whose module is not installed is left out."""
    found = {}
    for name in DESKS:
        try:
            found[name] = desk(name)
        except ModuleNotFoundError as error:
            if error.name != f"console.desks.{name}":
                raise
    return found
