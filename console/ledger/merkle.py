"""The tree over the ledger's records (RFC 9162 §2.1, SHA-256), so that one 32-byte root stands for all of them.

Pure: no database, no files. A record is any bytes; its leaf hash is all the tree ever sees. A subtree is named by its
level and index: (level, index) covers the 2**level leaves from leaf index * 2**level on. What does not hold raises
`ProofError`; nothing here returns a truth value that could be overlooked.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from console.errors import Unverified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HASH_SIZE = 32
"""Bytes of a SHA-256 hash."""

SIZE_LIMIT = 2**63
"""A tree has fewer leaves than this: sizes and indexes fit a signed 64-bit column."""

STORED_LEVELS = 8
"""Subtree roots are kept at every eighth level (256, 65 536, … leaves), as tlog-tiles does."""

TILE_WIDTH = 1 << STORED_LEVELS
"""Hashes of one level that are read at a time."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""


class ProofError(Unverified):
    """A path, root or stored hash does not fit the tree it is said to belong to."""


def leaf_hash(record: bytes) -> bytes:
    """The 32-byte hash of one record."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of the node above two 32-byte hashes."""
    return sha256(b"\x01" + left + right).digest()


def _parents(row: Sequence[bytes]) -> list[bytes]:
    """The nodes above an even number of neighbours, half as many."""
    each = iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def _joined(roots: Iterable[bytes]) -> bytes:
    """The root over perfect subtrees, given from the smallest (rightmost) to the largest."""
    return reduce(lambda right, left: node_hash(left, right), roots)


class Frontier:
    """What must be kept of a tree to let it grow: its size in leaves and the roots of its perfect subtrees.

    There is one root for each bit set in the size, largest subtree first: 32 bytes each, at most 63 of them.
    """

    __slots__ = ("_roots", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._roots: list[bytes] = []

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return self._size

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, largest first."""
        return tuple(self._roots)

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Append leaf hashes (32 bytes each, in order) and return the subtrees completed by them that are to be stored.

        Each is (level, index, hash) with level 8, 16, 24 …; by level, then by index. A wrong length raises ValueError
        and leaves the tree as it was.
        """
        row = list(leaves)
        if any(length != HASH_SIZE for length in set(map(len, row))):
            raise ValueError("a leaf hash is not 32 bytes long; nothing was appended")
        size = self._size + len(row)
        if size >= SIZE_LIMIT:
            raise ValueError("the tree would exceed 2**63 - 1 leaves; nothing was appended")
        completed: list[tuple[int, int, bytes]] = []
        waiting: list[bytes] = []
        level = 0
        while row:
            start = self._size >> level
            if level and level % STORED_LEVELS == 0:
                completed += [(level, index, node) for index, node in enumerate(row, start)]
            if start & 1:
                row.insert(0, self._roots.pop())
            if len(row) & 1:
                waiting.append(row.pop())
            row = _parents(row)
            level += 1
        self._roots += reversed(waiting)
        self._size = size
        return completed

    def root(self) -> bytes:
        """The root of the whole tree (RFC 9162 §2.1.1)."""
        return _joined(reversed(self._roots)) if self._roots else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """The roots, largest subtree first, without separators; the size is stored beside them."""
        return b"".join(self._roots)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """The frontier that `to_bytes` wrote at `size` leaves; any other length raises ProofError."""
        if not 0 <= size < SIZE_LIMIT or len(data) != HASH_SIZE * size.bit_count():
            raise ProofError("The stored head of the tree does not fit its size; nothing was read from it.")
        made = cls()
        made._size = size
        made._roots = [bytes(data[at : at + HASH_SIZE]) for at in range(0, len(data), HASH_SIZE)]
        return made

    def copy(self) -> Frontier:
        """The same tree, to grow apart from this one."""
        return Frontier.from_bytes(self._size, self.to_bytes())

    def __eq__(self, other: object) -> bool:
        """Whether it is a frontier of the very same tree."""
        return isinstance(other, Frontier) and (self._size, self._roots) == (other._size, other._roots)

    __hash__ = None  # type: ignore[assignment] # it grows


class Growth(NamedTuple):
    """A tree before leaves were appended to it, and after: `after` has grown from `before` in this process, by nothing read anew.

    The signer relies on that: who has signed `before` signs `after`.
    """

    before: Frontier
    after: Frontier


def split(size: int) -> int:
    """The largest power of two below `size` (size > 1)."""
    return 1 << ((size - 1).bit_length() - 1)


def range_root(start: int, stop: int, subtree: Callable[[int, int], bytes]) -> bytes:
    """The root over leaves start to stop - 1, where start is a multiple of a power of two not below stop - start."""
    roots = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        roots.append(subtree(level, start >> level))
        start += 1 << level
    return _joined(reversed(roots))


def inclusion_path(index: int, size: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """The hashes from the sibling of leaf `index` up to the root at `size` leaves (RFC 9162 §2.1.3.1).

    `subtree(level, index)` gives the root of a perfect subtree of the tree; only subtrees within `size` are asked for.
    """
    if not 0 <= index < size < SIZE_LIMIT:
        raise ProofError(f"There is no record {index} in a tree of {size}; no proof was made.")
    path = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(range_root(middle, stop, subtree))
            stop = middle
        else:
            path.append(range_root(start, middle, subtree))
            start = middle
    path.reverse()
    return path


def consistency_path(old: int, new: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """The hashes that show the tree of `old` leaves to be the beginning of the tree of `new` (RFC 9162 §2.1.4.1).

    Empty when the sizes are equal or old is 0: every tree begins with the empty one. `subtree` as in `inclusion_path`.
    """
    if not 0 <= old <= new < SIZE_LIMIT:
        raise ProofError(f"A tree of {old} cannot be the beginning of a tree of {new}; no proof was made.")
    if old == 0:
        return []
    path = []
    start, stop = 0, new
    while stop != old:
        middle = start + split(stop - start)
        if old <= middle:
            path.append(range_root(middle, stop, subtree))
            stop = middle
        else:
            path.append(range_root(start, middle, subtree))
            start = middle
    if start:
        path.append(range_root(start, stop, subtree))
    path.reverse()
    return path


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_SIZE for each in hashes):
        raise ProofError("A hash of the proof is not 32 bytes long; the proof was not accepted.")


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that leaf hash `leaf` at `index` and its path lead to at `size` leaves (RFC 9162 §2.1.3.2).

    ProofError when the path is too short or too long for that place in the tree.
    """
    if not 0 <= index < size < SIZE_LIMIT:
        raise ProofError(f"There is no record {index} in a tree of {size}; the proof was not accepted.")
    _check_hashes(leaf, *path)
    place, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError("The proof has more hashes than the tree is high; it was not accepted.")
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            root = node_hash(root, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofError("The proof has fewer hashes than the tree is high; it was not accepted.")
    return root


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Return when leaf hash `leaf` is at `index` of the tree of `size` leaves with `root`; else raise ProofError."""
    if root_from_inclusion(index, size, leaf, path) != root:
        raise ProofError("The proof leads to another root: this record is not in the ledger at that place.")


def _roots_from_consistency(
    old_size: int, new_size: int, old_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The old and the new root a path leads to, for 0 < old size < new size (RFC 9162 §2.1.4.2, steps 1 to 6)."""
    if not path:
        raise ProofError("The proof has no hashes; it was not accepted.")
    whole = [old_root, *path] if old_size.bit_count() == 1 else list(path)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = whole[0]
    for sibling in whole[1:]:
        if last == 0:
            raise ProofError("The proof has more hashes than the tree is high; it was not accepted.")
        if place & 1 or place == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofError("The proof has fewer hashes than the tree is high; it was not accepted.")
    return old, new


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Return when the old tree is the beginning of the new one (RFC 9162 §2.1.4.2); else raise ProofError.

    Between equal sizes the roots must be equal, from size 0 the old root must be the empty one, and the path empty.
    """
    if not 0 <= old_size <= new_size < SIZE_LIMIT:
        raise ProofError(f"A tree of {old_size} cannot be the beginning of a tree of {new_size}; it was not accepted.")
    _check_hashes(old_root, new_root, *path)
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise ProofError("The root of an empty tree is not the empty root; the proof was not accepted.")
    if old_size in {0, new_size}:
        if path:
            raise ProofError("The proof has hashes where none belong; it was not accepted.")
        if old_size == new_size and old_root != new_root:
            raise ProofError("Two trees of the same size have different roots: the ledger was changed.")
        return
    if _roots_from_consistency(old_size, new_size, old_root, path) != (old_root, new_root):
        raise ProofError("The new tree does not begin with the old one: the ledger was changed or cut.")


class Subtrees:
    """The roots of a stored tree's perfect subtrees, for `inclusion_path` and `consistency_path`.

    `size` is the number of leaves that can be read, at least that of any proof asked for. `leaves(start, stop)` gives
    the leaf hashes start to stop - 1; `stored(level, start, stop)` the kept roots of a level that is a multiple of 8.
    They are read a tile of at most 256 at a time; the last `tiles` tiles are held, about 40 KB each.
    """

    def __init__(
        self,
        size: int,
        leaves: Callable[[int, int], Sequence[bytes]],
        stored: Callable[[int, int, int], Sequence[bytes]],
        *,
        tiles: int = 64,
    ) -> None:
        self._size = size
        self._leaves = leaves
        self._stored = stored
        self._tile = lru_cache(maxsize=tiles)(self._read)

    def __call__(self, level: int, index: int) -> bytes:
        """The root of subtree (level, index); ProofError when it is not wholly within the tree."""
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise ProofError("A part of the tree was asked for that is not complete; no proof was made.")
        above = level % STORED_LEVELS
        tile, offset = divmod(index << above, TILE_WIDTH)
        return self._tile(level - above, tile)[above][offset >> above]

    def _read(self, level: int, tile: int) -> list[list[bytes]]:
        """Tile number `tile` of `level`: its hashes and, row by row, the seven levels above them."""
        start = tile * TILE_WIDTH
        stop = min(start + TILE_WIDTH, self._size >> level)
        row = [bytes(each) for each in (self._stored(level, start, stop) if level else self._leaves(start, stop))]
        if len(row) != stop - start or any(len(each) != HASH_SIZE for each in row):
            raise ProofError("The stored hashes of the ledger are not complete; no proof was made.")
        rows = [row]
        for _ in range(STORED_LEVELS - 1):
            row = _parents(row[: len(row) & ~1])
            rows.append(row)
        return rows
