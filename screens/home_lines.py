"""What home says, in words, before there is a widget to say it: a line a desk, what needs a look, what was decided last.

Promises: numbers and words first, the plot beside them only says it again; no names. The screen and the first page, which is
there before the toolkit, say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.desks import DESKS
from console.desks import desk as desk_of
from console.drawn import age
from console.queue import Tone
from console.text import cells, clip, join, pad, safe
from screens.desk_keys import KeyHint
from screens.listed import Line
from screens.plots import spark
from screens.words import KEY, STRONG, STYLES, plural, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from console.authority import Operator
    from console.desk import Desk
    from console.overview import Decided, DeskView, Overview
    from console.text import SafeText
    from screens.words import Words

TITLE = "Home"
DESK_TITLE = 19
"""Cells for a desk's title."""
ROWS = {"intake": "row"}
"""What is counted where there is no desk."""
ROOM_FOR_PLOT = 76
"""Cells from which a plot stands beside the numbers."""
MARGIN = 4
"""Cells that a line leaves free on its two sides."""
WAITS = Line((("What waits", STRONG),))
"""The heading of the desks."""


def day(now: datetime, zone: ZoneInfo) -> SafeText:
    """The day, as the heading writes it."""
    return safe(now.astimezone(zone).strftime("%A, %-d %B %Y"))


def greeting(operator: Operator) -> str:
    """Who is here."""
    return f"Signed in as {operator.name}, {operator.role.replace('_', ' ')}."


def hints(key: Callable[[str, str], str]) -> Sequence[KeyHint]:
    """Where to go. `key` says how the key of an action is written, by its id and its declared keys."""
    return [
        KeyHint(key("", "enter"), "Open"),
        KeyHint(key("console.find", "ctrl+f"), "Find a person"),
        KeyHint(key("console.command", "colon"), "Command"),
        KeyHint(key("home.leave", "q,escape"), "Leave", lasting=True),
        KeyHint(key("console.keys", "question_mark"), "Keys", lasting=True),
    ]


def home_lines(desks: Mapping[str, Desk], overview: Overview | None, width: int) -> list[Line]:
    """Everything home says at this width in cells; without an overview the desks alone."""
    counted = {each.name: each for each in overview.desks} if overview else {}
    found = [WAITS]
    for name, desk in desks.items():
        found.append(Line(tuple(_desk_line(desk, counted.get(name), overview, width)), name))
    return [*found, *(_other_lines(overview) if overview else ())]


def _desk_line(desk: Desk, view: DeskView | None, overview: Overview | None, width: int) -> list[Words]:
    parts: list[Words] = [(f"{desk.digit}  ", KEY), (pad(safe(desk.title), DESK_TITLE), "")]
    if view is None or overview is None:
        about = safe("" if desk.waiting else desk.help)
        return [*parts, words(clip(join([safe("  "), about]), max(0, width - DESK_TITLE - 8)), Tone.DIM)]
    count = f"{'over ' if view.waiting.capped else ''}{view.waiting.number:,}"
    none = not view.waiting.number
    parts.append((pad(safe("nothing" if none else count), 11, right=True), STYLES[Tone.DIM] if none else STRONG))
    oldest = f"oldest {age(view.oldest, overview.at)}" if view.oldest and not none else ""
    parts.append(words(pad(safe(f"  {oldest}"), 14), Tone.DIM))
    came: list[Words] = []
    if view.arrivals and width >= ROOM_FOR_PLOT:
        came = [
            (spark(view.arrivals), STYLES[Tone.ACCENT]),
            words(safe(f"  {view.arrivals[-1]:,} today"), Tone.DIM),
        ]
    due: list[Words] = []
    if view.overdue:
        due.append(words(safe(f"  {view.overdue:,} overdue"), Tone.BAD))
    if view.due_today:
        due.append(words(safe(f"  {view.due_today:,} due today"), Tone.WARN))

    def too_wide() -> bool:
        return sum(cells(safe(text)) for text, _ in [*parts, *came, *due]) > width - MARGIN

    while came and too_wide():
        came.pop()  # what is late matters more than what came
    if due and too_wide():
        parts.pop()  # and more than since when the oldest waits
    return [*parts, *came, *due]


def _other_lines(view: Overview) -> list[Line]:
    coming = [
        (view.reviews, "mask or block to look at again within 14 days", "students", Tone.WARN),
        (view.grants_ending, "grant that ends within 30 days", "grants", Tone.WARN),
        (view.refused, "row from the portal that was refused", "", Tone.BAD),
        (view.notices_failed, "notice that could not be sent", "", Tone.BAD),
    ]
    found = [
        _line([words(pad(safe(f"{count:,}"), 4, right=True), tone), (f"  {_several(what, count)}", "")], desk)
        for count, what, desk, tone in coming
        if count
    ]
    lines = [
        _blank(),
        _heading("What needs a look"),
        *(found or [_line([words(safe("Nothing."), Tone.DIM)])]),
    ]
    if view.last:
        lines += [_blank(), _heading("What you decided last"), *(_decided(each, view.at) for each in view.last)]
    return lines


def _decided(each: Decided, now: datetime) -> Line:
    # Also of a desk that the operator does not see: what they decided, or a program did, was decided there.
    counted = desk_of(each.desk).singular if each.desk in DESKS else ROWS.get(each.desk, each.desk)
    done = plural(each.done, counted)
    undone = "  undone" if each.undone else ""
    parts = [
        words(pad(safe(age(each.at, now)), 4, right=True), Tone.DIM),
        (f"  {each.decision}, {done}", ""),
        words(safe(f"   {each.batch}{undone}"), Tone.DIM),
    ]
    return _line(parts)


def _heading(text: str) -> Line:
    return Line(((text, STRONG),))


def _blank() -> Line:
    return Line(())


def _line(parts: Sequence[Words], desk: str = "") -> Line:
    return Line(tuple(parts), f"{desk}:look" if desk else "")


def _several(what: str, count: int) -> str:
    if count == 1:
        return what
    first, _, rest = what.partition(" ")
    several = {"mask": "masks or blocks", "grant": "grants", "row": "rows", "notice": "notices"}[first]
    rest = rest.removeprefix("or block ").replace("ends", "end").replace("that was", "that were")
    return f"{several} {rest}"
