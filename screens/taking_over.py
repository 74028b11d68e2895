"""The toolkit's driver, for a terminal on which the first page stands already (Textual 8.2.8).

Promise: the page stays until the toolkit has drawn its own. The toolkit asks for the alternate screen when it starts; where a
terminal is there already, xterm and its like would clear it, and the operator would see the page, nothing, and the page again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from screens.plain import Plain

ALTERNATE = "\x1b[?1049h"


def taking_over(plain: Plain) -> type[LinuxDriver]:
    """The driver that takes this terminal over."""

    class TakingOver(LinuxDriver):
        _there = False
        """Whether the alternate screen is what the terminal shows."""

        def start_application_mode(self) -> None:
            self._there = plain.taken()
            super().start_application_mode()  # type: ignore[no-untyped-call] # the toolkit says no types here
            self._there = False

        def write(self, data: str) -> None:
            if not (self._there and data == ALTERNATE):
                super().write(data)

    return TakingOver
