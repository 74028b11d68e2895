"""Two to sixteen operators on the same cases at the same moment: each case has one winner, and a sequential model explains it all.

A *race* is a case, or a request for a second person, about which at least two operators decide at once. The model
(tests/race_model.py) replays the receipts in the ledger's order; the journal's judge holds every row against the records.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import TYPE_CHECKING, cast

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.desks import desk
from console.errors import ConsoleError
from console.office import Office
from console.params import read_params
from console.selection import Selection
from models import tables as t
from models.engine import open_engine
from models.words import Log
from tests.crowd import crowd
from tests.journal import TABLES, Counts, Journal, Judge, Said, outcome_of
from tests.portals import open_portal
from tests.race_model import WAITING, Act, Model
from tests.requested import GROUND, challenge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from console.authority import Operator
    from console.selection import Receipt
    from tests.counted import Counted
    from tests.portals import Portal
    from tests.services.postgres import Cluster

CASES = 24
OPERATORS = 16
RACES = 100
RACES_WHOLE = 5000
"""On each engine."""
SEED = 20261122
TYPED: dict[str, dict[str, str]] = {
    "approve": {},
    "limited": {},
    "reject": {"reason": "none"},
    "ask": {"message": "Which school?"},
    "defer": {"until": "+5d"},
    "unapprove": {"reason": "wrong"},
}
ENOUGH = 20
"""Findings after which a campaign ends: the model does not follow any more."""
REQUESTS_EVERY = 4
"""One round of so many is about a request for a second person."""


@dataclass
class Course:
    """A portal, its operators each with connections of their own, and what they did."""

    portal: Portal
    offices: list[Office]
    operators: list[Operator]
    judge: Judge
    journal: Journal
    counts: Counts
    dice: random.Random
    model: Model
    pool: ThreadPoolExecutor
    races: int = 0
    won: int = 0
    turned_away: int = 0
    keys: int = 0
    batches: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    """What was done lately, and to which cases."""

    def key(self) -> str:
        self.keys += 1
        return f"race {self.keys}"

    def at_once(self, works: list[Callable[[Office, Operator], Act]]) -> list[Act]:
        """Every work on an office of its own, begun at the same moment."""
        barrier = Barrier(len(works))

        def run(n: int) -> Act:
            barrier.wait()
            return works[n](self.offices[n], self.operators[n])

        return list(self.pool.map(run, range(len(works))))

    def call(self, name: str, cases: tuple[int, ...], undoes: str | None = None) -> Callable[[Office, Operator], Act]:
        """A decision about these cases, or the undo of a batch that had them."""
        key = self.key()
        self.journal.asked(key)

        def made(office: Office, operator: Operator) -> Act:
            def decided() -> Receipt:
                if undoes is not None:
                    return office.undo(operator, undoes, key)
                at = desk("registrations")
                params = read_params(at.decision(name).Params, TYPED[name], office.sight(operator).calendar)
                return office.decide(operator, at, at.decision(name), Selection(ids=cases), params, key)

            began = office.size()
            try:
                receipt = decided()
            except ConsoleError as error:
                return Act(key, name, undoes, cases, began, office.size(), None, {}, str(error))
            why = {skip.id: skip.why for skip in receipt.skipped}
            return Act(key, name, undoes, cases, began, office.size(), receipt.batch, why)

        return made

    def round(self) -> None:
        """Some operators decide about some of the cases; at half of the rounds only so that nobody can follow anybody."""
        exclusive = self.dice.random() < 0.5
        if exclusive:
            self.revive()
        cases = [case for case in self.model.turns if not exclusive or self.model.state(case) in WAITING]
        many = self.dice.randint(2, OPERATORS)
        works = []
        chosen: dict[int, int] = {}
        for _ in range(many):
            some = tuple(sorted(self.dice.sample(cases, self.dice.randint(1, len(cases)))))
            undoes = None
            name = self.dice.choice(("approve", "reject") if exclusive else tuple(TYPED))
            if not exclusive and self.batches and self.dice.random() < 0.2:
                undoes, some = self.dice.choice(self.batches[-6:])
            for case in some:
                chosen[case] = chosen.get(case, 0) + 1
            works.append(self.call("" if undoes else name, some, undoes))
        acts = self.at_once(works)
        written = self.settle(acts)
        contested = {case for case, count in chosen.items() if count > 1}
        self.races += len(contested)
        winners = [case for _, case, _ in written if case in contested]
        self.won += len(set(winners))
        if exclusive and len(winners) != len(set(winners)):
            self.counts.note("duplicate", f"two operators won {sorted(winners)}")
        if exclusive and set(winners) != contested and not any(act.refused for act in acts):
            self.counts.note("lost", f"nobody won {contested - set(winners)}: {acts}")

    def settle(self, acts: list[Act]) -> list[tuple[int, int, str]]:
        """Hold the acts against the ledger and the model; returns what was written."""
        for act in acts:
            said = Said(outcome_of(act.refused), words=act.refused)
            if not act.refused:
                done = len(act.cases) - len(act.skipped)
                said = Said("saved", act.batch, done) if act.batch else Said("nothing")
            self.turned_away += bool(act.refused)
            self.journal.answered(act.key, said)
            if said.outcome in ("unknown", "silent"):
                self.counts.note("lost", f"{act}")
        c = t.record.c
        since = sa.select(c.index, c.case_id, c.batch).where(
            c.log == Log.LEDGER, c.index >= self.judge.size, c.desk == "registrations"
        )
        written = [(row.index, row.case_id, row.batch) for row in self.portal.all(since.order_by(c.index))]
        self.judge.look()
        for wrong in self.model.replay(acts, written):
            self.counts.note("torn", wrong)
        done: dict[str, list[int]] = {}
        for _, case, batch in written:
            done.setdefault(batch, []).append(case)
        self.batches = [*self.batches, *((batch, tuple(cases)) for batch, cases in done.items())][-12:]
        return written

    def revive(self) -> None:
        """Have most cases wait again: approvals are taken back, and the batches that rejected are undone, one after the other."""

        def found(*states: str) -> tuple[int, ...]:
            return tuple(case for case in self.model.turns if self.model.state(case) in states)

        if len(found(*WAITING)) > CASES // 2:
            return
        if over := found("approved", "limited"):
            self.settle([self.call("unapprove", over)(self.offices[0], self.operators[0])])
        for _ in range(CASES):
            if not (rejected := found("rejected")):
                return
            batch, c = self.model.turns[rejected[0]][-1].batch, t.record.c
            had = tuple(row.case_id for row in self.portal.all(sa.select(c.case_id).where(c.batch == batch)))
            self.settle([self.call("", had, batch)(self.offices[0], self.operators[0])])

    def request(self, number: int) -> None:
        """One asks for a second person; others confirm and refuse at once, and whoever asked withdraws."""
        portal, maker = self.portal, self.operators[0]
        asked = portal.decide("challenges", "delete", challenge(portal, 1), by=maker, **GROUND)
        assert asked.request is not None
        self.judge.again()
        many = self.dice.randint(2, OPERATORS)
        answers = ["withdraw", *(self.dice.choice(("confirm", "refuse")) for _ in range(many - 1))]
        typed = {"refuse": {"message": "No."}}
        receipts: list[Receipt | ConsoleError] = []
        barrier = Barrier(many)

        def answer(n: int) -> None:
            at = desk("requests")
            made = at.decision(answers[n])
            params = read_params(made.Params, typed.get(answers[n], {}), self.offices[n].sight(maker).calendar)
            barrier.wait()
            try:
                receipts.append(
                    self.offices[n].decide(
                        self.operators[n], at, made, Selection(ids=(asked.request,)), params, f"request {number} {n}"
                    )
                )
            except ConsoleError as error:
                receipts.append(error)

        list(self.pool.map(answer, range(many)))
        won = [each for each in receipts if not isinstance(each, ConsoleError) and each.done]
        (row,) = portal.all(sa.select(t.request).where(t.request.c.id == asked.request))
        (account,) = portal.all(
            sa.select(t.account.c.status).join(t.challenge, t.challenge.c.account_id == t.account.c.id)
            .where(t.challenge.c.id.in_(sa.select(t.request_case.c.case_id).where(t.request_case.c.request_id == row.id)))
        )  # fmt: skip
        deleted = account.status == "deleted"
        if len(won) != 1 or row.state == "waiting" or deleted != (row.state == "confirmed"):
            self.counts.note("duplicate" if len(won) > 1 else "torn", f"request {row.id} is {row.state}: {receipts}")
        self.races += 1
        self.won += len(won)
        self.judge.again()


def course(folder: Path, url: str) -> Course:
    portal = open_portal(url, folder)
    portal.office.assurance = Demonstration()
    crowd(portal, CASES)
    o = portal.office
    operators = [portal.hire(f"operator {n}", "district_administrator") for n in range(OPERATORS)]
    made = [
        Office(open_engine(o.settings.database.url), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance)
        for _ in operators
    ]
    journal, counts = Journal(folder / "journal"), Counts()
    judge = Judge(portal, journal, counts, TABLES)
    model = Model.of(range(1, CASES + 1), "submitted")
    return Course(
        portal, made, operators, judge, journal, counts, random.Random(SEED), model, ThreadPoolExecutor(OPERATORS)
    )  # fmt: skip


@pytest.mark.campaign
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_races_are_won_by_one_and_explained(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, whole: bool, counted: Counted
) -> None:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    if engine == "postgresql":
        url = cast("Cluster", request.getfixturevalue("postgres")).fresh_database()
    races = course(tmp_path, url)
    number = 0
    while races.races < (RACES_WHOLE if whole else RACES) and len(races.counts.why) < ENOUGH:
        number += 1
        if number % REQUESTS_EVERY == 0:
            races.request(number)
        else:
            races.round()
        races.counts.runs += 1
    races.judge.verified()
    counted(
        f"two to sixteen operators on the same cases, {engine}",
        races=races.races, rounds=races.counts.runs, won=races.won, turned_away=races.turned_away,
        **{name: count for name, count in races.counts.told().items() if name not in ("runs", "saved")},
    )  # fmt: skip
    races.pool.shutdown()
    for office in (*races.offices, races.portal.office):
        office.engine.dispose()
    races.journal.close()
    races.counts.clean()
