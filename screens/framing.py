"""The words of a screen's first and last line at a width, before there are widgets to show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.queue import Tone
from console.text import cells, clip, safe
from screens.words import KEY, STRONG, STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.text import SafeText
    from screens.desk_keys import KeyHint
    from screens.words import Words

MOST_KEYS = 6


def heading(title: str, about: SafeText, portal: str, width: int) -> list[Words]:
    """What this is, what it shows; the portal at the line's end where there is room. One cell is left free on either side."""
    width -= 2
    called = clip(safe(title), width)
    room = width - cells(called) - 3
    about = clip(about, max(0, room))
    end = safe(portal)
    space = width - cells(called) - (cells(about) + 3 if about else 0) - cells(end)
    parts: list[Words] = [(" ", ""), (called, STRONG)]
    if about:
        parts += [("   ", ""), (about, STYLES[Tone.ACCENT])]
    if space >= 2:
        parts += [(" " * space, ""), (end, STYLES[Tone.DIM])]
    return parts


def named(keys: Sequence[KeyHint], width: int) -> tuple[KeyHint, ...]:
    """The keys that find room: lasting ones always, of the others the first."""
    lasting = [each for each in keys if each.lasting]
    others = [each for each in keys if not each.lasting][: MOST_KEYS - len(lasting)]

    def wide() -> int:
        return sum(cells(safe(each.key)) + cells(safe(each.title)) + 3 for each in others + lasting) - 1

    while others and wide() > width:
        others.pop()
    return tuple(others + lasting)


def key_line(keys: Sequence[KeyHint], width: int) -> list[Words]:
    """The keys that find room, those that do nothing now dimmed."""
    parts: list[Words] = []
    for each in named(keys, width):
        off = each.why_not is not None
        parts += [("  " if parts else " ", ""), (each.key, STYLES[Tone.DIM] if off else KEY)]
        parts += [(" ", ""), (each.title, STYLES[Tone.DIM] if off else "")]
    return parts
