"""What imports of rosters and forms share: one transaction, one record, and the report of it.

A dry run is the same work, rolled back. A call that was made before is answered from its record.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from console.deciding import Committed, repeated
from console.intake.report import ImportReport, Kind
from console.lazy import sa, t
from console.ledger import log
from console.progress import SILENT
from models.words import Log

if TYPE_CHECKING:
    from console.authority import Operator
    from console.intake.archive import Source
    from console.office import Office
    from console.progress import Progress
    from console.selection import Receipt


class _DryRun(Exception):
    """Not an error: it takes a dry run's work back."""


class Steps:
    """Says one step after another of work whose steps are few and long. Raises Cancelled as progress does."""

    def __init__(self, progress: Progress, what: str, count: int) -> None:
        self._progress, self._what, self._count, self._done = progress, what, count, 0

    def __call__(self) -> None:
        """A step is done."""
        self._done += 1
        self._progress.say(min(self._done, self._count), self._count, self._what)


class Run:
    """What imports of rosters and forms share: one transaction, and the report of it."""

    what = "roster"

    def __init__(self, office: Office, operator: Operator, source: Source, key: str) -> None:
        self.office = office
        self.source = source
        self.key = key
        self.sight = office.sight(operator)
        self.dry_run = False
        self.skip_bad_rows = False
        self.progress: Progress = SILENT
        self.report: ImportReport | None = None

    def options(self) -> tuple[bool, ...]:
        """What makes the same file another call."""
        return (self.skip_bad_rows,)

    @property
    def digest(self) -> bytes:
        """What makes a repeated call the same call."""
        return sha256(f"import {self.what} {self.source.digest} {self.options()}".encode()).digest()

    def run(self) -> ImportReport:
        if self.dry_run:
            try:
                with self.office.writing(self.sight.operator, late=True) as connection:
                    self._work(connection)
                    raise _DryRun  # noqa: TRY301 - it is caught outside of the transaction, which it ends
            except _DryRun:
                pass
        else:
            with self.office.reading() as connection:
                receipt = self._made(connection)
            if receipt is None:
                receipt = self.office.carry_out(self._work, self._made, self.sight.operator, late=True)
            if self.report is None:
                return self._before(receipt)
        assert self.report is not None  # noqa: S101 - the work leaves one
        return self.report

    def _made(self, connection: sa.Connection) -> Receipt | None:
        return repeated(connection, self.sight, self.key, self.digest)

    def _claim(self, connection: sa.Connection) -> Committed | None:
        """Keep other imports out from here on. What comes back is the same call, made meanwhile."""
        from models.engine import claim

        claim(connection)
        found = None if self.dry_run else self._made(connection)
        return Committed(found) if found is not None else None

    def _work(self, connection: sa.Connection) -> Committed:
        raise NotImplementedError

    def _before(self, receipt: Receipt) -> ImportReport:
        """The report of the call that was made before, from its record."""
        with self.office.reading() as connection:
            body = connection.execute(
                sa.select(t.record.c.body).where(t.record.c.batch == receipt.batch, t.record.c.log == Log.LEDGER)
            ).scalar_one()
        record = log.decode(body)
        kinds = tuple(
            Kind(name, *value) for name, value in record.params.items() if isinstance(value, list) and len(value) == 3
        )
        return ImportReport(
            self.what,
            receipt.batch,
            record.case,
            again=True,
            digest=str(record.params.get("sha256", "")),
            mode=str(record.params.get("mode", "")),
            kinds=kinds,
            known=int(record.params.get("known", 0)),
            refused=int(record.params.get("refused", 0)),
        )
