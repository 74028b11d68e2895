"""Export: the way of a disclosure, for many records at once, and a file that proves itself at its end.

Authorise → write report and records into a file beside the wanted one → put the export on the ledger, with the digest of what was
written → sign → add that record, the proofs and the checkpoint → verify the whole as a stranger would → give the file its name. So
nothing leaves before it is recorded and signed, what leaves is what was recorded, and there is never half a report.

Legally it is a disclosure (34 CFR 99.32): to whom, with which legitimate interest and for what purpose are kept, encrypted, beside the
record. A budget of rows for each operator and day bounds what one stolen login can carry away; above a lower number a second person
gives leave first (`console.reports.leave`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from console.authority import Permission, authorize
from console.deciding import Committed, close, moment, repeated
from console.deciding.choosing import in_scope, matching, stored
from console.desks import desk
from console.errors import ConsoleError, Refused, Unavailable, Unverified, Usage
from console.filters import parse
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from console.ledger.bundle import (
    ACTION,
    CHECKPOINT,
    DISCLOSURE,
    FORM,
    FORMATS,
    GUIDE,
    MANIFEST,
    PROOFS,
    RECORDS,
    Manifest,
    encode_manifest,
    member,
    said_of,
    verify_bundle,
)
from console.ledger.cover import Runs, cover
from console.ledger.note import open_checkpoint, to_base64
from console.ledger.packed import DEFLATED, Packer
from console.progress import SILENT, leaving
from console.reports.budget import spent_today, too_many, within_budget
from console.reports.file_place import beside, release
from console.reports.heading import Heading
from console.reports.leave import (
    ExportPlan,
    ask_leave,
    asks_code,
    export_digest,
    leave_for,
    record_refusal,
    spend_leave,
    tell_others,
)
from console.reports.lines import Lines
from console.selection import Receipt
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from console.authority import Operator
    from console.desk import Sight
    from console.ledger.note import Checkpoint
    from console.ledger.packed import Digests
    from console.office import Office
    from console.progress import Progress


TOGETHER = 5_000
"""Records that are read at a time, 2 MB of ordinary ones."""
SAID = 500
"""Characters that may be said about party, interest or purpose."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported. `where` is the audit desk's filter; `names` adds whom a case is about, `reasons` why it was decided.

    `party` (who gets it), `interest` (their legitimate interest) and `purpose` are what 34 CFR 99.32 asks for.
    """

    format: str
    out: Path
    where: str = ""
    names: bool = False
    reasons: bool = False
    party: str = ""
    interest: str = ""
    purpose: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported: the file, how many records, the batch of its record, the checkpoint that proves it.

    Where it waits for a second person, `request` is the request's number: there is no file then, no batch and no checkpoint.
    """

    out: Path
    count: int
    batch: str
    checkpoint: Checkpoint | None
    request: int | None = None


def export(office: Office, operator: Operator, wanted: Wanted, key: str, progress: Progress = SILENT) -> Exported:
    """Export records of the ledger, or have that wait for a second person.

    Raises Refused without the right, for a file that exists, above the day's budget and when nothing matches; CodeNeeded without the
    code that names ask for; Usage for a filter or format that is none; Unavailable when the file cannot be written or the export not
    be signed; Cancelled. There is no file then.
    """
    sight, lines, leave = _lines(office, operator, wanted)
    with office.reading(operator) as connection:
        spent, by_oneself = spent_today(connection, sight)
    count = lines.count(max(sight.settings.policy.export_row_budget - spent, 0))
    if not count:
        raise Refused("No record matches; nothing was exported. Look with district audit list.")
    try:
        within_budget(sight, spent, count)
    except Refused:
        record_refusal(office, sight, wanted, spent, count)
        raise
    if leave is None and too_many(office, sight, by_oneself + count):
        receipt = office.carry_out(
            lambda connection: ask_leave(connection, office, sight, wanted, lines, key),
            lambda connection: repeated(connection, sight, key, export_digest(wanted)),
            operator,
        )
        return Exported(wanted.out, count, "", None, receipt.request)
    with beside(wanted) as (path, file):
        return _Export(office, sight, wanted, lines, count, office.size(), key, leave, progress).write(path, file)


def plan_export(office: Office, operator: Operator, wanted: Wanted) -> ExportPlan:
    """What an export would hold, and what it asks for first. Raises as `export`; writes nothing."""
    sight, lines, leave = _lines(office, operator, wanted)
    with office.reading(operator) as connection:
        spent, by_oneself = spent_today(connection, sight)
    count = lines.count(max(sight.settings.policy.export_row_budget - spent, 0))
    waits = leave is None and too_many(office, sight, by_oneself + count)
    coded = office.assurance.asks and asks_code(wanted) and not waits
    return ExportPlan(count, coded, waits, export_digest(wanted))


def _lines(office: Office, operator: Operator, wanted: Wanted) -> tuple[Sight, Lines, int | None]:
    """The records that are wanted, and the request by which there is leave for them."""
    authorize(operator, Permission.AUDIT_SEE)
    authorize(operator, Permission.AUDIT_EXPORT)
    if wanted.format not in FORMATS:
        raise Usage(f"A report is written as {', '.join(FORMATS)}; nothing was exported.")
    if max(map(len, (wanted.party, wanted.interest, wanted.purpose))) > SAID:
        raise Usage(f"Party, interest and purpose take {SAID} characters each; nothing was exported.")
    sight = office.sight(operator)
    audit = desk("audit")
    if "log" in parse(wanted.where, audit.terms).names:
        raise Usage("A report holds records of the ledger alone; nothing was exported. Leave log: out.")
    predicates = matching(audit, wanted.where, sight)
    with office.reading(operator) as connection:
        leave = leave_for(connection, sight, office.vault, wanted)
    if leave is not None:
        # Exactly what was confirmed: the filter may match more by now.
        predicates = [*in_scope(audit, sight), t.record.c.index.in_(stored(leave))]
    return sight, Lines(office, sight, predicates, office.size(), names=wanted.names, reasons=wanted.reasons), leave


class _Export:
    """One export under way."""

    def __init__(
        self,
        office: Office,
        sight: Sight,
        wanted: Wanted,
        lines: Lines,
        count: int,
        size: int,
        key: str,
        leave: int | None,
        progress: Progress,
    ) -> None:
        self._office = office
        self._sight = sight
        self._wanted = wanted
        self._lines = lines
        self._count = count
        self._size = size
        self._key = key
        self._leave = leave
        self._progress = progress
        self._runs = Runs()

    def write(self, path: Path, file: BinaryIO) -> Exported:
        """Fill the file at `path`, record the export, and give the file its name."""
        packer = Packer(file)
        ends = self._lines.first_and_last()
        if ends is None:
            raise Refused("No record matches any more; nothing was exported.")
        empty = self._manifest({}, *ends)
        members = {
            f"report.{self._wanted.format}": self._report(packer, path, empty),
            RECORDS: packer.stream(RECORDS, self._records),
        }
        from console.reports.guide import GUIDE as TEXT

        members[GUIDE] = packer.add(GUIDE, TEXT.encode(), method=DEFLATED)
        manifest = self._manifest(members, *ends)
        packer.add(MANIFEST, encode_manifest(manifest))
        batch, body = self._record(manifest)
        checkpoint = self._prove(packer, body)
        packer.finish()
        file.flush()
        os.fsync(file.fileno())
        with leaving("Cancelled; the export is on record, but no file was given out."):
            verdict = verify_bundle(path, self._office.signer.key(Log.LEDGER).verify_key, self._progress)
        if not verdict.holds:
            raise Unverified(
                f"The report does not verify: {verdict.sentences[0]} It was recorded but not given out; run district audit verify."
            )
        release(path, self._wanted)
        return Exported(self._wanted.out, manifest.count, batch, checkpoint)

    def _manifest(self, members: dict[str, Digests], first: int, last: int) -> Manifest:
        wanted = self._wanted
        return Manifest(
            count=self._count,
            filter=wanted.where,
            first=first,
            form=FORM,
            format=wanted.format,
            interest=wanted.interest,
            last=last,
            log=str(Log.LEDGER),
            made=moment(self._sight.now),
            members={name: member(digests) for name, digests in members.items()},
            names=wanted.names,
            operator=self._sight.operator.id,
            origin=self._sight.settings.portal.origin,
            party=wanted.party,
            purpose=wanted.purpose,
            reasons=wanted.reasons,
            size=self._size,
        )

    def _report(self, packer: Packer, path: Path, manifest: Manifest) -> Digests:
        from console.reports import page, plain

        wanted = self._wanted
        name = f"report.{wanted.format}"
        portal = self._sight.settings.portal
        heading = Heading(portal.name, portal.zone, self._sight.operator.name, manifest)
        lines = self._lines.watched(self._progress, self._count, "writing the report:")
        match wanted.format:
            case "csv" | "jsonl":
                return packer.stream(
                    name,
                    lambda write: plain.write_plain(
                        lines, write, wanted.format, names=wanted.names, reasons=wanted.reasons
                    ),
                )
            case "html":
                return packer.stream(name, lambda write: page.write_html(lines, write, heading))
            case _:
                return self._sheet(packer, name, path, heading, lines)

    def _sheet(self, packer: Packer, name: str, path: Path, heading: Heading, lines: Lines) -> Digests:
        from console.reports.sheet import write_xlsx

        book = path.with_name(f"{path.name}.xlsx")
        try:
            # Made before the writer opens it, so that nobody else can read it meanwhile.
            book.touch(0o600)
            write_xlsx(lines, book, heading)

            def give(write: Callable[[bytes], object]) -> None:
                with book.open("rb") as file:
                    while data := file.read(1 << 20):
                        write(data)

            return packer.stream(name, give)
        finally:
            book.unlink(missing_ok=True)

    def _records(self, write: Callable[[bytes], object]) -> None:
        lines = self._lines.watched(self._progress, self._count, "writing the records:")
        for window in lines.windows(t.record.c.body, TOGETHER):
            write(window.text + b"\n")
            if window.last - window.first + 1 == window.count:
                self._runs.add(window.first, window.last + 1)
            else:
                for index in self._lines.between(window.first, window.last).places():
                    self._runs.add(index, index + 1)
            lines.said(window.count)

    def _record(self, manifest: Manifest) -> tuple[str, str]:
        """Put the export on the ledger and have it signed; returns its batch and the record's exact bytes as text."""
        sight, office = self._sight, self._office
        digest = sha256(encode_manifest(manifest)).digest()

        def work(connection: sa.Connection) -> Committed:
            if (found := repeated(connection, sight, self._key, digest)) is not None:
                return Committed(found)
            batch = batch_id(office.random)
            wanted = self._wanted
            if asks_code(wanted) and office.assurance.asks:
                office.assurance.spend(connection, sight.operator, export_digest(wanted), sight.now)
            detail = {
                "filter": wanted.where,
                "party": wanted.party,
                "interest": wanted.interest,
                "purpose": wanted.purpose,
            }
            sealed = log.seal_detail(connection, office.vault, batch, detail)
            if self._leave is not None:
                spend_leave(connection, self._leave, batch, sight)
            head = log.lock_head(connection, Log.LEDGER)
            # Counted again behind the lock: another export of the same operator may have come first.
            spent, by_oneself = spent_today(connection, sight)
            within_budget(sight, spent, manifest.count)
            if self._leave is None and too_many(office, sight, by_oneself + manifest.count):
                raise Refused(
                    "Another export came first; nothing was exported. Ask again: a second person gives leave."
                )
            tell_others(connection, office, sight, batch, manifest.count, wanted)
            record = log.Record(
                action=ACTION,
                after={},
                at=manifest.made,
                batch=batch,
                before={},
                case=0,
                desk="audit",
                detail=sealed,
                index=head.size,
                kind="disclosure",
                log=str(Log.LEDGER),
                operator=sight.operator.id,
                params=said_of(manifest),
                subject="",
                ties={},
            )
            receipt = Receipt("export", batch, 1, (), 0)
            return Committed(receipt, close(connection, head, [record], sight, receipt, self._key, digest, "audit"))

        receipt = office.carry_out(
            work, lambda connection: repeated(connection, sight, self._key, digest), sight.operator
        )
        with office.reading() as connection:
            body = connection.execute(
                sa.select(t.record.c.body).where(t.record.c.batch == receipt.batch, t.record.c.log == Log.LEDGER)
            ).scalar_one()
        return str(receipt.batch), body

    def _prove(self, packer: Packer, body: str) -> Checkpoint:
        """Add the export's own record, the proofs and the checkpoint."""
        office = self._office
        index = log.decode(body).index
        try:
            office.seal()
        except ConsoleError as error:
            raise Unavailable(f"It was recorded but could not be signed, so nothing was exported. {error}") from error
        note = office.signer.note(Log.LEDGER)
        checkpoint = open_checkpoint(note, office.signer.key(Log.LEDGER).verify_key)
        packer.add(DISCLOSURE, body.encode() + b"\n")
        with office.reading() as connection:
            tree = log.subtrees(connection, Log.LEDGER, checkpoint.size)
            hashes = [to_base64(each) for each in cover([*self._runs, (index, index + 1)], checkpoint.size, tree)]
        packer.add(PROOFS, "".join(f"{each}\n" for each in hashes).encode())
        packer.add(CHECKPOINT, note.encode())
        return checkpoint
