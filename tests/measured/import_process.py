"""A process of its own that imports one file, for measuring: `python -m tests.measured.import_process SETTINGS KIND PATH KEY…`.

Imports the file once under each key and prints a line of JSON for each: seconds, rows written, and the most memory the process had so
far, in MiB. The office is opened before the clock starts; what an operator waits for is the import.
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


def main() -> None:
    """Import, and say what it took."""
    settings, kind, path, *keys = sys.argv[1:]
    office = open_office(Settings.load(Path(settings)))
    operator = office.operator("intake")
    for key in keys:
        began = time.perf_counter()
        if kind == "roster":
            report = import_roster(office, operator, path, key=key)
        else:
            report = import_form(office, operator, kind, path, key=key)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "moved": report.moved, "errors": report.errors, "mib": peak}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
