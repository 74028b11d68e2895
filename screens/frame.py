"""What every screen has around its content: a heading, a line in which the console speaks, and the line of keys.

Promises: the heading carries nobody's name; what is said stays until something else is done; at most six keys are named, and
one that does nothing now stays where it is, dimmed. Nothing here moves by itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from console.errors import ConsoleError
from console.queue import Tone
from console.text import cells, clip, safe
from screens.words import KEY, STRONG, STYLES, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from console.text import SafeText
    from screens.app import ConsoleApp
    from screens.desk_keys import KeyHint
    from screens.words import Words

Answer = TypeVar("Answer")
WIDE = 110
"""From this width in cells on, a case stands beside its queue."""
MOST_KEYS = 6


class Heading(Widget):
    """The first line: what this is, what it shows; the portal at its end where there is room."""

    ALLOW_SELECT = False

    def __init__(self, title: str, portal: str) -> None:
        super().__init__()
        self._title = title
        self._portal = portal
        self._about: SafeText = safe("")

    def about(self, title: str, about: SafeText) -> None:
        """Say what is shown now."""
        if (title, about) != (self._title, self._about):
            self._title, self._about = title, about
            self.refresh()

    def render(self) -> Content:
        """The line at the width of the moment."""
        width = self.size.width - 2
        title = clip(safe(self._title), width)
        room = width - cells(title) - 3
        about = clip(self._about, max(0, room))
        end = safe(self._portal)
        space = width - cells(title) - (cells(about) + 3 if about else 0) - cells(end)
        parts: list[Words] = [(" ", ""), (title, STRONG)]
        if about:
            parts += [("   ", ""), (about, STYLES[Tone.ACCENT])]
        if space >= 2:
            parts += [(" " * space, ""), (end, STYLES[Tone.DIM])]
        return Content.assemble(*parts)


class Told(Static):
    """What the console says: one sentence, or nothing. A long one takes the lines it needs."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.sentence = ""

    def say(self, sentence: SafeText, tone: Tone = Tone.PLAIN) -> None:
        """Say it until something else is said."""
        if sentence != self.sentence:
            self.sentence = str(sentence)
            self.update(Content.assemble(words(sentence, tone)))


class KeyLine(Widget):
    """The last line: the keys that matter here."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[KeyHint, ...] = ()

    def show(self, keys: Sequence[KeyHint]) -> None:
        """Name these keys."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def named(self) -> tuple[KeyHint, ...]:
        """The keys that find room: lasting ones always, of the others the first."""
        lasting = [each for each in self._keys if each.lasting]
        others = [each for each in self._keys if not each.lasting][: MOST_KEYS - len(lasting)]

        def width() -> int:
            return sum(cells(safe(each.key)) + cells(safe(each.title)) + 3 for each in others + lasting) - 1

        while others and width() > self.size.width:
            others.pop()
        return tuple(others + lasting)

    def render(self) -> Content:
        """The line."""
        parts: list[Words] = []
        for each in self.named():
            off = each.why_not is not None
            parts += [("  " if parts else " ", ""), (each.key, STYLES[Tone.DIM] if off else KEY)]
            parts += [(" ", ""), (each.title, STYLES[Tone.DIM] if off else "")]
        return Content.assemble(*parts)


class ConsoleScreen(Screen[Answer]):
    """A screen with its frame. Who writes one yields `body` and says `hints`."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - the toolkit declares it so
        (0, "-narrow"),
        (WIDE, "-wide"),
    ]
    title_said = ""

    @property
    def console(self) -> ConsoleApp:
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """Heading, body, what is said, keys."""
        yield Heading(self.title_said, self.console.office.settings.portal.name)
        yield from self.body()
        yield Told()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """What stands between the heading and what is said."""
        raise NotImplementedError

    def hints(self) -> Sequence[KeyHint]:
        """The keys to name now."""
        raise NotImplementedError

    def show_hints(self) -> None:
        """Name the keys as they are now."""
        self.query_one(KeyLine).show(self.hints())

    def say(self, sentence: str, tone: Tone = Tone.PLAIN) -> None:
        """Say one sentence to the operator."""
        self.query_one(Told).say(safe(sentence), tone)

    def say_nothing(self) -> None:
        """Take back what was said."""
        self.say("")

    @contextmanager
    def calmly(self) -> Iterator[None]:
        """Say what goes wrong inside instead of ending the console."""
        try:
            yield
        except ConsoleError as error:
            self.say(str(error), Tone.WARN)

    def look_again(self) -> None:
        """The ledger has grown: read again what may have changed."""
