"""What an operator is asked before records leave the district: the dialog's fields, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from console.params import Params, option

if TYPE_CHECKING:
    from console.reports.exporting import Wanted


class Form(StrEnum):
    """How a report is written."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    HTML = "html"


@dataclass(frozen=True, kw_only=True)
class Exporting(Params):
    """A report of the records that are listed. The reason is what 34 CFR 99.32 calls the purpose."""

    format: Form = option("How the report is written.", default=Form.CSV)
    out: str = option("The file, a zip, on the machine that the console runs on.", default="report.zip")
    names: bool = option("Whether it says whom each case is about, masked as on the screen.", default=False)
    reasons: bool = option("Whether it says why; reasons may name people.", default=False)
    party: str = option("Who gets it.", default="", personal=True)
    interest: str = option("Their legitimate interest.", default="", personal=True)

    def wanted(self, where: str) -> Wanted:
        """The export of what matches `where`."""
        from console.reports.exporting import Wanted

        return Wanted(
            format=str(self.format),
            out=Path(self.out).expanduser(),
            where=where,
            names=self.names,
            reasons=self.reasons,
            party=self.party,
            interest=self.interest,
            purpose=self.reason,
        )
