"""A dialog with a title, words, fields and an answer: what deciding and disclosing have in common.

Promises: nothing happens but by the answer yes; esc and n leave everything as it was; what is missing is said and the cursor
goes there. Where a code of the second factor is asked for, yes gives it first, for exactly what is then done; a code that does not
count is said, and the dialog stays as it is.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from console.errors import ConsoleError
from console.params import read_params
from console.queue import Tone
from console.text import safe
from screens.answer import Answer
from screens.fields import Fields
from screens.prompt import Line
from screens.words import STRONG, words

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from console.params import Params
    from screens.app import ConsoleApp


CODE = "code"
ROOMY = 32
"""Lines of a terminal from which words need not be close."""


class FormDialog(ModalScreen["Params | None"]):
    """Answers the parameters, or None for no."""

    class CodeTaken(Message):
        """A code was given for what these parameters say; `fault` says why it does not count."""

        def __init__(self, params: Any, fault: str = "") -> None:
            super().__init__()
            self.params = params
            self.fault = fault

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
        self.code_fault = ""
        """Why the last code did not count: it stays in sight, whatever is read anew meanwhile."""

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
            with Horizontal(classes="count code") as line:
                yield Static("Code *", markup=False, classes="label")
                yield Line(name=CODE, placeholder="six digits of your authenticator, or a recovery code")
            line.display = False
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
        if not self.is_attached:
            return
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

    def ask_code(self, *, needed: bool) -> None:
        """Ask for a code of the second factor before yes, or no longer."""
        line = self.query_one(".code")
        if line.display != needed:
            line.display = needed
            self.call_after_refresh(self._fit)

    @property
    def code(self) -> Line:
        """Where the code is typed."""
        return next(line for line in self.query(Line) if line.name == CODE)

    def digest(self, params: Any) -> bytes:
        """What a code is given for: what yes would do with these parameters."""
        raise NotImplementedError

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
        if self.is_current:
            self.dismiss(None)

    def on_input_submitted(self, event: Line.Submitted) -> None:
        """Enter goes on to the next field; behind the code it is yes."""
        event.stop()
        if event.input.name == CODE:
            self.answer.action_give(True)
        else:
            self.focus_next()

    def on_answer_not_ready(self, message: Answer.NotReady) -> None:
        """Say why not, and go to what is missing."""
        self.note(message.why)
        field = self.fields.first_needed()
        if field is not None:
            self.set_focus(field)

    def on_answer_given(self, message: Answer.Given) -> None:
        """Leave, with the parameters when they can be read. A second answer, typed before the first was heard, is none."""
        if not self.is_current:
            return
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
        if not self.query_one(".code").display:
            self.dismiss(params)
            return
        typed = self.code.value.strip()
        if not typed:
            self.note("Type a code of your second factor: it is for this alone.")
            self.set_focus(self.code)
            return
        self.code_fault = ""
        self.note("The code is being looked at …", Tone.DIM)
        self.run_worker(
            partial(self._give_code, params, typed), thread=True, exclusive=True, group="code", description="a code"
        )

    def _give_code(self, params: Any, typed: str) -> None:
        """In a thread: the directory may be asked, and the database is."""
        console = self.console
        try:
            console.office.step_up(console.operator, self.digest(params), typed)
            taken = self.CodeTaken(params)
        except ConsoleError as error:
            taken = self.CodeTaken(params, str(error))
        self.post_message(taken)

    def on_form_dialog_code_taken(self, message: CodeTaken) -> None:
        """Go on, or say why not and wait for another code."""
        if not message.fault:
            self.dismiss(message.params)
            return
        self.code_fault = message.fault
        self.note(message.fault)
        self.code.value = ""
        self.set_focus(self.code)


def without_dashes(sentence: str) -> str:
    """A sentence of the command line as a dialog says it: `--until` is a field here."""
    return " ".join(
        word[2:].replace("-", " ").capitalize() if word.startswith("--") else word for word in sentence.split(" ")
    )
