"""A queue of registrations in Textual's own `DataTable`, to be measured beside the console's.

`python -m tests.measured.textual_table ROWS`. Every cell is a `Text`, as it has to be where names come from outside.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import App
from textual.widgets import DataTable, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

GIVEN = ("Ana", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hana", "Ivan", "Jin", "Kofi", "Lena", "José")
FAMILY = ("Alvarez", "Brandt", "Cohen", "Demir", "Eze", "Fischer", "Garcia", "Nguyen", "Okonkwo", "Smith-Jones", "Żak")
TITLES = ("No.", "State", "Who", "Applicant", "Student", "School", "Match", "Flags", "Age")


def cells(row: int) -> tuple[Text, ...]:
    """What one case shows."""
    return tuple(
        map(
            Text,
            (
                str(row),
                "approved" if row % 5 else "submitted",
                "parent",
                f"{GIVEN[row % len(GIVEN)]} {FAMILY[row // 7 % len(FAMILY)]}",
                f"{GIVEN[row // 2 % len(GIVEN)]} {FAMILY[row // 14 % len(FAMILY)]}",
                f"School {row % 9}",
                str(2 + row % 4),
                "" if row % 10 != 9 else "existing account",
                f"{row % 60} d",
            ),
        )
    )


class TableApp(App[None]):
    """The table and a line that counts."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "DataTable { height: 1fr; } Static { height: 1; }"

    def __init__(self, rows: int) -> None:
        super().__init__(ansi_color=True)
        self.rows = rows

    def compose(self) -> ComposeResult:
        """Both."""
        yield DataTable(cursor_type="row")
        yield Static(f"{self.rows} match", markup=False)

    def on_mount(self) -> None:
        """Fill it."""
        table = self.query_one(DataTable)
        table.add_columns(*TITLES)
        table.add_rows(cells(row) for row in range(1, self.rows + 1))
        table.focus()


if __name__ == "__main__":
    TableApp(int(sys.argv[1])).run(mouse=False)
