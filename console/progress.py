"""Long work that says how far it is and can be given up: the seam between who works and who watches.

Who works calls `say` after every chunk, which costs next to nothing, and holds nothing back for it: whoever watches asks when they
like to. Giving up is heard at the next chunk and ends in `Cancelled`, an error like any other, so a transaction is rolled back and a
half-written file is gone by what removes them after a fault anyway. The time comes from outside, in seconds that only run forward.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from console.errors import Exit, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHORT = 0.5
"""Seconds of work that nobody needs to be told about."""

NOTHING = "Cancelled; nothing was done."
MINUTE = 60
HOUR = 3600


class Cancelled(Refused):
    """Somebody gave up waiting. The sentence says what holds now."""

    exit = Exit.REFUSED

    def __init__(self, sentence: str = NOTHING, by: int | None = None) -> None:
        """`by` is the signal's number that told it to end, None where a key did."""
        super().__init__(sentence)
        self.by = by


class Progress(Protocol):
    """What long work is given. One object serves one piece of work, from one thread."""

    def say(self, done: int, total: int, what: str) -> None:
        """So many of `total` (0: nobody knows) are done. `what` is the work in a word, as "approving"; another word is another stage.

        Raises Cancelled where the work is to end.
        """
        ...


class Silent:
    """Nobody watches, and nobody gives up."""

    def say(self, done: int, total: int, what: str) -> None:
        """Nothing."""


SILENT: Progress = Silent()


@contextmanager
def leaving(sentence: str) -> Iterator[None]:
    """Within this block giving up leaves more than nothing behind: the sentence says what."""
    try:
        yield
    except Cancelled as cancelled:
        raise Cancelled(sentence, cancelled.by) from None


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a stage is, and how many seconds that took."""

    done: int
    total: int
    what: str
    seconds: float

    @property
    def rate(self) -> float:
        """Done a second, on the average of the stage; 0 where nothing can be said yet."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to the end of the stage at this rate; None where the end or the rate is not known."""
        return max(self.total - self.done, 0) / self.rate if self.total and self.rate else None

    def __str__(self) -> str:
        """As a person reads it: `approving 34,000 of 100,000 · 27,000/s · 3 s left`."""
        of = f" of {self.total:,}" if self.total else ""
        rate = f" · {_rounded(self.rate):,}/s" if self.rate else ""
        left = "" if self.left is None else f" · {_length(self.left)} left"
        return f"{self.what} {self.done:,}{of}{rate}{left}"


def _rounded(rate: float) -> int:
    """Two figures of it: more would only flicker."""
    whole = max(int(rate), 1)
    unit: int = 10 ** max(len(str(whole)) - 2, 0)
    return whole // unit * unit


def _length(seconds: float) -> str:
    whole = int(seconds + 0.999)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


class Watched:
    """A progress that somebody looks at from another thread, or between two chunks, and may cancel at any time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that never go back, as time.monotonic."""
        self._clock = clock
        self._began = self._stage_began = self._said_at = clock()
        self._said: tuple[int, int, str] | None = None
        self._cancelled = False
        self._by: int | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the work was told to end; it may not have heard of it yet."""
        return self._cancelled

    def cancel(self, by: int | None = None) -> None:
        """Let the work end at its next chunk; `by` is the signal's number where one said so."""
        self._cancelled = True
        self._by = by

    def say(self, done: int, total: int, what: str) -> None:
        """Keep it for who looks. Raises Cancelled after `cancel`."""
        now = self._clock()
        if self._said is None or self._said[2] != what:
            self._stage_began = self._said_at if done else now
        self._said = (done, total, what)
        self._said_at = now
        if self._cancelled:
            raise Cancelled(by=self._by)

    def look(self) -> Pace | None:
        """How far it was at its last chunk, None before that is worth saying."""
        if self._said is None or self._clock() - self._began < SHORT:
            return None
        return Pace(*self._said, self._said_at - self._stage_began)
