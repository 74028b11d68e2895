"""The look of the console, in one place: the terminal's own colours, one accent, dim for what is secondary, bold for
what matters.

Promises: nothing is told by colour alone, so the look without colour (`NO_COLOR`) has the same words, glyphs and
weights; no colour is set where the terminal's default will do, which is also what keeps a key press below 450 bytes on
the wire; only the sixteen colours that the operator chose for the terminal are used, so dark and light backgrounds both
work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from console.queue import Tone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style
    from textual.theme import Theme

NAME = "district"
"""The name under which the theme is registered with the app."""
ACCENT = "cyan"
"""The one accent: the cursor's and the marks' glyphs, what is selected, what has the focus."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of the table. Each is one terminal cell wide."""

    cursor: str
    marked: str
    marked_by_filter: str
    ascending: str
    descending: str


SIGNS = Glyphs(cursor="›", marked="●", marked_by_filter="✓", ascending="▲", descending="▼")
ASCII_SIGNS = Glyphs(cursor=">", marked="*", marked_by_filter="+", ascending="^", descending="v")
"""For terminals whose font lacks the others (the Linux console)."""


@dataclass(frozen=True, slots=True)
class Look:
    """Styles of the queue table; None is the terminal's default and costs no bytes.

    The cursor is a bar in the terminal's own colours, turned over: readable on every palette. Without the focus it is
    bold text behind its glyph.
    """

    tones: Mapping[Tone, Style | None]
    gutter: Style
    header: Style
    sorted: Style
    cursor: Style
    cursor_away: Style
    sentence: Style


@cache
def look(*, colour: bool = True) -> Look:
    """The styles of the table, with colour or (`NO_COLOR`) with weight alone."""
    from rich.style import Style

    def style(name: str | None = None, *, bold: bool | None = None, dim: bool | None = None) -> Style:
        return Style(color=name if colour else None, bold=bold, dim=dim)

    return Look(
        tones=MappingProxyType(
            {
                Tone.PLAIN: None,
                Tone.DIM: style(dim=True),
                Tone.GOOD: style("green") if colour else None,
                Tone.WARN: style("yellow") if colour else style(bold=True),
                Tone.BAD: style("red", bold=True),
                Tone.ACCENT: style(ACCENT) if colour else style(bold=True),
            }
        ),
        gutter=style(ACCENT, bold=True),
        header=style(dim=True),
        sorted=style(bold=True),
        cursor=Style(reverse=True),
        cursor_away=style(bold=True),
        sentence=style(dim=True),
    )


def theme() -> Theme:
    """The theme to register with the app (and to set as `app.theme = NAME`); goes with `ansi_color=True`."""
    from textual.theme import Theme

    return Theme(
        name=NAME,
        ansi=True,
        primary=f"ansi_{ACCENT}",
        secondary="ansi_default",
        accent=f"ansi_{ACCENT}",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "border": f"ansi_{ACCENT}",
            "border-blurred": "ansi_bright_black",
            "block-cursor-foreground": "ansi_default",
            "block-cursor-background": "ansi_default",
            "block-cursor-text-style": "reverse",
            "block-cursor-blurred-foreground": "ansi_default",
            "block-cursor-blurred-background": "ansi_default",
            "block-cursor-blurred-text-style": "bold",
            "block-hover-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-background": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-foreground": "ansi_black",
            "input-selection-background": f"ansi_{ACCENT}",
            "screen-selection-foreground": "ansi_black",
            "screen-selection-background": f"ansi_{ACCENT}",
            "footer-key-foreground": f"ansi_{ACCENT}",
            "footer-description-foreground": "ansi_default",
        },
    )
