"""How a queue reaches its rows without walking past all the others: lanes, and words that are looked up first.

A page needs forty rows of perhaps a million. Where a filter says "this or that", and each has an index in the queue's order, the page
is merged from the first rows of each: a *lane*. Where a word is borne by few, they are looked up by the indexes of names, and only
they are judged and ordered; where it is borne by many, some of them are soon met in the queue's own order. Both are shortcuts of one
question: the rows are always those that satisfy every predicate, whatever way was taken. Who bears a word is looked up anew for each
reading, for others write meanwhile.
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


def number(value: int) -> sa.ColumnElement[int]:
    """A limit that stands in the statement itself: a plan that is kept knows how few rows are wanted."""
    return sa.literal_column(str(int(value)), sa.Integer())


@dataclass(frozen=True, slots=True)
class Question:
    """A filter as asked of a desk: what holds for every row, the lanes that together are one more such predicate, and the words.

    `apart`: no row is in two lanes.
    """

    always: tuple[Predicate, ...]
    lanes: tuple[Predicate, ...]
    words: tuple[tuple[sa.Select[Any], ...], ...]
    apart: bool

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
    apart = True
    scope = list(desk.within(sight.operator))
    for (negated, term, values), predicate in zip(wanted.pieces, wanted.predicates(sight, desk.search), strict=True):
        lanes = _alternatives(predicate) if not negated and (term.lanes if term else desk.search_lanes) else ()
        if len(lanes) > 1:
            split.append(lanes)
            apart = apart and term is not None and term.apart and len({each.text for each in values}) == len(values)
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
    return Question(tuple(always), merged, tuple(each for each in words if each), apart)


def _alternatives(predicate: Predicate) -> tuple[Predicate, ...]:
    """What a predicate of the form "this or that" says, each by itself."""
    if isinstance(predicate, sa.BooleanClauseList) and predicate.operator is or_:
        return tuple(each for part in predicate.clauses for each in _alternatives(part))
    return (predicate,)


def looking_up(question: Question) -> tuple[sa.Executable, ...]:
    """For each word, how many bear it and who they are, by each way to them; no further than matters."""
    # What bears several words is rarer than any of them, so that little is met on the way.
    enough = (WIDE if len(question.words) == 1 else 10 * WIDE) + 1
    made: list[sa.Executable] = []
    for ways in question.words:
        counted = []
        for each in ways:
            case = each.limit(number(enough)).subquery().c[0]
            listed = sa.func.aggregate_strings(sa.cast(case, sa.Text()), ",")
            counted.append(sa.select(sa.func.count().label("many"), listed.label("listed")).select_from(case.table))
        made.append(sa.union_all(*counted))
    return tuple(made)


def bearers(connection: sa.Connection, looked_up: Sequence[sa.Executable]) -> str | None:
    """The numbers of the cases of the word that the fewest bear, as `3,17,4`; None where every word is borne by many."""
    best: str | None = None
    fewest = (WIDE if len(looked_up) == 1 else 10 * WIDE) + 1
    for each in looked_up:
        rows = connection.execute(each).all()
        found = sum(row.many for row in rows)
        if found < fewest:
            best, fewest = ",".join(row.listed for row in rows if row.listed), found
    return best
