"""What a verification found, in words: for the database and for a bundle alike.

A verdict names the first bad record of each log and everything that is wrong around it; it is good only when there is neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.errors import Unverified


@dataclass(frozen=True, slots=True)
class Bad:
    """The first bad record of a log: one of those from `index` to `last` (the same where the evidence is exact), and what is wrong."""

    log: str
    index: int
    last: int
    what: str

    @property
    def sentence(self) -> str:
        """It in one sentence."""
        if self.index == self.last:
            return f"Record {self.index:,} of the {self.log}: {self.what}"
        return f"One of the records {self.index:,} to {self.last:,} of the {self.log}: {self.what}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One log as it was read: how many records it holds and the hex root over them, and how many are signed."""

    log: str
    size: int
    root: str
    signed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome. `bad` holds at most one record a log, the first; `faults` are sentences about all that is no record."""

    checked: tuple[Checked, ...]
    bad: tuple[Bad, ...] = ()
    faults: tuple[str, ...] = ()
    records: int = 0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether everything is as it was signed."""
        return not self.bad and not self.faults

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything that is wrong, the records first."""
        return (*(each.sentence for each in self.bad), *self.faults)

    def require(self) -> None:
        """Return when everything holds; else raise Unverified with the first thing that does not."""
        if not self.holds:
            raise Unverified(self.sentences[0])
