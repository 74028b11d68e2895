"""Promise: on any day, on either engine, the portal's views show a student's data to exactly those whom the rules name.

The rules are read by the oracle (tests/oracle.py); worlds are generated, mostly open, with every switch and date moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from tests.oracle import World, everything, is_challenged, read_world
from tests.worlds import OPEN, TODAY, asked_days, holding, opened, situations, troubled, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with opened(database_url) as made:
        yield made


def periods(connection: Connection) -> list[tuple[int, int, str, str, date, date | None]]:
    """Every row of the view of periods."""
    columns = [sa.column(name) for name in ("viewer", "student", "class", "via")]
    edges = [sa.column("from", sa.Date), sa.column("until", sa.Date)]
    query = sa.select(*columns, *edges).select_from(sa.table("portal_access_period"))
    return [tuple(row) for row in connection.execute(query)]


def shown(rows: list[tuple[int, int, str, str, date, date | None]], day: date) -> list[tuple[int, int, str, str]]:
    """What is shown on a day, and through which tie."""
    return [row[:4] for row in rows if row[4] <= day and (row[5] is None or day < row[5])]


def check(connection: Connection, world: World, days: list[date]) -> None:
    """The views agree with the rules on these days, and no tie shows the same class twice on one day."""
    with holding(connection, world):
        rows = periods(connection)
    for day in days:
        today = shown(rows, day)
        assert {row[:3] for row in today} == everything(world, day), day
        assert len(today) == len(set(today)), day


def test_the_views_show_what_the_rules_say_and_nothing_else(connection: Connection):
    days = asked_days()

    @settings(max_examples=250)
    @given(world=worlds())
    def agrees(world: World) -> None:
        check(connection, world, days)

    agrees()


def test_each_single_change_moves_what_the_rules_move(connection: Connection):
    days = asked_days()
    for situation in situations():
        check(connection, troubled(OPEN, situation), days)


def test_the_oracle_reads_any_portal_and_desks_know_which_ties_are_held(connection: Connection):
    @settings(max_examples=60)
    @given(world=worlds())
    def reads(world: World) -> None:
        with holding(connection, world):
            assert read_world(connection) == world
            held = connection.execute(sa.select(sa.column("membership_id")).select_from(sa.table("access_held")))
            assert set(held.scalars()) == {tie.id for tie in world.ties if is_challenged(world, tie)}

    reads()


def test_in_the_open_world_everybody_sees_something_and_a_clerk_nothing():
    """The sweep above would pass on an empty world too; this one is not."""
    viewers = {viewer for viewer, _, _ in everything(OPEN, TODAY)}
    assert viewers == {account.id for account in OPEN.accounts if account.type != "classified"}
