"""Attacks by one person where two are asked for, and by an operator of some schools on what is the whole district's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.authority import Role
from console.desks import desk
from console.errors import Refused
from console.intake.importing import import_form, import_roster
from console.intake.taking import take_intake
from console.operators import Hired, add_operator
from console.signin.sessions import Sessions
from console.working import Worker
from models import tables as t
from models.words import SessionKind
from tests.requested import account_of, challenge, delete

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

KEY = "SHA256:" + "k" * 43


@pytest.mark.parametrize("first", ["unapprove", "undo", "unapprove and reject"])
def test_an_approval_taken_back_first_does_not_make_a_deletion_one_persons(portal: Portal, first: str) -> None:
    """VULNERABILITY: deleting who was ever approved takes two, and whether they were is read from how the tie is now.

    ATTACK: one person takes the approval back, which takes nobody else, and then deletes the account.
    VERIFIES: the deletion waits for a second person all the same.
    """
    portal.office.assurance = Demonstration()
    student = portal.student(school=portal.school())
    registered = portal.registration(student)
    approved = portal.decide("registrations", "approve", registered)
    assert approved.done == 1
    row = portal.one(t.registration, registered)
    number = challenge(portal, student)
    portal.change(t.challenge, number, account_id=row.account_id, membership_id=row.membership_id)
    if first == "undo":
        assert portal.undo(approved.batch or "").done == 1
    else:
        assert portal.decide("registrations", "unapprove", registered, reason="a mistake").done == 1
    if first == "unapprove and reject":
        assert portal.decide("registrations", "reject", registered, reason="a mistake", message="no").done == 1
    made = delete(portal, number)
    assert (made.done, account_of(portal, number).status) == (0, "active")
    assert made.request is not None


def test_an_operator_of_some_schools_brings_in_nothing_for_the_others(portal: Portal, tmp_path: Path) -> None:
    """VULNERABILITY: a roster, a form and the worker are about the whole district, and only the right to them was asked.

    ATTACK: a technology director of one school imports a roster, or accounts, of another; or runs the worker.
    VERIFIES: each is refused, and nothing was written.
    """
    tess = portal.hire("tess", "technology_director", (portal.school(),))
    before = portal.office.size()
    roster, accounts = tmp_path / "roster", tmp_path / "accounts.csv"
    roster.mkdir()
    accounts.write_text("login,type\nmallory,district_administrator\n")
    for bring in (
        lambda: import_roster(portal.office, tess, roster, key="one"),
        lambda: import_roster(portal.office, tess, roster, dry_run=True, key="two"),
        lambda: import_form(portal.office, tess, "accounts", accounts, key="three"),
        lambda: take_intake(portal.office, tess),
        lambda: Worker(portal.office, tess, None),
    ):
        with pytest.raises(Refused, match="operator of all schools"):
            bring()
    assert portal.office.size() == before


def test_what_is_about_oneself_is_not_confirmed_under_a_second_login(portal: Portal) -> None:
    """VULNERABILITY: who a request is about was told by the login alone, and one person may have two.

    ATTACK: a role, or a reset, for somebody's one login is confirmed by the same person's other.
    VERIFIES: it is about them; anybody else confirms it.
    """
    portal.office.assurance = Demonstration()
    maya, one, two, omar = (portal.hire(name, "district_administrator") for name in ("maya", "one", "two", "omar"))
    with portal.office.writing() as connection:
        key = t.operator_key.insert().values(operator_id=one.id, fingerprint=KEY, added_at=portal.clock.now())
        connection.execute(key)
        Sessions(portal.settings).begin(
            connection, two.id, SessionKind.SCREEN, portal.clock.now(), portal.office.random, KEY
        )
    asked = portal.decide("operators", "role", one.id, by=maya, role="auditor", schools="all").request
    assert asked is not None
    for who in (one, two):
        answer = portal.decide("requests", "confirm", asked, by=who)
        assert (answer.done, answer.skipped[0].why) == (0, "it is about you")
    assert portal.decide("requests", "confirm", asked, by=omar).done == 1


def test_each_answer_is_judged_by_this_request_and_this_operator(portal: Portal) -> None:
    """VULNERABILITY: a condition nested two deep that is not tied to the row it is about holds for anybody's.

    ATTACK: a request of one school, where another operator has the other school, a key, a colleague let in today, and another request
    is about them.
    VERIFIES: only who sees its cases is told of it, and none of that keeps a stranger to it from answering.
    """
    portal.office.assurance = Demonstration()
    here, there = portal.school("Lincoln"), portal.school("Mission")
    number = challenge(portal, portal.student(school=there))
    maya = portal.hire("maya", "district_administrator")
    omar = portal.hire("omar", "district_administrator")
    lin = portal.hire("lin", "school_administrator", (here,))
    mia = portal.hire("mia", "school_administrator", (there,))
    for who in (lin, mia):
        portal.change(t.operator, who.id, email=f"{who.name}@district.example")
    portal.add(t.operator_key, operator_id=mia.id, fingerprint=KEY, added_at=portal.clock.now())
    portal.change(t.operator, lin.id, added_by=omar.id, added_at=portal.clock.now())
    assert portal.decide("operators", "role", mia.id, by=omar, role="auditor", schools="all").request is not None
    add_operator(portal.office, omar, Hired("new", Role.AUDITOR))
    asked = delete(portal, number, maya).request
    assert asked is not None
    told = sa.select(t.notice.c.address).where(t.notice.c.desk == "requests", t.notice.c.case_id == asked)
    assert [row.address for row in portal.all(told)] == ["mia@district.example"]
    shown = portal.office.queue(mia, desk("requests"), "waits:me").records(10)
    assert [row["id"] for row in shown] == [asked]
    again = portal.decide("operators", "role", lin.id, by=maya, role="auditor", schools="all").request
    assert again is not None
    assert portal.decide("requests", "confirm", again, by=omar).done == 1
    assert portal.decide("requests", "confirm", asked, by=mia).done == 1


def test_a_challenge_is_handed_to_nobody_of_another_school(portal: Portal) -> None:
    """VULNERABILITY: as above: "works at the challenge's school" was true of who works at any challenge's.

    ATTACK: hand a case to a colleague of a school where another challenge is open, who cannot see it: it is nobody's from then on.
    VERIFIES: refused, and told why; to one of the school it goes.
    """
    here, there = portal.school("Lincoln"), portal.school("Mission")
    case, _ = challenge(portal, portal.student(school=here)), challenge(portal, portal.student("Lou", school=there))
    portal.hire("lin", "help_desk", (here,))
    portal.hire("mia", "help_desk", (there,))
    away = portal.decide("challenges", "reassign", case, to="mia")
    assert (away.done, away.skipped[0].why) == (0, "that operator is of another school")
    assert portal.decide("challenges", "reassign", case, to="lin").done == 1
