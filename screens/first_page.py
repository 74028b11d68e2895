"""What stands on the terminal before the toolkit is loaded: home's frame at once, home itself as soon as its numbers are there.

Promises: nothing of the portal but its name before it is known who sits there; the page is home's, line for line, so that nothing
moves when the toolkit takes it over. Where it could not be that (a theme with colours of its own, a terminal of a few cells) there
is no page, and the toolkit is waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.queue import Tone
from console.text import safe
from screens import theme
from screens.framing import heading, key_line
from screens.home_lines import TITLE, WAITS, day, greeting, hints, home_lines
from screens.keymap import key_of
from screens.listed import row
from screens.words import STYLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.authority import Operator
    from console.desk import Desk
    from console.overview import Overview
    from console.settings import Settings
    from console.text import SafeText
    from screens.listed import Line
    from screens.plain import Plain
    from screens.words import Words

LEAST = (60, 12)
"""Columns and rows from which the page is shown: there every line finds room."""


class FirstPage:
    """Home on a plain terminal."""

    def __init__(self, plain: Plain, settings: Settings) -> None:
        self._plain = plain
        self._settings = settings

    def frame(self) -> None:
        """Show what every home has, and nothing more."""
        self._show([WAITS], safe(""), safe(""))

    def fill(self, operator: Operator, desks: Mapping[str, Desk], overview: Overview) -> None:
        """Show home with its numbers."""
        lines = home_lines(desks, overview, self._plain.size[0])
        self._show(lines, day(overview.at, self._settings.portal.zone), safe(greeting(operator)))

    def _show(self, lines: Sequence[Line], about: SafeText, told: SafeText) -> None:
        width, height = self._plain.size
        own = self._settings.console
        if own.theme not in ("", theme.NAME) or width < LEAST[0] or height < LEAST[1]:
            return
        room = height - 4  # heading and the space below it, what is said, keys
        at = next((n for n, line in enumerate(lines) if line.name), None)
        body: list[Sequence[Words]] = [
            row(line, width - 1, here=n == at) if line.words else () for n, line in enumerate(lines[:room])
        ]
        body += [()] * (room - len(body))
        keys = key_line(hints(lambda name, declared: key_of(own, name, declared)), width)
        top = heading(TITLE, about, self._settings.portal.name, width)
        self._plain.show([top, (), *body, [(" ", ""), (told, STYLES[Tone.DIM])], keys])
