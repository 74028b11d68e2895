"""Brings everybody of the directory into the portal's table of them: read in pages, compared and taken over set-based, on record.

The directory is the district's word on who there is; the console never edits it. Nobody is deleted: who is no longer there is marked
as gone, who comes back is there again, and what an operator decided of them stands. When more than `policy.withdrawal_stop_percent`
of them would be gone at once, nothing is done unless the operator says that it is right: a search base mistyped looks just so.
Promises: one transaction with one record, or nothing; a dry run is the same work, rolled back.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize
from console.deciding import Committed, close, repeated
from console.directory.activating import activate, would_activate
from console.directory.conflicts import WHY, conflicts, joined, waiting
from console.directory.following import follow, tell
from console.directory.matching import Matching
from console.directory.staging import COPIED, FILE, fill, stage
from console.errors import Refused
from console.ids import batch_id
from console.intake.findings import Findings
from console.intake.lookups import Schools
from console.intake.report import ImportReport, Kind
from console.intake.runs import Steps
from console.intake.taking import DESK, record_of
from console.lazy import sa, t
from console.ledger import log
from console.progress import SILENT, leaving
from console.selection import Receipt
from models.words import Log

if TYPE_CHECKING:
    from console.authority import Operator
    from console.directory import Directory
    from console.office import Office
    from console.progress import Progress

HALF = "Cancelled; the directory was taken over, but not everybody was activated. Repeat it: what was done is not done again."
FIRST = 20
"""Conflicts that a report tells one by one; the desk has them all."""


def sync(
    office: Office,
    operator: Operator,
    directory: Directory,
    *,
    dry_run: bool = False,
    allow_withdrawals: bool = False,
    key: str,
    progress: Progress = SILENT,
) -> ImportReport:
    """Take over the directory as it is now. The same key again returns the first report's numbers.

    Raises Refused without the right to it or for an operator of some schools, or when too many would be gone and
    `allow_withdrawals` is not set; Unavailable when the directory does not answer to the end; Cancelled where `progress` says so, and
    then nothing was done, or, as its sentence says, not everybody was activated.
    """
    authorize(operator, Permission.INTAKE)
    if operator.schools is not None:
        raise Refused("The directory is read for the whole district; nothing was done. Ask an operator of all schools.")
    run = _Sync(office, operator, directory, key)
    run.dry_run, run.allow_withdrawals, run.progress = dry_run, allow_withdrawals, progress
    return run.run()


class _DryRun(Exception):
    """Not an error: it takes a dry run's work back."""


class _Sync:
    def __init__(self, office: Office, operator: Operator, directory: Directory, key: str) -> None:
        self.office = office
        self.directory = directory
        self.key = key
        self.sight = office.sight(operator)
        self.dry_run = False
        self.allow_withdrawals = False
        self.progress: Progress = SILENT
        self.report: ImportReport | None = None

    @property
    def digest(self) -> bytes:
        """What makes a repeated call the same call."""
        return sha256(f"directory sync {self.allow_withdrawals}".encode()).digest()

    def run(self) -> ImportReport:
        operator = self.sight.operator
        if self.dry_run:
            try:
                with self.office.writing(operator, late=True) as connection:
                    self._work(connection)
                    raise _DryRun  # noqa: TRY301 - it is caught outside of the transaction, which it ends
            except _DryRun:
                pass
        else:
            with self.office.reading() as connection:
                receipt = self._made(connection)
            if receipt is None:
                receipt = self.office.carry_out(self._work, self._made, operator, late=True)
            with leaving(HALF):
                activated = activate(self.office, operator, self.key, self.progress)
            if self.report is None:
                return ImportReport(FILE, receipt.batch, again=True)
            self.report = replace(self.report, kinds=(*self.report.kinds, *activated))
        assert self.report is not None  # noqa: S101 - the work leaves one
        return self.report

    def _made(self, connection: sa.Connection) -> Receipt | None:
        return repeated(connection, self.sight, self.key, self.digest)

    def _work(self, connection: sa.Connection) -> Committed:
        from models.engine import claim

        self.report = None
        findings = Findings()
        settings = self.office.settings.directory
        with self.office.reading() as reading:
            schools = Schools.all(reading)
        fill(connection, self.directory.people(), schools, settings.district_codes, findings, self.progress)
        claim(connection)
        step = Steps(self.progress, "taking over the directory, step", 4)
        step()
        if not self.dry_run and (found := self._made(connection)) is not None:
            stage().drop(connection)
            return Committed(found)
        people = self._take_over(connection)
        step()
        stops = self._stops(people)
        with Matching(connection, self.office.vault.macs) as matching:
            matched = matching.match()
            step()
            followed = follow(connection, settings)
            told = tell(connection, self.sight, self.office.vault, self.office.random)
            count = self._conflicts(connection, findings)
            head = log.lock_head(connection, Log.LEDGER)
            first = head.size
            matching.stamp(first + 1)
            followed.stamp(connection, first + 1)
            self._stamp(connection, first + 1)
        stage().drop(connection)
        kinds = (people, Kind("matches", changed=matched), *followed.kinds)
        if self.dry_run:
            kinds += would_activate(connection, self.sight)
        batch = batch_id(self.office.random)
        self.report = ImportReport(
            FILE,
            None if self.dry_run else batch,
            dry_run=self.dry_run,
            kinds=kinds,
            refused=findings.errors,
            warnings=findings.warnings,
            findings=tuple(findings),
            stops=stops,
        )
        if self.dry_run:
            return Committed(Receipt(DECISION, None, 0, (), 0))
        params: dict[str, Any] = {each.name: [each.added, each.changed, each.withdrawn] for each in kinds}
        params |= {"conflicts": count, "refused": findings.errors}
        record = record_of(self.sight, batch, first, f"{DESK}.{DECISION}", 0, params)
        receipt = Receipt(DECISION, batch, people.moved, (), told)
        grown = close(connection, head, [record], self.sight, receipt, self.key, self.digest, DESK)
        step()
        return Committed(receipt, grown)

    def _take_over(self, connection: sa.Connection) -> Kind:
        """Compare and carry the difference out. Those that change get a version of 0 until the record's number is known."""
        d, s = t.directory_user, stage()
        same = d.c.directory_id == s.c.directory_id
        known = connection.execute(sa.select(sa.func.count()).select_from(d).where(sa.not_(d.c.gone))).scalar_one()
        moment = sa.literal(self.sight.now, d.c.first_seen.type)
        differs = sa.or_(d.c.gone, *(d.c[name].is_distinct_from(s.c[name]) for name in COPIED))
        changed = self._count(connection, sa.select(d.c.id).select_from(d.join(s, same)).where(differs))
        copied = {name: s.c[name] for name in COPIED}
        connection.execute(d.update().where(same, differs).values({**copied, "gone": sa.false(), "version": UNSTAMPED}))
        gone = sa.and_(sa.not_(d.c.gone), ~sa.exists().where(same))
        withdrawn = connection.execute(d.update().where(gone).values(gone=sa.true(), version=UNSTAMPED)).rowcount
        new = ~sa.exists().where(same)
        connection.execute(d.update().where(same, d.c.last_seen != moment).values(last_seen=self.sight.now))
        columns = ("directory_id", *COPIED)
        picked = (
            sa.select(*(s.c[name] for name in columns), moment, moment, sa.literal(UNSTAMPED))
            .where(new)
            .order_by(s.c.line)
        )
        added = connection.execute(
            d.insert().from_select([*columns, "first_seen", "last_seen", "version"], picked),
            execution_options={"preserve_rowcount": True},
        ).rowcount
        return Kind("people", added=added, changed=changed, withdrawn=withdrawn, active=known)

    def _stamp(self, connection: sa.Connection, version: int) -> None:
        d = t.directory_user
        connection.execute(d.update().where(d.c.version == UNSTAMPED).values(version=version))

    @staticmethod
    def _count(connection: sa.Connection, query: sa.Select[Any]) -> int:
        return int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())

    def _stops(self, people: Kind) -> tuple[str, ...]:
        limit = self.sight.settings.policy.withdrawal_stop_percent
        if people.withdrawn * 100 <= people.active * limit:
            return ()
        said = f"{people.withdrawn:,} of {people.active:,} people of the directory would be gone, more than {limit} %"
        if not self.allow_withdrawals and not self.dry_run:
            raise Refused(
                f"{said}; nothing was done. Look at directory.base and at the directory; if it is right, repeat it with "
                "--allow-withdrawals."
            )
        return () if self.allow_withdrawals else (said,)

    def _conflicts(self, connection: sa.Connection, findings: Findings) -> int:
        """How many wait in conflict; the first are told, by the entry's own id and by no name."""
        d, found = t.directory_user.c, conflicts()
        why = sa.case(*((holds, name.value) for name, holds in found.items()), else_=sa.null())
        query = (
            sa.select(d.directory_id, why.label("why"))
            .select_from(joined())
            .where(waiting(), sa.or_(*found.values()))
            .order_by(d.id)
        )
        for row in connection.execute(query.limit(FIRST)):
            findings.warn(FILE, 0, row.directory_id[:64], WHY[row.why])
        return self._count(connection, query.order_by(None))


DECISION = "sync"
"""The decision that a sync is, at the desk of the intake."""
UNSTAMPED = -1
"""The version of a row between its change and the record of it, inside the transaction."""
