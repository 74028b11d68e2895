"""What is guessed first: common passwords, keyboard runs, repetitions, and the names that stand on the door.

Promises: the judgement is of the whole password and says why. It knows a compact list of words with what people put around and in
them (years, exclamation marks, @ for a), not a million entries: a district adds a longer list with `signin.blocklist`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIGURES = str.maketrans(
    {"@": "a", "4": "a", "8": "b", "3": "e", "1": "i", "!": "i", "l": "i", "0": "o", "5": "s", "$": "s", "7": "t"}
)
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "`1234567890-=",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qwertzuiop",
    "azertyuiop",
)
_NEIGHBOURS = frozenset(pair for row in _ROWS for each in (row, row[::-1]) for pair in pairwise(each))
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
LEAST_LETTERS = 4
"""Different characters that a password has at least."""
LEAST_BESIDE = 6
"""Characters that are left beside names."""
SHORTEST_NAME = 4
"""Characters of a name that is looked for."""


def telling(folded: str) -> str | None:
    """Why a case-folded password is among the first tried, or None."""
    if len(set(folded)) < LEAST_LETTERS:
        return "it repeats very few characters"
    if (folded + folded).find(folded, 1) < len(folded):
        return "it repeats itself"
    steps = list(pairwise(folded))
    if sum(step in _NEIGHBOURS or step[0] == step[1] for step in steps) * 4 >= len(steps) * 3:
        return "it follows the keyboard or the alphabet"
    bare = (_letters(folded), _AROUND.sub("", folded), _AROUND.sub("", folded.rstrip("!1")))
    if any(_meant(each) in _common() for each in (folded, *bare, *(_AROUND.sub("", _meant(each)) for each in bare))):
        return "it is a common one, with nothing around it that is not"
    return None


def mostly(folded: str, names: Iterable[str]) -> str | None:
    """Why a case-folded password says too much of these names, or None."""
    whole = left = _letters(_meant(folded))
    parts = {_letters(_meant(each.casefold())) for name in names for each in (name, *re.split(r"[\W_]+", name))}
    for part in sorted((each for each in parts if len(each) >= SHORTEST_NAME), key=len, reverse=True):
        left = left.replace(part, "")
    if left != whole and len(left) < LEAST_BESIDE:
        return "it is little more than a name that everybody knows here"
    return None


@cache
def _common() -> frozenset[str]:
    """The words of `common_passwords.txt`, as `_meant` folds them."""
    lines = files("console.signin").joinpath("common_passwords.txt").read_text(encoding="ascii").split()
    return frozenset(_meant(word) for word in lines)


def _meant(text: str) -> str:
    """With the letters that figures are written for; I and L count as one."""
    return text.translate(_FIGURES)


def _letters(text: str) -> str:
    """Letters and figures alone."""
    return re.sub(r"[\W_]+", "", text)
