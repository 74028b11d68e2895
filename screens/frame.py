"""What every screen has around its content: a heading, a line in which the console speaks, and the line of keys.

Promises: the heading carries nobody's name; what is said stays until something else is done; at most six keys are named, and
one that does nothing now stays where it is, dimmed. Nothing here moves by itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from textual.content import Content
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from console.errors import ConsoleError
from console.queue import Tone
from console.text import safe
from screens.framing import heading, key_line
from screens.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from console.text import SafeText
    from screens.app import ConsoleApp
    from screens.desk_keys import KeyHint

Answer = TypeVar("Answer")
WIDE = 110
"""From this width in cells on, a case stands beside its queue."""


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
        return Content.assemble(*heading(self._title, self._about, self._portal, self.size.width))


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

    def render(self) -> Content:
        """The line."""
        return Content.assemble(*key_line(self._keys, self.size.width))


class ConsoleScreen(Screen[Answer]):
    """A screen with its frame. Who writes one yields `body` and says `hints`."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - the toolkit declares it so
        (0, "-narrow"),
        (WIDE, "-wide"),
    ]
    title_said = ""
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The toolkit paints the whole screen anew when the focus moves; here whoever has it or lost it paints itself."""

    @property
    def is_current(self) -> bool:
        """Whether the operator sees this screen: what lies below a screen that is no dialog is not painted."""
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        return super().is_current and all(screen.is_modal for screen in above)

    @property
    def console(self) -> ConsoleApp:
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """Heading, body, what is said, keys."""
        # The toolkit says how wide it is when it has been laid out, and then lays it out again.
        self.set_class(self.console.size.width >= WIDE, "-wide")
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
