"""A report's lines are put together by the database where that is quicker; byte for byte they are those of the plain way."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.ledger import log
from console.ledger.cover import Runs, cover, root_from_cover
from console.ledger.log import Record
from console.ledger.merkle import Frontier, leaf_hash, range_root
from console.progress import Cancelled, Watched
from console.reports import gathered
from console.reports.exporting import Wanted, export
from console.reports.lines import Lines
from console.reports.plain import csv_head, csv_rows, jsonl_rows, write_plain
from fixtures.hostile import HOSTILE_NAMES
from models import tables as t
from models.engine import writing
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.portals import Portal

pytestmark = pytest.mark.tampers
QUIET = ("approved", "help desk", "a=b", "it's", "x@y", "50%", "a:b\\")
LOUD = (
    "=1+1", "+1", "-1", "@x", " =1", "'x", 'a"b', "a,b", "a\nb", "a\rb", "\t=1", "＝1", "\u200b=1", "ß", "🙂", "a\x7fb", "\x7f1\x7f",
    "\x1b[31m", "\\", '"}', '","case":1', "", "𝒳",
)  # fmt: skip
NAMES = (
    "Ana Lee",
    "Zoë",
    "=cmd",
    'O "x" B',
    "a,b",
    "'quoted",
    " led",
    "\x7f1\x7f",
    "-",
    "x" * 300,
    "\u202eright",
    "ends\\",
)


def put(portal: Portal, rows: Sequence[dict[str, Any]]) -> None:
    """Records as nobody writes them, but as somebody could have."""
    with writing(portal.office.engine) as connection:
        head = log.lock_head(connection, Log.LEDGER)
        made = []
        for offset, row in enumerate(rows):
            like: dict[str, Any] = {
                "action": "registrations.approve", "after": {"state": "approved"}, "at": "2026-11-20T20:00:00.000000Z",
                "batch": "", "before": {"state": "submitted"}, "case": 5, "desk": "registrations", "detail": "",
                "index": head.size + offset, "kind": "decision", "log": "ledger", "operator": 1, "params": {},
                "subject": "state", "ties": {},
            }  # fmt: skip
            made.append(Record(**{**like, **row}))
        log.append(connection, head, made)
    portal.office.seal()


def lines_of(portal: Portal) -> Lines:
    return Lines(
        portal.office, portal.office.sight(portal.operator()), [], portal.office.size(), names=False, reasons=False
    )


def gathered_and_plain(portal: Portal, form: str) -> tuple[bytes, bytes]:
    lines, kept = lines_of(portal), []
    write_plain(lines, kept.append, form, names=False, reasons=False)
    rows, head = (csv_rows, csv_head(names=False, reasons=False)) if form == "csv" else (jsonl_rows, b"")
    return b"".join(kept), head + b"".join(rows(lines, names=False, reasons=False))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_hostile_values_are_written_as_the_plain_way_writes_them(
    portal: Portal, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VERIFIES: no value of a record becomes a formula, a cell or a line of its own because the database wrote the line."""
    monkeypatch.setattr(gathered, "WINDOW", 3)
    nul = "\x00"
    values = [
        each for each in (*QUIET, *LOUD, *HOSTILE_NAMES) if nul not in each and each.isprintable() | each.isascii()
    ]
    rows: list[dict[str, Any]] = [
        {},
        {"case": 0},
        {"before": {}, "after": {}},
        {"after": {"state": None}},
        {"batch": "2YCZ-TCY4"},
    ]
    rows += [
        {"after": {"state": value}} if field == "after" else {field: value}
        for value, field in product(values, ("after", "desk"))
    ]
    rows += [{"kind": value, "action": value} for value in LOUD]
    put(portal, rows)
    ours, plain = gathered_and_plain(portal, form)
    assert ours == plain


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_operators_of_any_name_stand_in_a_report_as_the_plain_way_writes_them(portal: Portal, form: str) -> None:
    with writing(portal.office.engine) as connection:
        numbers = [
            connection.execute(t.operator.insert().values(name=name, role="auditor")).inserted_primary_key[0]
            for name in NAMES
        ]
    put(portal, [{"operator": number} for number in [*numbers, 4711, *reversed(numbers)]])
    ours, plain = gathered_and_plain(portal, form)
    assert ours == plain


def test_ordinary_records_never_take_the_slow_way(portal: Portal) -> None:
    put(portal, [{"case": n} for n in range(50)])
    slow: list[Lines] = []

    def plainly(lines: Lines) -> Any:
        slow.append(lines)
        return iter(())

    kept: list[bytes] = []
    for form in (gathered.CSV, gathered.JSONL):
        gathered.write_gathered(lines_of(portal), kept.append, form, plainly)
    assert (slow, b"".join(kept).count(b"\n")) == ([], 100)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_of_hostile_records_verifies(portal: Portal, form: str, tmp_path: Path) -> None:
    """No state is a text of two lines; anything else is proved, whatever it would do in a spreadsheet."""
    values = [each for each in LOUD if each not in ("a\nb", "a\rb")]
    put(portal, [{"after": {"state": value}} for value in values])
    wanted = Wanted(format=form, out=tmp_path / "report.zip")
    assert export(portal.office, portal.operator(), wanted, "one").count == len(values)


@pytest.mark.parametrize("where", ["", "no:>=3", "case:5"])
def test_any_choice_of_records_is_proved(
    portal: Portal, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.reports.exporting.TOGETHER", 4)
    put(portal, [{"case": 5 if n % 3 else 6} for n in range(20)])
    wanted = Wanted(format="csv", out=tmp_path / "report.zip", where=where)
    assert export(portal.office, portal.operator(), wanted, "one").count > 9


def test_an_export_is_cancelled_without_a_file_or_a_record(portal: Portal, tmp_path: Path) -> None:
    put(portal, [{}] * 3)
    progress = Watched(lambda: 0.0)
    progress.cancel()
    before = portal.office.size()
    with pytest.raises(Cancelled, match="nothing was done"):
        export(portal.office, portal.operator(), Wanted(format="csv", out=tmp_path / "report.zip"), "one", progress)
    assert (portal.office.size(), list(tmp_path.glob("*.zip*"))) == (before, [])


@given(size=st.integers(1, 90), data=st.data())
def test_a_cover_is_the_same_whatever_is_looked_at_together(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    runs = Runs()
    for index in chosen:
        runs.add(index, index + 1)

    def subtree(level: int, index: int) -> bytes:
        part = leaves[index << level : (index + 1) << level]
        return part[0] if level == 0 else range_root(0, len(part), lambda low, at: _perfect(part, low, at))

    whole = Frontier()
    whole.extend(leaves)
    hashes = list(cover(runs, size, subtree))
    for together in (1, 4, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("console.ledger.cover.TOGETHER", together)
            assert root_from_cover(size, [(n, leaves[n]) for n in chosen], hashes) == whole.root()


def _perfect(leaves: list[bytes], level: int, index: int) -> bytes:
    grown = Frontier()
    grown.extend(leaves[index << level : (index + 1) << level])
    return grown.root()
