"""Imports: a roster or a form becomes rows of the portal, all of it or nothing, with one record in the ledger.

The file is read to its end before anything is written, its SHA-256 stands in the record, and the same key with the same file finds
the first report. A dry run walks the same road and is rolled back, so what it shows is what the import then does.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize
from console.deciding import Committed, close, repeated
from console.errors import Refused
from console.evidence import recompute
from console.ids import batch_id
from console.intake.archive import open_source
from console.intake.findings import KEPT, Findings
from console.intake.forms import FORMS, read_form
from console.intake.oneroster import read_roster
from console.intake.report import BadRows, ImportReport, Kind
from console.intake.roster_files import KINDS, Mode
from console.intake.taking import DESK, Intake, record_of, take
from console.lazy import sa, t
from console.ledger import log
from console.selection import Receipt
from models.words import Log, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from console.authority import Operator
    from console.intake.archive import Source
    from console.intake.oneroster import Roster
    from console.intake.roster_load import Load
    from console.intake.roster_stage import Known
    from console.office import Office


class _DryRun(Exception):
    """Not an error: it takes a dry run's work back."""


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
) -> ImportReport:
    """Take over a OneRoster folder or zip.

    Bulk files withdraw who is absent from them, deltas only whom they name. Raises BadRows when rows are wrong and may not be
    skipped; Refused when too many of a kind would be withdrawn and `allow_withdrawals` is not set, without the right to it, or for
    what is no roster; Unavailable when something is not there.
    """
    authorize(operator, Permission.INTAKE)
    with open_source(path) as source:
        roster = read_roster(source)
        run = _RosterRun(office, operator, source, roster, key)
        run.allow_withdrawals, run.allow_reused, run.skip_bad_rows = allow_withdrawals, allow_reused, skip_bad_rows
        run.dry_run = dry_run
        return run.run()


class _Run:
    """What imports of rosters and forms share: one transaction, and the report of it."""

    what = "roster"

    def __init__(self, office: Office, operator: Operator, source: Source, key: str) -> None:
        self.office = office
        self.source = source
        self.key = key
        self.sight = office.sight(operator)
        self.dry_run = False
        self.skip_bad_rows = False
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
                with self.office.writing(late=True) as connection:
                    self._work(connection)
                    raise _DryRun  # noqa: TRY301 - it is caught outside of the transaction, which it ends
            except _DryRun:
                pass
        else:
            with self.office.reading() as connection:
                receipt = self._made(connection)
            if receipt is None:
                receipt = self.office.carry_out(self._work, self._made, late=True)
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
        return Committed(found, 0, []) if found is not None else None

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


class _RosterRun(_Run):
    def __init__(self, office: Office, operator: Operator, source: Source, roster: Roster, key: str) -> None:
        super().__init__(office, operator, source, key)
        self.roster = roster
        self.allow_withdrawals = False
        self.allow_reused = False

    def options(self) -> tuple[bool, ...]:
        return (self.skip_bad_rows, self.allow_withdrawals, self.allow_reused)

    @property
    def mode(self) -> str:
        """`bulk`, `delta`, or `mixed`."""
        found = {str(mode) for mode in self.roster.modes.values() if mode is not Mode.ABSENT}
        return found.pop() if len(found) == 1 else "mixed"

    def _work(self, connection: sa.Connection) -> Committed:
        from console.intake.moved_numbers import follow_numbers
        from console.intake.roster_ids import look_at_ids
        from console.intake.roster_load import Load, compare, counts, lock, stamp, take_over
        from console.intake.roster_pairs import join_up
        from console.intake.roster_stage import Reading, stage_roster
        from console.intake.roster_tables import stage

        self.report = None
        staged = stage()
        reading = Reading(self.office.vault, self._orgs(), self._people)
        staged.create(connection)
        stage_roster(connection, staged, self.roster, reading)
        self._refuse_bad_rows(reading.findings)
        if (made := self._claim(connection)) is not None:
            staged.drop(connection)
            return made
        office, sight = self.office, self.sight
        batch = batch_id(office.random)
        number = self._number(connection, batch)
        load = Load(connection, staged, self.roster.modes, self._partial(), office.vault, sight.now, number)
        compare(load)
        oddities = look_at_ids(load, allow_reused=self.allow_reused)
        lock(load)
        kinds = counts(load)
        take_over(load)
        kinds += join_up(load)
        stops = self._stops(kinds)
        _dangling(load, reading.findings)
        moved = follow_numbers(connection, sight.today)
        recompute(connection, sight.today, sight.settings.policy.families_threshold)
        head = log.lock_head(connection, Log.LEDGER)
        first = head.size
        stamp(load, first + 1)
        moved.stamp(connection, first + 1)
        staged.drop(connection)
        moved_kinds = (*kinds, Kind("waiting registrations", changed=len(moved.rows.get("registration", ()))))
        self.report = self._told(
            moved_kinds, reading.findings, oddities=oddities, stops=stops, batch=batch, number=number
        )
        return self._close(connection, head, batch)

    def _orgs(self) -> dict[str, str]:
        """The orgs that the portal knows, read before the import's transaction so that nobody waits for it."""
        with self.office.reading() as connection:
            s = t.school.c
            rows = connection.execute(sa.select(s.source_id, s.type).where(s.status == RosterStatus.ACTIVE))
            return {row.source_id: row.type for row in rows}

    def _people(self, source_ids: Sequence[str]) -> Mapping[str, Known]:
        from console.intake.lookups import CHUNK
        from console.intake.roster_stage import Known

        found: dict[str, tuple[str | None, set[str]]] = {}
        with self.office.reading() as connection:
            for start in range(0, len(source_ids), CHUNK):
                part = source_ids[start : start + CHUNK]
                for table, kind in ((t.student, "student"), (t.contact, "parent"), (t.staff, None)):
                    query = sa.select(table.c.source_id, table.c.type if kind is None else sa.literal(kind)).where(
                        table.c.source_id.in_(part), table.c.status == RosterStatus.ACTIVE
                    )
                    for source_id, what in connection.execute(query):
                        found.setdefault(source_id, (None, set()))[1].add(what)
                homes = (
                    sa.select(t.student.c.source_id, t.school.c.source_id)
                    .join(t.school, t.school.c.id == t.student.c.school_id)
                    .where(t.student.c.source_id.in_(part))
                )
                for source_id, school in connection.execute(homes):
                    if source_id in found:
                        found[source_id] = (school, found[source_id][1])
        return {source_id: Known(school, frozenset(kinds)) for source_id, (school, kinds) in found.items()}

    def _refuse_bad_rows(self, own: Findings) -> None:
        findings = Findings().include([self.roster.findings, own])
        if findings.errors and not self.skip_bad_rows and not self.dry_run:
            raise BadRows(self._told((), own))

    def _partial(self) -> frozenset[str]:
        """The files of which rows were rejected: an absence there withdraws nobody."""
        wrong = {finding.file.casefold() for finding in self.roster.findings if finding.severity == "error"}
        found = {name for name, kind in KINDS.items() if kind.file.casefold() in wrong}
        if "roles" in found:
            found.add("users")
        return frozenset(KINDS if self.roster.findings.errors > KEPT else found)

    def _stops(self, kinds: Sequence[Kind]) -> tuple[str, ...]:
        limit = self.sight.settings.policy.withdrawal_stop_percent
        over = [each for each in kinds if each.withdrawn * 100 > each.active * limit]
        said = tuple(
            f"{each.withdrawn:,} of {each.active:,} {each.name} would be withdrawn, more than {limit} %"
            for each in over
        )
        if said and not self.allow_withdrawals and not self.dry_run:
            raise Refused(
                f"{'; '.join(said)}; nothing was imported. Look whether the export is whole; if it is right, repeat it "
                "with --allow-withdrawals."
            )
        return () if self.allow_withdrawals else said

    def _number(self, connection: sa.Connection, batch: str) -> int:
        """The import's row, and so its number; its counts follow."""
        row = t.roster_import.insert().values(
            at=self.sight.now,
            operator_id=self.sight.operator.id,
            batch=batch,
            source_hash=self.source.digest,
            mode=self.mode,
            added=0,
            changed=0,
            withdrawn=0,
        )
        made = connection.execute(row).inserted_primary_key
        assert made is not None  # noqa: S101 - the row was made
        return int(made[0])

    def _told(self, kinds: tuple[Kind, ...], own: Findings, **more: Any) -> ImportReport:
        findings = Findings().include([self.roster.findings, own])
        if self.dry_run:
            more |= {"batch": None, "number": 0}
        return ImportReport(
            "roster",
            dry_run=self.dry_run,
            digest=self.source.digest,
            mode=self.mode,
            kinds=kinds,
            errors=findings.errors,
            warnings=findings.warnings,
            findings=tuple(findings),
            **more,
        )

    def _close(self, connection: sa.Connection, head: log.Head, batch: str) -> Committed:
        report = self.report
        assert report is not None  # noqa: S101 - it was just made
        if self.dry_run:
            return Committed(Receipt("roster", None, 0, (), 0), 0, [])
        first = head.size
        connection.execute(
            t.roster_import.update()
            .where(t.roster_import.c.id == report.number)
            .values(
                added=sum(each.added for each in report.kinds),
                changed=sum(each.changed for each in report.kinds),
                withdrawn=sum(each.withdrawn for each in report.kinds),
            )
        )
        params: dict[str, Any] = {each.name: [each.added, each.changed, each.withdrawn] for each in report.kinds}
        params |= {"mode": self.mode, "sha256": self.source.digest, "version": self.roster.version}
        params |= {"errors": report.errors, "held": report.held, "warnings": report.warnings}
        record = record_of(self.sight, batch, first, f"{DESK}.roster", report.number, params)
        receipt = Receipt("roster", batch, report.moved, (), 0)
        leaves = close(connection, head, [record], self.sight, receipt, self.key, self.digest, DESK)
        return Committed(receipt, first, leaves)


def _dangling(load: Load, findings: Findings) -> None:
    """What names somebody or something that nobody knows is tolerated and said."""
    links, members = load.stage.links, load.stage.kinds["class members"].stage
    student, contact, staff, section = t.student, t.contact, t.staff, t.section

    def no(table: sa.Table, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return ~sa.exists().where(table.c.source_id == column)

    person = members.c.person_source_id
    nobody = sa.and_(no(student, person), no(staff, person), no(contact, person))
    for file, column, reason, query in (
        (
            "users.csv",
            "agentSourcedIds",
            "one of them is no guardian or student that is known, not tied",
            sa.select(links.c.line).where(sa.or_(no(contact, links.c.guardian), no(student, links.c.student))),
        ),
        (
            "enrollments.csv",
            "classSourcedId",
            "no class has this identifier",
            sa.select(members.c.line).where(no(section, members.c.section_source_id)),
        ),
        (
            "enrollments.csv",
            "userSourcedId",
            "no user has this identifier",
            sa.select(members.c.line).where(nobody),
        ),
    ):
        for line in load.connection.execute(query.distinct().order_by("line").limit(KEPT)).scalars():
            findings.warn(file, line, column, reason)


def import_form(
    office: Office,
    operator: Operator,
    kind: str,
    path: str | Path,
    *,
    dry_run: bool = False,
    skip_bad_rows: bool = False,
    key: str,
) -> ImportReport:
    """Take over a file of the form `kind` (a name of `console.intake.forms.FORMS`), through the intake tables.

    A row whose `ref` is known (of accounts: whose login and student are) changes nothing. Raises as `import_roster`.
    """
    authorize(operator, Permission.INTAKE)
    if kind not in FORMS:
        raise Refused(f"There is no form {kind}; nothing was imported. There are {', '.join(FORMS)}.")
    with open_source(path) as source:
        run = _FormRun(office, operator, source, kind, key)
        run.dry_run, run.skip_bad_rows = dry_run, skip_bad_rows
        return run.run()


class _FormRun(_Run):
    def __init__(self, office: Office, operator: Operator, source: Source, kind: str, key: str) -> None:
        super().__init__(office, operator, source, key)
        self.what = kind
        self.rows = read_form(source, kind)

    def _work(self, connection: sa.Connection) -> Committed:
        from dataclasses import replace

        from console.intake.form_load import load_form

        self.report = None
        if (made := self._claim(connection)) is not None:
            return made
        loaded = load_form(connection, self.what, self.rows, self.sight.settings.portal.zone)
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
        intake = Intake(self.what, self.source.digest, loaded.added + loaded.known, loaded.known, more)
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
