"""What stands on a locked terminal: the portal, why, and a line for the password. Nothing of a person.

Promises: it covers everything and lets nothing through to what lies below; what is typed is shown as dots and forgotten when it was
sent; a session that was ended can only be left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from console.queue import Tone
from console.signin.staying import Standing, Stands
from console.text import safe
from screens.prompt import Line
from screens.words import STRONG, words

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

TITLES = {
    Stands.HOLDS: "Locked",
    Stands.RESTED: "Locked",
    Stands.EXPIRED: "Sign in again",
    Stands.PAUSED: "Paused",
    Stands.ENDED: "Signed out",
}
LEAVE = "Ctrl+Q leaves the console."


class LockScreen(Screen[None], inherit_bindings=False):
    """A locked console."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "", show=False),
        Binding("shift+tab", "app.focus_previous", "", show=False),
        Binding("enter,q,escape", "leave", "Leave", id="lock.leave", tooltip="Leave, once nothing else is left to do"),
    ]

    class Given(Message):
        """Password and, where it is asked for, code."""

        def __init__(self, password: str, code: str | None) -> None:
            super().__init__()
            self.password = password
            self.code = code

    def __init__(self, portal: str, standing: Standing) -> None:
        super().__init__()
        self._portal = portal
        self._there = False
        self.standing = standing

    def compose(self) -> ComposeResult:
        """Title, sentence, fields, what was wrong, how to leave."""
        with Vertical(classes="lock"):
            yield Static(Content.styled(safe(self._portal), "dim"), markup=False)
            yield Static("", markup=False, classes="title")
            yield Static("", markup=False, classes="said")
            with Horizontal(classes="field password"):
                yield Static("Password", markup=False, classes="label")
                yield Line(name="password")
            with Horizontal(classes="field code"):
                yield Static("Code", markup=False, classes="label")
                yield Line(name="code")
            yield Static("", markup=False, classes="note")
            yield Static(Content.styled(LEAVE, "dim"), markup=False, classes="leave")

    def on_mount(self) -> None:
        """Dots for both."""
        for line in self.query(Line):
            line.password = True
        self._there = True
        self.stand(self.standing)

    def stand(self, standing: Standing) -> None:
        """Show how the session stands now."""
        self.standing = standing
        if not self._there:
            return  # it will be said as soon as there is something to say it in
        stands = standing.stands
        self.query_one(".title", Static).update(Content.styled(TITLES[stands], STRONG))
        said = standing.said or "The screen was locked; what was open is still there. Type your password."
        self.query_one(".said", Static).update(Content.assemble(words(safe(said), Tone.PLAIN)))
        self.query_one(".password").display = stands in (Stands.HOLDS, Stands.RESTED, Stands.EXPIRED)
        self.query_one(".code").display = stands is Stands.EXPIRED
        self.note("Enter leaves." if stands is Stands.ENDED else "")
        self.set_focus(next((each for each in self.query(Line) if each.parent and each.parent.display), None))

    def note(self, sentence: str, tone: Tone = Tone.WARN) -> None:
        """Say what was wrong with what was typed."""
        self.query_one(".note", Static).update(Content.assemble(words(safe(sentence), tone)))

    def on_input_submitted(self, event: Line.Submitted) -> None:
        """On to the next field, or send both and forget them."""
        event.stop()
        password, code = (self.query_one(f".{name} Line", Line) for name in ("password", "code"))
        wanted = self.standing.stands is Stands.EXPIRED
        if not password.value:
            self.set_focus(password)
        elif wanted and not code.value:
            self.set_focus(code)
        else:
            self.note("One moment …", Tone.DIM)
            given = self.Given(password.value, code.value if wanted else None)
            password.value = code.value = ""
            self.set_focus(None)
            self.post_message(given)

    def again(self, sentence: str) -> None:
        """It was wrong; it can be typed again."""
        self.note(sentence)
        self.set_focus(self.query_one(".password Line", Line))

    def action_leave(self) -> None:
        """Leave a session that was ended."""
        if self.standing.stands is Stands.ENDED:
            self.app.exit(0)
