"""`python -m tests.measured.eager ARGUMENTS…`: `district ARGUMENTS…` as a program that imports at its top whatever it may need.

What the console would be without lazy imports: everything that it could use in its life is loaded before its first line runs, with
the collector as Python sets it. The rest is the console's own code.
"""

from __future__ import annotations

import importlib
import sys

LIBRARIES = (
    "alembic.command",
    "cryptography.hazmat.primitives.ciphers.aead",
    "ldap3",
    "msgspec",
    "psycopg",
    "rich.console",
    "rich.table",
    "segno",
    "sqlalchemy.orm",
    "textual.app",
    "textual.widgets",
    "xlsxwriter",
)
OURS = ("console.office", "console.wiring", "console.overview", "screens.app", "screens.home", "screens.desk_screen")

if __name__ == "__main__":
    for name in (*LIBRARIES, *OURS):
        importlib.import_module(name)
    from console.cli.main import main

    sys.exit(main(sys.argv[1:]))
