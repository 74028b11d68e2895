"""Small plots out of text for the home screen: how something went, and how much of a whole it is.

They decorate: a screen reader says nothing of use about `▂▅█`, so whoever shows a plot says its numbers in words beside
it. Pure text without colour, each a fixed number of cells wide, with an ASCII form for terminals that lack the blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.text import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.text import SafeText

_STEPS = "▁▂▃▄▅▆▇█"
_ASCII_STEPS = "_.-~=+*#"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def spark(values: Sequence[float], *, ascii_only: bool = False) -> SafeText:
    """One cell a value, from 0 (or below) as the lowest step to the greatest value as the highest.

    No values give no text; values without a positive one among them are all lowest. A value above 0 is never drawn as 0
    is, and none but the greatest is drawn as high.
    """
    steps = _ASCII_STEPS if ascii_only else _STEPS
    greatest = max(values, default=0)
    highest = len(steps) - 1

    def step(value: float) -> str:
        if value <= 0:
            return steps[0]
        return steps[highest if value == greatest else min(max(1, round(value / greatest * highest)), highest - 1)]

    return safe("".join(step(value) for value in values))


def bar(part: float, whole: float, cells: int, *, ascii_only: bool = False) -> SafeText:
    """`part` of `whole` as a bar in exactly `cells` cells, to an eighth of a cell (ASCII: to a cell).

    Where there is more than one step to choose, something is never drawn as nothing, and what is not all never as full.
    A `whole` of 0 or less is an empty bar; a `part` outside 0 … `whole` counts as the nearer end.
    """
    if cells <= 0:
        return safe("")
    parts_a_cell = 1 if ascii_only else len(_EIGHTHS) - 1
    most = cells * parts_a_cell
    filled = round(min(max(0.0, part / whole), 1.0) * most) if whole > 0 else 0
    if whole > 0 and 0 < part < whole:
        filled = min(max(1, filled), max(1, most - 1))
    full, rest = divmod(filled, parts_a_cell)
    if ascii_only:
        return safe("#" * full + "." * (cells - full))
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    return safe(drawn + "·" * (cells - len(drawn)))
