"""Remembers which identifiers of a file came before, in flat memory: a file of a million rows must not fill the memory with them.

What is kept of one is Python's keyed 64-bit hash, in a private SQLite database without a name: some megabytes in memory, the rest in a
temporary file that nobody else can open, in which no identifier stands. Two identifiers of one file have the same hash once in thirty
million files of a million rows; the second row is then taken for a repetition and said.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FEW = 5_000
"""So many are kept in a set, which is faster."""
TOGETHER = 200
"""So many are written by one statement, for a statement costs as much as writing one."""
_CACHE_KIBIBYTES = 8 << 10


class Seen:
    """The identifiers that came so far."""

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._many: Any = None
        self._call = 0

    def add(self, names: Sequence[str]) -> set[int]:
        """Take them in. Returns the places of those that had come before, in an earlier call or in this one."""
        hashes = list(map(hash, names))
        if self._many is None and len(self._few) + len(names) <= FEW:
            if len(set(hashes)) == len(hashes) and self._few.isdisjoint(hashes):
                self._few.update(hashes)
                return set()
            return {place for place, each in enumerate(hashes) if self._was_there(each)}
        if self._many is None:
            self._open()
        return self._put(hashes)

    def _was_there(self, each: int) -> bool:
        size = len(self._few)
        self._few.add(each)
        return len(self._few) == size

    def _open(self) -> None:
        import sqlite3

        self._many = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for each in (
            f"cache_size=-{_CACHE_KIBIBYTES}",
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
        ):
            self._many.execute(f"PRAGMA {each}")
        self._many.execute("CREATE TABLE seen (hash INTEGER PRIMARY KEY, call INTEGER)")
        self._many.execute("BEGIN")
        self._put(list(self._few))
        self._few.clear()

    def _put(self, hashes: list[int]) -> set[int]:
        self._call += 1
        before = self._many.total_changes
        for start in range(0, len(hashes), TOGETHER):
            some = hashes[start : start + TOGETHER]
            self._many.execute(_insert(len(some)), [value for each in some for value in (each, self._call)])
        if self._many.total_changes - before == len(hashes):
            return set()
        find = "SELECT hash FROM seen WHERE hash = ? AND call = ?"
        new: set[int] = set()
        again = set()
        for place, each in enumerate(hashes):
            if each in new or self._many.execute(find, (each, self._call)).fetchone() is None:
                again.add(place)
            new.add(each)
        return again


@cache
def _insert(count: int) -> str:
    """The statement for so many hashes, each with its call."""
    return f"INSERT OR IGNORE INTO seen VALUES {', '.join(['(?, ?)'] * count)}"
