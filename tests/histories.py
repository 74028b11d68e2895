"""Histories: what can happen to a portal, as data, so that any run of it can be generated, repeated and made shorter.

What operators can type comes from the declarations of desks, decisions and parameters: a new decision is in every history by itself.
Numbers in a step are places in whatever there is when the step is taken, so that a history stays one when its steps are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hypothesis import strategies as st

from console.desks import DESKS, desk
from console.params import options
from tests.small_district import ADMINISTRATOR, OPERATORS

if TYPE_CHECKING:
    from console.desk import Decision
    from console.params import Option

Manner = Literal["one", "some", "all"]
Then = Literal["stay", "undo", "redo"]


@dataclass(frozen=True)
class Decide:
    """A decision of an operator, about one case, some, or all of a desk.

    `wishes` are decisions of the desk with what is typed: where `fitting`, the first is taken that some case can take, and a case
    that can; else the first, about any case.
    """

    desk: str
    wishes: tuple[tuple[str, dict[str, Any]], ...]
    manner: Manner = "one"
    places: tuple[int, ...] = (0,)
    fitting: bool = True
    by: str = ADMINISTRATOR
    stale: bool = False
    then: Then = "stay"


@dataclass(frozen=True)
class Undo:
    """Some earlier batch is undone, counted from the last; an undo too."""

    back: int
    by: str = ADMINISTRATOR


@dataclass(frozen=True)
class Arrive:
    """The portal leaves something in its intake tables."""

    what: Literal["challenge", "consent", "registration", "answer", "grant"]
    places: tuple[int, int, int]
    yes: bool = True


@dataclass(frozen=True)
class Take:
    """The console takes over what lies in the intake."""


@dataclass(frozen=True)
class Work:
    """The worker goes round."""


@dataclass(frozen=True)
class Move:
    """The roster says something else: one of `tests.living.MOVES`, about some row."""

    what: int
    place: int
    days: int


@dataclass(frozen=True)
class Wait:
    """Days go by."""

    days: int


Step = Decide | Undo | Arrive | Take | Work | Move | Wait

DIGEST = "0f" * 32
WORDS: dict[str, tuple[str, ...]] = {
    "reason": ("because",) * 8 + ("",),
    "digest": (DIGEST, DIGEST, "0f"),
    "witness": ("second", "principal", "clerk", "Administrator", "nobody"),
    "to": ("second", "clerk", "principal", "privacy", "Administrator", "nobody"),
    "categories": ("all", "address", "photo,email", "phone, address", "shoes", ""),
}
"""What is typed where a word is wanted; any other parameter takes one of `ANY_WORD`."""
ANY_WORD = ("somebody", "see order 12", "")
ANY_DAY = ("+5d", "+40d", "tomorrow", "end-of-year", "+90d", "today", "+500d", "2026-11-01")


def _typed(each: Option) -> st.SearchStrategy[Any]:
    if each.words:
        said: st.SearchStrategy[Any] = st.sampled_from(each.words)
    elif each.type is bool:
        said = st.sampled_from(("yes", "no"))
    elif each.type is int:
        said = st.sampled_from((*range(1, 5), *range(1, 25))).map(str)
    elif each.type is str:
        said = st.sampled_from(WORDS.get(each.name, ANY_WORD))
    else:
        said = st.sampled_from(ANY_DAY)
    if each.required or each.name == "reason":
        return said
    return st.sampled_from((False, False, True)).flatmap(lambda given: said if given else st.none())


def _wish(made: Decision) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    typed = st.fixed_dictionaries({each.name: _typed(each) for each in options(made.Params)})
    return st.tuples(st.just(made.name), typed)


def _decided(name: str) -> st.SearchStrategy[Step]:
    wish = st.sampled_from(desk(name).decisions).flatmap(_wish)
    return st.builds(
        Decide,
        desk=st.just(name),
        wishes=st.lists(wish, min_size=1, max_size=5).map(tuple),
        manner=st.sampled_from(("one", "one", "some", "all")),
        places=st.lists(st.integers(0, 30), min_size=1, max_size=3).map(tuple),
        fitting=st.sampled_from((True, True, True, True, False)),
        by=st.sampled_from((ADMINISTRATOR,) * 5 + tuple(OPERATORS)),
        stale=st.sampled_from((False,) * 9 + (True,)),
        then=st.sampled_from(("stay", "stay", "stay", "undo", "redo")),
    )


def steps() -> st.SearchStrategy[Step]:
    """Anything that can happen, decisions most often; no desk more often for having more decisions."""
    decided = st.sampled_from([name for name in DESKS if desk(name).decisions]).flatmap(_decided)
    arrived = st.builds(
        Arrive,
        st.sampled_from(("challenge", "challenge", "consent", "consent", "registration", "answer", "grant")),
        st.tuples(*[st.integers(0, 30)] * 3),
        st.sampled_from((True, True, False)),
    )
    operators = st.sampled_from((ADMINISTRATOR,) * 5 + tuple(OPERATORS))
    kinds: tuple[st.SearchStrategy[Any], ...] = (
        *(decided,) * 9,
        *(st.builds(Undo, st.integers(0, 8), operators),) * 2,
        *(arrived,) * 3,
        st.just(Take()),
        st.just(Work()),
        st.builds(Move, st.integers(0, 30), st.integers(0, 30), st.sampled_from((-5, 0, 1, 5, 30))),
        *(st.builds(Wait, st.sampled_from((1, 3, 7, 31, 70))),) * 2,
    )
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


def histories(shortest: int, longest: int) -> st.SearchStrategy[list[Step]]:
    """That many steps, none of the lengths rarer than the others."""
    return st.integers(shortest, longest).flatmap(lambda size: st.lists(steps(), min_size=size, max_size=size))


@dataclass
class Tally:
    """What histories came to, for a campaign to say."""

    steps: int = 0
    done: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def count(self, counted: dict[str, int], name: str) -> None:
        counted[name] = counted.get(name, 0) + 1
