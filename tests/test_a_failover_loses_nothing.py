"""PostgreSQL with a synchronous standby: the primary is killed while cases are approved in bulk, and the standby takes over.

VERIFIES: what was said to be saved is there on the new primary, what was said not to be done is not, what was not known is found out
by the same call again; the signer never signed what the standby had not; the ledger verifies. The console knows both servers by one
address. When the standby is away a commit waits: the console says in time that it does not know, and neither shows nor builds on
what may yet be lost.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from console.errors import Unavailable, Usage
from console.office import Office
from console.settings import Settings
from console.wiring import open_engine as opened
from models import tables as t
from models.address import read_address, servers
from models.engine import open_engine
from models.words import Log
from tests.crowd import crowd
from tests.forked import Call, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import open_portal
from tests.services.postgres import APP, Cluster, as_role
from tests.services.standby import Primary, alone, attach, of_both

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.counted import Counted
    from tests.portals import Portal
    from tests.services.standby import Standby

ROWS = 500
SEED = 20261122
FAILOVERS = 2
FAILOVERS_WHOLE = 20
LEVELS = ("on", "remote_apply")


def office_at(portal: Portal, url: str) -> Office:
    """A console of the same portal that knows these servers."""
    o = portal.office
    return Office(open_engine(as_role(url, APP)), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance)


@pytest.mark.campaign
def test_a_failover_in_a_bulk_decision_leaves_all_or_nothing(tmp_path: Path, whole: bool, counted: Counted) -> None:
    dice = random.Random(SEED)
    counts = Counts()
    unknown = ahead = 0
    after = 0.1
    primary = Primary()
    primary.start()
    url = primary.fresh_database()
    portal = open_portal(url, tmp_path)
    crowd(portal, ROWS)
    journal = Journal(tmp_path / "journal")
    judge = Judge(portal, journal, counts)
    last: str | None = None
    running: list[Cluster] = [primary]
    try:
        with ThreadPoolExecutor(1) as pool:
            for n in range(FAILOVERS_WHOLE if whole else FAILOVERS):
                old = running[-1]
                new = attach(old, LEVELS[n % len(LEVELS)])
                running.append(new)
                # The operator's address names both, the one that will go first.
                both = of_both(old.url(url.rpartition("/")[2]), new)
                office = office_at(portal, both)
                portal.office.engine.dispose()
                portal.office.engine = open_engine(as_role(both, APP))
                operator = office.operator("administrator")
                for step in ("whole", "killed"):
                    key = f"failover {n} {step}"
                    call = Call(key, undo=last) if last is not None else Call(key, params={"reason": "fits"})
                    journal.asked(key)
                    began = time.monotonic()
                    deciding = pool.submit(carry_out, office, operator, call)
                    if step == "killed":
                        time.sleep(dice.uniform(0, after * 1.2))
                        old.crash()
                        new.promote()
                        alone(new)
                        portal.office.engine.dispose()
                    said = Said.of(deciding.result())
                    after = time.monotonic() - began if step == "whole" else after
                    journal.answered(key, said)
                    unknown += said.outcome == "unknown"
                    ahead += office.signer.signed_size(Log.LEDGER) > size_at(new, url) if step == "killed" else 0
                    judge.recover()
                    there = judge.look().get(key)
                    if said.outcome != "saved":
                        office.engine.dispose()
                        journal.asked(key)
                        again = Said.of(carry_out(office, operator, call))
                        journal.answered(key, again)
                        if again.outcome != "saved" or there not in (None, again.batch):
                            counts.note("phantom", f"{call} is {there} after {said}, and the same call gives {again}")
                        judge.look()
                        said = again
                    last = said.batch if last is None else None
                counts.runs += 1
                judge.verified()
                old.stop()
    finally:
        for server in running:
            server.stop()
        journal.close()
    counted(
        "PostgreSQL with a synchronous standby: the primary killed in a bulk decision, the standby promoted",
        **counts.told(),
        signed_ahead_of_the_standby=ahead,
        said_not_known=unknown,
    )
    counts.clean()
    assert not ahead


def size_at(server: Cluster, url: str) -> int:
    """How many records the ledger has at this server."""
    with psycopg.connect(server.url(url.rpartition("/")[2])) as connection:
        row = connection.execute("SELECT size FROM log_head WHERE log = 'ledger'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Primary, Standby]]:
    """A primary whose commits wait for its standby; a test that takes the standby away brings it back."""
    with Primary() as primary, attach(primary, "on") as standby:
        yield primary, standby


@pytest.fixture
def followed(
    pair: tuple[Primary, Standby], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Portal, Office]]:
    """A portal of three cases on the primary, and a console that knows both servers and waits half a second for a lock."""
    monkeypatch.setattr("console.office.sleep", lambda _: None)
    primary, standby = pair
    url = primary.fresh_database()
    portal = open_portal(url, tmp_path)
    crowd(portal, 3)
    office = office_at(portal, url)
    office.engine = open_engine(as_role(of_both(url, standby), APP), statement_timeout=0.5)
    yield portal, office
    for each in (office, portal.office):
        each.engine.dispose()


def approve(office: Office, case: int) -> Said:
    return Said.of(carry_out(office, office.operator("administrator"), Call(f"call {case}", where=f"account:{case}")))


def test_a_commit_whose_standby_is_away_is_not_called_saved(
    pair: tuple[Primary, Standby], followed: tuple[Portal, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, standby), (portal, office) = pair, followed
    assert approve(office, 1).done == 1
    standby.kill()
    monkeypatch.setattr("models.confirming.CONFIRM_SECONDS", 0.7)
    told = approve(office, 2)
    assert told.outcome == "unknown"
    assert "standby may be down" in told.words
    # Nothing is seen of it, nothing was signed, and nobody builds on it meanwhile.
    assert portal.one(t.registration, 2).state == "submitted"
    assert (office.size(), office.signer.signed_size(Log.LEDGER)) == (1, 1)
    told = approve(office, 3)
    assert told.outcome == "nothing"
    assert "locked" in told.words
    standby.start()
    monkeypatch.setattr("models.confirming.CONFIRM_SECONDS", 15)
    until = time.monotonic() + 20
    while (again := approve(office, 2)).outcome != "saved" and time.monotonic() < until:
        time.sleep(0.1)
    assert (again.outcome, again.done) == ("saved", 1)
    assert portal.one(t.registration, 2).state == "approved"
    office.seal()
    assert office.signer.signed_size(Log.LEDGER) == 2


def test_a_wait_that_was_cancelled_is_neither_called_saved_nor_signed(
    pair: tuple[Primary, Standby], followed: tuple[Portal, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATTACK on a promise: an administrator cancels the wait, the server says COMMIT, and only a warning says that it may be lost."""
    (primary, standby), (_, office) = pair, followed
    assert approve(office, 1).done == 1
    standby.kill()
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(primary.url("postgres"), autocommit=True) as connection,
    ):
        deciding = pool.submit(approve, office, 2)
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while (row := connection.execute(waits).fetchone()) is None:
            assert not deciding.done(), deciding.result()
            time.sleep(0.02)
        monkeypatch.setattr("models.confirming.CONFIRM_SECONDS", 0.3)
        connection.execute("SELECT pg_cancel_backend(%s)", row)
        assert deciding.result().outcome == "unknown"
    # It is there, and may be lost with this server: it is not signed before the standby has it.
    assert (office.size(), office.signer.signed_size(Log.LEDGER)) == (2, 1)
    with pytest.raises(Unavailable, match="not known whether"):
        office.seal()
    assert office.signer.signed_size(Log.LEDGER) == 1
    standby.start()
    monkeypatch.setattr("models.confirming.CONFIRM_SECONDS", 15)
    office.seal()
    assert office.signer.signed_size(Log.LEDGER) == 2


@pytest.mark.parametrize(
    ("text", "servers_of_it", "wants"),
    [
        ("postgresql://app@a.example:6432,b.example/portal", {"a.example:6432", "b.example:5432"}, "read-write"),
        ("postgresql://app@a,b/portal?target_session_attrs=any", {"a:5432", "b:5432"}, "any"),
        ("postgresql://app@/portal?host=a:5432&host=b:5433", {"a:5432", "b:5433"}, "read-write"),
        ("postgresql://app@a/portal", {"a:5432"}, None),
        ("postgresql://app@[::1]:6432/portal", {"::1:6432"}, None),
        ("postgresql:///portal", {":5432"}, None),
    ],
)
def test_several_servers_have_one_address(text: str, servers_of_it: set[str], wants: str | None) -> None:
    url = read_address(text)
    assert (servers(url), url.query.get("target_session_attrs")) == (servers_of_it, wants)
    open_engine(text).dispose()
    Settings.build({"database": {"url": text}}, Path("/district"))


def test_an_address_that_no_library_reads_is_refused_in_a_sentence() -> None:
    for text in ("postgresql:///portal?host=a:x&host=b", "postgresql:/@app/portal"):
        settings = Settings.build({"database": {"url": text}}, Path("/district"))
        with pytest.raises(Usage, match="cannot be read"):
            opened(settings)


@pytest.mark.parametrize("hosts", ["a:x", "a:5432,b:", "a,,b", "a:1:2", "[::1],[::2]", "a b", "a:999999"])
def test_an_address_that_names_no_server_is_refused_where_it_is_read(hosts: str) -> None:
    """Not where it is used, by an error of a library's own."""
    with pytest.raises(Usage, match="HOST:PORT"):
        Settings.build({"database": {"url": f"postgresql://app@{hosts}/portal"}}, Path("/district"))
