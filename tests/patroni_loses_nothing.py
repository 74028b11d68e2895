"""Three PostgreSQL servers under Patroni: whoever leads dies, steps down or is forgotten while cases are approved in bulk.

VERIFIES: what was said to be saved is there whoever leads then, what was said not to be done is not, what was not known is found out
by the same call again; nothing was signed that the new leader does not have; the ledger verifies. Also while two servers believe that
they lead. The console knows the three by one address and goes on without being told.

    make failovers

Not a part of the suite: it needs Patroni and etcd, and mostly it waits. docs/RELIABILITY.md has what it came to.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from console.errors import Unverified
from console.settings import Settings
from models.engine import open_engine
from models.words import Log
from tests.counted import Counted
from tests.crowd import crowd
from tests.forked import Call, Forked, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import open_portal
from tests.services.patroni import TTL, Three
from tests.services.postgres import APP, as_role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal
    from tests.services.patroni import Node

ROWS = 500
FAILOVERS = 1
FAILOVERS_WHOLE = 4
SEED = 20261122
PAUSE = 0.1
"""Seconds between a call that was not carried out and the same call again."""
PATIENCE = 60.0
"""Seconds within which a call is to be carried out after all."""
WARM = (Call("warm 1", params={"reason": "fits"}), Call("warm 2", undo=""))


@pytest.fixture(scope="module")
def three() -> Iterator[Three]:
    with Three() as servers:
        yield servers


@pytest.fixture
def counted(whole: bool) -> Counted:
    return Counted(whole, "make failovers")


class Clerk:
    """Approves all cases and takes it back, again and again, each until it is said to be saved.

    By turns a console of its own makes each call, and one that stays and keeps its connections.
    """

    def __init__(self, portal: Portal, consoles: Forked, journal: Journal, counts: Counts) -> None:
        self._portal = portal
        self._operator = portal.operator()
        self._consoles = consoles
        self._journal = journal
        self._counts = counts
        self._keys = count(1)
        self._last: str | None = None
        self.stays = False
        self.found = 0
        """Decisions whose answer was lost, and that the console found saved by their key."""
        self.unknown = 0
        self.refused = 0
        self.stuck = ""
        """What the console said last of a call that was not carried out in time."""

    def work(self, over: threading.Event) -> None:
        """Decide until it is over, and at least once."""
        self.decide()
        while not (self.stuck or over.is_set()):
            self.decide()

    def decide(self) -> None:
        """One decision, until it is saved: with another key after a refusal, with the same one once it is not known."""
        params = {} if self._last is not None else {"reason": "fits"}
        call = Call(self._key(), params=params, undo=self._last)
        deadline = time.monotonic() + PATIENCE
        known = True
        while True:
            told = self._call(call)
            said = Said.of(told)
            if said.outcome == "saved":
                break
            if time.monotonic() > deadline:
                self.stuck = said.words
                return
            if said.outcome != "nothing":
                known = False
                self.unknown += 1
                self._journal.answered(call.key, said)
            elif known:
                self.refused += 1
                self._journal.answered(call.key, said)
                call = replace(call, key=self._key())
            time.sleep(PAUSE)
        self.found += told is not None and told["again"]
        self._journal.answered(call.key, said)
        self._last = said.batch if self._last is None else None

    def _key(self) -> str:
        key = f"decision {next(self._keys)}"
        self._journal.asked(key)
        return key

    def _call(self, call: Call) -> dict[str, Any] | None:
        if self.stays:
            return carry_out(self._portal.office, self._operator, call)
        self._consoles.call(call)
        return self._consoles.ended()


@contextmanager
def server_killed(three: Three, old: Node, _: random.Random) -> Iterator[Node]:
    old.kill_server()
    yield three.leader()


@contextmanager
def both_killed(three: Three, old: Node, _: random.Random) -> Iterator[Node]:
    old.kill()
    yield three.leader(other_than=old)
    old.start()


@contextmanager
def two_killed(three: Three, old: Node, dice: random.Random) -> Iterator[Node]:
    old.kill()
    new = three.leader(other_than=old)
    time.sleep(dice.uniform(0, 2))
    new.kill()
    old.start()
    new.start()
    yield three.leader()


@contextmanager
def stepped_down(three: Three, old: Node, _: random.Random) -> Iterator[Node]:
    three.hand_over()
    yield three.leader(other_than=old)


@contextmanager
def forgotten(three: Three, old: Node, dice: random.Random) -> Iterator[Node]:
    old.stand_still()
    yield three.leader(other_than=old)
    time.sleep(dice.uniform(0, TTL))  # two lead meanwhile
    old.go_on()


@contextmanager
def without_store(three: Three, old: Node, _: random.Random) -> Iterator[Node]:
    with three.store_standing_still():
        until = time.monotonic() + PATIENCE
        while old.leads():
            assert time.monotonic() < until
            time.sleep(PAUSE)
    yield three.leader()


STRIKES = {
    "kill -9 of the leader's PostgreSQL": server_killed,
    "kill -9 of the leader's PostgreSQL and Patroni": both_killed,
    "kill -9 of both of the leader, and of the next as soon as it leads": two_killed,
    "the leader steps down (switchover)": stepped_down,
    "the leader's Patroni stands still beyond its time": forgotten,
    "the store stands still beyond the leader's time": without_store,
}


def size_at(node: Node, url: str) -> int:
    """How many records the ledger has at this server."""
    with psycopg.connect(node.url(url.rpartition("/")[2])) as connection:
        row = connection.execute("SELECT size FROM log_head WHERE log = 'ledger'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.campaign
@pytest.mark.parametrize("what", STRIKES)
def test_a_failover_of_patroni_in_bulk_decisions_loses_nothing(
    what: str, three: Three, tmp_path: Path, whole: bool, counted: Counted
) -> None:
    dice = random.Random(SEED)
    counts = Counts()
    moved = ahead = two_led = 0
    url = three.fresh_database()
    portal = open_portal(url, tmp_path)
    crowd(portal, ROWS)
    office = portal.office
    office.engine.dispose()
    address = as_role(three.of_all(url), APP)
    office.engine = open_engine(address)
    config = tmp_path / "district.toml"
    config.write_text(
        Settings.example({"database.url": address, "portal.origin": "test.example/ledger"}), encoding="utf-8"
    )
    journal = Journal(tmp_path / "journal")
    judge = Judge(portal, journal, counts)
    with Forked(config, warm=WARM) as consoles, ThreadPoolExecutor(1) as pool:
        clerk = Clerk(portal, consoles, journal, counts)
        for n in range(FAILOVERS_WHOLE if whole else FAILOVERS):
            clerk.stays = n % 2 == 1
            three.strict(n % 4 < 2)
            old = three.well()
            over = threading.Event()
            working = pool.submit(clerk.work, over)
            try:
                time.sleep(dice.uniform(0, 2))
                with STRIKES[what](three, old, dice) as new:
                    signed = office.signer.signed_size(Log.LEDGER)
                    ahead += signed > size_at(new, url)
                    two_led += new is not old and old.leads()
            finally:
                over.set()
                working.result()
            three.well()
            moved += new is not old
            office.engine.dispose()
            counts.runs += 1
            try:
                judge.recover()
            except Unverified:
                ahead += 1
            judge.look()
            if ahead or clerk.stuck or counts.why:
                break
            judge.verified()
    office.engine.dispose()
    journal.close()
    counted(
        f"Bulk decisions under Patroni with three nodes: {what}",
        **counts.told(),
        another_led_then=moved,
        two_led_at_once=two_led,
        signed_ahead_of_the_new_leader=ahead,
        found_out_by_the_key=clerk.found,
        said_not_known=clerk.unknown,
        said_not_done=clerk.refused,
    )
    counts.clean()
    assert (ahead, clerk.stuck) == (0, "")
