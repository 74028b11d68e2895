"""The records of an export as a report shows them, read a chunk at a time in the ledger's order.

Who decided is named; whom a case is about and why it was decided stand there only when asked for, for both are personal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from console.deciding.choosing import in_scope
from console.desks import DESKS, desk
from console.errors import ConsoleError
from console.lazy import sa, t
from console.ledger.log import Record, decode
from console.text import SafeText, join, paragraph, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from console.desk import Sight
    from console.filters import Predicate
    from console.office import Office

T = TypeVar("T")

CHUNK = 5_000
"""Records of one transaction."""

SLICE = 500
"""Values of one IN list."""

_SLASH = safe(" / ")


@dataclass(frozen=True, slots=True)
class Line:
    """A record with what a report adds to it, printable: who decided, whom it is about, why."""

    record: Record
    operator: SafeText
    about: SafeText
    reason: SafeText


class Lines:
    """What matches, below `size`. Iterating reads it anew, each time the same: a log only grows."""

    def __init__(
        self, office: Office, sight: Sight, where: Sequence[Predicate], size: int, *, names: bool, reasons: bool
    ) -> None:
        self._office = office
        self._sight = sight
        self._where = [*where, t.record.c.log == "ledger", t.record.c.index < size]
        self._names = names
        self._reasons = reasons
        self._operators: dict[int, SafeText] = {}

    def count(self, cap: int) -> int:
        """How many there are, counted no further than one above `cap`."""
        capped = sa.select(sa.literal(1)).select_from(self._source()).where(*self._where).limit(cap + 1).subquery()
        with self._office.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(capped)).scalar_one())

    def indexes(self) -> sa.Select[int]:
        """The query for the indexes alone."""
        return sa.select(t.record.c.index).select_from(self._source()).where(*self._where).order_by(t.record.c.index)

    def bodies(self) -> Iterator[tuple[int, str]]:
        """Index and exact bytes (as text) of each record."""
        for chunk in self._chunks(lambda _, rows: rows):
            yield from chunk

    def __iter__(self) -> Iterator[Line]:
        for chunk in self._chunks(self._lines):
            yield from chunk

    def _lines(self, connection: sa.Connection, rows: list[tuple[int, str]]) -> list[Line]:
        records = [decode(body) for _, body in rows]
        self._learn(connection, {record.operator for record in records})
        about = self._about(connection, records) if self._names else {}
        reasons = self._opened(connection, records) if self._reasons else {}
        return [
            Line(
                record,
                self._operators[record.operator],
                about.get((record.desk, record.case), safe("")),
                reasons.get(record.detail, safe("")),
            )
            for record in records
        ]

    def _source(self) -> sa.FromClause:
        return desk("audit").source()

    def _chunks(self, work: Callable[[sa.Connection, list[tuple[int, str]]], list[T]]) -> Iterator[list[T]]:
        """What `work` makes of each chunk; between two chunks nothing is locked."""
        last = -1
        while True:
            with self._office.reading() as connection:
                found = connection.execute(
                    sa.select(t.record.c.index, t.record.c.body)
                    .select_from(self._source())
                    .where(*self._where, t.record.c.index > last)
                    .order_by(t.record.c.index)
                    .limit(CHUNK)
                ).all()
                rows = [(index, body) for index, body in found]
                made = work(connection, rows) if rows else []
            if not rows:
                return
            yield made
            last = rows[-1][0]

    def _learn(self, connection: sa.Connection, wanted: set[int]) -> None:
        for number in wanted - set(self._operators):
            name = connection.execute(sa.select(t.operator.c.name).where(t.operator.c.id == number)).scalar()
            self._operators[number] = safe(name) if name else safe(f"no. {number}")

    def _about(self, connection: sa.Connection, records: Sequence[Record]) -> dict[tuple[str, int], SafeText]:
        """Whom the cases are about, as their desk's queue calls them: its growing columns, masked as there."""
        found: dict[tuple[str, int], SafeText] = {}
        for name in sorted({record.desk for record in records} & (set(DESKS) - {"audit"})):
            of = desk(name)
            if not self._sight.operator.may(of.see):
                continue
            titled = [column.name for column in of.columns if column.grows]
            cases = sorted({record.case for record in records if record.desk == name})
            for start in range(0, len(cases), SLICE):
                query = (
                    sa.select(of.key().label("id"), of.state(self._sight).label("state"), *of.shown(self._sight))
                    .select_from(of.source())
                    .where(of.among(cases[start : start + SLICE]), *in_scope(of, self._sight))
                )
                for row in connection.execute(query):
                    values = of.values(row, self._sight)
                    found[name, row.id] = join((safe(str(values[each])) for each in titled if values.get(each)), _SLASH)
        return found

    def _opened(self, connection: sa.Connection, records: Sequence[Record]) -> dict[str, SafeText]:
        """The sealed details, opened: the reason first, then what else was said."""
        batches = {record.detail: record.batch for record in records if record.detail}
        digests = sorted(batches)
        found: dict[str, SafeText] = {}
        detail = t.record_detail
        for start in range(0, len(digests), SLICE):
            wanted = [bytes.fromhex(each) for each in digests[start : start + SLICE]]
            rows = connection.execute(sa.select(detail.c.digest, detail.c.sealed).where(detail.c.digest.in_(wanted)))
            for digest, sealed in rows:
                name = bytes(digest).hex()
                found[name] = self._words(batches[name], bytes(sealed))
        return found

    def _words(self, batch: str, sealed: bytes) -> SafeText:
        try:
            said: dict[str, Any] = msgspec.json.decode(
                self._office.vault.open("record_detail", "sealed", batch, sealed)
            )
        except ConsoleError:
            return safe("(its key was destroyed)")
        parts = [*paragraph(str(said.pop("reason", "")))]
        for name, value in said.items():
            parts += [safe(f"{name.replace('_', ' ')}: {value}")]
        return join(parts, _SLASH)
