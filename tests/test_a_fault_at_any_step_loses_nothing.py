"""An error, a kill or a standstill after each step of a decision: all of it or none, and nobody waits for a console that stands still.

The steps are named by what was just done (tests/faulting.py). While one console stands still, another operator decides about the same
cases and gets an answer or one sentence, in time; then the one that stood still is killed, or goes on. Each call is repeated with its
key afterwards and is done once.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
import sqlalchemy as sa

from console.office import Office
from console.settings import Settings
from models import tables as t
from models.engine import open_engine
from models.words import Log
from tests.crowd import crowd
from tests.faulting import HOWS
from tests.forked import Call, Forked, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import as_role, open_portal
from tests.services.postgres import APP

if TYPE_CHECKING:
    from pathlib import Path

    from tests.counted import Counted
    from tests.portals import Portal
    from tests.services.postgres import Cluster

ROWS = 60
"""Enough for PostgreSQL's COPY."""
SEED = 20261122
TRIALS = 16
"""Of the short run, of each engine."""
PATIENCE = 0.3
"""Seconds for which the other operator's console waits for a lock; five for people."""
IN_TIME = 10.0
"""Seconds within which the other has an answer, on a busy machine."""
APPROVE = Call("", "approve", "state:submitted", {"reason": "fits"})
ASK = Call("", "ask", "state:submitted", {"message": "Which school?"})
REJECT = Call("", "reject", "state:submitted", {"reason": "none", "message": "Come again."})
TAKE_BACK = Call("", undo="")


@dataclass
class Bench:
    """A portal whose consoles are forked, and a second operator in this process."""

    portal: Portal
    consoles: Forked
    journal: Journal
    judge: Judge
    counts: Counts
    number: int = 0
    last: str | None = None
    """The batch that took the cases from where they wait; None while they wait."""

    def key(self) -> str:
        self.number += 1
        return f"call {self.number}"

    def here(self, call: Call, operator: str = "administrator") -> Said:
        """A call made in this process and judged with the next look."""
        self.journal.asked(call.key)
        said = Said.of(carry_out(self.portal.office, self.portal.office.operator(operator), call))
        self.journal.answered(call.key, said)
        return said

    def settle(self) -> dict[str, str]:
        self.judge.recover()
        there = self.judge.look()
        c, r = t.registration.c, t.record.c
        if self.portal.all(sa.select(c.id).where(c.state != "submitted").limit(1)):
            latest = sa.select(r.batch).where(r.log == Log.LEDGER).order_by(r.index.desc()).limit(1)
            self.last = self.portal.all(latest)[0][0]
        else:
            self.last = None
        return there

    def ready_for(self, call: Call) -> Call:
        """The call with a key, on cases as it wants them: waiting, or decided for an undo."""
        if (call.undo is None) != (self.last is None):
            self.here(replace(APPROVE, key=self.key()) if self.last is None else Call(self.key(), undo=self.last))
            assert self.settle()
        return replace(call, key=self.key(), undo=self.last if call.undo is not None else None)

    def points(self, call: Call) -> list[str]:
        """The names of the points of a call, in their order."""
        wanted = self.ready_for(call)
        self.journal.asked(wanted.key)
        self.consoles.call(replace(wanted, fault={}))
        told = self.consoles.ended()
        assert told is not None
        self.settle()
        return cast("list[str]", told["points"])

    def trial(self, call: Call, point: int, how: str) -> None:
        """Something happens at a point; then what was said is held against what is there."""
        wanted = self.ready_for(call)
        self.journal.asked(wanted.key)
        self.consoles.call(replace(wanted, fault={"point": point, "how": how}))
        if how == "hang" and self.consoles.stopped():
            self.other(wanted)
            if point % 2:
                self.consoles.go_on()
            else:
                self.consoles.kill()
        told = self.consoles.ended() if self.consoles.child else None
        self.journal.answered(wanted.key, Said.of(told))
        there = self.settle()
        again = self.here(wanted)
        if wanted.key in there and again.batch != there[wanted.key]:
            self.counts.note("phantom", f"{wanted.key} is {there[wanted.key]}, and the same call gives {again}")
        self.settle()
        self.counts.runs += 1

    def other(self, stuck: Call) -> None:
        """Another operator, meanwhile: on the same cases whatever they are by now."""
        for call in (APPROVE, replace(APPROVE, decision="unapprove", where="state:approved")):
            began = time.monotonic()
            said = self.here(replace(call, key=self.key()), "second")
            taken = time.monotonic() - began
            assert taken < IN_TIME, f"{taken:.1f} s while {stuck} stood still"
            assert said.outcome in ("saved", "nothing"), said
            if said.batch or said.words:
                return


def opened(folder: Path, url: str) -> Bench:
    portal = open_portal(url, folder)
    crowd(portal, ROWS)
    portal.hire("second", "district_administrator")
    config = folder / "district.toml"
    config.write_text(Settings.example({"database.url": url, "portal.origin": "test.example/ledger"}), encoding="utf-8")
    o = portal.office
    o.engine.dispose()
    portal.office = Office(
        open_engine(as_role(url, APP), statement_timeout=PATIENCE), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance
    )  # fmt: skip
    journal, counts = Journal(folder / "journal"), Counts()
    warm = (replace(APPROVE, key="warm 1"), Call("warm 2", undo=""), replace(ASK, key="warm 3"))
    return Bench(portal, Forked(config, warm=warm), journal, Judge(portal, journal, counts), counts)


@pytest.mark.campaign
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_fault_after_any_step_leaves_all_or_nothing(
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    whole: bool,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.engine.BUSY_MILLISECONDS", int(PATIENCE * 1000))
    monkeypatch.setattr("console.ledger.waiting.PATIENCE", PATIENCE)
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    if engine == "postgresql":
        url = cast("Cluster", request.getfixturevalue("postgres")).fresh_database()
    bench = opened(tmp_path, url)
    with bench.consoles:
        calls = [APPROVE, TAKE_BACK, *((ASK, REJECT) if whole else ())]
        points = [bench.points(call) for call in calls]
        trials: list[tuple[Any, ...]] = [
            (call, point, how)
            for call, names in zip(calls, points, strict=True)
            for point in range(len(names))
            for how in HOWS
        ]
        if not whole:
            trials = random.Random(SEED).sample(trials, TRIALS)
        for call, point, how in trials:
            bench.trial(call, point, how)
    bench.judge.verified()
    bench.journal.close()
    bench.portal.office.engine.dispose()
    counted(
        f"an error, a kill, a standstill after each step of a decision, {engine}",
        steps=sum(map(len, points)), **bench.counts.told(),
    )  # fmt: skip
    bench.counts.clean()
