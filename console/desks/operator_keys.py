"""Public keys as operators paste them: an OpenSSH line or the fingerprint that ssh-keygen -l prints.

Promises: what is kept is the fingerprint alone, in the one form that sshd reports (RFC 4648 base 64 of the SHA-256, without padding).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256

from console.errors import Usage

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_KINDS = re.compile(r"(sk-)?(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521))(@openssh\.com)?")
_LONGEST = 16_384


def fingerprint(typed: str) -> str | None:
    """The fingerprint of a public key, given as its line or as the fingerprint itself; None for anything else."""
    text = typed.strip()
    if _FINGERPRINT.fullmatch(text):
        digest = text.removeprefix("SHA256:")
        return text if _canonical(b64decode(digest + "=")) == digest else None
    words = text.split()[:2] if len(text) <= _LONGEST else []
    if len(words) != 2 or not _KINDS.fullmatch(words[0]):
        return None
    try:
        blob = b64decode(words[1], validate=True)
    except (Error, ValueError):
        return None
    kind = words[0].encode()
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind):
        return None
    return "SHA256:" + _canonical(sha256(blob).digest())


def refusal(typed: str) -> Usage:
    """What is said of text that is no public key; nothing of it."""
    if "PRIVATE KEY" in typed:
        return Usage(
            "That is a private key; nothing was kept of it. Take the line of its .pub file, and keep the key to yourself."
        )
    return Usage(
        "That is no public key; nothing was done. "
        "Paste the line of a .pub file (ssh-ed25519 AAAA…) or its SHA256:… fingerprint."
    )


def _canonical(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")
