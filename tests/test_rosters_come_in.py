"""A roster comes in whole or not at all, twice is once, and nothing that an operator decided is undone by it."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.errors import ConsoleError, Refused, Unavailable
from console.intake.importing import import_roster
from console.intake.report import BadRows
from console.intake.roster_stage import adult_on
from console.ledger import log
from console.ledger.log import decode
from console.names import name_key
from console.sealing import sealed_name
from fixtures.district import build_files
from models import tables as t
from tests.imports import CLASSES, ORGS, Imports, born, holdings, member, roster, user
from tests.portals import open_portal
from tests.rosters import SAMPLES, SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.district import Manifest
    from tests.portals import Portal
    from tests.services.postgres import Cluster

TODAY = date(2026, 11, 20)


@pytest.fixture
def imports(portal: Portal, tmp_path: Path) -> Imports:
    return Imports(portal, tmp_path)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A synthetic district's files."""
    return build_files(tmp_path_factory.mktemp("district"), students=60, seed=7, today=TODAY)


def enrolled(imports: Imports, source_id: str) -> dict[str, tuple[Any, Any]]:
    """The schools where a student is enrolled, with the period."""
    e, s = t.enrollment.c, t.school.c
    student = imports.student(source_id).id
    query = (
        sa.select(s.code, e.begins, e.ends).join(t.school, s.id == e.school_id).where(e.student_id == student, e.active)
    )
    return {code: (begins, ends) for code, begins, ends in imports.portal.all(query)}


def ties(imports: Imports) -> dict[tuple[str, str], tuple[str, bool, str | None]]:
    """Living ties by (contact, student): relation, restricted, reference."""
    tie, c, s = t.contact_tie.c, t.contact.c, t.student.c
    query = (
        sa.select(c.source_id, s.source_id, tie.relation, tie.restricted, tie.restriction_reference)
        .join(t.contact, c.id == tie.contact_id)
        .join(t.student, s.id == tie.student_id)
        .where(tie.active)
    )
    return {
        (a, b): (relation, restricted, reference) for a, b, relation, restricted, reference in imports.portal.all(query)
    }


# whole


def test_a_whole_district_comes_in(imports: Imports, district: Manifest) -> None:
    report = imports.path(district.roster_zip)
    counts = district.counts
    assert {kind.name: kind.added for kind in report.kinds if kind.added} | {"contact ties": 0, "posts": 0} == {
        "schools": counts["orgs"],
        "sessions": counts["academicSessions"],
        "courses": counts["courses"],
        "classes": counts["classes"],
        "students": counts["students"],
        "contacts": counts["guardians"],
        "staff": counts["staff"],
        "class members": counts["enrollments"],
        "contact ties": 0,
        "enrollments": report.kind("enrollments").added,
        "posts": 0,
    }
    assert report.kind("enrollments").added >= counts["students"]
    assert (report.errors, report.warnings, report.oddities) == (0, 0, ())


def test_students_are_numbered_in_the_order_of_the_file(imports: Imports, district: Manifest) -> None:
    imports.path(district.roster_zip)
    rows = imports.portal.all(sa.select(t.student.c.id, t.student.c.source_id).order_by(t.student.c.id))
    assert [row.id for row in rows] == list(range(1, 61))
    assert [row.source_id for row in rows] == sorted(row.source_id for row in rows)


def test_a_student_has_what_people_look_for(imports: Imports) -> None:
    imports.roster(
        users=[
            user("U1", given="Zoë", family="O’Neil", email="Zoe@School.example", grades="05", orgSourcedIds="D1,S2,S1")
            | {"metadata.verificationCode": "ABCD-1"}
        ],
        demographics=[born("U1", "2008-02-29")],
    )
    row = imports.student("U1")
    assert (row.name_key, row.family_key, row.family_initial) == (name_key("ZoeONeil"), "oneil", "O.")
    assert (row.email_key, row.grade, row.number) == ("zoe@school.example", "05", "771")
    assert (row.birth_date, row.adult_on) == (date(2008, 2, 29), date(2026, 3, 1))
    assert row.school_id == imports.named(t.school, "code", "MHS").id
    assert bytes(row.code_hash) == imports.portal.office.vault.mac("verification code", "ABCD-1")


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_the_eighteenth_birthday_is_a_day_that_exists(birth: date) -> None:
    day = adult_on(birth)
    assert day.year == birth.year + 18
    assert (day.month, day.day) == (
        (3, 1) if (birth.month, birth.day) == (2, 29) and day.year % 4 else (birth.month, birth.day)
    )


@pytest.mark.parametrize(
    "sample",
    sorted(
        p.name
        for place in (SAMPLES, SHARED)
        if place.is_dir()
        for p in place.iterdir()
        if p.is_dir() or p.suffix == ".zip"
    ),
)
def test_published_samples_come_in_as_they_are_and_twice_is_once(imports: Imports, sample: str) -> None:
    place = SAMPLES if (SAMPLES / sample).exists() else SHARED
    imports.path(place / sample)
    before = holdings(imports.portal)
    again = imports.path(place / sample)
    assert again.moved == 0
    assert holdings(imports.portal) == before


# twice, tried, told


def test_the_same_roster_again_changes_nothing_but_is_recorded(imports: Imports, district: Manifest) -> None:
    imports.path(district.roster_zip)
    before, size = holdings(imports.portal), imports.portal.office.size()
    report = imports.path(district.roster)
    assert report.moved == 0
    assert holdings(imports.portal) == before
    assert imports.portal.office.size() == size + 1
    assert imports.portal.all(sa.select(sa.func.count()).select_from(t.roster_import))[0][0] == 2


def test_a_dry_run_shows_what_the_import_then_does_and_changes_nothing(imports: Imports, district: Manifest) -> None:
    for path in (district.roster_zip, district.roster_delta_zip):
        before = holdings(imports.portal, frozenset())
        tried = imports.path(path, dry_run=True)
        assert holdings(imports.portal, frozenset()) == before
        done = imports.path(path)
        assert (tried.kinds, tried.oddities, tried.batch, tried.number) == (done.kinds, done.oddities, None, 0)


def test_the_record_says_what_came_in_and_nothing_about_anybody(imports: Imports) -> None:
    report = imports.roster(users=[user("U1", family="Nobodyknowsthis")])
    ((body,),) = imports.portal.all(sa.select(t.record.c.body).where(t.record.c.batch == report.batch))
    record = decode(body)
    assert (record.action, record.desk, record.case) == ("intake.roster", "intake", report.number)
    assert record.params["students"] == [1, 0, 0]
    assert record.params["sha256"] == report.digest
    assert "Nobody" not in body
    assert imports.student("U1").version == record.index + 1


@pytest.mark.parametrize("meanwhile", [False, True])
def test_who_changed_has_the_version_of_the_record_and_nobody_else(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, *, meanwhile: bool
) -> None:
    """Also when somebody decides after the import has looked how long the ledger is."""
    people = [user(f"U{n}", given=f"Kim{n}") for n in range(1, 40)]
    births = [born(each["sourcedId"], "2012-03-04") for each in people]
    imports.roster(users=people, demographics=births)
    before = {each["sourcedId"]: imports.student(each["sourcedId"]).version for each in people}
    people[1]["familyName"] = "Hill"
    births[2]["birthDate"] = "2012-03-05"
    if meanwhile:
        monkeypatch.setattr(log, "read_size", lambda *_: 7)
    imports.roster(users=[*people[:-1], user("U40")], demographics=births)
    monkeypatch.undo()
    size = imports.portal.office.size()
    changed = {source_id for source_id in before if imports.student(source_id).version != before[source_id]}
    assert changed == {"U2", "U3", "U39"}
    assert {imports.student(source_id).version for source_id in (*changed, "U40")} == {size}


def test_a_date_of_birth_is_a_version_of_a_student_of_whom_nothing_else_is_said(imports: Imports) -> None:
    imports.roster(users=[user("U1"), user("U2")], demographics=[born("U1", "2012-03-04"), born("U2", "2012-03-04")])
    before = imports.student("U2").version
    imports.roster(demographics=[born("U1", "2012-03-05"), born("U2", "2012-03-04")])
    assert imports.student("U1").version == imports.portal.office.size()
    assert imports.student("U2").version == before


def test_a_date_of_birth_of_somebody_gone_touches_no_version_that_a_decision_gave_meanwhile(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody keeps others away from who is gone; the import would put its own, older number there."""
    imports.roster(users=[user("U1"), user("U2")], demographics=[born("U1", "2012-03-04")])
    imports.roster(users=[user("U2")], options={"allow_withdrawals": True})
    imports.portal.decide("students", "mask", imports.student("U1").id, level="initial", review="+20d", reason="asked")
    decided = imports.student("U1").version
    monkeypatch.setattr(log, "read_size", lambda *_: 0)
    imports.roster(demographics=[born("U1", "2012-03-05")])
    assert (imports.student("U1").birth_date, imports.student("U1").version) == (date(2012, 3, 5), decided)


def test_the_same_key_finds_the_first_report(imports: Imports) -> None:
    path = roster(imports.place / "once", users=[user("U1")])
    first = imports.path(path, key="night")
    again = imports.path(path, key="night")
    assert again.again
    assert (again.batch, again.number, again.kind("students").added) == (first.batch, first.number, 1)
    with pytest.raises(Refused, match="used for another"):
        imports.path(roster(imports.place / "other", users=[user("U2")]), key="night")


def test_only_who_may_bring_data_in_does(imports: Imports, tmp_path: Path) -> None:
    path = roster(tmp_path / "r", users=[user("U1")])
    imports.portal.hire("lee", "help_desk")
    for name, allowed in (("lee", False), ("intake", True), ("administrator", True)):
        operator = imports.portal.operator(name)
        if allowed:
            import_roster(imports.portal.office, operator, path, key="k")
        else:
            with pytest.raises(Refused, match="right intake"):
                import_roster(imports.portal.office, operator, path, key="k")


# leaving and coming back


def test_who_is_absent_is_withdrawn_and_who_comes_back_is_active_again(imports: Imports) -> None:
    everybody = [user(f"U{n}", given=f"Kim{n}") for n in range(1, 12)]
    imports.roster(users=everybody)
    teacher = imports.portal.account("teacher", "certificated")
    imports.portal.add(t.account_school, account_id=teacher, school_id=imports.named(t.school, "code", "LMS").id)
    student = imports.student("U11").id
    assert imports.portal.sees(teacher, student)
    report = imports.roster(users=everybody[:-1])
    assert (report.kind("students").withdrawn, report.kind("enrollments").withdrawn) == (1, 1)
    assert imports.student("U11").status == "withdrawn"
    assert not imports.portal.sees(teacher, student)
    imports.roster(users=everybody)
    assert imports.student("U11").status == "active"
    assert imports.portal.sees(teacher, student)
    assert imports.student("U11").id == student


def test_too_many_withdrawals_stop_the_import_unless_told(imports: Imports) -> None:
    everybody = [user(f"U{n}", given=f"Kim{n}") for n in range(1, 9)]
    imports.roster(users=everybody)
    before = holdings(imports.portal, frozenset())
    with pytest.raises(Refused, match=r"1 of 8 students would be withdrawn, more than 10 %.*nothing was imported"):
        imports.roster(users=everybody[:-1])
    assert holdings(imports.portal, frozenset()) == before
    tried = imports.roster(users=everybody[:-1], options={"dry_run": True})
    assert any("1 of 8 students" in stop for stop in tried.stops)
    done = imports.roster(users=everybody[:-1], options={"allow_withdrawals": True})
    assert done.kind("students").withdrawn == 1


def test_a_delta_changes_only_whom_it_names(imports: Imports) -> None:
    imports.roster(users=[user("U1"), user("U2", given="Lou"), user("U3", given="Ari")])
    report = imports.roster(
        "delta",
        options={"allow_withdrawals": True},
        users=[user("U1", family="Vale-Orr"), {**user("U3"), "status": "tobedeleted"}, user("U4", given="New")],
    )
    students = report.kind("students")
    assert (students.added, students.changed, students.withdrawn) == (1, 1, 1)
    assert [imports.student(f"U{n}").status for n in (1, 2, 3, 4)] == ["active", "active", "withdrawn", "active"]
    assert imports.student("U1").family_name == "Vale-Orr"


def test_a_delta_that_makes_a_student_a_teacher_withdraws_the_student(imports: Imports) -> None:
    imports.roster(users=[user("U1"), user("U2", given="Lou")])
    imports.roster("delta", options={"allow_withdrawals": True}, users=[user("U1", "teacher")])
    assert imports.student("U1").status == "withdrawn"
    assert imports.named(t.staff, "source_id", "U1").type == "certificated"


def test_roles_of_a_delta_that_are_not_named_still_hold(imports: Imports) -> None:
    imports.roster(users=[user("U1", "teacher", given="Ann"), user("U2", given="Lou")])
    new_role = {
        "sourcedId": "R9",
        "userSourcedId": "U1",
        "roleType": "secondary",
        "role": "parent",
        "orgSourcedId": "S1",
    }
    person = {
        key: value
        for key, value in user("U1", given="Ann", family="Lee").items()
        if key not in ("role", "orgSourcedIds")
    }
    person["agentSourcedIds"] = "U2"
    imports.roster("delta", "1.2", users=[person], roles=[new_role])
    staff = imports.named(t.staff, "source_id", "U1")
    assert (staff.type, staff.family_name, staff.status) == ("certificated", "Lee", "active")
    assert imports.portal.all(sa.select(t.post.c.active))[0][0]
    assert ("U1", "U2") in ties(imports)


# who belongs where


def test_classes_say_from_when_until_when_and_orgs_where_classes_are_silent(imports: Imports) -> None:
    imports.roster(
        users=[user("U1", orgSourcedIds="S1,S2"), user("U2", given="Lou", orgSourcedIds="S2")],
        enrollments=[
            member("E1", "C1", "U1", beginDate="2026-08-10", endDate="2026-12-18"),
            member("E2", "C1", "U1", beginDate="2027-01-05", endDate="2027-06-11"),
        ],
    )
    assert enrolled(imports, "U1") == {"LMS": (date(2026, 8, 10), date(2027, 6, 11)), "MHS": (None, None)}
    assert enrolled(imports, "U2") == {"MHS": (None, None)}


def test_staff_have_posts_by_org_or_class_and_none_when_disabled(imports: Imports) -> None:
    imports.roster(
        users=[
            user("T1", "teacher", orgSourcedIds="S1"),
            user("T2", "teacher", given="Lou", enabledUser="false"),
            user("T3", "administrator", given="Ari", orgSourcedIds="D1"),
        ],
        enrollments=[
            member("E1", "C2", "T1", "teacher", beginDate="2026-08-10", endDate="2026-12-18"),
            member("E2", "C1", "T2", "teacher"),
        ],
    )
    query = (
        sa.select(t.staff.c.source_id, t.school.c.source_id, t.post.c.ends)
        .join(t.staff, t.staff.c.id == t.post.c.staff_id)
        .join(t.school, t.school.c.id == t.post.c.school_id)
        .where(t.post.c.active)
    )
    assert {tuple(row) for row in imports.portal.all(query)} == {
        ("T1", "S1", None),
        ("T1", "S2", None),
        ("T3", "D1", None),
    }


def test_guardians_are_tied_from_either_side_and_a_restriction_wins(imports: Imports) -> None:
    people = [
        user("U1", agentSourcedIds="G1,G2"),
        user("G1", "parent", given="Pat") | {"metadata.relation": "Mother"},
        user("G2", "guardian", given="Sam")
        | {"metadata.restrictedStudents": "U1", "metadata.restrictionReference": "Order 7"},
        user("G3", "relative", given="Uli", agentSourcedIds="U1,U9"),
    ]
    report = imports.roster(users=people)
    assert ties(imports) == {
        ("G1", "U1"): ("mother", False, None),
        ("G2", "U1"): ("", True, "Order 7"),
        ("G3", "U1"): ("relative", False, None),
    }
    assert [each.column for each in report.findings if each.reason.endswith("not tied")] == ["agentSourcedIds"]


def test_a_tie_ends_when_neither_row_names_the_other_and_a_restriction_when_the_guardian_drops_it(
    imports: Imports,
) -> None:
    student, guardian = user("U1", agentSourcedIds="G1"), user("G1", "parent", given="Pat")
    order = {"metadata.restrictedStudents": "U1", "metadata.restrictionReference": "Order 7"}
    imports.roster(users=[student, guardian | order])
    imports.roster("delta", users=[student])
    assert ties(imports)["G1", "U1"][1:] == (True, "Order 7")
    imports.roster(users=[student, guardian])
    assert ties(imports)["G1", "U1"][1:] == (False, None)
    imports.roster("delta", users=[{**student, "agentSourcedIds": ""}], options={"allow_withdrawals": True})
    assert ties(imports), "a delta that names one of the two ends nothing"
    imports.roster(users=[{**student, "agentSourcedIds": ""}, guardian], options={"allow_withdrawals": True})
    assert not ties(imports)


# what an operator decided


def test_a_mask_a_block_and_switches_survive_the_nightly_roster(imports: Imports) -> None:
    portal = imports.portal
    imports.roster(users=[user("U1"), user("U2", given="Lou")])
    one, two = imports.student("U1").id, imports.student("U2").id
    portal.decide("students", "mask", one, level="initial", review="2027-06-30", reason="asked")
    portal.decide("students", "mask", two, level="pseudonym", review="2027-06-30", reason="order")
    code = portal.one(t.student, two).pseudonym
    parent = portal.account("pat")
    tie = portal.membership(parent, one, "removed")
    imports.roster(users=[user("U1", family="Orr"), user("U2", given="Lou", family="Newname", email="lou@s.example")])
    masked, sealed = portal.one(t.student, one), portal.one(t.student, two)
    assert (masked.mask, masked.family_name, masked.family_initial) == ("initial", "Orr", "O.")
    assert (sealed.mask, sealed.pseudonym, sealed.given_name, sealed.family_name) == ("pseudonym", code, "", "")
    assert (sealed.name_key, sealed.email, sealed.email_key) == ("", None, "")
    assert portal.one(t.membership, tie).status == "removed"
    with portal.office.reading() as connection:
        name = sealed_name(connection, portal.office.vault, two)
    assert name is not None
    assert (name.given, name.family, name.email) == ("Lou", "Newname", "lou@s.example")
    portal.decide("students", "unmask", two, reason="order ended")
    assert portal.one(t.student, two).name_key == name_key("LouNewname")


def test_an_opt_out_is_taken_over_when_it_begins_and_an_operators_decision_stands(imports: Imports) -> None:
    out = {"metadata.directoryOptOut": "true"}
    imports.roster(users=[user("U1"), user("U2", given="Lou") | out])
    assert [imports.student(f"U{n}").directory_opt_out for n in (1, 2)] == ["", "all"]
    imports.portal.change(t.student, imports.student("U2").id, directory_opt_out="")
    imports.roster(users=[user("U1") | out, user("U2", given="Lou", family="Orr") | out])
    assert [imports.student(f"U{n}").directory_opt_out for n in (1, 2)] == ["all", ""]
    imports.roster(users=[user("U1"), user("U2", given="Lou")])
    assert imports.student("U1").directory_opt_out == "all", "the opt-out outlives the roster's saying so"


# ids


def test_an_id_that_somebody_else_has_now_is_held_back_until_allowed(imports: Imports) -> None:
    imports.roster(users=[user("U1"), user("T1", "teacher", given="Ann")], demographics=[born("U1", "2012-01-01")])
    files = {
        "users": [user("U1", given="Omar", family="Haddad"), user("T1", "teacher", given="Bo", family="Quist")],
        "demographics": [born("U1", "2013-05-05")],
    }
    report = imports.roster(**files)
    assert {(each.what, each.kind) for each in report.oddities} == {("reused", "students"), ("reused", "staff")}
    assert report.held == 2
    assert (imports.student("U1").given_name, imports.student("U1").birth_date) == ("Kim", date(2012, 1, 1))
    allowed = imports.roster(**files, options={"allow_reused": True})
    assert allowed.held == 0
    assert (imports.student("U1").given_name, imports.student("U1").birth_date) == ("Omar", date(2013, 5, 5))


def test_a_wedding_or_a_corrected_date_is_no_other_person(imports: Imports) -> None:
    imports.roster(
        users=[user("U1"), user("U2", given="Lou")], demographics=[born("U1", "2012-01-01"), born("U2", "2011-01-01")]
    )
    report = imports.roster(
        users=[user("U1", family="Orr"), user("U2", given="Lou")],
        demographics=[born("U1", "2012-01-01"), born("U2", "2011-10-01")],
    )
    assert report.oddities == ()
    assert report.kind("students").changed == 2


def test_changed_ids_and_numbers_are_told(imports: Imports) -> None:
    imports.roster(
        users=[user("U1"), user("U2", given="Lou")], demographics=[born("U1", "2012-01-01"), born("U2", "2011-01-01")]
    )
    report = imports.roster(
        users=[
            user("U5", identifier="771"),
            user("U2", given="Lou", identifier="999"),
            user("U6", given="New", identifier="772"),
        ],
        demographics=[born("U5", "2012-01-01"), born("U2", "2011-01-01"), born("U6", "2010-01-01")],
        options={"allow_withdrawals": True},
    )
    said = {(each.what, each.line): each.says for each in report.oddities}
    assert "new sourcedId" in said["changed", 2]
    assert "number changed" in said["changed", 3]
    assert "belonged to another" in said["reused", 4]


# waiting registrations


def test_a_waiting_registration_finds_a_student_who_comes_later(imports: Imports) -> None:
    imports.roster(users=[user("U1")])
    imports.form("registrations", application("R1", "772", student_family_name="Vale"))
    case = imports.named(t.registration, "ref", "R1")
    assert (case.student_id, case.membership_id, case.match) == (None, None, 0)
    report = imports.roster(users=[user("U1"), user("U2", given="Lou")])
    assert report.kind("waiting registrations").changed == 1
    case = imports.named(t.registration, "ref", "R1")
    assert case.student_id == imports.student("U2").id
    assert imports.portal.one(t.membership, case.membership_id).status == "limited"
    assert case.match == 2, "number and family name"
    assert case.version == imports.portal.office.size()


def test_a_number_that_moves_takes_the_application_along_unless_the_name_says_otherwise(imports: Imports) -> None:
    imports.roster(users=[user("U1"), user("U2", given="Lou", family="Orr")])
    imports.form(
        "registrations",
        application("R1", "771", login="meant-orr", student_family_name="Orr"),
        application("R2", "771", login="meant-vale", student_family_name="Vale"),
    )
    first = imports.student("U1").id
    assert imports.named(t.registration, "ref", "R1").student_id == first
    imports.roster(users=[user("U1", identifier="900"), user("U2", given="Lou", family="Orr", identifier="771")])
    moved, stayed = imports.named(t.registration, "ref", "R1"), imports.named(t.registration, "ref", "R2")
    assert moved.student_id == imports.student("U2").id
    assert stayed.student_id == first
    old = imports.portal.all(
        sa.select(t.membership).where(t.membership.c.account_id == moved.account_id, t.membership.c.student_id == first)
    )
    assert [row.status for row in old] == ["removed"]
    assert imports.portal.one(t.membership, stayed.membership_id).status == "limited"


def application(ref: str, number: str, **values: Any) -> dict[str, Any]:
    return {
        "ref": ref,
        "kind": "parent",
        "arrived_at": "2026-11-19T10:00:00Z",
        "login": "pat",
        "given_name": "Pat",
        "family_name": "Vale",
        "student_number": number,
        **values,
    }


# history


def test_history_keeps_what_a_row_was_and_keeps_it_sealed(imports: Imports) -> None:
    imports.roster(users=[user("U1")])
    report = imports.roster(users=[user("U1", family="Orr")])
    change = t.roster_change
    (row,) = imports.portal.all(sa.select(change).where(change.c.import_id == report.number))
    assert (row.kind, row.source_id, row.change) == ("students", "U1", "changed")
    assert b"Vale" not in row.before
    place = f"{report.number}:students:U1"
    before = msgspec.json.decode(imports.portal.office.vault.open("roster_change", "before", place, bytes(row.before)))
    assert (before["family_name"], before["status"]) == ("Vale", "active")


# bad input


def test_wrong_rows_keep_everything_out_and_are_named(imports: Imports) -> None:
    before = holdings(imports.portal, frozenset())
    with pytest.raises(BadRows, match="One row is wrong; nothing was imported") as caught:
        imports.roster(users=[user("U1"), user("U2", given="", family="")])
    (finding,) = [each for each in caught.value.report.findings if each.severity == "error"]
    assert (finding.file, finding.line, finding.column) == ("users.csv", 3, "familyName")
    assert holdings(imports.portal, frozenset()) == before


def test_skipping_wrong_rows_imports_the_rest_and_withdraws_nobody_for_them(imports: Imports) -> None:
    imports.roster(users=[user("U1"), user("U2", given="Lou")])
    report = imports.roster(
        users=[user("U1", family="Orr"), user("U2", given="", family="")], options={"skip_bad_rows": True}
    )
    assert (report.errors, report.kind("students").changed, report.kind("students").withdrawn) == (1, 1, 0)
    assert imports.student("U2").status == "active"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_zip_that_was_cut_off_leaves_nothing(imports: Imports, district: Manifest, share: float) -> None:
    whole = district.roster_zip.read_bytes()
    path = imports.place / "cut.zip"
    path.write_bytes(whole[: int(len(whole) * share)])
    before = holdings(imports.portal, frozenset())
    with pytest.raises(Refused, match="nothing was imported"):
        imports.path(path)
    assert holdings(imports.portal, frozenset()) == before


def test_a_file_that_breaks_in_the_middle_leaves_nothing(imports: Imports) -> None:
    path = roster(imports.place / "broken", users=[user(f"U{n}") for n in range(2000)])
    text = (path / "users.csv").read_bytes()
    (path / "users.csv").write_bytes(text[: len(text) // 2] + b'\n"never closed,')
    before = holdings(imports.portal, frozenset())
    with pytest.raises(Refused, match="nothing was imported"):
        imports.path(path)
    assert holdings(imports.portal, frozenset()) == before


def test_references_to_nobody_are_tolerated_and_told(imports: Imports) -> None:
    report = imports.roster(
        users=[user("U1", orgSourcedIds="S1,S9")],
        classes=[*CLASSES, {"sourcedId": "C9", "title": "Lost", "schoolSourcedId": "S9"}],
        enrollments=[member("E1", "C7", "U1"), member("E2", "C1", "U7")],
        orgs=ORGS,
    )
    told = {(each.file, each.column) for each in report.findings if " has " in each.reason}
    assert told == {
        ("users.csv", "orgSourcedIds"),
        ("classes.csv", "schoolSourcedId"),
        ("enrollments.csv", "classSourcedId"),
        ("enrollments.csv", "userSourcedId"),
    }
    assert enrolled(imports, "U1") == {"LMS": (None, None)}


# at once


def test_two_rosters_at_once_end_as_one_after_the_other(imports: Imports, district: Manifest) -> None:
    said: list[str] = []

    def run(name: str) -> None:
        try:
            import_roster(imports.portal.office, imports.portal.operator("intake"), district.roster_zip, key=name)
            said.append("done")
        except Unavailable as error:
            said.append(str(error))

    threads = [threading.Thread(target=run, args=(f"at once {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("done") >= 1
    assert all(each == "done" or "Try again" in each for each in said), said
    after = holdings(imports.portal)
    assert imports.path(district.roster_zip).moved == 0
    assert holdings(imports.portal) == after


def test_while_a_roster_is_read_others_decide(
    imports: Imports, district: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading takes most of an import's time; the write lock is taken after it."""
    from console.intake import roster_run

    portal = imports.portal
    case = portal.registration(portal.student(school=portal.school(code="elsewhere")))
    decided: list[int] = []
    read_into = roster_run.read_into

    def staged(*arguments: Any) -> None:
        read_into(*arguments)
        decided.append(portal.decide("registrations", "approve", case, reason="fits").done)

    monkeypatch.setattr(roster_run, "read_into", staged)
    imports.path(district.roster_zip, allow_withdrawals=True)
    assert decided == [1]


@pytest.fixture(params=["sqlite", "postgresql"])
def killable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'portal.db'}", tmp_path
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    url = cluster.fresh_database()
    yield url, tmp_path
    cluster.drop(url)


@pytest.mark.campaign
def test_a_kill_in_the_middle_of_an_import_leaves_all_or_nothing(
    killable: tuple[str, Path], district: Manifest, whole: bool
) -> None:
    import random
    import signal
    import subprocess
    import sys
    import time
    from pathlib import Path

    from console.settings import Settings

    url, folder = killable
    portal = open_portal(url, folder)
    config = folder / "district.toml"
    config.write_text(Settings.example({"database.url": url, "portal.origin": "test.example/ledger"}), encoding="utf-8")
    dice = random.Random(7)
    before = holdings(portal, frozenset())
    operator = portal.operator("intake")
    there = 0
    for n in range(100 if whole else 6):
        path = (district.roster_zip, district.roster_delta_zip)[there % 2]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.import_and_die", str(config), str(path), f"kill {n}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(dice.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate()
        portal.office.seal()
        after = holdings(portal, frozenset())
        assert len(after["record"]) == portal.office.size()
        if after != before:
            there += 1
            assert len(after["roster_import"]) == len(before["roster_import"]) + 1
            assert import_roster(portal.office, operator, path, dry_run=True, key="look").moved == 0
        else:
            assert not said, "the process said it was saved"
        before = after
    portal.office.engine.dispose()


def test_the_page_about_imports_is_what_reads_the_files() -> None:
    from pathlib import Path

    from console.intake.guide import page

    written = (Path(__file__).parent.parent / "docs" / "INTAKE.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m console.intake.guide > docs/INTAKE.md"


def test_errors_are_the_consoles_own() -> None:
    assert issubclass(BadRows, ConsoleError)
