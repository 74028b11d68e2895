"""Promise: a login goes to the one person whom directory and roster both mean. What is in conflict stays out of bulk and is told with
who else is meant; other schools' people do not exist; a masked name is read nowhere; of two who activate at once one does.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.desks import desk
from console.errors import ConsoleError, Refused, Usage
from console.intake.importing import import_roster
from models import tables as t
from tests.directories import case, entry, read, teacher
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


def state(portal: Portal, login: str) -> str:
    one = desk("activations")
    return portal.office.case(portal.operator(), one, case(portal, login).id).state


def facts(portal: Portal, login: str, by: str = "administrator") -> str:
    view = portal.office.case(portal.operator(by), desk("activations"), case(portal, login).id)
    return " ".join(f"{fact.label} {fact.text}" for part in view.parts for fact in part.facts)


def why(portal: Portal, login: str, kind: str, **typed: Any) -> str:
    """Why one entry alone cannot be activated; '' when it could."""
    plan = portal.plan("activations", "activate", case(portal, login).id, type=kind, **typed)
    return plan.skipped[0].why if plan.skipped else ""


@pytest.fixture
def school(portal: Portal) -> int:
    return portal.school()


def test_one_login_in_two_domains_is_the_first_activateds(portal: Portal, school: int) -> None:
    read(portal, entry("J.Roe", "Jo", "Roe", id="1"), entry("j.roe", "Jan", "Roe", id="2"), entry("solo"))
    assert [state(portal, each) for each in ("J.Roe", "j.roe", "solo")] == ["conflict", "conflict", "waiting"]
    assert "the first activated has it: no. 2 Jan Roe (conflict)" in facts(portal, "J.Roe")
    bulk = portal.decide("activations", "activate", where="state:waiting,conflict", type="other")
    assert (bulk.done, {each.why for each in bulk.skipped}) == (1, {"another entry has the same login"})
    assert why(portal, "j.roe", "other") == "another entry has the same login"
    assert portal.decide("activations", "activate", case(portal, "j.roe").id, type="other", checked="yes").done == 1
    account = case(portal, "j.roe").account_id
    assert state(portal, "J.Roe") == "conflict"
    assert f"account {account} Jan Roe (other, active)" in facts(portal, "J.Roe")
    assert why(portal, "J.Roe", "other", checked="yes") == "its login is somebody else's in the portal"
    assert portal.all(sa.text("SELECT directory_id FROM portal_directory WHERE login = 'j.roe'")) == [("2",)]


@pytest.mark.parametrize("kind", ["parent", "asp", "classified"])
def test_a_login_that_somebody_has_in_the_portal_is_theirs(portal: Portal, school: int, kind: str) -> None:
    portal.student(school=school)
    portal.account("kim", kind, "Pat", "Other")
    read(portal, entry("KIM", "Kim", "Vale", "20260001"))
    assert state(portal, "KIM") == "conflict"
    assert "account 1 Pat Other" in facts(portal, "KIM")
    for typed in ({}, {"checked": "yes"}):
        assert why(portal, "KIM", "student", **typed) == "its login is somebody else's in the portal"


def test_a_person_with_another_login_is_linked_to_it(portal: Portal, school: int) -> None:
    student = portal.student(school=school)
    old = portal.account("kv2014", "student", "Kim", "Vale", student_id=student)
    read(portal, entry("kim", "Kim", "Vale", "20260001"))
    assert state(portal, "kim") == "conflict"
    assert f"account {old}" in facts(portal, "kim")
    assert why(portal, "kim", "student", checked="yes") == "the person has another login, link that one"
    made = portal.decide("activations", "link", case(portal, "kim").id, account=old)
    assert (state(portal, "kim"), case(portal, "kim").account_id) == ("activated", old)
    assert portal.one(t.account, old).login == "kv2014", "a linked login keeps its name"
    portal.undo(made.batch or "")
    assert (state(portal, "kim"), case(portal, "kim").account_id) == ("conflict", None)


def test_a_number_that_is_somebody_elses_is_seen_by_the_name(portal: Portal, school: int) -> None:
    portal.student(school=school)
    teacher(portal, school=school, family_name="O’Neil")
    read(
        portal,
        entry("petra", "Petra", "Underhill", "20260001"),
        entry("tess", "TESS", "ONEIL", "900"),
        entry("nameless", "", "", "20260001"),
    )
    assert (state(portal, "tess"), state(portal, "petra")) == ("waiting", "conflict")
    assert "The roster has another name for this number" in facts(portal, "petra")
    portal.decide("activations", "dismiss", case(portal, "nameless").id, reason="a test entry")
    assert why(portal, "petra", "student") == "the roster has another name for its number"
    assert why(portal, "petra", "student", checked="yes") == ""
    assert portal.decide("activations", "activate", where="state:conflict", type="student", checked="yes").done == 0


def test_a_number_of_two_people_means_nobody(portal: Portal, school: int) -> None:
    portal.student(school=school, number="900")
    teacher(portal, school=school)
    read(portal, entry("x", "Kim", "Vale", "900"))
    row = case(portal, "x")
    assert (row.student_id, row.staff_id, row.several, state(portal, "x")) == (None, None, True, "conflict")
    assert why(portal, "x", "other", checked="yes") == "its number is not one person's"


def test_two_entries_of_one_number_are_decided_one_by_one(portal: Portal, school: int) -> None:
    portal.student(school=school)
    read(portal, entry("kim", "Kim", "Vale", "20260001"), entry("kim2", "Kim", "Vale", "20260001"))
    assert portal.decide("activations", "activate", where="kind:student", type="student").done == 0
    assert portal.decide("activations", "activate", case(portal, "kim").id, type="student", checked="yes").done == 1
    assert why(portal, "kim2", "student", checked="yes") == "the person has another login, link that one"


def test_the_kind_of_login_fits_the_person(portal: Portal, school: int) -> None:
    portal.student(school=school)
    teacher(portal, "901", school=school, type="classified", given_name="Ada", family_name="Aide")
    read(portal, entry("kim", "Kim", "Vale", "20260001"), entry("ada", "Ada", "Aide", "901"), entry("sub"))
    for kind in ("certificated", "other", "school_administrator"):
        assert why(portal, "kim", kind, checked="yes") == "its number is a student's"
    for login in ("ada", "sub"):
        assert why(portal, login, "student", checked="yes") == "no student has its number"
        assert why(portal, login, "certificated") == "the roster knows no such teacher"
        assert why(portal, login, "certificated", checked="yes") == ""


def test_what_cannot_be_linked_is_not(portal: Portal, school: int) -> None:
    kim, lee = portal.student(school=school), portal.student("Lee", "Roe", school=school)
    parent = portal.account("pat")
    theirs = portal.account("lee", "student", "Lee", "Roe", student_id=lee)
    gone = portal.account("old", "student", student_id=kim, status="deleted")
    boss = portal.account("boss", "district_administrator", "Bea", "Boss")
    portal.hire("lin", "school_administrator", (school,))
    read(portal, entry("kim", "Kim", "Vale", "20260001"), entry("aide"), entry("aide2"))
    others = "that login is not this person's kind, or by the roster somebody else's"
    for login, account, said, by in (
        ("kim", parent, others, "administrator"),
        ("kim", theirs, others, "administrator"),
        ("aide", theirs, others, "administrator"),
        ("kim", gone, "there is no such login", "administrator"),
        ("kim", 987_654, "there is no such login", "administrator"),
        ("aide", boss, "there is no such login", "lin"),
    ):
        made = portal.decide("activations", "link", case(portal, login).id, account=account, by=portal.operator(by))
        assert (made.done, made.skipped[0].why) == (0, said), (login, account)
    assert portal.decide("activations", "link", case(portal, "aide").id, account=boss).done == 1
    held = portal.decide("activations", "link", case(portal, "aide2").id, account=boss)
    assert held.skipped[0].why == "another entry has that login"
    with pytest.raises(Usage, match="one person of the directory at a time"):
        portal.decide("activations", "link", where="", account=boss)


def test_who_is_dismissed_waits_no_more_until_restored(portal: Portal, school: int) -> None:
    read(portal, entry("svc", "", "Scan to Mail"), entry("SVC", "Sven", "Carlsson", id="2"))
    with pytest.raises(Usage, match="needs a reason"):
        portal.decide("activations", "dismiss", case(portal, "svc").id)
    made = portal.decide("activations", "dismiss", case(portal, "svc").id, reason="a scanner")
    assert (state(portal, "svc"), state(portal, "SVC")) == ("dismissed", "waiting")
    assert portal.decide("activations", "activate", case(portal, "svc").id, type="other").done == 0
    portal.undo(made.batch or "")
    assert state(portal, "svc") == "conflict"
    portal.decide("activations", "dismiss", case(portal, "svc").id, reason="a scanner")
    read(portal, entry("svc", "", "Scan to Mail, hall"), entry("SVC", "Sven", "Carlsson", id="2"))
    assert state(portal, "svc") == "dismissed", "what an operator decided, no reading changes"
    portal.decide("activations", "restore", case(portal, "svc").id)
    assert state(portal, "svc") == "conflict"


def test_who_left_is_not_activated_and_their_successor_takes_the_login_over(portal: Portal, school: int) -> None:
    portal.student(school=school)
    read(portal, entry("kim", "Kim", "Vale", "20260001", id="old"))
    portal.decide("activations", "activate", case(portal, "kim").id, type="student")
    account = case(portal, "kim").account_id
    read(portal, entry("kim", "Kim", "Vale", "20260001", id="new"), allow_withdrawals=True)
    rows = {row.directory_id: row for row in portal.all(sa.select(t.directory_user))}
    assert (rows["old"].gone, rows["new"].state) == (True, "waiting")
    assert portal.all(sa.text("SELECT * FROM portal_directory")) == [], "who left signs in no more"
    assert portal.decide("activations", "activate", rows["old"].id, type="student").done == 0
    assert portal.decide("activations", "activate", rows["new"].id, type="student").done == 1
    assert portal.one(t.directory_user, rows["new"].id).account_id == account


def test_a_roster_matches_the_directory_again(portal: Portal, tmp_path: Path) -> None:
    from fixtures.district import build_files

    manifest = build_files(tmp_path / "files", students=50, seed=3, today=portal.today)
    read(portal, entry("early", "Early", "Bird", "0"), entry("none"))
    from fixtures.people import Population

    student = Population(50, 3, portal.today).part("ordinary").students[0]
    read(portal, entry("early", student.name.given, student.name.family, student.number), entry("none"))
    assert case(portal, "early").student_id is None
    report = import_roster(portal.office, portal.operator(), manifest.roster, key="roster")
    assert report.kind("people of the directory").changed == 1
    row = case(portal, "early")
    assert portal.one(t.student, row.student_id).number == student.number
    assert row.version == portal.office.size()


def test_other_schools_people_do_not_exist(portal: Portal, school: int, tmp_path: Path) -> None:
    """ATTACK: an operator of one school looks for, opens, activates and links another's people, and those of no school.

    VERIFIES: they are as if there were none, also where a code says one school and the roster another.
    """
    other = portal.school("Roosevelt")
    portal.student("Ana", "Zyzzyva", school=other)
    account = portal.account("far", "classified", "Xerxes", "Quux")
    portal.add(t.account_school, account_id=account, school_id=other)
    portal.hire("lin", "school_administrator", (school,))
    read(
        portal,
        entry("ours", "Olga", "Ours"),
        entry("ana", "Ana", "Zyzzyva", "20260001", "lincoln"),
        entry("theirs", "Zyta", "Zyzzyva", "", "roosevelt"),
        entry("office", "Zoe", "Zyzzyva", "", "DO"),
        entry("OURS", "Zelda", "Zyzzyva", "", "roosevelt", id="twin"),
    )
    line = LineMode(portal, write_settings(portal, tmp_path))
    terms = [f"{term.name}:{word}" for term in desk("activations").terms for word in term.words]
    said = ""
    for where in ("", "zyzzyva", "ana", "number:20260001", "school:roosevelt", "school:none", *terms):
        for form in ("table", "json", "csv"):
            said += line.run("activations", "list", "--where", where, "--format", form, by="lin").out
    said += line.run("activations", "show", case(portal, "ours").id, by="lin").out
    assert "one of another school" in said
    assert not [
        word for word in ("Zyzzyva", "Zyta", "Zoe", "Zelda", "Xerxes", "Roosevelt", "Ana", "ana,") if word in said
    ]
    assert [row["login"] for row in line.json("activations", "list", "--where", "", by="lin")] == ["ours"]
    for login in ("ana", "theirs", "office", "OURS"):
        one = case(portal, login).id
        shown = line.run("activations", "show", one, by="lin")
        assert shown.sentence.replace(str(one), "9") == line.run("activations", "show", 9, by="lin").sentence
        made = portal.decide("activations", "activate", one, type="other", by=portal.operator("lin"))
        assert made.skipped[0].why == "there is no such person of the directory"
    link = portal.decide("activations", "link", case(portal, "ours").id, account=account, by=portal.operator("lin"))
    assert link.skipped[0].why == "there is no such login"
    assert portal.decide("activations", "activate", where="", type="other", by=portal.operator("lin")).done == 0
    mine = portal.plan(
        "activations", "activate", case(portal, "ours").id, type="other", checked="yes", by=portal.operator("lin")
    )
    assert mine.count == 1
    made = portal.decide("activations", "activate", case(portal, "office").id, type="other")
    with pytest.raises(Refused, match="no batch"):
        portal.undo(made.batch or "", by=portal.operator("lin"))


@pytest.mark.parametrize("level", ["initial", "pseudonym"])
def test_a_masked_name_is_read_nowhere_at_the_desk(portal: Portal, school: int, tmp_path: Path, level: str) -> None:
    student = portal.student("Zephyrina", "Quillfeather", school=school, number="77554433")
    people = (
        entry("zephyrina.quillfeather", "Zephyrina", "Quillfeather", "77554433"),
        entry("ZEPHYRINA.QUILLFEATHER", "Other", "Person", id="2"),
    )
    read(portal, *people)
    portal.decide("students", "mask", student, level=level, review="+9d", reason="an order")
    read(portal, *people)
    assert case(portal, "zephyrina.quillfeather").differs is False, "a sealed name is compared without opening it"
    line = LineMode(portal, write_settings(portal, tmp_path))
    one = case(portal, "zephyrina.quillfeather").id
    for text in ("quillfeather", "zephyrinaquill", "zephyrina.q"):
        assert one not in [row["id"] for row in line.json("activations", "list", "--where", text)], text
    said = "".join(
        line.run("activations", "list", "--where", "number:77554433", "--format", form).out
        for form in ("table", "json", "csv")
    )
    said += line.run("activations", "show", one).out
    portal.decide("activations", "activate", one, type="student", checked="yes")
    said += line.run("activations", "show", one).out + line.run("activations", "show", one, "--format", "json").out
    assert "quillfeather" not in said.lower()
    assert "7755" not in said
    assert (level == "pseudonym") == ("zephyrina" not in said.lower())


def at_once(portal: Portal, *calls: tuple[str, str]) -> list[Any]:
    """Each (operator, login) activates at the same moment."""

    def activate(by: str, login: str) -> Any:
        try:
            return portal.decide(
                "activations", "activate", case(portal, login).id, type="other", checked="yes",
                by=portal.operator(by), key=f"{by} {login}",
            )  # fmt: skip
        except ConsoleError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: activate(*call), calls))


@pytest.mark.parametrize("n", range(4))
def test_of_two_who_activate_the_same_person_at_once_one_does(portal: Portal, school: int, n: int) -> None:
    portal.hire("other", "district_administrator")
    read(portal, entry(f"kim{n}"))
    answers = at_once(portal, ("administrator", f"kim{n}"), ("other", f"kim{n}"))
    assert sorted(each.done for each in answers) == [0, 1]
    assert len(portal.all(sa.select(t.account))) == 1
    records = portal.all(sa.select(t.record.c.index).where(t.record.c.action == "activations.activate"))
    assert len(records) == 1


@pytest.mark.parametrize("n", range(4))
def test_of_two_with_one_login_who_are_activated_at_once_one_gets_it(portal: Portal, school: int, n: int) -> None:
    other = portal.school("Roosevelt")
    portal.hire("lin", "school_administrator", (school,))
    portal.hire("roo", "school_administrator", (other,))
    read(portal, entry("kim", id="1"), entry("KIM", "Sam", "Sample", "", "roosevelt", id="2"))
    calls = [("lin", "kim"), ("roo", "KIM")]
    answers = at_once(portal, *(calls if n % 2 else reversed(calls)))
    assert sorted(each.done for each in answers) == [0, 1], answers
    (loser,) = [each for each in answers if not each.done]
    assert loser.skipped[0].why in ("its login is somebody else's in the portal", "somebody was faster")
    keys = [row.login_key for row in portal.all(sa.select(t.account))]
    assert keys == ["kim"]
