"""A file's lock, waited for no longer than one can: whoever holds it may stand still, suspended or on a machine that froze."""

from __future__ import annotations

import fcntl
import time

PATIENCE = 5.0
"""Seconds; a signature takes about a millisecond."""
PAUSE = 0.005
"""Seconds between two looks whether the other is done."""


def lock_in_time(descriptor: int) -> None:
    """Lock the open file for this process alone, until it is closed. Raises BlockingIOError when somebody holds it for longer."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE)
        else:
            return
