"""Which commands can be run over SSH: named here, each that cannot with its reason, and what nobody named cannot.

Over SSH all operators share an account of the server, which can read the portal's keys. So no command may read or write a file of
the server that an operator names, nor do what is done by who runs the server. Files go through stdin and stdout (`-`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.errors import Refused, Usage

if TYPE_CHECKING:
    from pathlib import Path

OPEN = frozenset(
    {
        *(
            "registrations",
            "challenges",
            "students",
            "grants",
            "schools",
            "audit",
            "activations",
            "requests",
            "operators",
        ),
        *("find", "access", "batches", "undo", "import", "notices", "roles", "signin", "signout", "whoami"),
    }
)
CLOSED = {
    "init": "a portal is founded at the server",
    "demo": "a demonstration is made at one's own computer",
    "doctor": "it tells about the server, to who runs it",
    "work": "it is a service of the server",
    "ssh": "the SSH server is set up at the server",
    "directory": "it tells about the directory's servers, to who runs the portal; the activations desk brings people in",
}
"""Commands that need the server itself, with the reason that is said."""


def hold(command: str | None, config: Path | None) -> None:
    """Return when this may be run over SSH: the console itself (None), or a command. Raises Refused or Usage, with why."""
    if config is not None:
        raise Usage(
            "--config names a file of the server; nothing was done. Over SSH the portal is the one set up there."
        )
    if command is not None and command not in OPEN:
        why = CLOSED.get(command, "nobody has said that it can")
        raise Refused(f"district {command} cannot be run over SSH: {why}; nothing was done.")
