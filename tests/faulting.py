"""Fault points between the steps of a decision, without a word of them in the product.

Where a decision can be interrupted is where it talks to something outside: each statement that the database has answered, the commit
before and after, and each file that the signer opens, locks, renames or removes (the interpreter's own audit events). The points are
numbered in the order in which one run meets them, and named by what was just done. At one of them something happens:

- raise: an error that nobody foresaw;
- kill: the process ends at once, kill -9;
- hang: the process stands still, as one that was suspended or whose machine froze.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import sqlalchemy as sa

if TYPE_CHECKING:
    from console.office import Office

How = Literal["raise", "kill", "hang"]
HOWS: tuple[How, ...] = ("raise", "kill", "hang")
_ABOUT = re.compile(r'\b(?:FROM|INTO|UPDATE|TABLE|LOCAL)\s+"?([\w.]+)"?', re.IGNORECASE)
_FILES = {"open": "opening", "fcntl.flock": "locking", "os.rename": "renaming", "os.remove": "removing"}


class Fault(Exception):
    """What is raised at a point."""


class Faults:
    """The points of whatever happens in the block: their names, and at one of them what is wanted there.

    `wanted` is None for nothing, {} for the names alone, else {"point": …, "how": …}.
    """

    def __init__(self, office: Office, wanted: dict[str, Any] | None) -> None:
        self._engine = office.engine
        self._folder = str(office.settings.keys.state.parent)
        self._wanted = wanted
        self.names: list[str] = []
        self._on = False
        self._ended = ExitStack()

    def __enter__(self) -> Self:
        if self._wanted is not None:
            self._listen("after_cursor_execute", self._executed)
            self._listen("commit", lambda _: self.at("before COMMIT"))
            self._listen("checkin", lambda *_: self.at("the connection given back"))
            sys.addaudithook(self._file)
            self._on = True
            self.at("nothing")
        return self

    def __exit__(self, *_: object) -> None:
        self._on = False
        self._ended.close()

    def _listen(self, event: str, heard: Any) -> None:
        sa.event.listen(self._engine, event, heard)
        self._ended.callback(sa.event.remove, self._engine, event, heard)

    def _executed(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        about = _ABOUT.search(statement)
        verb = statement.split(None, 1)[0].upper()
        self.at(f"{verb} {about[1]}" if about else " ".join(statement.split()[:3]))

    def _file(self, event: str, given: tuple[Any, ...]) -> None:
        if not self._on or event not in _FILES:
            return
        if event == "fcntl.flock":
            self.at("locking the signer's state")
        elif isinstance(given[0], str | os.PathLike) and str(given[0]).startswith(self._folder):
            name = Path(given[0]).name
            made = ".json." in name
            self.at(f"{_FILES[event]} {'the new state' if made else name}")

    def at(self, name: str) -> None:
        """A point: this was just done, or with files: is just about to be done."""
        if not self._on:
            return
        self.names.append(name)
        wanted = self._wanted or {}
        if wanted.get("point") != len(self.names) - 1:
            return
        match wanted["how"]:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                os.kill(os.getpid(), signal.SIGSTOP)
            case _:
                raise Fault(name)
