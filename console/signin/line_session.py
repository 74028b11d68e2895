"""The line mode's session between two commands: a file like sudo's, that only its owner can read and only its maker could write.

Promises: it is read from a folder of mode 0700 and a file of mode 0600, both one's own and neither a link, and refused otherwise;
it says to which portal, operator and session it belongs and is refused when a byte of it was changed; it holds for the SSH key that
it was made with, so that who shares a service account shares no session. It is written in one step. The token in it opens nothing
once the session has ended, wherever a copy went.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import Refused, SignedOut, Unavailable
from console.ids import read_batch_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.settings import Settings
    from console.signin.sessions import Begun

FIRST_LINE = "district session 1"
FOLDER_MODE = 0o700
FILE_MODE = 0o600
OTHERS = 0o077
LARGEST = 4096
"""Bytes: an origin, two numbers and a token are a few hundred."""
_ADVICE = "Run district signout, then district signin."


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds."""

    session: str
    operator_id: int
    token: bytes


def folder(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Where sessions lie: `signin.session_folder`, else the run-time folder, else ~/.local/state. Raises Unavailable without any."""
    if settings.signin.session_folder is not None:
        return settings.signin.session_folder
    for name, *rest in (("XDG_RUNTIME_DIR", "district"), ("HOME", ".local", "state", "district")):
        if (found := environment.get(name, "")).startswith("/"):
            return Path(found, *rest)
    raise Unavailable("There is no folder for a session; nothing was done. Set signin.session_folder in district.toml.")


def file_of(settings: Settings, environment: Mapping[str, str], fingerprint: str | None) -> Path:
    """The file of this portal, for who came with this SSH key (None: without)."""
    name = sha256(f"{settings.portal.origin}\n{fingerprint or ''}".encode()).hexdigest()[:32]
    return folder(settings, environment) / f"{name}.session"


def write(settings: Settings, environment: Mapping[str, str], fingerprint: str | None, begun: Begun) -> Path:
    """Keep a session. Raises Refused when the folder is not one's own alone, Unavailable when the disk does not take it."""
    from console.keyfiles import write_atomically

    path = file_of(settings, environment, fingerprint)
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{path.parent} could not be made: {error.strerror}; nobody was signed in.") from None
    _own_folder(path.parent)
    kept = Kept(begun.id, begun.operator.id, begun.token)
    write_atomically(path, _text(settings, fingerprint, kept).encode(), FILE_MODE)
    return path


def read(settings: Settings, environment: Mapping[str, str], fingerprint: str | None) -> Kept | None:
    """The session that is kept, None where none is. Raises Refused for a file or folder that cannot be relied on."""
    path = file_of(settings, environment, fingerprint)
    if not os.path.lexists(path):
        return None
    _own_folder(path.parent)
    data = _read(path)
    try:
        text = data.decode()
        lines = text.split("\n")
        kept = Kept(read_batch_id(lines[3]), int(lines[4]), bytes.fromhex(lines[5]))
        # Written again and compared: numbers and hexadecimal have more than one form, a file of ours has one.
        if _text(settings, fingerprint, kept) == text:
            return kept
    except (IndexError, ValueError):
        pass
    raise SignedOut(f"The session's file {path} was changed; nothing was done. {_ADVICE}")


def forget(settings: Settings, environment: Mapping[str, str], fingerprint: str | None) -> None:
    """Remove the file, whatever it is. Raises Unavailable when that cannot be done."""
    path = file_of(settings, environment, fingerprint)
    try:
        path.unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as error:
        raise Unavailable(f"{path} could not be removed: {error.strerror}; the session itself has ended.") from None


def _text(settings: Settings, fingerprint: str | None, kept: Kept) -> str:
    lines = (FIRST_LINE, settings.portal.origin, fingerprint or "-", kept.session, str(kept.operator_id))
    return "\n".join((*lines, kept.token.hex(), ""))


def _own_folder(path: Path) -> None:
    with contextlib.suppress(OSError):
        status = path.lstat()
        own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        if own and not status.st_mode & OTHERS:
            return
    raise Refused(
        f"The folder of sessions {path} is a link, not yours, or open to others; nothing was done. "
        "Make it yours alone with chmod 700."
    )


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise _not_own(path) from None
    try:
        status = os.fstat(descriptor)
        plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not plain or status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != FILE_MODE:
            raise _not_own(path)
        return os.read(descriptor, LARGEST)
    finally:
        os.close(descriptor)


def _not_own(path: Path) -> Refused:
    return Refused(f"The session's file {path} is a link, not yours, or open to others; nothing was done. {_ADVICE}")
