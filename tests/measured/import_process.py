"""A process of its own that imports one file, for measuring: `python -m tests.measured.import_process SETTINGS KIND PATH KEY…`.

Imports the file once under each key and prints a line of JSON for each: seconds, how many of them went by until the files were read,
rows written, and the most memory the process had so far, in MiB. The office is opened before the clock starts; what an operator waits
for is the import.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from console.intake.importing import import_form, import_roster
from console.settings import Settings
from console.wiring import open_office


class _Reading:
    """A progress that notes when the files were read."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.took = 0.0

    def say(self, _done: int, _total: int, what: str) -> None:
        if what.startswith("reading"):
            self.took = time.perf_counter() - self._began


def main() -> None:
    """Import, and say what it took."""
    settings, kind, path, *keys = sys.argv[1:]
    office = open_office(Settings.load(Path(settings)))
    operator = office.operator("intake")
    for key in keys:
        began = time.perf_counter()
        reading = _Reading()
        if kind == "roster":
            report = import_roster(office, operator, path, key=key, progress=reading)
        else:
            report = import_form(office, operator, kind, path, key=key, progress=reading)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        said = {
            "seconds": seconds,
            "reading": reading.took,
            "moved": report.moved,
            "errors": report.errors,
            "mib": peak,
        }
        print(json.dumps(said), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
