"""The work of one roster: read into temporary tables, compared, taken over, recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.deciding import Committed, close
from console.directory.matching import Matching
from console.errors import Refused
from console.evidence import recompute
from console.ids import batch_id
from console.intake.findings import KEPT, Findings
from console.intake.moved_numbers import follow_numbers
from console.intake.report import BadRows, ImportReport, Kind
from console.intake.roster_files import KINDS, Mode
from console.intake.roster_ids import look_at_ids
from console.intake.roster_known import Portal
from console.intake.roster_load import Load, compare, counts, differing, lock, stamp, take_over
from console.intake.roster_pairs import all_tied, join_up
from console.intake.roster_reading import read_into
from console.intake.roster_stage import Reading
from console.intake.roster_tables import stage
from console.intake.roster_touched import touch
from console.intake.runs import Run, Steps
from console.intake.taking import DESK, record_of
from console.lazy import sa, t
from console.ledger import log
from console.selection import Receipt
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Operator
    from console.intake.archive import Source
    from console.intake.oneroster import Roster
    from console.office import Office


STEPS = 27
"""How often an import says that it is further once its files are read: for each kind of row twice, and between."""


class RosterRun(Run):
    """One import of one roster."""

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
        self.report = None
        staged = stage()
        portal = Portal(self.office.reading)
        reading = Reading(self.office.vault, portal.orgs(), portal.people, self.progress)
        staged.create(connection)
        read_into(connection, staged, self.roster, self.source, reading, self.office.settings)
        step = Steps(self.progress, "taking over the roster, step", STEPS)
        step()
        staged.index(connection)
        self._refuse_bad_rows(reading.findings)
        if (made := self._claim(connection)) is not None:
            staged.drop(connection)
            return made
        office, sight = self.office, self.sight
        batch = batch_id(office.random)
        number = self._number(connection, batch)
        version = log.read_size(connection, Log.LEDGER) + 1
        load = Load(
            connection, staged, self.roster.modes, self._partial(), office.vault, sight.now, number, version, step
        )
        compare(load)
        step()
        oddities = look_at_ids(load, allow_reused=self.allow_reused)
        lock(load)
        differences = differing(load)
        kinds = counts(load, differences)
        touched = touch(load, differences)
        take_over(load, differences)
        kinds += join_up(load, touched=touched)
        step()
        stops = self._stops(kinds)
        _dangling(load, reading.findings)
        moved = follow_numbers(connection, sight.today)
        recompute(connection, sight.today, sight.settings.policy.families_threshold)
        step()
        with Matching(connection, office.vault.macs) as matching:
            matched = matching.match()
            head = log.lock_head(connection, Log.LEDGER)
            first = head.size
            matching.stamp(first + 1)
        stamp(load, first + 1)
        moved.stamp(connection, first + 1)
        staged.drop(connection)
        moved_kinds = (
            *kinds,
            Kind("waiting registrations", changed=len(moved.rows.get("registration", ()))),
            Kind("people of the directory", changed=matched),
        )
        self.report = self._told(
            moved_kinds, reading.findings, oddities=oddities, stops=stops, batch=batch, number=number
        )
        made = self._close(connection, head, batch)
        step()
        return made

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
            return Committed(Receipt("roster", None, 0, (), 0))
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
        grown = close(connection, head, [record], self.sight, receipt, self.key, self.digest, DESK)
        return Committed(receipt, grown)


def _dangling(load: Load, findings: Findings) -> None:
    """What names somebody or something that nobody knows is tolerated and said."""
    links, members = load.stage.links, load.stage.kinds["class members"].stage
    student, contact, staff, section = t.student, t.contact, t.staff, t.section

    def no(table: sa.Table, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return ~sa.exists().where(table.c.source_id == column)

    person = members.c.person_source_id
    nobody = sa.and_(no(student, person), no(staff, person), no(contact, person))
    queries: list[tuple[str, str, str, sa.SelectBase]] = [
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
    ]
    if not all_tied(load):
        # One absence to a statement: PostgreSQL joins for one what for either of two it looks up row by row.
        links_to_nobody = sa.union(
            *(
                sa.select(links.c.line).where(no(table, end))
                for table, end in ((contact, links.c.guardian), (student, links.c.student))
            )
        )
        reason = "one of them is no guardian or student that is known, not tied"
        queries.insert(0, ("users.csv", "agentSourcedIds", reason, links_to_nobody))
    for file, column, reason, query in queries:
        found = query.subquery()
        lines = sa.select(found.c.line).distinct().order_by(found.c.line).limit(KEPT)
        for line in load.connection.execute(lines).scalars():
            findings.warn(file, line, column, reason)
