"""Attacks on undoing: what one may not decide is decided by no taking back of a colleague's batch, nor of its taking back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import CodeNeeded, Refused
from models import tables as t
from tests.directories import case, entry, read
from tests.requested import account_of, challenge, guarded, next_code, sit
from tests.test_a_code_is_for_one_action import grant

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.authority import Operator
    from console.selection import Receipt
    from tests.portals import Portal


def logins(portal: Portal) -> list[tuple[str, str]]:
    return [(row.type, row.status) for row in portal.all(sa.select(t.account.c.type, t.account.c.status))]


def undoes(portal: Portal, made: Receipt, by: Operator) -> bool:
    try:
        return portal.undo(made.batch or "", by).done > 0
    except Refused:
        return False


@pytest.mark.parametrize("role", ["school_administrator", "technology_director"])
def test_an_administrators_login_is_neither_given_nor_taken_by_an_undo(portal: Portal, role: str) -> None:
    """VULNERABILITY: an undo asks for the decision's right alone, and an administrator's login takes another one.

    ATTACK: a district administrator activates a colleague; a school administrator undoes it. Or the district administrator undoes
    it, for it was a mistake, and the school administrator takes that back.
    VERIFIES: neither happens; whoever manages operators may do both.
    """
    school = portal.school()
    other = portal.hire("olga", role, (school,))
    read(portal, entry("boss"))
    made = portal.decide("activations", "activate", case(portal, "boss").id, type="district_administrator")
    assert logins(portal) == [("district_administrator", "active")]
    assert not undoes(portal, made, other)
    assert logins(portal) == [("district_administrator", "active")]
    undone = portal.undo(made.batch or "")
    assert (undone.done, logins(portal)) == (1, [("district_administrator", "deleted")])
    assert not undoes(portal, undone, other)
    assert logins(portal) == [("district_administrator", "deleted")]
    assert portal.undo(undone.batch or "").done == 1


def test_a_link_to_an_administrators_login_is_not_made_by_an_undo(portal: Portal) -> None:
    """VULNERABILITY and ATTACK as above, with a login that is there and an entry of the directory that is tied to it.

    VERIFIES: who may not name administrators' logins neither cuts nor makes that tie.
    """
    school = portal.school()
    olga = portal.hire("olga", "school_administrator", (school,))
    boss = portal.account("old-boss", "district_administrator", "Sam", "Sample")
    read(portal, entry("boss"))
    one = case(portal, "boss").id
    made = portal.decide("activations", "link", one, account=boss)
    assert made.done == 1
    assert not undoes(portal, made, olga)
    assert case(portal, "boss").account_id == boss
    undone = portal.undo(made.batch or "")
    assert not undoes(portal, undone, olga)
    assert case(portal, "boss").account_id is None


def test_the_districts_suspension_of_an_account_is_not_undone_by_one_school(portal: Portal) -> None:
    """VULNERABILITY: what is done to an account is done at every school, so it takes the district – and the undo did not ask.

    ATTACK: the help desk of one school undoes the district's suspension of a parent who has children at two.
    VERIFIES: the account stays suspended; the district's own undo ends it.
    """
    here, there = portal.school("Lincoln"), portal.school("Mission")
    number = challenge(portal, portal.student(school=here))
    account = portal.one(t.challenge, number).account_id
    portal.membership(account, portal.student("Lou", school=there))
    made = portal.decide(
        "challenges", "suspend", number, account="yes", basis="court_order", reference="Case 26-114", reason="the court"
    )
    assert (made.done, account_of(portal, number).status) == (1, "suspended")
    hal = portal.hire("hal", "help_desk", (here,))
    assert not undoes(portal, made, hal)
    assert account_of(portal, number).status == "suspended"
    assert portal.undo(made.batch or "").done == 1
    assert account_of(portal, number).status == "active"


def test_a_long_grant_is_given_again_by_an_undo_with_a_code_alone(portal: Portal) -> None:
    """VULNERABILITY: approving a long grant asks for a code; taking the taking back of it back gives the same and asked for none.

    ATTACK: at a screen that its owner left open, a long grant that was undone is brought back.
    VERIFIES: that asks for a code; with one for just this it is done.
    """
    case_ = grant(portal, portal.student(school=portal.school(asp=True)))
    cora = sit(guarded(portal), portal.hire("cora", "after_school_coordinator"))

    def approve() -> Receipt:
        return portal.decide("grants", "approve", case_, by=cora, until="2027-06-30", key="long")

    made = with_code(portal, cora, approve)
    undone = portal.undo(made.batch or "", cora)
    assert (made.done, undone.done) == (1, 1)
    with pytest.raises(CodeNeeded) as asks:
        portal.undo(undone.batch or "", cora)
    portal.office.step_up(cora, asks.value.digest, next_code(portal))
    assert portal.undo(undone.batch or "", cora).done == 1


def with_code(portal: Portal, operator: Operator, act: Callable[[], Receipt]) -> Receipt:
    with pytest.raises(CodeNeeded) as asks:
        act()
    portal.office.step_up(operator, asks.value.digest, next_code(portal))
    return act()
