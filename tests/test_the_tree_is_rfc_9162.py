"""The ledger's tree is the one of RFC 9162: its roots, paths and proofs are those of every other implementation."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import Exit
from console.ledger.merkle import (
    EMPTY_ROOT,
    SIZE_LIMIT,
    TILE_WIDTH,
    Frontier,
    ProofError,
    Subtrees,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVES = [leaf_hash(b"record %d" % number) for number in range(600)]


@cache
def naive(start: int, stop: int) -> bytes:
    """RFC 9162 §2.1.1, word for word, over LEAVES[start:stop]."""
    size = stop - start
    if size == 0:
        return EMPTY_ROOT
    if size == 1:
        return LEAVES[start]
    split = max(1 << bit for bit in range(10) if 1 << bit < size)
    return node_hash(naive(start, start + split), naive(start + split, stop))


def subtree(level: int, index: int) -> bytes:
    start, stop = index << level, (index + 1) << level
    assert stop <= len(LEAVES)
    return naive(start, stop)


def one_bit_off(data: bytes, bit: int) -> bytes:
    bit %= 8 * len(data)
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# The eight records and the roots that Certificate Transparency implementations share as test data.
CT_RECORDS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def ct_subtree(level: int, index: int) -> bytes:
    frontier = Frontier()
    frontier.extend([leaf_hash(record) for record in CT_RECORDS[index << level : (index + 1) << level]])
    return frontier.root()


def test_the_empty_tree_has_the_hash_of_nothing_as_root() -> None:
    assert Frontier().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == EMPTY_ROOT


def test_the_roots_are_those_of_certificate_transparency() -> None:
    frontier = Frontier()
    for record, root in zip(CT_RECORDS, CT_ROOTS, strict=True):
        frontier.extend([leaf_hash(record)])
        assert frontier.root().hex() == root


def test_the_paths_are_those_of_certificate_transparency() -> None:
    assert [each.hex() for each in inclusion_path(0, 8, ct_subtree)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [each.hex() for each in consistency_path(6, 8, ct_subtree)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_the_example_of_rfc_9162_section_2_1_5_has_its_proofs() -> None:
    a, b, c, d, e, f, j = LEAVES[:7]
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741 - the RFC's letters
    assert inclusion_path(0, 7, subtree) == [b, h, l]
    assert inclusion_path(3, 7, subtree) == [c, g, l]
    assert inclusion_path(4, 7, subtree) == [f, j, k]
    assert inclusion_path(6, 7, subtree) == [i, k]
    assert consistency_path(3, 7, subtree) == [c, d, g, l]
    assert consistency_path(4, 7, subtree) == [l]
    assert consistency_path(6, 7, subtree) == [i, j, k]


def test_the_frontier_has_the_root_of_the_definition_at_every_size() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES, start=1):
        frontier.extend((leaf,))
        assert frontier.root() == naive(0, size)
        assert len(frontier.roots) == size.bit_count()


@given(cuts=st.lists(st.integers(0, len(LEAVES)), max_size=12), size=st.integers(0, len(LEAVES)))
def test_any_chunking_gives_the_same_tree_and_the_same_stored_subtrees(cuts: list[int], size: int) -> None:
    at_once, in_chunks = Frontier(), Frontier()
    expected = at_once.extend(LEAVES[:size])
    completed = []
    for start, stop in pairwise(sorted({0, size, *(cut for cut in cuts if cut < size)})):
        completed += in_chunks.extend(LEAVES[start:stop])
    assert completed == expected == [(8, index, subtree(8, index)) for index in range(size // 256)]
    assert in_chunks.size == size
    assert in_chunks.to_bytes() == at_once.to_bytes()
    assert in_chunks.root() == naive(0, size)


@given(size=st.integers(0, 500), more=st.integers(0, 100))
def test_a_kept_frontier_grows_on_as_if_never_put_away(size: int, more: int) -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:size])
    read = Frontier.from_bytes(size, frontier.to_bytes())
    copied = frontier.copy()
    read.extend(LEAVES[size : size + more])
    assert (copied.size, copied.to_bytes()) == (frontier.size, frontier.to_bytes())
    assert frontier.root() == naive(0, size)
    assert read.root() == naive(0, size + more)


@pytest.mark.parametrize(
    ("size", "length"), [(0, 1), (1, 0), (1, 31), (1, 33), (3, 32), (4, 64), (-1, 32), (SIZE_LIMIT, 32)]
)
def test_a_frontier_of_the_wrong_length_is_not_read(size: int, length: int) -> None:
    with pytest.raises(ProofError):
        Frontier.from_bytes(size, bytes(length))


def test_a_wrong_leaf_leaves_the_frontier_as_it_was() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:5])
    before = frontier.to_bytes()
    with pytest.raises(ValueError, match="32 bytes"):
        frontier.extend([*LEAVES[5:9], b"a record, not its hash"])
    assert (frontier.size, frontier.to_bytes()) == (5, before)


def test_a_tree_does_not_outgrow_a_signed_64_bit_size() -> None:
    frontier = Frontier.from_bytes(SIZE_LIMIT - 1, bytes(32 * 63))
    with pytest.raises(ValueError, match="exceed"):
        frontier.extend(LEAVES[:1])


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, len(LEAVES)), seed=st.integers(0, 2**32))
def test_every_record_of_a_tree_is_proved_and_one_changed_bit_is_not(size: int, seed: int) -> None:
    rng = random.Random(seed)
    root = naive(0, size)
    for index in range(size):
        path = inclusion_path(index, size, subtree)
        verify_inclusion(index, size, LEAVES[index], path, root)
        claim = [LEAVES[index], *path, root]
        wrong = rng.randrange(len(claim))
        claim[wrong] = one_bit_off(claim[wrong], rng.getrandbits(8))
        with pytest.raises(ProofError):
            verify_inclusion(index, size, claim[0], claim[1:-1], claim[-1])
        with pytest.raises(ProofError):
            verify_inclusion(index ^ 1 << rng.randrange(10), size, LEAVES[index], path, root)


def test_every_record_is_proved_at_every_size_up_to_130() -> None:
    for size in range(1, 131):
        for index in range(size):
            path = inclusion_path(index, size, subtree)
            assert root_from_inclusion(index, size, LEAVES[index], path) == naive(0, size)


def test_every_tree_is_the_beginning_of_every_later_one_up_to_200() -> None:
    for new in range(201):
        for old in range(new + 1):
            verify_consistency(old, naive(0, old), new, naive(0, new), consistency_path(old, new, subtree))


@settings(max_examples=400, deadline=None)
@given(sizes=st.tuples(st.integers(1, 600), st.integers(1, 600)), at=st.integers(0), bit=st.integers(0, 255))
def test_one_changed_bit_of_a_consistency_proof_is_refused(sizes: tuple[int, int], at: int, bit: int) -> None:
    old, new = sorted(sizes)
    claim = [naive(0, old), naive(0, new), *consistency_path(old, new, subtree)]
    verify_consistency(old, claim[0], new, claim[1], claim[2:])
    at %= len(claim)
    claim[at] = one_bit_off(claim[at], bit)
    with pytest.raises(ProofError):
        verify_consistency(old, claim[0], new, claim[1], claim[2:])


@settings(max_examples=200, deadline=None)
@given(sizes=st.tuples(st.integers(1, 600), st.integers(1, 600)), extra=st.binary(min_size=32, max_size=32))
def test_a_proof_with_a_hash_more_or_less_is_refused(sizes: tuple[int, int], extra: bytes) -> None:
    old, new = sorted(sizes)
    index, path = old - 1, inclusion_path(old - 1, new, subtree)
    for wrong in ([*path, extra], [extra, *path], [*path, b""], *([path[1:], path[:-1]] if path else [])):
        with pytest.raises(ProofError):
            verify_inclusion(index, new, LEAVES[index], wrong, naive(0, new))
    path = consistency_path(old, new, subtree)
    for wrong in ([*path, extra], [extra, *path], [*path, b""], *([path[1:], path[:-1]] if path else [])):
        with pytest.raises(ProofError):
            verify_consistency(old, naive(0, old), new, naive(0, new), wrong)


def test_a_proof_of_the_wrong_height_is_refused_even_when_its_hashes_lead_to_the_root() -> None:
    a, b, c = LEAVES[:3]
    ab = node_hash(a, b)
    verify_inclusion(0, 2, a, [b], ab)
    with pytest.raises(ProofError, match="fewer"):
        verify_inclusion(0, 3, a, [b], ab)
    with pytest.raises(ProofError, match="fewer"):
        verify_inclusion(0, 5, a, [], a)
    for after in (node_hash(ab, c), node_hash(c, ab)):
        with pytest.raises(ProofError, match="more"):
            verify_inclusion(0, 2, a, [b, c], after)
    verify_consistency(1, a, 2, ab, [b])
    with pytest.raises(ProofError, match="fewer"):
        verify_consistency(1, a, 5, ab, [b])
    for old, after in ((a, node_hash(ab, c)), (node_hash(c, a), node_hash(c, ab))):
        with pytest.raises(ProofError, match="more"):
            verify_consistency(1, old, 2, after, [b, c])


def test_a_hash_cut_at_another_byte_is_refused_even_when_it_leads_to_the_root() -> None:
    both = LEAVES[0] + LEAVES[1]
    root = node_hash(*LEAVES[:2])
    for cut in (31, 33):
        assert node_hash(both[:cut], both[cut:]) == root
        with pytest.raises(ProofError, match="32 bytes"):
            verify_inclusion(0, 2, both[:cut], [both[cut:]], root)
        with pytest.raises(ProofError, match="32 bytes"):
            verify_consistency(1, both[:cut], 2, root, [both[cut:]])
        with pytest.raises(ProofError, match="32 bytes"):
            verify_inclusion(0, 2, LEAVES[0], [bytes(cut)], node_hash(LEAVES[0], bytes(cut)))


def test_a_history_rewritten_or_cut_is_refused() -> None:
    rewritten = Frontier()
    rewritten.extend([*LEAVES[:99], leaf_hash(b"another record"), *LEAVES[100:300]])
    path = consistency_path(200, 300, subtree)
    with pytest.raises(ProofError, match="changed or cut"):
        verify_consistency(200, naive(0, 200), 300, rewritten.root(), path)
    with pytest.raises(ProofError, match="beginning"):
        verify_consistency(300, naive(0, 300), 200, naive(0, 200), path)
    with pytest.raises(ProofError, match="same size"):
        verify_consistency(300, naive(0, 300), 300, rewritten.root(), [])


def test_an_empty_tree_is_the_beginning_of_all_only_by_its_own_root() -> None:
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    verify_consistency(0, EMPTY_ROOT, 9, naive(0, 9), [])
    for old_root, new, new_root, path in (
        (bytes(32), 9, naive(0, 9), []),
        (bytes(32), 0, bytes(32), []),
        (EMPTY_ROOT, 9, naive(0, 9), [LEAVES[0]]),
    ):
        with pytest.raises(ProofError):
            verify_consistency(0, old_root, new, new_root, path)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (6, 5), (0, SIZE_LIMIT)])
def test_a_place_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_path(index, size, subtree)
    with pytest.raises(ProofError):
        root_from_inclusion(index, size, LEAVES[0], [])


@pytest.mark.parametrize("size", [2**62, 2**62 + 1, SIZE_LIMIT - 2, SIZE_LIMIT - 1])
def test_the_largest_trees_are_proved_too(size: int) -> None:
    def same(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        return leaf_hash(b"level %d" % level)

    for index in (0, size // 2, size - 1):
        assert len(inclusion_path(index, size, same)) <= 63
    path = consistency_path(size // 3, size, same)
    assert 0 < len(path) <= 64


def test_what_does_not_hold_ends_with_the_exit_code_for_unverified() -> None:
    assert ProofError("Something does not hold.").exit is Exit.UNVERIFIED


class StoredTree:
    """A tree kept as the database keeps it: leaf hashes and the roots that `extend` said to store."""

    def __init__(self, size: int, chunk: int) -> None:
        self.rows: list[list[bytes]] = [[leaf_hash(number.to_bytes(4)) for number in range(size)]]
        self.kept: dict[int, list[bytes]] = {}
        self.frontier = Frontier()
        self.read = 0
        for start in range(0, size, chunk):
            for level, index, node in self.frontier.extend(self.rows[0][start : start + chunk]):
                assert index == len(self.kept.setdefault(level, []))
                self.kept[level].append(node)
        while len(self.rows[-1]) > 1:
            row = self.rows[-1]
            self.rows.append([node_hash(*row[at : at + 2]) for at in range(0, len(row) - 1, 2)])

    def leaves(self, start: int, stop: int) -> Sequence[bytes]:
        self.read += stop - start
        return self.rows[0][start:stop]

    def stored(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        self.read += stop - start
        return self.kept[level][start:stop]

    def subtrees(self, tiles: int = 64) -> Subtrees:
        return Subtrees(self.frontier.size, self.leaves, self.stored, tiles=tiles)


@pytest.fixture(scope="module")
def stored_tree() -> StoredTree:
    return StoredTree(2 * 65_536 + 3 * 256 + 77, chunk=4_999)


def test_the_stored_roots_are_the_nodes_of_levels_8_and_16(stored_tree: StoredTree) -> None:
    assert stored_tree.kept == {8: stored_tree.rows[8], 16: stored_tree.rows[16]}
    assert len(stored_tree.kept[16]) == 2


@pytest.mark.parametrize("tiles", [1, 64])
def test_subtrees_read_by_tiles_are_the_nodes_of_the_tree(stored_tree: StoredTree, tiles: int) -> None:
    subtrees = stored_tree.subtrees(tiles)
    rng = random.Random(9162)
    for level, row in enumerate(stored_tree.rows):
        for index in {0, len(row) - 1, *(rng.randrange(len(row)) for _ in range(40))} if row else ():
            assert subtrees(level, index) == row[index]
        with pytest.raises(ProofError):
            subtrees(level, len(row))


def test_proofs_from_tiles_hold_in_a_tree_of_three_levels_of_tiles(stored_tree: StoredTree) -> None:
    subtrees = stored_tree.subtrees()
    size, root = stored_tree.frontier.size, stored_tree.frontier.root()
    rng = random.Random(6962)
    for index in (0, 255, 256, 65_535, 65_536, size - 1, *(rng.randrange(size) for _ in range(30))):
        path = inclusion_path(index, size, subtrees)
        verify_inclusion(index, size, stored_tree.rows[0][index], path, root)
        older = Frontier()
        older.extend(stored_tree.rows[0][: index + 1])
        verify_consistency(index + 1, older.root(), size, root, consistency_path(index + 1, size, subtrees))


def test_a_proof_in_fifty_million_records_reads_two_tiles_a_level_at_most() -> None:
    size = 50_000_123
    nodes = [leaf_hash(b"the same")]
    while len(nodes) < 32:
        nodes.append(node_hash(nodes[-1], nodes[-1]))
    reads: list[int] = []

    def leaves(start: int, stop: int) -> list[bytes]:
        reads.append(stop - start)
        return [nodes[0]] * (stop - start)

    def stored(level: int, start: int, stop: int) -> list[bytes]:
        reads.append(stop - start)
        return [nodes[level]] * (stop - start)

    frontier = Frontier.from_bytes(size, b"".join(nodes[bit] for bit in reversed(range(32)) if size >> bit & 1))
    rng = random.Random(50)
    for index in (0, size - 1, *(rng.randrange(size) for _ in range(50))):
        reads.clear()
        path = inclusion_path(index, size, Subtrees(size, leaves, stored))
        verify_inclusion(index, size, nodes[0], path, frontier.root())
        assert len(reads) <= 2 * 4
        assert max(reads) <= TILE_WIDTH
        reads.clear()
        consistency_path(index + 1, size, Subtrees(size, leaves, stored))
        assert len(reads) <= 2 * 4


def test_a_tile_is_read_once_while_it_is_held(stored_tree: StoredTree) -> None:
    subtrees = stored_tree.subtrees()
    inclusion_path(1000, stored_tree.frontier.size, subtrees)
    before = stored_tree.read
    inclusion_path(1001, stored_tree.frontier.size, subtrees)
    assert stored_tree.read == before


def test_only_so_many_tiles_are_held(stored_tree: StoredTree) -> None:
    subtrees = stored_tree.subtrees(tiles=2)
    for tile in (0, 1, 2):
        subtrees(0, tile * TILE_WIDTH)
    before = stored_tree.read
    subtrees(0, 2 * TILE_WIDTH)
    assert stored_tree.read == before
    subtrees(0, 0)
    assert stored_tree.read == before + TILE_WIDTH


@pytest.mark.parametrize("given_back", [[], [bytes(32)] * 255, [bytes(32)] * 257, [bytes(31)] * 256])
def test_missing_or_broken_stored_hashes_are_refused(given_back: list[bytes]) -> None:
    subtrees = Subtrees(256, lambda _start, _stop: given_back, lambda _level, _start, _stop: [])
    with pytest.raises(ProofError, match="not complete"):
        subtrees(0, 0)
