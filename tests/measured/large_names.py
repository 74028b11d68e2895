"""Names for a million people: many thousands of family names, few common, most rare: a prefix finds what it would find in life.

Half of the households bear a name of `fixtures/names.py`; the other half one put together of syllables, by the law that the n-th name
is borne by about one n-th as many as the first. The same names at every run.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from console.names import last_initial, name_key, skeleton
from fixtures.names import CULTURES, any_culture

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILIES = 1 << 16
"""Rows to draw a family name from; a common name stands in many."""
RARE = 18_000
"""Different names put together of syllables."""
_BEFORE_ALL = 12

_FIRST = (
    *("Al", "Ar", "Bar", "Bel", "Ber", "Bran", "Cal", "Car", "Col", "Dal", "Del", "Dor", "El", "Fal", "Far"),
    *("Gal", "Gar", "Hal", "Har", "Hol", "Kel", "Kin", "Lan", "Lor", "Mal", "Mar", "Mor", "Nor", "Per", "Ren"),
)
_MIDDLE = (
    "a",
    "be",
    "da",
    "de",
    "do",
    "en",
    "er",
    "fi",
    "ga",
    "in",
    "la",
    "le",
    "li",
    "ma",
    "mi",
    "na",
    "ni",
    "o",
    "ra",
    "ri",
    "ro",
    "sa",
    "se",
    "ti",
    "to",
    "va",
    "vi",
)
_LAST = (
    *(
        "by",
        "cott",
        "dale",
        "field",
        "ford",
        "gard",
        "ham",
        "hurst",
        "land",
        "ley",
        "lin",
        "low",
        "man",
        "mont",
        "more",
    ),
    *(
        "ner",
        "rick",
        "sen",
        "shaw",
        "son",
        "stead",
        "ston",
        "ton",
        "ville",
        "wall",
        "ward",
        "wick",
        "win",
        "wood",
        "worth",
    ),
)


def given_pool() -> list[tuple[str, ...]]:
    """Given names, the cultures one behind the other: name, key, skeleton."""
    return [_keyed(name) for each in CULTURES for name in (*each.women, *each.men) or ("FNU",)]


def family_pool() -> Iterator[tuple[object, ...]]:
    """`FAMILIES` rows: name, key, skeleton, initial, and which given names go with it: the first one's place, and how many."""
    starts, places = 0, {}
    for each in CULTURES:
        count = len(each.women) + len(each.men) or 1
        places[each.key] = (starts, count)
        starts += count
    rng = Random("families")
    rare = [f"{a}{b}{c}" for a in _FIRST for b in _MIDDLE for c in _LAST]
    rng.shuffle(rare)
    weights = list(accumulate(1 / (rank + _BEFORE_ALL) for rank in range(RARE)))
    for place in range(FAMILIES):
        if place % 2:
            name = rare[bisect_right(weights, rng.random() * weights[-1])]
            key = "plain"
        else:
            culture = any_culture(rng)
            name, key = culture.family(rng, rng.choice(("female", "male"))), culture.key
        yield (*_keyed(name), str(last_initial(name)), *places[key])


def _keyed(name: str) -> tuple[str, ...]:
    return name, name_key(name), skeleton(name)
