"""A bulk decision says how far it is, and giving it up before the commit leaves nothing of it, wherever it is by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.desks import desk
from console.progress import Cancelled
from console.selection import Selection
from models import tables as t
from tests.applying import arrived
from tests.rows_and_records import rows_of

if TYPE_CHECKING:
    from console.progress import Progress
    from console.selection import Receipt
    from tests.portals import Portal

CASES = 1_200


class Watching:
    """Keeps what was said, and gives up at the time that is named, None for never."""

    def __init__(self, until: int | None = None) -> None:
        self.said: list[tuple[int, int, str]] = []
        self._until = until

    def say(self, done: int, total: int, what: str) -> None:
        self.said.append((done, total, what))
        if len(self.said) == self._until:
            raise Cancelled


def rejected(portal: Portal, key: str, progress: Progress) -> Receipt:
    """What waits is rejected, which writes cases, ties, records, a detail and notices."""
    registrations = desk("registrations")
    decision = registrations.decision("reject")
    selection = Selection(where="state:submitted")
    params = decision.Params(reason="the roster knows nobody of that name")
    return portal.office.decide(portal.operator(), registrations, decision, selection, params, key, progress)


def test_a_decision_and_its_undo_can_be_given_up_at_every_word_until_they_are_saved(portal: Portal) -> None:
    arrived(portal, portal.school(), CASES)
    before = rows_of(portal)
    watching = Watching()
    receipt = rejected(portal, "whole", watching)
    words = [(0, 0, "choosing"), (0, CASES, "changing"), (1_000, CASES, "recording")]
    assert (receipt.done, watching.said) == (CASES, words)
    done = rows_of(portal)
    for until in range(1, len(words) + 1):
        with pytest.raises(Cancelled, match="nothing was done"):
            portal.office.undo(portal.operator(), str(receipt.batch), f"undo {until}", Watching(until))
        assert rows_of(portal) == done
    undone = portal.office.undo(portal.operator(), str(receipt.batch), "undo", Watching())
    assert undone.done == CASES
    back = rows_of(portal)
    for until in range(1, len(words) + 1):
        with pytest.raises(Cancelled, match="nothing was done"):
            rejected(portal, f"again {until}", Watching(until))
        assert rows_of(portal) == back
    assert before["registration"].keys() == back["registration"].keys()
    assert not portal.all(sa.select(t.registration.c.id).where(t.registration.c.state == "rejected"))


def test_the_same_call_after_giving_it_up_is_carried_out(portal: Portal) -> None:
    arrived(portal, portal.school(), 3)
    with pytest.raises(Cancelled):
        rejected(portal, "one key", Watching(2))
    assert rejected(portal, "one key", Watching()).done == 3
    again = rejected(portal, "one key", Watching(1))
    assert (again.done, again.again) == (3, True)
