"""What stands above a report that people read, and how its columns are called there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from console.ledger.bundle import Manifest
    from console.reports.lines import Line


@dataclass(frozen=True, slots=True)
class Heading:
    """The portal's name and time zone, and what was asked for."""

    portal: str
    zone: ZoneInfo
    operator: str
    manifest: Manifest

    @property
    def titles(self) -> list[str]:
        """The columns' names."""
        asked = self.manifest
        more = [*(["About"] if asked.names else []), *(["Why"] if asked.reasons else [])]
        return ["No.", "When", "Operator", "Desk", "Action", "Case", "From", "To", "Batch", *more]

    def cells(self, line: Line) -> list[str | int | None]:
        """A line's cells: numbers as numbers, moments in the portal's time."""
        record = line.record
        when = datetime.fromisoformat(record.at).astimezone(self.zone)
        return [
            record.index,
            f"{when:%Y-%m-%d %H:%M:%S}",
            str(line.operator),
            record.desk,
            record.action.removeprefix(f"{record.desk}.").replace("_", " "),
            record.case or None,
            (record.from_state or "").replace("_", " "),
            (record.to_state or "").replace("_", " "),
            record.batch,
            *([str(line.about)] if self.manifest.names else []),
            *([str(line.reason)] if self.manifest.reasons else []),
        ]

    def said(self) -> list[tuple[str, str]]:
        """What is known before the first record, as labels and texts."""
        asked = self.manifest
        made = datetime.fromisoformat(asked.made).astimezone(self.zone)
        told = [
            ("Portal", self.portal),
            ("Made", f"{made:%Y-%m-%d %H:%M} ({self.zone.key}) by {self.operator}"),
            ("Filter", asked.filter or "everything"),
            ("Records", f"{asked.count:,}, of a ledger of {asked.size:,}"),
            ("For", asked.party),
            ("Legitimate interest", asked.interest),
            ("Purpose", asked.purpose),
            ("Proof", f"{asked.origin}; VERIFY.md beside this report says how to check it"),
        ]
        return [(label, text) for label, text in told if text]
