"""A line of a list, and how it is drawn: in words, before there is a widget to draw it.

Promise: the list of the toolkit and the first page, which is there before the toolkit, show the same line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console.text import clip, pad, safe
from screens.theme import SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screens.words import Words


class Line(NamedTuple):
    """One line: its words, and the name by which it is chosen; '' for one that cannot be."""

    words: tuple[Words, ...]
    name: str = ""


def row(line: Line, width: int, *, here: bool = False, focus: bool = True) -> Sequence[Words]:
    """The line at this width in cells; `here` is where the cursor stands, turned over where the keys go to the list."""
    if not here:
        return (("  ", ""), *line.words)
    plain = clip(safe("".join(text for text, _ in line.words)), width - 2)
    sign = safe(f"{SIGNS.cursor} ")
    if not focus:
        return ((sign, "$accent bold"), (plain, "bold"))
    return ((pad(safe(sign + plain), width), "reverse"),)
