"""A desk's queue read from the database: windows by keyset, counts with a cap, every read in a transaction of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.deciding.choosing import in_scope
from console.errors import Usage
from console.lazy import sa
from console.queue import COUNT_CAP, Count, Row
from console.reaching import ask, bearers, looking_up, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from console.desk import Desk, Sight, Value
    from console.filters import Predicate
    from console.queue import Column


WINDOW = 1000
"""Rows that are read at a time where all are wanted."""


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
        self._question = ask(desk, where, sight)
        self._words = looking_up(self._question)
        self._made: dict[tuple[object, ...], sa.Select[Any]] = {}
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
        return self._drawn(self.rows(count))

    def last(self, count: int) -> Sequence[Row]:
        """The last `count` rows, in the queue's order."""
        return self._drawn(self.rows(count, backwards=True))

    def after(self, row: Row, count: int) -> Sequence[Row]:
        """The next `count` rows behind `row`."""
        return self._drawn(self.rows(count, row.anchor))

    def before(self, row: Row, count: int) -> Sequence[Row]:
        """The `count` rows in front of `row`, in the queue's order."""
        return self._drawn(self.rows(count, row.anchor, backwards=True))

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
        return self._drawn(self.rows(count, tuple(anchor), including=True))

    def count(self, cap: int | None = COUNT_CAP) -> Count:
        """How many rows there are, counted no further than `cap`; all of them for None."""
        from models.engine import prepared

        with self._read() as connection, prepared(connection):
            few = self._bearers(connection)
            made = self._once(("count", cap, bool(few)), lambda: self._counting(cap, few=bool(few)))
            found = int(connection.execute(made, few).scalar_one())
        return Count(found, capped=False) if cap is None else Count(min(found, cap), found > cap)

    def records(self, limit: int | None = None) -> Iterator[dict[str, Value]]:
        """The rows as named values, `id` and `state` first: what JSON and CSV are made of. Read in windows, as they are wanted."""
        last: tuple[Any, ...] | None = None
        left = limit
        while left is None or left > 0:
            wanted = WINDOW if left is None else min(WINDOW, left)
            rows = self.rows(wanted, last)
            for row in rows:
                first = {"id": row.id, "state": row.state}
                # The state is the filter's word also where the desk draws it in others.
                yield first | self.desk.values(row, self.sight) | first
            if len(rows) < wanted:
                return
            last = (rows[-1].anchor, rows[-1].id)
            left = None if left is None else left - len(rows)

    def rows(
        self, count: int, anchor: tuple[Any, ...] | None = None, *, backwards: bool = False, including: bool = False
    ) -> Sequence[Any]:
        """`count` rows of the database behind the anchor (from the first; in front of it if `backwards`), in the queue's order."""
        from models.engine import prepared

        with self._read() as connection, prepared(connection):
            few = self._bearers(connection)
            how = (bool(few), anchor is not None, backwards, including)
            made = self._once((count, *how), lambda: self._paging(count, *how))
            place = {} if anchor is None else {"at": anchor[0], "number": anchor[1]}
            rows = connection.execute(made, place | few).all()
        return rows[::-1] if backwards else rows

    def _bearers(self, connection: sa.Connection) -> dict[str, str]:
        """The cases that alone can match, as the statements take them; nothing where they are too many to begin with."""
        found = bearers(connection, self._words)
        if found is None:
            self._words = ()
            return {}
        return {"bearers": found}

    def _once(self, how: tuple[object, ...], made: Callable[[], sa.Select[Any]]) -> sa.Select[Any]:
        """The statement, made when it is first wanted: a page costs its own reading and nothing else."""
        if how not in self._made:
            self._made[how] = made()
        return self._made[how]

    def _paging(self, count: int, few: bool, anchored: bool, backwards: bool, including: bool) -> sa.Select[Any]:
        descending = self.order.descending != backwards
        by, key = self._by, self.desk.key()
        order = self._ordered(by, descending)
        beyond = [self._beyond(descending, including)] if anchored else []
        most = number(count)
        shown = sa.select(
            key.label("id"),
            self.desk.state(self.sight).label("state"),
            *self.desk.shown(self.sight),
            by.label("anchor"),
        ).select_from(self.desk.source())
        whole = [*self._question.whole, *(self._among_bearers() if few else ()), *beyond]
        if few or (not self._question.lanes and getattr(by, "table", None) is self.desk.case()):
            return shown.where(*whole).order_by(*order).limit(most)
        row = tuple(self.desk.case().primary_key.columns)
        page, *others = self._by_lane([*row, by.label("by")], by, order, most, beyond)
        if others:
            merged = self._together([page, *others]).subquery()
            last = merged.c[self.desk.apart().name]
            merged_order = [c.desc() if descending else c.asc() for c in (merged.c.by, last)]
            page = sa.select(merged).order_by(*merged_order).limit(most).subquery()
        chosen = sa.select(*(page.c[column.name] for column in row))
        return shown.where((row[0] if len(row) == 1 else sa.tuple_(*row)).in_(chosen)).order_by(*order)

    def _among_bearers(self) -> list[Predicate]:
        return [sa.func.listed(self.desk.key(), sa.bindparam("bearers", type_=sa.Text()))]

    def _counting(self, cap: int | None, *, few: bool) -> sa.Select[Any]:
        """What is counted up to a cap is reached as the first pages are, by the desk's own order.

        Left to itself PostgreSQL would read the table from its beginning, where it believes that enough will soon be met: old cases.
        """
        where = [*self._question.whole, *(self._among_bearers() if few else ())]
        source = self._from(where)
        if cap is None:
            return sa.select(sa.func.count()).select_from(source).where(*where)
        most = number(cap + 1)
        found: Any = sa.select(number(1)).select_from(source).where(*where)
        if where and not few:
            by = self.desk.order_by(self.desk.order, self.sight)
            once = [number(1).label("found")] if self._question.apart else self.desk.case().primary_key.columns
            found = self._together(self._by_lane(once, by, self._ordered(by, self.desk.descending), most, ()))
        return sa.select(sa.func.count()).select_from(found.limit(most).subquery())

    def _by_lane(
        self, shown: Iterable[Any], by: Any, order: Sequence[Any], most: Any, beyond: Sequence[Predicate]
    ) -> list[sa.Subquery]:
        """The first rows of each lane; of everything, where there are none."""
        always = self._question.always
        return [
            sa.select(*shown)
            .select_from(self._from([*always, *lane, by, self.desk.key()]))
            .where(*always, *lane, *beyond)
            .order_by(*order)
            .limit(most)
            .subquery()
            for lane in ([[each] for each in self._question.lanes] or [[]])
        ]

    def _together(self, lanes: Sequence[sa.Subquery]) -> Any:
        each = [sa.select(lane) for lane in lanes]
        return each[0] if len(each) == 1 else (sa.union_all if self._question.apart else sa.union)(*each)

    def _ordered(self, by: sa.ColumnElement[Any], descending: bool) -> list[sa.ColumnElement[Any]]:
        each = (by,) if by is self.desk.key() else (by, self.desk.apart())
        return [column.desc() if descending else column.asc() for column in each]

    def _from(self, read: Sequence[sa.ColumnElement[Any]]) -> sa.FromClause:
        """The case's table where nothing else is read, and every row of it is a row of the source."""
        case = self.desk.case()
        alone = self.desk.whole and all(table is case for each in read for table in each._from_objects)  # noqa: SLF001
        return case if alone else self.desk.source()

    def _beyond(self, descending: bool, including: bool) -> Predicate:
        here = sa.tuple_(self._by, self.desk.key())
        there = sa.tuple_(sa.bindparam("at", type_=self._by.type), sa.bindparam("number", type_=sa.BigInteger()))
        if descending:
            return here <= there if including else here < there
        return here >= there if including else here > there

    def _drawn(self, rows: Sequence[Any]) -> Sequence[Row]:
        return [Row(row.id, row.state, self.desk.cells(row, self.sight), (row.anchor, row.id)) for row in rows]
