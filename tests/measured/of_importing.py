"""Imports beside the plain way: a roster of a million users, the same file again, applications; memory, and whom it keeps waiting."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psycopg

from console.settings import FILE_NAME, Settings
from tests.measured.large_roster import applications, write
from tests.measured.roster_in_sql import load, load_applications
from tests.portals import open_portal
from tests.services.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.measured.report import Report

TITLE = "Importing"
TOOLS = {"sqlite": ".import + SQL", "postgresql": "COPY + SQL"}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
USERS, FEWER, APPLYING = 1_000_000, 100_000, 200_000
ROUNDS = 3
PAUSE = 0.02
"""Seconds between two tries of whoever waits beside an import."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is imported: users, the fewer ones whose memory is compared, applications; how often each way goes."""

    users: int
    fewer: int
    applying: int
    rounds: int


def measure(report: Report) -> None:
    """Both engines."""
    sizes = Sizes(3_000, 1_000, 300, 1) if report.small else Sizes(USERS, FEWER, APPLYING, ROUNDS)
    with Cluster() as cluster:
        for engine in NAMES:
            _engine(report, engine, cluster, sizes)
    report.note(
        "The plain way is the engine's own tool (`.import` of the sqlite3 shell, `\\copy` of psql) into staging tables and one SQL "
        "script from there into the same tables of the same schema, with its keys, indexes and foreign keys, ties, enrollments and "
        "posts included. It leaves out what an import is for: no row is checked, names are compared by `lower()` alone, there is no "
        "digest of a row, nobody is withdrawn, nothing is held back, no history and no record is written. Both ratios are to its "
        "first load; what it takes to write the same file again where something differs is given beside. The users come with as many "
        "enrollments and dates of birth as there are students, half of them. Reading is what Python computes of each row, in two "
        "processes; taking over is what the database does after it."
    )
    report.note(
        "*Others wait* is the longest that somebody else who wants to decide had to wait, tried fifty times a second from another "
        "connection: for SQLite's write lock, for the row of PostgreSQL that every decision takes. *Memory* is the most that the "
        f"process had at all; the import of a tenth of the users is what it is compared with. Medians of {ROUNDS} turns."
    )


def _engine(report: Report, engine: str, cluster: Cluster, sizes: Sizes) -> None:
    roster, fewer = write(report.folder, sizes.users), write(report.folder, sizes.fewer)
    applying = applications(report.folder, sizes.users, sizes.applying)
    took: dict[str, list[float]] = {}
    waited = {"first": Waiting(), "again": Waiting(), "applying": Waiting()}
    memory = 0.0

    def note(what: str, seconds: float) -> None:
        took.setdefault(what, []).append(seconds)

    for number in range(sizes.rounds):
        with _portal(engine, cluster, report.folder) as place:
            note("plain", _timed(lambda: load(engine, place.database, roster)))
            note("plain again", _timed(lambda: load(engine, place.database, roster, again=True)))
            note("plain applying", _timed(lambda: load_applications(engine, place.database, applying)))
        with _portal(engine, cluster, report.folder) as place:
            for what, kind, path in (
                ("first", "roster", roster),
                ("again", "roster", roster),
                ("applying", "registrations", applying),
            ):
                with waited[what].beside(engine, place.database):
                    said = place.bring(kind, path, f"{what} {number}")
                note(what, said["seconds"])
                note(f"{what}, reading", said["reading"])
                memory = max(memory, said["mib"]) if kind == "roster" else memory
    with _portal(engine, cluster, report.folder) as place:
        less = place.bring("roster", fewer, "fewer")["mib"]
    found = {what: median(seconds) for what, seconds in took.items()}
    name, tool = NAMES[engine], TOOLS[engine]
    beside = {tool: found["plain"]}
    report.compared(f"{name}: roster of {sizes.users:,} users", found["first"], beside, 2, tool)
    both = {**beside, "the same again in SQL": found["plain again"]}
    report.compared(f"{name}: the same file again", found["again"], both, 1.5, tool)
    for what, words in (("first", "the roster"), ("again", "the same again")):
        reading = found[f"{what}, reading"]
        report.row(
            f"{name}: of {words}, reading the files, and taking them over",
            f"{reading:.3g} s, {found[what] - reading:.3g} s",
        )
    ratio = found["applying"] / found["plain applying"]
    report.row(
        f"{name}: {sizes.applying:,} applications, judged",
        f"{found['applying']:.3g} s",
        beside=f"{tool}, nothing judged {found['plain applying']:.3g} s",
        ratio=f"{ratio:.2f}× {tool}",
    )
    report.flat(f"{name}: memory at {sizes.users:,} users", memory, f"at {sizes.fewer:,}:", less, FLAT, "MiB")
    report.row(
        f"{name}: others wait at most",
        f"{waited['first'].longest:.3g} s",
        beside=f"the same file again {waited['again'].longest:.3g} s, applications {waited['applying'].longest:.3g} s",
    )


FLAT = 1.25
"""Up to here memory counts as flat: the caches are bounded, and a small import does not fill them."""


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Place:
    """A founded portal: its settings file, and its database as the engine's own tools name it."""

    settings: Path
    database: str

    def bring(self, kind: str, path: Path, key: str) -> dict[str, Any]:
        """Import in a process of its own."""
        command = [sys.executable, "-m", "tests.measured.import_process", str(self.settings), kind, str(path), key]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        said: dict[str, Any] = json.loads(done.stdout)
        return said


@contextmanager
def _portal(engine: str, cluster: Cluster, folder: Path) -> Iterator[Place]:
    """An empty portal, gone at the end."""
    own = Path(tempfile.mkdtemp(prefix="portal-", dir=folder))
    url = f"sqlite:///{own / 'portal.db'}" if engine == "sqlite" else cluster.fresh_database()
    try:
        portal = open_portal(url, own)
        own_url = portal.settings.database.url
        portal.office.engine.dispose()
        file = own / FILE_NAME
        file.write_text(
            Settings.example({"database.url": own_url, "portal.origin": "test.example/ledger"}), encoding="utf-8"
        )
        yield Place(file, str(own / "portal.db") if engine == "sqlite" else url)
    finally:
        if engine != "sqlite":
            cluster.drop(url)
        shutil.rmtree(own)


@dataclass(slots=True)
class Waiting:
    """How long somebody else waits who wants to write."""

    longest: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def beside(self, engine: str, database: str) -> Iterator[None]:
        """Try again and again while the block runs."""
        self._over.clear()
        thread = threading.Thread(target=self._sqlite if engine == "sqlite" else self._postgresql, args=(database,))
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _note(self, began: float) -> None:
        self.longest = max(self.longest, time.perf_counter() - began)

    def _sqlite(self, database: str) -> None:
        other = sqlite3.connect(database, timeout=3600, isolation_level=None)
        while not self._over.wait(PAUSE):
            began = time.perf_counter()
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
            self._note(began)
        other.close()

    def _postgresql(self, database: str) -> None:
        with psycopg.connect(database) as other:
            while not self._over.wait(PAUSE):
                began = time.perf_counter()
                other.execute("SELECT size FROM log_head FOR UPDATE")
                other.rollback()
                self._note(began)
