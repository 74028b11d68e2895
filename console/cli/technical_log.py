"""The technical log: a file of the settings or nothing, never stderr, on which a person works."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from console.errors import Unavailable

if TYPE_CHECKING:
    from console.settings.tables import LogSettings

_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"


def silence() -> None:
    """Let nothing that is logged reach the terminal."""
    logging.lastResort = None
    logging.getLogger().addHandler(logging.NullHandler())


def start_log(settings: LogSettings) -> None:
    """Log to the settings' file from their level on. Raises Unavailable when it cannot be written."""
    if settings.file is None:
        return
    try:
        handler = logging.FileHandler(settings.file, encoding="utf-8", delay=False)
    except OSError as error:
        raise Unavailable(
            f"The log {settings.file} cannot be written ({error.strerror}); nothing was done. Check log.file."
        ) from None
    handler.setFormatter(logging.Formatter(_FORM))
    log = logging.getLogger("district")
    for old in log.handlers[:]:
        log.removeHandler(old)
        old.close()
    log.addHandler(handler)
    log.setLevel(settings.level.upper())
    log.propagate = False
