"""The district's own authority for operators' keys: an Ed25519 key, and certificates that name one operator for some days.

A certificate says whose key it is, so that nobody signs in with it as somebody else, and ends by itself, so that no list of keys has
to be cleaned. It gives the right to a terminal and nothing more. ssh-keygen signs, for it alone knows the keys of all hardware, and
asks for the authority's passphrase where it has one.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from console.errors import Refused, Unavailable, Usage

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from console.ids import RandomSource

SMALLEST_RSA = 3072
"""Bits (NIST SP 800-57 part 1: 128 bits of security)."""
LARGEST = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}")
"""Principals stand in a file one a line, and options may stand before them: no spaces, no quotes, no hash."""
_SHOWN = re.compile(r"(\d+) (SHA256:\S+) .*\(([A-Z0-9-]+)\)")


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate that was made. `until` is when it ends, to the minute."""

    path: Path
    until: datetime
    serial: int


def new_authority(random: RandomSource) -> tuple[bytes, bytes]:
    """A new authority: its private key as OpenSSH keeps one, and its public key as a line."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.from_private_bytes(random.bytes(32))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private, public + b" district operators\n"


def operator_name(name: str) -> str:
    """The name, when it can be a principal. Raises Usage."""
    if not _NAME.fullmatch(name):
        raise Usage(
            "A certificate's operator is a name of letters, digits and . _ @ - without spaces; nothing was signed."
        )
    return name


def checked(key: Path) -> str:
    """The fingerprint of a public key's file. Raises Usage for what is none, or is weak, Unavailable when it cannot be read."""
    try:
        with key.open("rb") as file:
            content = file.read(LARGEST)
    except OSError as error:
        raise Unavailable(f"{key} cannot be read: {error.strerror}; nothing was signed.") from None
    if b"PRIVATE KEY" in content:
        raise Usage(f"{key} is a private key, which stays with its owner; nothing was signed. Name the .pub beside it.")
    shown = _SHOWN.fullmatch(_keygen("-l", "-f", str(key)).stdout.strip())
    if shown is None or "-cert-v01@" in content.decode(errors="replace") or not key.name.endswith(".pub"):
        raise Usage(f"{key} is not one public key in a file of its own, as KEY.pub; nothing was signed.")
    if shown[3] == "DSA" or (shown[3] == "RSA" and int(shown[1]) < SMALLEST_RSA):
        raise Usage(f"{key} is too weak; nothing was signed. Make one with ssh-keygen -t ed25519.")
    return shown[2]


def signed(key: Path, operator: str, days: int, authority: Path, now: datetime, random: RandomSource) -> Signed:
    """Sign the public key for the operator, for so many days from now, into NAME-cert.pub beside it.

    Raises as `checked`; Refused when there is a certificate already, or the authority's key is none or open to others.
    """
    from console.keyfiles import read_private

    operator_name(operator)
    checked(key)
    read_private(authority, "authority's key")
    path = key.with_name(key.name.removesuffix(".pub") + "-cert.pub")
    if path.exists():
        raise Refused(f"{path} is there already; nothing was signed. Move it away first.")
    serial = int.from_bytes(random.bytes(8), "big") >> 1
    named = (
        "-I",
        operator,
        "-n",
        operator,
        "-z",
        str(serial),
        "-V",
        f"-5m:+{days}d",
        "-O",
        "clear",
        "-O",
        "permit-pty",
    )
    if _keygen("-q", "-s", str(authority), *named, str(key)).returncode or not path.exists():
        raise Refused(
            f"{authority} did not sign; nothing was signed. Is it the authority's key, and its passphrase right?"
        )
    return Signed(path, now + timedelta(days=days), serial)


def _keygen(*words: str) -> subprocess.CompletedProcess[str]:
    """Run ssh-keygen; it may ask for a passphrase on the terminal. Raises Unavailable where there is none."""
    try:
        return subprocess.run(  # noqa: S603 - fixed words, and paths that are no options
            ["ssh-keygen", *words],  # noqa: S607 - where the system has it
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except OSError:
        raise Unavailable("ssh-keygen is not here; nothing was signed. Install the package openssh-client.") from None
