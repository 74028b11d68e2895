"""A program – the nightly import, the worker – is let in by a key of its own and by nothing else, and gets to no screen."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import Refused, Unavailable
from console.signin.programs import key_file, make_key, program, read_fingerprint
from models import tables as t
from models.engine import writing
from tests.line_mode import write_settings
from tests.services.pty import Pty
from tests.signing import asking, equip, signed_in
from tests.test_the_line_mode_keeps_a_short_session import DISTRICT, Place, founded, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.portals import Portal

__all__ = ["founded", "place"]


def make(path: Path, *more: str) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", *more, "-f", path], check=True)


def test_founding_makes_the_program_intake_a_key_that_is_its_own(portal: Portal) -> None:
    path = key_file(portal.settings, "intake")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o400, 0o700)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=True).stdout
    (tied,) = portal.all(sa.select(t.operator_key))
    assert tied.fingerprint == shown.split()[1] == read_fingerprint(path)
    with portal.office.reading(program(asking(portal).office, "intake")):
        pass


def test_the_worker_and_imports_run_as_a_program_and_nobody_else_does(place: Place) -> None:
    assert place.run("work", "--once").code == 0
    assert "does not have the right" in place.refuses("--operator", "intake", "registrations", "list")
    signed_in(place.settings)
    assert place.run("--operator", "intake", "whoami").out.startswith("intake")
    place.change(t.operator.update().where(t.operator.c.name == "intake").values(status="disabled"))
    assert "No program 'intake' works here" in place.refuses("work", "--once")


def another_key(path: Path) -> None:
    make(path)


def open_to_others(path: Path) -> None:
    path.chmod(0o644)


def an_rsa_key(path: Path) -> None:
    make(path, "-t", "rsa", "-b", "2048")


def one_with_a_passphrase(path: Path) -> None:
    path.unlink()
    subprocess.run(["ssh-keygen", "-q", "-N", "secret", "-t", "ed25519", "-f", path], check=True)


def its_public_half(path: Path) -> None:
    shown = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, check=True).stdout
    path.unlink()
    path.write_bytes(shown)
    path.chmod(0o400)


def nothing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "harm",
    [another_key, open_to_others, an_rsa_key, one_with_a_passphrase, its_public_half, nothing],
    ids=lambda each: each.__name__,
)
def test_with_another_key_there_is_no_program(
    tmp_path_factory: pytest.TempPathFactory, portal: Portal, harm: Callable[[Path], None]
) -> None:
    """VULNERABILITY: whoever can name a program is it.

    ATTACK: its name with another key, with its public half, with a key that others can read, with none.
    VERIFIES: refused, before anything is read.
    """
    path = key_file(asking(portal).settings, "intake")
    harm(path)
    with pytest.raises((Refused, Unavailable)):
        program(portal.office, "intake")


def test_a_person_is_no_program_even_with_a_key(portal: Portal) -> None:
    """VULNERABILITY: a person's SSH key, put where programs' keys lie, works without a second factor.

    ATTACK: a key tied to the administrator, as her .key file; a name that leads out of the folder.
    VERIFIES: refused.
    """
    asking(portal)
    with writing(portal.office.engine) as connection:
        make_key(connection, portal.settings, 1, "administrator", portal.clock.now(), portal.office.random)
        connection.execute(t.operator.update().where(t.operator.c.id == 1).values(unattended=False, origin="local"))
    for name in ("administrator", "../programs/intake", "intake/", ".", ""):
        with pytest.raises(Refused):
            program(portal.office, name)


def test_a_program_gets_to_no_screen(place: Place) -> None:
    """VULNERABILITY: a program's key opens the console without anybody's password.

    ATTACK: the console with --operator intake, its key in place; a password typed for it.
    VERIFIES: it asks to sign in like anybody and lets nobody in.
    """
    equip(place.settings, "intake")
    with Pty([*place.command, "--operator", "intake"]) as pty:
        for _ in range(2):
            pty.read_until("Password (or one-time word): ")
            pty.send("nine purple otters rowing\r")
            pty.read_until("Code: ")
            pty.send("000000\r")
        assert "What waits" not in "\n".join(pty.screen())
    assert set(place.actions()) == {"operators.refuse"}


def test_over_ssh_nobody_is_a_program(portal: Portal, tmp_path: Path) -> None:
    """VULNERABILITY: the account that all operators share over SSH can read the programs' keys.

    ATTACK: --operator intake over SSH.
    VERIFIES: refused before the key is read.
    """
    from console.cli.signing import signed_in as asked

    shutil.rmtree(key_file(asking(portal).settings, "intake").parent)
    write_settings(portal, tmp_path)
    with pytest.raises(Refused, match="Over SSH nobody works as a program"):
        asked(portal.office, "intake", remote=True)
    assert DISTRICT.exists()
