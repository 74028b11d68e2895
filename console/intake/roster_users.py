"""Some users of a roster as columns: a row for each of a million would be made only to be taken apart again."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

from console.intake.roster_rows import User

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Column = Sequence[Any]


class Users:
    """The users of one part of users.csv; `users[field]` is the column of that field of `User`, all of one length."""

    def __init__(self, columns: Iterable[Column]) -> None:
        """`columns` in the order of the fields of `User`."""
        self._columns: dict[str, Column] = dict(zip(User._fields, columns, strict=True))

    @classmethod
    def of(cls, rows: Sequence[User]) -> Users:
        """The same users as columns; there is at least one."""
        return cls(zip(*rows, strict=True))

    def __len__(self) -> int:
        return len(self._columns["line"])

    def __getitem__(self, field: str) -> Column:
        return self._columns[field]

    def rows(self) -> Iterator[User]:
        """Each of them."""
        return map(User._make, zip(*(self[field] for field in User._fields), strict=True))

    def only(self, kept: Sequence[bool]) -> Users:
        """Those at whose place `kept` is true."""
        return self if all(kept) else _Some(self, kept)


class _Some(Users):
    """Some of others; their columns are made when they are asked for, for students need other ones than guardians do."""

    def __init__(self, others: Users, kept: Sequence[bool]) -> None:
        self._others, self._kept = others, kept
        self._columns = {}

    def __len__(self) -> int:
        return sum(self._kept)

    def __getitem__(self, field: str) -> Column:
        column = self._columns.get(field)
        if column is None:
            column = self._columns[field] = list(compress(self._others[field], self._kept))
        return column
