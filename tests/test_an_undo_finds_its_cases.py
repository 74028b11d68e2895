"""An undo right after a large decision, before PostgreSQL knows how many notices there are, finds each one's case by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from tests.portals import Portal

MANY = 120


def test_the_notices_of_an_undo_are_found_by_their_cases(portal: Portal) -> None:
    school = portal.school("North")
    for _ in range(MANY):
        portal.registration(portal.student(school=school))
    lite = portal.office.engine.dialect.name == "sqlite"
    plan: list[str] = []

    def explain(connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("UPDATE notice"):
            driver: Any = connection.connection.driver_connection
            rows = driver.execute(("EXPLAIN QUERY PLAN " if lite else "EXPLAIN (COSTS OFF) ") + statement, parameters)
            plan.extend(str(row[3 if lite else 0]) for row in rows.fetchall())

    batch = portal.decide("registrations", "approve", where="state:submitted").batch
    sa.event.listen(portal.office.engine, "before_cursor_execute", explain)
    assert portal.undo(str(batch)).done == MANY
    assert any("chosen_pkey" in step or "INDEX sqlite_autoindex_chosen_1 FOR IN" in step for step in plan), plan
