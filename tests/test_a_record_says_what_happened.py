"""The audit desk shows every record in words, with what it changed, why, and that it is proved where it lies."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from console.browse import Order
from console.desks import desk
from console.errors import Refused, Usage
from models import tables as t
from tests.forging import unguard
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def past(portal: Portal) -> Portal:
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(4)]
    portal.decide("registrations", "approve", cases[0], reason="known to the\noffice")
    bulk = portal.decide("registrations", "approve", *cases[1:], reason="roster match")
    portal.undo(bulk.batch)
    portal.office.case(portal.operator(), desk("registrations"), cases[2])
    portal.office.accesses.flush()
    return portal


def rows(portal: Portal, where: str = "", **order: Any) -> list[int]:
    by = Order("id", **order) if order else None
    return [row.id for row in portal.office.queue(portal.operator(), desk("audit"), where, by).first(50)]


def facts(portal: Portal, number: int) -> dict[str, list[tuple[str, str]]]:
    view = portal.office.case(portal.operator(), desk("audit"), number)
    return {part.title: [(fact.label, str(fact.text)) for fact in part.facts] for part in view.parts}


def test_the_newest_record_stands_first_and_each_goes_by_its_index(past: Portal) -> None:
    assert rows(past) == [6, 5, 4, 3, 2, 1, 0]
    assert rows(past, descending=False) == [0, 1, 2, 3, 4, 5, 6]


def test_filters_find_records(past: Portal) -> None:
    assert rows(past, "action:approve") == [3, 2, 1, 0]
    assert rows(past, "action:registrations.undo") == [6, 5, 4]
    assert rows(past, "desk:challenges") == []
    assert rows(past, "kind:decision case:2") == [4, 1]
    assert rows(past, "operator:administrator no:<3") == [2, 1, 0]
    assert rows(past, "operator:1 no:>=5") == [6, 5]
    assert rows(past, "day:2026-11-20") == rows(past)
    assert rows(past, "day:2026-11-21") == []
    assert rows(past, "from:2026-11-20 until:2026-11-20") == rows(past)
    assert rows(past, "until:2026-11-19") == []
    assert rows(past, "newer:1d") == rows(past)
    assert rows(past, "older:1d") == []
    batch = past.all(t.batch.select().where(t.batch.c.done == 1))[0].id
    assert rows(past, f"batch:{batch.lower()}") == rows(past, batch) == [0]
    assert rows(past, "appro") == rows(past, "registrations.approve") == [3, 2, 1, 0]
    with pytest.raises(Usage, match="did you mean ledger"):
        rows(past, "log:ledgr")


def test_accesses_go_by_numbers_of_their_own(past: Portal) -> None:
    assert rows(past, "log:accesses") == [-1]
    said = facts(past, -1)
    assert ("Kind", "access") in said["Record"]
    assert ("✓", "It is record 0 of the 1 that were signed.") in said["Proof"]
    assert "Its batch" not in said
    past.office.accesses.flush()
    assert rows(past, "log:accesses") == [-2, -1]
    assert set(rows(past, "log:accesses,ledger")) == {*range(7), -1, -2}


def test_the_queue_is_read_in_windows_both_ways(past: Portal) -> None:
    queue = past.office.queue(past.operator(), desk("audit"))
    top = queue.first(3)
    below = queue.after(top[-1], 10)
    assert [row.id for row in below] == [3, 2, 1, 0]
    assert [row.id for row in queue.before(below[0], 2)] == [5, 4]
    assert [row.id for row in queue.around(4, 2)] == [4, 3]
    assert [row.id for row in queue.last(2)] == [1, 0]


def test_a_record_is_shown_before_and_after_with_the_reason(past: Portal) -> None:
    said = facts(past, 0)
    assert said["Before and after"][0] == ("State", "submitted → approved")
    assert ("Membership status", "limited → approved") in said["Before and after"]
    assert said["Why"] == [("Reason", "known to the"), ("", "office")]
    assert ("Undone", "no") in said["Its batch"]
    assert ("Other cases in it", "none") in said["Its batch"]
    assert (
        "".join(text for _, text in said["As it was hashed"])
        == past.all(t.record.select().where(t.record.c.log == "ledger", t.record.c.index == 0))[0].body
    )


def test_an_undone_record_says_by_which_batch(past: Portal) -> None:
    undo = past.all(t.batch.select().where(t.batch.c.undoes.is_not(None)))[0]
    assert ("Undone", f"for this case, by batch {undo.id}") in facts(past, 2)["Its batch"]
    assert ("Other cases in it", "2") in facts(past, 2)["Its batch"]
    assert ("It undoes", undo.undoes) in facts(past, 5)["Its batch"]


def test_every_record_is_proved_in_place(past: Portal) -> None:
    for number in range(7):
        assert facts(past, number)["Proof"][0] == ("✓", f"It is record {number} of the 7 that were signed.")


@pytest.mark.tampers
def test_a_changed_record_is_shown_as_unproved(past: Portal) -> None:
    """ATTACK: the record is changed in the database, columns and bytes alike."""
    with past.owning() as connection:
        unguard(connection)
        body = past.all(t.record.select().where(t.record.c.index == 2))[0].body.replace('"case":3', '"case":4')
        connection.execute(t.record.update().where(t.record.c.index == 2).values(body=body, case_id=4))
    said = facts(past, 2)["Proof"]
    assert said[0][0] == "!"
    assert "not in the ledger at that place" in said[0][1]


def test_what_is_not_signed_says_so(past: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past.office, "seal", lambda *_, **__: None)
    past.decide("registrations", "unapprove", 1, reason="she called")
    assert "Not signed yet" in facts(past, 7)["Proof"][0][1]


def test_a_destroyed_key_takes_the_reason_and_leaves_the_proof(past: Portal) -> None:
    past.office.vault._keys.clear()
    said = facts(past, 0)
    assert "destroyed" in said["Why"][0][1]
    assert said["Proof"][0][0] == "✓"


def test_who_may_not_see_the_audit_does_not(past: Portal) -> None:
    clerk = past.hire("lee", "help_desk")
    with pytest.raises(Refused, match=r"audit\.see"):
        past.office.queue(clerk, desk("audit"))
    with pytest.raises(Refused, match=r"audit\.see"):
        past.office.case(clerk, desk("audit"), 0)


def test_the_line_mode_lists_and_shows_records_of_both_logs(past: Portal, tmp_path: Path) -> None:
    line = LineMode(past, write_settings(past, tmp_path))
    listed = line.json("audit", "list", "--where", "action:approve case:1")
    assert [(each["id"], each["state"], each["from"], each["to"]) for each in listed] == [
        (0, "decision", "submitted", "approved")
    ]
    assert line.json("audit", "show", 0)["id"] == 0
    assert line.json("audit", "show", -1)["state"] == "access"
    assert line.run("audit", "show", 99).code == 1


def test_a_page_of_a_long_log_is_read_by_its_index(portal: Portal) -> None:
    """The queue's order is the primary key's: SQLite must not sort or read the whole log for a window."""
    if portal.office.engine.dialect.name != "sqlite":
        return
    queue = portal.office.queue(portal.operator(), desk("audit"))
    seen: list[str] = []
    path = portal.settings.database.url.removeprefix("sqlite:///")
    import sqlalchemy as sa

    @sa.event.listens_for(portal.office.engine, "before_cursor_execute")
    def _keep(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        plan = sqlite3.connect(path).execute("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()
        seen.extend(row[-1] for row in plan)

    from console.queue import Row

    queue.after(Row(500, "decision", (), (500, 500)), 50)
    assert any("SEARCH record USING PRIMARY KEY (log=? AND index<?)" in each for each in seen), seen
    assert not any(each.startswith("SCAN record") for each in seen)
