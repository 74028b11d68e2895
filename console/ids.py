"""Randomness and the ids made of it, so that tests and synthetic districts can repeat them.

Nothing here is ever computed from a person: a pseudonym is drawn, not derived (34 CFR 99.31(b)(2); PORTAL, *Masks*).
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Protocol

# Douglas Crockford's base 32: no I, L, O or U, so that an id read aloud or off paper comes back as it was.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans("ILO", "110")
BATCH_BYTES = 5
BATCH_LETTERS = 8

# Nature words that are not given names and that nobody minds being called by: one byte's low six bits choose one.
WORDS = (
    *(
        "Acorn",
        "Alder",
        "Arbor",
        "Anchor",
        "Badger",
        "Bracken",
        "Basalt",
        "Beacon",
        "Birch",
        "Bison",
        "Boulder",
        "Canyon",
    ),
    *("Cedar", "Cloud", "Comet", "Condor", "Copper", "Cobble", "Cobalt", "Crane", "Cypress", "Drift", "Dune", "Eagle"),
    *("Estuary", "Falcon", "Frost", "Fjord", "Gravel", "Geyser", "Glacier", "Granite", "Harbor", "Heron", "Inlet"),
    *("Island", "Kestrel", "Lagoon", "Lantern", "Lichen", "Lotus", "Maple", "Marsh", "Moss", "Meteor", "Mesa"),
    *("Nectar", "Oak", "Orchid", "Osprey", "Otter", "Pebble", "Pine", "Plover", "Prairie", "Quartz", "Ripple"),
    *("Shale", "Spruce", "Summit", "Thistle", "Tundra", "Walnut", "Willet"),
)
NUMBERS = 10_000


class RandomSource(Protocol):
    """The seam: whatever needs randomness takes one of these."""

    def bytes(self, count: int) -> bytes:
        """That many fresh random bytes."""
        ...


class SystemRandom:
    """The operating system's randomness; the only one for keys and nonces of real data."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


class SeededRandom:
    """The same bytes for the same seed, on every Python: SHA-256 over seed and a counter.

    For tests and synthetic districts. Never for a nonce under a key that outlives the process: the same seed twice
    would give the same nonce twice.
    """

    def __init__(self, seed: int | str) -> None:
        self._seed = hashlib.sha256(f"seeded random {seed}".encode()).digest()
        self._counter = 0
        self._left = b""
        self._lock = threading.Lock()

    def bytes(self, count: int) -> bytes:
        with self._lock:
            pieces = [self._left]
            have = len(self._left)
            while have < count:
                block = hashlib.sha256(self._seed + self._counter.to_bytes(8, "big")).digest()
                self._counter += 1
                pieces.append(block)
                have += len(block)
            whole = b"".join(pieces)
            self._left = whole[count:]
            return whole[:count]


def batch_id(random: RandomSource) -> str:
    """A batch's name as an operator types it after `district undo`: `7K2M-9QXH`, 40 random bits.

    By 10,000 batches the chance that any two were alike is 1 in 22,000; the column is UNIQUE.
    """
    number = int.from_bytes(random.bytes(BATCH_BYTES), "big")
    letters = "".join(CROCKFORD[number >> shift & 31] for shift in range(5 * (BATCH_LETTERS - 1), -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def read_batch_id(text: str) -> str:
    """A batch's name as typed, in its written form: any case, with or without the dash, I and L for 1, O for 0.

    Raises ValueError when it cannot be one.
    """
    letters = text.strip().replace("-", "").upper().translate(MISREAD)
    if not text.isascii() or len(letters) != BATCH_LETTERS or any(letter not in CROCKFORD for letter in letters):
        raise ValueError("a batch is written like 7K2M-9QXH")
    return f"{letters[:4]}-{letters[4:]}"


def pseudonym_code(random: RandomSource) -> str:
    """What is shown in place of a sealed name: a word and four digits, `Heron-4821`, one of 640,000.

    Drawn once and kept (stable, speakable). Two students may draw the same: the column is UNIQUE, the caller draws
    again.
    """
    word = WORDS[random.bytes(1)[0] % len(WORDS)]
    number = NUMBERS
    while number >= NUMBERS:
        # 14 bits, drawn again above 9,999, so that every number is as likely as any other.
        number = int.from_bytes(random.bytes(2), "big") & 0x3FFF
    return f"{word}-{number:04d}"
