"""The keys of a screen, generated from what is declared: its decisions, its table, itself, and what works everywhere."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from console.queue import Tone
from console.text import pad, safe
from screens.keymap import key_word
from screens.words import KEY, STRONG, lines, words, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import ActiveBinding, BindingType

    from console.text import SafeText
    from screens.words import Words

GROUPS = {
    "queue": "The list",
    "desk": "This desk",
    "case": "This case",
    "list": "The list",
    "home": "Home",
    "find": "Finding",
    "prompt": "Typing",
    "console": "Everywhere",
}
KEYS = 13
"""Cells for the keys of a line."""
SAID = 58
"""Cells for what they do."""


class KeysHelp(ModalScreen[None]):
    """Says what every key of the screen below does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark,f1", "close", "Close", id="keys.close", tooltip="Close"),
        Binding("down,j", "scroll(1)", "", id="keys.down", tooltip="Scroll down"),
        Binding("up,k", "scroll(-1)", "", id="keys.up", tooltip="Scroll up"),
        Binding("pagedown,space", "scroll(10)", "", id="keys.page_down", tooltip="Scroll one screen down"),
        Binding("pageup", "scroll(-10)", "", id="keys.page_up", tooltip="Scroll one screen up"),
    ]

    def __init__(self, active: Mapping[str, ActiveBinding], *, ids: bool) -> None:
        super().__init__()
        self._content = keys_content(active, ids=ids)
        self._ids = ids

    def compose(self) -> ComposeResult:
        """The sheet."""
        with Vertical(classes="dialog keys wider" if self._ids else "dialog keys"):
            with VerticalScroll(can_focus=False):
                yield Static(self._content, markup=False)
            said = "esc closes."
            if self._ids:
                said = "esc closes. The last word of a line is the name by which district.toml gives other keys."
            yield Static(Content.assemble(words(safe(said), Tone.DIM)), markup=False, classes="explained")

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


def keys_content(active: Mapping[str, ActiveBinding], *, ids: bool) -> Content:
    """A line an action: its keys, what it does and, with `ids`, its name; decisions first."""
    groups: dict[str, dict[str, tuple[list[str], Binding]]] = {}
    for key, each in active.items():
        binding = each.binding
        if not binding.id or binding.id.endswith("_too"):
            continue
        group = binding.id.partition(".")[0]
        keys, _ = groups.setdefault(group, {}).setdefault(binding.id, ([], binding))
        keys.append(key_word(key))
    order = [*(name for name in groups if name not in GROUPS), *(name for name in GROUPS if name in groups)]
    rows: list[Sequence[Words]] = []
    for group in order:
        rows += [[(GROUPS.get(group, "Decisions"), STRONG)]]
        for name, (keys, binding) in groups[group].items():
            text = binding.tooltip or binding.description
            rows += _entry(keys, _said(binding, text), name if ids else "")
        rows.append(())
    return lines(rows[:-1])


def _entry(keys: Sequence[str], text: str, name: str) -> list[Sequence[Words]]:
    """The keys and what they do, each on as many lines as it takes; the name behind the first."""
    none = safe("")
    found: list[Sequence[Words]] = []
    for key, line in zip_longest(_in_columns(keys), wrap(safe(text), SAID), fillvalue=none):
        named = [words(safe(f" {name}"), Tone.DIM)] if name and not found else []
        found.append([(pad(key, KEYS), KEY), (pad(line, SAID) if named else line, ""), *named])
    return found


def _in_columns(keys: Sequence[str]) -> list[SafeText]:
    """Keys, the shortest first, as many on a line as there is room for."""
    found: list[str] = []
    for key in sorted(keys, key=len):
        if found and len(found[-1]) + 2 + len(key) < KEYS:
            found[-1] += f"  {key}"
        else:
            found.append(key)
    return [safe(each) for each in found]


def _said(binding: Binding, text: str) -> str:
    decision = binding.action.startswith(("decide(", "disclose("))
    return f"{binding.description}: {text[:1].lower()}{text[1:]}" if decision else text
