"""Remembers which identifiers of a file came before, in flat memory: a file of a million rows must not fill the memory with them.

What is kept of one is Python's keyed 64-bit hash: eight bytes in a table of numbers, which grows to 16 MiB; beyond that, in a private
SQLite database without a name, a temporary file that nobody else can open and in which no identifier stands. Two identifiers of one
file have the same hash once in thirty million files of a million rows; the second row is then taken for a repetition and said.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SLOTS = 1 << 12
"""Of the table at first; it doubles."""
MOST_SLOTS = 1 << 21
"""Of the table at most: for 1.4 million identifiers."""
HANDED_OVER = 1 << 14
"""Slots that the database takes over at a time: as Python's numbers they take five times the room."""
TOGETHER = 200
"""So many are written to the database by one statement, for a statement costs as much as writing one."""
_CACHE_KIBIBYTES = 8 << 10


class Seen:
    """The identifiers that came so far."""

    def __init__(self) -> None:
        self._count = 0
        self._slots = _empty(SLOTS)
        self._many: Any = None
        self._call = 0

    def add(self, names: Sequence[str]) -> set[int]:
        """Take them in. Returns the places of those that had come before, in an earlier call or in this one."""
        # An empty slot is 0, which is the hash of no other text than the empty one.
        hashes = [each or 1 for each in map(hash, names)]
        if self._many is None and self._fits(len(hashes)):
            again = _put(self._slots, hashes)
            self._count += len(hashes) - len(again)
            return again
        return self._keep(hashes)

    def _fits(self, more: int) -> bool:
        """Whether the table has room for so many more; it grows for them, or gives what it has to the database."""
        needed = (self._count + more) * 3 // 2
        size = len(self._slots)
        if needed <= size:
            return True
        held = self._slots
        while size < needed:
            size *= 2
        if size <= MOST_SLOTS:
            self._slots = _empty(size)
            _put(self._slots, filter(None, held))
            return True
        self._open()
        self._slots = _empty(0)
        for start in range(0, len(held), HANDED_OVER):
            self._keep(sorted(filter(None, held[start : start + HANDED_OVER])))
        return False

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

    def _keep(self, hashes: list[int]) -> set[int]:
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


def _empty(size: int) -> array[int]:
    return array("q", (0,)) * size


def _put(slots: array[int], hashes: Iterable[int]) -> set[int]:
    """Each into the first free slot from its own on (open addressing). Returns the places of those that were there."""
    last = len(slots) - 1
    again = set()
    for place, each in enumerate(hashes):
        slot = each & last
        while held := slots[slot]:
            if held == each:
                again.add(place)
                break
            slot = (slot + 1) & last
        else:
            slots[slot] = each
    return again


@cache
def _insert(count: int) -> str:
    """The statement for so many hashes, each with its call."""
    return f"INSERT OR IGNORE INTO seen VALUES {', '.join(['(?, ?)'] * count)}"
