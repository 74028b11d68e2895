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


def watch(office: Office, stop: threading.Event, tell: Callable[[int], None]) -> None:
    """Call `tell` with the ledger's size whenever it has grown, until `stop` is set. Blocks."""
    look = _listen if office.engine.dialect.name == "postgresql" else _ask
    known: int | None = None
    while not stop.is_set():
        try:
            known = look(office, stop, tell, known)
        except (ConsoleError, sa.exc.SQLAlchemyError, OSError) as error:
            _log.warning("not watching for a moment: %s", type(error).__name__)
            stop.wait(ASK_EVERY)


def _grown(office: Office, tell: Callable[[int], None], known: int | None) -> int:
    size = office.size()
    if known is not None and size > known:
        tell(size)
    return size


def _ask(office: Office, stop: threading.Event, tell: Callable[[int], None], known: int | None) -> int:
    known = _grown(office, tell, known)
    stop.wait(ASK_EVERY)
    return known


def _listen(office: Office, stop: threading.Event, tell: Callable[[int], None], known: int | None) -> int:
    from psycopg import Error

    with office.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        # What was decided between two connections was notified to nobody; the size tells.
        known = _grown(office, tell, known)
        driver: Any = connection.connection.driver_connection
        try:
            while not stop.is_set():
                sizes = [int(each.payload) for each in driver.notifies(timeout=LISTEN_FOR, stop_after=1)]
                if sizes and max(sizes) > known:
                    known = max(sizes)
                    tell(known)
        except Error as error:
            connection.invalidate()
            raise OSError from error
        connection.exec_driver_sql(f"UNLISTEN {CHANNEL}")
    return known
