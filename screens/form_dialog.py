"""A dialog with a title, words, fields and an answer: what deciding and disclosing have in common.

Promises: nothing happens but by the answer yes; esc and n leave everything as it was; what is missing is said and the cursor
goes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from console.errors import ConsoleError
from console.params import read_params
from console.queue import Tone
from console.text import safe
from screens.answer import Answer
from screens.fields import Fields
from screens.words import STRONG, words

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from console.params import Params
    from screens.app import ConsoleApp
    from screens.prompt import Line


ROOMY = 32
"""Lines of a terminal from which words need not be close."""


class FormDialog(ModalScreen["Params | None"]):
    """Answers the parameters, or None for no."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "No", id="dialog.no", tooltip="Leave everything as it was"),
    ]

    def __init__(self, title: str, params: type[Params], *, yes: str, likely: bool, reason_needed: bool) -> None:
        super().__init__()
        self._title = title
        self._params = params
        self._yes = yes
        self._likely = likely
        self._reason_needed = reason_needed

    @property
    def console(self) -> ConsoleApp:
        """The app, as what it is."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """Title, words, fields, what is wrong, the answer."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._title, STRONG), markup=False, classes="title")
            with VerticalScroll(classes="plan", can_focus=False):
                yield Static("", markup=False)
            yield Fields(self._params, reason_needed=self._reason_needed)
            note = Static("", markup=False, classes="note")
            note.display = False
            yield note
            yield from self.extra()
            yield Answer(self._yes, "Cancel", likely=self._likely)

    def extra(self) -> ComposeResult:
        """What stands right before the answer."""
        yield from ()

    @property
    def fields(self) -> Fields:
        """The fields."""
        return self.query_one(Fields)

    @property
    def answer(self) -> Answer:
        """The answer."""
        return self.query_one(Answer)

    def on_mount(self) -> None:
        """Begin where something has to be typed, or at the answer."""
        self.set_focus(self.fields.first_needed() or self.answer)

    def entitle(self, title: str) -> None:
        """Give it another title."""
        self.query_one(".title", Static).update(Content.styled(title, STRONG))

    def tell(self, content: Content) -> None:
        """Show words between the title and the fields."""
        self.query_one(".plan Static", Static).update(content)
        self.call_after_refresh(self._fit)

    def note(self, sentence: str, tone: Tone = Tone.WARN) -> None:
        """Say what is wrong or missing."""
        note = self.query_one(".note", Static)
        note.display = bool(sentence)
        note.update(Content.assemble(words(safe(sentence), tone)))
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Let the words scroll in what the rest leaves of the terminal: fields and answer are always in sight."""
        plan = self.query_one(".plan", VerticalScroll)
        frame = self.query_one(".dialog")
        rest = sum(
            self._height(each) + each.styles.margin.height for each in frame.displayed_children if each is not plan
        )
        plan.styles.max_height = max(1, self.size.height - rest - frame.gutter.height - plan.styles.margin.height)

    def _height(self, part: Widget) -> int:
        """Lines that a part takes, though what it says may not have been laid out yet."""
        width = max(1, self.width)
        return (
            part.get_content_height(self.size, self.size, width)
            if isinstance(part, Static)
            else max(1, part.size.height)
        )

    def on_resize(self) -> None:
        """Fit again."""
        self.call_after_refresh(self._fit)

    @property
    def width(self) -> int:
        """Cells for words inside the frame."""
        return max(20, self.query_one(".plan", VerticalScroll).size.width - 1)

    @property
    def roomy(self) -> bool:
        """Whether there is room for empty lines between what is said."""
        return self.size.height >= ROOMY

    def read(self) -> Params:
        """The parameters as typed. Raises Usage."""
        sight = self.console.office.sight(self.console.operator)
        return read_params(self._params, self.fields.typed(), sight.calendar)

    def missing(self) -> str | None:
        """What has to be filled in, or None."""
        typed = self.fields.typed()
        empty = [each for each in self.fields.options if self.fields.needed(each) and not typed[each.name]]
        return f"{empty[0].name.replace('_', ' ').capitalize()} is missing: {empty[0].help}" if empty else None

    def action_no(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)

    def on_input_submitted(self, event: Line.Submitted) -> None:
        """Enter goes on to the next field."""
        event.stop()
        self.focus_next()

    def on_answer_not_ready(self, message: Answer.NotReady) -> None:
        """Say why not, and go to what is missing."""
        self.note(message.why)
        field = self.fields.first_needed()
        if field is not None:
            self.set_focus(field)

    def on_answer_given(self, message: Answer.Given) -> None:
        """Leave, with the parameters when they can be read."""
        if not message.yes:
            self.dismiss(None)
            return
        missing = self.missing()
        if missing:
            self.on_answer_not_ready(Answer.NotReady(missing))
            return
        try:
            self.finish(self.read())
        except ConsoleError as error:
            self.note(without_dashes(str(error)))

    def finish(self, params: Any) -> None:
        """Yes was said with these."""
        self.dismiss(params)


def without_dashes(sentence: str) -> str:
    """A sentence of the command line as a dialog says it: `--until` is a field here."""
    return " ".join(
        word[2:].replace("-", " ").capitalize() if word.startswith("--") else word for word in sentence.split(" ")
    )
