"""A mask holds everywhere and takes nobody's access; a sealed name is nowhere in the open, and comes back whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.desks import desk
from console.desks.opt_outs import Category, categories
from console.errors import Refused, Usage
from console.ledger.log import decode
from console.names import last_initial, name_key
from models import tables as t

if TYPE_CHECKING:
    from tests.portals import Portal

REVIEW = "2027-06-30"
WHY = {"reason": "a protection order", "review": REVIEW}
NAME_COLUMNS = ("given_name", "middle_name", "family_name", "name_key", "family_initial", "email", "email_key")


@pytest.fixture
def school(portal: Portal) -> int:
    return portal.school()


@pytest.fixture
def student(portal: Portal, school: int) -> int:
    return portal.student(
        "Quilla", "Zamfir", school=school, middle_name="Anouk", email="qzamfir@s.example", email_key="qzamfir@s.example"
    )


def names(portal: Portal, case: int) -> dict[str, object]:
    row = portal.one(t.student, case)
    return {column: getattr(row, column) for column in (*NAME_COLUMNS, "family_key")}


def listed(portal: Portal, where: str = "") -> list[int]:
    return [row.id for row in portal.office.queue(portal.operator(), desk("students"), where).first(50)]


def said(portal: Portal, case: int) -> str:
    view = portal.office.case(portal.operator(), desk("students"), case)
    return "\n".join([view.title, *(f"{f.label} {f.text}" for part in view.parts for f in part.facts)])


def test_a_mask_hides_the_last_name_and_nobody_loses_access(portal: Portal, school: int, student: int) -> None:
    parent = portal.account("parent")
    portal.membership(parent, student)
    before = portal.sees(parent, student)
    receipt = portal.decide("students", "mask", student, level="initial", **WHY)
    assert receipt.done == 1
    (row,) = portal.office.queue(portal.operator(), desk("students")).records()
    assert (row["state"], row["student"], row["review"]) == ("masked", "Quilla Z.", date(2027, 6, 30))
    assert portal.sees(parent, student) == before != set()
    assert "Zamfir" not in said(portal, student)
    shown = portal.all(sa.text("SELECT given_name, family_name FROM portal_student"))
    assert [tuple(each) for each in shown] == [("Quilla", "Z.")]


def test_a_sealed_name_is_nowhere_in_the_open(portal: Portal, student: int) -> None:
    parent = portal.account("parent", given="Ilse", family="Zamfir")
    portal.membership(parent, student)
    portal.contact(student, "Ilse", "Zamfir")
    before = portal.sees(parent, student)
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    row = portal.one(t.student, student)
    assert {column: getattr(row, column) or "" for column in NAME_COLUMNS} == dict.fromkeys(NAME_COLUMNS, "")
    assert row.family_key == name_key(row.pseudonym)
    everything = [*row, *portal.all(sa.select(t.record.c.body)), *portal.all(sa.select(t.record_detail.c.sealed))]
    everything += portal.all(sa.select(t.sealed_name.c.sealed)) + portal.all(sa.select(t.batch))
    for name in ("zamfir", "quilla", "anouk"):
        assert name not in str(everything).lower()
        assert name not in said(portal, student).lower()
    assert portal.sees(parent, student) == before != set()


def test_records_say_the_level_and_the_review_and_no_more(portal: Portal, student: int) -> None:
    receipt = portal.decide("students", "mask", student, level="pseudonym", **WHY)
    ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == receipt.batch))
    record = decode(body)
    assert (record.from_state, record.to_state) == ("none", "pseudonym")
    assert record.after == {"mask": "pseudonym", "mask_review": REVIEW}
    assert record.params == {"level": "pseudonym", "review": REVIEW}
    assert "protection" not in body


def test_unmasking_and_undoing_bring_the_name_back_as_it_was(portal: Portal, student: int) -> None:
    before = names(portal, student)
    masked = portal.decide("students", "mask", student, level="pseudonym", **WHY)
    code = portal.one(t.student, student).pseudonym
    undone = portal.undo(masked.batch)
    assert names(portal, student) == before
    portal.undo(undone.batch)
    assert portal.one(t.student, student).given_name == ""
    portal.decide("students", "unmask", student, reason="the order ended")
    assert names(portal, student) == before
    assert portal.all(sa.select(t.sealed_name)) == []
    assert portal.one(t.student, student).sealed_name_mac is None
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    assert portal.one(t.student, student).pseudonym == code, "the code is drawn once and kept"


def test_a_seal_loosened_to_an_initial_gives_the_name_back(portal: Portal, student: int) -> None:
    before = names(portal, student)
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    portal.decide("students", "mask", student, level="initial", **WHY)
    assert names(portal, student) == before
    assert listed(portal, "mask:initial") == [student]


def test_undoing_an_unmask_seals_the_name_again(portal: Portal, student: int) -> None:
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    unmasked = portal.decide("students", "unmask", student, reason="by mistake")
    portal.undo(unmasked.batch)
    assert portal.one(t.student, student).family_name == ""
    assert listed(portal, 'sealed:"Quilla Zamfir"') == [student]


def test_many_are_sealed_at_once_under_codes_of_their_own(portal: Portal, school: int) -> None:
    people = [("Ana", "O'Neil"), ("Bo", "Åström"), ("李", "王"), ("Cy", ""), ("Di", "de la Cruz")] * 8
    students = [portal.student(given, family, school=school) for given, family in people]
    for each, (_, family) in zip(students, people, strict=True):
        portal.change(t.student, each, family_initial=str(last_initial(family)))
    before = [names(portal, each) for each in students]
    portal.decide("students", "mask", where="school:lincoln", level="pseudonym", **WHY)
    codes = {portal.one(t.student, each).pseudonym for each in students}
    assert len(codes) == len(students)
    portal.decide("students", "unmask", where="state:sealed", reason="a drill")
    assert [names(portal, each) for each in students] == before


def test_a_code_that_somebody_has_is_drawn_again(portal: Portal, school: int, student: int) -> None:
    class Stuck:
        """Draws Acorn-0000 five times, then Acorn-0001."""

        def __init__(self, random: object) -> None:
            self.random, self.draws = random, 0

        def bytes(self, count: int) -> bytes:
            if count > 2:
                return self.random.bytes(count)
            if count == 1:
                return b"\x00"
            self.draws += 1
            return bytes([0, self.draws > 5])

    portal.change(t.student, portal.student(school=school), pseudonym="Acorn-0000")
    portal.office.random = Stuck(portal.office.random)
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    assert portal.one(t.student, student).pseudonym == "Acorn-0001"


def test_a_sealed_student_is_found_by_code_number_and_whole_name_only(portal: Portal, student: int) -> None:
    assert listed(portal, "zam") == listed(portal, "quil") == [student]
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    row = portal.one(t.student, student)
    assert listed(portal, row.pseudonym[:4]) == [student]
    assert listed(portal, f"number:{row.number}") == [student]
    assert listed(portal, 'sealed:"quilla ZAMFIR"') == [student]
    for part in ("zam", "zamfir", "quil", '"Quilla Zamfir"', "sealed:zamfir", "sealed:quilla", "number:2026"):
        assert listed(portal, part) == [], part


def test_a_hidden_last_name_cannot_be_spelled_by_searching(portal: Portal, student: int) -> None:
    portal.decide("students", "mask", student, level="initial", **WHY)
    assert listed(portal, "quil") == [student]
    for part in ("z", "zam", "zamfir", "quillaz", "quillazamfir"):
        assert listed(portal, part) == [], part


def test_who_may_not_reveal_neither_finds_nor_opens_a_sealed_name(portal: Portal, school: int, student: int) -> None:
    clerk = portal.hire("lee", "school_administrator", (school,))
    sealed = portal.decide("students", "mask", student, level="pseudonym", by=clerk, **WHY)
    with pytest.raises(Refused, match=r"students\.reveal"):
        portal.office.queue(clerk, desk("students"), 'sealed:"Quilla Zamfir"')
    for decision, typed in (("unmask", {}), ("mask", {"level": "initial", "review": REVIEW})):
        receipt = portal.decide("students", decision, student, by=clerk, reason="curious", **typed)
        assert [skip.why for skip in receipt.skipped] == ["the name is sealed, and your role may not open it"]
    with pytest.raises(Refused, match="would open a sealed name"):
        portal.undo(sealed.batch, by=clerk)
    assert portal.one(t.student, student).given_name == ""


def test_masking_needs_a_reason_and_a_day_to_come(portal: Portal, student: int) -> None:
    for typed, message in (
        ({"level": "initial", "review": REVIEW}, "needs a reason"),
        ({"level": "initial", "reason": "x"}, "--review is missing"),
        ({"level": "initial", "reason": "x", "review": "today"}, "still to come"),
        ({"level": "none", "reason": "x", "review": REVIEW}, "one of initial, pseudonym"),
    ):
        with pytest.raises(Usage, match=message):
            portal.decide("students", "mask", student, **typed)
    assert portal.office.size() == 0


def test_the_state_says_what_matters_most(portal: Portal, school: int, student: int) -> None:
    def state() -> str:
        (row,) = portal.office.queue(portal.operator(), desk("students")).records()
        assert listed(portal, f"state:{row['state']}") == [student]
        return str(row["state"])

    assert state() == "open"
    portal.decide("students", "mask", student, level="initial", **WHY)
    assert state() == "masked"
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    assert state() == "sealed"
    portal.decide("students", "block", student, **WHY)
    assert state() == "blocked"
    portal.change(t.student, student, status="withdrawn")
    assert state() == "withdrawn"


def test_blocking_all_parents_needs_a_basis_where_one_is_approved(portal: Portal, student: int) -> None:
    mother, father = portal.account("mother"), portal.account("father")
    portal.membership(mother, student, "approved", verified_at=portal.clock.now())
    portal.membership(father, student, "limited")
    receipt = portal.decide("students", "block", student, **WHY)
    assert [skip.why for skip in receipt.skipped] == ["a parent is approved, it needs --basis"]
    receipt = portal.decide("students", "block", student, basis="not_verified", **WHY)
    assert [skip.why for skip in receipt.skipped] == ["an approved parent was verified, so not_verified is no basis"]
    with pytest.raises(Usage, match="--reference"):
        portal.decide("students", "block", student, basis="court_order", **WHY)
    plan = portal.plan("students", "block", student, basis="court_order", reference="FL-2026-118", **WHY)
    assert (plan.opens, plan.closes) == (0, 2)
    blocked = portal.decide("students", "block", student, basis="court_order", reference="FL-2026-118", **WHY)
    assert portal.sees(mother, student) == portal.sees(father, student) == set()
    ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == blocked.batch))
    assert "FL-2026" not in body
    assert decode(body).params["basis"] == "court_order"
    assert portal.decide("students", "unblock", student, reason="the order ended").done == 1
    assert portal.sees(mother, student)
    assert portal.sees(father, student)


def test_blocking_one_tie_leaves_the_others(portal: Portal, school: int, student: int) -> None:
    mother, father, stranger = (portal.account(login) for login in ("mother", "father", "stranger"))
    sibling = portal.student("Bela", "Zamfir", school=school)
    hers = portal.membership(mother, student, "limited")
    for account, child in ((mother, sibling), (father, student)):
        portal.membership(account, child, "limited")
    receipt = portal.decide("students", "block", student, account=str(stranger), **WHY)
    assert [skip.why for skip in receipt.skipped] == ["this account has no tie to the student"]
    plan = portal.plan("students", "block", student, sibling, account=str(mother), **WHY)
    assert (plan.count, plan.closes) == (2, 2)
    done = portal.decide("students", "block", student, account=str(mother), **WHY)
    assert portal.sees(mother, student) == set()
    assert portal.sees(mother, sibling)
    assert portal.sees(father, student)
    assert portal.one(t.membership, hers).block_review == date(2027, 6, 30)
    ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == done.batch))
    record = decode(body)
    assert (record.from_state, record.to_state, record.ties) == ("false", "true", {"membership": hers})
    (row,) = portal.office.queue(portal.operator(), desk("students"), "blocked:yes").records()
    assert (row["id"], row["parents"]) == (student, "1 blocked")
    (skip,) = portal.plan("students", "unblock", student, reason="settled").skipped
    assert skip.why == "only single parents are blocked, name one with --account"
    undone = portal.undo(done.batch)
    assert undone.done == 1
    assert portal.sees(mother, student)
    portal.undo(undone.batch)
    assert portal.sees(mother, student) == set()
    assert portal.decide("students", "unblock", student, account=str(mother), reason="settled").done == 1
    assert portal.sees(mother, student)


def test_verification_closes_what_limited_parents_saw(portal: Portal, student: int) -> None:
    mother, father = portal.account("mother"), portal.account("father")
    portal.membership(mother, student, "approved")
    portal.membership(father, student, "limited")
    assert portal.plan("students", "verify", student, **WHY).closes == 1
    portal.decide("students", "verify", student, **WHY)
    assert portal.sees(mother, student)
    assert not portal.sees(father, student)
    assert portal.plan("students", "unverify", student, reason="x").opens == 1
    portal.decide("students", "unverify", student, reason="done")
    assert portal.sees(father, student)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["opt-out", "opt-in"]),
            st.one_of(st.just({"all"}), st.sets(st.sampled_from([str(each) for each in Category]), min_size=1)),
        ),
        max_size=6,
    )
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_opting_out_adds_and_opting_in_takes_away(portal: Portal, steps: list[tuple[str, set[str]]]) -> None:
    student = portal.student(school=portal.school(f"School {portal.number('opting')}"))
    everything = {str(each) for each in Category}
    expected: set[str] = set()
    for decision, words in steps:
        typed = {"review": REVIEW} if decision == "opt-out" else {}
        portal.decide("students", decision, student, categories=",".join(words), reason="the family", **typed)
        if decision == "opt-out":
            expected = {"all"} if "all" in words | expected else expected | words
        else:
            expected = set() if "all" in words else (everything if "all" in expected else expected) - words
        row = portal.one(t.student, student)
        assert row.directory_opt_out == ",".join(sorted(expected))
        assert (row.opt_out_review is None) == (not expected)


def test_a_category_that_there_is_not_is_named_as_such(portal: Portal, student: int) -> None:
    assert categories("Phone, photo") == {"phone", "photo"}
    for typed in ("fax", "phone,fax", " , "):
        with pytest.raises(Usage, match="some of activities, address"):
            portal.decide("students", "opt-out", student, categories=typed, **WHY)


def test_opting_out_of_all_takes_the_directory_from_teachers(portal: Portal, school: int, student: int) -> None:
    teacher = portal.account("teacher", "certificated")
    portal.add(t.account_school, account_id=teacher, school_id=school)
    assert "directory" in portal.sees(teacher, student)
    assert portal.plan("students", "opt-out", student, categories="phone", **WHY).closes == 0
    assert portal.plan("students", "opt-out", student, categories="all", **WHY).closes == 1
    portal.decide("students", "opt-out", student, categories="all", **WHY)
    assert "directory" not in portal.sees(teacher, student)


def test_at_18_a_parents_tie_goes_on_only_on_a_ground(portal: Portal) -> None:
    school = portal.school("Mission", close_at_18=True)
    grown = portal.student(school=school, adult_on=portal.today - timedelta(days=1))
    child = portal.student(school=school, adult_on=portal.today + timedelta(days=1))
    parent = portal.account("parent")
    for each in (grown, child):
        portal.membership(parent, each)
    assert portal.sees(parent, grown) == set()
    assert listed(portal, "rebase:due") == [grown]
    typed = {"account": str(parent), "ground": "dependent_student", "reason": "tax papers seen"}
    assert portal.plan("students", "rebase", grown, **typed).opens == 1
    receipt = portal.decide("students", "rebase", grown, child, **typed)
    assert [(skip.id, skip.why) for skip in receipt.skipped] == [(child, "the student is not 18 yet")]
    assert "grades" in portal.sees(parent, grown)
    assert listed(portal, "rebase:due") == []


def test_reviews_come_up_and_are_set_anew(portal: Portal, school: int, student: int) -> None:
    other = portal.student("Ada", "Berg", school=school)
    portal.decide("students", "mask", student, level="initial", reason="x", review="+10d")
    portal.decide("students", "verify", student, reason="x", review="+60d")
    assert listed(portal, "review:soon") == [student]
    assert listed(portal, "review:over") == []
    portal.clock.advance(timedelta(days=10))
    assert listed(portal, "review:over") == [student]
    receipt = portal.decide("students", "review", student, other, reason="still needed", review="+90d")
    assert [(skip.id, skip.why) for skip in receipt.skipped] == [(other, "nothing is in force for it")]
    row = portal.one(t.student, student)
    assert row.mask_review == row.verify_review == portal.today + timedelta(days=90)
    assert (row.block_review, row.opt_out_review) == (None, None)
    assert listed(portal, "review:over") == listed(portal, "review:soon") == []


def test_a_seal_ends_after_school_access_and_the_plan_says_so(portal: Portal) -> None:
    school = portal.school("Mission", asp=True)
    student = portal.student(school=school)
    tutor = portal.account("tutor", "asp")
    portal.add(
        t.access_grant,
        ref="g",
        state="approved",
        arrived_at=portal.clock.now(),
        account_id=tutor,
        student_id=student,
        school_id=school,
        purpose="homework",
        begins=portal.today,
        ends=portal.today + timedelta(days=30),
        permission_reference="paper",
        permission_witness=portal.operator().id,
    )
    assert portal.sees(tutor, student) == {"assignments"}
    plan = portal.plan("students", "mask", student, level="pseudonym", **WHY)
    assert (plan.opens, plan.closes) == (0, 1)
    portal.decide("students", "mask", student, level="pseudonym", **WHY)
    assert portal.sees(tutor, student) == set()
    assert portal.plan("students", "unmask", student, reason="x").opens == 1
    (row,) = portal.office.queue(portal.operator(), desk("grants")).records()
    assert (row["state"], row["lacks"]) == ("lacking", ("sealed",))


def test_every_order_of_the_queue_reaches_every_student_once(portal: Portal, school: int, student: int) -> None:
    from console.browse import Order

    others = [portal.student(f"S{n}", f"F{n % 3}", school=school, grade=str(n) if n % 2 else None) for n in range(7)]
    portal.decide("students", "mask", *others[:3], level="pseudonym", **WHY)
    for column in desk("students").columns:
        if not column.sortable:
            continue
        for descending in (False, True):
            queue = portal.office.queue(portal.operator(), desk("students"), "", Order(column.name, descending))
            found, rows = [], queue.first(3)
            while rows:
                found += [row.id for row in rows]
                rows = queue.after(rows[-1], 3)
            assert sorted(found) == sorted([student, *others]), column.name
