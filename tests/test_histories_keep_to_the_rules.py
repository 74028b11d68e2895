"""Promise: whatever happens, on either engine, the portal shows what the rules say and the ledger says what happened.

Histories are generated (tests/histories.py) and lived through for real (tests/living.py); `--whole` lives through many more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from console.desks import DESKS, desk
from console.evidence import Fact
from models import tables as t
from tests.histories import Step, Tally, histories
from tests.living import Life
from tests.small_district import District

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal
    from tests.services.postgres import Cluster


@pytest.fixture
def district(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> District:
    cluster = None if engine_name == "sqlite" else cast("Cluster", request.getfixturevalue("postgres"))
    return District(tmp_path / "district", cluster)


@pytest.mark.campaign
def test_every_history_keeps_to_the_rules(district: District, whole: bool) -> None:
    tally = Tally()

    @settings(max_examples=300 if whole else 10)
    @given(steps=histories(1, 24 if whole else 16))
    def keeps(steps: list[Step]) -> None:
        with district.fresh() as portal:
            Life(portal, tally).live(steps)

    keeps()
    every = {f"{name}.{each.name}" for name in DESKS for each in desk(name).decisions} | {"undo"}
    assert tally.done.keys() <= every
    assert not whole or len(tally.done) > len(every) // 2


def test_a_call_finds_its_receipt_when_its_day_is_over(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    until = (portal.today + timedelta(days=1)).isoformat()
    made = portal.decide("registrations", "defer", case, until=until, key="once")
    portal.clock.advance(timedelta(days=3))
    assert portal.decide("registrations", "defer", case, until=until, key="once") == replace(made, again=True)


def test_what_was_withdrawn_is_said_after_all_when_the_undo_is_undone(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    made = portal.decide("registrations", "ask", case, message="Which school?")
    said = (t.notice.c.state, t.notice.c.not_before), (t.thread_entry.c.withdrawn,), (t.deadline.c.withdrawn,)
    told = [portal.all(sa.select(*each)) for each in said]
    undone = portal.undo(made.batch or "")
    assert [portal.all(sa.select(each[0])) for each in said] == [[("withdrawn",)], [(True,)], [(True,)]]
    redone = portal.undo(undone.batch or "")
    assert (redone.decision, redone.notices) == ("ask", 1)
    assert [portal.all(sa.select(*each)) for each in said] == told
    assert portal.undo(redone.batch or "").notices == 1
    assert portal.all(sa.select(t.notice.c.state)) == [("withdrawn",)]


def test_what_was_sent_meanwhile_is_not_sent_again(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    made = portal.decide("registrations", "ask", case, message="Which school?")
    portal.change(t.notice, 1, state="sent")
    undone = portal.undo(made.batch or "")
    assert portal.undo(undone.batch or "").notices == 0
    assert portal.all(sa.select(t.notice.c.state)) == [("sent",)]


def test_no_application_ends_a_suspension_in_force(portal: Portal) -> None:
    student = portal.student(school=portal.school())
    case = portal.registration(student, tie="approved", state="approved")
    (tie,) = portal.all(sa.select(t.membership.c.id, t.membership.c.account_id))
    ends = portal.today + timedelta(days=5)
    portal.change(t.membership, tie.id, status="suspended", resumes_as="approved", suspended_until=ends)
    for state, decision in (("approved", "unapprove"), ("submitted", "approve"), ("approved", "limited")):
        portal.change(t.registration, case, state=state)
        (skip,) = portal.decide("registrations", decision, case, reason="because").skipped
        assert skip.why == "the tie is suspended, reinstate it at its challenge first"
        assert not portal.sees(tie.account_id, student)
    portal.clock.advance(timedelta(days=5))
    assert portal.decide("registrations", "unapprove", case, reason="because").done == 1


def test_a_plan_counts_the_tutor_whom_an_approval_shuts_out(portal: Portal) -> None:
    """Where all approved parents must consent, one more who said nothing closes the grant."""
    student = portal.student(school=portal.school(asp=True, asp_consent="all"))
    parent, tutor = portal.account("anna"), portal.account("tutor", "asp")
    portal.membership(parent, student)
    portal.add(
        t.access_grant,
        ref="grant",
        state="approved",
        account_id=tutor,
        student_id=student,
        school_id=1,
        purpose="homework",
        arrived_at=portal.clock.now(),
        begins=portal.today,
        ends=portal.today + timedelta(days=30),
    )
    portal.add(t.intake_consent, ref="yes", at=portal.clock.now(), grant_ref="grant", login="anna", gives=True)
    assert portal.sees(tutor, student) == {"assignments"}
    case = portal.registration(student)
    plan = portal.plan("registrations", "approve", case)
    assert (plan.opens, plan.closes) == (1, 1)
    portal.decide("registrations", "approve", case)
    assert not portal.sees(tutor, student)


def test_what_a_parameter_can_lift_disables_no_key(portal: Portal) -> None:
    """One parent's block is lifted by naming the parent; a missing fact by checking the person. Screens ask only then."""
    student = portal.student(school=portal.school(in_person_check=True))
    account = portal.account("anna")
    portal.membership(account, student, blocked=True, block_review=portal.today + timedelta(days=9))
    portal.registration(student, match=1, facts=1)
    portal.registration(student, match=0, facts=0)
    administrator = portal.operator()
    for name in ("unblock", "review"):
        assert portal.office.case(administrator, desk("students"), student).decisions[name] is None
        (skip,) = portal.plan("students", name, student, reason="because", review="+9d").skipped
        assert skip.why == "only single parents are blocked, name one with --account"
    assert portal.decide("students", "unblock", student, account=str(account), reason="because").done == 1
    assert portal.office.case(administrator, desk("students"), student).decisions["unblock"] is not None
    one, none = (portal.office.case(administrator, desk("registrations"), case).decisions for case in (1, 2))
    assert (one["approve"], none["approve"]) == (None, "one fact alone is never enough")
    checked = {"checked_by": "Roe", "checked_on": "today", "proof": "passport"}
    assert portal.decide("registrations", "approve", 1, **checked).done == 1
    assert portal.decide("registrations", "approve", 2, **checked).done == 0


def test_the_same_check_in_person_is_one_fact_however_often_it_is_made(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()), match=1, facts=int(Fact.IN_PERSON))
    checked = {"checked_by": "Roe", "checked_on": "today", "proof": "passport"}
    assert portal.decide("registrations", "approve", case, **checked).done == 0
