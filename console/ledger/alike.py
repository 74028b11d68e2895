"""Records that say the same of many cases: what they share is encoded once, and each is put together from that.

Promises: the bytes are those of `log.encode`, which a test holds for any record. A bulk decision writes a hundred thousand records
that differ in case, index and ties alone; encoding each of them anew takes longer than the database takes to store them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from console.ledger.log import Run, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.ledger.log import Record


class _BeforeCase(msgspec.Struct):
    """A record's fields in their order, up to `case`."""

    action: str
    after: dict[str, Any]
    at: str
    batch: str
    before: dict[str, Any]


class _BeforeIndex(msgspec.Struct):
    desk: str
    detail: str


class _BeforeTies(msgspec.Struct):
    kind: str
    log: str
    operator: int
    params: dict[str, Any]
    subject: str


class Alike:
    """All records like `like`, which is one of them: the same words, another case, index and ties (of the same tables)."""

    __slots__ = ("_body", "_like")

    def __init__(self, like: Record) -> None:
        self._like = like
        ties = b",".join(_fixed(canonical(name)) + b":%d" for name in sorted(like.ties))
        self._body = b'{%b,"case":%%d,%b,"index":%%d,%b,"ties":{%b}}' % (
            _fields(_BeforeCase, like),
            _fields(_BeforeIndex, like),
            _fields(_BeforeTies, like),
            ties,
        )

    def run(self, first: int, cases: Sequence[int], ties: Sequence[Sequence[int]]) -> Run:
        """The records of these cases from index `first`; `ties` are the rows' ids, table by table in the order of their names."""
        numbers = zip(cases, range(first, first + len(cases)), *ties, strict=True)
        return Run(self._like, first, cases, list(map(self._body.__mod__, numbers)))


def _fields(kind: type[msgspec.Struct], like: Record) -> bytes:
    """These fields of the record, as they stand between its braces."""
    part = kind(*(getattr(like, name) for name in kind.__struct_fields__))
    return _fixed(canonical(part)[1:-1])


def _fixed(encoded: bytes) -> bytes:
    """What putting numbers in leaves as it is."""
    return encoded.replace(b"%", b"%%")
