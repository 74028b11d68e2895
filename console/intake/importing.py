"""Imports: a roster or a form becomes rows of the portal, all of it or nothing, with one record in the ledger.

The file is read to its end before anything is written, its SHA-256 stands in the record, and the same key with the same file finds
the first report. A dry run walks the same road and is rolled back, so what it shows is what the import then does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.authority import Permission, authorize_everywhere
from console.errors import Refused
from console.intake.archive import open_source
from console.intake.forms import FORMS
from console.intake.oneroster import read_roster
from console.progress import SILENT

if TYPE_CHECKING:
    from pathlib import Path

    from console.authority import Operator
    from console.intake.report import ImportReport
    from console.office import Office
    from console.progress import Progress


def import_roster(
    office: Office,
    operator: Operator,
    path: str | Path,
    *,
    dry_run: bool = False,
    allow_withdrawals: bool = False,
    allow_reused: bool = False,
    skip_bad_rows: bool = False,
    key: str,
    progress: Progress = SILENT,
) -> ImportReport:
    """Take over a OneRoster folder or zip.

    Bulk files withdraw who is absent from them, deltas only whom they name. Raises BadRows when rows are wrong and may not be
    skipped; Refused when too many of a kind would be withdrawn and `allow_withdrawals` is not set, without the right to it,
    as an operator of some schools, or for what is no roster; Unavailable when something is not there; Cancelled where `progress`
    says so, which it can up to the commit: nothing was imported then.
    """
    from console.intake.roster_run import RosterRun

    authorize_everywhere(operator, Permission.INTAKE)
    with open_source(path) as source:
        roster = read_roster(source)
        run = RosterRun(office, operator, source, roster, key)
        run.allow_withdrawals, run.allow_reused, run.skip_bad_rows = allow_withdrawals, allow_reused, skip_bad_rows
        run.dry_run, run.progress = dry_run, progress
        return run.run()


def import_form(
    office: Office,
    operator: Operator,
    kind: str,
    path: str | Path,
    *,
    dry_run: bool = False,
    skip_bad_rows: bool = False,
    key: str,
    progress: Progress = SILENT,
) -> ImportReport:
    """Take over a file of the form `kind` (a name of `console.intake.forms.FORMS`), through the intake tables.

    A row whose `ref` is known (of accounts: whose login and student are) changes nothing. Raises as `import_roster`.
    """
    from console.intake.form_run import FormRun

    authorize_everywhere(operator, Permission.INTAKE)
    if kind not in FORMS:
        raise Refused(f"There is no form {kind}; nothing was imported. There are {', '.join(FORMS)}.")
    with open_source(path) as source:
        run = FormRun(office, operator, source, kind, key)
        run.dry_run, run.skip_bad_rows, run.progress = dry_run, skip_bad_rows, progress
        return run.run()
