"""The rows of one decision, pinned in a table of the transaction's own: which cases, what they were, what they become.

Choosing, changing and recording all read this one table, so that the plan's predicate is evaluated once and a hundred thousand cases
cost a few statements. Rows are locked as they are pinned, in one order everywhere: accounts, students, memberships, cases. Where
somebody was faster than the lock, they are pinned again, as they are by then. What all cases become alike is not pinned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from console.deciding.recorded import name_of, plain, unplain
from console.errors import Refused
from console.lazy import sa, t

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from console.desk import Desk
    from console.filters import Predicate

    Ties = Mapping[sa.Table, sa.ColumnElement[int]]

ONE_BY_ONE: Final = object()
"""In place of a column's new value: it is put with each row."""
FASTER = 5
"""How often somebody may have been faster than our locks before we give up."""
LOCK_ORDER = ("account", "student", "membership", "school")
"""Before the case itself; the ledger's head comes last (DESIGN, *The way of a decision*)."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What cases that change alike were and become, and which ties of theirs change, by the names of their tables in order."""

    before: dict[str, Any]
    after: dict[str, Any]
    ties: tuple[str, ...]


class Group(NamedTuple):
    """Chosen cases one after the other that change alike: the first one's place in the batch, from 0, their ids, and the ids of the
    ties that `change` names, table by table.
    """

    place: int
    cases: list[int]
    change: Change
    ties: list[list[int]]


class Put(NamedTuple):
    """A case to be chosen as it is given, in a record's words: its version, its ties' ids by table, what it is and is to become."""

    id: int
    version: int
    ties: Mapping[str, int]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Chosen:
    """The chosen cases of one decision inside one transaction."""

    def __init__(
        self,
        connection: sa.Connection,
        desk: Desk,
        ties: Ties,
        changes: Mapping[sa.Column[Any], Any],
        name: str = "chosen",
    ) -> None:
        """`changes` gives for each column that changes, of the desk's case or of `ties`, its value, an expression over the desk's
        source or ONE_BY_ONE. `ties` are tables with their row's id in the source.

        `name` is the table's, another where one decision carries out another.
        """
        self._connection = connection
        self._desk = desk
        self._case = desk.case()
        self._columns = list(changes)
        self._values = list(changes.values())
        self._ties = ties
        self._changed = [table for table in ties if any(column.table is table for column in changes)]
        self._locks = connection.dialect.name != "sqlite"
        """On SQLite the transaction holds the only write lock already. It also numbers rows as they come, faster than a window."""
        self._pinned = [n for n, value in enumerate(self._values) if value is ONE_BY_ONE or _varies(value)]
        self.table = _table(
            name,
            tuple(table.name for table in ties),
            tuple((column.table.name, column.name) for column in self._columns),
            tuple(self._pinned),
            tuple(table.name for table in self._locked()) if self._locks else (),
            counted=not self._locks,
        )

    def __enter__(self) -> Self:
        self.table.create(self._connection)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.table.drop(self._connection)

    def _locked(self) -> list[sa.Table]:
        """The tables whose rows are locked, in their order."""
        return [*sorted(self._changed, key=lambda each: LOCK_ORDER.index(each.name)), self._case]

    def _key(self, table: sa.Table) -> sa.Column[int]:
        """A table's row of each chosen case."""
        key: sa.Column[int] = self.table.c.id if table is self._case else self.table.c[f"tie_{table.name}"]
        return key

    def fill(self, where: Predicate, *, lock: bool = True) -> int:
        """Choose the cases that satisfy `where` by now, with the changed columns before and after, and lock them. Returns how many.

        Chosen again, they may be others, which nobody has locked: so until what is locked is what was chosen. Raises Refused where
        somebody was faster each time.
        """
        for _ in range(FASTER):
            count = self._fill(where)
            if not (lock and self._locks and self.lock()):
                return count
            self.clear()
        raise Refused("The cases changed while they were being decided; nothing was done. Try again.")

    def lock(self) -> bool:
        """Lock the chosen rows, and say whether one of them is not as it was chosen any more; false where that was not noted."""
        if not self._locks:
            return False
        others = 0
        for table in self._locked():
            key, seen = self._key(table), self.table.c[f"seen_{table.name}"]
            locked = (
                sa.select(_version_of(table).is_distinct_from(seen).label("other"))
                .select_from(self.table.join(table, table.c.id == key))
                .where(seen.is_not(None))
            )
            others += self._locking(locked, table)
        return others > 0

    def lock_rows(self) -> None:
        """Lock the rows that were put."""
        for table in self._locked() if self._locks else ():
            self._locking(
                sa.select(sa.true().label("other")).select_from(self.table.join(table, table.c.id == self._key(table))),
                table,
            )

    def _locking(self, rows: sa.Select[Any], table: sa.Table) -> int:
        """Lock `table`'s part of `rows` by number, and count those whose `other` is true once they are locked.

        As a filter of the count: a condition would go into the subquery, and leave the other rows unlocked.
        """
        # No key changes: what only refers to a row, as a notice to its account, need not wait, nor meet us in the other order.
        locked = rows.order_by(table.c.id).with_for_update(of=table, key_share=True).subquery("locked")
        counted = sa.select(sa.func.count().filter(locked.c.other)).select_from(locked)
        return int(self._connection.execute(counted).scalar_one())

    def _fill(self, where: Predicate) -> int:
        number = sa.func.row_number().over(order_by=self._case.c.id).label("number")
        picked = (
            sa.select(
                *((number,) if self._locks else ()),
                self._case.c.id.label("id"),
                self._case.c.version.label("version"),
                *(tie.label(f"tie_{table.name}") for table, tie in self._ties.items()),
                *(_version_of(table).label(f"seen_{table.name}") for table in self._locked() if self._locks),
                *(column.label(f"before_{n}") for n, column in enumerate(self._columns)),
                *(sa.type_coerce(self._values[n], self._columns[n].type).label(f"after_{n}") for n in self._pinned),
            )
            .select_from(self._source())
            .where(where)
            .order_by(*(() if self._locks else (self._case.c.id,)))
        )
        names = [column.name for column in picked.selected_columns]
        return self._connection.execute(
            self.table.insert().from_select(names, picked), execution_options={"preserve_rowcount": True}
        ).rowcount

    def _source(self) -> sa.FromClause:
        """The desk's source with the tables that only this decision changes."""
        source = self._desk.source()
        for table, key in self._ties.items():
            if table not in self._desk.ties():
                source = source.outerjoin(table, table.c.id == key)
        return source

    def put(self, rows: Iterable[Put]) -> None:
        """Put rows, in the order of their ids: how an undo brings what it read from the records."""
        from models.bulk import insert_stored, stored

        connection = self._connection

        @cache
        def kept(n: int, value: Any) -> Any:
            return stored(connection, self._columns[n], unplain(value, self._columns[n]))

        def filled() -> Iterator[tuple[Any, ...]]:
            named = [(n, name_of(column, self._case)) for n, column in enumerate(self._columns)]
            ties = [table.name for table in self._ties]
            for number, row in enumerate(sorted(rows, key=attrgetter("id")), 1):
                before, after = row.before.get, row.after.get
                yield (
                    number,
                    row.id,
                    row.version,
                    *[row.ties.get(name) for name in ties],
                    *[kept(n, before(name)) for n, name in named],
                    *[kept(n, after(name)) for n, name in named],
                )

        names = [column.name for column in self.table.columns if not column.name.startswith("seen_")]
        insert_stored(connection, self.table, names, filled())

    def clear(self) -> None:
        """Choose nothing."""
        self._connection.execute(self.table.delete())

    def stale(self, first_version: int, last_version: int) -> set[int]:
        """The put cases that something changed since: the case itself, or a tie outside the batch's versions."""
        chosen = self.table
        joined: sa.FromClause = chosen.join(self._case, self._case.c.id == chosen.c.id)
        changed = [self._case.c.version != chosen.c.version]
        for table in self._changed:
            joined = joined.outerjoin(table, table.c.id == chosen.c[f"tie_{table.name}"])
            changed.append(sa.not_(table.c.version.between(first_version, last_version)))
        return set(
            self._connection.execute(sa.select(chosen.c.id).select_from(joined).where(sa.or_(*changed))).scalars()
        )

    def apply(self, first: int) -> None:
        """Change the rows. The case whose record has index n gets version n + 1, as do the ties that really change.

        `first` is the index of the first one's record.

        Raises Refused when a case is no longer as it was chosen.
        """
        done = self._update(self._case, self.table.c.id, first, versioned=True)
        if done != self.count():
            raise Refused("A case changed while it was being decided; nothing was done. Try again.")
        for table in self._changed:
            self._update(table, self.table.c[f"tie_{table.name}"], first, versioned=False)

    def _after(self, n: int) -> sa.ColumnElement[Any]:
        """What the column of this number becomes."""
        if n in self._pinned:
            return self.table.c[f"after_{n}"]
        return sa.literal(self._values[n], self._columns[n].type)

    def _update(self, table: sa.Table, key: sa.Column[Any], first: int, *, versioned: bool) -> int:
        chosen = self.table
        mine = [(n, column) for n, column in enumerate(self._columns) if column.table is table]
        values: dict[str, Any] = {column.name: self._after(n) for n, column in mine}
        values["version"] = chosen.c.number + first
        statement = table.update().where(table.c.id == key).values(values)
        if versioned:
            statement = statement.where(table.c.version == chosen.c.version)
        else:
            statement = statement.where(
                sa.or_(*(chosen.c[f"before_{n}"].is_distinct_from(self._after(n)) for n, _ in mine))
            )
        return self._connection.execute(statement).rowcount

    def becoming(self) -> Iterator[tuple[sa.Column[Any], str, str]]:
        """Each pinned column with the names, in the chosen table, of its row's id and of its value afterwards."""
        for n in self._pinned:
            yield self._columns[n], self._key(self._columns[n].table).name, f"after_{n}"

    def count(self) -> int:
        """How many cases are chosen."""
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(self.table)).scalar_one())

    def groups(self) -> Iterator[Group]:
        """The chosen cases in their order. Those that change alike share their `change`, which is worked out once."""
        from models.raw import raw_rows

        chosen, ties = self.table.c, [self.table.c[f"tie_{table.name}"] for table in self._ties]
        pinned = [chosen[f"before_{n}"] for n in range(len(self._columns))]
        pinned += [chosen[f"after_{n}"] for n in self._pinned]
        raw = [sa.type_coerce(column, sa.types.NullType()) for column in pinned]
        # Which ties are missing as one number, a bit for each: a row is taken apart and compared column by column.
        missing = sum((sa.case((tie.is_(None), 1 << place), else_=0) for place, tie in enumerate(ties)), sa.literal(0))
        query = sa.select(chosen.number, chosen.id, *ties, missing, *raw)
        kinds = 2 + len(ties)
        alike: dict[tuple[Any, ...], tuple[Change, tuple[int, ...]]] = {}
        done = 0
        for portion in raw_rows(self._connection, query.order_by(chosen.id)):
            for kind, group in groupby(portion, itemgetter(slice(kinds, None))):
                known = alike.get(kind)
                if known is None:
                    known = alike[kind] = self._change(kind[1:], kind[0])
                change, places = known
                rows = list(group)
                if (rows[0][0], rows[-1][0]) != (done + 1, done + len(rows)):
                    raise ValueError("the chosen cases are not numbered one after the other")
                yield Group(done, [row[1] for row in rows], change, [[row[place] for row in rows] for place in places])
                done += len(rows)

    def _read(self, column: sa.Column[Any], value: Any) -> Any:
        """The engine's value of a column as ours: done once for many rows, and not row by row."""
        dialect = self._connection.dialect
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        return process(value) if process else value

    def _change(self, values: Sequence[Any], missing: int) -> tuple[Change, tuple[int, ...]]:
        """What a record says of these pinned values before and after: of the case, and of the ties that are there and change.

        The ties whose bit of `missing` is set are not there. Besides, the places of those ties' ids in the row.
        """
        from models.bulk import stored

        names = [name_of(column, self._case) for column in self._columns]
        tables = [column.table for column in self._columns]
        pinned = dict(zip(self._pinned, values[len(names) :], strict=True))
        old = [self._read(column, value) for column, value in zip(self._columns, values, strict=False)]
        new = [
            self._read(column, pinned[n] if n in pinned else stored(self._connection, column, self._values[n]))
            for n, column in enumerate(self._columns)
        ]
        changed = {table for table, was, becomes in zip(tables, old, new, strict=True) if was != becomes}
        ties = sorted(
            (str(table.name), place)
            for place, table in enumerate(self._ties)
            if not missing >> place & 1 and table in changed
        )
        told = {self._case.name, *(name for name, _ in ties)}
        kept = [n for n, table in enumerate(tables) if table.name in told]
        change = Change(
            {names[n]: plain(old[n]) for n in kept},
            {names[n]: plain(new[n]) for n in kept},
            tuple(name for name, _ in ties),
        )
        return change, tuple(2 + place for _, place in ties)


def _varies(value: Any) -> bool:
    return isinstance(value, sa.ColumnElement)


def each_for_itself(changes: Mapping[sa.Column[Any], Any]) -> dict[sa.Column[Any], sa.ColumnElement[Any]]:
    """The same changes, every value pinned with each case."""
    return {column: value if _varies(value) else sa.literal(value, column.type) for column, value in changes.items()}


def _version_of(table: sa.Table) -> sa.ColumnElement[int]:
    """The number that PostgreSQL gives a row anew with whatever changes it: tells whether a row is still the one that was read."""
    return sa.cast(sa.cast(sa.literal_column(f"{table.name}.xmin"), sa.Text()), sa.BigInteger())


@cache
def _table(
    name: str,
    ties: tuple[str, ...],
    columns: tuple[tuple[str, str], ...],
    pinned: tuple[int, ...],
    locked: tuple[str, ...],
    *,
    counted: bool,
) -> sa.Table:
    """The table in which such a decision pins its rows: one object for all decisions of that shape.

    SQLAlchemy so finds its statements compiled, which for a single case is most of the time that they take.
    `number` is 1, 2, 3 … in the order of the ids; with `counted`, the engine puts it there.
    """
    types = [t.metadata.tables[table].c[column].type for table, column in columns]
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("number", sa.Integer, primary_key=counted, nullable=False),
        sa.Column("id", t.registration.c.id.type, primary_key=not counted, unique=counted, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        *(sa.Column(f"tie_{table}", sa.BigInteger) for table in ties),
        *(sa.Column(f"seen_{table}", sa.BigInteger) for table in locked),
        *(sa.Column(f"before_{n}", kind) for n, kind in enumerate(types)),
        *(sa.Column(f"after_{n}", types[n]) for n in pinned),
        prefixes=["TEMPORARY"],
    )
