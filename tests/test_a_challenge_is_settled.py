"""A challenge is settled by whoever may, on a ground that holds, once; both sides are told no more than their part."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.browse import Order
from console.clock import add_school_days
from console.desks import desk
from console.errors import Refused, Usage
from console.ledger.log import decode
from console.notices.rendering import render
from console.wiring import open_office
from models import tables as t
from tests.portals import Portal
from tests.vouching import Unasked

if TYPE_CHECKING:
    from pathlib import Path

    from console.selection import Receipt

LIVE = ("open", "waiting", "appealed")
NOT_APPROVED = (
    "the parent was approved: it needs a court order, statute, binding document, fraud, duplicate or own request"
)
DAY = timedelta(days=1)


@pytest.fixture
def school(portal: Portal) -> int:
    return portal.school(hold_policy="limited")


def challenge(portal: Portal, student: int, *, status: str = "approved", tie: int | None = None, **values: Any) -> int:
    """An open challenge by the student's mother against an uncle's tie of this status."""
    n = portal.number("challenge")
    account = portal.one(t.membership, tie).account_id if tie else portal.account(f"uncle{n}", given="Ul", family="Eck")
    if tie is None:
        verified = {"verified_at": portal.clock.now()} if status == "approved" else {}
        tie = portal.membership(account, student, status, relation="uncle", **verified)
    challenger = values.pop("challenger", None)
    if challenger is None:
        challenger = portal.account(f"mother{n}", given="Morgana", family="Quill")
        portal.membership(challenger, student, relation="mother")
    closed = portal.settings.portal.closed_days
    return portal.add(
        t.challenge,
        **{
            "ref": f"challenge-{n}",
            "arrived_at": portal.clock.now() - DAY,
            "membership_id": tie,
            "account_id": account,
            "student_id": student,
            "school_id": portal.one(t.student, student).school_id,
            "challenger_id": challenger,
            "statement": "Nobody here knows this man.\nPlease take him out.",
            "answer_due": portal.today,
            "decision_due": add_school_days(portal.today, 4, closed),
            **values,
        },
    )


@pytest.fixture
def student(portal: Portal, school: int) -> int:
    return portal.student("Kim", "Vale", school=school)


def settle(portal: Portal, decision: str, *cases: int, **typed: Any) -> Receipt:
    needed: dict[str, dict[str, str]] = {
        "suspend": {"basis": "fraud"},
        "delete": {"basis": "duplicate"},
        "ask": {"recipients": "both", "message": "Who is he?"},
        "reassign": {"to": "lee"},
    }
    return portal.decide(
        "challenges", decision, *cases, **{"reason": "looked into", **needed.get(decision, {}), **typed}
    )


def why(receipt: Receipt) -> str | None:
    return receipt.skipped[0].why if receipt.skipped else None


def state(portal: Portal, case: int) -> str:
    return portal.office.case(portal.operator(), desk("challenges"), case).state


def tie_of(portal: Portal, case: int) -> Any:
    return portal.one(t.membership, portal.one(t.challenge, case).membership_id)


def account_of(portal: Portal, case: int) -> Any:
    return portal.one(t.account, portal.one(t.challenge, case).account_id)


# ── states and decisions ────────────────────────────────────────────────────────────────────────────────────────────

ROADS: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "open": (),
    "waiting": (("ask", {}),),
    "decided": (("suspend", {}),),
    "appealed": (("ignore", {}), ("appeal", {})),
    "closed": (("ignore", {}),),
}
"""How a case comes into each state."""

ALLOWED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("claim", "suspend", "delete", "ignore", "ask", "reassign"), LIVE),
    "reinstate": ("decided",),
    "appeal": ("decided", "closed"),
}
BECOMES = {
    "suspend": "decided",
    "delete": "decided",
    "ignore": "closed",
    "ask": "waiting",
    "reinstate": "closed",
    "appeal": "appealed",
}


def snapshot(portal: Portal) -> list[list[Any]]:
    """Everything a decision about a challenge may change, without the versions, which only grow."""
    tables = (t.challenge, t.membership, t.account)
    return [
        portal.all(sa.select(*(c for c in table.c if c.name != "version")).order_by(table.c.id)) for table in tables
    ]


def test_every_decision_in_every_state_is_taken_or_says_exactly_why_not(
    portal: Portal, school: int, student: int
) -> None:
    """The matrix, whole; what is taken is also undone, to the last column."""
    mother = portal.account("mother", given="Morgana", family="Quill")
    portal.hire("lee", "help_desk", (school,))
    names = [each.name for each in desk("challenges").decisions]
    assert set(names) == ALLOWED.keys()
    for start, decision in product(ROADS, names):
        case = challenge(portal, student, challenger=mother)
        for step, typed in ROADS[start]:
            assert settle(portal, step, case, **typed).done == 1
        expected = None if start in ALLOWED[decision] else f"it is {start}"
        if (start, decision) == ("appealed", "reinstate"):
            expected = "this case suspended nothing"
        view = portal.office.case(portal.operator(), desk("challenges"), case)
        assert view.state == start
        before = snapshot(portal)
        receipt = settle(portal, decision, case)
        assert (start, decision, view.decisions[decision], why(receipt), receipt.done) == (
            *(start, decision, expected, expected),
            int(expected is None),
        )
        if expected is None:
            assert state(portal, case) == BECOMES.get(decision, start)
            assert receipt.batch is not None
            assert portal.undo(receipt.batch).done == 1
        assert snapshot(portal) == before


def test_waiting_counts_as_open_again_from_its_day(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    settle(portal, "ask", case, until="+3d")
    assert listed(portal, "state:waiting") == [case]
    assert listed(portal, "state:open") == []
    portal.clock.advance(3 * DAY)
    assert state(portal, case) == "open"
    assert listed(portal, "state:open") == [case]
    assert listed(portal, "state:waiting") == []
    assert settle(portal, "ask", case).done == 1, "it may wait once more"


def test_an_appeal_that_is_ignored_leaves_the_decision_standing(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    settle(portal, "suspend", case)
    due = portal.one(t.challenge, case).decision_due
    portal.clock.advance(14 * DAY)
    settle(portal, "appeal", case)
    assert portal.one(t.challenge, case).decision_due > due, "the clock starts again"
    assert why(settle(portal, "suspend", case)) == "the tie is suspended already"
    settle(portal, "ignore", case)
    row = portal.one(t.challenge, case)
    assert (row.state, row.outcome) == ("decided", "suspended")
    assert tie_of(portal, case).status == "suspended"
    assert settle(portal, "reinstate", case).done == 1
    assert tie_of(portal, case).status == "approved"


# ── what becomes of the tie ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_suspension_closes_at_once_and_ends_by_itself(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    account = account_of(portal, case).id
    assert portal.sees(account, student) == {"published"}, "held: limited"
    settle(portal, "suspend", case, until="+14d")
    assert portal.sees(account, student) == set()
    assert portal.sees(account, student, portal.today + 13 * DAY) == set()
    assert "grades" in portal.sees(account, student, portal.today + 14 * DAY)


def test_a_suspension_ends_with_its_order(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    order = {"basis": "court_order", "reference": "24-FL-118", "order_expires": "2027-03-01"}
    with pytest.raises(Usage, match="later than --order-expires"):
        settle(portal, "suspend", case, until="2027-03-02", **order)
    settle(portal, "suspend", case, **order)
    assert tie_of(portal, case).suspended_until == date(2027, 3, 1)


def test_reinstating_gives_back_exactly_what_was(portal: Portal, student: int) -> None:
    for status, sees in (("approved", "grades"), ("limited", "published")):
        case = challenge(portal, student, status=status)
        settle(portal, "suspend", case)
        portal.clock.advance(DAY)
        settle(portal, "reinstate", case)
        tie = tie_of(portal, case)
        assert (tie.status, tie.resumes_as, tie.suspended_until, tie.since) == (status, None, None, portal.today)
        assert sees in portal.sees(tie.account_id, student)
        row = portal.one(t.challenge, case)
        assert (row.state, row.outcome) == ("closed", "reinstated")


def test_suspending_the_account_closes_every_student_and_reinstating_opens_them(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    account = account_of(portal, case).id
    sibling = portal.student("Sol", "Vale", school=portal.one(t.student, student).school_id)
    portal.membership(account, sibling)
    assert "grades" in portal.sees(account, sibling)
    settle(portal, "suspend", case, account="yes")
    assert tie_of(portal, case).status == "approved", "the ties are as they were"
    assert (portal.sees(account, student), portal.sees(account, sibling)) == (set(), set())
    settle(portal, "reinstate", case)
    assert account_of(portal, case).status == "active"
    assert "grades" in portal.sees(account, sibling)


def test_reinstating_one_case_leaves_what_another_suspended(portal: Portal, student: int) -> None:
    first = challenge(portal, student)
    second = challenge(portal, student, tie=tie_of(portal, first).id)
    settle(portal, "suspend", first)
    settle(portal, "suspend", second, account="yes")
    settle(portal, "reinstate", first)
    assert (tie_of(portal, first).status, account_of(portal, first).status) == ("approved", "suspended")
    assert why(settle(portal, "reinstate", first)) == "it is closed"
    settle(portal, "reinstate", second)
    assert account_of(portal, first).status == "active"


def test_a_suspension_that_ended_by_itself_is_none(portal: Portal, student: int) -> None:
    """Nobody writes the end of a suspension down, and still the tie can be suspended again, as what it was before."""
    for typed, said in (({}, "the tie is suspended already"), ({"account": "yes"}, "the account is suspended already")):
        first = challenge(portal, student)
        settle(portal, "suspend", first, until="+7d", **typed)
        second = challenge(portal, student, tie=tie_of(portal, first).id)
        assert why(settle(portal, "suspend", second, **typed)) == said
        portal.clock.advance(7 * DAY)
        assert portal.sees(account_of(portal, first).id, student) == {"published"}
        assert settle(portal, "suspend", second, **typed).done == 1
        assert portal.sees(account_of(portal, first).id, student) == set()
        assert why(settle(portal, "reinstate", first)) == "a later challenge suspended it again: reinstate there"
        assert settle(portal, "reinstate", second).done == 1
        assert (tie_of(portal, first).status, account_of(portal, first).status) == ("approved", "active")


def test_deleting_is_soft_and_undone_while_it_lasts(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    account = account_of(portal, case).id
    done = settle(portal, "delete", case)
    row = account_of(portal, case)
    assert (row.status, row.deleted_at) == ("deleted", portal.clock.now())
    assert portal.sees(account, student) == set()
    assert portal.all(sa.text(f"SELECT id FROM portal_account WHERE id = {account}")) == []
    assert why(settle(portal, "suspend", challenge(portal, student, tie=tie_of(portal, case).id))) == (
        "the account is deleted"
    )
    assert done.batch is not None
    portal.undo(done.batch)
    assert portal.sees(account, student) == {"published"}


def test_ignoring_ends_the_hold_and_approves_nothing(portal: Portal, student: int) -> None:
    approved, pending = challenge(portal, student), challenge(portal, student, status="pending")
    assert portal.plan("challenges", "ignore", approved, pending, reason="x").opens == 1
    assert settle(portal, "ignore", approved, pending).done == 2
    assert "grades" in portal.sees(account_of(portal, approved).id, student)
    assert tie_of(portal, pending).status == "pending"


# ── on what ground ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("decision", ["suspend", "delete"])
def test_an_approved_parent_is_closed_on_a_ground_only(portal: Portal, student: int, decision: str) -> None:
    """34 CFR 99.4: either parent has full rights unless an order, a statute or a binding document says otherwise."""
    with pytest.raises(Usage, match="--basis is missing"):
        portal.decide("challenges", decision, challenge(portal, student), reason="x")
    for basis in ("court_order", "statute", "binding_document"):
        with pytest.raises(Usage, match="needs its reference"):
            settle(portal, decision, challenge(portal, student), basis=basis)
        assert settle(portal, decision, challenge(portal, student), basis=basis, reference="24-FL-118").done == 1
    for basis in ("fraud", "duplicate", "own_request"):
        assert settle(portal, decision, challenge(portal, student), basis=basis).done == 1
    assert why(settle(portal, decision, challenge(portal, student), basis="not_verified")) == NOT_APPROVED


TIES: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"status": "limited"}, True),
    ({"status": "pending"}, True),
    ({"status": "suspended", "resumes_as": "limited"}, True),
    ({"status": "suspended", "resumes_as": "approved"}, False),
    ({"status": "suspended", "resumes_as": None}, False),
    ({"status": "limited", "verified": True}, False),
    ({"status": "approved"}, False),
)
"""A tie, and whether `not_verified` is a ground against it."""


def test_not_verified_is_a_ground_against_nobody_who_ever_was(portal: Portal, student: int) -> None:
    for decision, (tie, founded) in product(("suspend", "delete"), TIES):
        case = challenge(portal, student, status=tie["status"])
        verified = portal.clock.now() if tie.get("verified") else None
        portal.change(t.membership, tie_of(portal, case).id, resumes_as=tie.get("resumes_as"), verified_at=verified)
        expected = None if founded else NOT_APPROVED
        if decision == "suspend" and tie["status"] == "suspended":
            expected = "the tie is suspended already"
        assert why(settle(portal, decision, case, basis="not_verified")) == expected, (decision, tie)


def test_an_account_that_is_approved_elsewhere_is_verified(portal: Portal, student: int, school: int) -> None:
    case = challenge(portal, student, status="limited")
    portal.membership(account_of(portal, case).id, portal.student(school=school))
    elsewhere = "the account is approved for another student: not_verified is no ground"
    assert why(settle(portal, "delete", case, basis="not_verified")) == elsewhere
    assert why(settle(portal, "suspend", case, basis="not_verified", account="yes")) == elsewhere
    assert settle(portal, "suspend", case, basis="not_verified").done == 1, "the one tie may go"


def test_dates_that_cannot_be_are_refused(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    for typed, said in (
        ({"order_date": "2027-01-01"}, "still to come"),
        ({"order_expires": "2026-11-20"}, "no ground"),
        ({"until": "today"}, "not after today"),
    ):
        with pytest.raises(Usage, match=said):
            settle(portal, "suspend", case, **typed)
    with pytest.raises(Usage, match="not after today"):
        settle(portal, "ask", case, until="today")
    assert portal.office.size() == 0


def test_the_reference_and_the_reason_are_not_in_the_record(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    done = settle(portal, "suspend", case, basis="court_order", reference="24-FL-118", reason="as the mother says")
    ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == done.batch))
    record = decode(body)
    assert (record.from_state, record.to_state, record.params["basis"]) == ("open", "decided", "court_order")
    assert "24-FL-118" not in body
    assert "mother" not in body


# ── who may ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_help_desk_suspends_and_does_not_delete(portal: Portal, student: int) -> None:
    lee = portal.hire("lee", "help_desk")
    case = challenge(portal, student)
    with pytest.raises(Refused, match=r"challenges\.delete"):
        settle(portal, "delete", case, by=lee)
    assert portal.office.case(lee, desk("challenges"), case).decisions["delete"] == "your role does not have this right"
    assert settle(portal, "suspend", case, by=lee).done == 1


def test_who_only_looks_after_privacy_decides_nothing_here(portal: Portal, student: int) -> None:
    officer = portal.hire("kai", "privacy_officer")
    case = challenge(portal, student)
    view = portal.office.case(officer, desk("challenges"), case)
    assert set(view.decisions.values()) == {"your role does not have this right"}


def test_what_reaches_other_schools_is_not_decided_by_one_of_them(portal: Portal, student: int, school: int) -> None:
    principal = portal.hire("lee", "school_administrator", (school,))
    case = challenge(portal, student)
    portal.membership(account_of(portal, case).id, portal.student(school=portal.school("Mission")))
    beyond = "the account reaches beyond your schools: the district decides"
    assert why(settle(portal, "delete", case, by=principal)) == beyond
    assert why(settle(portal, "suspend", case, by=principal, account="yes")) == beyond
    view = portal.office.case(principal, desk("challenges"), case)
    assert "Other ties of the challenged" not in {part.title for part in view.parts}
    assert settle(portal, "suspend", case, by=principal).done == 1
    assert settle(portal, "delete", challenge(portal, student), by=principal).done == 1


def test_only_what_closes_nothing_is_decided_in_bulk(portal: Portal, student: int) -> None:
    cases = [challenge(portal, student) for _ in range(3)]
    portal.hire("lee", "help_desk")
    for decision in ("suspend", "delete", "ask", "reinstate", "appeal"):
        with pytest.raises(Usage, match="one challenge at a time"):
            settle(portal, decision, *cases)
    assert settle(portal, "claim", *cases).done == 3
    assert settle(portal, "reassign", *cases).done == 3
    portal.decide("challenges", "reassign", *cases, to="administrator")
    assert settle(portal, "ignore", *cases).done == 3


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_keeps_others_away_until_it_expires(portal: Portal, student: int) -> None:
    lee = portal.hire("lee", "help_desk")
    case = challenge(portal, student)
    settle(portal, "claim", case, by=lee)
    for decision in ("claim", "suspend", "delete", "ignore", "ask"):
        assert why(settle(portal, decision, case)) == "it is claimed by somebody else"
    assert settle(portal, "claim", case, by=lee).done == 1, "one's own claim is renewed"
    portal.clock.advance(timedelta(minutes=portal.settings.policy.claim_minutes))
    assert settle(portal, "claim", case).done == 1
    assert portal.one(t.challenge, case).owner_id == portal.operator().id
    assert why(settle(portal, "suspend", case, by=lee)) == "it is claimed by somebody else"


def test_a_case_is_handed_to_somebody_who_can_settle_it(portal: Portal, student: int, school: int) -> None:
    case = challenge(portal, student)
    portal.hire("kai", "privacy_officer")
    portal.hire("max", "help_desk", (portal.school("Mission"),))
    lee = portal.hire("Lee", "help_desk", (school,))
    refused = {
        "nobody": "there is no such operator",
        "intake": "there is no such operator",
        "kai": "that operator may not work on challenges",
        "max": "that operator is of another school",
    }
    for name, said in refused.items():
        assert why(settle(portal, "reassign", case, to=name)) == said
    assert settle(portal, "reassign", case, to=" lee ").done == 1
    assert why(settle(portal, "reassign", case)) == "that operator has it already"
    portal.clock.advance(30 * DAY)
    assert why(settle(portal, "ignore", case)) == "it is claimed by somebody else", "until it is settled"
    assert why(settle(portal, "claim", case, by=lee)) == "it is yours already"
    assert settle(portal, "ignore", case, by=lee).done == 1


def test_of_two_who_settle_at_once_one_wins_and_the_other_is_told(portal: Portal, student: int, tmp_path: Path) -> None:
    """Two consoles, each with its own office, on the same case in the same moment."""
    cases = [challenge(portal, student) for _ in range(4)]
    other = Portal(open_office(portal.settings, clock=portal.clock, assurance=Unasked()), portal.settings, portal.clock)
    lee = portal.hire("lee", "help_desk")
    for case in cases:
        gate, receipts = threading.Barrier(2), {}

        def race(who: Portal, decision: str, case: int = case, gate: Any = gate, receipts: Any = receipts) -> None:
            gate.wait()
            receipts[decision] = settle(
                who, decision, case, by=None if who is portal else lee, key=f"{decision} {case}"
            )

        threads = [threading.Thread(target=race, args=pair) for pair in ((portal, "suspend"), (other, "ignore"))]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        (loser,) = [name for name, receipt in receipts.items() if not receipt.done]
        became = {"ignore": "decided", "suspend": "closed"}[loser]
        assert why(receipts[loser]) in (f"it is {became}", "somebody was faster")
        assert portal.one(t.challenge, case).state == became
    assert portal.office.size() == len(cases)
    other.office.engine.dispose()


# ── what is told ────────────────────────────────────────────────────────────────────────────────────────────────────


def letters(portal: Portal, batch: str | None) -> dict[int, str]:
    """What each account reads because of this batch."""
    with portal.office.reading() as connection:
        rows = connection.execute(sa.select(t.notice).where(t.notice.c.batch == batch)).all()
        return {
            row.account_id: f"{letter.subject}\n{letter.text}"
            for row in rows
            for letter in [render(connection, portal.settings, portal.office.vault, row)]
        }


def test_the_challenged_never_reads_who_challenged_nor_why_it_was_decided(portal: Portal, student: int) -> None:
    for decision, template in (("suspend", "challenge-suspended"), ("delete", "challenge-deleted")):
        case = challenge(portal, student)
        done = settle(portal, decision, case, reason="Morgana Quill brought the papers", message="Come to the office.")
        assert done.notices == 1
        ((named, account),) = portal.all(
            sa.select(t.notice.c.template, t.notice.c.account_id).where(t.notice.c.batch == done.batch)
        )
        assert (named, account) == (template, account_of(portal, case).id)
        (text,) = letters(portal, done.batch).values()
        assert "Come to the office." in text
        assert not {"Morgana", "Quill", "brought", "mother"} & set(text.replace(",", " ").split())


def test_an_ignored_challenge_is_told_to_the_challenger_alone(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    done = settle(portal, "ignore", case)
    assert letters(portal, done.batch).keys() == {portal.one(t.challenge, case).challenger_id}


def test_a_question_goes_to_whom_it_is_for(portal: Portal, student: int) -> None:
    for recipients in ("challenger", "challenged", "both"):
        case = challenge(portal, student)
        row = portal.one(t.challenge, case)
        done = settle(portal, "ask", case, recipients=recipients, message="Who lives\nwith Kim?")
        sides = {"challenger": {row.challenger_id}, "challenged": {row.account_id}}
        told = letters(portal, done.batch)
        assert told.keys() == sides.get(recipients, {row.challenger_id, row.account_id})
        assert all("Who lives\nwith Kim?" in text for text in told.values())
        assert "Morgana" not in told.get(row.account_id, "")
        assert portal.one(t.challenge, case).answered_at == portal.clock.now()
        view = portal.office.case(portal.operator(), desk("challenges"), case)
        assert [entry.text[1:] for entry in view.thread] == [("Who lives", "with Kim?")]


def test_a_question_that_is_taken_back_was_never_asked(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    done = settle(portal, "ask", case)
    days = portal.settings.policy.decision_days
    assert portal.one(t.challenge, case).waiting_until == add_school_days(portal.today, days, frozenset())
    portal.undo(done.batch or "")
    assert portal.all(sa.select(t.notice.c.state).distinct()) == [("withdrawn",)]
    assert portal.all(sa.select(t.deadline.c.withdrawn)) == [(True,)]
    assert portal.office.case(portal.operator(), desk("challenges"), case).thread == ()
    assert portal.one(t.challenge, case).answered_at is None


def test_the_first_answer_is_given_once(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    settle(portal, "ask", case)
    first = portal.one(t.challenge, case).answered_at
    portal.clock.advance(DAY)
    settle(portal, "ignore", case)
    assert portal.one(t.challenge, case).answered_at == first


# ── the queue and the facts ─────────────────────────────────────────────────────────────────────────────────────────


def listed(portal: Portal, where: str, order: str = "id", by: Any = None) -> list[int]:
    return [
        row.id
        for row in portal.office.queue(by or portal.operator(), desk("challenges"), where, Order(order)).first(50)
    ]


def test_the_clock_counts_school_days_and_says_them_in_words(portal: Portal, student: int) -> None:
    """Today is a Friday: Monday is the next school day."""
    friday = portal.today
    said = {
        friday - 7 * DAY: "answer 5 days over",
        friday - 1 * DAY: "answer 1 day over",
        friday: "answer due today",
        friday + 3 * DAY: "answer in 1 day",
        friday + 7 * DAY: "answer in 5 days",
    }
    cases = {challenge(portal, student, answer_due=due): text for due, text in said.items()}
    rows = list(portal.office.queue(portal.operator(), desk("challenges"), "state:open").records())
    assert {row["id"]: row["due"] for row in rows} == cases
    late, later, today, soon, far = cases
    assert listed(portal, "due:over") == [late, later]
    assert listed(portal, "due:today") == [today]
    assert listed(portal, "due:soon") == [soon]
    assert listed(portal, "due:today,soon") == [today, soon]
    settle(portal, "ask", today)
    assert listed(portal, "due:today") == []
    settle(portal, "ignore", late)
    assert listed(portal, "due:over") == [later]
    (row,) = portal.office.queue(portal.operator(), desk("challenges"), "state:waiting").records()
    assert row["due"] == "until 2026-11-27"
    assert far in listed(portal, "state:open")


def test_the_queue_is_in_the_order_of_what_is_due(portal: Portal, student: int) -> None:
    days = (5, 1, 3)
    cases = [challenge(portal, student, decision_due=portal.today + n * DAY) for n in days]
    found = [row.id for row in portal.office.queue(portal.operator(), desk("challenges")).first(9)]
    assert found == [case for _, case in sorted(zip(days, cases, strict=True))]


def test_filters_find_by_state_school_owner_age_and_people(portal: Portal, student: int) -> None:
    mission = portal.school("Mission")
    first, second = challenge(portal, student), challenge(portal, portal.student(school=mission))
    old = challenge(portal, student, arrived_at=portal.clock.now() - 9 * DAY)
    portal.hire("lee", "help_desk")
    settle(portal, "claim", first)
    settle(portal, "reassign", second, to="lee")
    assert listed(portal, "owner:me") == [first]
    assert listed(portal, "owner:lee") == [second]
    assert listed(portal, "owner:none") == [old]
    assert listed(portal, "school:mission") == [second]
    assert listed(portal, "older:5d") == [old]
    assert listed(portal, "newer:5d") == [first, second]
    assert listed(portal, f"student:{student}") == [first, old]
    assert listed(portal, f"account:{account_of(portal, second).id}") == [second]
    assert listed(portal, "eck") == [first, second, old]
    assert listed(portal, "quill") == [], "the challenger is not found by name"
    for column in desk("challenges").columns:
        if column.sortable:
            assert len(listed(portal, "", column.name)) == 3


def test_a_masked_student_stays_masked_in_queue_search_and_facts(portal: Portal, school: int) -> None:
    hidden = portal.student("Kim", "Vale", school=school, mask="initial")
    sealed = portal.student("", "", school=school, mask="pseudonym", pseudonym="QK7-PLUM")
    cases = [challenge(portal, hidden), challenge(portal, sealed)]
    portal.contact(sealed, "Ada", "Secret")
    rows = list(portal.office.queue(portal.operator(), desk("challenges"), "", Order("id")).records())
    assert [row["student"] for row in rows] == ["Kim V.", "QK7-PLUM"]
    assert listed(portal, "vale") == []
    assert listed(portal, "kim") == [cases[0]]
    view = portal.office.case(portal.operator(), desk("challenges"), cases[1])
    said = " ".join(fact.text for part in view.parts for fact in part.facts)
    assert "Secret" not in said
    assert "QK7-PLUM" in view.title


def test_both_sides_stand_beside_the_case_in_words(portal: Portal, school: int) -> None:
    student = portal.student("Kim", "Vale", school=school)
    application = portal.registration(student, given="Ul", family="Eck", relation="uncle", flags=8 + 64)
    row = portal.one(t.registration, application)
    other = portal.student("Sol", "Roe", school=school)
    portal.membership(row.account_id, other, "limited", relation="uncle")
    portal.contact(student, "Ul", "Eck", relation="uncle", restricted=True)
    earlier = challenge(portal, student, tie=row.membership_id)
    settle(portal, "ignore", earlier)
    case = challenge(portal, student, tie=row.membership_id)
    view = portal.office.case(portal.operator(), desk("challenges"), case)
    parts = {part.title: [f"{fact.label} {fact.text}".strip() for fact in part.facts] for part in view.parts}
    assert view.title == "Ul Eck – Kim Vale"
    assert parts["Hold"] == ["The tie is held: limited, by the school's policy, since this challenge is open."]
    assert "First answer 2026-11-20, due today" in parts["Clock"]
    assert "Decision 2026-11-26, in 4 days" in parts["Clock"]
    assert parts["Statement"] == ["Nobody here knows this man.", "Please take him out."]
    assert f"Tie limited since {portal.today.isoformat()}" in parts["Challenged"]
    assert "Verified by nobody" in parts["Challenged"]
    assert f"Application no. {application}, submitted, 3 of 8 facts for it" in parts["Challenged"]
    assert "! a restricted contact: an order is on file" in parts["Challenged"]
    assert "✓ the student number is right" in parts["Challenged"]
    assert "Name Morgana Quill" in parts["Challenger"]
    assert "Tie approved since 2026-08-22" in parts["Challenger"]
    assert parts["Contacts in the roster"] == ["uncle Ul Eck – same name as the challenged – restricted by an order"]
    assert parts["Other ties of the challenged"] == ["uncle Sol Roe – limited since 2026-08-22"]
    assert parts["Other challenges"] == [f"no. {earlier} about this tie, closed, ignored, 1d ago"]


def test_who_verified_a_tie_is_said(portal: Portal, student: int) -> None:
    case = challenge(portal, student)
    for values, said in (
        ({}, "by an operator, 2026-11-20"),
        ({"origin": "adopted"}, "before this console, 2026-11-20"),
        ({"verified_at": None}, "by nobody, adopted from before this console"),
        ({"origin": "self"}, "by nobody"),
    ):
        portal.change(t.membership, tie_of(portal, case).id, **values or {"blocked": False})
        view = portal.office.case(portal.operator(), desk("challenges"), case)
        facts = next(part.facts for part in view.parts if part.title == "Challenged")
        assert [fact.text for fact in facts if fact.label == "Verified"] == [said]


def test_the_hold_now_in_force_is_said(portal: Portal) -> None:
    def hold(case: int) -> str:
        view = portal.office.case(portal.operator(), desk("challenges"), case)
        return next(part.facts[0].text for part in view.parts if part.title == "Hold")

    for policy, said in (
        ("none", "The tie is not held: the school's policy is to hold none."),
        ("full", "The tie is held: full, by the school's policy, since this challenge is open."),
    ):
        student = portal.student(school=portal.school(hold_policy=policy))
        case = challenge(portal, student)
        assert hold(case) == said
        settle(portal, "ignore", case)
        assert hold(case) == "The tie is not held: the case is settled."
        challenge(portal, student, tie=tie_of(portal, case).id)
        assert hold(case) == said.replace("this challenge", "another challenge")


def test_a_student_who_challenges_is_called_as_the_mask_leaves_them(portal: Portal, school: int) -> None:
    student = portal.student("Kim", "Vale", school=school, mask="initial")
    own = portal.account("kim", "student", "Kim", "Vale", student_id=student)
    case = challenge(portal, student, challenger=own)
    view = portal.office.case(portal.operator(), desk("challenges"), case)
    facts = next(part.facts for part in view.parts if part.title == "Challenger")
    assert [fact.text for fact in facts] == ["Kim V.", "the student"]
    (row,) = portal.office.queue(portal.operator(), desk("challenges")).records()
    assert row["by"] == "student"
