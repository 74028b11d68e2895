"""What people type as their name, in any case: a login, one with a mail domain behind an @, one with a domain before a backslash.

Promises: what is understood is a login name and, where one was typed, a domain; what is not, is nobody. A name never becomes part of
a search other than escaped.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.directory import NotAccepted

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 256
"""Characters of a name; a userPrincipalName has at most 1,024, a person's login some 20."""
LONGEST_PASSWORD = 1024
META = {"\\": r"\5c", "*": r"\2a", "(": r"\28", ")": r"\29", "\x00": r"\00"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A name as it was meant: what stands before the @, the mail domain after it, the domain before a backslash; empty for none."""

    login: str
    domain: str = ""
    realm: str = ""


def typed(name: str, mail_domains: Iterable[str]) -> Typed:
    """Understand what was typed. Raises NotAccepted for what is no name here: empty, unprintable, of another domain."""
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise NotAccepted("no name")
    realm, slash, login = name.rpartition("\\")
    if slash:
        if not realm or "\\" in realm or not login or "@" in name:
            raise NotAccepted("no name")
        return Typed(login, realm=realm)
    login, at, domain = name.rpartition("@")
    if not at:
        return Typed(name)
    known = {each.casefold().removeprefix("@") for each in mail_domains}
    if (
        not login
        or not domain.replace(".", "").replace("-", "").isalnum()
        or (known and domain.casefold() not in known)
    ):
        raise NotAccepted("other domain")
    return Typed(login, domain)


def usable(password: str) -> bool:
    """Whether a password may be sent in a bind at all.

    A bind with a name and an empty password succeeds as nobody (RFC 4513, 5.1.2), and SASLprep makes empty what is drawn as nothing;
    a NUL ends it early in some servers; half a character is no UTF-8.
    """
    if "\x00" in password or len(password) > LONGEST_PASSWORD or any("\ud800" <= each <= "\udfff" for each in password):
        return False
    return any(
        not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Cc", "Cn", "Cs", "Mn")
        for letter in unicodedata.normalize("NFKC", password)
    )


def escaped(value: str) -> str:
    """A value as it stands in a search filter (RFC 4515): nothing in it means more than itself."""
    return "".join(META.get(letter, letter) for letter in value)


def same(one: str, other: str) -> bool:
    """Whether two login names are one: case does not count, nor how a letter with a mark is composed."""
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other).casefold()
