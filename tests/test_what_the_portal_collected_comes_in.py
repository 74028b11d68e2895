"""What the portal collected becomes cases, accounts and ties with the rights of arrival, and opens nothing that was closed."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.cli.main import main
from console.errors import Refused
from console.evidence import Flag
from console.intake.forms import FORMS
from console.intake.report import BadRows
from console.intake.taking import take_intake
from console.ledger.log import decode
from fixtures.district import build_files
from models import tables as t
from tests.imports import Imports, holdings, roster, user

if TYPE_CHECKING:
    from fixtures.district import Manifest
    from tests.portals import Portal

ARRIVED = "2026-11-19T20:00:00Z"
"""Thursday noon in Los Angeles, the day before the clock's."""


@pytest.fixture
def imports(portal: Portal, tmp_path: Path) -> Imports:
    return Imports(portal, tmp_path)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return build_files(tmp_path_factory.mktemp("district"), students=60, seed=7, today=date(2026, 11, 20))


@pytest.fixture
def school(portal: Portal) -> int:
    return portal.school()


def applies(ref: str, number: str, login: str = "pat", **values: Any) -> dict[str, Any]:
    return {
        "ref": ref,
        "kind": "parent",
        "arrived_at": ARRIVED,
        "login": login,
        "given_name": "Pat",
        "family_name": "Vale",
        "student_number": number,
        **values,
    }


def adopts(login: str, kind: str = "parent", **values: Any) -> dict[str, Any]:
    return {"login": login, "type": kind, "given_name": "Pat", "family_name": "Vale", **values}


def number_of(portal: Portal, student: int) -> str:
    return str(portal.one(t.student, student).number)


def case(imports: Imports, ref: str) -> Any:
    return imports.named(t.registration, "ref", ref)


# registrations


@pytest.mark.parametrize(
    ("rights", "kind", "account", "tie"),
    [
        ("approve_for_grades", "parent", "active", "limited"),
        ("approve_for_any", "parent", "active", "pending"),
        ("approve_for_grades", "student", "active", "pending"),
        ("approve_for_any", "student", "pending", "pending"),
        ("approve_for_grades", "asp", "pending", None),
    ],
)
def test_an_application_gets_the_rights_of_arrival(
    imports: Imports, rights: str, kind: str, account: str, tie: str | None
) -> None:
    portal = imports.portal
    student = portal.student(school=portal.school(initial_rights=rights))
    imports.form("registrations", applies("R1", number_of(portal, student), kind=kind))
    made = case(imports, "R1")
    assert (made.state, made.student_id, portal.one(t.account, made.account_id).status) == (
        "submitted",
        student,
        account,
    )
    assert (made.membership_id and portal.one(t.membership, made.membership_id).status) == tie
    expected = {"approve_for_grades": {"parent": 1, "student": 7}}.get(rights, {}).get(kind, 0)
    assert len(portal.sees(made.account_id, student)) == expected


def test_an_existing_tie_is_kept_and_a_removed_one_stays_removed(imports: Imports, school: int) -> None:
    portal = imports.portal
    student, other = portal.student(school=school), portal.student(school=school)
    account = portal.account("Pat")
    approved, removed = portal.membership(account, student), portal.membership(account, other, "removed")
    imports.form(
        "registrations",
        applies("R1", number_of(portal, student), "PAT"),
        applies("R2", number_of(portal, other), "pat"),
    )
    assert [case(imports, ref).membership_id for ref in ("R1", "R2")] == [approved, removed]
    assert [portal.one(t.membership, tie).status for tie in (approved, removed)] == ["approved", "removed"]
    assert portal.all(sa.select(sa.func.count()).select_from(t.account))[0][0] == 1


def test_cases_are_numbered_in_the_order_of_the_file(imports: Imports, school: int) -> None:
    student = imports.portal.student(school=school)
    number = number_of(imports.portal, student)
    imports.form("registrations", *(applies(f"R{9 - n}", number, f"login{n}") for n in range(5)))
    rows = imports.portal.all(sa.select(t.registration.c.id, t.registration.c.ref).order_by(t.registration.c.id))
    assert [tuple(row) for row in rows] == [(n + 1, f"R{9 - n}") for n in range(5)]


def test_a_known_ref_changes_nothing(imports: Imports, school: int) -> None:
    number = number_of(imports.portal, imports.portal.student(school=school))
    imports.form("registrations", applies("R1", number))
    before = holdings(imports.portal)
    report = imports.form("registrations", applies("R1", number, given_name="Other"))
    assert (report.known, report.moved) == (1, 0)
    assert holdings(imports.portal) == before


def test_a_login_of_another_kind_or_of_a_deleted_account_is_refused_in_words(imports: Imports, school: int) -> None:
    portal = imports.portal
    number = number_of(portal, portal.student(school=school))
    portal.account("teacher", "certificated")
    portal.account("gone", status="deleted")
    report = imports.form(
        "registrations",
        applies("R1", number, "teacher"),
        applies("R2", number, "gone"),
        applies("R3", number, "new"),
        applies("R4", number, "NEW", kind="student"),
    )
    assert [(each.line, each.reason) for each in report.refusals] == [
        (1, "the login belongs to an account of another kind (certificated)"),
        (2, "the login belongs to a deleted account"),
        (4, "the login belongs to an account of another kind (parent)"),
    ]
    assert report.kind("registrations").added == 1
    assert imports.named(t.intake_registration, "ref", "R2").refused == "the login belongs to a deleted account"
    assert imports.named(t.intake_registration, "ref", "R3").taken_at is not None


def test_what_was_refused_is_tried_again_when_the_file_comes_again(imports: Imports, school: int) -> None:
    portal = imports.portal
    student = portal.student(school=school)
    challenge = {
        "ref": "C1", "arrived_at": ARRIVED, "challenger": "kim", "challenged": "pat",
        "student_number": number_of(portal, student), "statement": "Who is that?",
    }  # fmt: skip
    assert imports.form("challenges", challenge).refused == 1
    portal.membership(portal.account("pat"), student, "limited")
    portal.account("kim", "student", student_id=student)
    assert imports.form("challenges", challenge).kind("challenges").added == 1
    assert imports.named(t.intake_challenge, "ref", "C1").refused is None


def test_odd_names_and_throw_away_mail_flag_the_case(imports: Imports, school: int) -> None:
    number = number_of(imports.portal, imports.portal.student(school=school))
    imports.form(
        "registrations",
        applies("R1", number, "a", family_name="V\u0430le"),
        applies("R2", number, "b", email="x@mailinator.com"),
        applies("R3", number, "c"),
    )
    assert [case(imports, f"R{n}").flags for n in (1, 2, 3)] == [Flag.ODD_NAME, Flag.THROWAWAY_MAIL, 0]


def test_facts_are_counted_at_arrival(imports: Imports, school: int) -> None:
    portal = imports.portal
    code = portal.office.vault.mac("verification code", "AB-12")
    student = portal.student(school=school, code_hash=code)
    portal.contact(student, relation="mother", email_key="pat@mail.example", phone_key="0104477")
    imports.form(
        "registrations",
        applies(
            "R1",
            number_of(portal, student),
            email="Pat@Mail.example",
            phone="+1 555 010 4477",
            relation="Mother",
            student_family_name="VALE",
            verification_code="AB-12",
        ),
    )
    assert (case(imports, "R1").match, case(imports, "R1").flags) == (7, 0)


def test_a_new_claim_flags_the_earlier_ones_too(imports: Imports, school: int) -> None:
    portal = imports.portal
    numbers = [number_of(portal, portal.student(family=name, school=school)) for name in ("Abe", "Bok", "Cid")]
    for n, number in enumerate(numbers):
        imports.form("registrations", applies(f"R{n}", number))
    assert [case(imports, f"R{n}").flags for n in range(3)] == [Flag.MANY_FAMILIES] * 3


def test_a_professional_of_an_unknown_organisation_needs_an_agreement(imports: Imports, school: int) -> None:
    portal = imports.portal
    number = number_of(portal, portal.student(school=school))
    imports.form("registrations", applies("R1", number, kind="asp", organisation="Open Door Club"))
    made = imports.named(t.organisation, "name", "Open Door Club")
    assert made.agreement_required
    assert portal.one(t.account, case(imports, "R1").account_id).organisation_id == made.id


# challenges


def test_only_the_student_and_approved_parents_challenge(imports: Imports, school: int) -> None:
    portal = imports.portal
    student, other = portal.student(school=school), portal.student(school=school)
    challenged = portal.membership(portal.account("new"), student, "limited")
    portal.membership(portal.account("mother"), student)
    portal.membership(portal.account("uncle"), student, "limited")
    portal.membership(portal.account("stranger"), other)
    portal.account("kim", "student", student_id=student)
    rows = [
        {
            "ref": f"C{n}",
            "arrived_at": ARRIVED,
            "challenger": who,
            "challenged": whom,
            "student_number": number,
            "statement": "No.",
        }
        for n, (who, whom, number) in enumerate(
            [
                ("Mother", "New", number_of(portal, student)),
                ("kim", "new", number_of(portal, student)),
                ("uncle", "new", number_of(portal, student)),
                ("stranger", "new", number_of(portal, student)),
                ("new", "new", number_of(portal, student)),
                ("mother", "nobody", number_of(portal, student)),
                ("mother", "new", number_of(portal, other)),
                ("mother", "new", "000"),
            ]
        )
    ]
    report = imports.form("challenges", *rows)
    assert report.kind("challenges").added == 2
    neither = "the challenger is neither the student nor an approved parent of this student"
    assert [each.reason for each in report.refusals] == [
        neither,
        neither,
        "challenger and challenged are the same account",
        "no account has the challenged login",
        "the challenged account is not tied to this student",
        "no student has this number, or several have",
    ]
    made = imports.named(t.challenge, "ref", "C0")
    assert (made.membership_id, made.student_id, made.school_id, made.state) == (challenged, student, school, "open")
    assert (made.answer_due, made.decision_due) == (date(2026, 11, 20), date(2026, 11, 26))


# grants and consents


def test_a_grant_is_asked_by_a_professional_and_its_last_day_counts(imports: Imports, school: int) -> None:
    portal = imports.portal
    student = portal.student(school=school)
    portal.account("tutor", "asp")
    portal.account("pat")
    asked = {
        "arrived_at": ARRIVED,
        "student_number": number_of(portal, student),
        "purpose": "Reading",
        "starts": "2026-11-21",
        "ends": "2026-12-18",
    }
    report = imports.form("grants", {"ref": "G1", "login": "Tutor", **asked}, {"ref": "G2", "login": "pat", **asked})
    assert [each.reason for each in report.refusals] == ["the login is not an after-school professional's (parent)"]
    made = imports.named(t.access_grant, "ref", "G1")
    assert (made.state, made.begins, made.ends, made.school_id) == (
        "requested",
        date(2026, 11, 21),
        date(2026, 12, 19),
        school,
    )
    consent = {"ref": "K1", "at": ARRIVED, "grant_ref": "G1", "login": "Pat", "action": "give"}
    assert imports.form("consents", consent, {**consent, "ref": "K2", "action": "withdraw"}).kind("consents").added == 2
    rows = portal.all(sa.select(t.intake_consent.c.gives).order_by(t.intake_consent.c.id))
    assert [row.gives for row in rows] == [True, False]


# answers


def answer(ref: str, case_ref: str, **values: Any) -> dict[str, Any]:
    return {"ref": ref, "at": ARRIVED, "desk": "registrations", "case_ref": case_ref, "text": "Here it is.", **values}


def test_an_answer_brings_a_case_back_and_lies_sealed_in_its_thread(imports: Imports, school: int) -> None:
    portal = imports.portal
    made = portal.registration(portal.student(school=school), ref="R1")
    portal.decide("registrations", "ask", made, message="Which school?")
    report = imports.form("answers", answer("A1", "R1"), answer("A2", "R7"))
    assert [each.reason for each in report.refusals] == ["there is no such case"]
    row = portal.one(t.registration, made)
    assert (row.state, row.asked_at, row.version) == ("submitted", None, portal.office.size())
    (deadline,) = portal.all(sa.select(t.deadline))
    assert deadline.met_at == portal.clock.now()
    entry = portal.all(sa.select(t.thread_entry).order_by(t.thread_entry.c.id.desc()))[0]
    assert (entry.author, entry.author_id) == ("account", row.account_id)
    assert portal.office.vault.open("thread_entry", "body", f"registrations:{made}", entry.body) == b"Here it is."


def test_an_answer_after_its_time_changes_no_state(imports: Imports, school: int) -> None:
    portal = imports.portal
    made = portal.registration(portal.student(school=school), ref="R1")
    portal.decide("registrations", "ask", made, message="Which school?")
    portal.clock.advance(timedelta(days=61))
    imports.form("answers", answer("A1", "R1"))
    assert portal.one(t.registration, made).state == "needs_info"
    assert len(portal.all(sa.select(t.thread_entry))) == 2


@pytest.mark.parametrize(("tie", "after"), [("limited", "removed"), ("pending", "removed"), ("approved", "approved")])
def test_taking_an_application_back_ends_the_tie_that_only_it_made(
    imports: Imports, school: int, tie: str, after: str
) -> None:
    portal = imports.portal
    made = portal.registration(portal.student(school=school), ref="R1", tie=tie)
    imports.form("answers", answer("A1", "R1", withdraws=True))
    row = portal.one(t.registration, made)
    assert (row.state, portal.one(t.membership, row.membership_id).status) == ("withdrawn", after)


def test_what_was_decided_is_not_taken_back_by_an_answer(imports: Imports, school: int) -> None:
    portal = imports.portal
    made = portal.registration(portal.student(school=school), ref="R1")
    portal.decide("registrations", "approve", made)
    imports.form("answers", answer("A1", "R1", withdraws=True))
    row = portal.one(t.registration, made)
    assert (row.state, portal.one(t.membership, row.membership_id).status) == ("approved", "approved")


def test_an_answer_opens_a_waiting_challenge_again(imports: Imports, school: int) -> None:
    portal = imports.portal
    student = portal.student(school=school)
    tie = portal.membership(portal.account("new"), student, "limited")
    row = {
        "ref": "C1",
        "membership_id": tie,
        "account_id": 1,
        "student_id": student,
        "challenger_id": portal.account("mother"),
    }
    made = portal.add(
        t.challenge, state="waiting", arrived_at=portal.clock.now(), statement="?", answer_due=portal.today,
        decision_due=portal.today, waiting_until=portal.today + timedelta(days=3), **row,
    )  # fmt: skip
    imports.form("answers", answer("A1", "C1", desk="challenges"))
    found = portal.one(t.challenge, made)
    assert (found.state, found.waiting_until) == ("open", None)


# adoption


def test_a_portal_in_use_is_adopted_with_its_dates(imports: Imports) -> None:
    portal = imports.portal
    imports.roster(users=[user("U1"), user("T1", "teacher", given="Ann", orgSourcedIds="D1")])
    report = imports.form(
        "accounts",
        adopts("ann", "certificated", person="T1", schools="LMS"),
        adopts("board", "associate", schools="LMS"),
        adopts("old.teacher", "certificated", schools="LMS,MHS"),
        adopts(
            "Pat",
            created_at="2025-03-01",
            student_number="771",
            level="approved",
            since="2025-04-01",
            relation="Mother",
        ),
        adopts("kim", "student", person="U1", student_number="771"),
        adopts("left", active=False, student_number="771", level="limited"),
        adopts(
            "tutor",
            "asp",
            organisation="Open Door",
            agreement_required=True,
            agreement_from="2026-08-01",
            agreement_until="2027-06-30",
        ),
    )
    assert (report.kind("accounts").added, report.kind("memberships").added, report.refused) == (7, 3, 0)
    pat = imports.named(t.account, "login_key", "pat")
    tie = imports.named(t.membership, "account_id", pat.id)
    assert (pat.status, pat.origin, pat.since) == ("active", "adopted", date(2025, 3, 1))
    assert (tie.status, tie.origin, tie.since, tie.relation) == ("approved", "adopted", date(2025, 4, 1), "mother")
    assert imports.named(t.account, "login", "left").status == "suspended"
    kim = imports.named(t.account, "login", "kim")
    assert kim.student_id == imports.student("U1").id
    assert len(portal.sees(kim.id, kim.student_id)) == 7
    assert imports.named(t.account, "login", "ann").staff_id == imports.named(t.staff, "source_id", "T1").id
    placed = portal.all(
        sa.select(t.account.c.login, t.school.c.code)
        .join(t.account_school, t.account_school.c.account_id == t.account.c.id)
        .join(t.school, t.school.c.id == t.account_school.c.school_id)
    )
    assert {tuple(row) for row in placed} == {("old.teacher", "LMS"), ("old.teacher", "MHS")}
    office = imports.named(t.organisation, "name", "Open Door")
    assert (office.agreement_required, office.agreement_until) == (True, date(2027, 7, 1))


def test_adoption_touches_nobody_who_is_there_already(imports: Imports, school: int) -> None:
    portal = imports.portal
    student = portal.student(school=school)
    number = number_of(portal, student)
    tie = portal.membership(portal.account("self"), student, "limited")
    adopted = portal.account("known", origin="adopted")
    closed = portal.membership(adopted, student, "removed")
    before = [portal.one(t.membership, each) for each in (tie, closed)]
    report = imports.form(
        "accounts",
        adopts("SELF", student_number=number, level="approved"),
        adopts("known", given_name="Other", student_number=number, level="approved"),
    )
    assert [each.reason for each in report.refusals] == [
        "the login is one that the portal has already; nothing of it was changed"
    ]
    assert [portal.one(t.membership, each) for each in (tie, closed)] == before
    assert portal.one(t.account, adopted).given_name == "Pat"


def test_a_professional_is_not_tied_to_students(imports: Imports, school: int) -> None:
    number = number_of(imports.portal, imports.portal.student(school=school))
    report = imports.form("accounts", adopts("tutor", "asp", student_number=number))
    assert "comes in as a grant" in report.refusals[0].reason


# both roads


def test_the_portals_own_rows_become_the_same_as_a_files(imports: Imports, district: Manifest) -> None:
    """The same district twice: once from files, once with the same rows inserted as a portal does."""
    portal = imports.portal
    imports.path(district.roster_zip)
    kinds = ("registrations", "challenges", "grants")
    for kind in ("accounts", *kinds):
        imports_of(imports, kind, district)
    cases = {kind: _cases(portal, kind) for kind in kinds}
    assert cases["registrations"]
    assert len(cases["registrations"]) == district.counts["registrations"]
    with portal.owning() as connection:
        for table in (t.challenge, t.access_grant, t.registration, t.membership, t.account_school, t.account):
            connection.execute(table.delete())
        for kind in ("accounts", *kinds):
            table = t.metadata.tables[f"intake_{kind.removesuffix('s')}"]
            connection.execute(table.update().values(taken_at=None, refused=None))
    report = take_intake(portal.office, portal.operator("intake"))
    assert report.kind("registrations").added == len(cases["registrations"])
    assert {kind: _cases(portal, kind) for kind in kinds} == cases


def imports_of(imports: Imports, kind: str, district: Manifest) -> None:
    from console.intake.importing import import_form

    imports.count += 1
    path = getattr(district, kind)
    import_form(imports.portal.office, imports.portal.operator("intake"), kind, path, key=f"{kind} {imports.count}")


def _cases(portal: Portal, kind: str) -> list[tuple[Any, ...]]:
    table = {"registrations": t.registration, "challenges": t.challenge, "grants": t.access_grant}[kind]
    kept = [c for c in table.columns if c.name != "version" and not c.name.endswith("id")]
    return [tuple(row) for row in portal.all(sa.select(*kept).order_by(table.c.ref))]


def test_taking_nothing_leaves_no_record(imports: Imports) -> None:
    operator = imports.portal.operator("intake")
    assert take_intake(imports.portal.office, operator).batch is None
    assert imports.portal.office.size() == 0
    imports.portal.hire("lee", "help_desk")
    with pytest.raises(Refused, match="right intake"):
        take_intake(imports.portal.office, imports.portal.operator("lee"))


def test_a_portals_odd_row_is_refused_and_holds_nobody_up(imports: Imports, school: int) -> None:
    portal = imports.portal
    number = number_of(portal, portal.student(school=school))
    base = {
        "arrived_at": datetime(2026, 11, 19, tzinfo=UTC),
        "given_name": "Pat",
        "family_name": "Vale",
        "student_number": number,
    }
    portal.add(t.intake_registration, ref="R1", kind="friend", login="x", **base)
    portal.add(t.intake_registration, ref="R2", kind="parent", login=" ", **base)
    portal.add(t.intake_registration, ref="R3", kind="parent", login="pat", **base)
    report = take_intake(portal.office, portal.operator("intake"))
    assert (report.refused, report.kind("registrations").added) == (2, 1)
    assert imports.named(t.intake_registration, "ref", "R1").refused == "kind is none of parent, student, asp"


def test_a_form_is_one_record_and_its_rows_carry_its_version(imports: Imports, school: int) -> None:
    portal = imports.portal
    report = imports.form(
        "registrations", applies("R1", number_of(portal, portal.student(school=school)), family_name="Hidden")
    )
    ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == report.batch))
    record = decode(body)
    assert (record.action, record.params["registrations"], record.params["sha256"]) == (
        "intake.registrations",
        [1, 0, 0],
        report.digest,
    )
    assert "Hidden" not in body
    made = case(imports, "R1")
    versions = (
        made.version,
        portal.one(t.account, made.account_id).version,
        portal.one(t.membership, made.membership_id).version,
    )
    assert versions == (record.index + 1,) * 3


def test_a_wrong_row_keeps_the_file_out_unless_it_is_skipped(imports: Imports, school: int) -> None:
    number = number_of(imports.portal, imports.portal.student(school=school))
    rows = [applies("R1", number), applies("R2", number, "lou", kind="friend")]
    before = holdings(imports.portal, frozenset())
    with pytest.raises(BadRows) as caught:
        imports.form("registrations", *rows)
    assert [(each.line, each.column) for each in caught.value.report.findings] == [(2, "kind")]
    assert holdings(imports.portal, frozenset()) == before
    assert imports.form("registrations", *rows, skip_bad_rows=True).kind("registrations").added == 1


def test_a_dry_run_of_a_form_changes_nothing(imports: Imports, school: int) -> None:
    row = applies("R1", number_of(imports.portal, imports.portal.student(school=school)))
    before = holdings(imports.portal, frozenset())
    tried = imports.form("registrations", row, dry_run=True)
    assert holdings(imports.portal, frozenset()) == before
    done = imports.form("registrations", row)
    assert (tried.kinds, tried.batch) == (done.kinds, None)


# the whole, and the command


def test_a_whole_district_comes_in_and_twice_is_once(imports: Imports, district: Manifest) -> None:
    from console.intake.importing import import_form

    portal = imports.portal
    imports.path(district.roster_zip)
    for turn in ("first", "second"):
        for kind in ("accounts", "registrations", "challenges", "grants", "consents"):
            report = import_form(
                portal.office, portal.operator("intake"), kind, getattr(district, kind), key=f"{turn} {kind}"
            )
            rows = district.counts["account_rows" if kind == "accounts" else kind]
            assert (report.refused, report.errors) == (0, 0)
            assert report.kind(kind).added == (0 if turn == "second" else district.counts[kind])
            assert report.known == (rows if turn == "second" else 0)
        after = holdings(portal)
        if turn == "first":
            before = after
        assert after == before
    parent = portal.one(t.account, 12)
    assert (parent.type, parent.status) == ("parent", "active")
    assert "grades" in portal.sees(12, 7)


def test_the_command_says_what_it_did_with_its_exit_code(imports: Imports, capsys: pytest.CaptureFixture[str]) -> None:
    office = imports.portal.office

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["--operator", "intake", "import", *arguments], opening=lambda *_, **__: office)
        said = capsys.readouterr()
        return code, said.out, said.err

    config = imports.place / "district.toml"
    config.write_text("")
    good = str(roster(imports.place / "good", users=[user("U1"), user("U2", given="Lou")]))
    bad = str(roster(imports.place / "bad", users=[user("U1"), user("U2", given="", family="")]))
    fewer = str(roster(imports.place / "fewer", users=[user("U1")]))
    here = Path.cwd()
    os.chdir(imports.place)
    try:
        code, out, err = run("roster", good, "--dry-run", "--format", "json")
        shape = json.loads(out)
        assert (code, shape["dry_run"], shape["batch"]) == (0, True, None)
        assert {each["name"]: each["added"] for each in shape["kinds"]}["students"] == 2
        assert "nothing was imported" in err
        code, out, _ = run("roster", good)
        assert code == 0
        assert "students" in out
        code, _, err = run("roster", bad)
        assert code == 1
        assert "error: users.csv line 3, column familyName" in err
        assert "nothing was imported" in err
        assert run("roster", fewer)[0] == 1
        assert run("roster", fewer, "--dry-run")[0] == 1
        assert run("roster", fewer, "--allow-withdrawals")[0] == 0
        assert run("roster", str(imports.place / "nowhere"))[0] == 5
        assert run("registrations", good)[0] == 1
    finally:
        os.chdir(here)


def test_every_form_has_a_command() -> None:
    from console.cli.imports import command

    assert set(command.commands) == {"roster", *FORMS}
