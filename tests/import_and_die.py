"""A process of its own that imports a roster, to be killed by the test that started it. Says `ready`, waits for a line, imports."""

from __future__ import annotations

import sys
from pathlib import Path

from console.intake.importing import import_roster
from console.settings import Settings
from console.wiring import open_office


def main() -> None:
    office = open_office(Settings.load(Path(sys.argv[1])))
    operator = office.operator("intake")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    report = import_roster(office, operator, sys.argv[2], key=sys.argv[3])
    sys.stdout.write(f"{report.batch}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
