"""A real portal behind a real SSH server: operators with passwords, second factors and keys of their own on the one shared account."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from console.settings import FILE_NAME, Settings
from models import tables as t
from models.engine import writing
from tests.portals import open_portal
from tests.services.sshd import Sshd
from tests.services.terminal import Terminal
from tests.signing import equip, type_sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal
    from tests.signing import Credentials


@dataclass
class Reached:
    """A portal and the SSH server in front of it."""

    portal: Portal
    server: Sshd

    def hire(self, name: str, role: str = "district_administrator") -> Credentials:
        """A local operator with a password and a second factor."""
        self.portal.hire(name, role)
        return equip(self.portal.settings, name)

    def terminal(self, key: Path, *words: str) -> Terminal:
        """`ssh -tt HOST …` in a terminal."""
        return Terminal(self.server.ssh(key, *words, options=["-tt"]), columns=100, rows=30)

    def signs_in(self, key: Path, who: Credentials, *, away: int = 0) -> str:
        """Somebody signs in for the line mode; returns what the terminal says at the end."""
        with self.terminal(key, "district", "signin") as terminal:
            type_sign_in(terminal, who, away=away)
            return "\n".join(
                terminal.wait_for(re.compile(r"Signed in as|do not go together|nobody was signed in|Wait "))
            )

    def line(self, key: Path, *words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """`ssh HOST district …`."""
        return self.server.run(key, "district", *words, given=given)

    def operator_id(self, name: str) -> int:
        return int(self.portal.all(sa.select(t.operator.c.id).where(t.operator.c.name == name))[0].id)


@contextmanager
def reached(folder: Path, **values: object) -> Iterator[Reached]:
    """A founded portal of now, its settings in `folder`, with `table.key` set as given, and an SSH server that opens it."""
    file = folder / FILE_NAME
    text = Settings.example(
        {
            "database.url": f"sqlite:///{folder}/portal.db",
            "portal.origin": "test.example/ledger",
            "signin.session_folder": str(folder / "run"),
            **values,
        }
    )
    file.write_text(text, encoding="utf-8")
    portal = open_portal(f"sqlite:///{folder}/portal.db", folder, datetime.now(UTC))
    portal.settings = Settings.load(file)
    with Sshd(file) as server:
        yield Reached(portal, server)
    portal.office.engine.dispose()


def fingerprint(key: Path) -> str:
    """As ssh-keygen shows it."""
    return subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{key}.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]


def tie_of(portal: Portal, key: Path) -> str | None:
    """Whose key it is, by name."""
    o, k = t.operator.c, t.operator_key.c
    rows = portal.all(
        sa.select(o.name).join(t.operator_key, k.operator_id == o.id).where(k.fingerprint == fingerprint(key))
    )
    return rows[0].name if rows else None


def let_go(portal: Portal, name: str) -> None:
    """An operator is disabled, as by a colleague who is nowhere else in the test."""
    with writing(portal.office.engine) as connection:
        connection.execute(t.operator.update().where(t.operator.c.name == name).values(status="disabled"))
