"""Where rows to be staged are gathered until enough have come together to be written at once, and how a row's digest is made.

The digest (an HMAC, for a plain hash would let anybody check a guess at a sealed row) tells an unchanged row without comparing its
columns. The byte behind it repeats what the roster said of the directory opt-out, so that the next import sees whether *that* changed.
What follows is a hash of what the row says of ties and places, whose identifiers are no secret of the row.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import sqlalchemy as sa

    from console.vault import Vault

    Write = Callable[[sa.Table, Sequence[str], Sequence[Sequence[Any]]], None]

CHUNK = 2_000
"""Rows written at once: few enough that who reads them on beside this process hardly waits until the last ones are written."""
DIGEST, TIES = 16, 8
"""Bytes of the digest, and of the hash of ties and places; one byte stands between them."""
KEYS_VERSION = "3"
"""Raised when keys are computed differently, so that the next import computes them anew."""


class Sink:
    """Rows for one temporary table; dates are given as text, which both engines take for a date."""

    def __init__(self, write: Write, table: sa.Table, columns: Sequence[str]) -> None:
        self._write = write
        self._table = table
        self._columns = columns
        self._rows: list[Sequence[Any]] = []

    def put(self, *row: Any) -> None:
        """Take one row."""
        self.extend((row,))

    def extend(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take rows, and write when they are many."""
        self._rows.extend(rows)
        if len(self._rows) >= CHUNK:
            self.write()

    def write(self) -> None:
        """Write what is there."""
        if self._rows:
            self._write(self._table, self._columns, self._rows)
            self._rows.clear()


def digests(
    vault: Vault, kind: str, columns: Sequence[Sequence[str | None]], more: Iterable[str] = repeat("")
) -> list[bytes]:
    """The digest of each row of a kind, given as columns of text; `more` is what else must make it count as changed."""
    known = [
        ["\x00" if value is None else value for value in column] if None in column else column for column in columns
    ]
    texts = map("\x1f".join, zip(repeat(KEYS_VERSION), more, *known, strict=False))
    return vault.digests(f"roster {kind}", texts, DIGEST)


def tie_hashes(said: Iterable[str]) -> list[bytes]:
    """The hash of what each row says of ties and places."""
    return [blake2b(each.encode(), digest_size=TIES).digest() for each in said]
