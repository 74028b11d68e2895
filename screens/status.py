"""The line that counts: `3 marked · 412 match · 1–40`."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class Status(Widget):
    """One line of the queue's own words."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Status { height: 1; padding: 0 1; text-style: dim; }"
    _status = ""

    def show(self, status: str) -> None:
        """Count this."""
        if status != self._status:
            self._status = status
            self.refresh()

    def render(self) -> Content:
        """The line."""
        return Content(self._status)
