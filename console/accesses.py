"""The log of accesses: who opened which case. Batched, so that looking never waits for deciding.

Notes are collected in memory and appended by `flush`, which the console calls every few seconds and at its end. What must be on
record before something is shown (a reveal) does not come this way: it is a disclosure.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from console.deciding import moment
from console.ledger import log
from models.words import Log

if TYPE_CHECKING:
    from datetime import datetime

    from console.authority import Operator
    from console.office import Office

FLUSH_AT = 50
"""Notes after which they are written at once."""


class Accesses:
    """Collects accesses of one process and appends them to their own log."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._notes: list[tuple[datetime, int, str, str, int]] = []
        self._lock = threading.Lock()

    def note(self, operator: Operator, desk: str, action: str, case: int) -> None:
        """Remember that the operator looked at a case; the same case looked at again and again counts once until written."""
        with self._lock:
            if not any(each[1:] == (operator.id, desk, action, case) for each in self._notes):
                self._notes.append((self._office.clock.now(), operator.id, desk, action, case))
            full = len(self._notes) >= FLUSH_AT
        if full:
            self.flush()

    def flush(self) -> None:
        """Append what was collected and sign it. Raises Unavailable when the database is not there; nothing is lost then."""
        with self._lock:
            notes, self._notes = self._notes, []
        if not notes:
            return
        try:
            with self._office.writing() as connection:
                head = log.lock_head(connection, Log.ACCESSES)
                records = [
                    log.Record(
                        action=f"{desk}.{action}",
                        after={},
                        at=moment(at),
                        batch="",
                        before={},
                        case=case,
                        desk=desk,
                        detail="",
                        index=head.size + n,
                        kind="access",
                        log=str(Log.ACCESSES),
                        operator=operator,
                        params={},
                        subject="",
                        ties={},
                    )
                    for n, (at, operator, desk, action, case) in enumerate(notes)
                ]
                log.append(connection, head, records)
        except Exception:
            with self._lock:
                self._notes = notes + self._notes
            raise
        self._office.seal(Log.ACCESSES)
