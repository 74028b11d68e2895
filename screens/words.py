"""Sentences and lists on a screen: safe text with a tone, wrapped by cells, as the toolkit's own content.

Promises: what comes from data is never parsed as markup; a line is never wider than it was asked to be, whatever letters a
name is made of. The toolkit is loaded when its content is made, and not before: the first page needs only words.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from console.queue import Tone
from console.text import cells, clip, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.content import Content

    from console.text import SafeText

STYLES: Mapping[Tone, str] = MappingProxyType(
    {
        Tone.PLAIN: "",
        Tone.DIM: "dim",
        Tone.GOOD: "$success",
        Tone.WARN: "$warning",
        Tone.BAD: "bold $error",
        Tone.ACCENT: "$accent",
    }
)
STRONG = "bold"
KEY = "bold $accent"

Words = tuple[str, str]
"""Text and its style."""


def words(text: SafeText, tone: Tone = Tone.PLAIN) -> Words:
    """Text from data, in a tone."""
    return (text, STYLES[tone])


def lines(rows: Iterable[Sequence[Words]]) -> Content:
    """One line a row."""
    from textual.content import Content

    return Content("\n").join(Content.assemble(*row) for row in rows)


def wrap(text: SafeText, width: int) -> list[SafeText]:
    """`text` in lines of at most `width` cells, broken at spaces; a word that is longer is cut with `…`. At least one line."""
    width = max(1, width)
    found: list[str] = []
    used = 0
    for word in text.split(" "):
        wide = cells(safe(word))
        if found and used + 1 + wide <= width:
            found[-1] += f" {word}"
            used += 1 + wide
        else:
            found.append(word)
            used = wide
    return [clip(safe(line), width) for line in found] or [safe("")]


def plural(count: int, singular: str) -> str:
    """`1 registration`, `1,200 registrations`, `2 ASPs`, `3 people of the directory`."""
    if count == 1:
        return f"1 {singular}"
    head, of, rest = singular.partition(" of ")
    if head == "person":
        several = "people"
    elif head.endswith("y") and head[-2:-1] not in "aeiou":
        several = f"{head[:-1]}ies"
    else:
        several = f"{head}s"
    return f"{count:,} {several}{of}{rest}"
