"""A process of its own that approves what waits, to be killed by the test that started it.

Says `ready` once the office is open, waits for a line, decides, says the receipt's batch.
"""

from __future__ import annotations

import sys
from pathlib import Path

from console.desks import desk
from console.selection import Selection
from console.settings import Settings
from console.wiring import open_office
from tests.vouching import Unasked


def main() -> None:
    office = open_office(Settings.load(Path(sys.argv[1])), assurance=Unasked())
    registrations = desk("registrations")
    approve = registrations.decision("approve")
    operator = office.operator("administrator")
    office.plan(operator, registrations, approve, Selection(where="state:submitted"), approve.Params())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    receipt = office.decide(
        operator, registrations, approve, Selection(where="state:submitted"), approve.Params(reason="fits"), sys.argv[2]
    )
    sys.stdout.write(f"{receipt.batch} {receipt.done}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
