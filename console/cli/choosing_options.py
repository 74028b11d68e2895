"""`--ids 1,2,5-9`, `--where FILTER`, `--but IDS`: how a command line says which cases it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.errors import Usage
from console.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_IDS = 10_000
"""Cases that can be named one by one; more are said with a filter."""

LARGEST_ID = 2**63 - 1


def case_numbers(text: str, flag: str = "--ids") -> tuple[int, ...]:
    """The numbers of `1,2,5-9` in their order, each once. Raises Usage for anything else."""
    found: dict[int, None] = {}
    for piece in text.replace(" ", ",").split(","):
        if not piece:
            continue
        first, dash, last = piece.partition("-")
        if not (_is_number(first) and (not dash or _is_number(last))):
            raise Usage(f"{flag} takes numbers such as 1,2,5-9; nothing was done.")
        low, high = int(first), int(last or first)
        if not 0 < low <= high <= LARGEST_ID:
            raise Usage(f"{flag} takes numbers from 1 on, a range from low to high; nothing was done.")
        if high - low >= MOST_IDS or len(found) + high - low >= MOST_IDS:
            raise Usage(f"{flag} takes {MOST_IDS:,} numbers at most; nothing was done. Use --where for more.")
        found.update(dict.fromkeys(range(low, high + 1)))
    if not found:
        raise Usage(f"{flag} names no number; nothing was done. Write 7 or 1,2,5-9.")
    return tuple(found)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))


def selection_options(example: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options, given to the command as `ids`, `where` and `but`; `example` is a filter of the desk, or empty."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        such = f", as '{example}'" if example else ""
        for option in (
            click.option("--but", metavar="IDS", help="With --where: all of them except these."),
            click.option("--where", metavar="FILTER", help=f"Every case that matches{such}."),
            click.option("--ids", metavar="IDS", help="These cases: 7 or 1,2,5-9."),
        ):
            function = option(function)
        return function

    return decorate


def read_selection(ids: str | None, where: str | None, but: str | None) -> Selection:
    """What was meant. Raises Usage when neither or both were said: "all" is never meant by saying nothing."""
    if ids is None and (where is None or not where.strip()):
        raise Usage("Which cases? Nothing was done. Name them with --ids 1,2,5-9 or --where FILTER.")
    if ids is not None and where is not None:
        raise Usage("Cases are named by --ids or by --where, not by both; nothing was done.")
    if ids is not None:
        if but is not None:
            raise Usage("--but belongs to --where; nothing was done. Leave the numbers out of --ids instead.")
        return Selection(ids=case_numbers(ids))
    return Selection(where=where or "", but=case_numbers(but, "--but") if but else ())
