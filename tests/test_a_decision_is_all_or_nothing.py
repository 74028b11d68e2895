"""A decision does all it says or nothing, once, with a record for every case; and what it did can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from console.desks import desk
from console.errors import Refused, Usage
from console.ledger.log import decode
from models import tables as t

if TYPE_CHECKING:
    from tests.portals import Portal


@pytest.fixture
def school(portal: Portal) -> int:
    return portal.school()


def test_approving_gives_the_parent_everything_and_leaves_a_record(portal: Portal, school: int) -> None:
    student = portal.student(school=school)
    case = portal.registration(student)
    account = portal.one(t.registration, case).account_id
    assert portal.sees(account, student) == {"published"}
    receipt = portal.decide("registrations", "approve", case, reason="known to the office")
    assert (receipt.done, receipt.skipped) == (1, ())
    assert "grades" in portal.sees(account, student)
    (body,) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == receipt.batch))[0]
    record = decode(body)
    assert record.from_state == "submitted"
    assert record.to_state == "approved"
    assert record.after["membership.status"] == "approved"
    assert "known to the office" not in body


def test_a_flagged_case_stays_out_of_bulk_and_says_so(portal: Portal, school: int) -> None:
    plain = [portal.registration(portal.student(school=school)) for _ in range(3)]
    flagged = portal.registration(portal.student(school=school), flags=8)
    weak = portal.registration(portal.student(school=school), match=1)
    receipt = portal.decide("registrations", "approve", where="state:submitted", reason="roster match")
    assert receipt.done == len(plain)
    assert {skip.id: skip.why for skip in receipt.skipped} == {
        flagged: "it is flagged and is decided one by one",
        weak: "one fact alone is never enough",
    }
    assert portal.decide("registrations", "approve", flagged, reason="checked by phone").done == 1


def test_undo_brings_back_what_was_and_withdraws_the_notices(portal: Portal, school: int) -> None:
    students = [portal.student(school=school) for _ in range(5)]
    cases = [portal.registration(student) for student in students]
    before = portal.all(
        sa.select(t.registration.c.state, t.registration.c.decided_at, t.membership.c.status)
        .join(t.membership, t.membership.c.id == t.registration.c.membership_id)
        .order_by(t.registration.c.id)
    )
    done = portal.decide("registrations", "approve", *cases)
    assert portal.undo(done.batch).done == 5
    after = portal.all(
        sa.select(t.registration.c.state, t.registration.c.decided_at, t.membership.c.status)
        .join(t.membership, t.membership.c.id == t.registration.c.membership_id)
        .order_by(t.registration.c.id)
    )
    assert after == before
    assert {row.state for row in portal.all(sa.select(t.notice.c.state))} == {"withdrawn"}


def test_undo_skips_and_names_what_changed_since(portal: Portal, school: int) -> None:
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    done = portal.decide("registrations", "approve", *cases)
    portal.decide("registrations", "unapprove", cases[1], reason="the mother called")
    undone = portal.undo(done.batch)
    assert undone.done == 2
    assert [(skip.id, skip.why) for skip in undone.skipped] == [(cases[1], "it changed since")]
    assert portal.one(t.registration, cases[1]).state == "submitted"


def test_an_undo_can_be_undone(portal: Portal, school: int) -> None:
    case = portal.registration(portal.student(school=school))
    done = portal.decide("registrations", "approve", case)
    undone = portal.undo(done.batch)
    assert portal.undo(undone.batch).done == 1
    assert portal.one(t.registration, case).state == "approved"


def test_the_same_call_again_finds_its_receipt(portal: Portal, school: int) -> None:
    case = portal.registration(portal.student(school=school))
    first = portal.decide("registrations", "approve", case, key="once")
    again = portal.decide("registrations", "approve", case, key="once")
    assert again.again
    assert (again.batch, again.done) == (first.batch, first.done)
    assert portal.office.size() == 1
    with pytest.raises(Refused, match="used for another decision"):
        portal.decide("registrations", "unapprove", case, key="once", reason="other")


def test_what_changed_after_the_screen_was_filled_does_not_take_part(portal: Portal, school: int) -> None:
    cases = [portal.registration(portal.student(school=school)) for _ in range(2)]
    shown = portal.office.size()
    portal.decide("registrations", "defer", cases[0], until="+30d")
    portal.decide("registrations", "ask", cases[1], message="Which school?")
    receipt = portal.decide("registrations", "approve", *cases, watermark=shown)
    assert receipt.done == 0
    assert {skip.why for skip in receipt.skipped} == {"it changed since you looked"}


def test_the_plan_is_what_the_decision_then_does(portal: Portal, school: int) -> None:
    for n in range(12):
        portal.registration(portal.student(school=school), flags=8 * (n % 3 == 0), match=1 + n % 4)
    plan = portal.plan("registrations", "approve", where="state:submitted", reason="x")
    receipt = portal.decide("registrations", "approve", where="state:submitted", reason="x")
    assert (plan.count, plan.skipped, plan.skipped_count, plan.notices) == (
        receipt.done,
        receipt.skipped,
        receipt.skipped_count,
        receipt.notices,
    )
    assert plan.opens == receipt.done


def test_rejecting_needs_a_reason(portal: Portal, school: int) -> None:
    case = portal.registration(portal.student(school=school))
    with pytest.raises(Usage, match="needs a reason"):
        portal.decide("registrations", "reject", case)
    assert portal.one(t.registration, case).state == "submitted"
    assert portal.office.size() == 0


def test_what_is_outside_the_operators_schools_does_not_exist(portal: Portal, school: int) -> None:
    other = portal.school("Mission")
    mine = portal.registration(portal.student(school=school))
    theirs = portal.registration(portal.student(school=other))
    clerk = portal.hire("lee", "help_desk", (school,))
    assert [row.id for row in portal.office.queue(clerk, desk("registrations")).first(10)] == [mine]
    receipt = portal.decide("registrations", "approve", mine, theirs, by=clerk)
    assert receipt.done == 1
    assert [(skip.id, skip.why) for skip in receipt.skipped] == [(theirs, "there is no such registration")]
    with pytest.raises(Refused, match="no such registration"):
        portal.office.case(clerk, desk("registrations"), theirs)


def test_records_are_canonical_json(portal: Portal, school: int) -> None:
    portal.decide("registrations", "approve", portal.registration(portal.student(school=school)), reason="ok")
    ((body,),) = portal.all(sa.select(t.record.c.body))
    assert msgspec.json.encode(msgspec.json.decode(body), order="deterministic").decode() == body
