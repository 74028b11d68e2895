"""What merely follows is done by the worker, once, however often and by however many it runs; nothing that must hold waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console import working
from console.errors import ConsoleError, Exit, Refused
from console.evidence import Fact
from console.ledger.log import decode
from console.notices.alerting import alert_challenges
from console.working import Worker
from models import tables as t
from models.engine import writing
from models.words import Log
from tests.mailing import CONFIGURATION, OFFICE, approved, challenge, mailing_portal, shown_by_command, work, worker
from tests.services.smtp import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from tests.portals import Portal


@pytest.fixture
def portal(database_url: str, tmp_path: Path) -> Iterator[Portal]:
    made = mailing_portal(database_url, tmp_path, None)
    yield made
    made.office.engine.dispose()


def told(portal: Portal, template: str) -> list[Any]:
    return portal.all(sa.select(t.notice).where(t.notice.c.template == template).order_by(t.notice.c.id))


# Challenges that arrive


def test_an_arriving_challenge_is_announced_once(portal: Portal) -> None:
    case = challenge(portal)
    for _ in range(3):
        work(portal)
    (notice,) = told(portal, "challenge-received")
    assert (notice.case_id, notice.address, notice.not_before) == (case, OFFICE, portal.clock.now())


def test_a_challenge_announced_in_its_own_transaction_is_not_announced_again(portal: Portal) -> None:
    case = challenge(portal)
    sight = portal.office.sight(portal.office.operator("intake"))
    with writing(portal.office.engine) as connection:
        assert alert_challenges(connection, sight, [case]) == 1
        assert alert_challenges(connection, sight, [case]) == 0
    work(portal)
    assert len(told(portal, "challenge-received")) == 1


def test_workers_at_once_announce_and_remind_once(portal: Portal) -> None:
    for _ in range(5):
        challenge(portal, answer_due=portal.today)
    threads = [threading.Thread(target=worker(portal).once) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    work(portal)
    assert len(told(portal, "challenge-received")) == 5
    assert len(told(portal, "challenge-due")) == 5


def test_the_announcement_names_nobody(portal: Portal, tmp_path: Path) -> None:
    challenge(portal)
    work(portal)
    shown = shown_by_command(portal, "notices", "show", str(told(portal, "challenge-received")[0].id))
    for word in ("Uncle", "Mother", "Kim", "Vale", "I do not know"):
        assert word not in shown["text"]
    assert "Challenge no. 1, Lincoln. The first answer is due on November 23, 2026." in " ".join(shown["text"].split())


def test_a_decided_challenge_is_not_announced(portal: Portal) -> None:
    challenge(portal, state="decided")
    work(portal)
    assert told(portal, "challenge-received") == []


# Reminders


def test_a_challenge_is_reminded_of_once_for_each_day_it_is_due(portal: Portal) -> None:
    case = challenge(portal)
    work(portal)
    assert told(portal, "challenge-due") == []
    portal.clock.advance(timedelta(days=2))
    for _ in range(4):
        work(portal)
        portal.clock.advance(timedelta(hours=20))
    assert len(told(portal, "challenge-due")) == 1
    portal.change(t.challenge, case, answered_at=portal.clock.now())
    portal.clock.advance(timedelta(days=1))
    for _ in range(3):
        work(portal)
    assert len(told(portal, "challenge-due")) == 2


def test_who_was_asked_is_reminded_once_when_half_the_time_is_over(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    portal.decide("registrations", "ask", case, message="Which school?")
    portal.clock.advance(timedelta(days=29))
    work(portal)
    assert told(portal, "reminder-answer") == []
    portal.clock.advance(timedelta(days=1))
    for _ in range(3):
        work(portal)
    (notice,) = told(portal, "reminder-answer")
    assert notice.account_id == portal.one(t.registration, case).account_id


def test_nobody_is_reminded_of_what_was_answered_decided_taken_back_or_is_over(portal: Portal) -> None:
    school = portal.school()
    decided, undone, lapsed = (portal.registration(portal.student(school=school)) for _ in range(3))
    for case in (decided, undone, lapsed):
        batch = portal.decide("registrations", "ask", case, message="Which school?").batch
        if case == undone:
            portal.undo(batch)
    portal.decide("registrations", "approve", decided)
    portal.clock.advance(timedelta(days=61))
    work(portal)
    assert told(portal, "reminder-answer") == []


# Purging


def deleted(portal: Portal, days: int, **values: Any) -> int:
    return portal.account(
        values.pop("login", f"gone{days}"),
        status="deleted",
        deleted_at=portal.clock.now() - timedelta(days=days),
        phone="555 010 4477",
        phone_key="0104477",
        **values,
    )


def test_an_account_is_purged_after_its_days_with_a_record_that_names_nobody(portal: Portal) -> None:
    young, old = deleted(portal, 29, login="young"), deleted(portal, 31, login="old")
    assert work(portal).counts["purged"] == 1
    assert work(portal).counts["purged"] == 0
    assert portal.one(t.account, young).email == "young@mail.example"
    row = portal.one(t.account, old)
    assert (row.given_name, row.family_name, row.name_key, row.family_key) == ("", "", "", "")
    assert (row.email, row.email_key, row.phone, row.phone_key) == (None, "", None, "")
    assert (row.login, row.login_key, row.version) == (f"purged-{old}", f"purged-{old}", 1)
    (body,) = portal.all(sa.select(t.record.c.body).where(t.record.c.log == Log.LEDGER))[0]
    record = decode(body)
    assert (record.action, record.desk, record.kind, record.case) == ("work.purge", "work", "decision", old)
    assert (record.from_state, record.to_state) == ("deleted", "purged")
    assert "Pat" not in body
    assert portal.office.signer.signed_size(Log.LEDGER) == 1


def test_many_are_purged_together_and_none_twice(portal: Portal) -> None:
    for n in range(12):
        deleted(portal, 40, login=f"gone{n}")
    threads = [threading.Thread(target=worker(portal).once) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    work(portal)
    assert portal.office.size() == 12
    assert len(portal.all(sa.select(t.account.c.version).distinct().where(t.account.c.status == "deleted"))) == 12


def test_nobody_escapes_a_purge_by_their_choice_of_login(portal: Portal) -> None:
    first = deleted(portal, 40, login="purged-2")
    second = deleted(portal, 40, login="other")
    assert (first, second) == (1, 2)
    assert work(portal).counts["purged"] == 2
    assert work(portal).counts["purged"] == 0
    rows = portal.all(sa.select(t.account.c.login, t.account.c.email))
    assert {row.email for row in rows} == {None}
    assert all(row.login.startswith("purged-") for row in rows)


def test_a_purge_is_not_undone(portal: Portal) -> None:
    deleted(portal, 40)
    work(portal)
    (batch,) = portal.all(sa.select(t.batch.c.id))[0]
    with pytest.raises(Refused, match="no batch"):
        portal.undo(batch)


# Matching, and the worker itself


def test_what_waits_is_judged_anew_when_something_changed(portal: Portal) -> None:
    student = portal.student(school=portal.school())
    case = portal.registration(student, facts=0, match=0, student_family_key="vale")
    alone = worker(portal)
    alone.once()
    assert portal.one(t.registration, case).facts & Fact.SURNAME
    version = portal.one(t.registration, case).version
    assert version == 0
    portal.change(t.student, student, family_key="other")
    assert "matched" not in alone.once().counts
    portal.clock.advance(timedelta(days=1))
    alone.once()
    assert not portal.one(t.registration, case).facts & Fact.SURNAME


def test_all_that_waits_is_judged_however_much(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "A_MATCH", 4)
    school = portal.school()
    for _ in range(9):
        portal.registration(portal.student(school=school), match=0, facts=0)
    assert work(portal).counts["matched"] == 9
    assert {row.match for row in portal.all(sa.select(t.registration.c.match))} != {0}


def test_a_step_that_fails_does_not_keep_the_others(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    challenge(portal)
    deleted(portal, 40)

    def broken(self: Worker, done: working.Round) -> None:
        raise ZeroDivisionError

    def unavailable(self: Worker, done: working.Round) -> None:
        raise ConsoleError("Not now.")

    monkeypatch.setattr(Worker, "_match", broken)
    monkeypatch.setattr(Worker, "_remind", unavailable)
    done = work(portal)
    assert [str(each) for each in done.troubles] == [
        "The worker made a mistake (broken, ZeroDivisionError); the other steps were done.",
        "Not now.",
    ]
    assert (done.counts["alerts"], done.counts["purged"]) == (1, 1)


def test_the_worker_needs_the_right_to_work(portal: Portal) -> None:
    with pytest.raises(Refused, match="right work"):
        Worker(portal.office, portal.hire("lee", "help_desk"), None)


@pytest.fixture
def configured(portal: Portal, database_url: str, tmp_path: Path) -> Path:
    file = tmp_path / "district.toml"
    file.write_text(CONFIGURATION.format(url=database_url))
    return file


def run(file: Path, *words: str, mail: MailServer | None = None) -> subprocess.CompletedProcess[str]:
    extra = (
        {"DISTRICT_MAIL_HOST": mail.host, "DISTRICT_MAIL_PORT": str(mail.port), "DISTRICT_MAIL_STARTTLS": "false"}
        if mail
        else {}
    )
    command = [sys.executable, "-m", "console.cli.main", "--config", str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **extra})


def test_once_says_what_it_did_and_ends(portal: Portal, configured: Path) -> None:
    portal.clock.set(datetime.now(UTC) - timedelta(hours=1))
    approved(portal, 2)
    ran = run(configured, "work", "--once")
    assert ran.returncode == 0
    assert "No mail server is configured, so 2 notices wait." in ran.stderr
    with MailServer() as server:
        sent = run(configured, "work", "--once", mail=server)
        assert (sent.returncode, len(server.deliveries)) == (0, 2)
        assert "2 notices sent" in sent.stderr
        portal.decide("registrations", "unapprove", 1, reason="the mother called")
    assert sent.stdout == ""


def test_a_mail_server_that_is_gone_is_a_sentence_and_an_exit_code(portal: Portal, configured: Path) -> None:
    portal.clock.set(datetime.now(UTC) - timedelta(hours=1))
    approved(portal)
    with MailServer() as server:
        pass
    ran = run(configured, "work", "--once", mail=server)
    assert ran.returncode == Exit.UNAVAILABLE
    assert "does not answer as it should; notices wait." in ran.stderr


class Idle(Worker):
    """A worker whose rounds are empty, and that is told to stop at the given line of its loop, as a signal's handler would."""

    def once(self) -> working.Round:
        return working.Round()

    def loop(self, line: int) -> None:
        lines = 0

        def trace(_frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal lines
            if event == "line":
                lines += 1
                if lines == line:
                    self.stop()
            return trace

        sys.settrace(trace)
        self.run(0.001, lambda _done: None)


def test_a_stop_between_any_two_lines_of_the_loop_ends_it(portal: Portal) -> None:
    """A handler runs in the thread that it interrupts, also between two lines of what that thread waits with."""
    for line in range(1, 100):
        running = threading.Thread(
            target=Idle(portal.office, portal.office.operator("intake"), None).loop, args=[line], daemon=True
        )
        running.start()
        running.join(20)
        assert not running.is_alive(), line


def test_sigterm_ends_the_loop_after_its_step(portal: Portal, configured: Path) -> None:
    case = challenge(portal)
    command = [sys.executable, "-m", "console.cli.main", "--config", str(configured), "work", "--interval", "60"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        assert "1 alerts" in running.stderr.readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    finally:
        running.kill()
        running.communicate()
    assert [each.case_id for each in told(portal, "challenge-received")] == [case]
