"""Every row of a portal at a moment, what changed between two moments, and whether the ledger's records tell exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.deciding.recorded import plain
from console.desks import desk
from console.ledger.log import decode
from models import tables as t

if TYPE_CHECKING:
    from console.ledger.log import Record
    from tests.portals import Portal

Rows = dict[str, dict[Any, dict[str, Any]]]
Changed = dict[tuple[str, Any], set[str]]
"""Tables and row keys with the columns that changed; all of them where the row is new or gone."""

TRAIL = ("record", "record_detail", "log_node", "log_head", "batch")
"""What a decision leaves besides what it changes; of the first three only the size is kept, for they cannot change."""
SAID = ("notice", "thread_entry", "deadline")
"""What is said to somebody or about a case. It is never taken out again: an undo marks it as withdrawn."""
NAME = {
    *("given_name", "middle_name", "family_name", "name_key", "family_key", "family_initial"),
    *("email", "email_key", "pseudonym", "sealed_name_mac"),
}
"""What a record must not repeat and the mask alone decides: the columns that spell a student's name, and the code for it."""

MADE_AS = {"account": "deleted", "membership": "removed"}
"""What a row begins as that an activation makes: as its undo leaves it."""


def rows_of(portal: Portal) -> Rows:
    """Every row of every table by table and primary key; of the logs how many there are."""
    found: Rows = {}
    with portal.office.reading() as connection:
        for name, table in t.metadata.tables.items():
            if name in TRAIL[:3]:
                size = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                found[name] = {"size": {"size": size}}
                continue
            columns = [column.name for column in table.c]
            key = [columns.index(column.name) for column in table.primary_key]
            found[name] = {
                tuple(row[n] for n in key): dict(zip(columns, row, strict=True))
                for row in connection.execute(sa.select(table))
            }
    return found


def changes(before: Rows, after: Rows, without: tuple[str, ...] = ()) -> Changed:
    """What is not the same."""
    found: Changed = {}
    for name, rows in after.items():
        there = before[name]
        if name in without or rows == there:
            continue
        for key in rows.keys() | there.keys():
            old, new = there.get(key), rows.get(key)
            if old is None or new is None:
                found[name, key] = set(new or old or {})
            elif old != new:
                found[name, key] = {column for column, value in new.items() if value != old[column]}
    return found


def records_of(portal: Portal, batch: str) -> list[Record]:
    """The records of a batch, in their order."""
    query = sa.select(t.record.c.body).where(t.record.c.batch == batch).order_by(t.record.c.index)
    return [decode(body) for (body,) in portal.all(query)]


def tell_the_truth(portal: Portal, batch: str, before: Rows, after: Rows) -> None:
    """The batch's records say what each row was and what it is, and nothing changed that they do not name.

    Besides: versions; what is said to people; the columns of a name while a mask changes; the reference of a written permission,
    which may name people and says nothing without its witness. A row that an activation made is told from what it began as, and
    what spells the person on a login is in no record; the school of its code is the case's own.
    """
    told: Changed = {}
    for record in records_of(portal, batch):
        case = desk(record.desk).case().name
        named = record.before.keys() | record.after.keys()
        told.setdefault((case, (record.case,)), {"version"})
        for name in named:
            table, _, column = name.rpartition(".")
            home, number = table or case, (record.ties[table] if table else record.case,)
            told.setdefault((home, number), {"version"}).add(column)
            assert record.after[name] == plain(after[home][number][column]), (record.action, name)
            if number in before[home]:
                assert record.before[name] == plain(before[home][number][column]), (record.action, name)
            else:
                assert record.before[f"{home}.status"] == MADE_AS[home], (record.action, home)
                told[home, number] |= after[home][number].keys()
        if case == "directory_user" and "account" in record.ties:
            account, school = record.ties["account"], after[case][(record.case,)]["school_id"]
            told["account", (account,)] |= {"login", "login_key", "student_id", "staff_id", *NAME}
            told["account_school", (account, school)] = {"account_id", "school_id"}
        if case == "student" and "mask" in named:
            told[case, (record.case,)] |= NAME
            told["sealed_name", (record.case,)] = set(t.sealed_name.c.keys())
        if case == "access_grant" and "permission_witness" in named:
            told[case, (record.case,)].add("permission_reference")
    for (table, key), columns in changes(before, after, TRAIL).items():
        if table in SAID:
            row = before[table].get(key)
            assert row is None or columns <= {"state", "not_before", "withdrawn"}, (table, key, columns)
        else:
            assert columns <= told.get((table, key), set()), (table, key, columns)


def lasting(before: Rows, back: Rows) -> Changed:
    """What an undo right away did not bring back, but for what stays by design.

    By design stay: versions, for they count changes; what was said, marked as withdrawn; the code drawn for a sealed student, for
    it is that student's for good; the reference of a written permission, which without its witness says nothing; and a name that
    is sealed again is sealed with fresh randomness. A row that an activation made stays as what it began as.
    """
    found = changes(before, back, TRAIL)
    for (table, key), columns in list(found.items()):
        if table in SAID and key not in before[table]:
            row = back[table][key]
            assert row.get("withdrawn", False) or row.get("state") == "withdrawn", row
            columns.clear()
        if table in MADE_AS and key not in before[table] and back[table][key]["status"] == MADE_AS[table]:
            columns.clear()
        columns -= {"version"}
        if table == "student":
            columns -= {"pseudonym"}
        if table == "access_grant" and back[table][key]["permission_witness"] is None:
            columns -= {"permission_reference"}
        if table == "sealed_name" and key in before[table] and key in back[table]:
            columns -= {"sealed"}
    return {place: columns for place, columns in found.items() if columns}
