"""A notice that follows a decision reaches its reader once: not before the hold is over, never twice, and never silently lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import Exit
from console.notices import outbox
from console.notices.sending import send_due
from models import tables as t
from models.engine import writing
from tests.mailing import HOLD, OFFICE, approved, mailing_portal, states, to_people, work, worker
from tests.services.smtp import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def portal(database_url: str, tmp_path: Path, server: MailServer) -> Iterator[Portal]:
    made = mailing_portal(database_url, tmp_path, server)
    yield made
    made.office.engine.dispose()


def test_a_notice_waits_for_the_hold_and_is_then_sent_once(portal: Portal, server: MailServer) -> None:
    (case,) = approved(portal, login="pat")
    work(portal)
    assert server.deliveries == []
    portal.clock.advance(HOLD)
    assert work(portal).counts["sent"] == 1
    work(portal)
    (delivery,) = server.deliveries
    assert delivery.recipients == ("pat@mail.example",)
    assert delivery.sender == "portal@district.example"
    (notice,) = portal.all(sa.select(t.notice))
    assert (notice.state, notice.case_id, notice.sent_at) == ("sent", case, portal.clock.now())
    assert delivery.message["Message-ID"] == notice.message_id


def test_an_undo_within_the_hold_withdraws_the_notice(portal: Portal, server: MailServer) -> None:
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    done = portal.decide("registrations", "approve", *cases)
    portal.clock.advance(timedelta(minutes=9))
    work(portal)
    assert portal.undo(done.batch).notices == 3
    portal.clock.advance(HOLD)
    work(portal)
    assert server.deliveries == []
    assert states(portal) == {"withdrawn": 3}


def test_an_undo_after_the_hold_cannot_take_back_what_was_sent(portal: Portal, server: MailServer) -> None:
    school = portal.school()
    done = portal.decide("registrations", "approve", portal.registration(portal.student(school=school)))
    portal.clock.advance(HOLD)
    work(portal)
    assert portal.undo(done.batch).notices == 0
    assert states(portal) == {"sent": 1}


def test_an_undo_does_not_withdraw_what_a_worker_has_in_hand(portal: Portal) -> None:
    school = portal.school()
    done = portal.decide("registrations", "approve", portal.registration(portal.student(school=school)))
    portal.clock.advance(HOLD)
    assert outbox.take(portal.office) is not None
    assert portal.undo(done.batch).notices == 0
    assert states(portal) == {"sending": 1}


def test_trouble_that_passes_is_tried_again_with_growing_delays_and_then_given_up(
    portal: Portal, server: MailServer
) -> None:
    approved(portal)
    server.fail("recipient", 451, times=99)
    portal.clock.advance(HOLD)
    waits = []
    for _ in range(6):
        assert len(to_people(server.deliveries)) == 0
        work(portal)
        (notice,) = portal.all(sa.select(t.notice).where(t.notice.c.template != "alert-failure"))
        waits.append((notice.state, notice.not_before - portal.clock.now()))
        portal.clock.set(max(notice.not_before, portal.clock.now()))
    minutes = [wait.total_seconds() / 60 for state, wait in waits if state == "held"]
    assert minutes == [1, 5, 30, 120, 360]
    assert notice.state == "failed"
    assert notice.last_error == "the mail server answered 451 4.3.0"
    server.heal()
    portal.clock.advance(timedelta(days=1))
    work(portal)
    assert to_people(server.deliveries) == []


def test_the_message_keeps_its_name_over_every_attempt(portal: Portal, server: MailServer) -> None:
    approved(portal)
    server.fail("data", 451)
    portal.clock.advance(HOLD)
    work(portal)
    (name,) = portal.all(sa.select(t.notice.c.message_id))[0]
    portal.clock.advance(timedelta(minutes=2))
    work(portal)
    assert [each.message["Message-ID"] for each in server.deliveries] == [name]


@pytest.mark.parametrize("step", ["sender", "recipient", "data"])
def test_what_the_server_refuses_for_good_fails_at_once_and_the_rest_goes_on(
    portal: Portal, server: MailServer, step: str
) -> None:
    approved(portal, 3)
    server.fail(step, 550, times=1)  # type: ignore[arg-type]
    portal.clock.advance(HOLD)
    done = work(portal)
    assert (done.counts["sent"], done.counts["failed"]) == (2, 1)
    (notice,) = portal.all(sa.select(t.notice).where(t.notice.c.state == "failed"))
    assert "mail.example" not in notice.last_error


def test_a_server_that_is_down_is_tried_later(portal: Portal, server: MailServer) -> None:
    approved(portal, 2)
    portal.clock.advance(HOLD)
    server.stop()
    done = work(portal)
    assert done.exit == Exit.UNAVAILABLE
    assert "does not answer" in str(done.troubles[0])
    assert states(portal) == {"held": 2}
    server.start()
    work(portal)
    assert server.deliveries == []
    portal.clock.advance(timedelta(minutes=1))
    work(portal)
    assert states(portal) == {"sent": 2}


def test_a_line_that_breaks_at_the_very_end_is_never_sent_again_and_is_told(portal: Portal, server: MailServer) -> None:
    approved(portal, 3)
    server.hang_up_after_data()
    portal.clock.advance(HOLD)
    work(portal)
    assert states(portal) == {"sent": 2, "unknown": 1}
    for _ in range(5):
        portal.clock.advance(timedelta(hours=7))
        work(portal)
    assert Counter(each.message["Message-ID"] for each in to_people(server.deliveries)).most_common(1)[0][1] == 1
    assert len(to_people(server.deliveries)) == 3
    (told,) = [each for each in server.deliveries if each.recipients == (OFFICE,)]
    assert "1 message of Student portal did not arrive" in told.message.get_content()


def test_what_a_dead_worker_had_in_hand_becomes_unknown_and_is_not_sent(portal: Portal, server: MailServer) -> None:
    approved(portal, 2)
    portal.clock.advance(HOLD)
    in_hand = outbox.take(portal.office)
    assert in_hand is not None
    work(portal)
    assert states(portal) == {"sending": 1, "sent": 1}
    portal.clock.advance(outbox.IN_HAND)
    work(portal)
    assert states(portal) == {"unknown": 1, "sent": 1}
    assert len(to_people(server.deliveries)) == 1


def test_a_slow_worker_that_learns_the_end_corrects_it(portal: Portal) -> None:
    approved(portal)
    portal.clock.advance(HOLD)
    slow = outbox.take(portal.office)
    assert slow is not None
    portal.clock.advance(outbox.IN_HAND)
    outbox.let_go(portal.office)
    assert states(portal) == {"unknown": 1}
    outbox.settle(portal.office, slow, outbox.Outcome(outbox.End.ACCEPTED))
    assert states(portal) == {"sent": 1}


def test_several_workers_share_the_outbox_and_send_each_notice_once(portal: Portal, server: MailServer) -> None:
    approved(portal, 60)
    portal.clock.advance(HOLD)
    workers = [worker(portal) for _ in range(3)]
    threads = [threading.Thread(target=each.once) for each in workers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    for _ in range(3):  # what a locked SQLite file kept from one of them is done in its next round
        work(portal)
    assert states(portal) == {"sent": 60}
    names = Counter(delivery.message["Message-ID"] for delivery in server.deliveries)
    assert len(names) == 60
    assert set(names.values()) == {1}


CONFIGURATION = """
[portal]
origin = "test.example/ledger"
[database]
url = "{url}"
[mail]
host = "{host}"
port = {port}
starttls = false
"""


def test_killed_workers_send_nothing_twice_and_lose_nothing_silently(
    database_url: str, tmp_path: Path, server: MailServer
) -> None:
    """Kill -9 again and again while a hundred notices go out to a real server."""
    portal = mailing_portal(database_url, tmp_path, server, now=datetime.now(UTC) - timedelta(hours=1))
    approved(portal, 100)
    file = tmp_path / "district.toml"
    file.write_text(CONFIGURATION.format(url=database_url, host=server.host, port=server.port))
    command = [sys.executable, "-m", "console.cli.main", "--config", str(file), "work", "--interval", "0.1"]
    for wanted in (7, 31, 58, 90):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            server.wait_for(wanted, timeout=30)
        finally:
            running.send_signal(signal.SIGKILL)
            _, said = running.communicate()
        assert "mistake" not in said
        assert wanted > 50 or len(server.deliveries) < 100, "the worker was not killed in the middle of its work"
    last = subprocess.run([*command[:-2], "--once"], capture_output=True, text=True, timeout=60, check=False)
    assert last.returncode == 0, last.stderr
    portal.clock.set(datetime.now(UTC) + outbox.IN_HAND)
    work(portal)
    people = to_people(server.deliveries)
    names = Counter(each.message["Message-ID"] for each in people)
    assert set(names.values()) == {1}
    found = {row.message_id: row.state for row in portal.all(sa.select(t.notice).where(t.notice.c.case_id != 0))}
    assert set(found.values()) <= {"sent", "unknown"}
    assert len(found) == 100
    assert {name for name, state in found.items() if state == "sent"} <= set(names)
    assert set(names) <= set(found)
    assert Counter(found.values())["unknown"] <= 4
    portal.office.engine.dispose()


def test_without_a_mail_server_notices_wait_and_that_is_said_once(database_url: str, tmp_path: Path) -> None:
    portal = mailing_portal(database_url, tmp_path, None)
    approved(portal, 2)
    portal.clock.advance(HOLD)
    alone = worker(portal)
    first, second = alone.once(), alone.once()
    assert first.said == ["No mail server is configured, so 2 notices wait. Set mail.host to send them."]
    assert (first.exit, second.said) == (Exit.DONE, [])
    assert states(portal) == {"held": 2}
    portal.office.engine.dispose()


@pytest.mark.parametrize("email", ["", None, "pat", "a@x.example, b@x.example", "pat@x.example\r\nBcc: b@y.example"])
def test_what_is_not_exactly_one_address_fails_and_is_told(
    portal: Portal, server: MailServer, email: str | None
) -> None:
    (case,) = approved(portal)
    account = portal.one(t.registration, case).account_id
    portal.change(t.account, account, email=email)
    portal.clock.advance(HOLD)
    work(portal)
    work(portal)
    assert states(portal) == {"failed": 1}
    assert [each.recipients for each in server.deliveries] == [(OFFICE,)]


class LockingMailer:
    """A server that says 250 just when an import takes SQLite's only lock, for half a second."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.locker = threading.Thread(target=self._lock)
        self._locked = threading.Event()

    @contextmanager
    def conversation(self) -> Iterator[LockingMailer]:
        yield self

    def send(self, to: str, message: bytes) -> outbox.Outcome:
        self.locker.start()
        self._locked.wait(10)
        return outbox.Outcome(outbox.End.ACCEPTED)

    def _lock(self) -> None:
        with writing(self._engine) as connection:
            connection.execute(sa.select(1))
            self._locked.set()
            time.sleep(0.5)


def test_a_worker_that_cannot_write_what_it_knows_tries_until_it_can(tmp_path: Path) -> None:
    portal = mailing_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, None)
    approved(portal)
    portal.clock.advance(HOLD)
    patience = "PRAGMA busy_timeout=50"
    sa.event.listen(portal.office.engine, "checkout", lambda driver, *_: driver.execute(patience))
    mailer = LockingMailer(portal.office.engine)
    assert send_due(portal.office, mailer, lambda: False).sent == 1
    mailer.locker.join()
    assert states(portal) == {"sent": 1}
    portal.office.engine.dispose()
