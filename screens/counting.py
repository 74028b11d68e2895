"""The first count of home, begun before the toolkit is loaded and read beside it.

Promises: what was decided since it began is not missed (`size` was read first); whoever waits for it is told what went wrong.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from console.overview import overview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Operator
    from console.desk import Desk
    from console.office import Office
    from console.overview import Overview


class Counting:
    """A count that has begun. `size` is how many records the ledger held, None as long as it is not known."""

    def __init__(self, office: Office, operator: Operator, desks: Sequence[Desk]) -> None:
        self.size: int | None = None
        self._counted: Overview | None = None
        self._fault: Exception | None = None
        self._done = threading.Event()
        threading.Thread(target=self._count, args=(office, operator, desks), name="counting", daemon=True).start()

    def within(self, seconds: float) -> Overview | None:
        """The overview, if it is there after so many seconds at most; None also when it cannot be had."""
        self._done.wait(seconds)
        return self._counted

    def result(self) -> Overview:
        """The overview, waited for. Raises what went wrong."""
        self._done.wait()
        if self._counted is None:
            raise self._fault or AssertionError
        return self._counted

    def _count(self, office: Office, operator: Operator, desks: Sequence[Desk]) -> None:
        try:
            self.size = office.size()
            self._counted = overview(office, operator, desks)
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            self._fault = error
        finally:
            self._done.set()
