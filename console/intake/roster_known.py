"""What the portal knows already of a roster's orgs and people, read outside the import's transaction so that nobody waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.intake.lookups import CHUNK
from console.lazy import sa, t
from models.words import RosterStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True)
class Known:
    """What a person of the portal's roster is, as account types, for a delta that does not repeat it; `school` is an identifier."""

    school: str | None = None
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Portal:
    """The portal as far as reading a roster asks it. `reading` opens a transaction that reads."""

    reading: Callable[[], AbstractContextManager[sa.Connection]]

    def orgs(self) -> dict[str, str]:
        """The type of each active org, by its identifier."""
        with self.reading() as connection:
            s = t.school.c
            rows = connection.execute(sa.select(s.source_id, s.type).where(s.status == RosterStatus.ACTIVE))
            return {row.source_id: row.type for row in rows}

    def people(self, source_ids: Sequence[str]) -> Mapping[str, Known]:
        """Those of these identifiers that are somebody active."""
        found: dict[str, tuple[str | None, set[str]]] = {}
        with self.reading() as connection:
            for start in range(0, len(source_ids), CHUNK):
                part = source_ids[start : start + CHUNK]
                for table, kind in ((t.student, "student"), (t.contact, "parent"), (t.staff, None)):
                    query = sa.select(table.c.source_id, table.c.type if kind is None else sa.literal(kind)).where(
                        table.c.source_id.in_(part), table.c.status == RosterStatus.ACTIVE
                    )
                    for source_id, what in connection.execute(query):
                        found.setdefault(source_id, (None, set()))[1].add(what)
                homes = (
                    sa.select(t.student.c.source_id, t.school.c.source_id)
                    .join(t.school, t.school.c.id == t.student.c.school_id)
                    .where(t.student.c.source_id.in_(part))
                )
                for source_id, school in connection.execute(homes):
                    if source_id in found:
                        found[source_id] = (school, found[source_id][1])
        return {source_id: Known(school, frozenset(kinds)) for source_id, (school, kinds) in found.items()}
