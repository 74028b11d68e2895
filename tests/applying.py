"""Applications that arrive by the hundred, put straight into the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.names import name_key
from models import tables as t
from tests.portals import NOON

if TYPE_CHECKING:
    from tests.portals import Portal


def arrived(portal: Portal, school: int, number: int) -> None:
    """That many parents' applications at a school, each for a student of its own."""
    with portal.office.writing() as connection:
        first = 1 + (connection.execute(sa.select(sa.func.max(t.student.c.id))).scalar() or 0)
        ids = range(first, first + number)
        person = {"given_name": "Pat", "family_name": "Vale", "name_key": name_key("PatVale"), "family_key": "vale"}
        rows: dict[sa.Table, list[dict[str, Any]]] = {
            t.student: [
                {**person, "id": n, "source_id": f"s{n}", "number": str(n), "family_initial": "V.", "school_id": school}
                for n in ids
            ],
            t.account: [
                {
                    **person,
                    "id": n,
                    "type": "parent",
                    "login": f"p{n}",
                    "login_key": f"p{n}",
                    "status": "active",
                    "since": portal.today,
                }
                for n in ids
            ],
            t.membership: [
                {
                    "id": n,
                    "account_id": n,
                    "student_id": n,
                    "status": "limited",
                    "arrival_status": "limited",
                    "since": portal.today,
                }
                for n in ids
            ],
            t.registration: [
                {
                    **person,
                    "id": n,
                    "ref": f"r{n}",
                    "kind": "parent",
                    "arrived_at": NOON,
                    "account_id": n,
                    "student_id": n,
                    "membership_id": n,
                    "school_id": school,
                    "skeleton": "patvale",
                    "email": "",
                    "email_key": "",
                    "phone": "",
                    "phone_key": "",
                    "student_number": str(n),
                    "facts": 7,
                    "match": 3,
                }
                for n in ids
            ],
        }
        for table, listed in rows.items():
            connection.execute(table.insert(), listed)
