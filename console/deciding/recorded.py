"""What a record calls a column that a decision changed, and in which form it holds the value."""

from __future__ import annotations

import datetime
from typing import Any

from console.lazy import sa


def name_of(column: sa.Column[Any], case: sa.Table) -> str:
    """A changed column's name in a record: bare for the case's own, `table.column` for a tie's."""
    return str(column.name) if column.table is case else f"{column.table.name}.{column.name}"


def plain(value: Any) -> Any:
    """A value as a record holds it: words, numbers and ISO dates."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def unplain(value: Any, column: sa.Column[Any]) -> Any:
    """A record's value as the column holds it."""
    if not isinstance(value, str):
        return value
    kind = column.type.python_type if not isinstance(column.type, sa.TypeDecorator) else datetime.datetime
    if kind is datetime.date:
        return datetime.date.fromisoformat(value)
    if kind is datetime.datetime:
        return datetime.datetime.fromisoformat(value)
    return value
