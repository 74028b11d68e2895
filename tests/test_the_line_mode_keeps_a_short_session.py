"""Between two commands the line mode keeps a short session, as sudo does: in a file that nobody else can read, make or change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.settings import FILE_NAME, Settings
from console.wiring import open_engine
from models import tables as t
from models.engine import reading, writing
from models.words import SessionKind
from tests.line_mode import Answer
from tests.portals import open_portal
from tests.services.pty import Pty
from tests.signing import begin, equip, signed_in, type_sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

DISTRICT = Path(sys.executable).parent / "district"


@dataclass
class Place:
    """A real portal in a folder, and the real command line on it."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings.load(self.folder / FILE_NAME)

    @property
    def file(self) -> Path:
        """The one session that is kept."""
        (found,) = (self.folder / "run").glob("*.session")
        return found

    @property
    def command(self) -> list[str | Path]:
        return [DISTRICT, "--config", self.folder / FILE_NAME]

    def run(self, *words: str, environment: dict[str, str] | None = None) -> Answer:
        """A command without a terminal: in a session of its own, so that there is none to ask at."""
        ran = subprocess.run(
            [*self.command, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        assert "Traceback" not in ran.stderr
        return Answer(ran.returncode, ran.stdout, ran.stderr)

    def refuses(self, *words: str, **more: dict[str, str]) -> str:
        answer = self.run(*(words or ("whoami",)), **more)
        assert answer.code == 1, answer
        return answer.sentence

    def change(self, statement: sa.Executable) -> None:
        engine = open_engine(self.settings)
        with writing(engine) as connection:
            connection.execute(statement)
        engine.dispose()

    def actions(self) -> list[str]:
        engine = open_engine(self.settings)
        with reading(engine) as connection:
            rows = list(connection.execute(sa.select(t.record.c.action).order_by(t.record.c.index)).scalars())
        engine.dispose()
        return rows


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    portal.hire("ben", "help_desk")
    portal.office.engine.dispose()
    (folder / FILE_NAME).write_text(
        '[database]\nurl = "sqlite:///portal.db"\n[portal]\norigin = "test.example/ledger"\n'
        '[signin]\nsession_folder = "run"\n'
    )
    return folder


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Place:
    shutil.copytree(founded, tmp_path / "district")
    return Place(tmp_path / "district")


# Signing in at a terminal


def test_signing_in_echoes_nothing_keeps_a_file_for_its_owner_and_lasts_for_commands(place: Place) -> None:
    who = equip(place.settings)
    with Pty([*place.command, "signin"]) as pty:
        type_sign_in(pty, who)
        assert pty.exit_code() == 0
        shown = pty.written.decode()
    assert "Signed in as administrator, district administrator" in shown
    assert who.password not in shown
    assert who.code(datetime.now(UTC)) not in shown
    assert (place.file.stat().st_mode & 0o777, place.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert place.run("whoami").out == "administrator, district administrator, all schools\n"
    assert place.run("registrations", "list", "--format", "json").out == "[]\n"
    assert place.run("signout").code == 0
    assert not list((place.folder / "run").iterdir())
    assert "district signin" in place.refuses()
    assert place.actions() == ["operators.signin", "operators.signout"]


def test_a_command_asks_right_there_when_nobody_is_signed_in(place: Place) -> None:
    who = equip(place.settings)
    with Pty([*place.command, "batches"]) as pty:
        type_sign_in(pty, who)
        assert pty.exit_code() == 0
    assert place.run("whoami").code == 0


def test_what_is_typed_before_the_question_is_no_password(place: Place) -> None:
    equip(place.settings)
    with Pty([*place.command, "signin", "administrator"]) as pty:
        pty.send("typed before it asked\r")
        pty.wait_for("Password")
        assert "One moment" not in "\n".join(pty.screen())
        pty.send("\x03")
        assert pty.exit_code() == 130
    assert place.actions() == []


def test_a_password_does_not_come_from_a_pipe(place: Place) -> None:
    who = equip(place.settings)
    ran = subprocess.run(
        [*place.command, "signin", who.name],
        input=f"{who.password}\n{who.code(datetime.now(UTC))}\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert (ran.returncode, "no terminal" in ran.stderr) == (1, True)
    assert place.actions() == []


def test_three_wrong_attempts_end_the_command(place: Place) -> None:
    equip(place.settings)
    with Pty([*place.command, "signin", "administrator"]) as pty:
        for _ in range(3):
            pty.read_until("Password (or one-time word): ")
            pty.send("wrong\r")
            pty.read_until("Code: ")
            pty.send("000000\r")
        assert pty.exit_code() == 1


# Who is meant


def test_a_name_beside_the_session_must_be_its_operators(place: Place) -> None:
    signed_in(place.settings)
    assert place.run("--operator", "Administrator", "whoami").code == 0
    assert "administrator is signed in here, not ben" in place.refuses("--operator", "ben", "whoami")
    assert "not ben" in place.refuses(environment={"DISTRICT_OPERATOR": "ben"})


def test_a_session_rests_after_its_minutes_and_a_later_one_takes_its_place(place: Place) -> None:
    signed_in(place.settings, now=datetime.now(UTC) - timedelta(minutes=11))
    assert "Nobody is signed in" in place.refuses()
    signed_in(place.settings)
    assert place.run("whoami").code == 0


# The file


def test_a_file_with_any_byte_changed_signs_in_nobody(place: Place) -> None:
    """VULNERABILITY: a session's file that is edited names another operator, another portal, or lives longer.

    ATTACK: every byte of it changed in two ways, every length cut off, bytes added, another form of the same numbers.
    VERIFIES: each is refused – in this process, for a thousand commands take long; five of them by the real command.
    """
    from console.errors import SignedOut
    from console.signin import line_session
    from console.signin.sessions import Sessions

    signed_in(place.settings)
    whole = place.file.read_bytes()
    settings, engine = place.settings, open_engine(place.settings)

    def opens(content: bytes) -> bool:
        place.file.write_bytes(content)
        try:
            kept = line_session.read(settings, {}, None)
            assert kept is not None
            with reading(engine) as connection:
                found = Sessions(settings).resume(connection, kept.session, kept.token, datetime.now(UTC))
        except SignedOut:
            return False
        return found.id == kept.operator_id

    assert opens(whole)
    for n in range(len(whole)):
        for mask in (0x01, 0x20, 0x80):
            assert not opens(whole[:n] + bytes([whole[n] ^ mask]) + whole[n + 1 :]), (n, mask)
        assert not opens(whole[:n])
    lines = whole.decode().split("\n")
    for again in (
        whole + b"\n",
        b"\xef\xbb\xbf" + whole,
        whole.replace(b"\n", b"\r\n"),
        "\n".join([*lines[:4], f"0{lines[4]}", *lines[5:]]).encode(),
        "\n".join([*lines[:5], lines[5].upper(), ""]).encode() if lines[5].upper() != lines[5] else b"",
    ):
        assert not opens(again), again
    engine.dispose()
    for content in (
        whole[:-1],
        b"",
        whole.replace(b"\n1\n", b"\n2\n"),
        whole[:40] + b"x" + whole[41:],
        b"\xff" * 50_000,
    ):
        place.file.write_bytes(content)
        assert place.refuses()


def test_the_session_of_another_operator_signs_in_nobody(place: Place) -> None:
    """VULNERABILITY: the token of one session with the number of another operator or session.

    ATTACK: ben's own session with the administrator's number in it; his token with her session.
    VERIFIES: refused.
    """
    signed_in(place.settings, "administrator")
    hers = place.file.read_text().split("\n")
    signed_in(place.settings, "ben")
    his = place.file.read_text().split("\n")
    for forged in ([*his[:4], hers[4], *his[5:]], [*hers[:5], *his[5:]], [*his[:3], hers[3], *his[4:]]):
        place.file.write_text("\n".join(forged))
        assert place.refuses()
    place.file.write_text("\n".join(his))
    assert place.run("whoami").out.startswith("ben")


def open_to_others(place: Place) -> None:
    place.file.chmod(0o640)


def in_an_open_folder(place: Place) -> None:
    place.file.parent.chmod(0o755)


def a_link(place: Place) -> None:
    kept = place.folder / "kept"
    place.file.rename(kept)
    (place.folder / "run").joinpath(_name(place)).symlink_to(kept)


def a_second_name(place: Place) -> None:
    os.link(place.file, place.folder / "second")


def a_linked_folder(place: Place) -> None:
    (place.folder / "run").rename(place.folder / "elsewhere")
    (place.folder / "run").symlink_to(place.folder / "elsewhere")


def a_pipe(place: Place) -> None:
    file = place.file
    file.unlink()
    os.mkfifo(file, 0o600)


def anothers(place: Place) -> None:
    os.chown(place.file, 65534, 65534)


def _name(place: Place) -> str:
    from console.signin.line_session import file_of

    return file_of(place.settings, {}, None).name


@pytest.mark.parametrize(
    "how",
    [open_to_others, in_an_open_folder, a_link, a_second_name, a_linked_folder, a_pipe, anothers],
    ids=lambda each: each.__name__,
)
def test_a_file_that_others_could_have_made_or_read_is_refused(place: Place, how: Callable[[Place], None]) -> None:
    """VULNERABILITY: a session planted by, or readable for, another user of the machine.

    ATTACK: another mode, owner or kind of file; a link to it; an open folder.
    VERIFIES: refused with what to do; and no command waits for ever on a pipe.
    """
    if how is anothers and os.geteuid():
        pytest.fail("only root can give a file away; run as root as the pipeline does")
    signed_in(place.settings)
    how(place)
    assert "nothing was done" in place.refuses()


def test_a_copy_of_the_file_is_nothing_after_signing_out(place: Place) -> None:
    """VULNERABILITY: a backup or a thief keeps the session's file.

    ATTACK: the file is put back after signing out, after a sign-out elsewhere, and after the operator was disabled.
    VERIFIES: it opens nothing.
    """
    signed_in(place.settings)
    stolen = place.file.read_bytes()
    name = place.file
    place.run("signout")
    name.write_bytes(stolen)
    name.chmod(0o600)
    assert "was ended" in place.refuses()
    signed_in(place.settings)
    stolen = name.read_bytes()
    assert place.run("whoami").code == 0
    begin(place.settings, "administrator", SessionKind.SCREEN, datetime.now(UTC))
    place.run("signout", "--everywhere")
    name.write_bytes(stolen)
    name.chmod(0o600)
    assert "was ended" in place.refuses()
    signed_in(place.settings, "ben")
    place.change(t.operator.update().where(t.operator.c.name == "ben").values(status="disabled"))
    assert "was ended" in place.refuses()


def test_a_screens_session_is_in_no_file(place: Place) -> None:
    who = equip(place.settings)
    with Pty(place.command) as pty:
        type_sign_in(pty, who)
        pty.wait_for("What waits")
        assert not (place.folder / "run").exists()
        pty.send("q")
        pty.wait_for("Leave the console?")
        pty.send("y")
        assert pty.exit_code() == 0
    assert place.actions() == ["operators.signin", "operators.signout"]
