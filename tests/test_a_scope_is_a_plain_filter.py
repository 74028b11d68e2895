"""What an operator of some schools sees is what one of all schools sees, filtered by the case's school: nothing more, nothing less.

Cases are dealt out to schools at random and a few schools chosen at random; then every list, count, search, record and batch is held
against that filter, which knows nothing of how scope is done. Each example is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.authority import Operator, Role
from console.batches import batches
from console.desks import DESKS, desk
from console.errors import Usage
from console.finding import Kind, find
from console.overview import overview
from models import tables as t
from tests.every_case import Place, every_case
from tests.portals import open_portal
from tests.rehearsing import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.every_case import EveryCase

SCHOOLS = 4
"""Schools that cases are dealt out to; one more place is no school at all."""
HOMES = {
    "registrations": t.registration,
    "challenges": t.challenge,
    "grants": t.access_grant,
    "students": t.student,
    "activations": t.directory_user,
}
"""The table that says of which school a case is."""
EVERYTHING = 5000


class World:
    """The district, an operator of everything, and where each case is."""

    def __init__(self, every: EveryCase) -> None:
        self.office = Rehearsal(every.portal.office)
        self.schools = every.ours[:SCHOOLS]
        self.all = every.portal.operator()
        self.numbers = {
            name: sorted(case for place in Place for case in every.cases.get((name, place), {}).values())
            for name in DESKS
        }
        self.students = {
            row.id: row.number for row in self.office.connection.execute(sa.select(t.student.c.id, t.student.c.number))
        }

    def deal(self, dealt: list[int]) -> dict[str, dict[int, int | None]]:
        """Put each case of each desk into the school of its turn; returns where each is."""
        places = [*self.schools, None]
        where: dict[str, dict[int, int | None]] = {}
        n = 0
        for name, table in HOMES.items():
            where[name] = {}
            for (case,) in self.office.connection.execute(sa.select(table.c.id).order_by(table.c.id)).all():
                where[name][case] = places[dealt[n % len(dealt)] % len(places)]
                n += 1
            self.office.connection.execute(
                table.update().where(table.c.id == sa.bindparam("case")).values(school_id=sa.bindparam("school")),
                [{"case": case, "school": school} for case, school in where[name].items()],
            )
        entries = self.office.connection.execute(sa.select(t.directory_user.c.id, t.directory_user.c.student_id))
        for entry, student in entries:
            # The roster's word on a student comes before the directory's code.
            where["activations"][entry] = where["students"][student] or where["activations"][entry]
        where["schools"] = {school: school for school in self._ids(t.school.c.id)}
        return where

    def _ids(self, column: Any) -> list[int]:
        return list(self.office.connection.execute(sa.select(column)).scalars())

    def listed(self, operator: Operator, name: str, where: str = "") -> list[int]:
        queue = self.office.queue(operator, desk(name), where)
        rows = [row.id for row in queue.first(EVERYTHING)]
        assert queue.count().number == len(rows), (name, where)
        return rows


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("scopes")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    made = World(every_case(portal))
    yield made
    made.office.close()
    made.office.engine.dispose()


WHERES = ("", "state:waiting", "state:submitted", "state:open", "state:approved", "kim", "vale", "pat")


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    dealt=st.lists(st.integers(0, SCHOOLS), min_size=7, max_size=40),
    chosen=st.sets(st.integers(0, SCHOOLS - 1), min_size=1),
    data=st.data(),
)
def test_lists_counts_searches_records_and_batches_are_the_filtered_ones(
    world: World, dealt: list[int], chosen: set[int], data: st.DataObject
) -> None:
    with world.office.forgetting():
        where = world.deal(dealt)
        mine = frozenset(world.schools[n] for n in chosen)
        scoped = Operator(world.all.id + 100_000, "some", Role.DISTRICT_ADMINISTRATOR, mine)
        for name, places in where.items():
            for text in WHERES:
                try:
                    everything = world.listed(world.all, name, text)
                except Usage:  # This desk has no such filter, for nobody.
                    continue
                assert world.listed(scoped, name, text) == [each for each in everything if places[each] in mine], (
                    name,
                    text,
                )
            case = data.draw(st.sampled_from(sorted(places)), label=name)
            assert world.listed(scoped, name, f"id:{case}" if name == "students" else "").count(case) == (
                places[case] in mine
            )
        _records(world, scoped, where, mine)
        _found(world, scoped, where, mine)
        _home(world, scoped, where, mine)


def _records(world: World, scoped: Operator, where: dict[str, dict[int, int | None]], mine: frozenset[int]) -> None:
    """The audit's records and the batches are those of the cases that exist."""
    rows = world.office.connection.execute(
        sa.select(t.record.c.index, t.record.c.desk, t.record.c.case_id, t.record.c.batch).where(
            t.record.c.log == "ledger"
        )
    ).all()
    own = {row.index: row.batch for row in rows if where.get(row.desk, {}).get(row.case_id) in mine}
    desks = {row.index for row in rows if row.desk in where}
    assert set(world.listed(scoped, "audit")) & desks == set(own)
    seen = {each.id for each in batches(world.office, scoped, everybody=True, limit=EVERYTHING) if each.desk in where}
    assert seen == set(own.values())


def _found(world: World, scoped: Operator, where: dict[str, dict[int, int | None]], mine: frozenset[int]) -> None:
    """A student is found by number where they exist, and not where they do not."""
    for student, number in list(world.students.items())[::9]:
        hits = find(world.office, scoped, number).hits
        assert [hit.case for hit in hits if hit.kind is Kind.STUDENT] == (
            [student] if where["students"][student] in mine else []
        )


def _home(world: World, scoped: Operator, where: dict[str, dict[int, int | None]], mine: frozenset[int]) -> None:
    """The home screen counts what the queues show."""
    view = overview(world.office, scoped, [desk(name) for name in where])
    for each in view.desks:
        shown = world.listed(scoped, each.name, desk(each.name).waiting)
        assert each.waiting.number == len(shown)
    assert view.grants_ending == sum(
        where["grants"][row.id] in mine
        for row in world.office.connection.execute(
            sa.select(t.access_grant.c.id).where(
                t.access_grant.c.state == "approved",
                t.access_grant.c.ends > world.office.clock.today(),
                t.access_grant.c.ends <= world.office.clock.today().replace(month=12, day=20),
            )
        )
    )
