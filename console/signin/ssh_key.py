"""The key that somebody came with over SSH, as the SSH server vouches for it: what ties a sign-in to a key.

With `ExposeAuthInfo yes` sshd writes how it authenticated a connection into a file that only the account can read, and names it
in SSH_USER_AUTH. Promises: nothing but such a file is believed; one that is not as sshd writes it is an error and never "no key";
the fingerprint of a certificate is that of the key in it, as ssh-keygen shows it, so that a renewed certificate is the same key.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from console.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "SSH_USER_AUTH"
LARGEST = 64 * 1024
"""Bytes of such a file: a line a method, an RSA certificate of 16,384 bits is below 8 KiB."""
CERTIFICATE = "-cert-v01@openssh.com"
FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519": 2,
    "sk-ecdsa-sha2-nistp256": 3,
}
"""Strings that make up a public key of each kind, after its name (PROTOCOL.certkeys, PROTOCOL.u2f of OpenSSH)."""
USER = 1
"""The type of a certificate for users, not hosts."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, `fingerprint` as ssh-keygen writes it (`SHA256:…`). Of a certificate also its key id, serial and principals.

    `principals` is None for a key without a certificate.
    """

    fingerprint: str
    kind: str
    key_id: str = ""
    serial: int = 0
    principals: tuple[str, ...] | None = None


def fingerprint(environment: Mapping[str, str]) -> str | None:
    """The fingerprint of the key that this connection came with, None where it is none over SSH. Raises Refused as `key`."""
    found = key(environment)
    return None if found is None else found.fingerprint


def key(environment: Mapping[str, str]) -> Key | None:
    """The key that this connection came with, None where no SSH server says anything.

    Raises Refused when what SSH_USER_AUTH names is not sshd's file, or does not name exactly one key.
    """
    named = environment.get(VARIABLE)
    if named is None:
        return None
    lines = [line.split(" ") for line in _read(named).splitlines()]
    keys = [line for line in lines if line[0] == "publickey"]
    if len(keys) != 1 or len(keys[0]) != 3:
        raise Refused(
            "The SSH server does not name one key that you came with; nothing was done. Come with one key alone."
        )
    return parse(keys[0][1], keys[0][2])


def parse(kind: str, encoded: str) -> Key:
    """A public key or certificate from the two words of its line. Raises Refused for anything but one that is whole."""
    try:
        blob = base64.b64decode(encoded, validate=True)
        return _certified(kind, blob) if CERTIFICATE in kind else _plain(kind, blob)
    except (binascii.Error, ValueError):
        raise _unreadable() from None


def _read(named: str) -> str:
    try:
        descriptor = os.open(named, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        raise _unreadable() from None
    try:
        status = os.fstat(descriptor)
        private = stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == os.geteuid() and status.st_nlink == 1
        if not (stat.S_ISREG(status.st_mode) and private and status.st_size <= LARGEST and named.startswith("/")):
            raise _unreadable()
        return os.read(descriptor, LARGEST).decode("ascii")
    except (OSError, UnicodeDecodeError):
        raise _unreadable() from None
    finally:
        os.close(descriptor)


def _unreadable() -> Refused:
    return Refused(
        f"What the SSH server says of your key ({VARIABLE}) cannot be relied on; nothing was done. Tell who runs the server."
    )


def _plain(kind: str, blob: bytes) -> Key:
    read = _Wire(blob)
    if read.string() != kind.encode() or _name(kind) not in FIELDS:
        raise ValueError(kind)
    for _ in range(FIELDS[_name(kind)]):
        read.string()
    read.end()
    return Key(_digest(blob), kind)


def _certified(kind: str, blob: bytes) -> Key:
    name = kind.removesuffix(CERTIFICATE)
    # Security keys carry the domain in their own name too, certificates have it once.
    own = f"{name}@openssh.com" if name.startswith("sk-") else name
    read = _Wire(blob)
    if read.string() != kind.encode() or name not in FIELDS:
        raise ValueError(kind)
    read.string()  # the nonce
    fields = [read.string() for _ in range(FIELDS[name])]
    serial, type_, key_id, principals = read.number(8), read.number(4), read.string(), _Wire(read.string())
    if type_ != USER:
        raise ValueError(type_)
    names = []
    while principals.left:
        names.append(principals.string().decode())
    read.number(16)  # from when and until when, which sshd held against its clock
    for _ in range(5):  # critical options, extensions, reserved, the authority's key, its signature: sshd's part too
        read.string()
    read.end()
    plain = b"".join(len(each).to_bytes(4, "big") + each for each in (own.encode(), *fields))
    return Key(_digest(plain), own, key_id.decode(), serial, tuple(names))


def _name(kind: str) -> str:
    return kind.removesuffix("@openssh.com")


def _digest(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(sha256(blob).digest()).decode().rstrip("=")


class _Wire:
    """The numbers and strings of RFC 4251, section 5, read in their order. Raises ValueError past the end."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def string(self) -> bytes:
        return self._take(self.number(4))

    def end(self) -> None:
        if self.left:
            raise ValueError(len(self.left))

    def _take(self, size: int) -> bytes:
        if size > len(self.left):
            raise ValueError(size)
        taken, self.left = self.left[:size], self.left[size:]
        return taken
