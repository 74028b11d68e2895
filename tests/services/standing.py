"""A service that a test starts and ends: what a beginning that fails has begun is ended, too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Standing(ABC):
    """Stands while the block of its `with` runs."""

    @abstractmethod
    def start(self) -> None:
        """Start it, all of it."""

    @abstractmethod
    def stop(self) -> None:
        """End what was started, however far that came."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
