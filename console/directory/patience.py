"""How long a directory is waited for: a sign-in waits for a dead server, but not for ever (SECURITY, *Signing in*)."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for finding a host's addresses, for a connection, for each answer (whole, as ldap3 wants them), and in all."""

    resolve: float = 3
    connect: float = 3
    answer: int = 5
    in_all: float = 12


class Deadline:
    """A moment after which nothing is waited for: `patience.in_all` from now."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._at = time.monotonic() + patience.in_all

    def left(self, most: float) -> float:
        """Seconds that a step may take, at most so many. Raises TimeoutError when none are left."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, most)

    def again(self) -> Deadline:
        """As much time once more, from now."""
        return Deadline(self.patience)
