"""A directory in memory for tests: what a test puts into it is what a reading finds; it can break off in the middle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.directory import NotAccepted, Person
from console.directory.syncing import sync
from console.errors import Unavailable
from models import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.authority import Operator
    from console.intake.report import ImportReport
    from tests.portals import Portal


def entry(
    login: str,
    given: str = "Sam",
    family: str = "Sample",
    number: str = "",
    *codes: str,
    id: str = "",  # noqa: A002 - the protocol's word
    email: str | None = None,
    active: bool = True,
) -> Person:
    """Somebody of the directory, of Lincoln's code unless another is given."""
    return Person(
        id=id or f"id-{login}",
        dn=f"uid={login},ou=people",
        login=login,
        given_name=given,
        family_name=family,
        email=f"{login}@district.example" if email is None else email,
        number=number,
        codes=codes or ("lincoln",),
        active=active,
    )


@dataclass
class Listing:
    """The directory: `people` in their order; `breaks_after` is how many are read before no server answers."""

    entries: list[Person] = field(default_factory=list)
    breaks_after: int | None = None

    def people(self) -> Iterator[Person]:
        for n, each in enumerate(self.entries):
            if n == self.breaks_after:
                raise Unavailable("The directory does not answer; nothing was done.")
            yield each

    def authenticate(self, name: str, password: str) -> Person:
        raise NotAccepted

    def groups(self, person: Person) -> frozenset[str]:
        return frozenset()

    def is_active(self, directory_id: str) -> Person | None:
        return None

    def ping(self) -> str:
        return "memory"


def read(portal: Portal, *people: Person, by: Operator | None = None, key: str = "", **how: Any) -> ImportReport:
    """One sync of these people."""
    number = portal.number("sync")
    return sync(portal.office, by or portal.operator(), Listing(list(people)), key=key or f"sync-{number}", **how)


def case(portal: Portal, login: str) -> Any:
    """The entry of this login as it is typed there."""
    d = t.directory_user
    (row,) = portal.all(sa.select(d).where(d.c.login == login))
    return row


def teacher(portal: Portal, number: str = "900", *, school: int | None, **values: Any) -> int:
    """A teacher of the roster, at a school."""
    made = portal.add(
        t.staff,
        **{
            "source_id": f"staff-{number}",
            "number": number,
            "given_name": "Tess",
            "family_name": "Teach",
            "type": "certificated",
            **values,
        },
    )
    if school is not None:
        portal.add(t.post, staff_id=made, school_id=school)
    return made
