"""What stands beside a record, in words: who did what to which case, before and after, why, with what else – and that it is proved.

The proof is made and checked in place: the record's bytes as stored, their path through the stored tree, the root that was last
signed. What an operator reads here is therefore what an auditor outside can check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.case_view import Fact, Part
from console.drawn import age
from console.errors import ConsoleError
from console.lazy import sa, t
from console.ledger.log import decode, open_detail, subtrees
from console.ledger.merkle import inclusion_path, leaf_hash, verify_inclusion
from console.ledger.note import VerifyKey, open_checkpoint
from console.ledger.seal import read_state
from console.queue import Tone
from console.text import SafeText, join, paragraph, safe
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.desk import Sight
    from console.ledger.log import Record
    from console.vault import Vault

_WIDE = 96
"""Characters of one line of the record's bytes."""


def audit_facts(connection: sa.Connection, case: int, sight: Sight, vault: Vault) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one record."""
    from console.desks.audit import DESK

    row = connection.execute(
        sa.select(t.record.c.body, t.record.c.at, t.operator.c.name)
        .select_from(DESK.source())
        .where(DESK.among((case,)))
    ).one()
    record = decode(row.body)
    local = row.at.astimezone(sight.settings.portal.zone)
    parts = [
        Part("Record", _about(record, row.name, f"{local:%Y-%m-%d %H:%M:%S}, {age(row.at, sight.now)} ago")),
        Part("Before and after", _changes(record)),
        Part("With", _lines(record.params | _second(connection, record))),
        Part("Why", _why(connection, vault, record)),
        Part("Its batch", _batch(connection, record, sight)),
        Part("Proof", _proof(connection, record, row.body, sight)),
        Part("As it was hashed", _bytes(row.body)),
    ]
    title = safe(f"{record.action.replace('.', ': ', 1).replace('_', ' ')}")
    return title, tuple(part for part in parts if part.facts)


def _about(record: Record, name: str | None, when: str) -> tuple[Fact, ...]:
    told = [
        ("When", safe(when)),
        ("Operator", safe(name or f"no. {record.operator}")),
        ("Case", safe(f"{record.desk} no. {record.case}") if record.case else safe(record.desk)),
        *((f"{table.replace('_', ' ').capitalize()}", safe(f"no. {tie}")) for table, tie in record.ties.items()),
        ("Kind", safe(record.kind)),
        ("Record", safe(f"no. {record.index:,} of the {record.log}")),
    ]
    return tuple(Fact(label, text) for label, text in told)


def _changes(record: Record) -> tuple[Fact, ...]:
    """Each changed column, before and after; what stayed the same is left out."""
    return tuple(
        Fact(_words(name), join((_value(record.before.get(name)), _value(record.after.get(name))), safe(" → ")))
        for name in sorted(record.before | record.after, key=lambda each: (each != record.subject, each))
        if record.before.get(name) != record.after.get(name)
    )


def _words(name: str) -> str:
    return name.replace(".", " ").replace("_", " ").capitalize()


def _value(value: Any) -> SafeText:
    if value is None:
        return safe("–")
    if isinstance(value, bool):
        return safe("yes" if value else "no")
    return safe(str(value).replace("_", " "))


def _lines(said: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(
        Fact(_words(name) if not n else "", line)
        for name, value in said.items()
        for n, line in enumerate(paragraph(str(value)))
    )


def _second(connection: sa.Connection, record: Record) -> dict[str, str]:
    """Who confirmed it, by name, where a second person did."""
    number = record.params.get("confirmed_by")
    if number is None:
        return {}
    name = connection.execute(sa.select(t.operator.c.name).where(t.operator.c.id == number)).scalar()
    return {"confirmed_by": name or f"no. {number}"}


def _why(connection: sa.Connection, vault: Vault, record: Record) -> tuple[Fact, ...]:
    """The sealed detail, opened: whoever may see the desk may read why."""
    if not record.detail:
        return ()
    try:
        return _lines(open_detail(connection, vault, record))
    except ConsoleError as error:
        return (Fact("", safe(str(error)), Tone.BAD),)


def _batch(connection: sa.Connection, record: Record, sight: Sight) -> tuple[Fact, ...]:
    if not record.batch:
        return ()
    from console.desks.audit import DESK

    r, b = t.record.c, t.batch.c
    others = connection.execute(
        sa.select(sa.func.count()).where(
            r.batch == record.batch, r.log == record.log, r.index != record.index, *DESK.within(sight.operator)
        )
    ).scalar_one()
    undoing = connection.execute(
        sa.select(b.id, b.at)
        .join(t.record, sa.and_(r.batch == b.id, r.case_id == record.case))
        .where(b.undoes == record.batch)
    ).first()
    facts = [
        Fact("Batch", safe(record.batch)),
        Fact("Other cases in it", safe(f"{others:,}" if others else "none")),
    ]
    if undoes := record.params.get("undoes"):
        facts.append(Fact("It undoes", safe(str(undoes))))
    if undoing is not None:
        facts.append(Fact("Undone", safe(f"for this case, by batch {undoing.id}"), Tone.WARN))
    elif record.kind == "decision":
        facts.append(Fact("Undone", safe("no"), Tone.DIM))
    return tuple(facts)


def _proof(connection: sa.Connection, record: Record, body: str, sight: Sight) -> tuple[Fact, ...]:
    """The record's proof against the last signed checkpoint, made and checked now."""
    log = Log(record.log)
    try:
        state = read_state(sight.settings.keys.state, log)
        if state.size <= record.index:
            return (Fact("!", safe("Not signed yet: it is signed at the next decision or start."), Tone.WARN),)
        own = VerifyKey.parse(connection.execute(sa.select(t.portal.c.verifier_key)).scalar_one())
        key = own if log is Log.LEDGER else VerifyKey(f"{own.name}-{log}", own.public)
        signed = open_checkpoint(state.note, key)
        path = inclusion_path(record.index, signed.size, subtrees(connection, log, signed.size))
        verify_inclusion(record.index, signed.size, leaf_hash(body.encode()), path, signed.root)
    except ConsoleError as error:
        return (
            Fact("!", safe(str(error)), Tone.BAD),
            Fact("", safe("Run district audit verify and keep this database as it is."), Tone.BAD),
        )
    return (
        Fact("✓", safe(f"It is record {record.index:,} of the {signed.size:,} that were signed."), Tone.GOOD),
        Fact("Checkpoint", safe(f"{signed.origin}, {signed.size}, {signed.root.hex()[:16]}…")),
        Fact("Path", safe(f"{len(path)} hashes lead from it to the signed root.")),
    )


def _bytes(body: str) -> tuple[Fact, ...]:
    return tuple(Fact("", safe(body[at : at + _WIDE]), Tone.DIM) for at in range(0, len(body), _WIDE))
