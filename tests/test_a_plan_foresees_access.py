"""What a plan says opens and closes is what the portal's view then shows: for every decision about challenges and schools.

A decision moves more than its own tie (a parent's consent, and a tutor's grant with it), so worlds are generated in which everything
hangs together, and what was planned is held against the pairs that see more or less once it is decided.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from console.deciding import Call, decide
from console.deciding.imagining import AT_A_TIME, TOUCHED
from console.deciding.planning import plan
from console.desks import desk
from console.params import read_params
from console.selection import Selection
from models import tables as t
from models.engine import open_engine
from models.views import make_views
from tests.services.postgres import OWNER, as_role
from tests.worlds import OPEN, alter, rows_of, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from sqlalchemy import Connection

    from tests.portals import Portal

CALLS: list[tuple[str, str, tuple[int, ...], dict[str, Any]]] = [
    *(
        ("challenges", name, (case,), typed)
        for case in (1, 2, 3)
        for name, typed in (
            ("suspend", {"basis": "fraud"}),
            ("suspend", {"basis": "fraud", "until": "+14d"}),
            ("suspend", {"basis": "fraud", "account": "yes"}),
            ("delete", {"basis": "duplicate"}),
            ("appeal", {}),
        )
    ),
    *(("challenges", name, (), {}) for name in ("ignore", "claim")),
    ("challenges", "ask", (1,), {"recipients": "both", "message": "?"}),
    *(
        ("schools", name, ids, typed)
        for ids in ((), (1,), (2,))
        for name, typed in (
            *(("rights", {"rights": word}) for word in ("approve_for_grades", "approve_for_any")),
            *(("hold", {"policy": word}) for word in ("none", "limited", "full")),
            *(("consent", {"policy": word}) for word in ("any", "all")),
            *((name, {"on": on}) for name in ("in-person", "asp", "advanced", "majority") for on in ("yes", "no")),
        )
    ),
]


def seen(connection: Connection, portal: Portal) -> set[tuple[int, int, str]]:
    """Every (viewer, student, class) of today, as the portal reads it."""
    rows = connection.execute(
        sa.text(
            'SELECT viewer, student, "class" FROM portal_access_period '
            'WHERE "from" <= :day AND ("until" IS NULL OR "until" > :day)'
        ).bindparams(sa.bindparam("day", portal.today, sa.Date()))
    )
    return {(row[0], row[1], row[2]) for row in rows}


def pairs(classes: set[tuple[int, int, str]]) -> int:
    return len({each[:2] for each in classes})


@contextmanager
def opened(portal: Portal) -> Iterator[Connection]:
    """A founded portal that holds the open world, seen by this connection alone: its owner's, who may alter any row."""
    engine = open_engine(as_role(portal.settings.database.url, OWNER))
    with engine.connect().execution_options(writes=True) as connection, connection.begin() as whole:
        for table, rows in rows_of(OPEN).items():
            if table is not t.operator and rows:
                connection.execute(sa.insert(table), list(rows.values()))
        yield connection
        whole.rollback()
    engine.dispose()


def foreseen(
    connection: Connection, portal: Portal, name: str, decision: str, ids: tuple[int, ...], typed: dict[str, Any]
) -> None:
    """Plan and decide, and hold the one against the other."""
    sight = portal.office.sight(portal.operator())
    made = desk(name).decision(decision)
    params = read_params(made.Params, {"reason": "because", **typed}, sight.calendar)
    call = Call(desk(name), made, Selection(ids=ids or None), params, f"{decision}-{typed}")
    planned = plan(connection, call, sight, portal.office.assurance)
    before = seen(connection, portal)
    done = decide(connection, call, sight, portal.office.vault, portal.office.random, portal.office.assurance).receipt
    after = seen(connection, portal)
    assert (planned.count, planned.skipped, planned.notices) == (done.done, done.skipped, done.notices)
    assert (planned.opens, planned.closes) == (pairs(after - before), pairs(before - after)), (decision, typed)


def test_every_switch_and_every_settlement_in_generated_worlds(portal: Portal) -> None:
    with opened(portal) as connection:

        @settings(max_examples=40)
        @given(world=worlds(), call=st.sampled_from(CALLS))
        def holds(world: Any, call: tuple[str, str, tuple[int, ...], dict[str, Any]]) -> None:
            savepoint = connection.begin_nested()
            alter(connection, OPEN, world)
            foreseen(connection, portal, *call)
            savepoint.rollback()

        holds()


def test_every_switch_and_every_settlement_in_the_open_world(portal: Portal) -> None:
    """Each challenge is open first, so that each decision has something to decide."""
    with opened(portal) as connection:
        for state in ("open", "closed"):
            for call in CALLS:
                savepoint = connection.begin_nested()
                connection.execute(t.challenge.update().values(state=state))
                foreseen(connection, portal, *call)
                savepoint.rollback()


def test_reinstating_is_foreseen_too(portal: Portal) -> None:
    with opened(portal) as connection:
        connection.execute(t.challenge.update().values(state="open"))
        for typed in ({}, {"account": "yes"}):
            for case in (1, 2, 3):
                savepoint = connection.begin_nested()
                foreseen(connection, portal, "challenges", "suspend", (case,), {"basis": "fraud", **typed})
                foreseen(connection, portal, "challenges", "reinstate", (case,), {})
                savepoint.rollback()


def test_many_students_are_counted_as_few_are(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than AT_A_TIME students are counted in portions; the numbers do not depend on it."""
    assert 1 < len(OPEN.students) < AT_A_TIME
    monkeypatch.setattr("console.deciding.imagining.AT_A_TIME", 1)
    with opened(portal) as connection:
        for call in CALLS[:: 5 if portal.office.engine.dialect.name == "sqlite" else 7]:
            savepoint = connection.begin_nested()
            connection.execute(t.challenge.update().values(state="open"))
            foreseen(connection, portal, *call)
            savepoint.rollback()


def test_every_column_that_the_view_reads_can_touch_somebody_or_never_changes_at_a_desk() -> None:
    """SQLite says which columns a query reads. One that the view begins to read belongs to TOUCHED, or to those below."""
    fixed = {
        "account": {"id", "type", "login_key", "student_id", "staff_id", "organisation_id"},
        "membership": {"id", "account_id", "student_id"},
        "access_grant": {"id", "ref", "account_id", "student_id", "school_id"},
        "student": {"id", "number", "school_id", "adult_on"},
        "challenge": {"membership_id"},
        "school": {"id"},
    }
    engine = sa.create_engine("sqlite://")
    read: set[str] = set()

    def note(_action: int, table: str | None, column: str | None, *_: object) -> int:
        if table in fixed and column not in ("", *fixed[table]):
            read.add(f"{table}.{column}")
        return sqlite3.SQLITE_OK

    with engine.begin() as connection:
        t.metadata.create_all(connection)
        make_views(connection)
        driver: Any = connection.connection.driver_connection
        driver.set_authorizer(note)
        driver.execute("SELECT * FROM portal_access_period")
    assert read == TOUCHED.keys()
