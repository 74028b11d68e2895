"""Who reads the stretches of a log: this process, or two beside it where the records are many.

Judging a record costs more than reading it. Promises: stretches come back in the order in which they were asked for, however many
hands there are; only a few are under way, so memory stays flat.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any

from console.errors import Unavailable
from console.ledger.stretch import read_stretch
from console.processes import beside, heard, processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from console.ledger.stretch import Stretch
    from console.office import Office
    from console.settings import Settings

    Ranges = Iterator[tuple[int, int]]
    Read = Callable[[str, Ranges], Iterator[Stretch]]

MANY = 300_000
"""Records from which two processes are worth the half second in which they start."""
ENDED = "A process that verified has ended; nothing was verified. Try again."
AHEAD = 2
"""Stretches that are asked of a process before the first of them is taken."""


@contextmanager
def hands(office: Office, records: int, processes: int | None) -> Iterator[Read]:
    """What reads stretches: called with a log and the ranges of indexes. `processes` None: as many as are worth it, one or two."""
    if processes is None:
        processes = min(processors(), 2) if records >= MANY else 1
    if processes == 1:
        yield lambda log, ranges: _here(office, log, ranges)
        return
    with ExitStack() as stack:
        lines = [stack.enter_context(beside(_work, office.settings)) for _ in range(processes)]
        yield lambda log, ranges: _there(lines, log, ranges)


def _here(office: Office, log: str, ranges: Ranges) -> Iterator[Stretch]:
    for first, stop in ranges:
        with office.reading() as connection:
            found = read_stretch(connection, log, first, stop)
        yield found


def _there(lines: list[Connection], log: str, ranges: Ranges) -> Iterator[Stretch]:
    asked: deque[Connection] = deque()
    for line, (first, stop) in zip(cycle(lines), ranges, strict=False):
        try:
            line.send((log, first, stop))
        except BrokenPipeError:
            raise Unavailable(ENDED) from None
        asked.append(line)
        if len(asked) == AHEAD * len(lines):
            yield heard(asked.popleft(), ENDED)
    while asked:
        yield heard(asked.popleft(), ENDED)


def _work(line: Connection, settings: Settings) -> None:
    """What the process does until its line ends."""
    from console.errors import ConsoleError
    from console.faults import saying
    from console.wiring import open_engine
    from models.engine import reading

    engine = open_engine(settings)
    while True:
        try:
            log, first, stop = line.recv()
        except EOFError:
            return
        try:
            with saying("nothing was verified"), reading(engine) as connection:
                found: Any = read_stretch(connection, log, first, stop)
        except ConsoleError as error:
            found = error
        try:
            line.send(found)
        except BrokenPipeError:
            return
