"""Whom of the roster each entry of the directory means: by its number, and whether the names agree.

Teachers and students are matched by the district's ID (PORTAL, *Directory*). A number that two people of the roster have means
nobody: it is a conflict. Names are compared as everywhere, letters and digits alone. The answer is computed for everybody at once,
at each sync and after each roster, and written only where it is another than before.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self

from console.intake.lookups import CHUNK
from console.lazy import sa, t
from console.names import name_key
from console.sealed_names import PURPOSE
from models.words import Mask, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Callable

NO_NAME = "-"
"""In place of a compared name that no entry has: a key holds letters and digits alone."""


@cache
def _tables() -> tuple[sa.Table, sa.Table, sa.Table]:
    """Numbers of the roster with whom they mean, staff's names as they are compared, and the answers that are new."""
    metadata = sa.MetaData()

    def temporary(name: str, *columns: sa.Column[Any]) -> sa.Table:
        return sa.Table(name, metadata, *columns, prefixes=["TEMPORARY"])

    return (
        temporary(
            "roster_number",
            sa.Column("number", sa.Text, primary_key=True),
            sa.Column("student_id", sa.BigInteger),
            sa.Column("staff_id", sa.BigInteger),
            sa.Column("people", sa.Integer),
        ),
        temporary(
            "compared_name",
            sa.Column("number", sa.Text, primary_key=True),
            sa.Column("name_key", sa.Text),
        ),
        temporary(
            "new_match",
            sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("student_id", sa.BigInteger),
            sa.Column("staff_id", sa.BigInteger),
            sa.Column("several", sa.Boolean),
            sa.Column("differs", sa.Boolean),
        ),
    )


class Matching:
    """One matching, inside a transaction. `with` it: the temporary tables live that long."""

    def __init__(self, connection: sa.Connection, macs: Callable[[str, str], tuple[bytes, ...]]) -> None:
        """`macs` as `Vault.macs`: a sealed student's name is compared without opening it."""
        self._connection = connection
        self._macs = macs
        self._numbers, self._names, self._new = _tables()

    def __enter__(self) -> Self:
        for each in (self._numbers, self._names, self._new):
            each.create(self._connection)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            for each in (self._numbers, self._names, self._new):
                each.drop(self._connection)

    def match(self) -> int:
        """Match everybody. Returns how many are matched otherwise than before."""
        if self._connection.execute(sa.select(t.directory_user.c.id).limit(1)).first() is None:
            return 0
        self._read_roster()
        self._read_names()
        d, new = t.directory_user, self._new
        self._connection.execute(new.insert().from_select([column.name for column in new.c], self._answers()))
        self._connection.execute(
            d.update()
            .where(d.c.id == new.c.id)
            .values({name: new.c[name] for name in ("student_id", "staff_id", "several", "differs")})
        )
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(new)).scalar_one())

    def stamp(self, version: int) -> None:
        """Give those matched anew their version: the ledger's size after the record of the import."""
        d = t.directory_user
        self._connection.execute(d.update().where(d.c.id.in_(sa.select(self._new.c.id))).values(version=version))

    def _read_roster(self) -> None:
        s, e, numbers = t.student.c, t.staff.c, self._numbers
        nobody = sa.cast(sa.null(), sa.BigInteger())
        # Everybody's number, not only those that are asked for: one pass, whatever the server believes of the tables' sizes.
        people = sa.union_all(
            sa.select(s.number.label("number"), s.id.label("student_id"), nobody.label("staff_id")).where(
                s.status == RosterStatus.ACTIVE
            ),
            sa.select(e.number, nobody, e.id).where(e.status == RosterStatus.ACTIVE, e.number.is_not(None)),
        ).subquery("people")
        self._connection.execute(
            numbers.insert().from_select(
                [column.name for column in numbers.c],
                sa.select(
                    people.c.number, sa.func.max(people.c.student_id), sa.func.max(people.c.staff_id), sa.func.count()
                ).group_by(people.c.number),
            )
        )
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("ANALYZE roster_number")

    def _read_names(self) -> None:
        """Names as they are compared: a student's is stored so, staff's are computed, a sealed student's is left out."""
        s, e, numbers = t.student.c, t.staff.c, self._numbers
        one = numbers.c.people == 1
        students = sa.select(numbers.c.number, s.name_key).where(
            one, s.id == numbers.c.student_id, s.mask != Mask.PSEUDONYM
        )
        self._connection.execute(self._names.insert().from_select(["number", "name_key"], students))
        staff = self._connection.execute(
            sa.select(numbers.c.number, e.given_name, e.family_name).where(one, e.id == numbers.c.staff_id),
            execution_options={"yield_per": CHUNK},
        )
        for part in staff.partitions():
            self._put([(row.number, name_key(row.given_name + row.family_name)) for row in part])
        self._put(self._sealed())
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("ANALYZE compared_name")

    def _put(self, rows: list[tuple[str, str]]) -> None:
        from models.bulk import insert_rows

        insert_rows(self._connection, self._names, ("number", "name_key"), rows)

    def _sealed(self) -> list[tuple[str, str]]:
        """Sealed students whose entry has their name: they are few, and each is asked of the vault."""
        d, s, numbers = t.directory_user.c, t.student.c, self._numbers
        rows = self._connection.execute(
            sa.select(d.number, d.name_key, s.sealed_name_mac).where(
                d.number == numbers.c.number,
                numbers.c.people == 1,
                s.id == numbers.c.student_id,
                s.mask == Mask.PSEUDONYM,
            )
        )
        found: dict[str, str] = {}
        for row in rows:
            found.setdefault(row.number, NO_NAME)
            if bytes(row.sealed_name_mac or b"") in self._macs(PURPOSE, row.name_key):
                found[row.number] = row.name_key
        return sorted(found.items())

    def _answers(self) -> sa.Select[Any]:
        d, r, n = t.directory_user, self._numbers.c, self._names.c
        one = r.people == 1
        several = sa.func.coalesce(r.people > 1, sa.false())
        student = sa.case((one, r.student_id), else_=sa.cast(sa.null(), sa.BigInteger()))
        staff = sa.case((one, r.staff_id), else_=sa.cast(sa.null(), sa.BigInteger()))
        differs = sa.func.coalesce(n.name_key != d.c.name_key, sa.false())
        return (
            sa.select(d.c.id, student, staff, several, differs)
            .select_from(
                d.outerjoin(self._numbers, r.number == d.c.number).outerjoin(self._names, n.number == d.c.number)
            )
            .where(
                sa.or_(
                    d.c.student_id.is_distinct_from(student),
                    d.c.staff_id.is_distinct_from(staff),
                    d.c.several != several,
                    d.c.differs != differs,
                )
            )
        )
