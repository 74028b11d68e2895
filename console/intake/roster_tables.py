"""Where a roster waits while it is compared with what the portal has: temporary tables of the import's own transaction.

Each kind of row has one, in the shape of its table; `differences` says what became of each row. They vanish with the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from console.lazy import sa, t

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RosterKind:
    """A kind of row that has an identifier: its name in reports, the file it comes from, its table, the columns that are copied.

    `stage` also has `line`, and whatever else the load needs.
    """

    name: str
    file: str
    table: sa.Table
    stage: sa.Table
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """All temporary tables, and the kinds in the order in which one refers to the other."""

    kinds: Mapping[str, RosterKind]
    people: sa.Table
    gone: sa.Table
    births: sa.Table
    places: sa.Table
    links: sa.Table
    differences: sa.Table
    touched: sa.Table
    pairs: sa.Table
    metadata: sa.MetaData

    def create(self, connection: sa.Connection) -> None:
        """Make the tables, for this transaction."""
        self.metadata.create_all(connection, checkfirst=False)

    def index(self, connection: sa.Connection) -> None:
        """Let rows be found by their identifiers. Once all are there, an index costs half of one that grows."""
        place = "temp." if connection.dialect.name == "sqlite" else ""
        for table in (*(kind.stage for kind in self.kinds.values()), self.births):
            connection.exec_driver_sql(f"CREATE UNIQUE INDEX {place}key_{table.name} ON {table.name} (source_id)")

    def drop(self, connection: sa.Connection) -> None:
        """Take them away before the commit; where the transaction is rolled back they go by themselves."""
        self.metadata.drop_all(connection, checkfirst=False)

    def analyze(self, connection: sa.Connection, *tables: sa.Table) -> None:
        """Tell PostgreSQL how much is in them (in all, unless some are named), so that it joins them the right way round."""
        if connection.dialect.name == "postgresql":
            for table in tables or self.metadata.tables.values():
                connection.exec_driver_sql(f"ANALYZE {table.name}")


_COLUMNS = {
    "schools": ("orgs", "school", ("name", "code", "type", "parent_source_id")),
    "sessions": (
        "academicSessions",
        "academic_session",
        ("title", "type", "begins", "ends", "parent_source_id", "school_year"),
    ),
    "courses": ("courses", "course", ("title", "code", "school_source_id")),
    "classes": ("classes", "section", ("title", "code", "type", "course_source_id", "school_source_id")),
    "students": (
        "users",
        "student",
        (
            "number",
            "given_name",
            "middle_name",
            "family_name",
            "name_key",
            "family_key",
            "family_initial",
            "grade",
            "email",
            "email_key",
            "code_hash",
        ),
    ),
    "contacts": (
        "users",
        "contact",
        (
            "given_name",
            "family_name",
            "name_key",
            "family_key",
            "skeleton",
            "email",
            "email_key",
            "phone",
            "phone_key",
            "sms_key",
        ),
    ),
    "staff": ("users", "staff", ("number", "given_name", "family_name", "email", "type")),
    "class members": (
        "enrollments",
        "section_member",
        ("section_source_id", "person_source_id", "role", "begins", "ends"),
    ),
}
"""For each kind: its file, its table, the columns that are copied as they are."""

ADDED, CHANGED, WITHDRAWN, HELD = "added", "changed", "withdrawn", "held"
TIED = "tied"
"""The row is the same, but says something else of ties or places: neither counted nor kept in history."""
CHANGES = (ADDED, CHANGED, WITHDRAWN, HELD, TIED)
"""What can have become of a row: the words of `differences`."""

NAMES_OF_A_STUDENT = ("given_name", "middle_name", "family_name", "name_key", "family_key", "family_initial")
"""What stays empty while a student is sealed."""


@cache
def stage() -> Stage:
    """The temporary tables' shapes."""
    metadata = sa.MetaData()

    def temporary(name: str, *columns: sa.Column[Any]) -> sa.Table:
        # Rows under a key of their own lie in its order: on SQLite in one tree instead of two.
        keyed = any(column.primary_key and column.name != "line" for column in columns)
        return sa.Table(
            name,
            metadata,
            *columns,
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
            sqlite_with_rowid=not keyed,
        )

    def text(name: str, *, key: bool = False) -> sa.Column[Any]:
        return sa.Column(name, sa.Text, primary_key=key)

    extra: dict[str, tuple[sa.Column[Any], ...]] = {
        "students": (
            sa.Column("school", sa.Text),
            *(sa.Column(name, sa.Boolean) for name in ("opted_out", "places", "at_home")),
        ),
        "contacts": (sa.Column("relation", sa.Text),),
        "staff": (sa.Column("enabled", sa.Boolean), sa.Column("places", sa.Boolean)),
    }
    kinds = {}
    for name, (file, table, columns) in _COLUMNS.items():
        target = t.metadata.tables[table]
        copied = [sa.Column(column, target.c[column].type) for column in (*columns, "row_hash")]
        staged = temporary(
            f"stage_{table}",
            text("source_id"),
            sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
            *copied,
            *extra.get(name, ()),
        )
        kinds[name] = RosterKind(name, file, target, staged, columns)
    return Stage(
        kinds=kinds,
        people=temporary("stage_person", text("source_id", key=True), sa.Column("places", sa.Boolean)),
        gone=temporary("stage_gone", text("file", key=True), text("source_id", key=True)),
        births=temporary(
            "stage_birth", text("source_id"), sa.Column("birth_date", sa.Date), sa.Column("adult_on", sa.Date)
        ),
        places=temporary(
            "stage_place",
            text("kind", key=True),
            text("person", key=True),
            text("school", key=True),
            sa.Column("begins", sa.Date),
            sa.Column("ends", sa.Date),
            sa.Column("gone", sa.Boolean),
        ),
        links=temporary(
            "stage_link",
            sa.Column("line", sa.Integer),
            text("guardian"),
            text("student"),
            text("relation"),
            sa.Column("restricted", sa.Integer),
            text("reference"),
        ),
        differences=temporary(
            "difference",
            text("kind", key=True),
            text("source_id", key=True),
            text("change"),
            sa.Column("line", sa.Integer),
        ),
        touched=temporary("touched", text("source_id", key=True)),
        pairs=temporary(
            "pair",
            text("kind", key=True),
            sa.Column("one", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("other", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("begins", sa.Date),
            sa.Column("ends", sa.Date),
            text("relation"),
            sa.Column("restricted", sa.Boolean),
            text("reference"),
            sa.Column("links", sa.Integer),
            text("change"),
        ),
        metadata=metadata,
    )
