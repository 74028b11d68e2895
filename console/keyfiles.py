"""Files that must not be lost, half written or read by others: keys, passwords, and what is written in one piece.

A key file is made once, whole or not at all, mode 0400 in a folder of mode 0700, and is on the disk before its maker
goes on. Reading refuses a file that others could read: a key that others may have is no key. No error repeats a
file's content.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import stat
from typing import TYPE_CHECKING

from console.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.ids import RandomSource
    from console.ledger.note import SigningKey

DATA_KEY_BYTES = 32
KEY_MODE = 0o400
FOLDER_MODE = 0o700
OTHERS = 0o077
LARGEST = 64 * 1024


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` at `path` in one step: whoever reads sees the old content or the new, also after a power cut.

    Raises Unavailable, with the old content untouched, when the folder or disk does not take it.
    """
    with _sentence("written", path), _beside(path, data, mode) as made:
        made.replace(path)
        _settle(path.parent)


def create_secret(path: Path, data: bytes) -> None:
    """Make a secret file, mode 0400, in a folder only its owner can open (made when missing).

    Raises Refused when the file exists (a key is never overwritten) or others can open the folder; Unavailable when the
    disk does not take it. Nothing is left behind then.
    """
    with _sentence("written", path):
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _refuse_open(path.parent.stat().st_mode, path.parent, "The folder", "700")
        with _beside(path, data, KEY_MODE) as made:
            try:
                # A link fails where the name is taken, as O_EXCL does, but for a file that is already whole.
                os.link(made, path)
            except FileExistsError:
                raise Refused(f"{path} exists already and was not touched; a key is never overwritten.") from None
        _settle(path.parent)


def read_private(path: Path, what: str) -> bytes:
    """The content of a file that only its owner can read; `what` names it in errors ("ledger key").

    Raises Unavailable when it is missing or unreadable, Refused when it is no plain file or others could read it.
    """
    with _sentence("read", path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise Unavailable(
                f"The {what} {path} is missing; put it back from its backup, or see `district init` for a new portal."
            ) from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Refused(f"The {what} {path} is no plain file and was not read; name the file itself.")
            _refuse_open(status.st_mode, path, f"The {what}", "600")
            data = os.read(descriptor, LARGEST + 1)
        finally:
            os.close(descriptor)
    if len(data) > LARGEST:
        raise Refused(f"The {what} {path} is larger than {LARGEST} bytes and cannot be one; name the right file.")
    return data


def read_secret(path: Path, what: str) -> str:
    """A password or the like: the file's text without its last line break.

    Errors as `read_private`; Refused when it is empty or has several lines.
    """
    try:
        secret = read_private(path, what).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Refused(f"The {what} {path} is not UTF-8 text; write it anew.") from None
    if not secret or not secret.isprintable():
        raise Refused(f"The {what} {path} is empty or has more than one line; write the secret into it, nothing else.")
    return secret


def create_data_key(path: Path, random: RandomSource) -> bytes:
    """Make the key that protects the data keys: 32 random bytes, base64 on one line. Errors as `create_secret`."""
    key = random.bytes(DATA_KEY_BYTES)
    create_secret(path, base64.b64encode(key) + b"\n")
    return key


def read_data_key(path: Path) -> bytes:
    """The 32 bytes of the key that protects the data keys. Errors as `read_private`; Refused for any other content."""
    line = read_private(path, "data key")
    try:
        key = base64.b64decode(line.removesuffix(b"\n"), validate=True)
    except binascii.Error:
        key = b""
    # Re-encoded and compared: b64decode lets non-canonical tails pass.
    if len(key) != DATA_KEY_BYTES or base64.b64encode(key) != line.removesuffix(b"\n"):
        raise Refused(f"The data key {path} is not 32 bytes in base64; put it back from its backup.")
    return key


def create_signing_key(path: Path, name: str, random: RandomSource) -> SigningKey:
    """Make the ledger's signing key of this name (the portal's origin). Errors as `create_secret`."""
    from console.ledger.note import SigningKey

    key = SigningKey.generate(name, random.bytes)
    create_secret(path, f"{key.encode()}\n".encode())
    return key


def read_signing_key(path: Path) -> SigningKey:
    """The ledger's signing key. Errors as `read_secret`; Refused for any other content."""
    from console.ledger.note import NoteError, SigningKey

    try:
        return SigningKey.decode(read_secret(path, "ledger key"))
    except NoteError:
        raise Refused(f"The ledger key {path} is damaged or no signing key; put it back from its backup.") from None


@contextlib.contextmanager
def _beside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A new file beside `path`, whole and on the disk, gone again afterwards if nobody renamed it."""
    made = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        yield made
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have the folder's own entries on the disk: without it a rename may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_open(mode: int, path: Path, subject: str, proper: str) -> None:
    if mode & OTHERS:
        raise Refused(
            f"{subject} {path} is open to others than its owner (mode {stat.S_IMODE(mode):04o}) and was not used; "
            f"run chmod {proper} on it, and replace the secret if others may have read it."
        )


@contextlib.contextmanager
def _sentence(done: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{path} could not be {done}: {error.strerror}; nothing was changed.") from None
