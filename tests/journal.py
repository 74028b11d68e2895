"""What was said to be saved, kept outside of whatever is killed, and what became of it.

The journal is a file on the disk, written by another process than the one that decides: before a decision its key, after it what the
console said. After each recovery `Judge` reads the ledger on from where it read last and replays it over a model of the tables: the
model is then every row, column by column, and says what the journal's promises came to.

*Lost*: said to be saved, and not there. *Phantom*: there, though nobody asked for it, or though it was said that nothing was done, or
no repeat finds it by its key. *Torn*: a part without the rest – a row that no record explains, a record without its batch or notices.
*Duplicate*: done twice.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec
import sqlalchemy as sa

from console.deciding.recorded import plain
from console.ledger import log
from console.ledger.verifying import verify
from models import tables as t
from models.engine import writing
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.portals import Portal

Outcome = Literal["saved", "nothing", "unknown", "silent"]
"""What the console said: a receipt, that nothing was done, that it does not know; or nothing at all."""
TABLES = ("registration", "membership", "account", "challenge", "request")
"""What decisions of the campaigns change."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the console said about a call: the outcome, and of a receipt the batch and how many cases."""

    outcome: Outcome
    batch: str | None = None
    done: int = 0
    notices: int = 0
    words: str = ""

    @classmethod
    def of(cls, told: dict[str, Any] | None) -> Self:
        """From what a deciding process told (tests/forked.py); None for one that told nothing."""
        if told is None:
            return cls("silent")
        if "batch" in told:
            return cls("saved" if told["batch"] else "nothing", told["batch"], told["done"], told["notices"])
        return cls(outcome_of(told["error"]), words=told["error"])


def outcome_of(sentence: str) -> Outcome:
    """What an error's sentence promises. An error that promises nothing counts as silence."""
    if "not known whether" in sentence:
        return "unknown"
    return "nothing" if "nothing was" in sentence else "silent"


class Journal:
    """The file: a line before each call and one after it, each on the disk before its writer goes on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self.said: dict[str, Said] = {}
        """The calls since the last judgement, by key."""

    def _write(self, **line: Any) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def asked(self, key: str) -> None:
        """Somebody is about to call with this key."""
        self._write(key=key)
        self.said[key] = Said("silent")

    def answered(self, key: str, said: Said) -> None:
        """The console answered that call."""
        self._write(key=key, outcome=said.outcome, batch=said.batch, done=said.done)
        self.said[key] = said

    def close(self) -> None:
        self._file.close()


@dataclass
class Counts:
    """What a campaign came to."""

    runs: int = 0
    saved: int = 0
    lost: int = 0
    phantom: int = 0
    torn: int = 0
    duplicate: int = 0
    why: list[str] = field(default_factory=list)

    def note(self, what: Literal["lost", "phantom", "torn", "duplicate"], why: str) -> None:
        setattr(self, what, getattr(self, what) + 1)
        self.why.append(f"{what}: {why}")

    def told(self) -> dict[str, int]:
        """For `counted`."""
        names = ("runs", "saved", "lost", "phantom", "torn", "duplicate")
        return {name: getattr(self, name) for name in names}

    def clean(self) -> None:
        """Raise AssertionError with what was found, if anything was."""
        assert not self.why, "\n".join(self.why[:20])


Rows = dict[str, dict[int, dict[str, Any]]]


class Judge:
    """Holds a portal against what was said and against its own records, from one recovery to the next."""

    def __init__(self, portal: Portal, journal: Journal, counts: Counts, tables: Sequence[str] = TABLES[:3]) -> None:
        self._portal = portal
        self._journal = journal
        self._counts = counts
        self._tables = tables
        self.size = 0
        self._rows: Rows = {}
        self.again()

    def again(self) -> None:
        """Begin anew with what is there: after what is judged elsewhere."""
        self._journal.said.clear()
        with self._portal.office.reading() as connection:
            self._rows = self._read(connection)
            self.size = log.read_size(connection, Log.LEDGER)

    def recover(self) -> None:
        """Wait for what was under way at the database, and sign what was left unsigned, as the next start does."""
        with writing(self._portal.office.engine) as connection:
            log.lock_head(connection, Log.LEDGER)
        self._portal.office.seal()

    def look(self) -> dict[str, str]:
        """Judge the calls since the last look. Returns the batches that are there, by the key of their call."""
        said, self._journal.said = self._journal.said, {}
        with self._portal.office.reading() as connection:
            records = self._records(connection)
            found = {row.id: row for row in self._batches(connection, said, {record.batch for record in records})}
            c = t.notice.c
            counted = sa.select(c.batch, sa.func.count()).where(c.batch.in_(list(found))).group_by(c.batch)
            notices = {row[0]: int(row[1]) for row in connection.execute(counted)}
            self._replay(records)
            there = self._read(connection)
        self._compare(there)
        many: dict[str, int] = {}
        for record in (each for each in records if each.kind == "decision"):
            many[record.batch] = many.get(record.batch, 0) + 1
        for batch in many.keys() - found.keys():
            self._counts.note("torn", f"records of {batch} without its batch")
        for row in found.values():
            if row.id in many and many[row.id] != row.done:
                self._counts.note("torn", f"{row.id} has {many[row.id]} records and says {row.done}")
            receipt = msgspec.json.decode(row.receipt)
            if row.undoes is None and notices.get(row.id, 0) != receipt["notices"]:
                self._counts.note("torn", f"{row.id} has {notices.get(row.id, 0)} notices: {receipt['notices']}")
            if row.call_key not in said:
                self._counts.note("phantom", f"nobody asked for {row.id}")
        self._promises(said, {row.call_key: row for row in found.values()})
        return {row.call_key: row.id for row in found.values()}

    def verified(self) -> None:
        """Raise AssertionError unless the ledger verifies from its first record."""
        verdict = verify(self._portal.office)
        assert verdict.holds, verdict.sentences

    def _records(self, connection: sa.Connection) -> list[log.Record]:
        c = t.record.c
        rows = connection.execute(
            sa.select(c.index, c.body).where(c.log == Log.LEDGER, c.index >= self.size).order_by(c.index)
        ).all()
        if [row.index for row in rows] != list(range(self.size, self.size + len(rows))):
            self._counts.note("torn", f"the records from {self.size} on have a gap")
        size = log.read_size(connection, Log.LEDGER)
        if size != self.size + len(rows):
            self._counts.note("torn", f"the head says {size} and {self.size + len(rows)} records are there")
        self.size = size
        return [log.decode(row.body) for row in rows]

    @staticmethod
    def _batches(connection: sa.Connection, keys: Iterable[str], ids: Iterable[str]) -> Sequence[Any]:
        c = t.batch.c
        return connection.execute(
            sa.select(t.batch).where(sa.or_(c.call_key.in_(list(keys)), c.id.in_(list(ids)))).order_by(c.id)
        ).all()

    def _replay(self, records: Iterable[log.Record]) -> None:
        for record in (each for each in records if each.kind == "decision"):
            names = {name.rpartition(".")[0] for name in (*record.after, *record.before)} | {""}
            for table in names:
                place, case = (record.desk.removesuffix("s"), record.case) if not table else (table, record.ties[table])
                if place not in self._rows:
                    continue
                row = self._rows[place][case]
                was, becomes = _of(record.before, table), _of(record.after, table)
                if any(row[name] != value for name, value in was.items()):
                    twice = all(row[name] == value for name, value in becomes.items())
                    held = {name: row[name] for name in was}
                    self._counts.note(
                        "duplicate" if twice else "torn", f"record {record.index} of {place} {case}: {was} was {held}"
                    )
                row.update(becomes)
                row["version"] = record.index + 1

    def _read(self, connection: sa.Connection) -> Rows:
        made: Rows = {}
        for name in self._tables:
            rows = connection.execute(sa.select(t.metadata.tables[name])).mappings()
            made[name] = {row["id"]: {column: plain(value) for column, value in row.items()} for row in rows}
        return made

    def _compare(self, there: Rows) -> None:
        for name in self._tables:
            for number, row in there[name].items():
                known = self._rows[name].get(number)
                if known is not None and known != row:
                    wrong = {each: (known[each], row[each]) for each in row if known[each] != row[each]}
                    self._counts.note("torn", f"{name} {number} is not what the records say: {wrong}")
        self._rows = there

    def _promises(self, said: dict[str, Said], found: dict[str, Any]) -> None:
        for key, each in said.items():
            row = found.get(key)
            self._counts.saved += row is not None
            if each.outcome == "saved" and (row is None or row.id != each.batch or row.done != each.done):
                self._counts.note("lost", f"{key} was said to be saved as {each.batch}")
            if each.outcome == "nothing" and row is not None:
                self._counts.note("phantom", f"{key}: {each.words}")


def _of(values: dict[str, Any], table: str) -> dict[str, Any]:
    """The columns of one table in a record's `before` or `after`; '' for the case's own."""
    return {name.rpartition(".")[2]: value for name, value in values.items() if name.rpartition(".")[0] == table}
