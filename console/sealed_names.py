"""How a sealed student's name is kept: encrypted for that student alone, and found again only by who knows it whole.

Sealing, opening and a roster that brings a new name for a sealed student must agree on one form: that is why it stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from console.names import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.vault import Vault

PURPOSE = "sealed name"
"""What the search values of sealed names are computed for (`Vault.mac`)."""


class Name(msgspec.Struct, frozen=True):
    """A student's name as the roster has it, and what else of the row spells it."""

    given: str
    middle: str | None
    family: str
    email: str | None = None
    """The school's mail address, which mostly spells the name."""

    def __repr__(self) -> str:
        return "Name(…)"


_decode = msgspec.json.Decoder(Name).decode


def seal_names(vault: Vault, names: Iterable[tuple[int, Name]]) -> list[tuple[bytes, bytes]]:
    """For each (student's id, name): what `sealed_name.sealed` and `student.sealed_name_mac` hold."""
    pairs = list(names)
    sealed = vault.seal_many("sealed_name", "sealed", [(student, msgspec.json.encode(name)) for student, name in pairs])
    return [(value, search_mac(vault, name)) for value, (_, name) in zip(sealed, pairs, strict=True)]


def open_name(vault: Vault, student: int, sealed: bytes) -> Name:
    """The name that was sealed for this student. Raises as `Vault.open`."""
    return _decode(vault.open("sealed_name", "sealed", student, sealed))


def search_mac(vault: Vault, name: Name) -> bytes:
    """What a sealed name is looked up by: the HMAC of given and family name as they are compared."""
    return vault.mac(PURPOSE, name_key(name.given + name.family))
