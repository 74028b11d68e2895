"""What verifying many records costs beside reading the same rows, with one process and with two, and how much memory it takes."""

from __future__ import annotations

import multiprocessing
import resource
from contextlib import closing
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from console.ledger.verifying import verify
from console.wiring import open_office
from models.words import Log
from tests.measured.records import ENGINES, ledger, remove
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.settings import Settings
    from tests.measured.report import Report
    from tests.portals import Portal

TITLE = "Verifying records"
SIZES = (1_000_000, 10_000_000)
ROUNDS = {1_000_000: 3, 10_000_000: 1}
KEPT = 1_000_000
"""Ledgers of more records are removed again, for one takes 6 GB and more; this is the last part that needs them."""


def measure(report: Report) -> None:
    """Read and verify in turns."""
    for engine in ENGINES:
        peaks: dict[int, dict[int, float]] = {}
        for records in (20_000,) if report.small else SIZES:
            peaks[records] = _measured(report, engine, records)
            if records > KEPT:
                remove(report.folder, engine, records)
        if len(peaks) > 1:
            low, high = (peaks[size][1] for size in SIZES)
            report.flat(f"memory, {engine}, 10 M records", high, "1 M records", low, 1.1, "MB")
    report.note(
        "Reading the same rows is the driver's own cursor over every column of the ledger in its order, a thousand rows at a "
        "time, and nothing done with them. Verifying reads them, decodes or compares each record, holds it against its columns, "
        "hashes it, grows the tree and compares batches, receipts, sealed details, stored subtrees and checkpoints. Median of "
        "three turns for 1 M, one turn for 10 M. Memory is the largest resident set of a process that does nothing else, with "
        "one process. The records are those of bulk decisions of 500; PostgreSQL works in a process of its own beside the one "
        "that reads."
    )


def _measured(report: Report, engine: str, records: int) -> dict[int, float]:
    """Time and memory of one ledger; returns the peak in MB by how many processes."""
    with ledger(report.folder, engine, records) as portal:
        reading: list[float] = []
        verifying: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(ROUNDS.get(records, 1)):
            reading.append(_timed(lambda: _read(portal)))
            for processes, seconds in verifying.items():
                seconds.append(_timed(lambda many=processes: _verify(portal, many)))
        bare = median(reading)
        for processes, goal in ((1, 3.0), (2, 2.0)):
            took = median(verifying[processes])
            named = "one process" if processes == 1 else "two processes"
            report.compared(
                f"verify {records:,} records, {engine}, {named} ({records / took:,.0f}/s)",
                took,
                {"reading": bare},
                goal,
                "reading",
            )
        return {1: _peak(portal.settings)}


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _read(portal: Portal) -> None:
    """Every column of every record, as the driver gives them."""
    with closing(portal.office.engine.raw_connection()) as connection:
        driver: Any = connection.driver_connection
        query = f"SELECT * FROM record WHERE log = '{Log.LEDGER}' ORDER BY \"index\""
        with closing(driver.cursor() if portal.settings.database.file else driver.cursor("rows")) as cursor:
            cursor.execute(query)
            while cursor.fetchmany(1_000):
                pass


def _verify(portal: Portal, processes: int) -> None:
    verify(portal.office, log=Log.LEDGER, processes=processes).require()


def _peak(settings: Settings) -> float:
    """The most memory, in MB, of a process that verifies and does nothing else."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_alone, args=(settings, there))
    process.start()
    peak: float = here.recv()
    process.join()
    return peak


def _alone(settings: Settings, line: Any) -> None:
    office = open_office(settings, assurance=Unasked())
    verify(office, log=Log.LEDGER, processes=1).require()
    line.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
