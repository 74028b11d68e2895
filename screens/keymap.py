"""Which keys act: those declared, those that a user put in their place, and no single letters where they are switched off.

Speech input types words: with `console.single_letter_keys` off nothing happens at a letter, digit or sign alone (WCAG
2.1.4); arrows, enter, function keys, control keys and the palette do everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import Binding

    from console.settings.tables import ConsoleSettings

NO_KEY = "f24"
"""A key that keyboards lack: what an action has whose every key is switched off."""
_SIGNS = {
    "asterisk": "*",
    "colon": ":",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "question_mark": "?",
    "right_square_bracket": "]",
    "slash": "/",
}
_WORDS = {"escape": "esc", "pageup": "PgUp", "pagedown": "PgDn", "up": "↑", "down": "↓", "left": "←", "right": "→"}


def single(key: str) -> bool:
    """Whether the key is a printable sign alone; space is none (WCAG names letters, digits, punctuation and symbols)."""
    return len(_SIGNS.get(key, key)) == 1


def keymap(settings: ConsoleSettings, declared: Iterable[Binding]) -> dict[str, str]:
    """Keys by the id of a binding, for every binding whose keys are not the declared ones."""
    chosen = dict(settings.keymap)
    if settings.single_letter_keys:
        return chosen
    from textual.binding import Binding

    keys: dict[str, list[str]] = {}
    for each in Binding.make_bindings(declared):
        if each.id and each.id not in chosen:
            keys.setdefault(each.id, []).append(each.key)
    left = {name: [key for key in found if not single(key)] for name, found in keys.items()}
    return chosen | {name: ",".join(found) or NO_KEY for name, found in left.items() if found != keys[name]}


def key_of(settings: ConsoleSettings, name: str, declared: str) -> str:
    """How the key of an action is written, by what the user made of it; '' where it has none. `declared` are all its keys."""
    keys = dict(settings.keymap).get(name)
    if keys is None:
        left = [key for key in declared.split(",") if settings.single_letter_keys or not single(key)]
        keys = ",".join(left) or NO_KEY
    return key_word(keys)


def key_word(keys: str) -> str:
    """How the first of some keys is written on the screen: `?`, `ctrl+f`, `esc`, `G`."""
    key = keys.split(",", maxsplit=1)[0].strip()
    return "" if key == NO_KEY else _SIGNS.get(key) or _WORDS.get(key, key)
