"""Keys of a desk's decisions and disclosures, made from its declaration, for every screen that shows a case of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.screen import Screen

    from console.desk import Desk

Shown = TypeVar("Shown", bound="Screen[None]")


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key as the last line shows it; `why_not` says why it does nothing now, `lasting` ones never give way."""

    key: str
    title: str
    why_not: str | None = None
    lasting: bool = False


def decision_bindings(desk: Desk) -> list[Binding]:
    """A binding a decision and a disclosure. They come before the keys of the table, which has others for the same."""
    from textual.binding import Binding

    return [
        Binding(
            each.key,
            f"{action}('{each.name}')",
            each.title,
            id=f"{desk.name}.{each.name}",
            tooltip=each.help,
            priority=True,
        )
        for action, declared in (("decide", desk.decisions), ("disclose", desk.disclosures))
        for each in declared
        if each.key
    ]


@cache
def keyed(shown: type[Shown], desk: Desk) -> type[Shown]:
    """The same screen with the keys of this desk."""
    name = f"{desk.name.title()}{shown.__name__}"
    return type(name, (shown,), {"BINDINGS": decision_bindings(desk), "__module__": shown.__module__})
