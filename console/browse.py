"""A desk's queue read from the database: windows by keyset, counts with a cap, every read in a transaction of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.deciding.choosing import in_scope, matching
from console.errors import Usage
from console.lazy import sa
from console.queue import COUNT_CAP, Count, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from console.desk import Desk, Sight, Value
    from console.filters import Predicate
    from console.queue import Column


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a queue is ordered; the case's number decides between equals, in the same direction."""

    column: str
    descending: bool = False


class Browse:
    """One operator's queue of a desk under one filter and one order. `watermark` is the ledger's size when it was opened."""

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[sa.Connection]],
        desk: Desk,
        sight: Sight,
        where: str,
        order: Order | None,
        watermark: int,
    ) -> None:
        self._read = read
        self.desk = desk
        self.sight = sight
        self.where = where
        self.order = order or Order(desk.order, desk.descending)
        self.watermark = watermark
        self._predicates: list[Predicate] = matching(desk, where, sight)
        try:
            self._by = desk.order_by(self.order.column, sight)
        except KeyError:
            raise Usage(f"The {desk.name} cannot be ordered by {self.order.column}; nothing was listed.") from None

    @property
    def columns(self) -> Sequence[Column]:
        """The desk's columns."""
        return self.desk.columns

    def first(self, count: int) -> Sequence[Row]:
        """The first `count` rows."""
        return self._drawn(self._rows([], count))

    def last(self, count: int) -> Sequence[Row]:
        """The last `count` rows, in the queue's order."""
        return self._drawn(self._rows([], count, backwards=True))

    def after(self, row: Row, count: int) -> Sequence[Row]:
        """The next `count` rows behind `row`."""
        return self._drawn(self._rows([self._beyond(row.anchor, backwards=False)], count))

    def before(self, row: Row, count: int) -> Sequence[Row]:
        """The `count` rows in front of `row`, in the queue's order."""
        return self._drawn(self._rows([self._beyond(row.anchor, backwards=True)], count, backwards=True))

    def around(self, case: int, count: int) -> Sequence[Row]:
        """A window that begins at the case, or at its place when it does not match any more."""
        with self._read() as connection:
            anchor = connection.execute(
                sa.select(self._by, self.desk.key())
                .select_from(self.desk.source())
                .where(self.desk.among((case,)), *in_scope(self.desk, self.sight))
            ).one_or_none()
        if anchor is None:
            return ()
        return self._drawn(self._rows([self._beyond(tuple(anchor), backwards=False, including=True)], count))

    def count(self, cap: int = COUNT_CAP) -> Count:
        """How many rows there are, counted no further than `cap`."""
        capped = (
            sa.select(sa.literal(1)).select_from(self.desk.source()).where(*self._predicates).limit(cap + 1).subquery()
        )
        with self._read() as connection:
            number = int(connection.execute(sa.select(sa.func.count()).select_from(capped)).scalar_one())
        return Count(min(number, cap), number > cap)

    def records(self, limit: int | None = None) -> list[dict[str, Value]]:
        """The rows as named values, `id` and `state` first: what JSON and CSV are made of."""
        named = [({"id": row.id, "state": row.state}, row) for row in self._rows([], limit)]
        # The state is the filter's word also where the desk draws it in others.
        return [first | self.desk.values(row, self.sight) | first for first, row in named]

    def _rows(self, where: Sequence[Predicate], count: int | None, *, backwards: bool = False) -> Sequence[Any]:
        descending = self.order.descending != backwards
        key = self.desk.key()
        directed = [each.desc() if descending else each.asc() for each in (self._by, key)]
        query = (
            sa.select(
                key.label("id"),
                self.desk.state(self.sight).label("state"),
                *self.desk.shown(self.sight),
                self._by.label("anchor"),
            )
            .select_from(self.desk.source())
            .where(*self._predicates, *where)
            .order_by(*(directed[1:] if self._by is key else directed))
            .limit(count)
        )
        with self._read() as connection:
            rows = connection.execute(query).all()
        return rows[::-1] if backwards else rows

    def _beyond(self, anchor: tuple[Any, ...], *, backwards: bool, including: bool = False) -> Predicate:
        here = sa.tuple_(self._by, self.desk.key())
        there = sa.tuple_(sa.literal(anchor[0], self._by.type), sa.literal(anchor[1]))
        if self.order.descending != backwards:
            return here <= there if including else here < there
        return here >= there if including else here > there

    def _drawn(self, rows: Sequence[Any]) -> Sequence[Row]:
        return [Row(row.id, row.state, self.desk.cells(row, self.sight), (row.anchor, row.id)) for row in rows]
