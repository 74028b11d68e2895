"""The district's directory, behind four calls and a search: what the house may ask of it, whatever the library underneath.

A seam: `console.directory.ldap.Ldap` is the real one, put together by `console.wiring.open_directory`. No call returns or logs a
password, and none sends a byte of one outside verified TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from console.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotAccepted(Refused):
    """The directory does not let this name in with this password. One sentence for every cause; `code` is for the log."""

    def __init__(self, code: str = "") -> None:
        super().__init__("That name and password do not go together; nobody was signed in. Try again.")
        self.code = code


@dataclass(frozen=True, slots=True)
class Person:
    """One entry of the directory. `id` is its entryUUID or objectGUID in canonical text; `login` is what stands before the @.

    `number` is the district's ID and `codes` its school codes (PORTAL, *Directory*), as they stand in the configured attributes;
    everything is as the directory says it, unchecked and unmasked.
    """

    id: str
    dn: str
    login: str
    given_name: str
    family_name: str
    email: str
    number: str
    codes: tuple[str, ...]
    active: bool


class Directory(Protocol):
    """What is asked of a directory. Every call raises Unavailable when no server answered in time or TLS could not be verified."""

    def authenticate(self, name: str, password: str) -> Person:
        """The person of this name, whose password it is. Raises NotAccepted, for whatever reason."""

    def groups(self, person: Person) -> frozenset[str]:
        """The DNs of the groups that the person is in, directly or through others, in the normal form of `groups.normal`."""

    def is_active(self, directory_id: str) -> Person | None:
        """The person of this id as they are now; None when gone, disabled, locked or expired."""

    def ping(self) -> str:
        """The host that answers the searching account, verified."""

    def people(self) -> Iterator[Person]:
        """Everybody below the base, in pages, each once."""
