"""Seeing what others decide: a second console learns that the ledger grew.

PostgreSQL says so at once (LISTEN). SQLite is asked for the ledger's size once a second: one read of one row. Nothing is
told while nothing grows, every wait is bounded, and a lost connection is opened again; whoever watches runs this in a
thread of its own.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from console.errors import ConsoleError
from console.lazy import sa

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from console.office import Office

CHANNEL = "district_ledger"
"""What `console.deciding.announce` notifies, with the ledger's size."""
ASK_EVERY = 1.0
"""Seconds between two looks at SQLite's ledger, and between two attempts at a server that is not there."""
LISTEN_FOR = 0.5
"""Seconds that one wait for PostgreSQL lasts; closing the console waits no longer than this."""

_log = logging.getLogger("district.watch")


def watch(office: Office, stop: threading.Event, tell: Callable[[int], None], size: int | None = None) -> None:
    """Call `tell` with the ledger's size whenever it has grown, until `stop` is set. Blocks.

    Grown beyond `size`, where that is known: what was read with the ledger at that size is out of date after it.
    """
    seen = Seen(tell, size)
    look = _listen if office.engine.dialect.name == "postgresql" else _ask
    while not stop.is_set():
        try:
            look(office, stop, seen)
        except (ConsoleError, sa.exc.SQLAlchemyError, OSError) as error:
            _log.warning("not watching for a moment: %s", type(error).__name__)
            stop.wait(ASK_EVERY)


class Seen:
    """The greatest size seen, which outlives a lost connection; growth is told, the first size is not."""

    def __init__(self, tell: Callable[[int], None], size: int | None = None) -> None:
        self._tell = tell
        self._size = size

    def size(self, size: int) -> None:
        """The ledger has this size now."""
        before, self._size = self._size, max(size, self._size or 0)
        if before is not None and size > before:
            self._tell(size)


def _ask(office: Office, stop: threading.Event, seen: Seen) -> None:
    seen.size(office.size())
    stop.wait(ASK_EVERY)


def _listen(office: Office, stop: threading.Event, seen: Seen) -> None:
    from psycopg import Error

    with office.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        # What was decided between two connections was notified to nobody; the size tells.
        seen.size(office.size())
        driver: Any = connection.connection.driver_connection
        try:
            while not stop.is_set():
                for notified in driver.notifies(timeout=LISTEN_FOR, stop_after=1):
                    seen.size(int(notified.payload))
        except Error as error:
            connection.invalidate()
            raise OSError from error
        connection.exec_driver_sql(f"UNLISTEN {CHANNEL}")
