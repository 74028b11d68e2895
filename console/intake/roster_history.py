"""What rosters did to the portal's rows: that a row was added, and what it was before it changed or went, encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from console.intake.roster_tables import ADDED
from console.lazy import sa, t

if TYPE_CHECKING:
    from console.intake.roster_load import Load
    from console.intake.roster_tables import RosterKind

CHUNK = 5_000
_INTERNAL = frozenset(
    {"id", "row_hash", "name_key", "family_key", "email_key", "phone_key", "sms_key", "skeleton", "code_hash"}
    | {"sealed_name_mac", "version", "changed_at", "family_initial", "adult_on"}
)
"""Columns that history need not keep: they follow from others."""


def remember_rows(load: Load, kind: RosterKind, change: str) -> None:
    """What the rows were, sealed."""
    found, table = load.stage.differences, kind.table
    kept = [column for column in table.columns if column.name not in _INTERNAL]
    rows = load.connection.execute(
        sa.select(found.c.change, *kept)
        .select_from(found.join(table, table.c.source_id == found.c.source_id))
        .where(found.c.kind == kind.name, found.c.change == change)
        .order_by(table.c.id),
        execution_options={"yield_per": CHUNK},
    )
    for part in rows.mappings().partitions():
        remember(load, kind.name, [(row["source_id"], row["change"], dict(row)) for row in part])


def note_added(load: Load) -> None:
    """That rows were added: all at once, in the order of the index of the table of changes, which then grows at its end alone."""
    found, change = load.stage.differences, t.roster_change
    added = sa.select(sa.literal(load.number), found.c.kind, found.c.source_id, found.c.change).where(
        found.c.change == ADDED
    )
    added = added.order_by(found.c.kind, found.c.source_id)
    load.connection.execute(change.insert().from_select(("import_id", "kind", "source_id", "change"), added))


def remember(load: Load, kind: str, rows: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Keep (identifier, change, the row as it was)."""
    from models.bulk import insert_rows

    bodies = load.vault.seal_many(
        "roster_change",
        "before",
        [
            (
                f"{load.number}:{kind}:{source_id}",
                msgspec.json.encode({name: value for name, value in row.items() if name != "change"}),
            )
            for source_id, _, row in rows
        ],
    )
    insert_rows(
        load.connection,
        t.roster_change,
        ("import_id", "kind", "source_id", "change", "before"),
        [
            (load.number, kind, source_id, change, body)
            for (source_id, change, _), body in zip(rows, bodies, strict=True)
        ],
    )
