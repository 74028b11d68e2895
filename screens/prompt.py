"""The line in which a filter or a command is typed, with a line above that explains it or says what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.highlighter import Highlighter
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, Static

from console.queue import Tone
from console.text import in_place, safe
from screens.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.text import Text
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from console.filters import Term


class InPlace(Highlighter):
    """Draws what is typed or pasted harmless; the toolkit draws it as it is, escape sequences and all."""

    def highlight(self, text: Text) -> None:
        """Put a sign where a character would command the terminal."""
        text.plain = in_place(text.plain)


class Line(Input):
    """One line to type in; its cursor does not blink, for an idle console sends nothing."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        suggester: Suggester | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            highlighter=InPlace(),
            suggester=suggester,
            name=name,
            compact=True,
            select_on_focus=False,
        )
        self.cursor_blink = False


class Entry(Line):
    """The line of a prompt: tab completes and never leaves, for behind the prompt letters decide."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab,shift+tab",
            "complete",
            "Complete",
            show=False,
            id="prompt.complete",
            tooltip="Complete what is proposed",
        ),
    ]

    def action_complete(self) -> None:
        """Take what is proposed behind the cursor."""
        self.action_end()
        self.action_cursor_right()


class LastWord(Suggester):
    """Completes the last word that is being typed from the words that `known` gives for the text so far."""

    def __init__(self, known: Callable[[str], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last word completed."""
        last = value.rpartition(" ")[2]
        if not last.lstrip("-"):
            return None
        bare = last.lstrip("-")
        found = next((word for word in self._known(bare) if word.startswith(bare) and word != bare), None)
        return value + found[len(bare) :] if found else None


def filter_words(terms: Sequence[Term]) -> Callable[[str], Iterable[str]]:
    """What completes a filter's last word: `st` to `state:`, `state:sub` to `state:submitted`."""

    def known(word: str) -> Iterable[str]:
        name, colon, _ = word.partition(":")
        for term in terms:
            if not colon:
                yield f"{term.name}:"
            elif term.name == name:
                yield from (f"{name}:{each}" for each in term.words)

    return known


class Prompt(Vertical):
    """A hint, and below it a sign and a line to type in. Hidden until `open`."""

    def __init__(self, sign: str, suggester: Suggester | None = None) -> None:
        super().__init__()
        self._sign = sign
        self._suggester = suggester
        self.display = False

    def compose(self) -> ComposeResult:
        """The two lines."""
        yield Static("", markup=False, classes="hint")
        with Horizontal():
            yield Static(self._sign, markup=False, classes="sign")
            yield Entry(suggester=self._suggester)

    @property
    def line(self) -> Line:
        """What is typed into."""
        return self.query_one(Line)

    def hint(self, sentence: str, tone: Tone = Tone.DIM) -> None:
        """Explain, or say what is wrong."""
        self.query_one(".hint", Static).update(Content.assemble(words(safe(sentence), tone)))

    def open(self, value: str, hint: str) -> None:
        """Show it with this text and put the cursor behind it, where the next word begins."""
        value = f"{value} " if value else ""
        self.display = True
        self.hint(hint)
        with self.line.prevent(Input.Changed):
            self.line.value = value
        self.line.cursor_position = len(value)
        self.screen.set_focus(self.line)

    def close(self) -> None:
        """Hide it."""
        self.display = False
