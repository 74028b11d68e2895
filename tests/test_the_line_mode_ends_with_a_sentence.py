"""However a command ends: data on stdout alone, one plain sentence on stderr, the exit code that goes with it; no traceback, no
foreign escape, nothing half said.
"""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from console.cli.main import main
from console.settings import FILE_NAME, Settings
from fixtures.hostile import HOSTILE_NAMES
from tests.line_mode import LineMode, write_settings
from tests.services.pty import Pty
from tests.signing import signed_in

if TYPE_CHECKING:
    from tests.portals import Portal

DISTRICT = Path(sys.executable).parent / "district"
MANY = 30
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.fixture
def line(portal: Portal, tmp_path: Path) -> LineMode:
    """The line mode in this process, where nobody is asked, and in others, where the administrator is signed in."""
    config = write_settings(portal, tmp_path)
    signed_in(Settings.load(config))
    return LineMode(portal, config)


def fails(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    assert main(words) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err


def test_without_a_terminal_the_console_says_how_to_get_one(line: LineMode) -> None:
    answer = line.run()
    assert (answer.code, "ssh -t" in answer.sentence) == (2, True)


def test_a_terminal_that_can_do_nothing_is_refused(line: LineMode) -> None:
    with Pty([DISTRICT, "--config", line.config], environment={"TERM": "dumb"}) as pty:
        pty.read_until("TERM=dumb")
        assert pty.exit_code() == 2


def test_a_mistake_of_ours_is_logged_where_it_happened_and_tells_nothing(
    line: LineMode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("Kim Vale, 12 Elm Street")

    monkeypatch.setattr(line.portal.office, "queue", breaks)
    with caplog.at_level(logging.DEBUG):
        answer = line.run("registrations", "list")
    assert answer.code == 70
    assert "our fault" in answer.sentence
    reference = answer.sentence.partition("reference ")[2][:8]
    assert reference in caplog.text
    assert "breaks" in caplog.text
    assert "Kim" not in answer.err + caplog.text
    assert "Traceback" not in answer.err + caplog.text


def test_an_interrupted_command_ends_as_shells_expect(line: LineMode, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(line.portal.office, "queue", interrupted)
    answer = line.run("registrations", "list")
    assert (answer.code, answer.out, answer.err.strip()) == (130, "", "")


def test_a_reader_that_stops_reading_hears_no_complaint(line: LineMode) -> None:
    student = line.portal.student(school=line.portal.school())
    for _ in range(3):
        line.portal.registration(student, family="V" * 20_000)
    ran = subprocess.run(
        f"'{DISTRICT}' --config '{line.config}' registrations list --format json | head -c 10",
        shell=True,
        capture_output=True,
        check=False,
    )
    assert (ran.stdout[:1], ran.stderr) == (b"[", b"")


def test_a_full_disk_is_told_and_what_was_decided_stays(line: LineMode) -> None:
    case = line.portal.registration(line.portal.student(school=line.portal.school()))
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [DISTRICT, "--config", line.config, "registrations", "approve", "--ids", str(case), "--format", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 5
    assert "disk is full" in ran.stderr
    assert "Traceback" not in ran.stderr
    (made,) = line.json("batches")
    assert (made["decision"], made["done"], made["state"]) == ("approve", 1, "done")


def test_hostile_names_reach_no_terminal_and_no_file(line: LineMode) -> None:
    school = line.portal.school()
    # What no database takes (NUL on PostgreSQL, half a surrogate pair on both) cannot come out of one.
    for name in HOSTILE_NAMES:
        kept = name.replace("\0", "").encode("utf-8", "ignore").decode()
        line.portal.registration(line.portal.student(school=school), given=kept, family="\x1b[2J" + kept)
    for form in ("table", "csv", "json"):
        answer = line.run("registrations", "list", "--format", form)
        assert answer.code == 0
        commanding = {char for char in answer.out + answer.err if unicodedata.category(char) in UNPRINTABLE}
        assert commanding <= set("\n\u200c\u200d")
        if form == "json":
            assert answer.out.isascii()
    for row in line.json("registrations", "list")[:10]:
        shown = line.run("registrations", "show", row["id"])
        assert "\x1b" not in shown.out


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_before_many_cases_a_person_is_asked_and_no_is_the_default(line: LineMode, answer: str) -> None:
    school = line.portal.school()
    for n in range(MANY):
        line.portal.registration(line.portal.student(school=school), flags=8 * (n == 0), given=f"Pat{n}")
    words = ["registrations", "approve", "--where", "state:submitted", "--reason", "roster match"]
    with Pty([DISTRICT, "--config", line.config, *words], columns=120, rows=40) as pty:
        asked = pty.read_until("Do it? [y/N]").decode()
        assert f"Approve: {MANY - 1} registrations" in asked
        assert "First: 2 Pat1 Vale" in asked
        assert "it is flagged" in asked
        pty.send(f"{answer}\r")
        assert pty.exit_code() == (3 if answer == "y" else 1)
    assert line.portal.office.size() == (MANY - 1 if answer == "y" else 0)


def test_a_pipe_is_never_asked(line: LineMode) -> None:
    school = line.portal.school()
    for _ in range(MANY):
        line.portal.registration(line.portal.student(school=school))
    assert line.run("registrations", "approve", "--where", "state:submitted", "--reason", "x").code == 0


def test_a_table_on_a_terminal_fits_it_and_keeps_data_from_being_markup(line: LineMode) -> None:
    line.portal.registration(line.portal.student(school=line.portal.school()), given="[bold]Ann[/]", family="O[/]Neil")
    with Pty([DISTRICT, "--config", line.config, "registrations", "list"], columns=100) as pty:
        assert pty.exit_code() == 0
        rows = [row for row in pty.screen() if row]
    assert len(rows) == 2
    assert "[bold]Ann[/] O[/]Neil" in rows[1]


def test_founding_prints_the_public_key_alone_and_again_is_harmless(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
    assert main(["init", "--database", database_url, "--origin", "test.example/ledger"]) == 0
    first = capsys.readouterr()
    assert first.out.startswith("test.example/ledger+")
    assert first.out.count("\n") == 1
    assert "Keep copies" in first.err
    assert stat.S_IMODE((folder / "keys" / "data.key").stat().st_mode) == 0o400
    assert main(["init"]) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert "newest" in again.err
    assert main(["doctor"]) == 0
    capsys.readouterr()
    signed_in(Settings.load(folder / FILE_NAME))
    assert main(["registrations", "list", "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_founding_that_fails_leaves_no_settings_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "time zone" in fails(capsys, 2, "init", "--timezone", "America/Los_Angles")
    assert "password" in fails(capsys, 2, "init", "--database", "postgresql://me:hunter2@db.example/portal")
    assert "cannot be opened" in fails(capsys, 5, "init", "--database", "sqlite:///no/such/folder/portal.db")
    assert sorted(os.listdir(tmp_path)) == []  # noqa: PTH208 - names alone


def test_founding_elsewhere_than_the_settings_say_is_refused(
    line: LineMode, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fails(capsys, 2, "--config", str(line.config), "init", "--database", "sqlite:///other.db")
    assert "database.url" in said


def test_what_is_missing_or_damaged_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "district init" in fails(capsys, 5, "registrations", "list")
    assert main(["init"]) == 0
    capsys.readouterr()
    key = tmp_path / "keys" / "data.key"
    kept = key.read_bytes()
    key.unlink()
    assert "data key" in fails(capsys, 5, "registrations", "list")
    key.write_bytes(kept)
    key.chmod(0o644)
    assert "chmod 600" in fails(capsys, 1, "registrations", "list")
    key.chmod(0o400)
    (tmp_path / "portal.db").write_bytes(b"x" * 8192)
    assert "damaged" in fails(capsys, 5, "registrations", "list")
    (tmp_path / "district.toml").write_text("[portal]\nnmae = 'x'\n")
    assert "portal.name" in fails(capsys, 2, "registrations", "list")


def test_the_operator_is_named_or_the_only_one(line: LineMode, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line.run("registrations", "list").code == 0
    added = line.run("operators", "add", "lee", "--role", "auditor")
    assert added.code == 0
    assert line.run("registrations", "list").code == 0, "who is proposed does not work here yet"
    assert line.run("operators", "enable", "--ids", 3).code == 0
    several = line.run("registrations", "list")
    assert (several.code, "--operator" in several.sentence) == (2, True)
    monkeypatch.setenv("DISTRICT_OPERATOR", "Administrator")
    assert line.run("registrations", "list").code == 0
    monkeypatch.setenv("DISTRICT_OPERATOR", "lee")
    assert line.run("registrations", "list").code == 1


def test_hiring_is_on_record_and_not_everybodys(line: LineMode) -> None:
    line.portal.school("Mission")
    assert (
        line.run("operators", "add", "lee", "--role", "help_desk", "--school", "mission", by="administrator").code == 0
    )
    assert line.portal.office.size() == 1
    rows = line.run("operators", "list", "--format", "json", by="administrator").json
    (lee,) = [row for row in rows if row["name"] == "lee"]
    assert (lee["state"], lee["role"], lee["schools"]) == ("proposed", "help_desk", ["mission"])
    assert line.run("registrations", "list", by="lee").code == 1
    assert line.run("operators", "enable", "--ids", lee["id"], by="administrator").code == 0
    for words in (
        ("max", "--role", "auditor", "--school", "nowhere"),
        ("LEE", "--role", "auditor"),
        (" ", "--role", "auditor"),
    ):
        assert line.run("operators", "add", *words, by="administrator").code in (1, 2)
    refused = line.run("operators", "add", "eve", "--role", "district_administrator", by="lee")
    assert (refused.code, "does not have the right" in refused.sentence) == (1, True)
    assert line.portal.office.size() == 2
