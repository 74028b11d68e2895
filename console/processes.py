"""A second process of this console, at the other end of a line, for work that keeps one processor busy.

Python computes in one processor a process. Promises: the process ends with the block that began it, also when that is cancelled or
this process is killed; Ctrl-C is heard by this process alone; what the other one says arrives as it was said, its errors are raised.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from console.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def beside(work: Callable[..., None], *given: Any) -> Iterator[Connection]:
    """A process that calls `work(line, *given)`, as the line to it. It ends when the block does."""
    from multiprocessing import get_context

    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, *given), daemon=True)
    # What the process starts with it keeps: it never hears Ctrl-C, not even while it starts.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.terminate()
        process.join()


def heard(line: Connection, ended: str) -> Any:
    """What the process at the other end says next; an error that it says is raised. Unavailable, saying `ended`, when it is gone."""
    try:
        said = line.recv()
    except (EOFError, ConnectionError):
        raise Unavailable(ended) from None
    if isinstance(said, Exception):
        raise said
    return said
