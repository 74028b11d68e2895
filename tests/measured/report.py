"""What a part of the measurements says: rows of ours beside others', with the ratio and whether the goal was reached."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reported import BENCHMARKS, circumstances, put, table

if TYPE_CHECKING:
    from pathlib import Path

HEAD = ("what", "ours", "beside it", "ratio", "goal", "reached")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Texts hold their units; `reached` is None where there is no goal."""

    what: str
    ours: str
    beside: str
    ratio: str
    goal: str
    reached: bool | None

    def cells(self) -> tuple[str, ...]:
        """The row as a table shows it."""
        reached = "" if self.reached is None else "yes" if self.reached else "**no**"
        return (self.what, self.ours, self.beside, self.ratio, self.goal, reached)


@dataclass(slots=True)
class Report:
    """What one part measured. `small` is the size of the suite's trial run: its figures mean nothing and are not kept."""

    title: str
    folder: Path
    small: bool = False
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(
        self, what: str, ours: str, *, beside: str = "–", ratio: str = "–", goal: str = "–", reached: bool | None = None
    ) -> None:
        """Add a figure and print it at once: a long run is watched."""
        made = Row(what, ours, beside, ratio, goal, reached)
        self.rows.append(made)
        sys.stdout.write(" | ".join(made.cells()) + "\n")
        sys.stdout.flush()

    def compared(self, what: str, ours: float, others: dict[str, float], goal: float, of: str, unit: str = "s") -> None:
        """A figure whose goal is a multiple of one of the others: ours ≤ goal × others[of]. All in `unit`, measured in this run."""
        ratio = ours / others[of]
        beside = ", ".join(f"{name} {value:.3g} {unit}" for name, value in others.items())
        self.row(
            what,
            f"{ours:.3g} {unit}",
            beside=beside,
            ratio=f"{ratio:.2f}× {of}",
            goal=f"≤ {goal:g}×",
            reached=ratio <= goal,
        )

    def flat(self, what: str, most: float, beside: str, least: float, allowed: float, unit: str) -> None:
        """Memory that is not to grow with the data: `most` of the largest, `least` of what stands beside it, both in `unit`."""
        self.row(
            what,
            f"{most:.0f} {unit}",
            beside=f"{beside} {least:.0f} {unit}",
            ratio=f"{most / least:.2f}×",
            goal="flat",
            reached=most / least <= allowed,
        )

    def note(self, text: str) -> None:
        """Add a sentence below the table: how it was done, what is left out."""
        self.notes.append(text)

    def keep(self, command: str) -> None:
        """Write the part into docs/BENCHMARKS.md."""
        lines = [circumstances(command), "", *table(HEAD, [row.cells() for row in self.rows])]
        put(BENCHMARKS, self.title, [*lines, "", *self.notes])
