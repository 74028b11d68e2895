"""Who may see what, asked at full size: one viewer's rows of the portal's view, as a portal asks for them, and `access` explained."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from console.access import explain, who_can_see
from models.engine import prepared
from tests.measured.awake import NOTE, awake
from tests.measured.large import ENGINES, SMALL, STUDENTS, portal
from tests.measured.large_rows import Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.measured.large import Large
    from tests.measured.report import Report

TITLE = "Access of one viewer"
GOAL = 5.0
"""Milliseconds."""
TURNS = 15
WARM = 7
"""Runs before: PostgreSQL settles on one plan of a prepared statement at the sixth."""
_ROWS = sa.text('SELECT student, "class", via, "from", "until" FROM portal_access WHERE viewer = :viewer')
_ONE = sa.text('SELECT "class" FROM portal_access WHERE viewer = :viewer AND student = :student')


def measure(report: Report) -> None:
    """Both engines, one after the other."""
    students = SMALL if report.small else STUDENTS
    for engine in ENGINES:
        with portal(report.folder, engine, students=students) as large, awake():
            _measure(report, large)
    report.note(
        "A teacher reads every student of a school; a portal asks for the one that is on the screen, which is the row with a goal."
    )
    report.note(NOTE)


def _measure(report: Report, large: Large) -> None:
    sizes = Sizes(large.students)
    with large.office.reading() as connection:
        run = connection.execute
        parent = run(
            sa.text(
                "SELECT account_id, min(student_id) FROM membership WHERE account_id > :first"
                " GROUP BY account_id HAVING count(*) = 3 LIMIT 1"
            ),
            {"first": sizes.first_parent + 30},
        ).one()
        teacher = run(
            sa.text(
                "SELECT a.id, e.student_id FROM account a JOIN post p ON p.staff_id = a.staff_id"
                " JOIN enrollment e ON e.school_id = p.school_id WHERE a.type = 'certificated' AND a.id > :first LIMIT 1"
            ),
            {"first": sizes.first_staff + 3},
        ).one()
        tutor = run(sa.text("SELECT account_id, student_id FROM access_grant WHERE state = 'approved' LIMIT 1")).one()
    viewers = {
        "parent of three": (*parent, True),
        "student": (8, 8, True),
        "after-school professional": (*tutor, True),
        "teacher": (*teacher, False),
    }
    for name, (viewer, student, whole) in viewers.items():
        if whole:
            _say(report, large, f"portal_access, {name}", lambda v=viewer: _ask(large, _ROWS, viewer=v))
        else:
            took, rows = _timed(lambda v=viewer: _ask(large, _ROWS, viewer=v))
            report.row(f"{large.engine}: portal_access, {name}, the whole school", f"{took:.3g} ms, {rows} rows")
        _say(
            report,
            large,
            f"portal_access, {name}, one student",
            lambda v=viewer, s=student: _ask(large, _ONE, viewer=v, student=s),
        )
    for name, (viewer, student, _) in viewers.items():
        took, _ways = _timed(lambda v=viewer, s=student: _explained(large, v, s))
        report.row(f"{large.engine}: access explain, {name}", f"{took:.3g} ms", goal="≤ 5 ms", reached=took <= GOAL)
    took, seen = _timed(lambda: _readers(large, parent[1]))
    report.row(f"{large.engine}: access who, one student", f"{took:.3g} ms, {seen} ways")


def _explained(large: Large, viewer: int, student: int) -> int:
    with large.office.reading() as connection:
        return len(explain(connection, viewer, student, large.clock.today()).ways)


def _readers(large: Large, student: int) -> int:
    with large.office.reading() as connection:
        return len(who_can_see(connection, student, large.clock.today()))


def _say(report: Report, large: Large, what: str, asked: Callable[[], int]) -> None:
    took, rows = _timed(asked)
    report.row(f"{large.engine}: {what}", f"{took:.3g} ms, {rows} rows", goal="≤ 5 ms", reached=took <= GOAL)


def _ask(large: Large, query: sa.TextClause, **values: int) -> int:
    with large.office.reading() as connection, prepared(connection):
        return len(connection.execute(query, values).all())


def _timed(what: Callable[[], int]) -> tuple[float, int]:
    """The median in milliseconds, and what it gave."""
    for _ in range(WARM):
        given = what()
    taken = []
    for _ in range(TURNS):
        began = time.perf_counter()
        what()
        taken.append(time.perf_counter() - began)
        if sum(taken) > TURNS:
            break
    return statistics.median(taken) * 1000, given
