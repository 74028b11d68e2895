"""What a campaign came to, in numbers; a whole run (`make faults`) writes them into docs/RELIABILITY.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reported import RELIABILITY, circumstances, put, table

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Counted:
    """Takes the counts of campaigns. Given to tests as the fixture `counted`."""

    whole: bool
    command: str = "make faults"
    """Which one has run."""

    def __call__(self, campaign: str, **counts: int | str) -> None:
        """Say what `campaign` came to: `runs=1000, lost=0, torn=0`; each name is a column's head, its underscores blanks.

        A campaign's name says what was done to what, and how often in how many words: "kill -9 of the process, SQLite". Call it before
        the counts are asserted, so that a failed run says what failed.
        """
        told: Mapping[str, int | str] = {"campaign": campaign, **counts}
        print(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))  # noqa: T201
        if self.whole:
            head = [name.replace("_", " ") for name in counts]
            cells = [f"{value:,}" if isinstance(value, int) else value for value in counts.values()]
            lines = [circumstances(self.command), "", *table(head, [cells])]
            put(RELIABILITY, campaign, lines)
