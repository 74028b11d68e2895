"""Local passwords: how they are kept, compared and judged.

Promises: a password is kept as its Argon2id hash (RFC 9106; 64 MiB, 3 passes, 4 lanes) and never in the clear; a stored hash cannot
ask for more work than a few of ours; a name that nobody has takes as long as one that somebody has. What may be chosen follows NIST
SP 800-63B-4 (3.1.1): at least 8 characters beside a second factor and 15 alone, no rules of composition, no end of validity, and a
list of what everybody tries first.
"""

from __future__ import annotations

import hmac
import logging
import re
import unicodedata
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.errors import Unavailable, Usage
from console.signin.guessed import mostly, telling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from console.ids import RandomSource
    from console.settings import Settings

_log = logging.getLogger("district.signin")

LEAST = 8
"""Characters beside a second factor, which is always asked for."""
LEAST_ALONE = 15
"""Characters of the break-glass password, which has to hold where the rest does not."""
MOST = 128
"""Characters: nobody types more, and a pasted book is no password."""
SALT_BYTES = 16
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a hash costs: KiB of memory, passes, lanes."""

    memory: int
    passes: int
    lanes: int


COST = _Cost(64 * 1024, 3, 4)
_MOST_COST = _Cost(256 * 1024, 10, 16)
"""What a stored hash may ask for at most: a planted one must not take the machine's memory."""
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_NOBODY = b"nobody's salt, 1"


def encode(password: str, random: RandomSource) -> str:
    """The password's hash in PHC form, as `operator_password.encoded` holds it."""
    salt = random.bytes(SALT_BYTES)
    return "$".join(
        (
            "",
            "argon2id",
            "v=19",
            f"m={COST.memory},t={COST.passes},p={COST.lanes}",
            _letters(salt),
            _letters(_derive(password, salt, COST, HASH_BYTES)),
        )
    )


def matches(encoded: str | None, password: str) -> bool:
    """Whether the password is the one of this hash. None, for a name that nobody has, takes as long and is never right."""
    stored = _read(encoded) if encoded is not None else None
    if encoded is not None and stored is None:
        _log.error("a stored password is not of our form, or asks for more than a few of ours; it opens nothing")
    if stored is None or not 0 < len(password) <= MOST * 4:
        _derive(password[:MOST], _NOBODY, COST, HASH_BYTES)
        return False
    cost, salt, known = stored
    return hmac.compare_digest(_derive(password, salt, cost, len(known)), known)


def judge(password: str, settings: Settings, names: Sequence[str], *, alone: bool = False) -> None:
    """Return when the password may be chosen by somebody of these names; `alone` for one that has to hold by itself.

    Raises Usage that says why it may not be, without the password; Unavailable when the district's list cannot be read.
    """
    text = normal(password)
    least = LEAST_ALONE if alone else LEAST
    if not least <= len(text) <= MOST:
        raise Usage(
            f"A password here has {least} to {MOST} characters; no password was set. Take a few words you can type."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") for letter in text) or not text.strip():
        raise Usage("That password holds characters that no keyboard gives; no password was set. Choose another one.")
    folded = text.casefold()
    why = telling(folded) or mostly(folded, [*names, settings.portal.name])
    if why is None and settings.signin.blocklist is not None and _listed(folded, settings.signin.blocklist):
        why = "it stands on the district's list of passwords that nobody may choose"
    if why is not None:
        raise Usage(f"That password is among the first that are tried: {why}; no password was set. Choose another one.")


def normal(password: str) -> str:
    """The password as it is counted, judged and hashed: NFKC, so that every keyboard types the same one."""
    return unicodedata.normalize("NFKC", password)


def _derive(password: str, salt: bytes, cost: _Cost, length: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=salt, length=length, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory)
    return kdf.derive(normal(password).encode("utf-8", "surrogatepass"))


def _read(encoded: str) -> tuple[_Cost, bytes, bytes] | None:
    """Cost, salt and hash of a stored password; None for what is not of our form or costs too much."""
    found = _PHC.fullmatch(encoded)
    if found is None:
        return None
    cost = _Cost(*(int(number) for number in found.groups()[:3]))
    if cost.memory > _MOST_COST.memory or cost.passes > _MOST_COST.passes or cost.lanes > _MOST_COST.lanes:
        return None
    salt, known = _bytes(found[4]), _bytes(found[5])
    if salt is None or known is None or cost.memory < 8 * cost.lanes:
        return None
    return cost, salt, known


def _letters(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")


def _bytes(letters: str) -> bytes | None:
    """What the letters stand for; None unless they are its only form."""
    try:
        value = b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (Error, ValueError):
        return None
    return value if _letters(value) == letters else None


def _listed(folded: str, file: Path) -> bool:
    """Whether the district's file holds it. Read line by line: such lists have millions of them."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return any(normal(line.rstrip("\r\n")).casefold() == folded for line in lines)
    except OSError:
        raise Unavailable(
            f"The list of passwords {file} cannot be read; no password was set. Check signin.blocklist."
        ) from None
