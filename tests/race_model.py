"""What may happen to registrations, written down once more in a few lines: the history of a race has to be one that these lines allow.

Batches are replayed in the ledger's order. Each may do what the rules allow at its place and nothing more; whoever was skipped was so
for a state that the case had between the call and its answer. So every history is explained by one operator deciding after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WAITING = frozenset({"submitted", "needs_info", "deferred"})
RULES: dict[str, tuple[frozenset[str], str]] = {
    "approve": (WAITING | {"limited"}, "approved"),
    "limited": (WAITING | {"approved"}, "limited"),
    "reject": (WAITING, "rejected"),
    "ask": (frozenset({"submitted", "deferred"}), "needs_info"),
    "defer": (frozenset({"submitted", "needs_info"}), "deferred"),
    "unapprove": (frozenset({"approved", "limited"}), "submitted"),
}
"""From which states a decision may be taken, and the state it leads to (PORTAL, *Registrations*)."""
FASTER = "somebody was faster"
SINCE = "it changed since"


@dataclass(frozen=True, slots=True)
class Act:
    """A call that was made: over which cases, between which two sizes of the ledger, and its receipt.

    `decision` is empty for an undo of `undoes`. `skipped` gives for each case why.
    """

    key: str
    decision: str
    undoes: str | None
    cases: tuple[int, ...]
    began: int
    ended: int
    batch: str | None
    skipped: dict[int, str]
    refused: str = ""


class Turn(NamedTuple):
    """From which size of the ledger on a case was in a state, and by which batch."""

    size: int
    state: str
    batch: str


@dataclass
class Model:
    """What each registration went through."""

    turns: dict[int, list[Turn]] = field(default_factory=dict)

    @classmethod
    def of(cls, cases: Iterable[int], state: str) -> Model:
        return cls({case: [Turn(0, state, "")] for case in cases})

    def state(self, case: int) -> str:
        return self.turns[case][-1].state

    def replay(self, acts: Sequence[Act], written: Sequence[tuple[int, int, str]]) -> Iterator[str]:
        """Replay what was written, as (index, case, batch) in the ledger's order; says what the rules do not explain."""
        by_batch = {act.batch: act for act in acts if act.batch is not None}
        done: dict[str, set[int]] = {}
        for index, case, batch in written:
            act = by_batch.get(batch)
            if act is None:
                yield f"nobody was told of {batch}"
                continue
            becomes = self._becomes(act, case)
            if becomes is None:
                yield f"{act} was done to {case}, which was {self.turns[case][-1]}"
                continue
            done.setdefault(batch, set()).add(case)
            self.turns[case].append(Turn(index + 1, becomes, batch))
        for act in acts:
            yield from self._explained(act, done.get(act.batch or "", set()))

    def _becomes(self, act: Act, case: int) -> str | None:
        last = self.turns[case][-1]
        if act.undoes is not None:
            return self.turns[case][-2].state if last.batch == act.undoes else None
        states, to = RULES[act.decision]
        return to if last.state in states else None

    def _explained(self, act: Act, done: set[int]) -> Iterator[str]:
        if act.refused:
            return
        if done | act.skipped.keys() != set(act.cases) or done & act.skipped.keys():
            yield f"{act} did {sorted(done)}: not everything was done or skipped"
        for case, why in act.skipped.items():
            held = list(self._between(case, act.began, act.ended))
            if act.undoes is not None:
                fits = why == SINCE and any(turn.batch != act.undoes for turn in held)
            else:
                out = {turn.state for turn in held} - RULES[act.decision][0]
                kept_out = {f"it is {state.replace('_', ' ')}" for state in out}
                fits = why in kept_out or (why == FASTER and len(held) > 1)
            if not fits:
                yield f"{act} skipped {case}, which was {held}, because {why}"

    def _between(self, case: int, began: int, ended: int) -> Iterator[Turn]:
        turns = self.turns[case]
        for n, turn in enumerate(turns):
            over = turns[n + 1].size if n + 1 < len(turns) else ended + 1
            if turn.size <= ended and over > began:
                yield turn
