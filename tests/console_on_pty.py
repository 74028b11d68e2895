"""The console of a portal in a folder, as a program: what the tests look at on a pseudo-terminal, byte for byte.

`python -m tests.console_on_pty FOLDER [DESK]` opens it on SQLite with a clock that stands still.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from screens.app import run
from tests.on_screen import opened

if __name__ == "__main__":
    portal = opened(Path(sys.argv[1]))
    logging.basicConfig(filename=Path(sys.argv[1]) / "log", level=logging.INFO)
    sys.exit(run(portal.office, portal.operator(), desk=sys.argv[2] if len(sys.argv) > 2 else None))
