"""The console as a program that says on its terminal when it begins to load a library, and can be stopped right there.

`python -m tests.starting LIBRARY DO ARGUMENTS…`: `district ARGUMENTS…`; as it begins to load LIBRARY it does DO – nothing, `fail`,
or send itself a signal by its name. What is said is a sequence that terminals ignore.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from console.cli.main import main

WATCHED = {"sqlalchemy.engine": "sqlalchemy", "textual.app": "textual", "psycopg": "psycopg"}
"""A module that is loaded when the library really is, and not when it is only looked for."""


def said(library: str) -> bytes:
    """What stands on the terminal when this library begins to be loaded."""
    return f"\x1b]7777;loading {library}\x07".encode()


class Watching:
    """Asked by the interpreter where a module is; knows of none."""

    def __init__(self, library: str, do: str) -> None:
        self.library = library
        self.do = do

    def find_spec(self, name: str, *_: Any) -> None:
        library = WATCHED.get(name)
        if library is None:
            return
        os.write(2, said(library))
        if library != self.library:
            return
        if self.do == "fail":
            raise RuntimeError
        if self.do != "nothing":
            os.kill(os.getpid(), signal.Signals[self.do])


if __name__ == "__main__":
    sys.meta_path.insert(0, Watching(sys.argv[1], sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
