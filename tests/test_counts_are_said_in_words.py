"""A number of cases is said as people say it."""

from __future__ import annotations

import pytest

from console.desks import DESKS, desk
from screens.words import plural


@pytest.mark.parametrize(
    ("count", "singular", "said"),
    [
        (1, "registration", "1 registration"),
        (1_200, "registration", "1,200 registrations"),
        (0, "school", "0 schools"),
        (2, "ASP", "2 ASPs"),
        (3, "entry", "3 entries"),
        (2, "day", "2 days"),
        (2, "person", "2 people"),
        (23, "person of the directory", "23 people of the directory"),
        (1, "person of the directory", "1 person of the directory"),
    ],
)
def test_one_is_not_said_as_many(count: int, singular: str, said: str) -> None:
    assert plural(count, singular) == said


@pytest.mark.parametrize("name", DESKS)
def test_the_cases_of_each_desk_have_a_plural(name: str) -> None:
    several = plural(2, desk(name).singular)
    assert not several.endswith("ss")
    assert several != f"2 {desk(name).singular}"
