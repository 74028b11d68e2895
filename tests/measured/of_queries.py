"""Queues, searches and home over a large district, each beside the best SQL for the same question through the same driver.

The bare statement stands in `bare_queries`; sqlite3 and psycopg run it prepared, as the same role, in a transaction of its own as ours
is, and fetch its rows. Ours is everything up to the rows of a page, before they are drawn; runs alternate.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import make_url

from console.desks import DESKS, desk
from console.finding import find
from console.overview import overview
from tests.measured.bare_queries import questions
from tests.measured.large import ENGINES, SMALL, STUDENTS, portal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.browse import Browse
    from tests.measured.large import Large
    from tests.measured.report import Report

TITLE = "Queries among a million registrations"
PAGE = 40
GOAL = 1.1
SECONDS = 0.6
"""For how long ours and the bare statement alternate, three times at least; in a trial run they do so three times."""


def measure(report: Report) -> None:
    """Both engines, one after the other."""
    students = SMALL if report.small else STUDENTS
    for engine in ENGINES:
        with portal(report.folder, engine, students=students) as large, closing(_Bare(large)) as bare:
            _compare(report, large, bare)
            _alone(report, large)
            _listing(report, large)
    report.note(
        f"A page is {PAGE} rows with everything that a screen shows of them. Ours is the whole reading: the connection from the pool, "
        "the transaction, the statement, the rows; the bare statement is prepared and runs in a transaction too."
    )


class _Bare:
    """The driver itself: a connection, and a statement prepared after its first runs."""

    def __init__(self, large: Large) -> None:
        self._lite: sqlite3.Connection | None = None
        self._served: psycopg.Connection[Any] | None = None
        if large.file is not None:
            self._lite = sqlite3.connect(large.file, isolation_level=None)
        else:
            url = make_url(large.url).set(drivername="postgresql").render_as_string(hide_password=False)
            self._served = psycopg.connect(url, prepare_threshold=1, options="-c jit=off")

    def run(self, sql: str) -> int:
        """How many rows it gave."""
        if self._lite is not None:
            self._lite.execute("BEGIN")
            rows = self._lite.execute(sql).fetchall()
            self._lite.execute("COMMIT")
            return len(rows)
        assert self._served is not None
        with self._served.transaction():
            return len(self._served.execute(sql.encode()).fetchall())

    def close(self) -> None:
        for each in (self._lite, self._served):
            if each is not None:
                each.close()


def _compare(report: Report, large: Large, bare: _Bare) -> None:
    administrator, helper = (large.office.operator(name) for name in ("administrator", "help desk"))
    for question in questions():
        operator = helper if question.scoped else administrator
        queue = large.office.queue(operator, desk(question.desk), question.where)
        ours = {"first": lambda q=queue: q.rows(PAGE), "count": lambda q=queue: q.count()}
        ours |= {"last": lambda q=queue: q.rows(PAGE, backwards=True), "next": lambda q=queue: _next(q)}
        ours["exact"] = lambda q=queue: q.count(10**9)
        for what, sql in question.bare.items():
            mine, best = _alternate(ours[what], lambda text=sql: bare.run(text), _pace(report))
            report.compared(
                f"{large.engine}: {question.says}, {what}", mine * 1000, {"bare": best * 1000}, GOAL, "bare", "ms"
            )


_anchors: dict[int, tuple[Any, ...]] = {}


def _next(queue: Browse) -> Any:
    """The page behind the first."""
    if id(queue) not in _anchors:
        last = queue.rows(PAGE)[-1]
        _anchors[id(queue)] = (last.anchor, last.id)
    return queue.rows(PAGE, _anchors[id(queue)])


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
        tracemalloc.start()
        began = time.perf_counter()
        rows = sum(1 for _ in queue.records(many))
        took = time.perf_counter() - began
        peaks[many] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        report.row(
            f"{large.engine}: list of {rows:,} rows",
            f"{took:.3g} s, {peaks[many]:.1f} MiB at most",
            goal="flat memory" if many > 5_000 else "–",
            ratio=f"{peaks[many] / peaks[5_000]:.2f}× of the shorter list's memory" if many > 5_000 else "–",
            reached=peaks[many] <= 1.5 * peaks[5_000] if many > 5_000 else None,
        )


def _alternate(one: Callable[[], object], other: Callable[[], object], seconds: float) -> tuple[float, float]:
    """The medians of both, in seconds, run in turns after a warm-up of each."""
    for _ in range(7):  # PostgreSQL settles on one plan of a prepared statement at the sixth
        one()
        other()
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in _for_a_while(seconds):
        for each, times in zip((one, other), taken, strict=True):
            began = time.perf_counter()
            each()
            times.append(time.perf_counter() - began)
    return statistics.median(taken[0]), statistics.median(taken[1])


def _pace(report: Report) -> float:
    return 0 if report.small else SECONDS


def _median(what: Callable[[], object], seconds: float) -> float:
    what()
    taken = []
    for _ in _for_a_while(seconds):
        began = time.perf_counter()
        what()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _for_a_while(seconds: float) -> Iterator[int]:
    end = time.perf_counter() + seconds
    for turn in range(200):
        if turn >= 3 and time.perf_counter() > end:
            return
        yield turn
