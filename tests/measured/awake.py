"""Processors that do not sleep while a short thing is measured.

An idle processor of a virtual machine is taken away, and comes back up to a millisecond after it is called: longer than most of what
is measured here takes, and at random. So a child that only spins keeps each of them, at the priority that is given nothing that
anybody else can use: whoever wakes takes its place at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTE = (
    "The processors were kept from sleeping by a spinning process each of the lowest priority (tests/measured/awake.py): waking one "
    "up takes longer on a virtual machine than most of these statements."
)
_SPIN = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = int(sys.argv[2])
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def awake() -> Iterator[None]:
    """No processor that this process may use sleeps while the block runs. The children end with it, also when it is killed."""
    spinning = [
        subprocess.Popen([sys.executable, "-c", _SPIN, str(processor), str(os.getpid())])
        for processor in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()
