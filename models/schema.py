"""The ground under every table: naming of constraints, moments in UTC, closed lists of words.

Moments are stored as UTC and come back aware; on SQLite as text that sorts like time. Dates are the district's calendar.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction, ReturnTypeFromArgs
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    from enum import StrEnum

    from sqlalchemy import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_by_engine: list[tuple[Table | Index, str, dict[str, Any]]] = []
"""What only one engine's DDL says of a table or an index; see `completed`."""


class Lowered(GenericFunction[str]):
    """`sa.func.lowered(text)`: small letters in any script, on either engine; for queries of the console alone, never in a view."""

    name = "lowered"
    type = Text()
    inherit_cache = True


@compiles(Lowered)
def _lower(element: Lowered, compiler: SQLCompiler, **how: Any) -> str:
    return f"lower({compiler.process(element.clauses, **how)})"


@compiles(Lowered, "sqlite")
def _lowered(element: Lowered, compiler: SQLCompiler, **how: Any) -> str:
    """The function that `models.engine` gives every connection."""
    return f"lowered({compiler.process(element.clauses, **how)})"


class Least(ReturnTypeFromArgs[Any]):
    """`sa.func.least(a, b, …)` of values that are not NULL: the least of them, on either engine."""

    name = "least"
    inherit_cache = True


@compiles(Least, "sqlite")
def _least(element: Least, compiler: SQLCompiler, **how: Any) -> str:
    return f"min({compiler.process(element.clauses, **how)})"


class Judged(ReturnTypeFromArgs[Any]):
    """`sa.func.judged(column)`: the column itself, for judging rows that were found by another one.

    SQLite, which does not know how many rows a value has, would rather find them by the index of this one.
    """

    name = "judged"
    inherit_cache = True


@compiles(Judged)
def _itself(element: Judged, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(element.clauses.clauses[0], **how)


@compiles(Judged, "sqlite")
def _no_term_of_an_index(element: Judged, compiler: SQLCompiler, **how: Any) -> str:
    return f"+{compiler.process(element.clauses.clauses[0], **how)}"


class Listed(GenericFunction[Any]):
    """`sa.func.listed(number, text)`: whether the number is one of those in a text such as `3,17,4`; one statement for any of them.

    It has no type: of a Boolean the toolkit says `= 1` to SQLite, which then looks at every row.
    """

    name = "listed"
    type = NullType()
    inherit_cache = True


@compiles(Listed, "postgresql")
def _any_of(element: Listed, compiler: SQLCompiler, **how: Any) -> str:
    number, numbers = (compiler.process(each, **how) for each in element.clauses)
    return f"{number} = ANY (CAST(string_to_array({numbers}, ',') AS BIGINT[]))"


@compiles(Listed, "sqlite")
def _one_of(element: Listed, compiler: SQLCompiler, **how: Any) -> str:
    number, numbers = (compiler.process(each, **how) for each in element.clauses)
    return f"{number} IN (SELECT value FROM json_each('[' || {numbers} || ']'))"


Identifier = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the type reads INTEGER."""


class Moment(TypeDecorator[datetime]):
    """An instant, microseconds, UTC. Refuses naive values: a time without a zone is a guess."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


Folded = Text().with_variant(Text(collation="C"), "postgresql")
"""A folded key, by which people are found and ordered: compared byte by byte on both engines, whatever language a server sorts by.

So a beginning is a range of one index, `>=` and `<`, which PostgreSQL judges before row-level security where LIKE comes after it.
"""


def key() -> Column[int]:
    """The number by which people and commands name a row."""
    return Column("id", Identifier, primary_key=True, autoincrement=True)


def version() -> Column[int]:
    """The size of the ledger right after the record that last changed this row.

    It grows with every change in commit order, so one number, the ledger's size when a screen was filled, tells for any row
    whether it has changed since.
    """
    return Column("version", BigInteger, nullable=False, server_default="0")


def word(
    name: str,
    words: type[StrEnum],
    default: StrEnum | None = None,
    *,
    nullable: bool = False,
    primary_key: bool = False,
) -> Column[Any]:
    """A column that holds one of the words of `words`; `table` adds the constraint that holds it to them."""
    return Column(
        name,
        Text,
        nullable=nullable,
        primary_key=primary_key,
        server_default=str(default) if default else None,
        info={"words": tuple(words)},
    )


def flag(name: str) -> Column[bool]:
    """A yes or no that begins as no."""
    return Column(name, Boolean, nullable=False, server_default=false())


def few(name: str, columns: str | tuple[str, ...], where: str) -> Index:
    """An index of the few rows where `where` holds: it costs nothing where the others are written.

    SQLite uses it for a query that says `where` in the same words, or compares a column that `where` says is not NULL.
    """
    made = Index(name, *((columns,) if isinstance(columns, str) else columns))
    _by_engine.extend((made, engine, {"where": text(where)}) for engine in ("sqlite", "postgresql"))
    return made


def ranged(name: str, column: str) -> Index:
    """An index of what stands where, for a column that grows with the table: on PostgreSQL a few bytes for each range of pages."""
    made = Index(name, column)
    _by_engine.append((made, "postgresql", {"using": "brin", "with": {"autosummarize": "on"}}))
    return made


def completed() -> MetaData:
    """The declared tables with what only one engine's DDL says of them: for whoever makes a migration or compares a schema.

    A running console never needs it, and to declare it so loads the dialects of both engines: 18 ms of each start.
    """
    for part, engine, options in _by_engine:
        part.dialect_options[engine].update(options)
    return metadata


def table(name: str, *parts: Column[Any] | Any, in_order: bool = False) -> Table:
    """A table whose word columns accept only their words.

    SQLite keeps one that is `in_order` in the order of its primary key, and gives its rows no number of their own.
    """
    checks = [
        CheckConstraint(
            f"{part.name} IN ({', '.join(repr(str(w)) for w in part.info['words'])})", name=f"{part.name}_word"
        )
        for part in parts
        if isinstance(part, Column) and "words" in part.info
    ]
    made = Table(name, metadata, *parts, *checks)
    if in_order:
        _by_engine.append((made, "sqlite", {"with_rowid": False}))
    return made
