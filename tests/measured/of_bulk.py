"""What a decision about very many cases costs, beside the least that SQL can do and beside Django admin's ways, in one run.

Everything decides the same applications, each on a fresh copy of the same database, in one transaction, equally durable; the ways
take turns, and the middle of the rounds counts. PostgreSQL is asked as the console's own role, under row-level security.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import nullcontext
from statistics import median
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.assurance import Demonstration
from console.desks import desk
from console.desks.registration_decisions import Approve
from console.selection import Selection
from models import tables as t
from tests.measured import bare_bulk
from tests.measured.applications import SCHOOLS, SERVER, District
from tests.services.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.authority import Operator
    from console.desk import Decision, NoticeFor, Sight
    from console.filters import Predicate
    from console.selection import Receipt
    from tests.measured.report import Report
    from tests.portals import Portal

TITLE = "Bulk decisions"
SIZES = {100_000: 3, 10_000: 9, 1_000: 15}
"""How many, and in how many rounds."""
SMALL = {60: 1}
LOOPED = 1_000
"""Rows that Django's loop saves; its time is scaled from them, for each row costs it the same."""
WAITS = "state:submitted"
PLAIN, FULL = 1.5, 2.5
FASTER = {"sqlite": 4, "postgresql": 6}
LOOP = 20


class Quiet(Approve):
    """The same approval, of which nobody is told."""

    def notices(self, params: Any) -> Sequence[NoticeFor]:
        del params
        return ()


class Witnessed(Approve):
    """The same approval, for which a second person is asked."""

    def second_person(self, params: Any, sight: Sight) -> Predicate:
        del params, sight
        found: Predicate = desk("registrations").case().c.id > 0
        return found


def measure(report: Report) -> None:
    """Both engines, one after the other."""
    sizes = SMALL if report.small else SIZES
    for engine in ("sqlite", "postgresql"):
        folder = report.folder / f"bulk-{engine}"
        server = nullcontext() if engine == "sqlite" else Cluster(durable=True, settings=SERVER)
        with server as cluster:
            for size, rounds in sizes.items():
                district = District(folder, size + 1, cluster)
                _approving(report, district, rounds)
                _planning(report, district)
                if size == max(sizes):
                    _around(report, district)
                district.remove()
    report.note(_HOW)


_HOW = f"""\
The ways take turns, each on a fresh copy (rounds: {", ".join(f"{size:,} in {rounds}" for size, rounds in SIZES.items())});
the middle counts. *Bare*: the records put together in SQL by one
`INSERT … SELECT`, byte for byte what the console writes, and one `UPDATE` each for the registrations and their ties, over the
same tables with the same indexes, constraints and triggers; it judges, locks, hashes, tells and signs nothing. *Plain*: the
console's approval without notices; *full*: as it is, with a reason that is kept encrypted and a notice to each applicant.
*Django update*: `log_actions` and `queryset.update()` for cases and ties; *Django loop*: `save()` of both and a log entry, row by
row, {LOOPED:,} rows, scaled. Django runs in a process of its own over the same tables. A row was decided before in all of them, so
that nothing is done for the first time, but for the statements of a filter, which are put together once (9 ms). The state that is
signed is written through to the disk (10 ms). Where the bare is not 4 or 6 times faster than Django either, no decision can be."""


def _approving(report: Report, district: District, rounds: int) -> None:
    number = district.number - 1
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in _WAYS.items():
            took.setdefault(name, []).append(way(district, number))
    middle = {name: median(found) for name, found in took.items()}
    looped = min(LOOPED, number)
    middle["Django loop"] = _django("loop", district, looped) * number / looped
    others = {name: middle[name] for name in ("bare", "Django update", "Django loop")}
    what = f"approve {number:,}, {district.engine}"
    report.compared(f"{what}, plain", middle["plain"], others, PLAIN, "bare")
    report.compared(f"{what}, full", middle["full"], others, FULL, "bare")
    for other, goal in (("Django update", FASTER[district.engine]), ("Django loop", LOOP)):
        times = middle[other] / middle["plain"]
        report.row(
            f"{what}, plain, than {other}",
            f"{middle['plain']:.3g} s",
            beside=f"{middle[other]:.3g} s",
            ratio=f"{times:.1f}× faster",
            goal=f"≥ {goal}×",
            reached=times >= goal,
        )


def _ours(decision: Decision, district: District, number: int, **typed: Any) -> float:
    with district.portal() as portal:
        took, receipt = _timed(lambda: _decided(portal, portal.operator(), decision, "bulk", **typed))
        _all_done(receipt.done, number)
        return took


def _decided(portal: Portal, who: Operator, decision: Decision, key: str, **typed: Any) -> Receipt:
    params = decision.Params(**typed)
    return portal.office.decide(who, desk("registrations"), decision, Selection(where=WAITS), params, key)


def _bare(district: District, number: int) -> float:
    with district.portal() as portal:
        took, done = _timed(lambda: bare_bulk.approve(portal.office.engine, portal.today))
        _all_done(done, number)
        return took


def _django(way: str, district: District, number: int) -> float:
    with district.copy() as (url, _):
        command = [sys.executable, "-m", "tests.measured.django_admin", way, url, str(number)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


_WAYS: dict[str, Callable[[District, int], float]] = {
    "bare": _bare,
    "plain": lambda district, number: _ours(Quiet(), district, number),
    "full": lambda district, number: _ours(Approve(), district, number, reason="as the roster says"),
    "Django update": lambda district, number: _django("update", district, number),
}


def _planning(report: Report, district: District) -> None:
    """What a person is shown before they decide: counts, who is left out, whose access opens and closes."""
    approve, number = Approve(), district.number - 1
    with district.portal() as portal:
        office, who = portal.office, portal.operator()
        took, plan = _timed(
            lambda: office.plan(who, desk("registrations"), approve, Selection(where=WAITS), approve.Params())
        )
        _all_done(plan.count, number)
        clerk = portal.hire("clerk", "help_desk", tuple(range(1, SCHOOLS // 2 + 1)))
        scoped, mine = _timed(
            lambda: office.plan(clerk, desk("registrations"), approve, Selection(where=WAITS), approve.Params())
        )
        report.row(f"plan of {number:,} approvals, {district.engine}", f"{took:.3g} s")
        report.row(f"plan of {mine.count:,} of half the schools, {district.engine}", f"{scoped:.3g} s")
        took, receipt = _timed(lambda: _decided(portal, clerk, approve, "scoped", reason="as the roster says"))
        report.row(f"approve {receipt.done:,} of half the schools, full, {district.engine}", f"{took:.3g} s")


def _around(report: Report, district: District) -> None:
    """What else is done to as many cases at once."""
    number = district.number - 1
    with district.portal() as portal:
        _, receipt = _timed(lambda: _decided(portal, portal.operator(), Approve(), "bulk", reason="as the roster says"))
        took, undone = _timed(lambda: portal.undo(str(receipt.batch)))
        _all_done(undone.done, number)
        report.row(f"undo {number:,}, {district.engine}", f"{took:.3g} s")
    with district.portal() as portal:
        portal.office.assurance = Demonstration()
        took, asked = _timed(lambda: _decided(portal, portal.operator(), Witnessed(), "ask"))
        report.row(f"ask for {number:,}, {district.engine}", f"{took:.3g} s")
        second = portal.hire("second", "district_administrator")
        took, _ = _timed(lambda: portal.decide("requests", "confirm", asked.request, by=second))
        states = sa.select(sa.func.count()).where(t.registration.c.state == "approved")
        _all_done(portal.all(states)[0][0], district.number)
        report.row(f"confirm {number:,}, {district.engine}", f"{took:.3g} s")
    with district.portal() as portal:
        where, kind = "state:waiting disabled:no kind:student", {"type": "student"}
        took, plan = _timed(lambda: portal.plan("activations", "activate", where=where, **kind))
        report.row(f"plan of {plan.count:,} activations, {district.engine}", f"{took:.3g} s")
        took, receipt = _timed(lambda: portal.decide("activations", "activate", where=where, **kind))
        _all_done(receipt.done, plan.count)
        report.row(f"activate {receipt.done:,}, {district.engine}", f"{took:.3g} s")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def _all_done(done: int, number: int) -> None:
    if done != number:
        raise RuntimeError(f"{done} cases were decided, not {number}: the measurement means nothing")
