"""PostgreSQL itself is killed while it carries out a bulk decision: after its recovery all of it is there or none, as was said.

The server writes to the disk for real (fsync, synchronous commit). It is ended with SIGKILL, all its processes at once, and every
other time with SIGQUIT, PostgreSQL's immediate shutdown. What a power cut adds, pages that the disk had promised and lost, is not
tried here.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from console.office import Office
from models.engine import open_engine
from tests.crowd import crowd
from tests.forked import Call, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import open_portal
from tests.services.postgres import Cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.counted import Counted

ROWS = 500
CRASHES = 4
CRASHES_WHOLE = 100
SEED = 20261122
DURABLE = {"recovery_init_sync_method": "syncfs"}
"""One call for the whole disk in place of one for each of a thousand files: a recovery takes 0.3 s and not 5."""
LONGER, SHORTER = 1.1, 0.9
"""What a crash that came too early, and one that came too late, make of the time in which the next may come."""


@pytest.mark.campaign
def test_a_crash_of_the_server_leaves_all_or_nothing(tmp_path: Path, whole: bool, counted: Counted) -> None:
    with Cluster(durable=True, settings=DURABLE) as cluster, ThreadPoolExecutor(1) as pool:
        portal = open_portal(cluster.fresh_database(), tmp_path)
        crowd(portal, ROWS)
        journal, counts, dice = Journal(tmp_path / "journal"), Counts(), random.Random(SEED)
        judge = Judge(portal, journal, counts)
        o = portal.office
        office = Office(
            open_engine(o.settings.database.url), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance
        )
        operator = office.operator("administrator")
        last: str | None = None
        latest, unknown = 0.0, 0
        for n in range(-2, CRASHES_WHOLE if whole else CRASHES):
            call = Call(f"crash {n}", undo=last) if last is not None else Call(f"crash {n}", params={"reason": "fits"})
            journal.asked(call.key)
            began = time.monotonic()
            deciding = pool.submit(carry_out, office, operator, call)
            if n < 0:
                told = deciding.result()
                latest = time.monotonic() - began
            else:
                time.sleep(dice.uniform(0, latest))
                (cluster.crash if n % 2 else cluster.kill)()
                cluster.start()
                portal.office.engine.dispose()
                told = deciding.result()
                counts.runs += 1
            said = Said.of(told)
            journal.answered(call.key, said)
            unknown += said.outcome == "unknown"
            judge.recover()
            there = judge.look().get(call.key)
            latest *= SHORTER if there else LONGER
            if said.outcome != "saved":
                office.engine.dispose()
                journal.asked(call.key)
                again = Said.of(carry_out(office, operator, call))
                journal.answered(call.key, again)
                if again.outcome != "saved" or there not in (None, again.batch):
                    counts.note("phantom", f"{call} is {there} after {said}, and the same call gives {again}")
                judge.look()
            else:
                again = said
            last = again.batch if last is None else None
        judge.verified()
        counted("kill -9 of PostgreSQL in a bulk decision", **counts.told(), said_not_known=unknown)
        for each in (office, portal.office):
            each.engine.dispose()
        journal.close()
    counts.clean()
