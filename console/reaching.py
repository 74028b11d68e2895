"""How a queue reaches its rows without walking past all the others: lanes, and words that are looked up first.

A page needs forty rows of perhaps a million. Where a filter says "this or that", and each has an index in the queue's order, the page
is merged from the first rows of each: a *lane*. Where a word is borne by few, they are looked up by the indexes of names, and only
they are judged and ordered; where it is borne by many, some of them are soon met in the queue's own order. Both are shortcuts of one
question: the rows are always those that satisfy every predicate, whatever way was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from operator import or_
from typing import TYPE_CHECKING, Any

from console.filters import parse
from console.lazy import sa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.desk import Desk, Sight
    from console.filters import Predicate

WIDE = 5_000
"""Cases that bear a word above which they are not looked up first: of a million in order, as many are passed before forty are met."""
MOST_LANES = 16
"""Lanes above which merging costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Question:
    """A filter as asked of a desk: what holds for every row, the lanes that together are one more such predicate, and the words."""

    always: tuple[Predicate, ...]
    lanes: tuple[Predicate, ...]
    words: tuple[tuple[sa.Select[Any], ...], ...]

    @property
    def whole(self) -> list[Predicate]:
        """Every predicate, the lanes as one of them."""
        return [*self.always, sa.or_(*self.lanes)] if self.lanes else list(self.always)


def ask(desk: Desk, where: str, sight: Sight) -> Question:
    """The question that a filter asks within the operator's scope. Raises Usage for one that the desk does not understand."""
    wanted = parse(where, desk.terms)
    always: list[Predicate] = list(desk.presumed(wanted.names))
    split: list[Sequence[Predicate]] = []
    words: list[tuple[sa.Select[Any], ...]] = []
    scope = list(desk.within(sight.operator))
    for (negated, term, values), predicate in zip(wanted.pieces, wanted.predicates(sight, desk.search), strict=True):
        lanes = _alternatives(predicate) if not negated and (term.lanes if term else desk.search_lanes) else ()
        if len(lanes) > 1:
            split.append(lanes)
        else:
            always.append(predicate)
        if term is None and not negated:
            words.append(tuple(each for value in values for each in desk.bearing(value.text)))
    if split and desk.school_lanes and scope:
        split.append(
            [
                each.in_((school,))
                for each in (desk.school(),)
                if each is not None
                for school in sorted(sight.operator.schools or ())
            ]
        )
    else:
        always = [*scope, *always]
    merged: tuple[Predicate, ...] = ()
    # Counted before they are made: of thirty words there are more lanes than anybody could wait for.
    if prod(map(len, split)) > MOST_LANES:
        always += [sa.or_(*each) for each in split]
    elif split:
        merged = tuple(sa.and_(*each) for each in product(*split))
    return Question(tuple(always), merged, tuple(each for each in words if each))


def _alternatives(predicate: Predicate) -> tuple[Predicate, ...]:
    """What a predicate of the form "this or that" says, each by itself."""
    if isinstance(predicate, sa.BooleanClauseList) and predicate.operator is or_:
        return tuple(each for part in predicate.clauses for each in _alternatives(part))
    return (predicate,)


def rarest(connection: sa.Connection, question: Question) -> tuple[sa.Select[Any], ...]:
    """How to look up the cases of the word that the fewest bear; nothing where every word is borne by many."""
    best: tuple[sa.Select[Any], ...] = ()
    # What bears several words is rarer than any of them, so that little is met on the way.
    fewest = (WIDE if len(question.words) == 1 else 10 * WIDE) + 1
    for looked_up in question.words:
        counted = [
            sa.select(sa.func.count()).select_from(each.limit(fewest).subquery()).scalar_subquery()
            for each in looked_up
        ]
        found = sum(connection.execute(sa.select(*counted)).one())
        if found < fewest:
            best, fewest = looked_up, found
    return best
