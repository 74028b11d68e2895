"""A case as words: its facts in titled groups, its thread, and what can be decided about it or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.queue import Tone
from console.text import cells, clip, pad, safe
from screens.words import KEY, STRONG, STYLES, lines, words, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from textual.content import Content

    from console.case_view import CaseView, Entry, Part
    from console.desk import Desk
    from console.text import SafeText
    from screens.words import Words

LABEL = 16
"""Cells that a fact's label takes at most."""


def case_content(view: CaseView, width: int, zone: ZoneInfo) -> Content:
    """Title, facts and thread in lines of at most `width` cells."""
    rows: list[Sequence[Words]] = _title(view, width)
    for part in view.parts:
        rows += [*_part(part, width), ()]
    if view.thread:
        rows.append([("Messages", STRONG)])
        for entry in view.thread:
            rows += [*_entry(entry, width, zone), ()]
    while rows and not rows[-1]:
        rows.pop()
    return lines(rows)


def part_places(view: CaseView, width: int) -> list[int]:
    """The line on which each group of facts begins."""
    places, line = [], len(_title(view, width))
    for part in view.parts:
        places.append(line)
        line += len(_part(part, width)) + 1
    return [*places, line] if view.thread else places


def _title(view: CaseView, width: int) -> list[Sequence[Words]]:
    return [*([(line, f"{STRONG} $accent")] for line in wrap(view.title, width)), ()]


def _part(part: Part, width: int) -> list[Sequence[Words]]:
    rows: list[Sequence[Words]] = [[(clip(safe(part.title), width), STRONG)]]
    label_width = min(LABEL, max((cells(safe(fact.label)) for fact in part.facts), default=0))
    indent = label_width + 2 if label_width else 0
    for fact in part.facts:
        for n, line in enumerate(wrap(fact.text, width - indent)):
            label = pad(safe(fact.label if n == 0 else ""), indent)
            signed = STYLES[fact.tone] if len(fact.label) == 1 else STYLES[Tone.DIM]
            rows.append([(label, signed), words(line, fact.tone)])
    return rows


def _entry(entry: Entry, width: int, zone: ZoneInfo) -> list[Sequence[Words]]:
    when = entry.at.astimezone(zone).strftime("%-d %b %Y, %H:%M")
    rows: list[Sequence[Words]] = [[words(clip(safe(f"{when}  {entry.author}"), width), Tone.DIM)]]
    rows += [[words(line)] for text in entry.text for line in wrap(text, width - 2)]
    return rows


def decisions_content(
    desk: Desk, view: CaseView, width: int, key_of: Callable[[str, str], str], *, long: bool
) -> Content:
    """Every decision with its key, those that can be taken first; the others are dimmed and say why not.

    `long` has a line of help for each; without it, those that can be taken share lines.
    """
    can: list[Sequence[Words]] = []
    cannot: list[Sequence[Words]] = []
    short: list[Words] = []
    for each in desk.decisions:
        key = key_of(f"{desk.name}.{each.name}", each.key) or f":{each.name}"
        why = view.decisions.get(each.name)
        if why is not None:
            cannot += _hanging(key, wrap(safe(f"{each.title}: {why}"), width - _indent(key)), STYLES[Tone.DIM])
        elif long:
            can += _hanging(key, [clip(safe(each.title), width - _indent(key))], "")
            can += [[("   ", ""), words(line, Tone.DIM)] for line in wrap(safe(each.help), width - 3)]
            can.append(())
        else:
            short += [(key, KEY), (f" {each.title}   ", "")]
    return lines([*_flow(short, width), *can, *cannot])


def _indent(key: str) -> int:
    return max(3, len(key) + 1)


def _hanging(key: str, texts: Sequence[SafeText], style: str) -> list[Sequence[Words]]:
    """A key, and its text behind it on as many lines as it takes."""
    return [
        [(pad(safe(key if n == 0 else ""), _indent(key)), style or KEY), (text, style)] for n, text in enumerate(texts)
    ]


def _flow(parts: list[Words], width: int) -> list[Sequence[Words]]:
    """Pairs of a key and its title, as many on a line as fit."""
    rows: list[list[Words]] = []
    used = width
    for key, title in zip(parts[::2], parts[1::2], strict=True):
        wide = cells(safe(key[0])) + cells(safe(title[0]))
        if used + wide > width:
            rows.append([])
            used = 0
        rows[-1] += [key, title]
        used += wide
    return list(rows)
