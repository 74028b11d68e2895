"""Takes over what lies in the intake tables, whoever put it there: the portal, or an import that read it from a file.

Rows become cases in the order in which they lie there; a row that cannot become one is refused in words, on the row itself. All of
it is one transaction with one record. Consents are not taken: the views read them where they lie.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize_everywhere
from console.deciding import Committed, close, moment, repeated
from console.ids import batch_id
from console.intake.lookups import CHUNK, Schools
from console.intake.report import ImportReport, Kind
from console.lazy import sa, t
from console.ledger import log
from console.progress import SILENT
from console.selection import Receipt
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from console.authority import Operator
    from console.desk import Sight
    from console.office import Office
    from console.progress import Progress
    from console.vault import Vault

DESK = "intake"


@dataclass(slots=True)
class Taking:
    """One transaction's work: who, when, under which batch and version, and what it came to."""

    connection: sa.Connection
    sight: Sight
    vault: Vault
    batch: str
    version: int
    schools: Schools
    added: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    progress: Progress = SILENT

    def add(self, kind: str, count: int = 1) -> None:
        """Count rows that came in."""
        self.added[kind] = self.added.get(kind, 0) + count

    def change(self, kind: str, count: int = 1) -> None:
        """Count rows that were changed."""
        self.changed[kind] = self.changed.get(kind, 0) + count

    def refuse(self, kind: str, row: int, why: str) -> None:
        """Note that a row is refused, and why."""
        self.refused.append((kind, row, why))

    def waiting(self, table: sa.Table) -> Iterator[Sequence[Any]]:
        """The rows of an intake table that wait, in their order, a chunk at a time."""
        last = done = 0
        pending = sa.and_(table.c.taken_at.is_(None), table.c.refused.is_(None))
        total = self.connection.execute(sa.select(sa.func.count()).select_from(table).where(pending)).scalar_one()
        while True:
            self.progress.say(done, total, "taking over")
            rows = self.connection.execute(
                sa.select(table).where(pending, table.c.id > last).order_by(table.c.id).limit(CHUNK)
            ).all()
            if not rows:
                return
            yield rows
            last = rows[-1].id
            done += len(rows)

    def settle(self, table: sa.Table, kind: str, rows: Sequence[Any]) -> None:
        """Mark the rows of a chunk as taken, or as refused with the reason."""
        whys = {row: why for refused, row, why in self.refused if refused == kind}
        ids = [row.id for row in rows if row.id not in whys]
        if ids:
            self.connection.execute(table.update().where(table.c.id.in_(ids)).values(taken_at=self.sight.now))
        said = [{"row": row.id, "why": whys[row.id]} for row in rows if row.id in whys]
        if said:
            self.connection.execute(
                table.update().where(table.c.id == sa.bindparam("row")).values(refused=sa.bindparam("why")), said
            )


def _steps() -> dict[str, tuple[sa.Table, Callable[[Taking], None]]]:
    """What can wait, in the order in which one refers to the other."""
    from console.intake.taking_accounts import take_accounts
    from console.intake.taking_cases import take_answers, take_challenges, take_grants
    from console.intake.taking_registrations import take_registrations

    return {
        "accounts": (t.intake_account, take_accounts),
        "registrations": (t.intake_registration, take_registrations),
        "grants": (t.intake_grant, take_grants),
        "challenges": (t.intake_challenge, take_challenges),
        "answers": (t.intake_answer, take_answers),
    }


def take_intake(office: Office, operator: Operator) -> ImportReport:
    """Take over whatever waits in the intake tables. Without anything there nothing is written, not even a record.

    Raises Refused without the right to it, Unavailable when another import holds the tables for longer than a few seconds.
    """
    authorize_everywhere(operator, Permission.INTAKE)
    sight = office.sight(operator)
    with office.reading() as connection:
        if not _waiting(connection):
            return ImportReport("intake")
    key = office.random.bytes(16).hex()
    digest = sha256(f"take {key}".encode()).digest()
    reports: list[ImportReport] = []

    def work(connection: sa.Connection) -> Committed:
        from models.engine import claim

        claim(connection)
        if not _waiting(connection):
            return Committed(Receipt("take", None, 0, (), 0))
        committed, report = take(connection, sight, office, key, digest, Intake("intake"))
        reports.append(report)
        return committed

    office.carry_out(work, lambda connection: repeated(connection, sight, key, digest), operator)
    return reports[-1] if reports else ImportReport("intake")


def _waiting(connection: sa.Connection) -> bool:
    return any(
        connection.execute(
            sa.select(table.c.id).where(table.c.taken_at.is_(None), table.c.refused.is_(None)).limit(1)
        ).first()
        for table, _ in _steps().values()
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """What is being taken: `what` names the form, or `intake` for all; the rest is what reading a file found."""

    what: str
    digest: str = ""
    read: int = 0
    known: int = 0
    more: tuple[Kind, ...] = ()
    progress: Progress = SILENT


def take(
    connection: sa.Connection, sight: Sight, office: Office, key: str, digest: bytes, intake: Intake
) -> tuple[Committed, ImportReport]:
    """Take over in `connection`'s transaction, with a record; the caller has claimed the intake."""
    from console.intake.taking_cases import lock_answered
    from console.intake.taking_registrations import judge

    steps = _steps() if intake.what == "intake" else {k: v for k, v in _steps().items() if k == intake.what}
    if "answers" in steps:
        lock_answered(connection)
    head = log.lock_head(connection, Log.LEDGER)
    first = head.size
    batch = batch_id(office.random)
    taking = Taking(
        connection, sight, office.vault, batch, first + 1, Schools.all(connection), progress=intake.progress
    )
    last = connection.execute(sa.select(sa.func.max(t.registration.c.id))).scalar_one() or 0
    for _, step in steps.values():
        step(taking)
    judge(taking, last)
    kinds = (
        *intake.more,
        *(
            Kind(name, added=taking.added.get(name, 0), changed=taking.changed.get(name, 0))
            for name in dict.fromkeys([*taking.added, *taking.changed])
        ),
    )
    done = sum(each.moved for each in kinds)
    params: dict[str, Any] = {each.name: [each.added, each.changed, each.withdrawn] for each in kinds}
    params |= {"known": intake.known, "read": intake.read, "refused": len(taking.refused)}
    if intake.digest:
        params["sha256"] = intake.digest
    record = record_of(sight, batch, first, f"{DESK}.{intake.what}", 0, params)
    receipt = Receipt(intake.what, batch, done, (), 0)
    grown = close(connection, head, [record], sight, receipt, key, digest, DESK)
    intake.progress.say(done, done, "recording")
    report = ImportReport(
        intake.what,
        batch,
        digest=intake.digest,
        kinds=kinds,
        known=intake.known,
        refused=len(taking.refused),
        refusals=tuple(_refusals(taking)),
    )
    return Committed(receipt, grown), report


def _refusals(taking: Taking) -> Iterator[Any]:
    from console.intake.findings import KEPT, Finding, Severity

    for kind, row, why in taking.refused[:KEPT]:
        yield Finding(Severity.ERROR, f"intake of {kind}", row, None, why)


def record_of(sight: Sight, batch: str, index: int, action: str, case: int, params: dict[str, Any]) -> log.Record:
    """The one record of an import: counts and digests, nothing about a person."""
    return log.Record(
        action=action,
        after={},
        at=moment(sight.now),
        batch=batch,
        before={},
        case=case,
        desk=DESK,
        detail="",
        index=index,
        kind="decision",
        log=str(Log.LEDGER),
        operator=sight.operator.id,
        params=params,
        subject="",
        ties={},
    )
