"""One proof for many records of a log: the hashes that, with the records' own, make the root (RFC 9162 §2.1).

The tree over `size` leaves is walked from the left. A part without a chosen record gives its root, one hash; a part that is one
chosen record gives nothing, for whoever checks hashes that record; every other part is split where the tree splits it. So each
choice has exactly one cover, all records need no hash at all, and checking is the same walk, reading where making wrote.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from console.ledger.merkle import HASH_SIZE, SIZE_LIMIT, Frontier, ProofError, node_hash, range_root, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TOGETHER = 1_024
"""Leaves below which a part of the tree is looked at whole."""


class Runs:
    """Indexes in ascending order, kept as runs: from where to where. Sixteen bytes each, however long."""

    def __init__(self) -> None:
        self._ends = array("q")

    def add(self, start: int, stop: int) -> None:
        """Add the indexes from `start` to below `stop`, behind all others."""
        if self._ends and self._ends[-1] == start:
            self._ends[-1] = stop
        else:
            self._ends.extend((start, stop))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        each = iter(self._ends)
        return zip(each, each, strict=True)


def _ordered(runs: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """The runs, then one that begins at the end. ProofError where the order is not the tree's."""
    before = 0
    for start, stop in runs:
        if not before <= start < stop <= size:
            raise _out_of_order()
        yield start, stop
        before = stop
    yield size, size


def _out_of_order() -> ProofError:
    return ProofError("The records are not in the ledger's order, or one is twice or beyond its end.")


def cover(runs: Iterable[tuple[int, int]], size: int, subtree: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The cover of the leaves in `runs` (from, to; ascending) in the tree of `size` leaves; `subtree` as in `inclusion_path`."""
    chosen = _ordered(runs, size)
    first, end = next(chosen)
    waiting = [(0, size)] if size else []
    while waiting:
        start, stop = waiting.pop()
        while end <= start < size and first < size:
            first, end = next(chosen)
        if first >= stop:
            yield range_root(start, stop, subtree)
        elif first > start or end < stop:
            middle = start + split(stop - start)
            waiting += [(middle, stop), (start, middle)]


class _Chosen:
    """The chosen leaves in their order, one looked at ahead; beyond the last its index is the tree's size."""

    def __init__(self, leaves: Iterable[tuple[int, bytes]], size: int) -> None:
        self._leaves = iter(leaves)
        self._size = size
        self.index = -1
        self._leaf = b""
        self._advance()

    def _advance(self) -> None:
        before = self.index
        self.index, self._leaf = next(self._leaves, (self._size, b""))
        if not before < self.index <= self._size or (self._leaf and self.index == self._size):
            raise _out_of_order()

    def below(self, stop: int) -> tuple[list[int], list[bytes]]:
        """Take the leaves before `stop`: their indexes and hashes."""
        indexes: list[int] = []
        leaves: list[bytes] = []
        while self.index < stop:
            indexes.append(self.index)
            leaves.append(self._leaf)
            self._advance()
        return indexes, leaves


def root_from_cover(size: int, leaves: Iterable[tuple[int, bytes]], hashes: Iterable[bytes]) -> bytes:
    """The root that the chosen leaves, as (index, leaf hash) in ascending order, and their cover lead to.

    ProofError when the records are out of order, or the cover has too few or too many hashes or one that is not 32 bytes.
    """
    if not 0 < size < SIZE_LIMIT:
        raise ProofError("A proof is of no tree; it was not accepted.")
    chosen = _Chosen(leaves, size)
    given = iter(hashes)

    def other() -> bytes:
        found = next(given, b"")
        if len(found) != HASH_SIZE:
            raise ProofError("The proof has fewer hashes than the tree needs, or one that is none.")
        return found

    def root(start: int, stop: int) -> bytes:
        if chosen.index >= stop:
            return other()
        if stop - start <= TOGETHER:
            indexes, part = chosen.below(stop)
            return small(start, stop, indexes, part)
        middle = start + split(stop - start)
        left = root(start, middle)
        return node_hash(left, root(middle, stop))

    def small(start: int, stop: int, indexes: list[int], part: list[bytes]) -> bytes:
        """The same where the leaves are at hand."""
        if not part:
            return other()
        if len(part) == stop - start:
            whole = Frontier()
            whole.extend(part)
            return whole.root()
        middle = start + split(stop - start)
        at = bisect_left(indexes, middle)
        left = small(start, middle, indexes[:at], part[:at])
        return node_hash(left, small(middle, stop, indexes[at:], part[at:]))

    made = root(0, size)
    if next(given, None) is not None:
        raise ProofError("The proof has more hashes than the tree needs; it was not accepted.")
    return made
