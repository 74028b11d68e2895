"""Whatever keys are pressed, the rows in reach are the queue's rows, in its order, and never more than two windows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from console.columns import fit
from console.queue import Count
from screens.marks import RANGE_LIMIT, MarkedRange, Marks
from screens.window import WINDOW, Window
from tests.computed_queue import COLUMNS, ComputedQueue

STEPS = some.one_of(
    some.tuples(some.sampled_from(["move", "scroll"]), some.integers(-400, 400)),
    some.tuples(some.just("resize"), some.integers(1, 200)),
    some.tuples(some.sampled_from(["first", "last"]), some.just(0)),
    some.tuples(some.just("seek"), some.integers(1, 700)),
)


@given(some.integers(0, 700), some.integers(1, 200), some.booleans(), some.lists(STEPS, max_size=30), some.booleans())
def test_any_walk_shows_what_a_plain_list_shows(
    length: int, height: int, backwards: bool, steps: list[tuple[str, int]], counted: bool
) -> None:
    cases = range(length, 0, -1) if backwards else range(1, length + 1)
    window = Window(ComputedQueue(cases), height)
    place = 0
    tallest = height
    for step, by in steps:
        before = place
        match step:
            case "move" | "scroll":
                stepped = [row.id for row in getattr(window, step)(by)]
                place = max(0, min(place + by, length - 1))
                assert stepped == [cases[at] for at in walk(before, place)]
            case "resize":
                height = by
                tallest = max(tallest, height)
                window.resize(height)
            case "first":
                window.first()
                place = 0
            case "last":
                window.last(length if counted else None)
                place = max(0, length - 1)
            case "seek" if window.seek(by, 3):
                place = cases.index(by) if by in cases else 0
        shown = [row.id for row in window.visible]
        assert len(shown) == min(height, length)
        assert len(window.rows) <= 2 * max(WINDOW, tallest)
        if length:
            assert window.row is not None
            assert window.row.id == cases[place]
            assert window.row.id in shown
            begin = cases.index(shown[0])
            assert shown == list(cases[begin : begin + height])
            assert window.base is None or window.base + window.top == begin
            assert window.at_last <= (place == length - 1)
        if counted and not any(step == "seek" for step, _ in steps):
            assert window.base is not None


def walk(before: int, after: int) -> range:
    """The places stepped on between two places."""
    return range(before + 1, after + 1) if after > before else range(before - 1, after - 1, -1)


@given(some.lists(some.integers(-40, 40), max_size=40), some.frozensets(some.integers(-50, 50)), some.booleans())
def test_a_range_marks_what_lies_between_its_ends(moves: list[int], marked: frozenset[int], all_matching: bool) -> None:
    over = Marks(marked, all_matching)
    spanned = MarkedRange(over, 0)
    place = 0
    for by in moves:
        assert spanned.follow(walk(place, place + by)) == 0 or abs(place + by) >= RANGE_LIMIT
        place += by
        between = range(min(0, place), max(0, place) + 1)
        if len(between) <= RANGE_LIMIT:
            for case in range(-60, 60):
                assert spanned.marks.includes(case) == (over.includes(case) or case in between)


@given(some.booleans(), some.lists(some.tuples(some.booleans(), some.integers(0, 9)), max_size=20))
def test_marks_are_a_set_and_its_complement(everything: bool, steps: list[tuple[bool, int]]) -> None:
    marks = Marks().everything() if everything else Marks()
    plain = set(range(10)) if everything else set()
    for adding, case in steps:
        marks = marks.add([case]) if adding else marks.toggle(case)
        plain = plain | {case} if adding else plain ^ {case}
        assert {case for case in range(10) if marks.includes(case)} == plain
    assert bool(marks) or not plain
    assert not marks.clear()
    assert marks.under_another_filter() == (Marks() if everything else marks)


def test_marks_describe_themselves_in_the_words_of_the_status_line() -> None:
    count, capped = Count(412, capped=False), Count(1000, capped=True)
    assert Marks().describe(count) == "0 marked"
    assert Marks(frozenset(range(1234))).describe(capped) == "1,234 marked"
    assert Marks().everything().describe(count) == "all 412 marked"
    assert Marks().everything().describe(capped) == "all marked"
    assert Marks().everything().toggle(1).toggle(2).describe(count) == "all but 2 marked"


@given(some.integers(1, 300), some.integers(1, 2))
def test_columns_fill_the_line_and_never_more(width: int, between: int) -> None:
    widths = fit(COLUMNS, width, between)
    drawn = [cells for cells in widths if cells]
    used = sum(drawn) + between * (len(drawn) - 1)
    assert len(widths) == len(COLUMNS)
    assert used == width if width >= 16 else used <= width
    missing = {column.optional for column, cells in zip(COLUMNS, widths, strict=True) if not cells and column.optional}
    kept = {column.optional for column, cells in zip(COLUMNS, widths, strict=True) if cells and column.optional}
    assert not missing or not kept or min(missing) > max(kept)
