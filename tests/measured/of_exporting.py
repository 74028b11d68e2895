"""What exporting many records costs beside the engine's own tool that writes the same file, and how much memory it takes."""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
from hashlib import sha256
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from console.reports.exporting import Wanted, export
from console.reports.lines import Lines
from console.reports.plain import write_plain
from console.wiring import open_office
from tests.measured.records import ENGINES, ledger
from tests.services.postgres import APP
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from console.office import Office
    from console.settings import Settings
    from tests.measured.report import Report
    from tests.portals import Portal

TITLE = "Exporting records"
SIZES = (1_000_000, 10_000_000)
ROUNDS = {1_000_000: 3, 10_000_000: 1}
NAMED = ("no", "when", "operator_id", "desk", "action", "case", "from", "to", "kind", "batch", "operator")
_FROM = 'FROM record r LEFT JOIN operator o ON o.id = r.operator_id WHERE r.log = \'ledger\' AND r."index" < {size} ORDER BY r."index"'
_WHEN = {
    "SQLite": "replace(r.at, ' ', 'T') || 'Z'",
    "PostgreSQL": "to_char(r.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
}


def measure(report: Report) -> None:
    """Let the tool and the console write the same lines in turns."""
    for engine in ENGINES:
        peaks: dict[int, float] = {}
        for records in (20_000,) if report.small else SIZES:
            with ledger(report.folder, engine, records) as portal:
                _lines_beside_the_tool(report, engine, records, portal)
                peaks[records] = _whole(report, engine, records, portal)
        if len(peaks) > 1:
            low, high = (peaks[size] for size in SIZES)
            report.flat(f"memory of an export, {engine}, 10 M records", high, "1 M records", low, 1.1, "MB")
    report.note(
        "The tool (`sqlite3 -csv`, `psql \\copy`) and the console write the same file, byte for byte where both quote alike: the "
        "columns of a report, the moment as reports write it, the operator's name joined in; for JSON Lines the tool writes "
        "`json_object` and `json_build_object`. Medians of three turns for 1 M, one turn for 10 M. The console needs no extra "
        "for this: ADBC with pyarrow, as one would use it, stands beside; with it 1.4× would be the goal. "
        "A report is more than these lines: the whole export "
        "also writes every record's bytes, packs both (deflate), hashes them, proves them against the tree and verifies the "
        "finished file as a stranger would; nothing else does that, so it has no goal. Memory is the largest resident set of a "
        "process that exports and does nothing else."
    )


def _lines_beside_the_tool(report: Report, engine: str, records: int, portal: Portal) -> None:
    folder = report.folder / f"exported-{os.getpid()}"
    folder.mkdir()
    try:
        for form, goal in (("csv", 2.0), ("jsonl", 1.6)):
            ours, tool = folder / f"ours.{form}", folder / f"tool.{form}"
            ways: dict[str, Callable[[], object]] = {
                "tool": lambda form=form, tool=tool: _tool(portal, engine, form, tool, records),
                "ours": lambda form=form, ours=ours: _ours(portal, form, ours, records),
            }
            if form == "csv":
                ways["ADBC"] = lambda: _arrow(portal, engine, folder / "arrow.csv", records)
            took: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(ROUNDS.get(records, 1)):
                for name, way in ways.items():
                    began = perf_counter()
                    way()
                    took[name].append(perf_counter() - began)
            found = {name: median(seconds) for name, seconds in took.items()}
            mine = found.pop("ours")
            same = "the same bytes" if _digest(ours) == _digest(tool) else "the same content"
            report.compared(f"{form} of {records:,} records, {engine} ({same})", mine, found, goal, "tool")
    finally:
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()


def _digest(file: Path) -> str:
    made = sha256()
    with file.open("rb") as data:
        while block := data.read(1 << 20):
            made.update(block)
    return made.hexdigest()


def _columns(engine: str) -> list[str]:
    return [
        'r."index"', _WHEN[engine], "r.operator_id", "r.desk", "r.action", "nullif(r.case_id, 0)", "r.from_state", "r.to_state",
        "r.kind", "nullif(r.batch, '')", "o.name",
    ]  # fmt: skip


def _query(engine: str, form: str, size: int) -> str:
    where = _FROM.format(size=size)
    if form == "csv":
        return (
            "SELECT "
            + ", ".join(f'{each} AS "{name}"' for each, name in zip(_columns(engine), NAMED, strict=True))
            + " "
            + where
        )
    build = "json_object" if engine == "SQLite" else "json_build_object"
    pairs = ", ".join(f"'{name}', {each}" for each, name in zip(_columns(engine), NAMED, strict=True))
    return f"SELECT {build}({pairs}) {where}"


def _tool(portal: Portal, engine: str, form: str, out: Path, size: int) -> None:
    query = _query(engine, form, size)
    if engine == "SQLite":
        how = ["-csv", "-header", "-newline", "\n"] if form == "csv" else []
        with out.open("wb") as file:
            subprocess.run(
                ["sqlite3", "-readonly", *how, str(portal.settings.database.file), query], stdout=file, check=True
            )
        return
    copy = f"\\copy ({query}) TO '{out}'" + (" CSV HEADER" if form == "csv" else "")
    subprocess.run(["psql", _address(portal), "-qc", copy], check=True, env={**os.environ, "PGOPTIONS": "-c jit=off"})


def _address(portal: Portal) -> str:
    url = portal.office.engine.url
    return f"postgresql://{APP}@{url.host}:{url.port}/{url.database}"


def _ours(portal: Portal, form: str, out: Path, size: int) -> None:
    """The lines of a report as an export writes them, into a plain file."""
    office = portal.office
    lines = Lines(office, office.sight(portal.operator()), [], size, names=False, reasons=False)
    with out.open("wb") as file:
        write_plain(lines, file.write, form, names=False, reasons=False)


def _arrow(portal: Portal, engine: str, out: Path, size: int) -> None:
    """The same by ADBC and pyarrow."""
    import pyarrow.csv

    if engine == "SQLite":
        import adbc_driver_sqlite.dbapi as adbc

        address, options = str(portal.settings.database.file), {"adbc.sqlite.query.batch_rows": "20000"}
    else:
        import adbc_driver_postgresql.dbapi as adbc

        address, options = _address(portal), {}
    with adbc.connect(address) as connection, connection.cursor() as cursor:
        if options:
            cursor.adbc_statement.set_options(**options)
        cursor.execute(_query(engine, "csv", size))
        reader = cursor.fetch_record_batch()
        written = pyarrow.csv.WriteOptions(quoting_style="none")
        with pyarrow.csv.CSVWriter(str(out), reader.schema, write_options=written) as writer:
            for batch in reader:
                writer.write_batch(batch)


def _whole(report: Report, engine: str, records: int, portal: Portal) -> float:
    """A whole export with its proofs, verified; returns its peak in MB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    out = report.folder / f"report-{os.getpid()}.zip"
    process = context.Process(target=_alone, args=(portal.settings, out, there))
    process.start()
    seconds, peak, size, parts = here.recv()
    process.join()
    out.unlink()
    told = ", ".join(f"{what} {took:.3g} s" for what, took in parts.items())
    report.row(f"whole export of {records:,} records, {engine}", f"{seconds:.3g} s, {size / 1e6:.0f} MB", beside=told)
    return float(peak)


class _Stages:
    """A progress that keeps how long each stage took."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._now = perf_counter()

    def say(self, _done: int, _total: int, what: str) -> None:
        now = perf_counter()
        name = what.removesuffix(":")
        self.took[name] = self.took.get(name, 0.0) + now - self._now
        self._now = now


def _alone(settings: Settings, out: Path, line: Any) -> None:
    office: Office = open_office(settings, assurance=Unasked())
    stages = _Stages()
    began = perf_counter()
    operator = office.operator("administrator")
    export(office, operator, Wanted(format="csv", out=out, force=True), f"measured {os.getpid()} {began}", stages)
    took = perf_counter() - began
    line.send((took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, out.stat().st_size, stages.took))
