"""Stored records held against themselves: their bytes are canonical, and the columns beside them say what they say.

The columns are what people filter and undo by; the bytes are what was hashed and signed. If they part, a list would show something
else than what can be proved.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from console.lazy import sa, t
from console.ledger.log import Record, decode, encode

if TYPE_CHECKING:
    from datetime import datetime

_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")

SHARED = ("at", "operator_id", "kind", "desk", "action", "batch", "from_state", "to_state")
"""The columns in which the records of one decision do not differ."""


def stored(connection: sa.Connection) -> list[sa.ColumnElement[Any]]:
    """What a row to be read back consists of: index, case, the record's bytes (text on PostgreSQL), then SHARED."""
    body = t.record.c.body
    whole = sa.cast(body, sa.LargeBinary()) if connection.dialect.name == "sqlite" else body
    return [t.record.c.index, t.record.c.case_id, whole, *(t.record.c[name] for name in SHARED)]


def moment_text(at: datetime | str) -> str:
    """A stored moment, as the driver has it or as the toolkit gives it, as records write it."""
    if isinstance(at, str):
        return at.replace(" ", "T", 1) + "Z"
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def read_back(row: Any, body: bytes, log: str) -> tuple[Record | None, str]:
    """The record of a row of `stored` with its bytes, None when they are none, and what is wrong with it, '' for nothing."""
    try:
        record = decode(body)
        canonical = encode(record) == body
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None, "its bytes are not a record."
    if not canonical:
        return record, "its bytes are not in the one form a record has."
    place, case, _, at, *repeated = row
    if record.log != log or record.index != place:
        return record, f"its bytes are those of record {record.index:,} of the {record.log}."
    if not _DIGEST.fullmatch(record.detail):
        return record, "its sealed detail is named by something that is no digest."
    said = {
        "case_id": record.case,
        "operator_id": record.operator,
        "kind": record.kind,
        "desk": record.desk,
        "action": record.action,
        "batch": record.batch,
        "from_state": record.from_state,
        "to_state": record.to_state,
    }
    for (name, word), held in zip(said.items(), (case, *repeated), strict=True):
        if held != word:
            return record, f"its column {name} differs from its bytes."
    if moment_text(at) != record.at:
        return record, "its column at differs from its bytes."
    return record, ""
