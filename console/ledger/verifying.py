"""Verify everything: every record, the tree over them, and what was signed, all computed anew from the stored bytes.

Nothing is believed that can be computed, and what the database says of itself is held against what lies outside it: the signer's
state, the published checkpoints, the key. Records are read in order, a stretch at a time, each in a transaction of its own, so that
memory stays flat and deciding never waits for verifying; where they are many, in two processes. What was appended after the start is
not looked at.

A record that was changed together with all that the database says of it shows only in a signed root. Then the first bad record is
one of those between the last checkpoint that fits and the first that does not, narrowed by the stored tree where that helps.

What cannot be shown: records that somebody with the database's own rights appends before the signer signs them, and a checkpoint
taken out of the middle of the published ones (the others still prove everything).
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from console.ledger.beside import Batches
from console.ledger.hands import hands
from console.ledger.regrown import Regrown
from console.ledger.verdict import Bad, Checked, Verdict
from console.ledger.witnesses import Witnesses
from console.progress import SILENT
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.ledger.note import VerifyKey
    from console.ledger.stretch import Stretch
    from console.office import Office
    from console.progress import Progress

CHUNK = 20_000
"""Records of one stretch, about 12 MB."""


def verify(
    office: Office,
    *,
    log: Log | None = None,
    key: VerifyKey | None = None,
    progress: Progress = SILENT,
    processes: int | None = None,
) -> Verdict:
    """Verify one log, or both. `key` is the portal's public key as somebody outside keeps it; without it the signer's own is taken.

    `processes` is how many read; None leaves it to how many records there are and processors. Never raises for what is wrong with
    the records: the verdict says it. Raises Unavailable when the database cannot be read, Cancelled.
    """
    began = monotonic()
    faults = _identity(office, key)
    walks = [_Walk(office, each, key) for each in ((log,) if log is not None else Log)]
    for walk in walks:
        walk.run(progress, processes)
        faults += walk.faults
    return Verdict(
        tuple(walk.checked for walk in walks),
        tuple(walk.bad for walk in walks if walk.bad is not None),
        tuple(faults),
        sum(walk.size for walk in walks),
        monotonic() - began,
    )


def _identity(office: Office, key: VerifyKey | None) -> list[str]:
    """What is wrong with whose portal this is."""
    faults = []
    own = office.signer.key(Log.LEDGER).vkey
    with office.reading() as connection:
        row = connection.execute(sa.select(t.portal.c.verifier_key, t.portal.c.origin)).one_or_none()
    if row is None or row.verifier_key != own or row.origin != office.settings.portal.origin:
        faults.append("The database does not name the public key and the origin that this console signs with.")
    if key is not None and key.vkey != own:
        faults.append("The console signs with another key than the one that was given.")
    return faults


class _Walk:
    """The verification of one log, from its first record to its last."""

    def __init__(self, office: Office, log: Log, key: VerifyKey | None) -> None:
        self._office = office
        self._log = log
        self._witnesses = Witnesses(office.signer, log, key)
        self._tree = Regrown(log, self._witnesses)
        self._batches = Batches()
        self._empty = False
        self._found: tuple[int, str] | None = None
        self.size = 0
        self.faults: list[str] = []
        self.bad: Bad | None = None

    @property
    def checked(self) -> Checked:
        """What was read."""
        return Checked(str(self._log), self.size, self._tree.frontier.root().hex(), self._witnesses.signed)

    def run(self, progress: Progress, processes: int | None) -> None:
        """Read it all; then `bad` and `faults` say what was found."""
        with self._office.reading() as connection:
            head = connection.execute(sa.select(t.log_head).where(t.log_head.c.log == self._log)).one_or_none()
        self.size = head.size if head is not None else 0
        what = f"verifying the {self._log}:"
        with hands(self._office, self.size, processes) as read:
            for stretch in read(str(self._log), self._ranges()):
                self._take(stretch)
                progress.say(stretch.end, self.size, what)
        with self._office.reading() as connection:
            self._batches.take(connection, (), last=True)
        self._tree.finish()
        self._witnesses.close(self.size)
        self._judge(head)

    def _ranges(self) -> Iterator[tuple[int, int]]:
        """From where to where each stretch is to be read. Where there is nothing, it goes on where there is something again."""
        first = 0
        while first < self.size:
            stop = min(first + CHUNK, self.size)
            yield first, stop
            first = self._next(stop) if self._empty else stop

    def _next(self, index: int) -> int:
        """The first record from `index` on, the log's size if there is none."""
        record = t.record.c
        with self._office.reading() as connection:
            found = connection.execute(
                sa.select(sa.func.min(record.index)).where(
                    record.log == self._log, record.index >= index, record.index < self.size
                )
            ).scalar()
        return self.size if found is None else int(found)

    def _take(self, stretch: Stretch) -> None:
        self._empty = stretch.count == 0
        self._tree.grow(stretch.leaves)
        if stretch.missing is not None:
            self._note(stretch.missing, "it is missing.")
            self._tree.stop()
        if stretch.wrong is not None:
            self._note(*stretch.wrong)
        self._batches.faults += stretch.faults
        with self._office.reading() as connection:
            self._tree.compare_nodes(connection)
            self._batches.take(connection, stretch.edges, last=False)

    def _note(self, index: int, wrong: str) -> None:
        if self._found is None or index < self._found[0]:
            self._found = (index, wrong)

    def _judge(self, head: Any) -> None:
        self.faults += self._witnesses.faults
        self._judge_head(head)
        with self._office.reading() as connection:
            if self._log is Log.LEDGER:
                self._batches.left_over(connection)
            self.faults += [each for each in (self._tree.fault, self._tree.strange(connection)) if each]
            self._beyond(connection)
        self.faults += self._batches.faults
        if self._tree.promised > self.size:
            self._note(
                self.size, f"it is missing: {self._tree.promised:,} records were signed. Was an old database put back?"
            )
        found, suspects = self._found, self._tree.suspects()
        if suspects is not None and (found is None or found[0] > suspects[1]):
            self.bad = Bad(str(self._log), *suspects, "it is not the one that was signed.")
        elif found is not None:
            self.bad = Bad(str(self._log), found[0], found[0], found[1])

    def _judge_head(self, head: Any) -> None:
        log, tree = self._log, self._tree
        if head is None:
            self.faults.append(f"The {log} has no head: its row was deleted.")
        elif tree.stopped:
            self.faults.append(f"The root of the {log} cannot be computed, because a record is missing.")
        elif (bytes(head.root), bytes(head.frontier)) != (tree.frontier.root(), tree.frontier.to_bytes()):
            self.faults.append(f"The head of the {log} does not fit its records.")

    def _beyond(self, connection: sa.Connection) -> None:
        """Records that the head does not count."""
        record, head = t.record, t.log_head
        size = sa.select(head.c.size).where(head.c.log == self._log).scalar_subquery()
        # One after the other: for both at once the database would look at every record.
        for outside in (record.c.index < 0, record.c.index >= sa.func.coalesce(size, 0)):
            first = connection.execute(
                sa.select(sa.func.min(record.c.index)).where(record.c.log == self._log, outside)
            ).scalar()
            if first is not None:
                self._note(first, "the head does not count it.")
        if self._log is Log.LEDGER:
            names = sorted(str(each) for each in Log)
            # Ranges, for the database looks "not in" up in every record.
            for low, high in zip([None, *names], [*names, None], strict=True):
                between = [*([record.c.log > low] if low else []), *([record.c.log < high] if high else [])]
                if connection.execute(sa.select(record.c.log).where(*between).limit(1)).first() is not None:
                    self.faults.append("There are records of a log that does not exist.")
