"""What is done while a person types: the start's own work, which so costs them nothing.

Promises: whoever waits at the terminal learns at once that it failed (`fileno` can be read then); the result is the work's own, or
its own error. The work has the imports to itself: who asks at the terminal meanwhile loads nothing.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class Beside(Generic[Result]):
    """Work that has begun. Ends with the process when that ends first."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._failed, self._tell = os.pipe()
        self._found: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="beside", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Readable once the work has failed."""
        return self._failed

    def result(self) -> Result:
        """What the work found, waited for. Raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self, work: Callable[[], Result]) -> None:
        try:
            self._found.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._error = error
            os.write(self._tell, b"!")
