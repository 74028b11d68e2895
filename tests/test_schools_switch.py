"""A school's switch is a decision: for one school, some or all, with a record, undone like any other, and acting at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.browse import Order
from console.desks import desk
from console.errors import Refused, Usage
from console.ledger.log import decode
from models import tables as t

if TYPE_CHECKING:
    from console.selection import Receipt
    from tests.portals import Portal

SWITCHES: tuple[tuple[str, dict[str, str], str, Any, Any], ...] = (
    ("rights", {"rights": "approve_for_any"}, "initial_rights", "approve_for_grades", "approve_for_any"),
    ("hold", {"policy": "full"}, "hold_policy", "none", "full"),
    ("in-person", {"on": "yes"}, "in_person_check", False, True),
    ("asp", {"on": "yes"}, "asp", False, True),
    ("advanced", {"on": "yes"}, "asp_advanced", False, True),
    ("consent", {"policy": "all"}, "asp_consent", "any", "all"),
    ("majority", {"on": "yes"}, "close_at_18", False, True),
)
"""Each decision, what is typed, its column, what it was and what it becomes."""


def switch(portal: Portal, decision: str, *schools: int, **typed: Any) -> Receipt:
    return portal.decide("schools", decision, *schools, **typed)


def set_to(portal: Portal, school: int, column: str) -> Any:
    return getattr(portal.one(t.school, school), column)


def listed(portal: Portal, where: str, by: Any = None) -> list[str]:
    rows = list(portal.office.queue(by or portal.operator(), desk("schools"), where).records())
    return [str(row["code"]) for row in rows]


def test_each_switch_is_set_recorded_and_taken_back(portal: Portal) -> None:
    assert [name for name, *_ in SWITCHES] == [each.name for each in desk("schools").decisions]
    for decision, typed, column, was, becomes in SWITCHES:
        switches = {"asp": True, column: was}
        one, other = portal.school("Lincoln", **switches), portal.school("Mission", **switches)
        done = switch(portal, decision, one, **typed)
        assert (set_to(portal, one, column), set_to(portal, other, column)) == (becomes, was)
        ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == done.batch))
        record = decode(body)
        assert (record.subject, record.before[column], record.after[column]) == (column, was, becomes)
        words = [str(each).lower() if isinstance(each, bool) else each for each in (was, becomes)]
        assert [record.from_state, record.to_state] == words
        again = switch(portal, decision, one, **typed)
        assert (again.done, [skip.why for skip in again.skipped]) == (0, ["it is set so already"])
        assert done.batch is not None
        portal.undo(done.batch)
        assert set_to(portal, one, column) == was


def test_a_switch_is_set_for_some_and_for_all(portal: Portal) -> None:
    schools = [portal.school(name) for name in ("Lincoln", "Mission", "Valley")]
    gone = portal.school("Old", status="withdrawn")
    district = portal.school("District", type="district")
    assert switch(portal, "hold", *schools[:2], policy="limited").done == 2
    plan = portal.plan("schools", "hold", where="state:active", policy="limited")
    assert (plan.count, plan.skipped_count) == (1, 2)
    done = portal.decide("schools", "hold", where="state:active", policy="limited")
    assert (done.done, {skip.id for skip in done.skipped}) == (1, set(schools[:2]))
    assert [set_to(portal, each, "hold_policy") for each in (*schools, gone)] == [*["limited"] * 3, "none"]
    everywhere = portal.decide("schools", "hold", where="", policy="full")
    assert everywhere.done == 4
    assert set_to(portal, district, "hold_policy") == "none", "a district is no school"
    assert why(switch(portal, "hold", district, policy="full")) == "there is no such school"
    portal.undo(everywhere.batch or "")
    assert [set_to(portal, each, "hold_policy") for each in (*schools, gone)] == [*["limited"] * 3, "none"]


def why(receipt: Receipt) -> str | None:
    return receipt.skipped[0].why if receipt.skipped else None


def test_advanced_needs_after_school_access_and_goes_with_it(portal: Portal) -> None:
    school = portal.school()
    assert why(switch(portal, "advanced", school, on="yes")) == "after-school access is off there"
    switch(portal, "asp", school, on="yes")
    assert switch(portal, "advanced", school, on="yes").done == 1
    off = switch(portal, "asp", school, on="no")
    assert (set_to(portal, school, "asp"), set_to(portal, school, "asp_advanced")) == (False, False)
    switch(portal, "asp", school, on="yes")
    assert not set_to(portal, school, "asp_advanced"), "it does not come back by itself"
    switch(portal, "asp", school, on="no")
    assert portal.undo(off.batch or "").done == 0, "the school changed since"
    latest = switch(portal, "asp", school, on="yes")
    portal.undo(latest.batch or "")
    assert not set_to(portal, school, "asp")


def test_undo_of_off_brings_the_advanced_switch_back(portal: Portal) -> None:
    school = portal.school(asp=True, asp_advanced=True)
    off = switch(portal, "asp", school, on="no")
    portal.undo(off.batch or "")
    assert (set_to(portal, school, "asp"), set_to(portal, school, "asp_advanced")) == (True, True)


def test_what_is_missing_or_no_word_of_it_is_said(portal: Portal) -> None:
    school = portal.school()
    for decision in ("rights", "hold", "asp"):
        with pytest.raises(Usage, match="is missing"):
            switch(portal, decision, school)
    with pytest.raises(Usage, match="takes one of none, limited, full"):
        switch(portal, "hold", school, policy="half")
    with pytest.raises(Usage, match="takes yes or no"):
        switch(portal, "asp", school, on="perhaps")
    assert portal.office.size() == 0


def test_a_switch_needs_the_right_and_the_school(portal: Portal) -> None:
    mine, other = portal.school("Lincoln"), portal.school("Mission")
    principal = portal.hire("lee", "school_administrator", (mine,))
    officer = portal.hire("kai", "privacy_officer")
    with pytest.raises(Refused, match=r"schools\.switch"):
        switch(portal, "hold", mine, policy="full", by=officer)
    assert listed(portal, "", by=principal) == ["lincoln"]
    receipt = switch(portal, "hold", mine, other, policy="full", by=principal)
    assert receipt.done == 1
    assert [(skip.id, skip.why) for skip in receipt.skipped] == [(other, "there is no such school")]
    assert portal.decide("schools", "in-person", where="", on="yes", by=principal).done == 1


def test_filters_find_schools_by_switch_and_name(portal: Portal) -> None:
    portal.school("Lincoln High", code="LHS", hold_policy="full")
    portal.school("Mission", code="MIS", asp=True, initial_rights="approve_for_any", in_person_check=True)
    portal.school("Valley", code="VAL", asp=True, asp_advanced=True, asp_consent="all", close_at_18=True)
    portal.school("Old", code="OLD", status="withdrawn")
    found = {
        "": ["LHS", "MIS", "OLD", "VAL"],
        "state:active": ["LHS", "MIS", "VAL"],
        "hold:full": ["LHS"],
        "hold:none,limited": ["MIS", "OLD", "VAL"],
        "rights:approve_for_any": ["MIS"],
        "asp:yes": ["MIS", "VAL"],
        "asp:yes advanced:no": ["MIS"],
        "consent:all": ["VAL"],
        "in_person:yes": ["MIS"],
        "majority:yes": ["VAL"],
        "high": ["LHS"],
        "mis": ["MIS"],
        "lhs": ["LHS"],
        "%": [],
    }
    assert {where: listed(portal, where) for where in found} == found

    for column in desk("schools").columns:
        assert len(portal.office.queue(portal.operator(), desk("schools"), "", Order(column.name)).first(9)) == 4


def test_a_school_says_its_switches_and_whom_they_reach(portal: Portal) -> None:
    school = portal.school("Lincoln", hold_policy="limited", asp=True)
    student = portal.student(school=school)
    portal.student(school=school, adult_on=portal.today)
    tie = portal.membership(portal.account("pat"), student)
    asker = portal.account("ann")
    portal.add(
        t.challenge,
        ref="c-1",
        arrived_at=portal.clock.now(),
        membership_id=tie,
        account_id=portal.one(t.membership, tie).account_id,
        student_id=student,
        challenger_id=asker,
        statement="?",
        answer_due=portal.today,
        decision_due=portal.today,
    )
    view = portal.office.case(portal.operator(), desk("schools"), school)
    parts = {part.title: {fact.label: fact.text for fact in part.facts} for part in view.parts}
    assert view.title == "Lincoln"
    assert parts["Switches"]["Hold"] == "a challenged parent sees only what is published until it is decided"
    assert parts["Switches"]["After school"] == "professionals with a living grant see assignments"
    assert parts["Today"] == {
        "Students": "2",
        "Parents' ties": "1",
        "Challenged ties": "1",
        "Of age": "1",
        "Grants approved": "0",
    }
    (row,) = portal.office.queue(portal.operator(), desk("schools")).records()
    assert (row["students"], row["hold"], row["asp"], row["initial_rights"]) == (
        2,
        "limited",
        True,
        "approve_for_grades",
    )


# ── what a switch does, on one school that has a bit of everything ──────────────────────────────────────────────────


class District:
    """A school with a student of age, parents, a challenge and a tutor whose grant lives on the mother's consent."""

    def __init__(self, portal: Portal, **switches: Any) -> None:
        self.portal = portal
        self.school = portal.school(asp=True, **switches)
        self.student = portal.student(school=self.school)
        self.own = portal.account("kim", "student", student_id=self.student)
        self.mother, self.uncle = portal.account("mother"), portal.account("uncle")
        portal.membership(self.mother, self.student)
        tie = portal.membership(self.uncle, self.student)
        self.tutor = portal.account("tutor", "asp")
        portal.add(
            t.access_grant,
            ref="g-1",
            state="approved",
            arrived_at=portal.clock.now(),
            account_id=self.tutor,
            student_id=self.student,
            school_id=self.school,
            purpose="homework",
            begins=portal.today,
            ends=portal.today + timedelta(days=90),
        )
        self.consent("mother", gives=True)
        portal.add(
            t.challenge,
            ref="c-1",
            arrived_at=portal.clock.now(),
            membership_id=tie,
            account_id=self.uncle,
            student_id=self.student,
            school_id=self.school,
            challenger_id=self.mother,
            statement="?",
            answer_due=portal.today,
            decision_due=portal.today,
        )

    def consent(self, login: str, *, gives: bool) -> None:
        n = self.portal.number("consent")
        self.portal.add(
            t.intake_consent, ref=f"consent-{n}", at=self.portal.clock.now(), grant_ref="g-1", login=login, gives=gives
        )

    def levels(self) -> dict[str, int]:
        """How many classes of data each sees."""
        people = {"own": self.own, "mother": self.mother, "uncle": self.uncle, "tutor": self.tutor}
        return {name: len(self.portal.sees(account, self.student)) for name, account in people.items()}

    def switch(self, decision: str, **typed: str) -> tuple[dict[str, int], tuple[int, int]]:
        """Who sees how much after the switch, and what the plan had said opens and closes."""
        plan = self.portal.plan("schools", decision, self.school, **typed)
        switch(self.portal, decision, self.school, **typed)
        return self.levels(), (plan.opens, plan.closes)


ALL = {"own": 7, "mother": 6, "uncle": 6, "tutor": 1}


def test_a_hold_closes_the_challenged_tie_and_gives_it_back(portal: Portal) -> None:
    district = District(portal)
    assert district.levels() == ALL
    assert district.switch("hold", policy="limited") == (ALL | {"uncle": 1}, (0, 1))
    assert district.switch("hold", policy="full") == (ALL | {"uncle": 0}, (0, 1))
    assert district.switch("hold", policy="none") == (ALL, (1, 0))


def test_a_hold_takes_the_consent_of_whom_it_holds(portal: Portal) -> None:
    district = District(portal)
    district.consent("mother", gives=False)
    district.consent("uncle", gives=True)
    assert district.levels() == ALL
    assert district.switch("hold", policy="limited") == (ALL | {"uncle": 1, "tutor": 0}, (0, 2))
    assert district.switch("hold", policy="none") == (ALL, (2, 0))


def test_initial_rights_are_the_students_own(portal: Portal) -> None:
    district = District(portal)
    assert district.switch("rights", rights="approve_for_any") == (ALL | {"own": 0}, (0, 1))
    portal.membership(district.own, district.student, "approved")
    assert district.levels() == ALL
    assert district.switch("rights", rights="approve_for_grades") == (ALL, (0, 0))


def test_after_school_access_opens_and_closes_living_grants(portal: Portal) -> None:
    district = District(portal)
    assert district.switch("advanced", on="yes") == (ALL | {"tutor": 4}, (1, 0))
    assert district.switch("asp", on="no") == (ALL | {"tutor": 0}, (0, 1))
    assert district.switch("asp", on="yes") == (ALL, (1, 0))


def test_consent_of_all_closes_what_one_parent_carried(portal: Portal) -> None:
    district = District(portal)
    assert district.switch("consent", policy="all") == (ALL | {"tutor": 0}, (0, 1))
    district.consent("uncle", gives=True)
    assert district.levels() == ALL
    assert district.switch("consent", policy="any") == (ALL, (0, 0))


def test_at_18_ties_close_until_they_are_re_based(portal: Portal) -> None:
    district = District(portal)
    portal.change(t.student, district.student, adult_on=portal.today)
    assert district.levels() == ALL
    assert district.switch("majority", on="yes") == (ALL | {"mother": 0, "uncle": 0, "tutor": 0}, (0, 3))
    assert district.switch("majority", on="no") == (ALL, (3, 0))


def test_a_switch_that_opens_nothing_says_so(portal: Portal) -> None:
    district = District(portal)
    assert district.switch("in-person", on="yes") == (ALL, (0, 0))
