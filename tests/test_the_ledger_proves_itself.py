"""Whoever changes what was recorded, with all the rights of the database's owner, is found out, and the record is named.

The campaign makes a small history, takes away the guards and changes something, seeded, a hundred and fifty times on each engine:
records, details, batches, heads, stored parts of the tree, the signer's memory, the published checkpoints, the whole database put
back. Some changes are clever: the columns, the head and the stored tree are made to fit the lie.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sqlalchemy as sa

from console.errors import Unverified
from console.ledger.log import Record, decode, encode
from console.ledger.merkle import Frontier
from console.ledger.note import SigningKey
from console.ledger.verifying import Progress, verify
from models import tables as t
from models.engine import writing
from models.words import Log
from tests.portals import open_portal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.portals import Portal

SEED = 20261121
ROUNDS = 150
WHOLE = 2500
TABLES = (t.portal, t.batch, t.record, t.record_detail, t.log_head, t.log_node)
ACCESSES = 300


@pytest.fixture
def history(portal: Portal) -> Portal:
    """A portal in which a few things were decided, one by one and together, one undone, and three hundred cases opened."""
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(9)]
    for case in cases[:4]:
        portal.decide("registrations", "approve", case, reason=f"reason {case}")
    portal.decide("registrations", "ask", cases[4], message="Which school?")
    bulk = portal.decide("registrations", "approve", *cases[5:], reason="roster match")
    portal.undo(bulk.batch)
    for case in cases[:2]:
        portal.decide("registrations", "unapprove", case, reason="she called")
    administrator = portal.operator()
    for case in range(ACCESSES):
        portal.office.accesses.note(administrator, "registrations", "opened", case)
    portal.office.accesses.flush()
    return portal


def test_an_honest_history_verifies_to_its_last_checkpoint(history: Portal) -> None:
    seen: list[Progress] = []
    verdict = verify(history.office, progress=seen.append)
    assert verdict.sentences == ()
    ledger, accesses = verdict.checked
    assert (ledger.size, ledger.signed) == (15, 15)
    assert (accesses.size, accesses.signed) == (ACCESSES, ACCESSES)
    assert verdict.records == 15 + ACCESSES
    assert [(each.log, each.done, each.total, each.left) for each in seen] == [
        ("ledger", 15, 15, 0),
        ("accesses", ACCESSES, ACCESSES, 0),
    ]
    assert all(each.rate > 0 for each in seen)


def test_an_empty_portal_verifies(portal: Portal) -> None:
    assert verify(portal.office).holds


def test_chunks_do_not_matter(history: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verify(history.office)
    for size in (1, 3, 256, 299):
        monkeypatch.setattr("console.ledger.verifying.CHUNK", size)
        assert verify(history.office).checked == whole.checked
        assert verify(history.office).holds


def test_deciding_goes_on_while_verifying(history: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended after the start is neither looked at nor in the way."""
    monkeypatch.setattr("console.ledger.verifying.CHUNK", 4)
    school = history.school("Mission")

    def decide(each: Progress) -> None:
        if each.log == "ledger":
            history.decide(
                "registrations", "approve", history.registration(history.student(school=school)), reason="ok"
            )

    during = verify(history.office, progress=decide)
    assert during.sentences == ()
    assert verify(history.office).checked[0].size == during.checked[0].size + 4


def test_an_unsigned_tail_is_no_fault_and_is_signed_at_the_next_start(
    history: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = history.school("Mission")
    monkeypatch.setattr(history.office, "seal", lambda *_, **__: None)
    history.decide("registrations", "approve", history.registration(history.student(school=school)), reason="ok")
    monkeypatch.undo()
    verdict = verify(history.office, log=Log.LEDGER)
    assert verdict.holds
    assert (verdict.checked[0].size, verdict.checked[0].signed) == (16, 15)
    history.office.seal()
    assert verify(history.office).checked[0].signed == 16


def test_a_key_from_outside_is_held_against_the_signers(history: Portal) -> None:
    own = history.office.signer.key(Log.LEDGER).verify_key
    assert verify(history.office, key=own).holds
    other = SigningKey(own.name, b"x" * 32).verify_key
    verdict = verify(history.office, key=other)
    assert "another key" in verdict.faults[0]
    assert verdict.bad == ()


@pytest.mark.tampers
def test_a_verdict_that_does_not_hold_raises_its_first_sentence(history: Portal) -> None:
    crime = Crime(history, random.Random(1))
    crime.execute(t.record.delete().where(t.record.c.log == "ledger", t.record.c.index == 3))
    with pytest.raises(Unverified, match="Record 3 of the ledger: it is missing"):
        verify(history.office).require()


def test_every_change_is_found_and_the_first_bad_record_named(history: Portal, whole: bool) -> None:
    """ATTACK: the owner of the database and of its files, without the key and without another copy."""
    seeds = range(WHOLE if whole else ROUNDS)
    snapshot = Snapshot(history)
    done: dict[str, int] = {}
    for seed in seeds:
        chance = random.Random(f"{SEED} {seed}")
        crime = Crime(history, chance)
        attack = CRIMES[seed % len(CRIMES)]
        expected = attack(crime)
        verdict = verify(history.office)
        said = f"{seed} {attack.__name__} {crime.told}: {verdict.sentences}"
        assert not verdict.holds, said
        if expected is not None:
            log, index, exact = expected
            (bad,) = [each for each in verdict.bad if each.log == log]
            assert bad.index == bad.last == index if exact else bad.index <= index <= bad.last, said
        else:
            assert verdict.bad == (), said
            assert verdict.faults, said
        snapshot.restore()
        done[attack.__name__] = done.get(attack.__name__, 0) + 1
    assert verify(history.office).holds
    assert len(done) == len(CRIMES)


def test_an_older_database_put_back_is_loud(database_url: str, tmp_path: Path) -> None:
    """ATTACK: a copy from before a decision is put back, whole and consistent in itself."""
    portal = open_portal(database_url, tmp_path)
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    portal.decide("registrations", "approve", cases[0], reason="ok")
    before = Snapshot(portal, files=False)
    portal.decide("registrations", "approve", cases[1], reason="ok")
    before.restore()
    (bad,) = verify(portal.office).bad
    assert (bad.index, bad.last) == (1, 1)
    assert "2 records were signed" in bad.what
    with pytest.raises(Unverified, match="an old database was put back"):
        portal.office.seal()
    portal.office.engine.dispose()


@pytest.mark.tampers
def test_an_older_database_is_loud_even_when_the_signers_memory_went_with_it(portal: Portal) -> None:
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    portal.decide("registrations", "approve", cases[0], reason="ok")
    before = Snapshot(portal, files=False)
    state = portal.settings.keys.state / "ledger.json"
    memory = state.read_bytes()
    portal.decide("registrations", "approve", cases[1], reason="ok")
    before.restore()
    state.write_bytes(memory)
    (bad,) = verify(portal.office).bad
    assert (bad.index, bad.last) == (1, 1)


class Snapshot:
    """What the attacks change, kept to be put back: tables and files."""

    def __init__(self, portal: Portal, *, files: bool = True) -> None:
        self.portal = portal
        keys = portal.settings.keys
        paths = [keys.state / f"{log}.json" for log in Log] + [keys.checkpoints] if files else []
        self.files = {path: path.read_bytes() for path in paths if path.exists()}
        self.rows = {table: [row._asdict() for row in portal.all(sa.select(table))] for table in TABLES}

    def restore(self) -> None:
        for path, data in self.files.items():
            path.write_bytes(data)
        with self.portal.owning() as connection:
            unguard(connection)
            for table in reversed(TABLES):
                connection.execute(table.delete())
            for table, rows in self.rows.items():
                if rows:
                    connection.execute(table.insert(), rows)


def unguard(connection: sa.Connection) -> None:
    """What only the owner can do."""
    for table in ("record", "record_detail", "log_node"):
        if connection.dialect.name == "sqlite":
            for event in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{event}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {table}_only_grows")


Expected = tuple[str, int, bool] | None
"""The log and the index that must be named, and whether exactly; None when no record is bad."""


@dataclass
class Crime:
    """One attack: what the attacker can do, and what the attacker draws."""

    portal: Portal
    chance: random.Random
    told: list[Any] = field(default_factory=list)

    def draw(self, *choices: Any) -> Any:
        made = self.chance.choice(choices)
        self.told.append(made)
        return made

    def execute(self, *statements: Any) -> None:
        with self.portal.owning() as connection:
            unguard(connection)
            for each in statements:
                connection.execute(each)

    def log(self) -> str:
        return self.draw("ledger", "accesses")

    def rows(self, log: str) -> list[Any]:
        index = t.record.c.index
        return self.portal.all(sa.select(t.record, index.label("place")).where(t.record.c.log == log).order_by(index))

    def flip(self, data: bytes) -> bytes:
        at = self.draw(*range(len(data)))
        return data[:at] + bytes([data[at] ^ self.draw(1, 2, 128)]) + data[at + 1 :]

    def write(self, log: str, records: list[Record], *, tree: bool) -> None:
        """Put a log that fits itself in the place of the true one."""
        columns = [
            {
                "log": log,
                "index": each.index,
                "at": datetime.fromisoformat(each.at),
                "operator_id": each.operator,
                "kind": each.kind,
                "desk": each.desk,
                "action": each.action,
                "case_id": each.case,
                "batch": each.batch,
                "from_state": each.from_state,
                "to_state": each.to_state,
                "body": encode(each).decode(),
            }
            for each in records
        ]
        self.execute(t.record.delete().where(t.record.c.log == log))
        with writing(self.portal.office.engine) as connection:
            connection.execute(t.record.insert(), columns)
        if tree:
            self.rebuild(log, records)

    def rebuild(self, log: str, records: list[Record]) -> None:
        """Make head and stored tree fit these records."""
        frontier = Frontier()
        nodes = frontier.extend([sha256(b"\x00" + encode(each)).digest() for each in records])
        self.execute(
            t.log_node.delete().where(t.log_node.c.log == log),
            *(t.log_node.insert().values(log=log, level=level, index=n, hash=digest) for level, n, digest in nodes),
            t.log_head.update()
            .where(t.log_head.c.log == log)
            .values(size=frontier.size, frontier=frontier.to_bytes(), root=frontier.root()),
        )

    def lie(self, record: Record) -> Record:
        """The record saying something else, in the one form a record has."""
        return msgspec.structs.replace(
            record,
            **self.draw(
                {"case": record.case + 1},
                {"operator": record.operator + 7},
                {"params": {**record.params, "note": 1}},
                {"at": record.at.replace("2026", "2025")},
                {"after": {**record.after, "decided_by": 99}},
            ),
        )


def _other_column(crime: Crime) -> Expected:
    log = crime.log()
    row = crime.draw(*crime.rows(log))
    change = crime.draw(
        {"operator_id": row.operator_id + 1},
        {"kind": "nothing"},
        {"desk": "students"},
        {"action": f"{row.action}s"},
        {"case_id": row.case_id + 1},
        {"batch": "AAAA-AAAA"},
        {"from_state": "approved?"},
        {"to_state": "rejected"},
        {"at": row.at.replace(year=2020)},
    )
    crime.execute(t.record.update().where(t.record.c.log == log, t.record.c.index == row.place).values(change))
    return log, row.place, True


def _other_bytes(crime: Crime) -> Expected:
    """Not the clever way: the columns stay, or the form is another."""
    log = crime.log()
    row = crime.draw(*crime.rows(log))
    body = crime.draw(
        row.body.replace(",", ", ", 1),
        row.body + " ",
        row.body.replace('"case":', '"case":1', 1),
        row.body[:-1],
        row.body.replace('"action"', '"aktion"', 1),
        row.body[:-1] + ',"zone":1}',
        row.body.replace('"kind":', '"kind":"x","kind":', 1),
        "",
        "[" * 5000,
        row.body.replace('"index":', '"index":1', 1),
        row.body.replace('"detail":"', '"detail":"g', 1),
    )
    crime.execute(t.record.update().where(t.record.c.log == log, t.record.c.index == row.place).values(body=body))
    return log, row.place, True


def _clever_lie(crime: Crime) -> Expected:
    """Bytes and columns say the same lie; sometimes head and stored tree too. Only what was signed says otherwise."""
    log = crime.log()
    records = [decode(row.body) for row in crime.rows(log)]
    at = crime.draw(*range(len(records)))
    records[at] = crime.lie(records[at])
    crime.write(log, records, tree=crime.draw(True, False))
    single = log == "ledger" and not 5 <= at <= 12
    return log, at, single


def _missing(crime: Crime) -> Expected:
    log = crime.log()
    row = crime.draw(*crime.rows(log))
    crime.execute(t.record.delete().where(t.record.c.log == log, t.record.c.index == row.place))
    return log, row.place, True


def _cut(crime: Crime) -> Expected:
    """The last records are gone, and head and stored tree say that they never were."""
    log = crime.log()
    records = [decode(row.body) for row in crime.rows(log)]
    kept = records[: -crime.draw(*range(1, 8))]
    if crime.draw(True, False):
        crime.write(log, kept, tree=True)
    else:
        crime.execute(t.record.delete().where(t.record.c.log == log, t.record.c.index >= len(kept)))
    return log, len(kept), True


def _swapped(crime: Crime) -> Expected:
    """Two records change places, their bytes with them or not."""
    log = crime.log()
    records = [decode(row.body) for row in crime.rows(log)]
    first, second = sorted(crime.chance.sample(range(len(records)), 2))
    crime.told.append((first, second))
    if crime.draw(True, False):
        records[first], records[second] = (
            msgspec.structs.replace(records[second], index=first),
            msgspec.structs.replace(records[first], index=second),
        )
        crime.write(log, records, tree=crime.draw(True, False))
        return log, first, log == "ledger" and not 5 <= first <= 12
    place = t.record.c.index
    of_log = t.record.c.log == log
    crime.execute(
        t.record.update().where(of_log, place == first).values(index=10**9),
        t.record.update().where(of_log, place == second).values(index=first),
        t.record.update().where(of_log, place == 10**9).values(index=second),
    )
    return log, first, True


def _inserted(crime: Crime) -> Expected:
    """A record that nobody made stands among the others, which moved up."""
    log = crime.log()
    records = [decode(row.body) for row in crime.rows(log)]
    at = crime.draw(*range(len(records)))
    records.insert(at, crime.lie(records[at]))
    records = [msgspec.structs.replace(each, index=n) for n, each in enumerate(records)]
    crime.write(log, records, tree=crime.draw(True, False))
    return log, at, log == "ledger" and not 5 <= at <= 12


def _appended(crime: Crime) -> Expected:
    """A record stands behind the end, where the head does not count it."""
    log = crime.log()
    rows = crime.rows(log)
    made = msgspec.structs.replace(crime.lie(decode(rows[-1].body)), index=len(rows))
    crime.write(log, [*(decode(row.body) for row in rows), made], tree=False)
    return log, len(rows), True


def _elsewhere(crime: Crime) -> Expected:
    log = crime.log()
    row = crime.draw(*crime.rows(log))
    other, place = crime.draw(("nowhere", row.place), ("accounts", row.place), (log, -1), (log, row.place + 10**6))
    crime.execute(
        t.record.update().where(t.record.c.log == log, t.record.c.index == row.place).values(log=other, index=place)
    )
    return log, -1 if place == -1 else row.place, True


def _detail(crime: Crime) -> Expected:
    rows = [row for row in crime.rows("ledger") if decode(row.body).detail]
    row = crime.draw(*rows)
    digest = bytes.fromhex(decode(row.body).detail)
    detail = t.record_detail
    stored = crime.portal.all(sa.select(detail.c.sealed).where(detail.c.digest == digest))[0].sealed
    crime.execute(
        crime.draw(
            detail.delete().where(detail.c.digest == digest),
            detail.update().where(detail.c.digest == digest).values(sealed=crime.flip(bytes(stored))),
            detail.update().where(detail.c.digest == digest).values(batch="AAAA-AAAA"),
            detail.update().where(detail.c.digest == digest).values(digest=crime.flip(digest)),
        )
    )
    return "ledger", min(each.place for each in rows if decode(each.body).detail == digest.hex()), True


def _head(crime: Crime) -> Expected:
    log = crime.log()
    head = crime.portal.all(sa.select(t.log_head).where(t.log_head.c.log == log))[0]
    size = len(crime.rows(log))
    change, expected = crime.draw(
        ({"size": size + 1}, (log, size, True)),
        ({"size": size - 1}, (log, size - 1, True)),
        ({"root": crime.flip(bytes(head.root))}, None),
        ({"frontier": crime.flip(bytes(head.frontier))}, None),
        ({"frontier": b""}, None),
        (None, (log, 0, True)),
    )
    update = t.log_head.update().where(t.log_head.c.log == log)
    crime.execute(update.values(change) if change else t.log_head.delete().where(t.log_head.c.log == log))
    return expected


def _stored_tree(crime: Crime) -> Expected:
    node = t.log_node
    stored = crime.portal.all(sa.select(node))[0]
    crime.execute(
        crime.draw(
            node.delete(),
            node.update().values(hash=crime.flip(bytes(stored.hash))),
            node.update().values(level=9),
            node.insert().values(log="ledger", level=8, index=0, hash=bytes(32)),
            node.insert().values(log="accesses", level=8, index=1, hash=bytes(32)),
            node.insert().values(log="accesses", level=16, index=0, hash=bytes(32)),
        )
    )
    return None


def _batch(crime: Crime) -> Expected:
    batch = crime.draw(*crime.portal.all(sa.select(t.batch).where(t.batch.c.undoes.is_(None))))
    undone = t.batch.c.undoes == batch.id
    mine = t.batch.c.id == batch.id
    crime.execute(
        *crime.draw(
            (t.batch.update().where(mine).values(done=batch.done + 1),),
            (t.batch.update().where(mine).values(decision="reject"),),
            (t.batch.update().where(mine).values(desk="students"),),
            (t.batch.update().where(mine).values(at=batch.at.replace(year=2020)),),
            (t.batch.update().where(mine).values(receipt=batch.receipt.replace('"done":', '"done":1')),),
            (t.batch.update().where(mine).values(receipt="{"),),
            (t.batch.update().where(mine).values(operator_id=2),),
            (t.batch.update().where(undone).values(undoes=None), t.batch.delete().where(mine)),
            (t.batch.insert().values(**{**batch._asdict(), "id": "AAAA-AAAA", "call_key": "another"}),),
        )
    )
    return None


def _portal_row(crime: Crime) -> Expected:
    other = SigningKey("test.example/ledger", b"y" * 32).vkey
    crime.execute(
        crime.draw(
            t.portal.update().values(verifier_key=other), t.portal.update().values(origin="x"), t.portal.delete()
        )
    )
    return None


def _signers_memory(crime: Crime) -> Expected:
    log = crime.log()
    path = crime.portal.settings.keys.state / f"{log}.json"
    data = path.read_bytes()
    state = msgspec.json.decode(data)
    kind = crime.draw("gone", "size", "note", "bytes", "other")
    if kind == "gone":
        path.unlink()
    elif kind == "bytes":
        path.write_bytes(data[: crime.draw(*range(len(data)))])
    elif kind == "other":
        path.write_bytes((path.parent / f"{'ledger' if log == 'accesses' else 'accesses'}.json").read_bytes())
    else:
        state["size"] += kind == "size"
        if kind == "note":
            at = crime.draw(*range(len(state["note"])))
            state["note"] = state["note"][:at] + crime.draw("A", "b", "\n", "") + state["note"][at + 1 :]
            if state["note"] == msgspec.json.decode(data)["note"]:
                state["note"] = ""
        path.write_bytes(msgspec.json.encode(state))
    return None


def _published(crime: Crime) -> Expected:
    path = crime.portal.settings.keys.checkpoints
    data = path.read_bytes()
    kind = crime.draw("flip", "cut", "insert", "gone", "swap", "twice")
    made = data
    if kind == "flip":
        made = crime.flip(data)
    elif kind == "cut":
        made = data[: crime.draw(*range(len(data)))]
    elif kind == "insert":
        at = crime.draw(*range(len(data)))
        made = data[:at] + crime.draw(b"\n", b"A", b"\xff") + data[at:]
    elif kind == "gone":
        path.unlink()
        return None
    elif kind == "swap":
        lines = data.split(b"\n")
        made = b"\n".join(lines[:12] + lines[18:24] + lines[12:18] + lines[24:])
    else:
        made = data[: data.index(b"\n\n", data.index(b"\n\n") + 2) + 2] + data
    assert made != data
    path.write_bytes(made)
    return None


CRIMES: tuple[Callable[[Crime], Expected], ...] = (
    _other_column,
    _other_bytes,
    _clever_lie,
    _missing,
    _cut,
    _swapped,
    _inserted,
    _appended,
    _elsewhere,
    _detail,
    _head,
    _stored_tree,
    _batch,
    _portal_row,
    _signers_memory,
    _published,
)
