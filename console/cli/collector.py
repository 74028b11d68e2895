"""When Python looks for garbage that holds itself: not while a command starts, for what is loaded then stays.

At Python's own 700 new objects a tenth of the start went into looking, for nothing.
"""

from __future__ import annotations

import gc

WHILE_STARTING = 200_000
"""New objects after which is looked. A start makes 120,000; what works on without opening an office makes more."""
AFTERWARDS = 10_000


def collect_late() -> None:
    """A program starts."""
    gc.set_threshold(WHILE_STARTING)


def collect_again() -> None:
    """It has started: what was loaded stays and is not looked at any more, what comes is looked at as usual."""
    if gc.get_threshold()[0] == WHILE_STARTING:
        gc.freeze()
        gc.set_threshold(AFTERWARDS)
