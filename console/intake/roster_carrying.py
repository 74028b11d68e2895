"""Carries out the difference between the pairs that a roster wants and those that are there; what was is remembered, encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.intake.report import Kind
from console.intake.roster_history import CHUNK, remember
from console.intake.roster_tables import CHANGED, WITHDRAWN
from console.lazy import sa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.intake.roster_load import Load


@dataclass(frozen=True, slots=True)
class Pair:
    """A table of pairs: its name in reports, its table, the tables of both ends with the column that points there, its values."""

    name: str
    table: sa.Table
    one: tuple[str, sa.Table]
    other: tuple[str, sa.Table]
    values: tuple[tuple[str, str], ...]

    def here(self, pairs: sa.Table) -> sa.ColumnElement[bool]:
        """Where a staged pair is a row of the table."""
        return sa.and_(
            pairs.c.kind == self.name,
            self.table.c[self.one[0]] == pairs.c.one,
            self.table.c[self.other[0]] == pairs.c.other,
        )


def carry_out(load: Load, pair: Pair, ended: sa.ColumnElement[bool], looked_at: Mapping[str, sa.Select[Any]]) -> Kind:
    """Bring a table of pairs to what is wanted of it; what is there, not wanted and `ended`, ends. Returns the counts.

    `looked_at` gives for a column the ids that are looked at; rows of others stay as they are. Empty, everybody is.
    """
    load.step()
    connection, pairs, table = load.connection, load.stage.pairs, pair.table
    here = pair.here(pairs)
    if not connection.execute(sa.select(sa.exists().select_from(table))).scalar_one():
        return Kind(pair.name, added=_add(load, pair, sa.true()))
    active = int(connection.execute(sa.select(sa.func.count()).select_from(table).where(table.c.active)).scalar_one())
    said = _mark(load, pair, ended, looked_at)
    if said:
        _remember(load, pair)
    added = _add(load, pair, ~sa.exists().where(here))
    if CHANGED in said:
        values = {own: pairs.c[name] for own, name in pair.values}
        connection.execute(
            table.update().where(here, pairs.c.change == CHANGED).values({**values, "active": sa.true()})
        )
    if WITHDRAWN in said:
        connection.execute(table.update().where(here, pairs.c.change == WITHDRAWN).values(active=sa.false()))
    return Kind(pair.name, added=added, active=active, **said)


def _mark(
    load: Load, pair: Pair, ended: sa.ColumnElement[bool], looked_at: Mapping[str, sa.Select[Any]]
) -> dict[str, int]:
    """Mark the pairs that change and those that end, which come to the wanted ones. Returns how many, by change."""
    connection, pairs, table = load.connection, load.stage.pairs, pair.table
    here = pair.here(pairs)
    differs = sa.or_(~table.c.active, *(table.c[own].is_distinct_from(pairs.c[name]) for own, name in pair.values))
    changes = pairs.update().where(pairs.c.kind == pair.name, sa.exists().where(here, differs)).values(change=CHANGED)
    connection.execute(changes)
    unwanted = sa.select(sa.literal(pair.name), table.c[pair.one[0]], table.c[pair.other[0]], sa.literal(WITHDRAWN))
    unwanted = unwanted.where(table.c.active, ~sa.exists().where(here))
    if looked_at:
        unwanted = unwanted.where(sa.or_(*(table.c[column].in_(ids) for column, ids in looked_at.items())))
    connection.execute(pairs.insert().from_select(("kind", "one", "other", "change"), unwanted))
    # Few are not wanted; whether they end is asked of those alone.
    stays = sa.and_(pairs.c.kind == pair.name, pairs.c.change == WITHDRAWN, ~sa.exists().where(here, ended))
    connection.execute(pairs.delete().where(stays))
    rows = connection.execute(
        sa.select(pairs.c.change, sa.func.count())
        .where(pairs.c.kind == pair.name, pairs.c.change.is_not(None))
        .group_by(pairs.c.change)
    )
    return {row[0]: row[1] for row in rows}


def _add(load: Load, pair: Pair, new: sa.ColumnElement[bool]) -> int:
    """Insert the wanted pairs that are `new`. Returns how many."""
    pairs = load.stage.pairs
    wanted = (
        sa.select(pairs.c.one, pairs.c.other, *(pairs.c[name] for _, name in pair.values))
        .where(pairs.c.kind == pair.name, new)
        .order_by(pairs.c.one, pairs.c.other)
    )
    columns = (pair.one[0], pair.other[0], *(own for own, _ in pair.values))
    insert = pair.table.insert().from_select(columns, wanted)
    return load.connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount


def _remember(load: Load, pair: Pair) -> None:
    pairs, table = load.stage.pairs, pair.table
    (one_key, one), (other_key, other) = pair.one, pair.other
    rows = load.connection.execute(
        sa.select(
            pairs.c.change,
            one.c.source_id.label("one_id"),
            other.c.source_id.label("other_id"),
            table.c.active,
            *(table.c[own] for own, _ in pair.values),
        )
        .select_from(pairs.join(table, pair.here(pairs)))
        .join(one, one.c.id == table.c[one_key])
        .join(other, other.c.id == table.c[other_key])
        .where(pairs.c.change.in_((CHANGED, WITHDRAWN)))
        .order_by(table.c.id),
        execution_options={"yield_per": CHUNK},
    )
    for part in rows.mappings().partitions():
        remember(load, pair.name, [(f"{row['one_id']} {row['other_id']}", row["change"], dict(row)) for row in part])
