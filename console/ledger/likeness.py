"""What the records of a bulk decision share, so that of the next one only the rest has to be looked at.

Promises: what fits is the canonical bytes of a record that has this case and index, ties to rows of the same tables, and for the rest
the words of the one that it is like; nothing else fits. So a record whose columns are the other's, but for case and index, is right
when it fits. Decoding and encoding each of a hundred thousand costs more than hashing them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from console.ledger.log import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.ledger.log import Record

_CASE, _INDEX = -8_070_450_532_247_928_833, -8_070_450_532_247_928_835
"""Numbers that no case and no index is, to be found again in the encoded bytes."""


class Likeness:
    """Of one record. `head % (case, index)` is how another begins, up to its ties; `ties(body, len(head))`: whether they follow."""

    __slots__ = ("head", "ties")

    def __init__(self, record: Record) -> None:
        bare = encode(msgspec.structs.replace(record, case=_CASE, index=_INDEX, ties={})).removesuffix(b"{}}")
        numbers = b"%d" % _CASE, b"%d" % _INDEX
        if any(bare.count(number) != 1 for number in numbers):
            # Its words hold these very numbers. Bytes that no text begins with fit nothing.
            bare = b"\xff" + b"".join(numbers)
        self.head = bare.replace(b"%", b"%%").replace(numbers[0], b"%d").replace(numbers[1], b"%d")
        self.ties = _ties(tuple(record.ties))


@lru_cache(maxsize=64)
def _ties(tables: Sequence[str]) -> Callable[[bytes, int], object]:
    """Whether bytes from a place on are ties to rows of these tables, and the end of a record."""
    number = rb"(?:0|[1-9][0-9]{0,17})"
    named = (re.escape(msgspec.json.encode(table)) + rb":" + number for table in sorted(tables))
    return re.compile(rb"\{" + rb",".join(named) + rb"\}\}").fullmatch
