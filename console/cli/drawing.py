"""Tables and paragraphs on a terminal: coloured by tone where colours are wanted, cut to the terminal's width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.text import SafeText

STYLES = {"plain": "", "dim": "dim", "good": "green", "warn": "yellow", "bad": "red", "accent": "cyan"}
"""Tones as the terminal's own colours, so that light and dark terminals both stay readable."""


def draw_table(
    heads: Sequence[SafeText],
    lines: Sequence[Sequence[SafeText]],
    right: Sequence[bool],
    tones: Sequence[Sequence[str]] | None = None,
) -> None:
    """A table as wide as the terminal at most; what does not fit ends with an ellipsis. Markup in cells is text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for n, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if right[n] else "left", no_wrap=True, overflow="ellipsis")
    for n, line in enumerate(lines):
        styles = tones[n] if tones else ["plain"] * len(line)
        table.add_row(*(Text(cell, STYLES.get(tone, "")) for cell, tone in zip(line, styles, strict=True)))
    Console(highlight=False, emoji=False, markup=False).print(table)


def draw_line(parts: Sequence[tuple[SafeText, str]]) -> None:
    """One line of coloured parts, wrapped at words."""
    from rich.console import Console
    from rich.text import Text

    Console(highlight=False, emoji=False, markup=False).print(
        Text.assemble(*((str(text), STYLES.get(tone, tone)) for text, tone in parts))
    )


def write_title(head: str, rest: str) -> None:
    """The first line of a case."""
    import click

    from console.text import safe

    click.echo(f"{click.style(head, bold=True)}  {safe(rest)}")


def write_pairs(title: str, pairs: Sequence[tuple[str, SafeText, str]]) -> None:
    """A titled list of names and what they say, aligned; wrapped only on a terminal."""
    import click

    from console.text import cells, pad, safe

    if not pairs:
        return
    click.echo()
    click.echo(click.style(title, bold=True))
    width = max(cells(safe(label)) for label, _, _ in pairs)
    for label, text, tone in pairs:
        click.echo(f"  {pad(safe(label), width)}  {_toned(text, tone)}".rstrip())


def _toned(text: SafeText, tone: str) -> str:
    import click

    match tone:
        case "dim":
            return click.style(text, dim=True)
        case "good" | "warn" | "bad" | "accent":
            return click.style(text, fg=STYLES[tone])
        case _:
            return str(text)
