"""What can be said by name, in the command line and in the palette: desks, decisions, and what keys do everywhere."""

from __future__ import annotations

from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from console.errors import ConsoleError
from console.ids import read_batch_id
from console.queue import Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from screens.app import ConsoleApp

HINT = "A desk, a decision, undo BATCH, find NAME, home, keys, q."


def _everywhere(app: ConsoleApp) -> dict[str, tuple[str, str, Callable[[], object]]]:
    """Title, help and deed by word."""
    return {
        "home": ("Home", "What waits, how old it is, what expires", app.action_home),
        "find": ("Find a person", "A student, an account or a contact, from anywhere", app.action_find),
        "undo": ("Undo", "Take back your last decision, or a batch by its name", app.action_undo),
        "keys": ("Keys", "What every key of this screen does", app.action_keys),
        "q": ("Leave", "Leave the console", app.action_ask_quit),
    }


def known(app: ConsoleApp) -> list[str]:
    """The words that the command line completes."""
    return [*app.desks, *_everywhere(app), *(each.name for each in _decisions(app.screen))]


def offered(app: ConsoleApp, screen: Any) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """The palette's lines: what can be decided here first."""
    for each in _decisions(screen):
        yield each.title, each.help, partial(screen.action_decide, each.name)
    for name, desk in app.desks.items():
        yield desk.title, desk.help, partial(app.action_desk, name)
    yield from _everywhere(app).values()


def _decisions(screen: Any) -> tuple[Any, ...]:
    desk = getattr(screen, "desk", None)
    return desk.decisions if desk is not None else ()


async def run_command(app: ConsoleApp, text: str) -> None:
    """Do what was typed, or say what it might have been."""
    word, _, rest = text.lstrip(":").partition(" ")
    word, rest = {"quit": "q", "help": "keys"}.get(word, word), rest.strip()
    everywhere = _everywhere(app)
    if word == "undo" and rest:
        await _undo(app, rest)
    elif word == "find" and rest:
        await app.action_find(rest)
    elif word in everywhere:
        done = everywhere[word][2]()
        if isawaitable(done):
            await done
    elif any(each.name == word for each in _decisions(app.screen)):
        await app.screen.action_decide(word)  # type: ignore[attr-defined]
    elif word in app.desks:
        await app.go_to(word, where=rest)
    else:
        from difflib import get_close_matches

        nearest = get_close_matches(word, known(app), 1)
        said = f"did you mean {nearest[0]}?" if nearest else "? lists the keys, ctrl+p everything by name."
        app.say(f"There is no command like that; {said}", Tone.WARN)


async def _undo(app: ConsoleApp, text: str) -> None:
    from console.overview import batch_named

    try:
        batch = read_batch_id(text)
        found = batch_named(app.office, batch)
        await app.ask_undo(found.decision.capitalize(), app.desks[found.desk], batch, found.done)
    except (ValueError, KeyError):
        app.say(
            "There is no batch like that for you; nothing was undone. A batch is written like 7K2M-9QXH.", Tone.WARN
        )
    except ConsoleError as error:
        app.say(str(error), Tone.WARN)
