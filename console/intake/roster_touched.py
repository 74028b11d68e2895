"""Whose ties, enrollments and posts are put together anew: of a roster that hardly changed, hardly anybody's.

Beside a user's digest stands a hash of what the row says of ties and places. So where neither a person's row nor a row of their
classes is another than at the last import, what the roster says of where they belong is the same. Looking at the others alone keeps a
nightly import of a million rows from holding others up. Where much changed, or what changed concerns everybody (schools, roles of a
delta), all are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.intake.roster_files import Mode
from console.intake.roster_tables import HELD
from console.lazy import sa, t

if TYPE_CHECKING:
    from console.intake.roster_load import Differences, Load

FEW = 10
"""One difference in so many staged rows: where there are more, looking at everybody is cheaper."""


def touch(load: Load, differences: Differences) -> bool:
    """Fill `touched`; to be asked before the differences are carried out. False where everybody is to be looked at."""
    stage, touched = load.stage, load.stage.touched
    connection = load.connection
    changed = sum(sum(changes.values()) for changes in differences.values())
    rows = sum(
        connection.execute(sa.select(sa.func.count()).select_from(kind.stage)).scalar_one()
        for kind in stage.kinds.values()
    )
    if "schools" in differences or load.modes["roles"] is Mode.DELTA or changed * FEW > rows:
        return False
    for query in (_themselves(load), *_by_classes(load)):
        names = query.distinct().subquery()
        known = sa.exists().where(touched.c.source_id == names.c.source_id)
        connection.execute(touched.insert().from_select(["source_id"], sa.select(names.c.source_id).where(~known)))
    stage.analyze(connection, touched)
    return True


def _themselves(load: Load) -> sa.Select[Any]:
    found = load.stage.differences
    return sa.select(found.c.source_id).where(
        found.c.kind.in_(("students", "contacts", "staff")), found.c.change != HELD
    )


def _by_classes(load: Load) -> tuple[sa.Select[Any], ...]:
    """Those in whose classes something changed: whom the row named before, whom it names now, and all of a class that changed."""
    found, staged, member = load.stage.differences, load.stage.kinds["class members"].stage, t.section_member
    rows = sa.select(found.c.source_id).where(found.c.kind == "class members")
    classes = sa.select(found.c.source_id).where(found.c.kind == "classes")
    return (
        sa.select(staged.c.person_source_id.label("source_id")).where(staged.c.source_id.in_(rows)),
        sa.select(member.c.person_source_id.label("source_id")).where(
            sa.or_(member.c.source_id.in_(rows), member.c.section_source_id.in_(classes))
        ),
    )
