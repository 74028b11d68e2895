"""The queue table alone in an app, with its status line: what the tests look at, in their own process or on a pty.

`python -m tests.queue_table_app [--hostile]` shows a million computed rows.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textual.app import App
from textual.widgets import Input, Static

from console.text import safe
from fixtures.hostile import HOSTILE_NAMES
from screens import theme
from screens.marks import Marks
from screens.queue_table import QueueTable
from tests.computed_queue import ComputedQueue

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.message import Message

MILLION = 1_000_000
EMPTY = safe("Nothing waits here. New registrations appear as parents send them.")


def a_million() -> ComputedQueue:
    return ComputedQueue(range(1, MILLION + 1))


def hostile() -> ComputedQueue:
    return ComputedQueue(range(1, len(HOSTILE_NAMES) + 1), name=lambda case: HOSTILE_NAMES[case - 1])


class TableApp(App[None]):
    """Shows `queue`; `told` is every message of the table, `marks` every state of its marks, in order."""

    CSS = "Static, Input { height: 1; border: none; padding: 0; } Input { display: none; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, queue: ComputedQueue, *, ascii_only: bool = False, ansi: bool = True) -> None:
        super().__init__(ansi_color=ansi)
        self.register_theme(theme.theme())
        self.theme = theme.NAME
        self.queue = queue
        self.table = QueueTable(empty=EMPTY, counted=self.counted, ascii_only=ascii_only)
        self.status = Static(markup=False)
        self.told: list[Message] = []
        self.marks = [Marks()]

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.status
        yield Input()

    def on_mount(self) -> None:
        self.table.focus()
        self.table.show(self.queue)

    def counted(self, status: str, marks: Marks) -> None:
        self.status.update(status)
        if marks != self.marks[-1]:
            self.marks.append(marks)

    def on_queue_table_moved(self, message: QueueTable.Moved) -> None:
        self.told.append(message)

    def on_queue_table_opened(self, message: QueueTable.Opened) -> None:
        self.told.append(message)

    def on_queue_table_sort_asked(self, message: QueueTable.SortAsked) -> None:
        self.told.append(message)

    def on_queue_table_told(self, message: QueueTable.Told) -> None:
        self.told.append(message)

    def lines(self) -> list[str]:
        """The table as it stands on the screen, one string a line without trailing blanks."""
        strips = [self.table.render_line(y) for y in range(self.table.size.height)]
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


if __name__ == "__main__":
    TableApp(hostile() if "--hostile" in sys.argv else a_million()).run(mouse=False)
