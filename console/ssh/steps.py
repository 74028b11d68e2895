"""The steps of a set-up, each of which knows how things stand, says what it would do and why, and does it.

Promises: nothing that is there and differs is replaced; a step that is done already does nothing; a file comes into being whole,
with its owner and mode.
"""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from difflib import unified_diff
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from console.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from console.ssh.layout import Layout


class Standing(Enum):
    """How things stand before a step."""

    MISSING = "to do"
    THERE = "there already"
    DIFFERS = "differs"


class Step(Protocol):
    """One step. `says` is what it does, `why` its reason, `shows` what it would write."""

    @property
    def says(self) -> str: ...

    @property
    def why(self) -> str: ...

    @property
    def shows(self) -> str: ...

    def standing(self) -> Standing: ...

    def difference(self) -> str:
        """What is there and what would be, for a person; only where it differs."""

    def do(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a file is for: root and a group, or the account itself, by name; ids are looked up below the layout's root."""

    layout: Layout
    user: str
    group: str

    def ids(self) -> tuple[int, int]:
        """The numbers. Raises Refused for an account that is not there."""
        return _number(self.layout, "passwd", self.user), _number(self.layout, "group", self.group)

    def __str__(self) -> str:
        return f"{self.user}:{self.group}"


def _number(layout: Layout, database: str, name: str) -> int:
    if name == "root":
        return 0
    found = entry(layout, database, name)
    if found is None:
        raise Refused(f"There is no {name} in /etc/{database}; nothing more was done. Make the account first.")
    return int(found[2])


def entry(layout: Layout, database: str, name: str) -> list[str] | None:
    """An account or group: of the running system, or of the image below the root."""
    if layout.root.parent == layout.root:
        command = ["getent", database, name]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a checked name
    else:
        try:
            said = layout.at(layout.root.__class__("/etc") / database).read_text(encoding="utf-8")
        except OSError:
            said = ""
    return next((line.split(":") for line in said.splitlines() if line.startswith(f"{name}:")), None)


@dataclass(frozen=True, slots=True)
class Account:
    """The service account, which nobody can log in to with a password."""

    layout: Layout
    why: str = "All operators come in through one account of the server; who they are, they prove at the console."

    @property
    def words(self) -> list[str]:
        root = self.layout.root
        below = [] if root.parent == root else ["--prefix", str(root)]
        made = ["--system", "--user-group", "--no-create-home", "--home-dir", str(self.layout.home)]
        # '*' is a password that nothing matches; an account without one counts as locked, and sshd lets nobody in.
        return ["useradd", *below, *made, "--shell", "/bin/sh", "--password", "*", self.layout.account]

    @property
    def says(self) -> str:
        return f"account {self.layout.account}"

    @property
    def shows(self) -> str:
        import shlex

        return shlex.join(self.words)

    def standing(self) -> Standing:
        found = entry(self.layout, "passwd", self.layout.account)
        if found is None:
            return Standing.MISSING
        fits = found[2] != "0" and found[6] in ("/bin/sh", "/bin/dash", "/usr/bin/sh")
        return Standing.THERE if fits else Standing.DIFFERS

    def difference(self) -> str:
        found = entry(self.layout, "passwd", self.layout.account) or [""] * 7
        return f"it has number {found[2]} and shell {found[6]}; wanted is a number of its own and /bin/sh, which reads no profile here"

    def do(self) -> None:
        done = subprocess.run(self.words, capture_output=True, text=True, check=False)  # noqa: S603 - checked names
        if done.returncode:
            raise Unavailable(f"useradd did not make the account: {done.stderr.strip()}; nothing more was done.")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, its owner and mode."""

    layout: Layout
    path: Path
    owner: Owner
    mode: int
    why: str
    shows: str = ""

    @property
    def says(self) -> str:
        return f"folder {self.path} {self.owner} {self.mode:04o}"

    def standing(self) -> Standing:
        return _standing(self.layout.at(self.path), self.owner, self.mode, stat.S_ISDIR)

    def difference(self) -> str:
        return _modes(self.layout.at(self.path), self.owner, self.mode)

    def do(self) -> None:
        place = self.layout.at(self.path)
        uid, gid = self.owner.ids()
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        place.mkdir(mode=self.mode)
        os.chown(place, uid, gid)
        place.chmod(self.mode)


@dataclass(frozen=True, slots=True)
class File:
    """A file. One that administrators go on writing (`theirs`) is made once; any other is as it was made, or differs."""

    layout: Layout
    path: Path
    owner: Owner
    mode: int
    content: Callable[[], bytes]
    why: str
    shows: str = ""
    theirs: bool = False

    @property
    def says(self) -> str:
        return f"file {self.path} {self.owner} {self.mode:04o}"

    def standing(self) -> Standing:
        place = self.layout.at(self.path)
        stands = _standing(place, self.owner, self.mode, stat.S_ISREG)
        if stands is Standing.THERE and not self.theirs and place.read_bytes() != self.content():
            return Standing.DIFFERS
        return stands

    def difference(self) -> str:
        place = self.layout.at(self.path)
        said = _modes(place, self.owner, self.mode)
        if said or not place.is_file():
            return said
        there, wanted = (
            each.decode(errors="replace").splitlines(keepends=True) for each in (place.read_bytes(), self.content())
        )
        return "".join(unified_diff(there, wanted, f"{self.path} as it is", f"{self.path} as it would be")).rstrip("\n")

    def do(self) -> None:
        place = self.layout.at(self.path)
        uid, gid = self.owner.ids()
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        made = place.with_name(f".{place.name}.new")
        made.unlink(missing_ok=True)
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.content())
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), self.mode)
            file.flush()
            os.fsync(file.fileno())
        made.rename(place)


@dataclass(frozen=True, slots=True)
class Given:
    """A file or folder of the portal that the account gets as its own. `mode` None leaves the mode."""

    layout: Layout
    path: Path
    mode: int | None
    why: str
    shows: str = ""

    @property
    def owner(self) -> Owner:
        return Owner(self.layout, self.layout.account, self.layout.account)

    @property
    def says(self) -> str:
        return f"owner of {self.path} {self.owner}" + (f" {self.mode:04o}" if self.mode is not None else "")

    def standing(self) -> Standing:
        try:
            status = self.layout.at(self.path).lstat()
            fits = (status.st_uid, status.st_gid) == self.owner.ids()
        except (OSError, Refused):
            return Standing.MISSING
        return Standing.THERE if fits and self.mode in (None, stat.S_IMODE(status.st_mode)) else Standing.MISSING

    def difference(self) -> str:
        return ""

    def do(self) -> None:
        place = self.layout.at(self.path)
        os.chown(place, *self.owner.ids(), follow_symlinks=False)
        if self.mode is not None and not place.is_symlink():
            place.chmod(self.mode)


def _standing(place: Path, owner: Owner, mode: int, kind: Callable[[int], bool]) -> Standing:
    try:
        status = place.lstat()
    except OSError:
        return Standing.MISSING
    return Standing.DIFFERS if not kind(status.st_mode) or _modes(place, owner, mode) else Standing.THERE


def _modes(place: Path, owner: Owner, mode: int) -> str:
    """How owner or mode of what is there differ; empty where they do not."""
    status = place.lstat()
    there = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    try:
        wanted = (*owner.ids(), mode)
    except Refused:
        return f"it is there already, before the account {owner.user}:{owner.group} is"
    if there == wanted and not stat.S_ISLNK(status.st_mode):
        return ""
    said = f"owner {there[0]}:{there[1]} mode {there[2]:04o}; wanted is {wanted[0]}:{wanted[1]} ({owner}) {mode:04o}"
    return f"{said}, and no link" if stat.S_ISLNK(status.st_mode) else said
