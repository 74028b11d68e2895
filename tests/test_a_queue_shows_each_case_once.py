"""Whatever way a queue takes to its rows, lanes that are merged or words that are looked up, it shows each match once, in order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from console.desks import desk
from models import tables as t

if TYPE_CHECKING:
    from tests.portals import Portal

STATES = ("submitted", "deferred", "needs_info", "approved", "expired")
FILTERS = (
    "state:submitted",
    "state:submitted,submitted",
    "state:submitted,deferred,expired",
    "state:expired,needs_info,expired kind:parent,parent",
    "state:submitted garcia",
    "garcia",
    "garcia pat",
    "-garcia",
)


def matches(where: str, state: str, name: str) -> bool:
    """What the filters above mean, said without a database."""
    pieces = where.split()
    states = next((piece[6:].split(",") for piece in pieces if piece.startswith("state:")), STATES)
    garcia = name == "garcia"
    words = [garcia if piece == "garcia" else not garcia for piece in pieces if piece.endswith("garcia")]
    return state in states and all(words)


@pytest.mark.parametrize("where", FILTERS)
def test_pages_hold_every_match_once_and_in_order(portal: Portal, where: str) -> None:
    expected = []
    school = portal.school()
    for n in range(30):
        stored, state, values = _case(portal, n)
        family = ("Garcia", "Vale", "Lee")[n % 3]
        case = portal.registration(portal.student("Kim", "Poe", school=school), family=family, given="Pat")
        arrived = portal.clock.now() - timedelta(days=(n * 7) % 11)
        portal.change(t.registration, case, state=stored, arrived_at=arrived, **values)
        if matches(where, state, family.lower()):
            expected.append((arrived, case))
    queue = portal.office.queue(portal.operator(), desk("registrations"), where)
    seen = list(queue.first(4))
    while more := queue.after(seen[-1], 4):
        seen += more
    assert [row.id for row in seen] == [case for _, case in sorted(expected)]
    assert [row.id for row in queue.last(4)] == [case for _, case in sorted(expected)[-4:]]
    assert queue.count().number == queue.count(None).number == len(expected)


def test_who_comes_to_bear_a_word_is_there_at_the_next_page(portal: Portal) -> None:
    queue = portal.office.queue(portal.operator(), desk("registrations"), "garcia")
    assert not queue.first(4)
    case = portal.registration(portal.student("Kim", "Poe", school=portal.school()), family="Garcia")
    assert [row.id for row in queue.first(4)] == [case]
    assert queue.count().number == 1


def _case(portal: Portal, n: int) -> tuple[str, str, dict[str, object]]:
    """A state as it is stored, as it counts today, and what makes it count so."""
    today, long_ago = portal.today, portal.clock.now() - timedelta(days=400)
    return (
        ("submitted", "submitted", {}),
        ("deferred", "submitted", {"deferred_until": today}),
        ("deferred", "deferred", {"deferred_until": today + timedelta(days=3)}),
        ("needs_info", "needs_info", {"asked_at": portal.clock.now()}),
        ("needs_info", "expired", {"asked_at": long_ago}),
        ("expired", "expired", {}),
        ("approved", "approved", {}),
    )[n % 7]
