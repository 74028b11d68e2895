"""A school's registrations, as many as wanted, put into the tables at once: what campaigns decide about in bulk."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from models import tables as t

if TYPE_CHECKING:
    from tests.portals import Portal


def crowd(portal: Portal, rows: int) -> None:
    """So many submitted registrations, each with an account, a student and a limited tie of its own, in a portal that had none.

    All are numbered from 1.
    """
    school = portal.school()
    with portal.office.writing() as connection:
        for table in (t.student, t.account, t.membership, t.registration):
            connection.execute(table.insert(), [_row(table.name, n, school) for n in range(1, rows + 1)])


def _row(table: str, n: int, school: int) -> dict[str, object]:
    day = date(2026, 9, 1)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return {
        "student": {"source_id": f"s{n}", "number": str(n), "given_name": "Kim", "family_name": "Vale", "school_id": school},
        "account": {
            "type": "parent", "login": f"p{n}", "login_key": f"p{n}", "given_name": "Pat", "family_name": "Vale",
            "status": "active", "since": day,
        },
        "membership": {"account_id": n, "student_id": n, "status": "limited", "arrival_status": "limited", "since": day},
        "registration": {
            "ref": f"r{n}", "kind": "parent", "arrived_at": at, "account_id": n, "student_id": n, "membership_id": n,
            "school_id": school, "given_name": "Pat", "family_name": "Vale", "student_number": str(n), "match": 4,
        },
    }[table]  # fmt: skip
