"""Attacks by one person where two are asked for, and by an operator of some schools on what is the whole district's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from console.assurance import Demonstration
from console.errors import Refused
from console.intake.importing import import_form, import_roster
from console.intake.taking import take_intake
from console.working import Worker
from models import tables as t
from tests.requested import account_of, challenge, delete

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


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
