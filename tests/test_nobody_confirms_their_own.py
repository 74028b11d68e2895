"""Nobody confirms what they asked for: not under a second login, not through somebody they brought in, not without the right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.authority import Operator, Role
from console.desks import desk
from console.errors import Refused
from models import tables as t
from models.engine import writing
from tests.requested import account_of, actions, at_once, challenge, delete, guarded, next_code, on_sqlite, sit

if TYPE_CHECKING:
    from tests.portals import Portal

DAY = timedelta(hours=24)


@pytest.fixture
def school(portal: Portal) -> int:
    portal.office.assurance = Demonstration()
    return portal.school()


@pytest.fixture
def case(portal: Portal, school: int) -> int:
    return challenge(portal, portal.student(school=school))


@pytest.fixture
def maker(portal: Portal) -> Operator:
    return portal.hire("maya", "district_administrator")


@pytest.fixture
def other(portal: Portal) -> Operator:
    return portal.hire("omar", "district_administrator")


@pytest.fixture
def request_(portal: Portal, case: int, maker: Operator) -> int:
    waits = delete(portal, case, maker)
    assert (waits.done, waits.batch) == (0, None)
    assert waits.request is not None
    return waits.request


def confirm(portal: Portal, number: int, by: Operator) -> Any:
    return portal.decide("requests", "confirm", number, by=by)


def keeps_out(portal: Portal, number: int, by: Operator, why: str) -> None:
    """It is refused for this reason, the key says so before, it is not announced as waiting, and nothing was done."""
    before = actions(portal)
    receipt = confirm(portal, number, by)
    assert receipt.done == 0
    assert why in receipt.skipped[0].why
    said = portal.office.case(by, desk("requests"), number).decisions["confirm"]
    assert said is not None
    assert why in said
    assert number not in waiting(portal, by)
    assert actions(portal) == before


def waiting(portal: Portal, by: Operator) -> list[int]:
    return [row.id for row in portal.office.queue(by, desk("requests"), "waits:me").first(10)]


def test_another_operator_confirms_and_both_are_on_record(
    portal: Portal, case: int, maker: Operator, other: Operator, request_: int
) -> None:
    assert account_of(portal, case).status == "active"
    assert (waiting(portal, maker), waiting(portal, other)) == ([], [request_])
    assert confirm(portal, request_, other).done == 1
    assert account_of(portal, case).status == "deleted"
    assert actions(portal) == ["requests.ask", "challenges.delete", "requests.confirm"]
    (row,) = portal.all(sa.select(t.record).where(t.record.c.action == "challenges.delete"))
    assert row.operator_id == maker.id
    assert f'"confirmed_by":{other.id},"request":{request_}' in row.body


def test_the_maker_does_not_confirm(portal: Portal, maker: Operator, request_: int) -> None:
    """VULNERABILITY: a request is data like any other, and its maker has the right to the decision.

    ATTACK: confirm it oneself; then write so into the table, as a fault in the console might.
    VERIFIES: the office leaves it out, and the database has a constraint of its own.
    """
    keeps_out(portal, request_, maker, "you asked for it yourself")
    with pytest.raises(sa.exc.IntegrityError), writing(portal.office.engine) as connection:
        connection.execute(t.request.update().values(confirmer_id=maker.id))


def test_not_through_a_second_login_of_the_same_account(
    portal: Portal, maker: Operator, other: Operator, request_: int
) -> None:
    """VULNERABILITY: one person with two logins is two operators.

    ATTACK: confirm under the other login.
    VERIFIES: two operators of one portal account are one person.
    """
    staff = portal.account("staff", "certificated")
    for each in (maker, other):
        portal.change(t.operator, each.id, account_id=staff)
    keeps_out(portal, request_, other, "one person")


def test_not_with_the_same_ssh_key(portal: Portal, case: int) -> None:
    """VULNERABILITY: one person with two names signs in over one SSH key.

    ATTACK: confirm under the other name, though the key was used days ago, or is only tied to the name.
    VERIFIES: any key that both used or have makes them one person.
    """
    for ways in ("session session", "tied session", "session tied"):
        key = f"SHA256:{portal.number('key'):043}"
        pair = [portal.hire(f"{ways} {n}", "district_administrator") for n in range(2)]
        for way, each in zip(ways.split(), pair, strict=True):
            if way == "tied":
                portal.add(t.operator_key, operator_id=each.id, fingerprint=key, added_at=portal.clock.now())
            else:
                sit(portal, each, key, enrolled=False)
        number = delete(portal, _another(portal, case), pair[0]).request
        assert number is not None
        keeps_out(portal, number, pair[1], "one person")


def _added(portal: Portal, one: Operator, two: Operator) -> None:
    portal.change(t.operator, two.id, added_by=one.id, added_at=portal.clock.now())


def _invited(portal: Portal, one: Operator, two: Operator) -> None:
    now = portal.clock.now()
    with writing(portal.office.engine) as connection:
        connection.execute(
            t.invitation.insert().values(
                operator_id=two.id, digest=b"x", made_at=now, until=now + DAY * 3, made_by=one.id
            )
        )


def test_not_by_somebody_whom_the_maker_brought_in_today(portal: Portal, case: int) -> None:
    """VULNERABILITY: who may let operators in can make the second person.

    ATTACK: add or invite an operator, sign in as them, and confirm one's own request – or ask as them, and confirm as oneself.
    VERIFIES: whoever brought in the other within a day, either way round, the two cannot answer each other.
    """
    asked = []
    for n, how in enumerate((_added, _invited, _added, _invited)):
        maker, other = (portal.hire(f"{name} {n}", "district_administrator") for name in ("maya", "omar"))
        how(portal, *((maker, other) if n < 2 else (other, maker)))
        number = delete(portal, _another(portal, case), maker).request
        assert number is not None
        keeps_out(portal, number, other, "let the other in")
        asked.append((number, other))
    portal.clock.advance(DAY - timedelta(minutes=1))
    for number, other in asked:
        keeps_out(portal, number, other, "let the other in")
    assert confirm(portal, asked[0][0], portal.hire("third", "district_administrator")).done == 1


def test_not_by_somebody_whom_the_maker_gave_another_role_today(
    portal: Portal, case: int, maker: Operator, other: Operator
) -> None:
    """VULNERABILITY: who gives roles can make a helper into somebody who may confirm.

    ATTACK: have a helper made administrator by two, as it should be, then have the helper confirm one's own.
    VERIFIES: the ledger remembers for a day who asked for it; afterwards the helper is a colleague like any.
    """
    helper = portal.hire("helper", "help_desk")
    asked = portal.decide(
        "operators", "role", helper.id, by=maker, role="district_administrator", schools="all", reason="promoted"
    )
    assert asked.request is not None
    assert confirm(portal, asked.request, other).done == 1
    helper = portal.operator("helper")
    number = delete(portal, case, maker).request
    assert number is not None
    keeps_out(portal, number, helper, "let the other in")
    with writing(portal.office.engine) as connection:
        connection.execute(t.request.update().values(until=portal.clock.now() + DAY * 3))
    portal.clock.advance(DAY + timedelta(seconds=1))
    assert confirm(portal, number, helper).done == 1


def test_not_by_whom_it_is_about(portal: Portal, maker: Operator, case: int) -> None:
    """VULNERABILITY: a request to give an operator more rights waits for that operator too.

    ATTACK: confirm one's own promotion.
    VERIFIES: it is refused, whatever the rights.
    """
    del case
    concerned = portal.hire("climber", "district_administrator", (portal.school("Mission"),))
    asked = portal.decide(
        "operators", "role", concerned.id, by=maker, role="district_administrator", schools="all", reason="promoted"
    )
    assert asked.request is not None
    receipt = confirm(portal, asked.request, concerned)
    assert receipt.done == 0
    assert portal.one(t.request, asked.request).state == "waiting"


def test_only_with_the_right_to_the_decision_itself(portal: Portal, case: int, request_: int) -> None:
    """VULNERABILITY: seeing requests is a right of nearly every role, and confirming carries out any decision.

    ATTACK: as each role confirm the deletion of an account.
    VERIFIES: exactly the roles that may delete it may confirm.
    """
    may = {Role.DISTRICT_ADMINISTRATOR, Role.SCHOOL_ADMINISTRATOR}
    for role in set(Role) - may - {Role.INTAKE}:
        assert confirm(portal, request_, portal.hire(role, str(role))).done == 0, role
    assert account_of(portal, case).status == "active"
    for n, role in enumerate(sorted(may)):
        number = request_ if not n else delete(portal, _another(portal, case)).request
        assert confirm(portal, number or 0, portal.hire(role, str(role))).done == 1, role


def _another(portal: Portal, case: int) -> int:
    return challenge(portal, portal.one(t.challenge, case).student_id)


def test_a_request_does_not_exist_for_an_operator_of_other_schools(
    portal: Portal, school: int, maker: Operator, request_: int
) -> None:
    """VULNERABILITY: a request tells of cases at schools that its reader knows nothing of.

    ATTACK: list, open and confirm it from another school, and from one of two schools that it is about.
    VERIFIES: it exists only for who sees all its schools.
    """
    mission = portal.school("Mission")
    here = portal.hire("here", "school_administrator", (school,))
    elsewhere = portal.hire("elsewhere", "school_administrator", (mission,))
    requests = desk("requests")
    assert [row.id for row in portal.office.queue(elsewhere, requests).first(5)] == []
    with pytest.raises(Refused, match="no such request"):
        portal.office.case(elsewhere, requests, request_)
    assert confirm(portal, request_, elsewhere).skipped[0].why == "there is no such request"
    portal.add(t.request_school, request_id=request_, school_id=mission)
    assert confirm(portal, request_, here).skipped[0].why == "there is no such request"
    assert [row.id for row in portal.office.queue(maker, requests).first(5)] == [request_]


def test_a_case_that_moved_away_meanwhile_keeps_the_confirmer_out(
    portal: Portal, school: int, case: int, request_: int
) -> None:
    """VULNERABILITY: whether all cases are the confirmer's was judged when it was asked, and is believed a day later.

    ATTACK: have a case move to another school, and confirm from the old one.
    VERIFIES: it is judged again, in the transaction that would carry it out.
    """
    here = portal.hire("here", "school_administrator", (school,))
    portal.change(t.challenge, case, school_id=portal.school("Mission"))
    with pytest.raises(Refused, match="do not exist for you"):
        confirm(portal, request_, here)
    assert account_of(portal, case).status == "active"
    assert portal.one(t.request, request_).state == "waiting"


@pytest.mark.parametrize("what", ["disabled", "demoted"])
def test_the_makers_rights_are_judged_again(
    portal: Portal, case: int, maker: Operator, other: Operator, request_: int, what: str
) -> None:
    """VULNERABILITY: a request outlives the rights of who made it.

    ATTACK: ask, be let go, and have it confirmed afterwards.
    VERIFIES: it is not carried out for somebody who is disabled, or in a role that may not, by now.
    """
    portal.change(t.operator, maker.id, **({"status": "disabled"} if what == "disabled" else {"role": "help_desk"}))
    keeps_out(portal, request_, other, "may not do this any more")
    assert account_of(portal, case).status == "active"


def test_of_two_who_confirm_at_once_one_does(portal: Portal, case: int, other: Operator, request_: int) -> None:
    """VULNERABILITY: two transactions that both find a request waiting carry it out twice.

    ATTACK: two operators confirm at the same moment, and a third refuses.
    VERIFIES: one answer stands, and what was asked for happened once or not at all.
    """
    third, fourth = (portal.hire(name, "district_administrator") for name in ("third", "fourth"))
    answers = at_once(
        [
            lambda: confirm(portal, request_, other),
            lambda: confirm(portal, request_, third),
            lambda: portal.decide("requests", "refuse", request_, by=fourth, message="no"),
        ]
    )
    assert sorted(each.done for each in answers) == [0, 0, 1], answers
    row = portal.one(t.request, request_)
    done = actions(portal).count("challenges.delete")
    assert (row.state, done) in (("confirmed", 1), ("refused", 0))
    assert (account_of(portal, case).status == "deleted") == (row.state == "confirmed")


@on_sqlite
def test_refusing_and_withdrawing_are_the_others_and_the_makers(
    portal: Portal, case: int, maker: Operator, other: Operator, request_: int
) -> None:
    assert portal.decide("requests", "refuse", request_, by=maker, message="x").done == 0
    assert portal.decide("requests", "withdraw", request_, by=other).done == 0
    assert portal.decide("requests", "withdraw", request_, by=maker).done == 1
    assert confirm(portal, request_, other).skipped[0].why == "it is withdrawn"
    number = delete(portal, case, maker).request
    assert number is not None
    assert portal.decide("requests", "refuse", number, by=other, message="Ask the family first.").done == 1
    assert "Ask the family first." in str(portal.office.case(maker, desk("requests"), number).thread)
    assert account_of(portal, case).status == "active"


def test_an_undo_does_not_do_again_alone_what_took_two(
    portal: Portal, case: int, maker: Operator, other: Operator, request_: int
) -> None:
    """VULNERABILITY: undoing an undo carries out the decision again, and asks nobody.

    ATTACK: have a deletion confirmed, take it back, and take that back.
    VERIFIES: what took two is decided again, by two.
    """
    batch = confirm(portal, request_, other).batch
    undone = portal.undo(batch, maker)
    assert account_of(portal, case).status == "active"
    with pytest.raises(Refused, match="Decide it again"):
        portal.undo(str(undone.batch), maker)
    assert account_of(portal, case).status == "active"


@on_sqlite
def test_suspending_first_does_not_spare_the_second_person(portal: Portal, case: int, maker: Operator) -> None:
    """VULNERABILITY: what needs two is told by a status that one can change.

    ATTACK: suspend the approved tie, open the case again, and delete the account that is approved no more.
    VERIFIES: a suspended tie that was approved counts as approved.
    """
    ground = {"basis": "court_order", "reference": "Case 26-114", "reason": "x"}
    assert portal.decide("challenges", "suspend", case, by=maker, **ground).done == 1
    assert portal.decide("challenges", "appeal", case, by=maker, reason="x").done == 1
    assert delete(portal, case, maker).request is not None
    assert account_of(portal, case).status == "active"


@on_sqlite
def test_who_was_never_approved_is_deleted_by_one(portal: Portal, school: int, maker: Operator) -> None:
    case = challenge(portal, portal.student(school=school), status="limited")
    assert delete(portal, case, maker).done == 1


@on_sqlite
def test_confirming_asks_the_confirmer_for_a_code_of_their_own(portal: Portal, school: int) -> None:
    """VULNERABILITY: a stolen session confirms what a stolen session asked for.

    ATTACK: confirm without a code, and with the code that the maker gave.
    VERIFIES: both give a code, each for their own part.
    """
    guarded(portal)
    case = challenge(portal, portal.student(school=school))
    maker, other = (sit(portal, portal.hire(name, "district_administrator")) for name in ("maya", "omar"))
    plan = portal.plan("challenges", "delete", case, by=maker, basis="court_order", reference="Case 26-114", reason="x")
    assert (plan.step_up, plan.second_person) == (True, True)
    with pytest.raises(Refused, match="asks for a code") as asked:
        delete(portal, case, maker)
    portal.office.step_up(maker, asked.value.digest, next_code(portal))  # type: ignore[attr-defined]
    number = delete(portal, case, maker).request
    assert number is not None
    with pytest.raises(Refused, match="asks for a code") as asked:
        confirm(portal, number, other)
    portal.office.step_up(maker, asked.value.digest, next_code(portal))  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="asks for a code"):
        confirm(portal, number, other)
    portal.office.step_up(other, asked.value.digest, next_code(portal))  # type: ignore[attr-defined]
    assert confirm(portal, number, other).done == 1
    assert account_of(portal, case).status == "deleted"


@on_sqlite
def test_a_program_asks_for_nothing_and_confirms_nothing(portal: Portal, request_: int, case: int) -> None:
    portal.add(t.operator, name="cron", role="district_administrator", unattended=True)
    program = portal.operator("cron")
    with pytest.raises(Refused, match="does not have the right"):
        delete(portal, case, program)
    with pytest.raises(Refused, match="does not have the right"):
        confirm(portal, request_, program)
    assert account_of(portal, case).status == "active"
