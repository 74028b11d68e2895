"""One stored record held against itself: its bytes are canonical, and the columns beside them say what they say.

The columns are what people filter and undo by; the bytes are what was hashed and signed. If they part, a list would show something
else than what can be proved.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from console.lazy import sa, t
from console.ledger.log import COLUMNS, decode, encode

if TYPE_CHECKING:
    from datetime import datetime

    from console.ledger.log import Record

_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")

_REPEATED = ("operator_id", "kind", "desk", "action", "case_id", "batch", "from_state", "to_state")
"""Columns that repeat what the record says, in the order of `columns()`; log, index and moment are compared apart."""


def columns() -> list[sa.ColumnElement[Any]]:
    """What a row to be read back consists of; its index is called `place`, for a row has a method of the other name."""
    return [t.record.c[name].label("place" if name == "index" else name) for name in COLUMNS if name != "log"]


@lru_cache(maxsize=64)
def moment_text(at: datetime) -> str:
    """A stored moment as records write it. The records of a batch share one."""
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def read_back(row: Any, body: bytes, log: str) -> tuple[Record | None, str]:
    """The record of a row of `columns()` with its bytes, None when they are none, and what is wrong with it, '' for nothing."""
    try:
        record = decode(body)
        canonical = encode(record) == body
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None, "its bytes are not a record."
    if not canonical:
        return record, "its bytes are not in the one form a record has."
    place, at, *repeated, _ = row
    if record.log != log or record.index != place:
        return record, f"its bytes are those of record {record.index:,} of the {record.log}."
    if not _DIGEST.fullmatch(record.detail):
        return record, "its sealed detail is named by something that is no digest."
    said = [
        record.operator,
        record.kind,
        record.desk,
        record.action,
        record.case,
        record.batch,
        record.from_state,
        record.to_state,
    ]
    if repeated != said:
        column = next(name for name, one, other in zip(_REPEATED, repeated, said, strict=True) if one != other)
        return record, f"its column {column} differs from its bytes."
    if moment_text(at) != record.at:
        return record, "its column at differs from its bytes."
    return record, ""
