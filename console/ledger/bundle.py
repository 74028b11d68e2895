"""A report with its proof, in one file that anyone checks with the portal's public key alone: no database, no settings, no network.

How everything hangs on one signature: the manifest has the digests of the report, of the exact records behind it and of the guide;
the record of the export itself, the last of the bundle's records, has the digest of the manifest; a cover (`console.ledger.cover`)
leads from all these records to a root; the checkpoint over that root is signed. A byte changed anywhere, also between the files of
the zip, is refused. What is proved: these records stood in the ledger, in these places, when the checkpoint was signed, and this
report was exported from them by this operator. What is not: that no other records match the filter, unless all there are are here.
"""

from __future__ import annotations

import csv
import io
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from console.errors import Unavailable, Unverified
from console.ledger.cover import root_from_cover
from console.ledger.log import Record, decode, encode
from console.ledger.merkle import ProofError, leaf_hash
from console.ledger.note import Checkpoint, VerifyKey, from_base64, open_checkpoint
from console.ledger.packed import BLOCK, STORED, Digests, Packed, Unpacking, open_packed
from console.ledger.verdict import Checked, Verdict
from console.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.progress import Progress

FORM = "district report 1"
"""The first thing a manifest says; another form is another word."""

RECORDS, GUIDE, MANIFEST, DISCLOSURE, PROOFS, CHECKPOINT = (
    "records.jsonl",
    "VERIFY.md",
    "manifest.json",
    "disclosure.json",
    "proofs.txt",
    "checkpoint.txt",
)
FORMATS = ("csv", "jsonl", "xlsx", "html")
SAID_EVERY = 2_000
"""Records between two words about how far it is."""
ACTION = "audit.export"


class Member(msgspec.Struct, frozen=True):
    """A file of the bundle as the manifest knows it."""

    bytes: int
    packed: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was exported, by whom, for whom. The fields stand in sorted order, as a record's do.

    `size` is the ledger's when the records were chosen, all of them below it; `first` and `last` are indexes; `made` is UTC.
    """

    count: int
    filter: str
    first: int
    form: str
    format: str
    interest: str
    last: int
    log: str
    made: str
    members: dict[str, Member]
    names: bool
    operator: int
    origin: str
    party: str
    purpose: str
    reasons: bool
    size: int


def member(digests: Digests) -> Member:
    """A file's digests as the manifest holds them."""
    return Member(bytes=digests.bytes, packed=digests.packed, sha256=digests.sha256)


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest's one form, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2) + b"\n"


def said_of(manifest: Manifest) -> dict[str, Any]:
    """What the record of the export says of it in the clear: no filter and no party, for these may name people."""
    return {
        "count": manifest.count,
        "first": manifest.first,
        "format": manifest.format,
        "last": manifest.last,
        "manifest": sha256(encode_manifest(manifest)).hexdigest(),
        "names": manifest.names,
        "reasons": manifest.reasons,
        "size": manifest.size,
    }


def report_row(record: Record) -> dict[str, Any]:
    """What a report in CSV or JSON Lines says of a record, as far as it follows from the record alone."""
    return {
        "no": record.index,
        "when": record.at,
        "operator_id": record.operator,
        "desk": record.desk,
        "action": record.action,
        "case": record.case or None,
        "from": record.from_state,
        "to": record.to_state,
        "kind": record.kind,
        "batch": record.batch or None,
    }


def verify_bundle(path: Path, key: VerifyKey | str, progress: Progress = SILENT) -> Verdict:
    """Verify a bundle with the portal's public key. Never raises for what is wrong with it: the verdict says it.

    Raises NoteError for a key that is none, Unavailable when the file cannot be read, Cancelled.
    """
    began = monotonic()
    known = key if isinstance(key, VerifyKey) else VerifyKey.parse(key)
    try:
        with Path(path).open("rb") as file:
            try:
                manifest, checkpoint = _Bundle(file, known, progress).verify()
            except Unverified as error:
                return Verdict((), faults=(str(error),), seconds=monotonic() - began)
            except (msgspec.MsgspecError, RecursionError, ValueError, csv.Error):
                return Verdict(
                    (), faults=("The file is not a report as the console writes it.",), seconds=monotonic() - began
                )
    except OSError as error:
        raise Unavailable(f"The report cannot be read ({error.strerror}); nothing was verified.") from None
    checked = Checked(manifest.log, checkpoint.size, checkpoint.root.hex(), checkpoint.size)
    return Verdict((checked,), records=manifest.count + 1, seconds=monotonic() - began)


class _Bundle:
    """One bundle under verification."""

    def __init__(self, file: BinaryIO, key: VerifyKey, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._key = key
        self._members: dict[str, Packed] = open_packed(file)

    def verify(self) -> tuple[Manifest, Checkpoint]:
        """The manifest and the signed checkpoint, once all of it holds."""
        names = list(self._members)
        report = names[0]
        if names != [report, RECORDS, GUIDE, MANIFEST, DISCLOSURE, PROOFS, CHECKPOINT]:
            raise ProofError("The report does not consist of the files that it should.")
        # What lies in the manifest by its digests is known packed, too; these are known only as they are.
        if any(self._members[name].method != STORED for name in names[3:]):
            raise ProofError("The file is not a report as the console writes it: it was packed anew.")
        checkpoint = self._checkpoint()
        raw = self._whole(MANIFEST)
        manifest = msgspec.json.decode(raw, type=Manifest)
        if manifest.form != FORM or report != f"report.{manifest.format}" or manifest.format not in FORMATS:
            raise ProofError("The report is of a form that this console does not know.")
        if set(manifest.members) != {report, RECORDS, GUIDE} or encode_manifest(manifest) != raw:
            raise ProofError("The manifest is not in the one form that it has.")
        disclosure = self._disclosure(manifest, checkpoint)
        records = Unpacking(self._file, self._members[RECORDS])
        drawn = Unpacking(self._file, self._members[report])
        guide = Unpacking(self._file, self._members[GUIDE])
        root = root_from_cover(
            checkpoint.size, self._leaves(records, drawn, manifest, disclosure), map(_hash, self._lines(PROOFS))
        )
        if root != checkpoint.root:
            raise ProofError("The records are not those of the signed checkpoint: a record or a proof was changed.")
        for _ in guide:
            pass
        for name, read in ((report, drawn), (RECORDS, records), (GUIDE, guide)):
            if read.digests is None or member(read.digests) != manifest.members[name]:
                raise ProofError(f"{name} is not the one that was exported: it was changed.")
        return manifest, checkpoint

    def _whole(self, name: str) -> bytes:
        return Unpacking(self._file, self._members[name]).whole(BLOCK)

    def _lines(self, name: str) -> Iterator[bytes]:
        return Unpacking(self._file, self._members[name]).lines()

    def _checkpoint(self) -> Checkpoint:
        """The checkpoint, signed by this key and by nobody else: a line more would be a byte that nothing proves."""
        raw = self._whole(CHECKPOINT)
        checkpoint = open_checkpoint(raw, self._key)
        if raw.count(b"\n") != len(("origin", "size", "root", "", "signature")):
            raise ProofError("The checkpoint has another signature beside the portal's; it was not accepted.")
        return checkpoint

    def _disclosure(self, manifest: Manifest, checkpoint: Checkpoint) -> tuple[Record, bytes]:
        """The record of the export, which fits the manifest and lies in the tree behind all that it exports."""
        body = self._whole(DISCLOSURE).removesuffix(b"\n")
        record = decode(body)
        if encode(record) != body or self._members[DISCLOSURE].size != len(body) + 1:
            raise ProofError("The record of the export is not in the one form that a record has.")
        said = (record.action, record.kind, record.log, record.params, record.operator, record.at)
        if said != (ACTION, "disclosure", manifest.log, said_of(manifest), manifest.operator, manifest.made):
            raise ProofError("The record of the export does not fit the manifest: one of them was changed.")
        if manifest.origin != checkpoint.origin or not manifest.size <= record.index < checkpoint.size:
            raise ProofError("The record of the export is not of the signed ledger.")
        return record, body

    def _leaves(
        self, records: Unpacking, drawn: Unpacking, manifest: Manifest, disclosure: tuple[Record, bytes]
    ) -> Iterator[tuple[int, bytes]]:
        """The leaf of every record, held against the report's line for it, and the export's own."""
        report = _report(drawn, manifest)
        count, first, last = 0, -1, -1
        for body in records.lines():
            record = decode(body)
            if encode(record) != body or record.log != manifest.log:
                raise ProofError(f"{RECORDS} has a line that is not a record of the {manifest.log}.")
            if report is not None and not _corresponds(next(report, None), record, manifest.format):
                raise ProofError(f"The report does not say what record {record.index:,} says.")
            first = record.index if not count else first
            last = record.index
            count += 1
            if not count % SAID_EVERY:
                self._progress.say(count, manifest.count, "verifying the report:")
            yield record.index, leaf_hash(body)
        if (count, first, last) != (manifest.count, manifest.first, manifest.last) or last >= manifest.size:
            raise ProofError(f"{RECORDS} does not hold the records that the manifest says.")
        if report is None:
            for _ in drawn:
                pass
        elif next(report, None) is not None:
            raise ProofError("The report has lines that no record stands behind.")
        record, body = disclosure
        yield record.index, leaf_hash(body)


def _hash(line: bytes) -> bytes:
    return from_base64(line.decode("ascii"))


def _report(drawn: Unpacking, manifest: Manifest) -> Iterator[bytes] | None:
    """The report's lines, where its format lets them be read back; None for a sheet or a page."""
    if manifest.format == "jsonl":
        return drawn.lines()
    if manifest.format == "csv":
        from console.reports.plain import csv_head

        # A cell never holds a line break (`console.reports.plain`), so a line is a row.
        lines = drawn.lines()
        if next(lines, b"") + b"\n" != csv_head(names=manifest.names, reasons=manifest.reasons):
            raise ProofError("The report's columns are not those that a report has.")
        return lines
    return None


def _corresponds(line: bytes | None, record: Record, format_: str) -> bool:
    """Whether a line says what the record says, whatever else it says of it."""
    if line is None:
        return False
    if format_ == "csv":
        return line.startswith(_csv_start(record))
    row = msgspec.json.decode(line, type=dict[str, Any])
    return all(name in row and row[name] == value for name, value in report_row(record).items())


def _csv_start(record: Record) -> bytes:
    """How the line of a CSV begins that says what `report_row` says."""
    said = (
        record.index,
        _csv_cell(record.at),
        record.operator,
        _csv_cell(record.desk),
        _csv_cell(record.action),
        record.case or "",
        _csv_cell(record.from_state or ""),
        _csv_cell(record.to_state or ""),
        _csv_cell(record.kind),
        _csv_cell(record.batch),
    )
    return (",".join(map(str, said)) + ",").encode()


@lru_cache(maxsize=4096)
def _csv_cell(value: str) -> str:
    from console.text import csv_cell

    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["", csv_cell(value)])
    return text.getvalue()[1:]
