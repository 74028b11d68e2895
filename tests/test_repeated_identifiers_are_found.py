"""An identifier that comes again in a file is found, however many come between, in memory that does not grow with the file."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.intake import seen
from console.intake.seen import Seen

SLOTS, A_CALL, CALLS = 1 << 17, 1_000, 100
"""The table of the last test, and what fills it and goes on in the database."""


@pytest.fixture(autouse=True, scope="module")
def _small() -> object:
    """A table that soon grows and soon is too large."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "SLOTS", 8)
        patch.setattr(seen, "MOST_SLOTS", 64)
        patch.setattr(seen, "TOGETHER", 7)
        yield


@given(st.lists(st.lists(st.sampled_from(["", *(f"U{n}" for n in range(120))]), max_size=30), max_size=12))
def test_who_came_before_is_found(calls: list[list[str]]) -> None:
    found, known = Seen(), set[str]()
    for names in calls:
        expected = set()
        for place, name in enumerate(names):
            if name in known:
                expected.add(place)
            known.add(name)
        assert found.add(names) == expected


def test_an_empty_identifier_is_one_too() -> None:
    assert Seen().add(["", "U1", ""]) == {2}


def test_many_take_no_more_memory_than_the_table_may() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "MOST_SLOTS", SLOTS)
        patch.setattr(seen, "HANDED_OVER", SLOTS // 64)
        found = Seen()
        found.add(["U"])
        tracemalloc.start()
        try:
            for call in range(CALLS):
                assert found.add([f"U{call}.{n}" for n in range(A_CALL)]) == set()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert found.add(["U3.17", "other", "other"]) == {0, 2}
    # The table, half of it more while it grows, and what one call is given; never the numbers of all as objects.
    assert most < 8 * SLOTS * 1.5 + 300 * A_CALL
