"""What an import did or would do, for a person to look at: counts for each kind, ids that look odd, what was wrong with the files.

It names lines and the portal's own numbers, never a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.errors import Refused

if TYPE_CHECKING:
    from console.intake.findings import Finding


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row: how many came in anew, changed, were withdrawn, and were held back because their id looks reused.

    `active` is how many there were before, of which `withdrawn` is a share.
    """

    name: str
    added: int = 0
    changed: int = 0
    withdrawn: int = 0
    held: int = 0
    active: int = 0

    @property
    def moved(self) -> int:
        """How many rows were written."""
        return self.added + self.changed + self.withdrawn


@dataclass(frozen=True, slots=True)
class Oddity:
    """An id that looks `reused` (somebody else has it now) or `changed` (somebody has another one now).

    `line` is that of the person's file, `known` the portal's own number of the row that is there.
    """

    what: str
    kind: str
    line: int
    known: int
    says: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import did. `batch` is None when nothing was written: a dry run, or nothing that waited.

    `stops` are the sentences for kinds of which too many would be withdrawn; only a dry run comes back with some. `known` rows had
    come in before and changed nothing; `refused` rows came in and were refused in words. `again` means that this very call was
    made before; its findings are not kept.
    """

    what: str
    batch: str | None = None
    number: int = 0
    dry_run: bool = False
    again: bool = False
    digest: str = ""
    mode: str = ""
    kinds: tuple[Kind, ...] = ()
    known: int = 0
    refused: int = 0
    refusals: tuple[Finding, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    stops: tuple[str, ...] = ()
    errors: int = 0
    warnings: int = 0
    findings: tuple[Finding, ...] = ()

    def kind(self, name: str) -> Kind:
        """The counts of one kind, zero when it did not occur."""
        return next((each for each in self.kinds if each.name == name), Kind(name))

    @property
    def moved(self) -> int:
        """How many rows were written."""
        return sum(each.moved for each in self.kinds)

    @property
    def held(self) -> int:
        """How many rows were held back."""
        return sum(each.held for each in self.kinds)


class BadRows(Refused):
    """Rows of the files are wrong, and so nothing was imported; `report` lists them."""

    def __init__(self, report: ImportReport) -> None:
        rows = "One row is" if report.errors == 1 else f"{report.errors:,} rows are"
        super().__init__(
            f"{rows} wrong; nothing was imported. Correct the file, or import the rest with --skip-bad-rows."
        )
        self.report = report
