"""What stands in the environment does not decide which code the console runs, nor leave an interpreter behind it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.pty import Pty
from tests.signing import equip, signed_in, type_sign_in
from tests.test_the_line_mode_keeps_a_short_session import Place, founded, place

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["founded", "place"]
PLANTED = ("sqlalchemy", "models", "textual", "screens", "ldap3", "segno", "cryptography", "msgspec", "evil")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder of modules that each leave a mark when they are imported, under the names of what the console loads."""
    folder = tmp_path / "planted"
    for name in PLANTED:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'a').write('{name} ')\n")
    (folder / "startup.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'a').write('startup ')\n")
    return folder


def hostile(planted: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": str(planted),
        "PYTHONSTARTUP": str(planted / "startup.py"),
        "PYTHONINSPECT": "1",
        "PYTHONBREAKPOINT": "evil.set_trace",
        "PYTHONUSERBASE": str(planted),
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_DRIVER": "evil:Driver",
        "TEXTUAL_LOG": str(planted / "log"),
        "LD_LIBRARY_PATH": str(planted),
        "SSLKEYLOGFILE": str(planted / "keys"),
    }


def environment_of(pid: int) -> Mapping[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_a_command_loads_nothing_that_the_environment_names(place: Place, planted: Path, tmp_path: Path) -> None:
    """VULNERABILITY: a shell profile that others write (or a forgotten variable) puts other modules into the console.

    ATTACK: modules under the names of our libraries in PYTHONPATH, and every other variable that names code.
    VERIFIES: the command does its work, nothing planted ran, no interpreter stays open and nothing was written there.
    """
    signed_in(place.settings)
    answer = place.run("registrations", "list", "--format", "json", environment=hostile(planted))
    assert (answer.code, answer.out) == (0, "[]\n")
    assert not [word for word in (">>>", "Traceback", "loaded") if word in answer.err]
    assert not (tmp_path / "loaded").exists()
    assert {each.name for each in planted.iterdir()} == {*PLANTED, "startup.py"}


def test_the_screen_runs_without_what_the_environment_names(place: Place, planted: Path, tmp_path: Path) -> None:
    """VULNERABILITY: TEXTUAL_DRIVER and its like import any module they name into the console, which then sees every key.

    ATTACK: the console on a real terminal with those variables.
    VERIFIES: it opens as ever; no such variable is left in its process; nothing planted ran; leaving it ends it.
    """
    who = equip(place.settings)
    with Pty(place.command, environment=hostile(planted)) as pty:
        type_sign_in(pty, who)
        pty.wait_for("What waits")
        left = environment_of(pty.pid)
        assert not [name for name in left if name.startswith(("PYTHON", "TEXTUAL", "LD_", "SSLKEY"))]
        pty.send("q")
        pty.wait_for("Leave the console?")
        pty.send("y")
        assert pty.exit_code() == 0
        assert b">>>" not in pty.written
    assert not (tmp_path / "loaded").exists()
    assert not (planted / "log").exists()


def test_the_settings_table_of_signing_in_cannot_come_from_the_environment(place: Place) -> None:
    """VULNERABILITY: a variable that names another folder of programs' keys, or another directory, signs anybody in.

    ATTACK: DISTRICT_SIGNIN_* and DISTRICT_DIRECTORY_* for every key of both tables.
    VERIFIES: each is refused by name.
    """
    from console.settings import declared

    for table in ("signin", "directory"):
        for each in list(declared()[table].values())[:3]:
            answer = place.run("whoami", environment={each.variable: "1"})
            assert (answer.code, each.variable in answer.err) == (2, True), answer
    assert os.environ.get("DISTRICT_OPERATOR") is None
