"""Finds whom incoming rows speak of, a chunk of rows at a time: accounts by login, students by number, their schools and ties."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from models.words import InitialRights, MembershipStatus, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHUNK = 2_000
"""Rows looked up together: their values fit into one statement on either engine."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def login_key(login: str) -> str:
    """A login as it is compared: A to Z without case, as the views do it."""
    return login.strip().translate(_LOWER)


def accounts_of(connection: sa.Connection, logins: Iterable[str]) -> dict[str, Any]:
    """Rows of `account` by login key."""
    a = t.account.c
    keys = {login_key(login) for login in logins}
    rows = connection.execute(
        sa.select(a.id, a.login_key, a.type, a.status, a.origin, a.student_id, a.staff_id).where(a.login_key.in_(keys))
    )
    return {row.login_key: row for row in rows}


@dataclass(frozen=True, slots=True)
class Students:
    """Students by number. Numbers change hands: whoever is enrolled now comes first, and a family name decides between two."""

    by_number: Mapping[str, list[Any]]

    @classmethod
    def numbered(cls, connection: sa.Connection, numbers: Iterable[str]) -> Students:
        """The students who have one of these numbers."""
        s = t.student.c
        found: dict[str, list[Any]] = {}
        rows = connection.execute(
            sa.select(s.id, s.number, s.family_key, s.school_id, s.status)
            .where(s.number.in_(set(numbers)))
            .order_by(s.id)
        )
        for row in rows:
            found.setdefault(row.number, []).append(row)
        return cls(found)

    def find(self, number: str, family_key: str = "") -> Any | None:
        """The one student that is meant, or None when there is none or nothing tells which."""
        found = self.by_number.get(number, [])
        present = [row for row in found if row.status == RosterStatus.ACTIVE] or found
        if len(present) > 1 and family_key:
            present = [row for row in present if row.family_key == family_key]
        return present[0] if len(present) == 1 else None


def memberships_of(connection: sa.Connection, accounts: Iterable[int]) -> dict[tuple[int, int], Any]:
    """The ties of these accounts by (account, student)."""
    m = t.membership.c
    rows = connection.execute(
        sa.select(m.id, m.account_id, m.student_id, m.status).where(m.account_id.in_(set(accounts)))
    )
    return {(row.account_id, row.student_id): row for row in rows}


@dataclass(frozen=True, slots=True)
class Schools:
    """Every school's switch for arrivals, and schools by code."""

    rights: Mapping[int, str]
    by_code: Mapping[str, int]

    @classmethod
    def all(cls, connection: sa.Connection) -> Schools:
        """Read them; there are some hundreds at most."""
        c = t.school.c
        rows = connection.execute(
            sa.select(c.id, c.code, c.initial_rights, c.status).order_by(c.status.desc(), c.id)
        ).all()
        return cls(
            {row.id: row.initial_rights for row in rows},
            {row.code.casefold(): row.id for row in rows},
        )

    def waits(self, school: int | None) -> bool:
        """Whether arrivals wait there for an approval before they see anything; unknown schools are careful."""
        return school is None or self.rights.get(school) == InitialRights.APPROVE_FOR_ANY

    def arrival(self, kind: str, school: int | None) -> MembershipStatus:
        """What a new tie starts as (PORTAL, *Registrations*: initial rights)."""
        if kind == "parent" and not self.waits(school):
            return MembershipStatus.LIMITED
        return MembershipStatus.PENDING

    def coded(self, code: str | None) -> int | None:
        """The school of that code, any case."""
        return self.by_code.get(code.strip().casefold()) if code else None
