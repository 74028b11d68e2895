"""What reading found wrong, so that every reject names its file, line, column and reason and never the value.

A value may be somebody's name or number, a finding may end up in a mail or a log: that is why only places and reasons stand
here. A file of a million wrong rows must not fill the memory either: all are counted, the first thousand are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEPT = 1000
"""How many errors, and how many warnings, are kept with their words; all are counted."""

_COLUMN = re.compile(r"[A-Za-z0-9_.:\- ]{1,64}")


class Severity(StrEnum):
    """An error rejects its row; a warning says what was tolerated or not read."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong in one place. `line` counts from 1, 0 means the whole file; the first line of a row that has several."""

    severity: Severity
    file: str
    line: int
    column: str | None
    reason: str

    def __str__(self) -> str:
        place = self.file if not self.line else f"{self.file} line {self.line}"
        if self.column:
            place += f", column {self.column}"
        return f"{place}: {self.reason}"


class Findings:
    """Findings in the order in which they were met. Iterates over what was kept; `errors` and `warnings` count all."""

    def __init__(self) -> None:
        self.errors = 0
        self.warnings = 0
        self._kept: list[Finding] = []
        self._said: set[tuple[str, str | None, str]] = set()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)

    def __len__(self) -> int:
        return self.errors + self.warnings

    def error(self, file: str, line: int, column: str | None, reason: str) -> None:
        """Count, and keep if there is room, an error."""
        self.errors += 1
        if self.errors <= KEPT:
            self._kept.append(Finding(Severity.ERROR, file, line, column, reason))

    def warn(self, file: str, line: int, column: str | None, reason: str) -> None:
        """Count, and keep if there is room, a warning."""
        self.warnings += 1
        if self.warnings <= KEPT:
            self._kept.append(Finding(Severity.WARNING, file, line, column, reason))

    def warn_once(self, file: str, line: int, column: str | None, reason: str) -> None:
        """Warn at the first place only; the same reason in the same column is then silent."""
        if (file, column, reason) not in self._said:
            self._said.add((file, column, reason))
            self.warn(file, line, column, reason)

    def include(self, others: Iterable[Findings]) -> Findings:
        """Take over what the others hold; returns itself."""
        for other in others:
            for finding in other:
                (self.error if finding.severity is Severity.ERROR else self.warn)(
                    finding.file, finding.line, finding.column, finding.reason
                )
            self.errors += max(0, other.errors - KEPT)
            self.warnings += max(0, other.warnings - KEPT)
        return self

    def take(self, other: Findings) -> None:
        """Take over what the other holds, by line, and leave it empty."""
        if len(other):
            other._kept.sort(key=lambda finding: finding.line)
            self.include([other])
            other.errors = other.warnings = 0
            other._kept.clear()


def shown_name(name: str) -> str:
    """A file's name fit for one line of a terminal: nothing that moves the cursor, at most its last 80 characters."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)
    return plain if len(plain) <= 80 else "…" + plain[-79:]


def shown_column(name: str, position: int) -> str:
    """A column's name where it looks like one, else its position: a file without a header has people where names should be."""
    return name if _COLUMN.fullmatch(name) else f"number {position}"
