"""The proof that one record is in the ledger, as a text that anyone can check without the portal (C2SP tlog-proof).

A proof holds the record's index, its path to the root and a signed checkpoint; who has the record and the ledger's
public key needs nothing else. There is exactly one text for a proof, and only that text is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from console.ledger.merkle import HASH_SIZE, SIZE_LIMIT, ProofError, leaf_hash, verify_inclusion
from console.ledger.note import NOTE_LIMIT, from_base64, from_decimal, open_checkpoint, to_base64

if TYPE_CHECKING:
    from console.ledger.note import Checkpoint, VerifyKey

FORMAT: Final = "c2sp.org/tlog-proof@v1"
"""The first line of every proof."""

EXTRA_LIMIT = 64 * 1024
"""Bytes of extra data."""

PROOF_LIMIT = 2 * EXTRA_LIMIT + NOTE_LIMIT
"""Bytes of a whole proof."""

_PATH_LIMIT = SIZE_LIMIT.bit_length() - 1
_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True)
class Proof:
    """That the record at `index` (from 0) is in the tree of the checkpoint; `path` begins with the leaf's sibling.

    `checkpoint_note` is the signed note, unchanged; `extra` is opaque and *not* covered by any signature: never trust
    it. Only the form is checked here, `verify_record` checks the rest. A malformed one raises ProofError.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint_note: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < SIZE_LIMIT:
            raise ProofError("A proof's index is out of range; it was not accepted.")
        if len(self.path) > _PATH_LIMIT or any(len(each) != HASH_SIZE for each in self.path):
            raise ProofError("A proof's path is too long or has a hash that is not 32 bytes; it was not accepted.")
        if self.extra is not None and not 0 < len(self.extra) <= EXTRA_LIMIT:
            raise ProofError("A proof's extra data is empty or longer than 64 KiB; it was not accepted.")
        if not 0 < len(self.checkpoint_note) <= NOTE_LIMIT:
            raise ProofError("A proof's checkpoint is empty or longer than 256 KiB; it was not accepted.")

    def text(self) -> str:
        """The proof in its one form; the usual file name ends in `.tlog-proof`."""
        lines = [FORMAT]
        if self.extra is not None:
            lines.append(_EXTRA + to_base64(self.extra))
        lines.append(f"{_INDEX}{self.index}")
        lines += map(to_base64, self.path)
        return "\n".join(lines) + "\n\n" + self.checkpoint_note

    @classmethod
    def parse(cls, data: bytes | str) -> Proof:
        """The proof whose `text()` this is, to the character; else ProofError or NoteError."""
        if len(data) > PROOF_LIMIT:
            raise ProofError("A proof is too long; it was not accepted.")
        try:
            text = data.decode() if isinstance(data, bytes) else data
        except UnicodeError:
            raise ProofError("A proof is not valid UTF-8; it was not accepted.") from None
        head, blank, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if first != FORMAT or not blank:
            raise ProofError(f"A proof does not begin with {FORMAT} or has no checkpoint; it was not accepted.")
        extra = None
        if lines and lines[0].startswith(_EXTRA):
            extra = from_base64(lines.pop(0).removeprefix(_EXTRA))
        if not lines or not lines[0].startswith(_INDEX) or len(lines) > 1 + _PATH_LIMIT:
            raise ProofError("A proof has no index where it belongs or too many hashes; it was not accepted.")
        index = from_decimal(lines[0].removeprefix(_INDEX))
        return cls(index, tuple(map(from_base64, lines[1:])), note, extra)


def verify_record(proof: Proof, record: bytes, key: VerifyKey) -> Checkpoint:
    """The checkpoint signed by `key` whose tree has `record` at the proof's index; else ProofError or NoteError.

    The checkpoint says whose ledger and how large; whether it is the newest or the expected one, the caller asks.
    """
    checkpoint = open_checkpoint(proof.checkpoint_note, key)
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(record), proof.path, checkpoint.root)
    return checkpoint
