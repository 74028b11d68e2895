"""The rows of one decision, pinned in a table of the transaction's own: which cases, what they were, what they become.

Choosing, changing and recording all read this one table, so that the plan's predicate is evaluated once and a hundred thousand cases
cost a few statements. Rows are locked before they are chosen, in one order everywhere: accounts, students, memberships, cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from console.errors import Refused
from console.lazy import sa, t

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from console.desk import Desk
    from console.filters import Predicate

    Ties = Mapping[sa.Table, sa.ColumnElement[int]]

LOCK_ORDER = ("account", "student", "membership", "school")
"""Before the case itself; the ledger's head comes last (DESIGN, *The way of a decision*)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One chosen case: its place in the batch, its id, the columns before and after, the ties that change."""

    number: int
    id: int
    before: dict[str, Any]
    after: dict[str, Any]
    ties: dict[str, int]


class Chosen:
    """The chosen cases of one decision inside one transaction."""

    def __init__(
        self, connection: sa.Connection, desk: Desk, ties: Ties, columns: Sequence[sa.Column[Any]], name: str = "chosen"
    ) -> None:
        """`columns` are the columns that change: of the desk's case or of `ties`, tables with their row's id in the source.

        `name` is the table's, another where one decision carries out another.
        """
        self._connection = connection
        self._desk = desk
        self._case = desk.case()
        self._columns = list(columns)
        self._ties = ties
        self._changed = [table for table in ties if any(column.table is table for column in columns)]
        self.table = _table(name, tuple(table.name for table in ties), tuple((c.table.name, c.name) for c in columns))

    def __enter__(self) -> Self:
        self.table.create(self._connection)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.table.drop(self._connection)

    def lock(self, where: Predicate) -> None:
        """Lock the rows that satisfy `where`, before they are chosen."""
        source = self._desk.source()
        self._lock(lambda key: sa.select(key).select_from(source).where(where), self._ties, self._case.c.id)

    def lock_rows(self) -> None:
        """Lock the rows that were put."""
        ties = {table: self.table.c[f"tie_{table.name}"] for table in self._ties}
        self._lock(sa.select, ties, self.table.c.id)

    def _lock(
        self, ids: Callable[[sa.ColumnElement[int]], sa.Select[Any]], ties: Ties, case: sa.ColumnElement[int]
    ) -> None:
        """On SQLite the transaction holds the only write lock already."""
        if self._connection.dialect.name == "sqlite":
            return
        changed = sorted(self._changed, key=lambda each: LOCK_ORDER.index(each.name))
        for table, key in [*((each, ties[each]) for each in changed), (self._case, case)]:
            self._connection.execute(
                sa.select(table.c.id).where(table.c.id.in_(ids(key))).order_by(table.c.id).with_for_update()
            ).close()

    def fill(self, where: Predicate, changes: Mapping[sa.Column[Any], Any]) -> int:
        """Choose the cases that satisfy `where`, with the changed columns before and after. Returns how many."""
        after = [
            value if isinstance(value, sa.ColumnElement) else sa.literal(value, column.type)
            for column, value in changes.items()
        ]
        picked = (
            sa.select(
                (sa.func.row_number().over(order_by=self._case.c.id) - 1).label("number"),
                self._case.c.id.label("id"),
                self._case.c.version.label("version"),
                *(tie.label(f"tie_{table.name}") for table, tie in self._ties.items()),
                *(column.label(f"before_{n}") for n, column in enumerate(self._columns)),
                *(
                    sa.type_coerce(value, column.type).label(f"after_{n}")
                    for n, (column, value) in enumerate(zip(self._columns, after, strict=True))
                ),
            )
            .select_from(self._source())
            .where(where)
        )
        names = [column.name for column in self.table.columns]
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

    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put rows given by their column names: how an undo brings what it read from the records."""
        from models.bulk import insert_rows

        names = [column.name for column in self.table.columns]
        insert_rows(self._connection, self.table, names, [tuple(row.get(name) for name in names) for row in rows])

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

    def apply(self, first_version: int) -> None:
        """Change the rows. The case of place n gets version `first_version + n`, as do the ties that really change.

        Raises Refused when a case is no longer as it was chosen.
        """
        done = self._update(self._case, self.table.c.id, first_version, versioned=True)
        if done != self.count():
            raise Refused("A case changed while it was being decided; nothing was done. Try again.")
        for table in self._changed:
            self._update(table, self.table.c[f"tie_{table.name}"], first_version, versioned=False)

    def _update(self, table: sa.Table, key: sa.Column[Any], first_version: int, *, versioned: bool) -> int:
        chosen = self.table
        mine = [(n, column) for n, column in enumerate(self._columns) if column.table is table]
        values: dict[str, Any] = {column.name: chosen.c[f"after_{n}"] for n, column in mine}
        values["version"] = chosen.c.number + first_version
        statement = table.update().where(table.c.id == key).values(values)
        if versioned:
            statement = statement.where(table.c.version == chosen.c.version)
        else:
            statement = statement.where(
                sa.or_(*(chosen.c[f"after_{n}"].is_distinct_from(chosen.c[f"before_{n}"]) for n, _ in mine))
            )
        return self._connection.execute(statement).rowcount

    def becoming(self) -> Iterator[tuple[sa.Column[Any], str, str]]:
        """Each changed column with the names, in the chosen table, of its row's id and of its value afterwards."""
        for n, column in enumerate(self._columns):
            yield column, "id" if column.table is self._case else f"tie_{column.table.name}", f"after_{n}"

    def count(self) -> int:
        """How many cases are chosen."""
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(self.table)).scalar_one())

    def rows(self) -> Iterator[Row]:
        """The chosen cases in their order. Cases that change alike share their `before` and `after`: take them as they are."""
        ties_end = 3 + len(self._ties)
        alike: dict[tuple[Any, ...], tuple[dict[str, Any], dict[str, Any], list[tuple[int, str]]]] = {}
        for row in self._connection.execute(sa.select(self.table).order_by(self.table.c.number)):
            values, missing = row[ties_end:], tuple(tie is None for tie in row[3:ties_end])
            known = alike.get((*values, *missing))
            if known is None:
                known = alike[(*values, *missing)] = self._change(values, missing)
            before, after, places = known
            yield Row(row[0], row[1], before, after, {name: row[place] for place, name in places})

    def _change(
        self, values: Sequence[Any], missing: Sequence[bool]
    ) -> tuple[dict[str, Any], dict[str, Any], list[tuple[int, str]]]:
        """What a record says of these values before and after: of the case, and of the ties that are there and change."""
        names = [name_of(column, self._case) for column in self._columns]
        tables = [column.table for column in self._columns]
        old, new = values[: len(names)], values[len(names) :]
        changed = {table for table, was, becomes in zip(tables, old, new, strict=True) if was != becomes}
        ties = [
            (place, table) for place, table in enumerate(self._ties, 3) if not missing[place - 3] and table in changed
        ]
        told = {self._case, *(table for _, table in ties)}
        kept = [n for n, table in enumerate(tables) if table in told]
        return (
            {names[n]: plain(old[n]) for n in kept},
            {names[n]: plain(new[n]) for n in kept},
            [(place, str(table.name)) for place, table in ties],
        )


@cache
def _table(name: str, ties: tuple[str, ...], columns: tuple[tuple[str, str], ...]) -> sa.Table:
    """The table in which such a decision pins its rows: one object for all decisions of that shape.

    SQLAlchemy so finds its statements compiled, which for a single case is most of the time that they take.
    """
    types = [t.metadata.tables[table].c[column].type for table, column in columns]
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        *(sa.Column(f"tie_{table}", sa.BigInteger) for table in ties),
        *(sa.Column(f"before_{n}", kind) for n, kind in enumerate(types)),
        *(sa.Column(f"after_{n}", kind) for n, kind in enumerate(types)),
        prefixes=["TEMPORARY"],
    )


def name_of(column: sa.Column[Any], case: sa.Table) -> str:
    """A changed column's name in a record: bare for the case's own, `table.column` for a tie's."""
    return str(column.name) if column.table is case else f"{column.table.name}.{column.name}"


def plain(value: Any) -> Any:
    """A value as a record holds it: words, numbers and ISO dates."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def unplain(value: Any, column: sa.Column[Any]) -> Any:
    """A record's value as the column holds it."""
    import datetime

    if not isinstance(value, str):
        return value
    kind = column.type.python_type if not isinstance(column.type, sa.TypeDecorator) else datetime.datetime
    if kind is datetime.date:
        return datetime.date.fromisoformat(value)
    if kind is datetime.datetime:
        return datetime.datetime.fromisoformat(value)
    return value
