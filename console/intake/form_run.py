"""The work of one form: into the intake table, and over from there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.intake.form_load import load_form
from console.intake.forms import read_form
from console.intake.report import BadRows, ImportReport, Kind
from console.intake.runs import Run
from console.intake.taking import Intake, take

if TYPE_CHECKING:
    from console.authority import Operator
    from console.deciding import Committed
    from console.intake.archive import Source
    from console.lazy import sa
    from console.office import Office


class FormRun(Run):
    """One import of one form."""

    def __init__(self, office: Office, operator: Operator, source: Source, kind: str, key: str) -> None:
        super().__init__(office, operator, source, key)
        self.what = kind
        self.rows = read_form(source, kind)

    def _work(self, connection: sa.Connection) -> Committed:
        self.report = None
        if (made := self._claim(connection)) is not None:
            return made
        loaded = load_form(connection, self.what, self.rows, self.sight.settings.portal.zone, self.progress)
        findings = self.rows.findings
        said = ImportReport(
            self.what,
            dry_run=self.dry_run,
            digest=self.source.digest,
            known=loaded.known,
            errors=findings.errors,
            warnings=findings.warnings,
            findings=tuple(findings),
        )
        if findings.errors and not self.skip_bad_rows and not self.dry_run:
            raise BadRows(said)
        more = (Kind("consents", added=loaded.added),) if self.what == "consents" else ()
        read = loaded.added + loaded.known
        intake = Intake(self.what, self.source.digest, read, loaded.known, more, self.progress)
        committed, report = take(connection, self.sight, self.office, self.key, self.digest, intake)
        self.report = replace(
            report,
            batch=None if self.dry_run else report.batch,
            dry_run=self.dry_run,
            errors=said.errors,
            warnings=said.warnings,
            findings=said.findings,
            refusals=loaded.placed(report.refusals, self._file()),
        )
        return committed

    def _file(self) -> str:
        return self.source.only(f"{self.what}.csv", f"{self.what}.jsonl").shown
