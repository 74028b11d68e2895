"""Queues, searches and home over a large district: our statements beside the best SQL for the same question, and the whole reading.

The bare statement stands in `bare_queries`. What ours is judged by is the database's own time: the statements that a reading sends
are run by the driver itself, in the same way as the bare one (`driver`), in turns with it. What the console adds to its page's
statement until the rows are there to be drawn stands in a row of its own.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING

from console.desks import DESKS, desk
from console.finding import find
from console.overview import overview
from tests.measured.awake import NOTE, awake
from tests.measured.bare_queries import questions
from tests.measured.driver import Driver, caught
from tests.measured.large import ENGINES, SMALL, STUDENTS, portal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.browse import Browse
    from tests.measured.large import Large
    from tests.measured.report import Report

TITLE = "Queries among a million registrations"
PAGE = 40
GOAL = 1.1
ADDED = 1.0
"""Milliseconds that a reading may add to the database's own time."""
SECONDS = 0.6
"""For how long ours and the bare statement alternate, four times at least; in a trial run they do so four times."""
WARM = 7
"""Runs before: PostgreSQL settles on one plan of a prepared statement at the sixth."""


def measure(report: Report) -> None:
    """Both engines, one after the other."""
    students = SMALL if report.small else STUDENTS
    for engine in ENGINES:
        with portal(report.folder, engine, students=students) as large, awake():
            with closing(Driver(large)) as driver:
                _compare(report, large, driver)
            _alone(report, large)
            _listing(report, large)
    report.note(
        f"A page is {PAGE} rows with everything that a screen shows of them. A row with a ratio: all statements that a reading of the "
        "queue sends, as they were sent, beside the bare one; both prepared and run in turns by sqlite3 or psycopg alone, in the same "
        "role and schools, and their rows fetched. A word or a moment that was typed is a parameter of both: nobody can have planned "
        "for it before. Whole: the same reading by the console, with the connection from the pool, the transaction and SQLAlchemy."
    )
    report.note(NOTE)


def _compare(report: Report, large: Large, driver: Driver) -> None:
    ways: dict[str, Callable[[Browse], object]] = {
        "first": lambda queue: queue.rows(PAGE),
        "last": lambda queue: queue.rows(PAGE, backwards=True),
        "count": lambda queue: queue.count(),
        "exact": lambda queue: queue.count(None),
    }
    for question in questions():
        operator = large.office.operator("help desk" if question.scoped else "administrator")
        for what, sql in question.bare.items():
            queue = large.office.queue(operator, desk(question.desk), question.where)
            sent = caught(large.office.engine, lambda q=queue, w=what: ways[w](q))
            bare = [driver.by_hand(sql, question.typed)]
            driver.within(operator.schools)
            ours, best = _in_turns(lambda s=sent: driver.run(s), lambda s=bare: driver.run(s), _pace(report))
            whole = _median(lambda q=queue, w=what: ways[w](q), _pace(report))
            said = f"{large.engine}: {question.says}, {what}"
            report.compared(said, ours * 1000, {"bare": best * 1000}, GOAL, "bare", "ms")
            added = (whole - ours) * 1000
            report.row(
                f"{said}, whole",
                f"{whole * 1000:.3g} ms",
                ratio=f"{added:+.2f} ms",
                goal=f"≤ {ADDED:g} ms added",
                reached=added <= ADDED,
            )


def _alone(report: Report, large: Large) -> None:
    """What is made of many statements and has no one bare question beside it."""
    for name in ("administrator", "help desk"):
        operator = large.office.operator(name)
        for text in ("garland", "hal", "joyce dalerson", "10000671"):
            took = _median(lambda t=text, o=operator: find(large.office, o, t), _pace(report))
            report.row(f"{large.engine}: find {text!r} across desks, {name}", f"{took * 1000:.3g} ms")
        desks = [desk(each) for each in DESKS]
        took = _median(lambda o=operator, d=desks: overview(large.office, o, d), _pace(report))
        report.row(f"{large.engine}: home's numbers, {name}", f"{took * 1000:.3g} ms")
    queue = large.office.queue(large.office.operator("administrator"), desk("registrations"), "state:submitted")
    took = _median(lambda: queue.first(PAGE), _pace(report))
    report.row(f"{large.engine}: state:submitted, first page drawn for a screen", f"{took * 1000:.3g} ms")


def _listing(report: Report, large: Large) -> None:
    """Everything that is submitted, one by one, as `list --format json` writes it."""
    queue = large.office.queue(large.office.operator("administrator"), desk("registrations"), "state:submitted")
    peaks = {}
    for many in (5_000, 50_000):
        began = time.perf_counter()
        rows = sum(1 for _ in queue.records(many))
        took = time.perf_counter() - began
        # Once more: counting every allocation takes several times as long as the list itself.
        tracemalloc.start()
        sum(1 for _ in queue.records(many))
        peaks[many] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        report.row(
            f"{large.engine}: list of {rows:,} rows",
            f"{took:.3g} s, {peaks[many]:.1f} MiB at most",
            goal="flat memory" if many > 5_000 else "–",
            ratio=f"{peaks[many] / peaks[5_000]:.2f}× of the shorter list's memory" if many > 5_000 else "–",
            reached=peaks[many] <= 1.5 * peaks[5_000] if many > 5_000 else None,
        )


def _in_turns(one: Callable[[], object], other: Callable[[], object], seconds: float) -> tuple[float, float]:
    """The medians of both, in seconds, after a warm-up of each. Either goes first as often: the second finds its rows at hand."""
    for _ in range(WARM):
        one()
        other()
    taken: tuple[list[float], list[float]] = ([], [])
    pair = ((one, taken[0]), (other, taken[1]))
    for turn in _for_a_while(seconds):
        for run, times in pair if turn % 2 else pair[::-1]:
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
    return statistics.median(taken[0]), statistics.median(taken[1])


def _pace(report: Report) -> float:
    return 0 if report.small else SECONDS


def _median(what: Callable[[], object], seconds: float) -> float:
    for _ in range(WARM):
        what()
    taken = []
    for _ in _for_a_while(seconds):
        began = time.perf_counter()
        what()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _for_a_while(seconds: float) -> Iterator[int]:
    end = time.perf_counter() + seconds
    for turn in range(400):
        if turn >= 4 and time.perf_counter() > end:
            return
        yield turn
