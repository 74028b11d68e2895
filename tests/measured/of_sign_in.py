"""What signing in takes besides the directory and Argon2id: everything that is read, written, recorded and signed.

The databases are as safe as the console makes them: SQLite waits for the disk as always, PostgreSQL with fsync on. Beside stands one
row written and committed on the same disk with the engine's driver alone, which is the disk's own share of a commit.
"""

from __future__ import annotations

import statistics
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import mock

from console.clock import SettableClock
from console.ids import SeededRandom
from console.settings import Settings
from console.signin import passwords
from console.wiring import open_office
from tests.founded import found_as_owner
from tests.measured.started import how_it_ran
from tests.portals import NOON, Portal
from tests.services.postgres import APP, Cluster, as_role
from tests.signing import asking, come_in, equip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.measured.report import Report

TITLE = "Signing in, besides the directory and Argon2id"
ROUNDS = 40
ALLOWED = 20
"""Milliseconds."""


def measure(report: Report) -> None:
    """Sign in again and again on either engine."""
    rounds = 3 if report.small else ROUNDS
    folder = report.folder / f"sign-in-{time.monotonic_ns()}"
    (folder / "sqlite").mkdir(parents=True)
    (folder / "postgresql").mkdir()
    with Cluster(durable=True) as cluster:
        places = {"SQLite": f"sqlite:///{folder / 'sqlite' / 'portal.db'}", "PostgreSQL": cluster.fresh_database()}
        for engine, url in places.items():
            with _portal(url, folder / engine.lower()) as portal, _bare(url, folder) as bare:
                _measure(report, engine, portal, bare, rounds)
    report.note(
        f"Medians of {rounds} sign-ins of a local operator, each followed by the bare commit beside it; all of it but Argon2id: "
        "the turn under the name, the operator, the code, the session, two records and their signed checkpoint."
    )
    if said := how_it_ran():
        report.note(said)


@contextmanager
def _portal(url: str, folder: Path) -> Iterator[Portal]:
    """A real portal that waits for its disk, unlike those of the tests."""
    settings = Settings.build(
        {"database": {"url": as_role(url, APP)}, "portal": {"origin": "test.example/ledger"}}, folder
    )
    found_as_owner(settings, NOON)
    clock = SettableClock(settings.portal.zone, NOON)
    office = open_office(settings, clock=clock, random=SeededRandom(1))
    yield asking(Portal(office, settings, clock))
    office.engine.dispose()


@contextmanager
def _bare(url: str, folder: Path) -> Iterator[Callable[[], None]]:
    """One row, written and committed."""
    if url.startswith("sqlite"):
        import sqlite3

        with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=EXTRA")
            connection.execute("CREATE TABLE bare (n INTEGER)")
            yield lambda: connection.execute("INSERT INTO bare VALUES (1)")
        return
    import psycopg
    from sqlalchemy import make_url

    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as server:
        server.execute("CREATE TABLE public.bare (n INTEGER)")
        yield lambda: server.execute("INSERT INTO public.bare VALUES (1)")


def _measure(report: Report, engine: str, portal: Portal, bare: Callable[[], None], rounds: int) -> None:
    who = equip(portal.settings)
    hashing: list[float] = []
    matches = passwords.matches

    def timed(encoded: str | None, password: str) -> bool:
        began = time.perf_counter()
        try:
            return matches(encoded, password)
        finally:
            hashing.append(time.perf_counter() - began)

    besides, commits, hashes = [], [], []
    with mock.patch.object(passwords, "matches", timed):
        for n in range(rounds + 2):
            portal.clock.advance(timedelta(seconds=60))
            code = who.code(portal.clock.now())
            hashing.clear()
            began = time.perf_counter()
            come_in(portal, who, code=code)
            took = time.perf_counter() - began - sum(hashing)
            began = time.perf_counter()
            bare()
            if n > 1:  # the first ones load what they need
                besides.append(took)
                commits.append(time.perf_counter() - began)
                hashes.append(sum(hashing))
    ours, one, argon = (statistics.median(each) * 1000 for each in (besides, commits, hashes))
    report.row(
        f"a sign-in, {engine}",
        f"{ours:.1f} ms (worst {max(besides) * 1000:.1f} ms)",
        beside=f"one bare commit {one:.1f} ms, Argon2id {argon:.0f} ms",
        ratio=f"{ours / one:.1f}× a commit",
        goal=f"≤ {ALLOWED} ms",
        reached=ours <= ALLOWED,
    )
