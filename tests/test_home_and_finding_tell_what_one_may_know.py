"""The overview counts what waits and what expires, finding finds people; both keep to the operator's schools and to masks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console.desks import DESKS, desk
from console.finding import EACH, Kind, find
from console.overview import DAYS, batch_named, last_decisions, overview
from console.queue import Count
from models import tables as t
from tests.on_screen import console, rows
from tests.portals import NOON

if TYPE_CHECKING:
    from console.overview import DeskView, Overview
    from tests.portals import Portal


def counted(portal: Portal, by: str = "administrator") -> Overview:
    return overview(portal.office, portal.operator(by), [desk(name) for name in DESKS])


def of(view: Overview, name: str) -> DeskView:
    return next(each for each in view.desks if each.name == name)


def test_an_empty_portal_has_nothing_waiting(portal: Portal) -> None:
    view = counted(portal)
    assert of(view, "registrations").waiting == Count(0, capped=False)
    assert of(view, "registrations").oldest is None
    assert of(view, "registrations").arrivals == (0,) * DAYS
    assert (view.reviews, view.grants_ending, view.refused, view.notices_failed, view.last) == (0, 0, 0, 0, ())


def test_what_waits_is_counted_by_the_day_it_came_in_the_portals_time_zone(portal: Portal) -> None:
    student = portal.student(school=portal.school())
    late_yesterday = NOON - timedelta(hours=13)  # 23:00 of the day before in Los Angeles, today in UTC
    for at in (NOON, NOON - timedelta(hours=11), late_yesterday, NOON - timedelta(days=13), NOON - timedelta(days=14)):
        portal.registration(student, arrived_at=at)
    portal.registration(student, state="approved", arrived_at=NOON - timedelta(days=3))
    view = of(counted(portal), "registrations")
    assert view.waiting == Count(5, capped=False)
    assert view.oldest == NOON - timedelta(days=14)
    assert view.arrivals == (1, *[0] * 9, 1, 0, 1, 2)


def test_what_expires_and_what_went_wrong_is_counted(portal: Portal) -> None:
    school = portal.school(asp=True)
    student = portal.student(school=school, mask="initial", mask_review=portal.today + timedelta(days=14))
    portal.student(school=school, parents_blocked=True, block_review=portal.today + timedelta(days=15))
    coach = portal.account("coach", "asp")
    for days in (0, 1, 30, 31):
        portal.add(
            t.access_grant,
            ref=f"g{days}",
            state="approved",
            arrived_at=NOON,
            account_id=coach,
            student_id=student,
            school_id=school,
            purpose="tutoring",
            ends=portal.today + timedelta(days=days),
        )
    portal.add(
        t.intake_answer, ref="a", at=NOON, desk="registrations", case_ref="none", text="yes", refused="no such case"
    )
    portal.add(
        t.notice,
        batch="b",
        desk="registrations",
        case_id=1,
        template="x",
        state="failed",
        made_at=NOON,
        not_before=NOON,
    )
    view = counted(portal)
    assert (view.reviews, view.grants_ending, view.refused, view.notices_failed) == (1, 2, 1, 1)


def challenges(portal: Portal) -> None:
    """Four: one is overdue, two are due today."""
    student = portal.student(school=portal.school())
    for n, (answer, decision, answered) in enumerate(((0, 5, None), (-1, 5, None), (-3, 0, NOON), (1, 5, None))):
        account = portal.account(f"parent{n}")
        portal.add(
            t.challenge,
            ref=f"c{n}",
            arrived_at=NOON,
            membership_id=portal.membership(account, student),
            account_id=account,
            student_id=student,
            school_id=portal.one(t.student, student).school_id,
            challenger_id=account,
            statement="Not the father.",
            answer_due=portal.today + timedelta(days=answer),
            decision_due=portal.today + timedelta(days=decision),
            answered_at=answered,
        )


def test_challenges_say_what_is_due_and_what_is_over(portal: Portal) -> None:
    challenges(portal)
    view = of(counted(portal), "challenges")
    assert (view.due_today, view.overdue) == (2, 1)


async def test_a_narrow_home_leaves_out_what_came_before_what_is_late(portal: Portal) -> None:
    challenges(portal)
    for width, came in ((80, False), (120, True)):
        async with console(portal, size=(width, 24)) as (app, _):
            (line,) = [row for row in rows(app) if " Challenges " in row]
            assert "1 overdue" in line
            assert "2 due today" in line
            assert ("4 today" in line) is came


def test_the_last_decisions_are_ones_own_and_know_what_was_undone(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    portal.hire("other", "district_administrator")
    batch = portal.decide("registrations", "approve", case).batch
    assert batch
    portal.clock.advance(timedelta(minutes=1))
    portal.undo(batch)
    mine = last_decisions(portal.office, portal.operator())
    assert [(each.decision, each.done, each.undone) for each in mine] == [
        ("undo approve", 1, False),
        ("approve", 1, True),
    ]
    assert last_decisions(portal.office, portal.operator("other")) == ()
    assert batch_named(portal.office, batch).decision == "approve"


def test_an_operator_of_one_school_counts_and_finds_that_school(portal: Portal) -> None:
    ours, theirs = portal.school("Lincoln"), portal.school("Roosevelt")
    here, there = portal.student("Kim", "Vale", school=ours), portal.student("Kim", "Valdez", school=theirs)
    portal.contact(here, "Pat", "Vale")
    portal.contact(there, "Pam", "Valdez")
    portal.registration(here, family="Vale")
    portal.registration(there, family="Valdez")
    principal = portal.hire("principal", "school_administrator", (ours,))
    view = overview(portal.office, principal, [desk("registrations")])
    assert view.desks[0].waiting.number == 1
    assert view.refused is None
    assert view.notices_failed is None
    found = find(portal.office, principal, "va")
    assert {str(hit.name) for hit in found.hits} == {"Kim Vale", "Pat Vale"}
    assert {str(hit.name) for hit in find(portal.office, portal.operator(), "vald").hits} == {
        "Kim Valdez",
        "Pam Valdez",
        "Pat Valdez",
    }
    assert [hit.kind for hit in find(portal.office, portal.operator(), "pamv").hits] == [Kind.CONTACT]


def test_a_role_finds_only_what_its_desks_show(portal: Portal) -> None:
    student = portal.student("Kim", "Vale", school=portal.school())
    portal.registration(student, given="Pat", family="Vale")
    auditor = portal.hire("auditor", "auditor")
    coordinator = portal.hire("coordinator", "after_school_coordinator")
    assert find(portal.office, auditor, "vale").hits == ()
    assert {hit.kind for hit in find(portal.office, coordinator, "vale").hits} == {Kind.STUDENT}


def test_a_mask_hides_from_finding_what_it_hides_from_reading(portal: Portal) -> None:
    student = portal.student("Kim", "Vale", school=portal.school())
    login = portal.account("kim.vale", "student", "Kim", "Vale", student_id=student)
    portal.contact(student, "Pat", "Vale")
    number = portal.one(t.student, student).number
    assert {hit.kind for hit in find(portal.office, portal.operator(), "vale").hits} == set(Kind)
    portal.decide("students", "mask", student, level="initial", reason="order", review="+30d")
    assert login
    assert find(portal.office, portal.operator(), "vale").hits == ()
    (hit,) = find(portal.office, portal.operator(), number).hits
    assert (str(hit.name), hit.case) == ("Kim V.", student)
    portal.decide("students", "mask", student, level="pseudonym", reason="order", review="+30d")
    assert find(portal.office, portal.operator(), "kim").hits == ()
    code = portal.one(t.student, student).pseudonym
    (hit,) = find(portal.office, portal.operator(), code).hits
    assert str(hit.name) == code
    assert number not in hit.detail


def test_finding_is_bounded_and_says_that_there_are_more(portal: Portal) -> None:
    school = portal.school()
    for n in range(EACH + 1):
        portal.student("Kim", f"Vale{n}", school=school)
    found = find(portal.office, portal.operator(), "vale")
    assert (len(found.hits), found.more) == (EACH, True)
    assert find(portal.office, portal.operator(), "v") == find(portal.office, portal.operator(), " ")
    assert find(portal.office, portal.operator(), "%").hits == ()
