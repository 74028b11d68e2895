"""What lies outside the database and was signed: the signer's state and the published checkpoints of one log.

Each is a size and a root that the tree must have had. They come in ascending order; what is damaged is said and is no witness.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.errors import Unavailable
from console.ledger.merkle import Frontier, ProofError
from console.ledger.note import NoteError, VerifyKey, open_checkpoint
from console.ledger.published import read_published
from console.ledger.seal import State
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.ledger.seal import Signed, Signer


@dataclass(frozen=True, slots=True)
class Witness:
    """A root that was signed at a size."""

    size: int
    root: bytes


@dataclass(slots=True)
class Witnesses:
    """The witnesses of one log. `faults` is complete, and `signed` known, once all were taken.

    `key` is the ledger's public key as somebody keeps it, else the signer's own. Made before the head is read, they reach no
    further than it does.
    """

    signer: Signer
    log: Log
    key: VerifyKey | None
    faults: list[str] = field(default_factory=list)
    signed: int = 0
    _said: Signed | None = None
    _last: int = -1

    def __post_init__(self) -> None:
        try:
            self._said = self.signer.signed(self.log)
        except Unavailable as error:
            self.faults.append(str(error))

    def __iter__(self) -> Iterator[Witness]:
        return heapq.merge(self._published(), self._state(), key=lambda each: each.size)

    def close(self, size: int) -> None:
        """Judge what was not there; `size` is the log's. Called when all were taken."""
        if self._said is None:
            return
        if self._said.state == State() and size:
            self.faults.append(f"The signer has no memory of the {self.log}: its state file is gone.")
        if self._said.checkpoints is not None and self._last < self.signed:
            self.faults.append(
                f"The file of checkpoints ends at {max(self._last, 0):,} records of the {self.log}, but {self.signed:,} were "
                "signed: it was cut, or could not be written."
            )

    def _key(self, log: Log) -> VerifyKey:
        own = self.signer.key(log).verify_key
        return own if self.key is None else VerifyKey(own.name, self.key.public)

    def _state(self) -> Iterator[Witness]:
        if self._said is None or self._said.state == State():
            return
        state = self._said.state
        try:
            checkpoint = open_checkpoint(state.note, self._key(self.log))
            root = Frontier.from_bytes(state.size, state.frontier).root()
        except (NoteError, ProofError):
            checkpoint = None
        if checkpoint is None or (checkpoint.size, checkpoint.root) != (state.size, root):
            self.faults.append(
                f"The signer's state of the {self.log} was changed: it does not agree with its checkpoint."
            )
            return
        self.signed = state.size
        yield Witness(checkpoint.size, checkpoint.root)

    def _published(self) -> Iterator[Witness]:
        if self._said is None or self._said.checkpoints is None or not self._said.published:
            return
        mine = self._key(self.log).name
        wrong = ""
        for each in read_published(self._said.checkpoints, self._said.published, [self._key(log) for log in Log]):
            if each.wrong:
                wrong = wrong or each.wrong
            elif each.origin == mine and each.size <= self._last:
                wrong = wrong or f"line {each.line:,} is older than one before it"
            elif each.origin == mine:
                self._last = each.size
                yield Witness(each.size, each.root)
        if wrong and self.log is Log.LEDGER:
            self.faults.append(f"The file of checkpoints was changed: {wrong}.")
