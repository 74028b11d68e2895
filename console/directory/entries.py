"""An entry as the directory sends it, and the person that it means.

Promises: values are taken as bytes and read here, so that no library's idea of a schema stands between; an entry without an identity
or a login is nobody. Text is as the directory says it, unchecked and unmasked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from console.directory import Person
from console.directory.names import Typed, escaped
from console.directory.standing import ATTRIBUTES as STANDING
from console.directory.standing import inactive
from console.settings.signing_tables import ACTIVE_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from console.settings.signing_tables import DirectorySettings

ENTRY_UUID = "entryUUID"
OBJECT_GUID = "objectGUID"
ANY_PERSON = {"active_directory": "(objectCategory=person)(objectClass=user)", "openldap": ""}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its DN and its values by attribute name in small letters."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> tuple[str, ...]:
        """The values of an attribute, in the directory's order; bytes that are no UTF-8 stay visible as replacements."""
        return tuple(each.decode("utf-8", "replace") for each in self.values.get(attribute.lower(), ()))

    def text(self, attribute: str) -> str:
        """The first value; empty for none."""
        found = self.texts(attribute)
        return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How entries of a district's directory are searched and read."""

    settings: DirectorySettings

    @property
    def active_directory(self) -> bool:
        """Whether it is an Active Directory; an OpenLDAP otherwise."""
        return self.settings.kind == ACTIVE_DIRECTORY

    @property
    def login(self) -> str:
        """The attribute with the login name."""
        return self.settings.login_attribute or ("userPrincipalName" if self.active_directory else "uid")

    @property
    def identity(self) -> str:
        """The attribute with what never changes and is never given to another entry."""
        return OBJECT_GUID if self.active_directory else ENTRY_UUID

    @property
    def attributes(self) -> list[str]:
        """What is asked for of a person."""
        own = self.settings
        names = [self.identity, self.login, "givenName", "sn", "mail", own.number_attribute, own.code_attribute]
        return [*dict.fromkeys([*names, *STANDING[own.kind]])]

    def named(self, name: Typed) -> str:
        """The filter for who has this name. More than one may match it, and then it is nobody's."""
        login = escaped(name.login)
        if name.realm and self.active_directory:
            return self.people(f"(sAMAccountName={login})")
        if name.domain:
            ends = [f"@{escaped(name.domain)}"]
        else:
            ends = [f"@{escaped(each.removeprefix('@'))}" for each in self.settings.mail_domains] or ["@*"]
        either = "".join(f"({self.login}={login}{end})" for end in ["", *ends])
        return self.people(f"(|{either})")

    def identified(self, directory_id: str) -> str | None:
        """The filter for who has this identity; None for text that is none."""
        try:
            known = UUID(directory_id)
        except ValueError:
            return None
        if str(known) != directory_id:
            return None
        value = "".join(f"\\{byte:02x}" for byte in known.bytes_le) if self.active_directory else str(known)
        return self.people(f"({self.identity}={value})")

    def people(self, those: str = "") -> str:
        """The filter for people, or those of them."""
        return f"(&({self.login}=*){ANY_PERSON[self.settings.kind]}{those})"

    def logins(self, entry: Entry) -> list[str]:
        """Every login name of an entry: what stands before the @."""
        return [value.partition("@")[0] for value in entry.texts(self.login)]

    def person(self, entry: Entry, now: datetime) -> Person | None:
        """The person that an entry means; None for an entry without identity, login or DN."""
        identity, logins = self._identity(entry), self.logins(entry)
        if identity is None or not logins or not logins[0] or not entry.dn:
            return None
        return Person(
            id=identity,
            dn=entry.dn,
            login=logins[0],
            given_name=entry.text("givenName"),
            family_name=entry.text("sn"),
            email=entry.text("mail"),
            number=entry.text(self.settings.number_attribute),
            codes=entry.texts(self.settings.code_attribute),
            active=inactive(entry, self.settings.kind, now) is None,
        )

    def _identity(self, entry: Entry) -> str | None:
        values = entry.values.get(self.identity.lower(), ())
        if len(values) != 1:
            return None
        try:
            return str(UUID(bytes_le=values[0]) if self.active_directory else UUID(values[0].decode("ascii")))
        except ValueError:
            return None
