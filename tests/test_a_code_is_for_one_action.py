"""A code of the second factor is for one action of one session, once, for five minutes: for nothing beside it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from console.authority import Operator, Role
from console.deciding import Call
from console.desks import desk
from console.desks.challenge_decisions import Suspending
from console.desks.challenge_grounds import Basis
from console.errors import CodeNeeded, ConsoleError, Refused
from console.params import Params
from console.reports.exporting import Wanted
from console.selection import Selection
from models import tables as t
from screens.app import ConsoleApp
from screens.decide_dialog import DecideDialog
from tests.line_mode import LineMode, write_settings
from tests.on_screen import hurried, press, settle, shown, until, write
from tests.requested import (
    GROUND,
    account_of,
    actions,
    at_once,
    challenge,
    delete,
    guarded,
    next_code,
    on_sqlite,
    sit,
)
from tests.signing import signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

__all__ = ["hurried"]


@pytest.fixture
def student(portal: Portal) -> int:
    guarded(portal, second_person=False)
    return portal.student(school=portal.school())


@pytest.fixture
def operator(portal: Portal) -> Operator:
    return sit(portal, portal.operator())


def needed(portal: Portal, case: int, by: Operator, **typed: Any) -> bytes:
    """The digest that a code is asked for."""
    with pytest.raises(CodeNeeded) as asked:
        delete(portal, case, by, **typed)
    return asked.value.digest


def test_a_grave_decision_is_done_once_its_code_was_given_and_its_receipt_needs_none(
    portal: Portal, student: int, operator: Operator
) -> None:
    case = challenge(portal, student)
    digest = needed(portal, case, operator, key="once")
    assert account_of(portal, case).status == "active"
    assert actions(portal) == []
    portal.office.step_up(operator, digest, next_code(portal))
    done = delete(portal, case, operator, key="once")
    assert (done.done, account_of(portal, case).status) == (1, "deleted")
    again = delete(portal, case, operator, key="once")
    assert (again.again, again.batch) == (True, done.batch)


def test_the_plan_says_what_the_code_is_for(portal: Portal, student: int, operator: Operator) -> None:
    case = challenge(portal, student)
    plan = portal.plan("challenges", "delete", case, by=operator, **GROUND)
    assert (plan.step_up, plan.digest) == (True, needed(portal, case, operator))
    assert not portal.plan("challenges", "ignore", case, by=operator, reason="x").step_up


def test_a_code_opens_no_other_parameter(
    portal: Portal,
    student: int,
    operator: Operator,
) -> None:
    """VULNERABILITY: a code that is for a kind of action opens every action of that kind.

    ATTACK: have the code given for one deletion, and carry out one that differs in a single parameter.
    VERIFIES: the digest that the code was given for covers every parameter.
    """
    case = challenge(portal, student)
    portal.office.step_up(operator, needed(portal, case, operator), next_code(portal))
    for name, value in {"reference": "Case 26-115", "reason": "x", "message": "x", "basis": "statute"}.items():
        needed(portal, case, operator, **{name: value})
    assert account_of(portal, case).status == "active"
    assert delete(portal, case, operator).done == 1


def test_a_code_opens_no_other_case_no_other_session_and_nothing_twice(
    portal: Portal, student: int, operator: Operator
) -> None:
    """VULNERABILITY: a code that was given stays behind and can be picked up.

    ATTACK: use it for another case, from another sign-in of the same operator, from another operator, and a second time.
    VERIFIES: it is bound to the case and the session, and used up in the transaction that it opens.
    """
    case, another = challenge(portal, student), challenge(portal, student)
    elsewhere = sit(portal, portal.operator())
    colleague = sit(portal, portal.hire("lee", "district_administrator"))
    portal.office.step_up(operator, needed(portal, case, operator), next_code(portal))
    needed(portal, another, operator)
    needed(portal, case, elsewhere)
    needed(portal, case, colleague)
    batch = delete(portal, case, operator).batch
    assert batch
    assert portal.undo(batch, operator).done == 1
    needed(portal, case, operator)


@on_sqlite
@pytest.mark.parametrize(("later", "counts"), [(299, True), (300, False)])
def test_a_code_lasts_five_minutes(portal: Portal, student: int, operator: Operator, later: int, counts: bool) -> None:
    case = challenge(portal, student)
    portal.office.step_up(operator, needed(portal, case, operator), next_code(portal))
    portal.clock.advance(timedelta(seconds=later))
    if counts:
        assert delete(portal, case, operator).done == 1
    else:
        needed(portal, case, operator)


def test_a_decision_that_fails_keeps_its_code(
    portal: Portal, student: int, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = challenge(portal, student)
    portal.office.step_up(operator, needed(portal, case, operator), next_code(portal))
    with monkeypatch.context() as broken:
        broken.setattr("console.deciding.conclude", lambda *_, **__: (_ for _ in ()).throw(Refused("no")))
        with pytest.raises(Refused, match="no"):
            delete(portal, case, operator)
    assert delete(portal, case, operator).done == 1


def test_a_wrong_code_is_on_record_and_makes_the_next_one_wait(
    portal: Portal, student: int, operator: Operator
) -> None:
    """VULNERABILITY: six digits are a million guesses, and a stolen session has hours for them.

    ATTACK: guess.
    VERIFIES: each wrong code doubles the wait, also for the right one, and every one is on the ledger.
    """
    case = challenge(portal, student)
    digest = needed(portal, case, operator)
    right = next_code(portal)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for wait in (1, 2, 4):
        with pytest.raises(Refused, match="does not count"):
            portal.office.step_up(operator, digest, wrong)
        with pytest.raises(Refused, match="Wait"):
            portal.office.step_up(operator, digest, right)
        portal.clock.advance(timedelta(seconds=wait))
    assert actions(portal) == ["operators.refuse"] * 3
    portal.office.step_up(operator, digest, right)
    assert delete(portal, case, operator).done == 1


def test_the_same_code_from_two_consoles_at_once_counts_in_one(
    portal: Portal, student: int, operator: Operator
) -> None:
    """VULNERABILITY: two transactions that read the last step before either writes both find the code new.

    ATTACK: give one code at two consoles of one operator at the same moment, for two actions.
    VERIFIES: one counts, one is refused, and one account is deleted.
    """
    cases = [challenge(portal, student) for _ in range(2)]
    consoles = [operator, sit(portal, portal.operator())]
    digests = [needed(portal, case, by) for case, by in zip(cases, consoles, strict=True)]
    code = next_code(portal)
    given_at_once = at_once(
        [
            lambda by=by, digest=digest: portal.office.step_up(by, digest, code)  # type: ignore[misc]
            for by, digest in zip(consoles, digests, strict=True)
        ]
    )
    assert sum(isinstance(each, ConsoleError) for each in given_at_once) == 1, given_at_once
    opened = 0
    for case, by in zip(cases, consoles, strict=True):
        try:
            opened += delete(portal, case, by).done
        except CodeNeeded:
            continue
    assert opened == 1


def test_one_code_opens_one_of_two_calls_at_once(portal: Portal, student: int, operator: Operator) -> None:
    """VULNERABILITY: a code that is read, then deleted, opens both of two calls that come in between.

    ATTACK: make the call that it was given for twice at once, under two keys.
    VERIFIES: one batch, and the other call asks for a code or finds nothing to do.
    """
    case = challenge(portal, student)
    portal.office.step_up(operator, needed(portal, case, operator), next_code(portal))
    at_once([lambda key=key: delete(portal, case, operator, key=key) for key in ("a", "b")])  # type: ignore[misc]
    assert actions(portal).count("challenges.delete") == 1


@on_sqlite
def test_a_program_has_no_code(portal: Portal, student: int) -> None:
    program = Operator(99, "cron", Role.INTAKE, unattended=True)
    with pytest.raises(CodeNeeded, match="a program has none"):
        portal.office.step_up(program, b"x" * 32, "123456")
    with portal.office.reading() as connection, pytest.raises(CodeNeeded, match="a program has none"):
        portal.office.assurance.spend(connection, program, b"x" * 32, portal.clock.now())


def test_a_reveal_asks_for_a_code_before_it_is_recorded(portal: Portal, student: int, operator: Operator) -> None:
    students = desk("students")
    reveal, params = students.disclosure("reveal"), Params(reason="a call from the clinic")

    def shown_for(case: int) -> Any:
        return portal.office.disclose(operator, students, reveal, case, params, f"reveal {case}")

    with pytest.raises(CodeNeeded) as asked:
        shown_for(student)
    assert actions(portal) == []
    portal.office.step_up(operator, asked.value.digest, next_code(portal))
    other = portal.student("Ada", "Berg", school=portal.one(t.student, student).school_id)
    with pytest.raises(CodeNeeded):
        shown_for(other)
    assert "Kim Vale" in shown_for(student).text
    assert "Kim Vale" in shown_for(student).text
    assert actions(portal) == ["students.reveal"]


def test_many_cases_ask_for_a_code_and_so_does_taking_them_back(
    portal: Portal, student: int, operator: Operator
) -> None:
    school = portal.one(t.student, student).school_id
    object.__setattr__(portal.settings.signin, "step_up_cases", 2)
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    assert portal.decide("registrations", "approve", cases[0], by=operator).done == 1
    portal.registration(portal.student(school=school))
    with pytest.raises(CodeNeeded) as asked:
        portal.decide("registrations", "approve", where="state:submitted", by=operator)
    portal.office.step_up(operator, asked.value.digest, next_code(portal))
    done = portal.decide("registrations", "approve", where="state:submitted", by=operator)
    assert done.done == 3
    with pytest.raises(CodeNeeded) as taking:
        portal.undo(str(done.batch), operator)
    portal.office.step_up(operator, taking.value.digest, next_code(portal))
    assert portal.undo(str(done.batch), operator).done == 3


@on_sqlite
def test_names_in_an_export_ask_for_a_code(portal: Portal, student: int, operator: Operator, tmp_path: Path) -> None:
    portal.decide("registrations", "approve", portal.registration(student), by=operator)

    def export(**how: Any) -> Any:
        return portal.office.export(operator, Wanted("csv", tmp_path / "report.zip", force=True, **how), "key")

    for how in ({"names": True}, {"reasons": True}):
        with pytest.raises(CodeNeeded):
            export(**how)
    with pytest.raises(CodeNeeded) as asked:
        export(names=True, party="the county")
    assert not (tmp_path / "report.zip").exists()
    portal.office.step_up(operator, asked.value.digest, next_code(portal))
    with pytest.raises(CodeNeeded):
        export(names=True, party="somebody else")
    assert export(names=True, party="the county").count == 1


def grant(portal: Portal, student: int, **values: Any) -> int:
    school = portal.one(t.student, student).school_id
    portal.change(t.school, school, asp=True)
    tutor = portal.account(f"tutor{portal.number('tutor')}", "asp")
    return portal.add(
        t.access_grant,
        **{
            "ref": f"grant-{portal.number('grant')}",
            "account_id": tutor,
            "student_id": student,
            "school_id": school,
            "arrived_at": portal.clock.now(),
            "begins": portal.today,
            "state": "requested",
            "purpose": "homework",
            **values,
        },
    )


def test_a_long_grant_asks_for_a_code_and_two_short_ones_in_a_row_are_long(
    portal: Portal, student: int, operator: Operator
) -> None:
    """VULNERABILITY: a limit that looks at one decision is passed by two.

    ATTACK: approve for as long as asks for no code, then extend by as much again.
    VERIFIES: the whole grant is measured.
    """
    case = grant(portal, student)
    last = portal.today + timedelta(days=119)
    with pytest.raises(CodeNeeded):
        portal.decide("grants", "approve", case, by=operator, until=str(last + timedelta(days=1)))
    assert portal.decide("grants", "approve", case, by=operator, until=str(last)).done == 1
    portal.clock.advance(timedelta(minutes=1))
    with pytest.raises(CodeNeeded):
        portal.decide("grants", "extend", case, by=operator, until=str(last + timedelta(days=60)))


TEXT = st.text(max_size=8)
SELECTIONS = st.one_of(
    st.builds(Selection, ids=st.lists(st.integers(1, 5), max_size=3).map(tuple)),
    st.builds(
        Selection,
        where=TEXT,
        but=st.lists(st.integers(1, 3), max_size=2).map(tuple),
        watermark=st.none() | st.integers(0, 3),
    ),
)
PARAMS = st.builds(
    Suspending,
    reason=TEXT,
    message=TEXT,
    basis=st.sampled_from(Basis),
    reference=TEXT,
    order_date=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3)),
    until=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3)),
    account=st.booleans(),
)
CALLS = st.builds(
    lambda name, selection, params: Call(desk("challenges"), desk("challenges").decision(name), selection, params, ""),
    st.sampled_from(["suspend", "delete"]),
    SELECTIONS,
    PARAMS,
)


@given(CALLS, CALLS, TEXT)
@settings(max_examples=300)
def test_two_calls_have_one_digest_only_if_they_are_one_call(one: Call, two: Call, key: str) -> None:
    same = (one.decision.name, one.selection, one.params) == (two.decision.name, two.selection, two.params)
    assert (one.digest() == two.digest()) == same
    assert Call(one.desk, one.decision, one.selection, one.params, key).digest() == one.digest()


@on_sqlite
async def test_the_dialog_asks_for_the_code_and_keeps_its_place_when_it_is_wrong(
    portal: Portal, student: int, operator: Operator
) -> None:
    case = challenge(portal, student)
    app = ConsoleApp(portal.office, operator, desk="challenges")
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "D", "right", "tab")
        await write(pilot, "Case 26-114")
        for _ in range(3):
            await press(pilot, "tab")
        await write(pilot, "The court ended all contact.")
        await settle(pilot)
        assert "It asks for a code of your second factor, for this alone." in shown(app)
        assert "Code *" in shown(app)
        app.screen.set_focus(app.screen.answer)  # type: ignore[attr-defined]
        await press(pilot, "y")
        assert "Type a code" in shown(app)
        await write(pilot, "000000" if next_code(portal) != "000000" else "000001")
        await press(pilot, "enter")
        await until(pilot, "That code does not count")
        assert isinstance(app.screen, DecideDialog)
        assert account_of(portal, case).status == "active"
        await write(pilot, next_code(portal))
        await press(pilot, "enter")
        await until(pilot, "done for 1 challenge")
    assert account_of(portal, case).status == "deleted"


@on_sqlite
def test_the_line_mode_takes_a_code_and_says_when_there_is_none(
    portal: Portal, student: int, operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in signed_in(portal.settings, operator.name, now=portal.clock.now()).items():
        monkeypatch.setenv(name, value)
    case = challenge(portal, student)
    line = LineMode(portal, write_settings(portal, tmp_path))
    words = ("challenges", "delete", "--ids", case, *(f"--{name}={value}" for name, value in GROUND.items()))
    preview = line.run(*words, "--preview", "--format", "json")
    assert preview.json["requires"] == ["reason", "code"]
    refused = line.run(*words)
    assert refused.code == 1
    assert "asks for a code" in refused.sentence
    assert "Add --code." in refused.sentence
    wrong = line.run(*words, "--code", "12345")
    assert (wrong.code, account_of(portal, case).status) == (1, "active")
    done = line.run(*words, "--code", next_code(portal), "--format", "json")
    assert (done.code, done.json["done"], done.json["request"]) == (0, 1, None)


@on_sqlite
def test_codes_that_nobody_used_are_not_kept(portal: Portal, student: int, operator: Operator) -> None:
    case = challenge(portal, student)
    portal.office.step_up(operator, needed(portal, case, operator), next_code(portal))
    portal.clock.advance(timedelta(minutes=6))
    portal.office.step_up(operator, b"another action", next_code(portal))
    assert [bytes(row[0]) for row in portal.all(sa.select(t.step_up.c.digest))] == [b"another action"]
