"""Crimes against the records of the ledger: each changes something and says which record has to be named.

Some are clever: the columns, the head and the stored tree are made to fit the lie, or it is signed with another key.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from console.ledger.log import decode
from console.ledger.merkle import Frontier
from console.ledger.note import Checkpoint, SigningKey
from console.ledger.seal import State
from models import tables as t
from models.words import Log
from tests.forging import OWN, Crime, Expected, exactly

if TYPE_CHECKING:
    from collections.abc import Callable


def _other_column(crime: Crime) -> Expected:
    log = crime.log()
    row = crime.row(log)
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
    return exactly(log, row.place)


def _other_bytes(crime: Crime) -> Expected:
    """Not the clever way: the columns stay, or the form is another."""
    log = crime.log()
    row = crime.row(log)
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
    return exactly(log, row.place)


def _clever_lie(crime: Crime) -> Expected:
    """Bytes and columns say the same lie; sometimes head and stored tree too. Only what was signed says otherwise."""
    log = crime.log()
    records = crime.records(log)
    at = crime.draw(*range(len(records)))
    records[at] = crime.lie(records[at])
    crime.write(log, records, tree=crime.draw(True, False))
    return crime.victim.between_roots(log, at)


def _some_bytes(crime: Crime) -> Expected:
    """A letter of the stored bytes is another, as a dying disk or an editor makes it."""
    log = crime.log()
    row = crime.row(log)
    at = crime.draw(*range(len(row.body)))
    letter = crime.draw(*(each for each in "0a}Z é" if each != row.body[at]))
    body = row.body[:at] + letter + row.body[at + 1 :]
    crime.execute(t.record.update().where(t.record.c.log == log, t.record.c.index == row.place).values(body=body))
    # What says another thing in the same form, and is nobody's column, is known by the tree alone.
    return crime.victim.between_roots(log, row.place)


def _several(crime: Crime) -> Expected:
    """Some here, some there: the first is to be named."""
    log = crime.log()
    rows = crime.rows(log)
    chosen = sorted(crime.chance.sample(range(len(rows)), crime.draw(2, 3, 4)))
    crime.told.append(chosen)
    for place in chosen:
        here = (t.record.c.log == log, t.record.c.index == place)
        crime.execute(
            crime.draw(
                t.record.delete().where(*here),
                t.record.update().where(*here).values(action="x.y"),
                t.record.update().where(*here).values(body=rows[place].body + " "),
            )
        )
    return exactly(log, chosen[0])


def _covered(crime: Crime) -> Expected:
    """One record stands where another stood, with all its columns."""
    log = crime.log()
    rows = crime.rows(log)
    here, other = crime.chance.sample(range(len(rows)), 2)
    crime.told.append((here, other))
    values = {name: value for name, value in rows[other]._asdict().items() if name not in ("log", "index", "place")}
    crime.execute(t.record.update().where(t.record.c.log == log, t.record.c.index == here).values(values))
    return exactly(log, here)


def _moved_up(crime: Crime) -> Expected:
    """Room is made for a record that is to be slipped in."""
    log = crime.log()
    row = crime.row(log)
    index = t.record.c.index
    behind = (t.record.c.log == log, index >= row.place)
    crime.execute(
        t.record.update().where(*behind).values(index=index + 10**9),
        t.record.update().where(t.record.c.log == log, index >= 10**9).values(index=index - 10**9 + 1),
    )
    return exactly(log, row.place)


def _forgotten(crime: Crime) -> Expected:
    """The last decision never happened: its records, its batch, its detail, head and stored tree are all as if."""
    rows = crime.rows("ledger")
    batch = rows[-1].batch
    kept = [decode(row.body) for row in rows if row.batch != batch]
    crime.write("ledger", kept, tree=True)
    crime.execute(
        t.batch.delete().where(t.batch.c.id == batch), t.record_detail.delete().where(t.record_detail.c.batch == batch)
    )
    return exactly("ledger", len(kept))


def _older_database(crime: Crime) -> Expected:
    """The whole database as it once was; the signer's memory is newer, or went back with it: what was published is newer still."""
    old = crime.draw(*range(len(crime.victim.olds)))
    size = len([row for row in crime.victim.olds[old][t.record] if row["log"] == "ledger"])
    crime.victim.put(crime.victim.olds[old])
    if crime.draw(True, False):
        log = Log.LEDGER
        frontier = _grown(crime, size)
        note = next(note for note in _published_notes(crime) if note.startswith(f"{_origin(crime)}\n{size}\n"))
        _write_state(crime, log, State(size, frontier.to_bytes(), note))
    return exactly("ledger", size)


def _rekeyed(crime: Crime) -> Expected:
    """A lie, everything hashed anew, and signed with a key of the attacker's own in all the places where a signature stands."""
    log = Log(crime.log())
    records = crime.records(log)
    at = crime.draw(*range(len(records)))
    records[at] = crime.lie(records[at])
    crime.write(log, records, tree=False)
    frontier = crime.rebuild(log, records)
    own = SigningKey(crime.portal.office.signer.key(log).name, OWN.seed)
    note = Checkpoint(own.name, frontier.size, frontier.root()).sign(own)
    _write_state(crime, log, State(frontier.size, frontier.to_bytes(), note))
    if crime.draw(True, False):
        crime.execute(t.portal.update().values(verifier_key=OWN.vkey))
    if crime.draw(True, False):
        checkpoints = crime.portal.settings.keys.checkpoints
        assert checkpoints is not None
        kept = [each for each in _published_notes(crime) if not each.startswith(f"{own.name}\n")]
        checkpoints.write_text("".join(f"{each}\n" for each in [*kept, note]), encoding="utf-8")
        return None
    return crime.victim.between_roots(log, at)


def _grown(crime: Crime, size: int) -> Frontier:
    frontier = Frontier()
    frontier.extend([sha256(b"\x00" + row.body.encode()).digest() for row in crime.rows("ledger")[:size]])
    return frontier


def _origin(crime: Crime) -> str:
    return crime.portal.settings.portal.origin


def _published_notes(crime: Crime) -> list[str]:
    checkpoints = crime.portal.settings.keys.checkpoints
    assert checkpoints is not None
    lines = checkpoints.read_text(encoding="utf-8").splitlines(keepends=True)
    return ["".join(lines[n : n + 5]) for n in range(0, len(lines), 6)]


def _write_state(crime: Crime, log: Log, state: State) -> None:
    (crime.portal.settings.keys.state / f"{log}.json").write_bytes(msgspec.json.encode(state))


def _missing(crime: Crime) -> Expected:
    log = crime.log()
    row = crime.row(log)
    crime.execute(t.record.delete().where(t.record.c.log == log, t.record.c.index == row.place))
    return exactly(log, row.place)


def _cut(crime: Crime) -> Expected:
    """The last records are gone, and head and stored tree say that they never were."""
    log = crime.log()
    records = crime.records(log)
    kept = records[: -crime.draw(*range(1, min(8, len(records))))]
    if crime.draw(True, False):
        crime.write(log, kept, tree=True)
    else:
        crime.execute(t.record.delete().where(t.record.c.log == log, t.record.c.index >= len(kept)))
    return exactly(log, len(kept))


def _swapped(crime: Crime) -> Expected:
    """Two records change places, their bytes with them or not."""
    log = crime.log()
    records = crime.records(log)
    first, second = sorted(crime.chance.sample(range(len(records)), 2))
    crime.told.append((first, second))
    if crime.draw(True, False):
        records[first], records[second] = (
            msgspec.structs.replace(records[second], index=first),
            msgspec.structs.replace(records[first], index=second),
        )
        crime.write(log, records, tree=crime.draw(True, False))
        return crime.victim.between_roots(log, first)
    place = t.record.c.index
    of_log = t.record.c.log == log
    crime.execute(
        t.record.update().where(of_log, place == first).values(index=10**9),
        t.record.update().where(of_log, place == second).values(index=first),
        t.record.update().where(of_log, place == 10**9).values(index=second),
    )
    return exactly(log, first)


def _inserted(crime: Crime) -> Expected:
    """A record that nobody made stands among the others, which moved up."""
    log = crime.log()
    records = crime.records(log)
    at = crime.draw(*range(len(records)))
    records.insert(at, crime.lie(records[at]))
    records = [msgspec.structs.replace(each, index=n) for n, each in enumerate(records)]
    crime.write(log, records, tree=crime.draw(True, False))
    return crime.victim.between_roots(log, at)


def _appended(crime: Crime) -> Expected:
    """A record stands behind the end, where the head does not count it."""
    log = crime.log()
    rows = crime.rows(log)
    made = msgspec.structs.replace(crime.lie(decode(rows[-1].body)), index=len(rows))
    crime.write(log, [*(decode(row.body) for row in rows), made], tree=False)
    return exactly(log, len(rows))


def _elsewhere(crime: Crime) -> Expected:
    log = crime.log()
    row = crime.row(log)
    other, place = crime.draw(("nowhere", row.place), ("accounts", row.place), (log, -1), (log, row.place + 10**6))
    crime.execute(
        t.record.update().where(t.record.c.log == log, t.record.c.index == row.place).values(log=other, index=place)
    )
    return exactly(log, -1 if place == -1 else row.place)


ON_RECORDS: tuple[Callable[[Crime], Expected], ...] = (
    _other_column,
    _other_bytes,
    _clever_lie,
    _some_bytes,
    _several,
    _covered,
    _moved_up,
    _forgotten,
    _older_database,
    _rekeyed,
    _missing,
    _cut,
    _swapped,
    _inserted,
    _appended,
    _elsewhere,
)
