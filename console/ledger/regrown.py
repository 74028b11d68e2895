"""The tree grown anew from the records and held against every root that was signed and every part that is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.lazy import sa, t
from console.ledger.merkle import STORED_LEVELS, Frontier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from console.ledger.witnesses import Witness
    from models.words import Log


class Regrown:
    """One log's tree, growing. Once a record is missing it cannot be grown any further: `stop`."""

    def __init__(self, log: Log, witnesses: Iterable[Witness]) -> None:
        self._log = log
        self._witnesses: Iterator[Witness] = iter(witnesses)
        self._ahead = next(self._witnesses, None)
        self._completed: list[tuple[int, int, bytes]] = []
        self._good = 0
        self._wrong_nodes: list[tuple[int, int]] = []
        self._wrong_count = 0
        self.frontier = Frontier()
        self.changed: tuple[int, int] | None = None
        self.promised = 0
        self.stopped = False

    def stop(self) -> None:
        """Grow no further."""
        self.stopped = True

    def grow(self, leaves: Sequence[bytes]) -> None:
        """Append leaf hashes, stopping at every size that was signed to compare the root."""
        rest = list(leaves)
        while not self.stopped and rest:
            self._meet()
            room = len(rest) if self._ahead is None else min(len(rest), self._ahead.size - self.frontier.size)
            self._completed += self.frontier.extend(rest[:room])
            rest = rest[room:]

    def _meet(self) -> None:
        """Compare the root with all that was signed at this size."""
        while self._ahead is not None and self._ahead.size <= self.frontier.size:
            if self.changed is None and self._ahead.root != self.frontier.root():
                self.changed = (self._good, self._ahead.size - 1)
            if self.changed is None:
                self._good = self._ahead.size
            self._ahead = next(self._witnesses, None)

    def finish(self) -> None:
        """Compare what is left; `promised` becomes the largest size that was signed."""
        if not self.stopped:
            self._meet()
        self.promised = self._good
        while self._ahead is not None:
            self.promised = self._ahead.size
            self._ahead = next(self._witnesses, None)

    def compare_nodes(self, connection: sa.Connection) -> None:
        """Hold the parts completed since the last call against the stored ones."""
        node = t.log_node
        for level in sorted({level for level, _, _ in self._completed}):
            grown = {index: digest for each, index, digest in self._completed if each == level}
            rows = connection.execute(
                sa.select(node.c.index, node.c.hash).where(
                    node.c.log == self._log, node.c.level == level, node.c.index.between(min(grown), max(grown))
                )
            )
            stored = {index: bytes(digest) for index, digest in rows}
            wrong = [index for index, digest in sorted(grown.items()) if stored.get(index) != digest]
            self._wrong_count += len(wrong)
            self._wrong_nodes += [(level, index) for index in wrong[:1]]
        self._completed.clear()

    def strange(self, connection: sa.Connection) -> str:
        """What is wrong when parts are stored that the log is too short for, '' for nothing."""
        node, head = t.log_node, t.log_head
        levels = connection.execute(
            sa.select(node.c.level, sa.func.min(node.c.index), sa.func.max(node.c.index))
            .where(node.c.log == self._log)
            .group_by(node.c.level)
        ).all()
        # Read after the nodes: whoever appended in between has moved the head with them.
        size = connection.execute(sa.select(head.c.size).where(head.c.log == self._log)).scalar() or 0
        for level, first, last in levels:
            if level <= 0 or level % STORED_LEVELS or first < 0 or last >= size >> level:
                return f"The stored tree of the {self._log} has parts that no record belongs to."
        return ""

    @property
    def fault(self) -> str:
        """What is wrong with the stored parts of the tree, '' for nothing."""
        if not self._wrong_nodes:
            return ""
        level, index = min(self._wrong_nodes, key=lambda each: each[1] << each[0])
        first, last = index << level, ((index + 1) << level) - 1
        more = f" and {self._wrong_count - 1:,} more" if self._wrong_count > 1 else ""
        return f"The stored tree of the {self._log} differs above the records {first:,} to {last:,}{more}."

    def suspects(self) -> tuple[int, int] | None:
        """First and last of the records of which one was changed, as closely as signed roots and the stored tree show it."""
        if self.changed is None:
            return None
        first, last = self.changed
        for level, index in sorted(self._wrong_nodes):
            start, end = index << level, ((index + 1) << level) - 1
            if level == STORED_LEVELS and start <= last and end >= first:
                return max(first, start), min(last, end)
        return first, last
