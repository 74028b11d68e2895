"""A thread of the app's that watches the ledger, and the message it sends when others decided something."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from screens.app import ConsoleApp


class LedgerGrew(Message):
    """The ledger holds `size` records now."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class Watching:
    """Watches from `start` to `stop`. Nothing is sent while nothing changes."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, size: int | None = None) -> None:
        """Begin to watch; `size` is the ledger's when what is shown was read, None for its size now."""
        from console.watch import watch

        def tell(size: int) -> None:
            self._app.post_message(LedgerGrew(size))

        self._thread = threading.Thread(
            target=watch, args=(self._app.office, self._stop, tell, size), name="watching", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it does within half a second, and nobody waits for it longer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)
