"""The environment of a console that was started in a shell: what would change which code it loads is taken out before it loads any.

Over SSH the drop-in starts the interpreter with -I and `console.ssh.environment` keeps a few names; here a person's own shell decides
the rest. What can be done from inside, and what not: a variable that the interpreter reads as it starts (PYTHONPATH with a
sitecustomize, LD_PRELOAD) has run before any line of ours, as whoever set it. Everything after that – what is imported lazily, an
interpreter that stays open at the end, a driver or a breakpoint by name – is what the program is started anew without.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOADING = ("PYTHON", "LD_", "TEXTUAL", "SSLKEYLOGFILE")
"""Beginnings of variables that change what code is loaded, or that write TLS keys into a file."""


def loading(environment: Mapping[str, str]) -> list[str]:
    """The variables that have to go."""
    return [name for name in environment if name.startswith(LOADING)]


def start_clean(arguments: Sequence[str]) -> None:
    """Start this program anew, isolated (-I) and without such variables, if there are any; return if there are none."""
    found = loading(os.environ)
    if not found:
        return
    kept = {name: value for name, value in os.environ.items() if name not in found}
    if sys.flags.isolated:
        for name in found:
            del os.environ[name]
        return
    if sys.stdout is not None:
        sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-I", "-m", "console.cli.main", *arguments], kept)  # noqa: S606 - ourselves
