"""The signature that follows every commit: a checkpoint of the log by a key that the database does not have.

The signer keeps its own frontier beside the key. It signs only a tree that continues the one it signed last: it reads the records
since then, extends its own frontier – or takes over the tree that this process has just grown from that very one – and compares the
root with the database's. A shorter log, an older backup or a changed record makes it refuse, loudly. A checkpoint is published before
it is remembered: a process that dies in between leaves nothing that looks like a file that was cut. The state file is locked across
processes, and waited for no longer than one can: a console that stands still while it signs keeps nobody else from deciding.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from console.errors import Unavailable, Unverified
from console.keyfiles import write_atomically
from console.lazy import sa, t
from console.ledger.log import leaves_between
from console.ledger.merkle import Frontier, Growth
from console.ledger.note import Checkpoint, SigningKey
from console.ledger.publishing import last_published, length_of, publish
from console.ledger.waiting import lock_in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.words import Log

CHUNK = 20_000
"""Records read at a time while catching up."""


class State(msgspec.Struct):
    """What was signed last: how many records, the tree's frontier, the note itself."""

    size: int = 0
    frontier: bytes = b""
    note: str = ""


def read_state(folder: Path, log: str) -> State:
    """What was last signed of a log, by the signer's folder alone: no key is needed. Empty before the first signature."""
    path = folder / f"{log}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (OSError, msgspec.DecodeError):
        raise Unavailable(
            f"The signer's state {path} cannot be read; nothing was signed. Put it back from its backup."
        ) from None


class Signed(NamedTuple):
    """What was signed last, and the file of checkpoints (None for none) with its length in bytes at that moment."""

    state: State
    checkpoints: Path | None
    published: int


class Signer:
    """Signs the checkpoints of a portal's logs."""

    def __init__(self, key: SigningKey, state: Path, checkpoints: Path | None) -> None:
        """`state` is a folder; `checkpoints` a file to which every checkpoint is appended."""
        self._key = key
        self._state = state
        self._checkpoints = checkpoints
        self._published: dict[str, tuple[int, int]] = {}
        """How far each log was published when this signer last saw to it, and how long the file was then."""

    def key(self, log: Log) -> SigningKey:
        """The key that signs a log: the portal's for the ledger, the same seed under a name of its own for accesses."""
        return self._key if log == "ledger" else SigningKey(f"{self._key.name}-{log}", self._key.seed)

    def seal(self, connection: sa.Connection, log: Log, known: Growth | None = None) -> Checkpoint:
        """Sign the log as `connection` sees it and return the checkpoint.

        `known` is how the log grew by what was just committed, which saves reading that again where it began from what was signed.
        Raises Unverified when the log does not continue what was signed.
        """
        with self._locked(log) as path:
            state = self._read(path)
            head = t.log_head
            row = connection.execute(sa.select(head.c.size, head.c.root).where(head.c.log == log)).one()
            frontier = Frontier.from_bytes(state.size, state.frontier)
            published = self._reached(log, state.size)
            if row.size < (signed := max(state.size, published)):
                raise Unverified(
                    f"The {log} holds {row.size:,} records but {signed:,} were signed: records are missing or an old "
                    "database was put back. Nothing was signed; run district audit verify and keep this database as it is."
                )
            if known is not None and known.before == frontier and known.after.size <= row.size:
                frontier = known.after.copy()
            self._catch_up(connection, log, frontier, int(row.size))
            if frontier.root() != bytes(row.root):
                raise Unverified(
                    f"The {log} does not continue what was signed at {state.size:,} records: it was changed from outside. "
                    "Nothing was signed; run district audit verify and keep this database as it is."
                )
            checkpoint = Checkpoint(self.key(log).name, frontier.size, frontier.root())
            new = frontier.size != state.size or not state.note
            if new or published < frontier.size:
                note = checkpoint.sign(self.key(log))
                if published < frontier.size:
                    self._publish(log, frontier.size, note)
                if new:
                    write_atomically(path, msgspec.json.encode(State(frontier.size, frontier.to_bytes(), note)))
            return checkpoint

    def signed(self, log: Log) -> Signed:
        """What was signed last, and how far the published checkpoints reached at that moment. Signs nothing."""
        with self._locked(log) as path:
            state = self._read(path)
            file = self._checkpoints
            return Signed(state, file, length_of(file) if file is not None else 0)

    def note(self, log: Log) -> str:
        """The last signed checkpoint of the log as a note, '' before the first."""
        return self._read(self._state / f"{log}.json").note

    def signed_size(self, log: Log) -> int:
        """How many records of the log were signed."""
        return self._read(self._state / f"{log}.json").size

    @staticmethod
    def _catch_up(connection: sa.Connection, log: Log, frontier: Frontier, size: int) -> None:
        while frontier.size < size:
            leaves = leaves_between(connection, log, frontier.size, min(size, frontier.size + CHUNK))
            if not leaves:
                raise Unverified(
                    f"The {log} has a gap at record {frontier.size:,}; nothing was signed. Run district audit verify."
                )
            frontier.extend(leaves)

    def _reached(self, log: Log, remembered: int) -> int:
        """How far the log was published; without a file, as far as anything can be. A file of the same length holds the same."""
        file = self._checkpoints
        if file is None:
            return remembered
        known, length = self._published.get(log, (-1, -1))
        if length_of(file) != length:
            known = last_published(file, self.key(log).verify_key)
        return known

    def _publish(self, log: Log, size: int, note: str) -> None:
        if self._checkpoints is not None and (length := publish(self._checkpoints, note)):
            self._published[log] = size, length

    @staticmethod
    def _read(path: Path) -> State:
        return read_state(path.parent, path.stem)

    @contextmanager
    def _locked(self, log: Log) -> Iterator[Path]:
        try:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Known now, before a decision that could then not be signed.
            if not os.access(self._state, os.W_OK | os.X_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            descriptor = os.open(self._state / f"{log}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                f"The signer's folder {self._state} cannot be used ({error.strerror}); nothing was signed. Check its rights."
            ) from None
        try:
            try:
                lock_in_time(descriptor)
            except BlockingIOError:
                raise Unavailable(
                    "Another console stands still while it signs; nothing was signed. Find it and end it: "
                    "the next signature covers what is waiting."
                ) from None
            except OSError as error:
                raise Unavailable(
                    f"The signer's state cannot be locked ({error.strerror}); nothing was signed."
                ) from None
            yield self._state / f"{log}.json"
        finally:
            os.close(descriptor)
