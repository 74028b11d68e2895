"""What follows the cursor or the typing follows when they rest: not at every key, or a held key would read a case a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message_pump import MessagePump
    from textual.timer import Timer

PAUSE = 0.15
"""Seconds without a key that count as rest: longer than a key repeats, shorter than one waits for."""


class Rest:
    """Does something once, when `again` was not called for a while. No timer runs when nothing was begun."""

    def __init__(self, node: MessagePump, does: Callable[[], object]) -> None:
        self._node = node
        self._does = does
        self._timer: Timer | None = None

    def again(self) -> None:
        """Begin to wait, from now."""
        self.stop()
        self._timer = self._node.set_timer(PAUSE, self._does)

    def stop(self) -> None:
        """Do nothing."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
