"""Small plots are honest: as long as they say, in order, and never nothing for something or all for a part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from console.text import cells
from screens.plots import bar, spark

NUMBERS = some.one_of(some.integers(-5, 10**9), some.floats(0, 1e9))


def test_plots_read_like_this() -> None:
    assert spark([0, 1, 5, 9, 3, 7, 100, 50, 99]) == "▁▂▂▂▂▂█▅▇"
    assert spark([0, 1, 5, 9, 3, 7, 100, 50, 99], ascii_only=True) == "_.....#=*"
    assert spark([]) == ""
    assert bar(3, 10, 12) == "███▋········"
    assert bar(4, 12, 12, ascii_only=True) == "####........"


@given(some.lists(NUMBERS, min_size=1, max_size=60), some.booleans())
def test_a_spark_has_a_cell_a_value_in_the_values_order(values: list[float], ascii_only: bool) -> None:
    drawn = spark(values, ascii_only=ascii_only)
    steps = "_.-~=+*#" if ascii_only else "▁▂▃▄▅▆▇█"
    heights = [steps.index(step) for step in drawn]
    assert len(drawn) == cells(drawn) == len(values)
    for value, height in zip(values, heights, strict=True):
        assert (height > 0) == (value > 0)
        assert (height == len(steps) - 1) == (value > 0 and value == max(values))
        assert all(height <= other for more, other in zip(values, heights, strict=True) if more > value)


@given(NUMBERS, NUMBERS, some.integers(-1, 80), some.booleans())
def test_a_bar_is_as_long_as_asked_and_never_lies_at_its_ends(
    part: float, whole: float, width: int, ascii_only: bool
) -> None:
    drawn = bar(part, whole, width, ascii_only=ascii_only)
    assert cells(drawn) == max(0, width)
    if width > 1 and whole > 0:
        empty, full = (".", "#") if ascii_only else ("·", "█")
        assert (drawn == empty * width) == (part <= 0)
        assert (drawn == full * width) == (part >= whole)
