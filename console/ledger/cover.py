"""One proof for many records of a log: the hashes that, with the records' own, make the root (RFC 9162 §2.1).

The tree over `size` leaves is walked from the left. A part without a chosen record gives its root, one hash; a part that is one
chosen record gives nothing, for whoever checks hashes that record; every other part is split where the tree splits it. So each
choice has exactly one cover, all records need no hash at all, and checking is the same walk, reading where making wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.ledger.merkle import HASH_SIZE, SIZE_LIMIT, ProofError, node_hash, range_root, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class _Chosen:
    """The chosen leaves in their order, one looked at ahead."""

    def __init__(self, leaves: Iterable[tuple[int, bytes]], size: int) -> None:
        self._leaves = iter(leaves)
        self._size = size
        self.index = -1
        self.leaf = b""
        self.advance()

    def advance(self) -> None:
        """Look at the next one; beyond the last its index is the tree's size. ProofError where the order is not the tree's."""
        before = self.index
        self.index, self.leaf = next(self._leaves, (self._size, b""))
        if not before < self.index <= self._size or (self.leaf and self.index == self._size):
            raise ProofError("The records are not in the ledger's order, or one is twice or beyond its end.")


def cover(indexes: Iterable[int], size: int, subtree: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The cover of the leaves at `indexes` (ascending) in the tree of `size` leaves; `subtree` as in `inclusion_path`."""
    chosen = _Chosen(((index, b"\x00") for index in indexes), size)
    waiting = [(0, size)] if size else []
    while waiting:
        start, stop = waiting.pop()
        if chosen.index >= stop:
            yield range_root(start, stop, subtree)
        elif stop - start == 1:
            chosen.advance()
        else:
            middle = start + split(stop - start)
            waiting += [(middle, stop), (start, middle)]


def root_from_cover(size: int, leaves: Iterable[tuple[int, bytes]], hashes: Iterable[bytes]) -> bytes:
    """The root that the chosen leaves, as (index, leaf hash) in ascending order, and their cover lead to.

    ProofError when the records are out of order, or the cover has too few or too many hashes or one that is not 32 bytes.
    """
    if not 0 < size < SIZE_LIMIT:
        raise ProofError("A proof is of no tree; it was not accepted.")
    chosen = _Chosen(leaves, size)
    given = iter(hashes)

    def root(start: int, stop: int) -> bytes:
        if chosen.index >= stop:
            found = next(given, b"")
            if len(found) != HASH_SIZE:
                raise ProofError("The proof has fewer hashes than the tree needs, or one that is none.")
            return found
        if stop - start == 1:
            leaf = chosen.leaf
            chosen.advance()
            return leaf
        middle = start + split(stop - start)
        left = root(start, middle)
        return node_hash(left, root(middle, stop))

    made = root(0, size)
    if next(given, None) is not None:
        raise ProofError("The proof has more hashes than the tree needs; it was not accepted.")
    return made
