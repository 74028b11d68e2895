"""A connection to PostgreSQL whose commit is believed only when the server says it is saved, in time and without a reservation.

With a synchronous standby a commit waits until the standby has it, and PostgreSQL bounds that wait by none of its timeouts. Whoever
waits too long gives the connection up; the server goes on waiting, nothing becomes visible and no lock is let go before the standby
has it, so that nothing can build on what may be lost. When an administrator cancels the wait, the server says that it committed, with
a warning that the standby may not have it: then it is not known either.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Generator

CONFIRM_SECONDS = 15.0
"""How long a commit may take. One that waits for nobody takes milliseconds, that of a hundred thousand cases less than a second."""
UNCONFIRMED = "not confirmed as saved"
"""In the text of the errors, by which `console.faults` knows them."""


class _LateError(Exception):
    """The commit took longer than it may."""


class Confirming(psycopg.Connection[Any]):
    """As psycopg's, but `commit` raises OperationalError when the server does not confirm it in time, or does so with a warning."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._until: float | None = None
        self._warned = False
        self.add_notice_handler(self._notice)

    def commit(self) -> None:
        """Commit; returns only when it is confirmed. After the time is over the connection is closed."""
        self._warned = False
        self._until = monotonic() + CONFIRM_SECONDS
        try:
            super().commit()
        except _LateError:
            self.close()
            raise psycopg.OperationalError(f"{UNCONFIRMED} within {CONFIRM_SECONDS:.0f} seconds") from None
        finally:
            self._until = None
        if self._warned:
            raise psycopg.OperationalError(f"{UNCONFIRMED}: the wait for the standby was cancelled")

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """As psycopg's; while it commits, within the time."""
        return super().wait(gen if self._until is None else _bounded(gen, self._until), *args, **options)

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        self._warned = self._warned or diagnostic.severity_nonlocalized == "WARNING"


def _bounded(gen: Generator[Any, Any, Any], until: float) -> Generator[Any, Any, Any]:
    """The same generator, ended with _LateError when it waits beyond `until`."""
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and monotonic() > until:
                raise _LateError
            state = gen.send(ready)
    except StopIteration as ended:
        return ended.value
