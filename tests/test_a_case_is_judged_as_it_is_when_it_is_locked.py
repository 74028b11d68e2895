"""Somebody changes a case between its choosing and its lock: it is judged again as it is by then, whatever of it was changed."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from models import tables as t
from models.engine import open_engine
from tests.applying import arrived

if TYPE_CHECKING:
    from console.selection import Receipt
    from tests.portals import Portal

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("table", "values", "why"),
    [
        pytest.param(t.registration, {"state": "rejected"}, "it is rejected", id="its state"),
        pytest.param(t.registration, {"flags": 1}, "it is flagged and is decided one by one", id="its flags"),
        pytest.param(
            t.membership,
            {"status": "suspended"},
            "the tie is suspended, reinstate it at its challenge first",
            id="its tie",
        ),
    ],
)
def test_what_was_changed_meanwhile_takes_no_part(
    portal: Portal, database_url: str, table: sa.Table, values: dict[str, Any], why: str
) -> None:
    """SQLite has one writer at a time. No version is written here: the row itself tells."""
    arrived(portal, portal.school(), 3)
    receipts: list[Receipt] = []
    engine = open_engine(database_url)
    deciding = Thread(
        target=lambda: receipts.append(portal.decide("registrations", "approve", where="state:submitted,rejected"))
    )
    with engine.connect() as other, other.begin() as transaction:
        other.execute(table.update().where(table.c.id == 2).values(values))
        deciding.start()
        with engine.connect() as watching:
            while deciding.is_alive() and not watching.execute(sa.text(WAITS)).scalar():
                watching.rollback()
        assert deciding.is_alive(), "it did not wait for the lock"
        transaction.commit()
    deciding.join()
    engine.dispose()
    (receipt,) = receipts
    assert (receipt.done, [(skip.id, skip.why) for skip in receipt.skipped]) == (2, [(2, why)])
    assert {row.id for row in portal.all(sa.select(t.registration).where(t.registration.c.state == "approved"))} == {
        1,
        3,
    }
