"""What happens when something that is needed fails under a decision: one plain sentence, the right exit code, nothing half done, and
nobody's name in what is said or logged.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.cli.main import main
from console.errors import Unavailable
from console.founding import found
from console.ledger.verifying import verify
from console.settings import Settings
from console.wiring import open_office
from models import tables as t
from tests.line_mode import Answer, write_settings
from tests.portals import NOON, Portal, open_portal
from tests.services.postgres import Cluster, free_port
from tests.services.pty import Pty
from tests.signing import equip, signed_in, type_sign_in
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DISTRICT = Path(sys.executable).parent / "district"
GIVEN, FAMILY = "Zephyrina", "Quillfeather"
"""Everybody's name: it stands in no message and in no log."""
CASES = 30
OWNER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""What takes from root its right to pass over a file's mode."""
APPROVE = ("registrations", "approve", "--where", "state:submitted", "--reason", f"{GIVEN} was here", "--yes")


def fill(portal: Portal) -> None:
    school = portal.school()
    for _ in range(CASES):
        portal.registration(portal.student(GIVEN, FAMILY, school=school), given=GIVEN, family=FAMILY)


@dataclass
class Day:
    """A district's folder on a bad day."""

    folder: Path
    log: pytest.LogCaptureFixture

    @property
    def config(self) -> Path:
        return self.folder / "district.toml"

    @property
    def settings(self) -> Settings:
        return Settings.load(self.config)

    @property
    def database(self) -> Path:
        return self.folder / "portal.db"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def run(self, *words: str) -> Answer:
        """`district` in this process, opening everything for real."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["--config", str(self.config), *words])
        return self.checked(Answer(code, out.getvalue(), err.getvalue()))

    def alone(self, *words: str, **options: Any) -> Answer:
        """`district` in a process of its own, for whom files' modes hold."""
        ran = subprocess.run(
            [*OWNER, DISTRICT, "--config", self.config, *words], capture_output=True, text=True, check=False, **options
        )
        return self.checked(Answer(ran.returncode, ran.stdout, ran.stderr))

    def checked(self, answer: Answer) -> Answer:
        said = answer.err + self.log.text
        assert "Traceback" not in said
        assert GIVEN not in said
        assert FAMILY not in said
        return answer

    def fails(self, code: int, *words: str, run: Callable[..., Answer] | None = None) -> str:
        """The one sentence with which approving everything ends."""
        answer = (run or self.run)(*(words or APPROVE))
        assert answer.code == code, answer
        return answer.sentence

    def office(self) -> Any:
        return open_office(Settings.load(self.config), assurance=Unasked())

    def holds(self, *, approved: int) -> None:
        """So many registrations are approved, each with its record, and the ledger verifies."""
        office = self.office()
        with office.reading() as connection:
            states = connection.execute(sa.select(t.registration.c.state)).scalars().all()
            ties = connection.execute(sa.select(t.membership.c.status)).scalars().all()
            batches = connection.execute(sa.select(sa.func.count()).select_from(t.batch)).scalar_one()
            of_decisions = sa.select(sa.func.count()).where(t.record.c.kind == "decision")
            decisions = connection.execute(of_decisions).scalar_one()
        assert list(states).count("approved") == list(ties).count("approved") == approved
        assert decisions == approved
        assert batches == bool(approved)
        verdict = verify(office)
        assert verdict.holds, verdict.sentences
        office.engine.dispose()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    fill(portal)
    portal.office.engine.dispose()
    (folder / "district.toml").write_text(
        '[database]\nurl = "sqlite:///portal.db"\n[portal]\norigin = "test.example/ledger"\n'
        '[signin]\nsession_folder = "run"\n'
    )
    return folder


@pytest.fixture
def day(founded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Day:
    shutil.copytree(founded, tmp_path / "district")
    caplog.set_level(logging.DEBUG)
    made = Day(tmp_path / "district", caplog)
    signed_in(made.settings)
    return made


# The database is somebody else's for a while


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.engine.BUSY_MILLISECONDS", 150)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN; SELECT * FROM registration"])
def test_a_database_that_somebody_else_holds_is_waited_for_and_then_said(day: Day, how: str) -> None:
    """A reader too: it lets everything be written but not committed."""
    other = sqlite3.connect(day.database, isolation_level=None)
    for each in how.split("; "):
        other.execute(each).fetchone()
    said = day.fails(5)
    assert "locked by somebody else; nothing was" in said, said
    other.close()
    day.holds(approved=0)
    assert day.run(*APPROVE).code == 0
    day.holds(approved=CASES)


# The file is not what it was


def shortened(day: Day) -> None:
    os.truncate(day.database, day.database.stat().st_size // 3)


def a_folder(day: Day) -> None:
    day.database.unlink()
    day.database.mkdir()


def overwritten(day: Day) -> None:
    with day.database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(day.database.stat().st_size - 8192))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda day: day.database.unlink(), "is missing; nothing was opened"),
        (lambda day: day.database.write_bytes(b""), "run district init"),
        (lambda day: day.database.write_bytes(b"not a database, though long enough to be one. " * 200), "damaged"),
        (a_folder, "cannot be opened"),
        (shortened, "damaged"),
        (overwritten, "damaged"),
    ],
    ids=["missing", "empty", "another file", "a folder", "truncated", "overwritten"],
)
def test_a_database_file_that_is_none_is_said_in_one_sentence(
    day: Day, harm: Callable[[Day], None], words: str
) -> None:
    harm(day)
    for command in (APPROVE, ("registrations", "list"), ("audit", "verify"), ("batches",), ("work", "--once")):
        said = day.fails(5, *command)
        assert words.lower() in said.lower(), (command, said)


def test_a_missing_database_is_not_made_by_looking(day: Day) -> None:
    day.database.unlink()
    day.fails(5)
    assert not day.database.exists()


def test_a_database_that_cannot_be_written_is_read_and_says_so(day: Day) -> None:
    day.database.chmod(0o400)
    assert day.alone("registrations", "list").code == 0
    assert "cannot be written" in day.fails(5, run=day.alone)
    day.database.chmod(0o600)
    day.folder.chmod(0o500)
    assert "cannot be" in day.fails(5, run=day.alone)
    day.folder.chmod(0o700)
    day.holds(approved=0)


# The disk is full


@contextlib.contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_during_a_decision_undoes_it(day: Day) -> None:
    size = day.database.stat().st_size
    with files_at_most(size):
        said = day.fails(5)
    assert "nothing was done" in said
    assert "disk" in said
    day.holds(approved=0)


def test_a_database_that_may_not_grow_says_that_the_disk_is_full(day: Day) -> None:
    office = day.office()
    with office.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    @sa.event.listens_for(office.engine, "begin")
    def _cap(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(Unavailable, match="The disk is full; nothing was done"):
        Portal(office, office.settings, office.clock).decide("registrations", "approve", where="state:submitted")
    office.engine.dispose()
    day.holds(approved=0)


def test_a_decision_whose_signature_found_no_room_is_signed_later(day: Day) -> None:
    office = day.office()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    committed: list[object] = []
    sa.event.listen(office.engine, "commit", lambda made: committed.append(made.get_execution_options().get("writes")))

    @sa.event.listens_for(office.engine, "checkin")
    def _fill_up(*_: object) -> None:
        if True in committed:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))

    try:
        receipt = Portal(office, office.settings, office.clock).decide(
            "registrations", "approve", where="state:submitted"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert receipt.done == CASES
    from models.words import Log

    assert office.signer.signed_size(Log.LEDGER) == 0
    assert "committed but not signed" in day.log.text
    office.engine.dispose()
    day.holds(approved=CASES)
    assert office.signer.signed_size(Log.LEDGER) == CASES


def test_a_report_for_which_there_is_no_room_leaves_no_file(day: Day) -> None:
    assert day.run(*APPROVE).code == 0
    out = day.folder / "out"
    out.mkdir()
    for form in ("csv", "jsonl", "xlsx", "html"):
        with files_at_most(1000):
            said = day.fails(5, "audit", "export", "--format", form, "--out", str(out / "report.zip"))
        assert "report.zip could not be written" in said
        assert "nothing was exported" in said
        assert not list(out.iterdir())
    day.holds(approved=CASES)


# Keys


@pytest.mark.parametrize(
    ("harm", "code", "words"),
    [
        (lambda day: (day.keys / "ledger.key").unlink(), 5, "ledger key"),
        (lambda day: (day.keys / "data.key").unlink(), 5, "data key"),
        (lambda day: (day.keys / "ledger.key").chmod(0o644), 1, "chmod 600"),
        (lambda day: (day.keys / "data.key").chmod(0o644), 1, "chmod 600"),
        (lambda day: rewrite(day.keys / "ledger.key", b"junk\n"), 1, "ledger key"),
        (lambda day: rewrite(day.keys / "ledger.key", b"\xff\xfe\x00"), 1, "ledger key"),
        (lambda day: rewrite(day.keys / "ledger.key", b""), 1, "ledger key"),
        (lambda day: rewrite(day.keys / "data.key", b"junk\n"), 1, "data key"),
        (lambda day: rewrite(day.keys / "data.key", b"A" * 43 + b"=\n"), 4, "Data key"),
        (lambda day: shutil.rmtree(day.keys), 5, "key"),
        (lambda day: rewrite(day.keys / "state" / "ledger.json", b"{"), 5, "signer's state"),
        (lambda day: as_file(day.keys / "state"), 5, "signer's folder"),
    ],
    ids=lambda value: str(value) if isinstance(value, str | int) else "harm",
)
def test_a_key_that_is_missing_open_or_damaged_is_named(
    day: Day, harm: Callable[[Day], object], code: int, words: str
) -> None:
    harm(day)
    assert words in day.fails(code)


def rewrite(file: Path, data: bytes) -> None:
    file.unlink(missing_ok=True)
    file.write_bytes(data)
    file.chmod(0o400)


def as_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"")


def test_the_keys_of_another_portal_sign_and_open_nothing(day: Day, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    url = f"sqlite:///{other / 'portal.db'}"
    found(Settings.build({"database": {"url": url}, "portal": {"origin": "test.example/ledger"}}, other), NOON)
    for name in ("ledger.key", "data.key"):
        kept = (day.keys / name).read_bytes()
        rewrite(day.keys / name, (other / "keys" / name).read_bytes())
        said = day.fails(1 if name == "ledger.key" else 4)
        assert "key" in said, said
        assert "nothing was opened" in said
        rewrite(day.keys / name, kept)
    day.holds(approved=0)


def test_a_folder_for_signatures_that_cannot_be_written_stops_before_deciding(day: Day) -> None:
    (day.keys / "state").chmod(0o500)
    said = day.fails(5, run=day.alone)
    assert "signer's folder" in said
    (day.keys / "state").chmod(0o700)
    day.holds(approved=0)


# Settings and files that come in


@pytest.mark.parametrize(
    ("harm", "code", "words"),
    [
        (lambda file: file.unlink(), 5, "no such"),
        (lambda file: (file.unlink(), file.mkdir()), 5, "district.toml"),
        (lambda file: file.write_bytes('[portal]\nname = "Año"\n'.encode("latin-1")), 2, "UTF-8"),
        (lambda file: file.write_bytes('[portal]\nname = "x"\n'.encode("utf-16")), 2, "UTF-8"),
        (lambda file: file.write_text("[portal\n"), 2, "district.toml"),
        (lambda file: file.write_text("\0\0\0"), 2, "district.toml"),
        (lambda file: file.write_text('[portal]\n"na\\u202eme\\u001b[2J" = 1\n'), 2, "unknown"),
        (lambda file: file.write_text("[database]\nurl = 'oracle://x'\n"), 2, "database.url"),
        (lambda file: file.write_text("[portal]\ntimezone = '../../etc/passwd'\n"), 2, "timezone"),
    ],
    ids=lambda value: str(value) if isinstance(value, str | int) else "harm",
)
def test_settings_that_cannot_be_read_are_said_in_one_sentence(
    day: Day, harm: Callable[[Path], object], code: int, words: str
) -> None:
    harm(day.config)
    said = day.fails(code)
    assert words.lower() in said.lower(), said
    assert said.isprintable()


def test_settings_that_may_not_be_read_are_said_in_one_sentence(day: Day) -> None:
    day.config.chmod(0)
    assert "district.toml" in day.fails(2, run=day.alone)


@pytest.mark.parametrize("form", ["registrations", "challenges", "grants", "accounts", "roster"])
@pytest.mark.parametrize(
    "data",
    [
        "﻿ref,kind\n1,parent\n".encode("utf-16"),
        b"ref,kind,given_name\n1,parent,Jos\xe9\n",
        b"\x00" * 4096,
        b"PK\x03\x04" + b"\x00" * 40,
        b"",
        b"{" * 100_000,
        b'"' + b"x" * 200_000,
    ],
    ids=["utf-16", "latin-1", "zeros", "half a zip", "empty", "braces", "one open quote"],
)
def test_a_file_that_is_not_what_it_says_changes_nothing(day: Day, form: str, data: bytes) -> None:
    for name in ("in.csv", "in.jsonl", "in.zip"):
        file = day.folder / name
        file.write_bytes(data)
        answer = day.run("import", form, str(file))
        assert answer.code in (1, 2, 5), (name, answer)
        assert answer.err.count("\n") >= 1
        assert "our fault" not in answer.err, (name, answer)
    day.holds(approved=0)


def test_a_folder_a_device_and_a_forbidden_file_are_no_input(day: Day) -> None:
    secret = day.folder / "secret.csv"
    secret.write_text("ref\n")
    secret.chmod(0)
    os.mkfifo(day.folder / "pipe.csv")
    for path in (day.folder, secret, day.folder / "pipe.csv", Path("/dev/zero"), day.folder / "nowhere.csv"):
        answer = day.alone("import", "registrations", str(path), timeout=20)
        assert answer.code in (1, 2, 5), (path, answer)
        assert answer.sentence
    day.holds(approved=0)


# Terminals and their ends


def test_without_a_terminal_at_any_end_there_is_a_sentence_and_no_console(day: Day) -> None:
    for shell in ("</dev/null", "<&-", ">&- <&-", "| cat", "2>&- </dev/null"):
        ran = subprocess.run(
            f"exec '{DISTRICT}' --config '{day.config}' {shell}",
            shell=True,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in ran.stderr, (shell, ran.stderr)
        if "2>" not in shell:
            assert "ssh -t" in ran.stderr, (shell, ran)
        if "|" not in shell:
            assert ran.returncode == 2, (shell, ran)


@pytest.mark.parametrize("shell", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_whose_streams_are_closed_does_what_it_says(day: Day, shell: str) -> None:
    words = " ".join(f"'{each}'" for each in APPROVE)
    ran = subprocess.run(
        f"exec '{DISTRICT}' --config '{day.config}' {words} {shell}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    assert ran.returncode in (0, 5), ran
    day.holds(approved=CASES)


@contextlib.contextmanager
def held(day: Day) -> Iterator[None]:
    """The database is somebody else's: whoever decides waits in the middle of it."""
    other = sqlite3.connect(day.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_command_leaves_nothing_half_done(day: Day, number: signal.Signals) -> None:
    with held(day):
        process = subprocess.Popen(
            [DISTRICT, "--config", day.config, *APPROVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        time.sleep(1.0)
        process.send_signal(number)
        time.sleep(0.2)
    out, err = process.communicate(timeout=20)
    assert "Traceback" not in err
    assert process.returncode in (-number, 128 + number, 0), (process.returncode, err)
    day.holds(approved=CASES if process.returncode == 0 else 0)
    assert bool(out) == (process.returncode == 0)


@pytest.mark.parametrize("how", ["hang up", "hang up, ignored by who started it", "terminate"])
def test_a_console_that_ends_under_a_decision_leaves_all_of_it_or_none(day: Day, how: str) -> None:
    who = equip(day.settings)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if "ignored" in how else signal.SIG_DFL)
    try:
        pty = Pty([DISTRICT, "--config", day.config])
    finally:
        signal.signal(signal.SIGHUP, before)
    with pty:
        type_sign_in(pty, who)
        pty.wait_for("What waits")
        pty.send("1")
        pty.wait_for(f"{CASES} match")
        pty.send("*")
        pty.wait_for(f"all {CASES} marked")
        pty.send("a")
        pty.wait_for(f"type {CASES}")
        with held(day):
            pty.send("y")
            pty.wait_for("and press enter")
            pty.send(str(CASES))
            pty.wait_for(f"▌ {CASES}")
            pty.send("\r")
            pty.wait_for("being carried out")
            if how.startswith("hang up"):
                pty.hang_up()
            else:
                os.kill(pty.pid, signal.SIGTERM)
            time.sleep(0.3)
        code = pty.exit_code(timeout=20)
        assert b"Traceback" not in pty.written
        assert how == "terminate" or code == -signal.SIGHUP
    office = day.office()
    with office.reading() as connection:
        states = list(connection.execute(sa.select(t.registration.c.state)).scalars())
    office.engine.dispose()
    assert states.count("approved") in (0, CASES), code
    day.holds(approved=states.count("approved"))


# PostgreSQL goes away


@pytest.fixture(scope="module")
def durable() -> Iterator[Cluster]:
    with Cluster(durable=True) as cluster:
        yield cluster


@pytest.fixture
def server_day(durable: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Day:
    url = durable.fresh_database()
    portal = open_portal(url, tmp_path)
    fill(portal)
    portal.office.engine.dispose()
    signed_in(Settings.load(write_settings(portal, tmp_path)))
    caplog.set_level(logging.DEBUG)
    return Day(tmp_path, caplog)


@pytest.mark.parametrize("statement", ["UPDATE registration", "INSERT INTO record", "INSERT INTO batch"])
def test_a_server_that_dies_in_the_middle_of_a_decision_has_all_of_it_or_nothing(
    server_day: Day, durable: Cluster, statement: str
) -> None:
    office = server_day.office()

    @sa.event.listens_for(office.engine, "before_cursor_execute")
    def _kill(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith(statement):
            durable.kill()

    portal = Portal(office, office.settings, office.clock)
    with pytest.raises(Unavailable, match="nothing was done"):
        portal.decide("registrations", "approve", where="state:submitted")
    office.engine.dispose()
    said = server_day.fails(5)
    assert "database is not there" in said
    durable.start()
    server_day.holds(approved=0)
    assert server_day.run(*APPROVE).code == 0
    server_day.holds(approved=CASES)


def test_a_server_that_dies_at_the_commit_is_asked_when_it_is_back(server_day: Day, durable: Cluster) -> None:
    office = server_day.office()

    @sa.event.listens_for(office.engine, "commit")
    def _kill(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes"):
            durable.kill()

    portal = Portal(office, office.settings, office.clock)
    with pytest.raises(Unavailable, match="not known whether"):
        portal.decide("registrations", "approve", where="state:submitted", key="one")
    office.engine.dispose()
    durable.start()
    server_day.holds(approved=0)


def test_a_server_that_is_not_there_is_said_at_once(server_day: Day) -> None:
    url = f"postgresql://somebody@127.0.0.1:{free_port()}/portal"
    server_day.config.write_text(f'[database]\nurl = "{url}"\n[portal]\norigin = "test.example/ledger"\n')
    began = time.monotonic()
    for command in (APPROVE, ("registrations", "list"), ("audit", "verify"), ("work", "--once")):
        assert "database is not there" in server_day.fails(5, *command)
    assert time.monotonic() - began < 5
