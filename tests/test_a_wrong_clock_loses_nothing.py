"""The clock goes back, forward, or stands still: records keep the order in which things happened, and nothing counts twice or longer.

Everything takes its time from one clock (`office.clock`), which jumps here between one thing and the next: decisions and their
undoing, sessions, codes of the second factor, the delays after wrong ones, notices. What has to hold is said by a few lines beside it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import CodeNeeded, Refused, SignedOut
from console.ledger.log import decode
from console.notices.mailer import SmtpMailer
from console.notices.sending import send_due
from console.signin import delays, factor
from models import tables as t
from models.words import Log, SessionKind
from tests.crowd import crowd
from tests.forked import Call, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.mailing import mailing_portal
from tests.requested import SEED, guarded, sit
from tests.services.smtp import MailServer

if TYPE_CHECKING:
    from pathlib import Path

    from console.authority import Operator
    from tests.counted import Counted
    from tests.portals import Portal

ROWS = 6
JUMPS, JUMPS_WHOLE = 14, 50
"""On each engine."""
DICE = 20261122
NEAR = (timedelta(0), timedelta(seconds=1), timedelta(seconds=30), timedelta(seconds=90))
"""What two machines' clocks may well differ by, which ends no session."""
FAR = (
    timedelta(minutes=3),
    timedelta(minutes=20),
    timedelta(hours=1),
    timedelta(hours=9),
    timedelta(days=1),
    timedelta(days=40),
)
LIMIT = timedelta(hours=8)
CODE_HOLDS = timedelta(minutes=5)
ASTRAY = timedelta(minutes=2)


@dataclass
class Day:
    """A portal on a day when nobody can rely on the clock."""

    portal: Portal
    counts: Counts
    dice: random.Random
    operator: Operator
    began: datetime
    moments: list[datetime] = field(default_factory=list)
    """What the clock said at each decision, in their order."""
    last_step: int = -1
    given: list[tuple[bytes, datetime]] = field(default_factory=list)
    """Codes that were given for an action and not used up yet, by its digest."""

    @property
    def now(self) -> datetime:
        return self.portal.clock.now()

    def jump(self) -> None:
        """Back, forward, or not at all."""
        self.portal.clock.advance(self.dice.choice((-1, 1)) * self.dice.choice(self.dice.choice((NEAR, FAR))))

    def present(self) -> None:
        """The session holds as long as its limits say, and not at all once the clock was set back behind it."""
        held = self.began - ASTRAY <= self.now < self.began + LIMIT
        idle = self.now - self.began >= self.portal.office.assurance.idle(SessionKind.SCREEN)  # type: ignore[attr-defined]
        try:
            with self.portal.office.reading(self.operator):
                if not held:
                    self.counts.note("duplicate", f"a session of {self.began} holds at {self.now}")
        except SignedOut as over:
            if held and not idle:
                self.counts.note("lost", f"a session of {self.began} does not hold at {self.now}: {over}")
            self.operator = sit(self.portal, self.operator)
            self.began = self.now

    def spend(self) -> None:
        """A code that was given is used up once, within five minutes of the clock and not before it was given."""
        for digest, at in self.given:
            holds = at <= self.now < at + CODE_HOLDS
            for again in (False, True):
                try:
                    with self.portal.office.writing() as connection:
                        self.portal.office.assurance.spend(connection, self.operator, digest, self.now)
                except CodeNeeded:
                    spent = False
                else:
                    spent = True
                if spent and (again or not holds):
                    self.counts.note("duplicate", f"a code of {at} was spent at {self.now}, again: {again}")
        self.given.clear()

    def step_up(self, number: int) -> None:
        """A code counts when its half minute is later than the last that counted, and never twice."""
        step = factor.step_of(self.now)
        code, digest = factor.code_at(SEED, step), sha256(f"action {number}".encode()).digest()
        for again in (False, True):
            fits = step > self.last_step
            try:
                self.portal.office.step_up(self.operator, digest, code)
            except Refused as refused:
                if fits:
                    self.counts.note("lost", f"the code of {self.now} was refused: {refused}")
                with self.portal.office.reading() as connection:
                    wait = delays.left(connection, self.portal.office.vault, f"step-up\0{self.operator.id}", self.now)
                if wait > delays.LONGEST:
                    self.counts.note("lost", f"the next code waits {wait}")
                self.clear_delay()
            else:
                if not fits or again:
                    self.counts.note(
                        "duplicate", f"the code of {self.now} counted, after {self.last_step}, again: {again}"
                    )
                self.last_step = step
                self.given.append((digest, self.now))

    def send(self) -> None:
        """Send what is due, as the worker does."""
        send_due(self.portal.office, SmtpMailer(self.portal.settings.mail), lambda: False)

    def clear_delay(self) -> None:
        """As after the wait, which this day is too short for."""
        with self.portal.office.writing() as connection:
            delays.passed(connection, self.portal.office.vault, f"step-up\0{self.operator.id}")


def opened(url: str, folder: Path, server: MailServer) -> Day:
    portal = guarded(mailing_portal(url, folder, server), second_person=False)
    crowd(portal, ROWS)
    portal.change(t.account, 1, email="pat@mail.example")
    operator = sit(portal, portal.operator())
    return Day(portal, Counts(), random.Random(DICE), operator, portal.clock.now())


@pytest.mark.campaign
def test_a_clock_that_jumps_changes_no_order_and_nothing_twice(
    database_url: str, engine_name: str, tmp_path: Path, whole: bool, counted: Counted
) -> None:
    with MailServer() as server:
        day = opened(database_url, tmp_path, server)
        portal, journal = day.portal, Journal(tmp_path / "journal")
        judge = Judge(portal, journal, day.counts)
        last: str | None = None
        for n in range(JUMPS_WHOLE if whole else JUMPS):
            day.jump()
            day.send()
            day.present()
            day.spend()
            day.step_up(n)
            call = Call(f"jump {n}", undo=last) if last is not None else Call(f"jump {n}", params={"reason": "fits"})
            journal.asked(call.key)
            said = Said.of(carry_out(portal.office, day.operator, call))
            journal.answered(call.key, said)
            day.moments.append(day.now)
            if said.outcome != "saved":
                day.counts.note("lost", f"{call} at {day.now}: {said}")
            judge.recover()
            judge.look()
            last = said.batch if last is None else None
            day.counts.runs += 1
        judge.verified()
        day.counts.clean()
        in_order = portal.all(
            sa.select(t.record.c.body).where(t.record.c.log == Log.LEDGER, t.record.c.kind == "decision").order_by(t.record.c.index)
        )  # fmt: skip
        told = [datetime.fromisoformat(decode(row.body).at).astimezone(UTC) for row in in_order]
        assert told == [moment for moment in day.moments for _ in range(ROWS)]
        if last is None:
            carry_out(portal.office, day.operator, Call("the last", params={"reason": "fits"}))
        portal.clock.advance(timedelta(days=100))
        day.send()
        ids = [delivery.message["Message-ID"] for delivery in server.deliveries]
        if len(ids) != len(set(ids)):
            day.counts.note("duplicate", "a message was sent twice")
        waiting = portal.all(sa.select(t.notice.c.id).where(t.notice.c.state == "held"))
        if waiting:
            day.counts.note("lost", f"{len(waiting)} notices are held for good")
        judge.verified()
        counted(f"the clock back, forward and standing still, {engine_name}", **day.counts.told(), messages=len(ids))
        portal.office.engine.dispose()
        journal.close()
    assert ids
    day.counts.clean()
