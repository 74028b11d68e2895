"""The signer signs a ledger that grew from what it signed last, and no other: whoever owns the database cannot slip a tree in.

Also that this costs no decision a second reading of its records.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.ledger.log import leaves_between
from console.ledger.merkle import Frontier, leaf_hash
from models import tables as t
from models.engine import open_engine, reading, writing
from models.words import Log
from tests.requested import challenge, delete
from tests.services.postgres import OWNER, as_role

if TYPE_CHECKING:
    from tests.portals import Portal

REFUSED = "committed but not signed: The ledger does not continue what was signed"
SWAP_ON_SQLITE = """
CREATE TRIGGER swap AFTER UPDATE ON log_head WHEN NEW.log = 'ledger' AND NEW.size = {size}
BEGIN
  UPDATE log_head SET frontier = CAST(x'{forged}' || substr(NEW.frontier, -32) AS BLOB) WHERE log = 'ledger';
END
"""
SWAP_ON_POSTGRESQL = """
CREATE FUNCTION swap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.log = 'ledger' AND NEW.size = {size} THEN
    NEW.frontier := '\\x{forged}'::bytea || substr(NEW.frontier, length(NEW.frontier) - 31);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER swap BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION swap()
"""


def owner(portal: Portal) -> sa.Engine:
    url = portal.settings.database.url
    return open_engine(as_role(url, OWNER) if url.startswith("postgresql") else url)


def forged(portal: Portal, engine: sa.Engine) -> Frontier:
    """The tree over the portal's ledger with another first record."""
    with reading(engine) as connection:
        leaves = leaves_between(connection, Log.LEDGER, 0, portal.office.size())
    made = Frontier()
    made.extend([leaf_hash(b"another"), *leaves[1:]])
    return made


def approve_one(portal: Portal, school: int) -> None:
    portal.decide("registrations", "approve", portal.registration(portal.student(school=school)))


@pytest.mark.tampers
def test_a_tree_that_is_swapped_between_a_confirmation_and_what_it_carries_out(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    portal.office.assurance = Demonstration()
    other, school = portal.hire("omar", "district_administrator"), portal.school()
    request = delete(portal, challenge(portal, portal.student(school=school))).request
    while (
        portal.office.size() % 2
    ):  # then the next record is a root of its own, which the forger cannot foresee and need not
        approve_one(portal, school)
    signed, engine = portal.office.signer.signed_size(Log.LEDGER), owner(portal)
    tree = forged(portal, engine)
    words = {"size": tree.size + 1, "forged": tree.to_bytes().hex()}
    with writing(engine) as connection:
        lite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql((SWAP_ON_SQLITE if lite else SWAP_ON_POSTGRESQL).format(**words))
    assert request is not None
    assert portal.decide("requests", "confirm", request, by=other).done
    assert portal.office.size() == signed + 2
    assert portal.office.signer.signed_size(Log.LEDGER) == signed
    assert any(message.startswith(REFUSED) for message in caplog.messages)
    engine.dispose()


@pytest.mark.tampers
def test_a_tree_that_is_swapped_before_a_decision(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    school = portal.school()
    approve_one(portal, school)
    signed, engine = portal.office.signer.signed_size(Log.LEDGER), owner(portal)
    tree = forged(portal, engine)
    with writing(engine) as connection:
        connection.execute(t.log_head.update().values(frontier=tree.to_bytes(), root=tree.root()))
    approve_one(portal, school)
    assert portal.office.signer.signed_size(Log.LEDGER) == signed < portal.office.size()
    assert any(message.startswith(REFUSED) for message in caplog.messages)
    engine.dispose()


def test_what_was_just_decided_is_signed_without_being_read_again(portal: Portal) -> None:
    school, read = portal.school(), []
    for _ in range(3):
        portal.registration(portal.student(school=school))

    def see(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM record" in statement:
            read.append(statement)

    sa.event.listen(portal.office.engine, "before_cursor_execute", see)
    assert portal.decide("registrations", "approve", where="state:submitted").done == 3
    assert read == []
    assert portal.office.signer.signed_size(Log.LEDGER) == portal.office.size()
    sa.event.remove(portal.office.engine, "before_cursor_execute", see)


def test_records_of_different_moments_are_one_statement(portal: Portal) -> None:
    """As accesses are, which are written together while others wait for their log."""
    school, written = portal.school(), []
    cases = [portal.registration(portal.student(school=school)) for _ in range(5)]

    def see(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO record "):
            written.append(statement)

    for case in cases:
        portal.clock.advance(timedelta(seconds=1))
        portal.office.accesses.note(portal.operator(), "registrations", "open", case)
    sa.event.listen(portal.office.engine, "before_cursor_execute", see)
    portal.office.accesses.flush()
    sa.event.remove(portal.office.engine, "before_cursor_execute", see)
    assert portal.office.size(Log.ACCESSES) == len(cases)
    assert len(written) == 1
