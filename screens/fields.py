"""The fields of a dialog, made from the declared parameters of a decision: what a command takes as options, a dialog asks for.

Words are chosen from a list, days are typed as people say them (`+14d`), long texts get lines. What was typed is read by the
same function as on the command line, so both say the same about what is wrong.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.containers import Horizontal, Vertical
from textual.widgets import Static, TextArea

from console.params import options
from console.text import in_place, safe
from screens.choice import Choice
from screens.prompt import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import ComposeResult
    from textual.widget import Widget

    from console.params import Option, Params

NONE = ""
PLACEHOLDERS: Mapping[type, str] = {date: "2027-01-15, today, +14d, end-of-year", int: "a whole number"}


class Words(TextArea):
    """A text of several lines; tab goes on to the next field."""

    def __init__(self, *, name: str, lines: int) -> None:
        super().__init__(name=name, tab_behavior="focus", show_line_numbers=False, soft_wrap=True, compact=True)
        self.cursor_blink = False
        self.highlight_cursor_line = False
        self.styles.height = lines

    def get_line(self, line_index: int) -> Text:
        """One line, harmless to the terminal whatever was pasted."""
        return Text(in_place(self.document.get_line(line_index)), end="", no_wrap=True)


class Fields(Vertical):
    """A field for each parameter, its label before it."""

    def __init__(self, params: type[Params], *, reason_needed: bool) -> None:
        super().__init__(classes="fields")
        self.options = options(params)
        self._reason_needed = reason_needed

    def compose(self) -> ComposeResult:
        """Label and field, line by line."""
        for each in self.options:
            with Horizontal(classes="field"):
                yield Static(safe(label(each, needed=self.needed(each))), markup=False, classes="label")
                yield _field(each)

    def needed(self, option: Option) -> bool:
        """Whether the decision cannot be taken without it."""
        return option.required or (option.name == "reason" and self._reason_needed)

    @property
    def inputs(self) -> Iterable[Widget]:
        """The fields."""
        return self.query("Line, Words, Choice")

    def first_needed(self) -> Widget | None:
        """The first field that has to be filled in and is not."""
        typed = self.typed()
        empty = [each.name for each in self.options if self.needed(each) and not typed[each.name]]
        return next((field for field in self.inputs if field.name == empty[0]), None) if empty else None

    def typed(self) -> dict[str, Any]:
        """What was typed, by parameter; '' where nothing was."""
        found: dict[str, Any] = {}
        for field in self.inputs:
            match field:
                case Words():
                    found[str(field.name)] = field.text.strip()
                case Line():
                    found[str(field.name)] = field.value.strip()
                case Choice():
                    found[str(field.name)] = field.value
        return found


def label(option: Option, *, needed: bool) -> str:
    """The name of a parameter as people read it; a star where it has to be given."""
    words = option.name.replace("_", " ").capitalize()
    return f"{words} *" if needed else words


def _field(option: Option) -> Widget:
    default = "" if option.default is None else str(option.default)
    if option.type is bool:
        return Choice(("yes", "no"), "yes" if option.default else "no", name=option.name)
    if option.words:
        return Choice(option.words if option.required or default else (NONE, *option.words), default, name=option.name)
    if option.lines > 1:
        return Words(name=option.name, lines=option.lines)
    return Line(default, placeholder=PLACEHOLDERS.get(option.type, ""), name=option.name)
