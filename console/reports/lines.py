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
    from console.progress import Progress

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


@dataclass(frozen=True, slots=True)
class Window:
    """Records that follow each other in a report: their first and last index, how many, their texts (UTF-8, a line each)."""

    first: int
    last: int
    count: int
    nulls: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the records lie: on PostgreSQL or SQLite, and beside which operators' names."""

    postgres: bool
    operators: dict[int, str]


class Lines:
    """What matches, below `size`. Iterating reads it anew, each time the same: a log only grows."""

    def __init__(
        self,
        office: Office,
        sight: Sight,
        where: Sequence[Predicate],
        size: int,
        *,
        names: bool,
        reasons: bool,
        said: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`said` is called with how many more were read."""
        self._asked = (office, sight, where, size)
        self._office = office
        self._sight = sight
        self._where = [*where, t.record.c.log == "ledger", t.record.c.index < size]
        self._names = names
        self._reasons = reasons
        self._operators: dict[int, SafeText] = {}
        self._said = said

    def watched(self, progress: Progress, total: int, what: str) -> Lines:
        """The same, telling how far the reading is."""
        done = 0

        def say(many: int) -> None:
            nonlocal done
            done += many
            progress.say(done, total, what)

        return Lines(*self._asked, names=self._names, reasons=self._reasons, said=say)

    def said(self, many: int) -> None:
        """Tell that so many more are written; iterating over lines does it by itself, who takes windows does it."""
        self._said(many)

    def between(self, first: int, last: int) -> Lines:
        """Those from index `first` to `last`."""
        office, sight, where, size = self._asked
        within = [*where, t.record.c.index >= first, t.record.c.index <= last]
        return Lines(office, sight, within, size, names=self._names, reasons=self._reasons)

    def ground(self) -> Ground:
        """What the database is that puts lines together."""
        with self._office.reading() as connection:
            found = connection.execute(sa.select(t.operator.c.id, t.operator.c.name))
            return Ground(connection.dialect.name == "postgresql", {row.id: row.name for row in found})

    def windows(
        self, line: sa.ColumnElement[str], together: int, nullable: Sequence[sa.ColumnElement[Any]] = ()
    ) -> Iterator[Window]:
        """`line` of each, many at a time, put together by the database; with how many of `nullable` are null in them."""
        index = t.record.c.index
        named = (each.label(f"n{n}") for n, each in enumerate(nullable))
        rows = (
            sa.select(index.label("place"), line.label("line"), *named)
            .select_from(self._source())
            .where(*self._where, index > sa.bindparam("after"))
            .order_by(index)
            .limit(together)
            .subquery("gathered")
        )
        there: Any = sum((sa.func.count(rows.c[f"n{n}"]) for n in range(len(nullable))), sa.literal_column("0"))
        place = rows.c.place
        query = sa.select(self._together(rows.c.line), sa.func.count(), sa.func.min(place), sa.func.max(place), there)
        last = -1
        while True:
            with self._office.reading() as connection:
                text, count, first, end, known = connection.execute(query, {"after": last}).one()
            if not count:
                return
            raw = text.encode() if isinstance(text, str) else text
            yield Window(first, end, count, count * len(nullable) - known, raw)
            last = end

    def _together(self, line: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        """All lines of a subquery in one text, in its order: both engines keep to it, and verifying a report would show if not."""
        if self._office.engine.dialect.name == "postgresql":
            return sa.func.string_agg(line, "\n")
        return sa.cast(sa.func.group_concat(line, "\n"), sa.LargeBinary())

    def first_and_last(self) -> tuple[int, int] | None:
        """The indexes of the first and the last, None when there is none."""
        r = t.record.c.index
        some = sa.select(r).select_from(self._source()).where(*self._where).limit(1)
        with self._office.reading() as connection:
            first = connection.execute(some.order_by(r)).scalar()
            last = connection.execute(some.order_by(r.desc())).scalar()
        return None if first is None or last is None else (first, last)

    def places(self) -> list[int]:
        """The indexes."""
        with self._office.reading() as connection:
            return list(connection.execute(self.indexes()).scalars())

    def count(self, cap: int) -> int:
        """How many there are, counted no further than one above `cap`."""
        capped = sa.select(sa.literal(1)).select_from(self._source()).where(*self._where).limit(cap + 1).subquery()
        with self._office.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(capped)).scalar_one())

    def indexes(self) -> sa.Select[int]:
        """The query for the indexes alone."""
        return sa.select(t.record.c.index).select_from(self._source()).where(*self._where).order_by(t.record.c.index)

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
            self._said(len(rows))

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
