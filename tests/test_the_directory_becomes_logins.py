"""Promise: whoever the directory names can become a login by an operator's decision, on record, and by no other way; reading the
directory again changes only what it says anew, and an undo leaves no login behind.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.errors import Refused, Unavailable
from console.intake.findings import Severity
from console.text import safe
from fixtures.hostile import HOSTILE_NAMES
from models import tables as t
from tests.directories import Listing, case, entry, read, teacher
from tests.line_mode import LineMode, write_settings
from tests.portals import open_portal
from tests.rows_and_records import TRAIL, changes, lasting, records_of, rows_of, tell_the_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Open the portal with settings of [directory]."""
    made: list[Portal] = []

    def with_directory(**directory: Any) -> Portal:
        made.append(open_portal(database_url, tmp_path, directory=directory))
        return made[-1]

    yield with_directory
    for portal in made:
        portal.office.engine.dispose()


def states(portal: Portal) -> dict[str, str]:
    rows = LineMode(portal, portal_settings(portal)).json("activations", "list", "--where", "")
    return {row["login"]: row["state"] for row in rows}


def portal_settings(portal: Portal) -> Any:
    folder = portal.settings.keys.ledger.parent.parent
    return write_settings(portal, folder)


def kim(portal: Portal, **values: Any) -> tuple[int, int]:
    school = portal.school(**values)
    return school, portal.student(school=school)


def test_everybody_comes_in_and_is_matched_and_it_is_on_record(portal: Portal) -> None:
    school, student = kim(portal)
    staff = teacher(portal, school=school)
    report = read(
        portal,
        entry("kim", "Kim", "Vale", "20260001"),
        entry("t.teach", "Tess", "Teach", "900"),
        entry("office", "Olga", "Office", "", "DO"),
        by=portal.operator("intake"),
    )
    assert (report.kind("people").added, report.refused) == (3, 0)
    assert report.warnings == 1, "the code DO is no school's and is not said to be the district's"
    rows = {each: case(portal, each) for each in ("kim", "t.teach", "office")}
    assert (rows["kim"].student_id, rows["kim"].school_id, rows["kim"].differs) == (student, school, False)
    assert (rows["t.teach"].staff_id, rows["t.teach"].student_id) == (staff, None)
    assert (rows["office"].school_id, rows["office"].staff_id) == (None, None)
    (record,) = records_of(portal, report.batch or "")
    assert (record.action, record.params["people"]) == ("intake.sync", [3, 0, 0])
    assert {row.version for row in rows.values()} == {record.index + 1}
    assert "Vale" not in str(record)


def test_a_second_reading_changes_what_is_new_and_nothing_else(portal: Portal) -> None:
    portal.school()
    ann, bo, cy = entry("ann"), entry("bo"), entry("cy")
    read(portal, ann, bo, cy, *(entry(f"more{n}") for n in range(40)))
    rest = [entry(f"more{n}") for n in range(40)]
    before = rows_of(portal)
    report = read(portal, ann, bo, cy, *rest)
    assert (report.kind("people").moved, report.kind("matches").moved) == (0, 0)
    assert changes(before, rows_of(portal), TRAIL) == {}, "the clock stands still: nothing was seen later"
    report = read(portal, replace(ann, family_name="New", active=False), cy, *rest, entry("new"))
    people = report.kind("people")
    assert (people.added, people.changed, people.withdrawn) == (1, 1, 1)
    assert (case(portal, "ann").family_key, case(portal, "ann").disabled) == ("new", True)
    assert case(portal, "bo").gone
    assert states(portal)["bo"] == "gone"
    back = read(portal, ann, bo, cy, *rest, entry("new"))
    assert back.kind("people").changed == 2
    assert states(portal)["bo"] == "waiting"


def test_the_same_call_again_reads_nothing_twice(portal: Portal) -> None:
    portal.school()
    first = read(portal, entry("ann"), key="tonight")
    again = read(portal, entry("ann"), entry("bo"), key="tonight")
    assert (again.again, again.batch) == (True, first.batch)
    assert set(states(portal)) == {"ann"}


def test_a_dry_run_shows_what_would_be_and_writes_nothing(portal: Portal) -> None:
    portal.student(school=portal.school())
    read(portal, entry("gone"))
    before = rows_of(portal)
    report = read(portal, entry("kim", "Kim", "Other", "20260001"), entry("A"), entry("a"), dry_run=True)
    assert rows_of(portal) == before
    people = report.kind("people")
    assert (people.added, people.withdrawn, report.batch) == (3, 1, None)
    assert report.stops, "one of one would be gone"
    assert [each.reason for each in report.findings if each.severity is Severity.WARNING] == [
        "the roster has another name for its number",
        "another entry has the same login",
        "another entry has the same login",
    ]
    assert "Kim" not in str(report)


@pytest.mark.parametrize("left", [[], [entry("p0")], [entry(f"p{n}") for n in range(7)]], ids=len)
def test_too_many_gone_at_once_stop_it(portal: Portal, left: list[Any]) -> None:
    portal.school()
    read(portal, *(entry(f"p{n}") for n in range(10)))
    before = rows_of(portal)
    with pytest.raises(Refused, match=r"would be gone, more than .* nothing was done"):
        read(portal, *left)
    assert rows_of(portal) == before
    assert read(portal, *left, allow_withdrawals=True).kind("people").withdrawn == 10 - len(left)


def test_a_directory_that_breaks_off_leaves_everything_as_it_was(portal: Portal) -> None:
    from console.directory.syncing import sync

    portal.school()
    read(portal, entry("ann"), entry("bo"))
    before = rows_of(portal)
    with pytest.raises(Unavailable):
        sync(portal.office, portal.operator(), Listing([entry(f"p{n}") for n in range(9)], 5), key="broken")
    assert rows_of(portal) == before


def test_only_who_may_import_may_read_it(portal: Portal) -> None:
    for role in ("school_administrator", "help_desk", "auditor", "privacy_officer"):
        with pytest.raises(Refused, match="does not have the right intake"):
            read(portal, entry("ann"), by=portal.hire(role, role))
    assert not portal.all(sa.select(t.directory_user))


def test_a_student_gets_a_login_sees_themselves_and_the_undo_leaves_none(portal: Portal) -> None:
    _, student = kim(portal, initial_rights="approve_for_any")
    read(portal, entry("Kim.Vale", "Kim", "Vale", "20260001"))
    one = case(portal, "Kim.Vale").id
    before = rows_of(portal)
    plan = portal.plan("activations", "activate", one, type="student")
    assert (plan.count, plan.opens, plan.closes) == (1, 1, 0)
    assert rows_of(portal) == before, "a plan writes nothing"
    made = portal.decide("activations", "activate", one, type="student")
    after = rows_of(portal)
    tell_the_truth(portal, made.batch or "", before, after)
    row = case(portal, "Kim.Vale")
    account = portal.one(t.account, row.account_id)
    assert (row.state, account.type, account.status, account.origin) == ("activated", "student", "active", "sis")
    assert (account.login, account.login_key, account.student_id) == ("Kim.Vale", "kim.vale", student)
    assert account.email is None, "a student's address is not the directory's to give"
    assert "record" in portal.sees(account.id, student)
    assert portal.all(sa.text("SELECT directory_id, login, account FROM portal_directory")) == [
        ("id-Kim.Vale", "kim.vale", account.id)
    ]
    undone = portal.undo(made.batch or "")
    assert portal.sees(account.id, student) == set()
    assert portal.all(sa.text("SELECT * FROM portal_directory")) == []
    assert portal.one(t.account, account.id).login_key.startswith(" "), "the name is free again"
    assert not lasting(before, rows_of(portal))
    assert (portal.one(t.account, account.id).status, portal.one(t.membership, 1).status) == ("deleted", "removed")
    portal.undo(undone.batch or "")
    assert "record" in portal.sees(account.id, student)
    assert portal.one(t.account, account.id).login_key == "kim.vale"


def test_who_is_activated_again_gets_the_same_login_back(portal: Portal) -> None:
    kim(portal)
    read(portal, entry("kim", "Kim", "Vale", "20260001"))
    one = case(portal, "kim").id
    made = portal.decide("activations", "activate", one, type="student")
    account = case(portal, "kim").account_id
    portal.undo(made.batch or "")
    portal.decide("activations", "activate", one, type="student")
    assert case(portal, "kim").account_id == account
    assert len(portal.all(sa.select(t.account))) == 1


def test_a_teacher_sees_the_students_of_where_the_roster_places_them(portal: Portal) -> None:
    lincoln, student = kim(portal)
    other = portal.school("Roosevelt")
    far = portal.student("Ana", "Far", school=other)
    teacher(portal, school=lincoln)
    teacher(portal, "901", school=None, given_name="Uma", family_name="Unplaced")
    read(
        portal, entry("tess", "Tess", "Teach", "900", "roosevelt"), entry("uma", "Uma", "Unplaced", "901", "roosevelt")
    )
    plan = portal.plan("activations", "activate", where="kind:staff", type="certificated")
    assert (plan.count, plan.opens) == (2, 2)
    portal.decide("activations", "activate", where="kind:staff", type="certificated")
    tess, uma = case(portal, "tess").account_id, case(portal, "uma").account_id
    assert portal.sees(tess, student)
    assert not portal.sees(tess, far)
    assert portal.sees(uma, far), "where the roster places nobody, the code counts"
    assert not portal.sees(uma, student)
    assert portal.one(t.account, tess).email == "tess@district.example"


def test_other_kinds_see_nobody(portal: Portal) -> None:
    _, student = kim(portal)
    read(portal, entry("aide", "Ada", "Aide"))
    for kind in ("classified", "associate", "other"):
        made = portal.decide("activations", "activate", case(portal, "aide").id, type=kind)
        assert portal.one(t.account, case(portal, "aide").account_id).type == kind
        assert not portal.sees(case(portal, "aide").account_id, student)
        portal.undo(made.batch or "")


def test_a_login_that_is_there_is_tied_and_only_a_waiting_one_starts(portal: Portal) -> None:
    school, student = kim(portal)
    lee = portal.student("Lee", "Roe", school=school)
    pending = portal.account("kim", "student", "Kim", "Vale", student_id=student, status="pending")
    closed = portal.account("lee", "student", "Lee", "Roe", student_id=lee, status="suspended")
    read(portal, entry("KIM", "Kim", "Vale", "20260001"), entry("lee", "Lee", "Roe", "20260002"))
    before = rows_of(portal)
    plan = portal.plan("activations", "activate", where="kind:student", type="student")
    assert (plan.count, plan.opens) == (2, 1)
    made = portal.decide("activations", "activate", where="kind:student", type="student")
    tell_the_truth(portal, made.batch or "", before, rows_of(portal))
    assert [case(portal, each).account_id for each in ("KIM", "lee")] == [pending, closed]
    assert portal.one(t.account, pending).status == "active"
    assert portal.one(t.account, closed).status == "suspended", "what an operator closed, no directory opens"
    assert not portal.sees(closed, lee)
    assert len(portal.all(sa.select(t.account))) == 2
    portal.undo(made.batch or "")
    assert portal.one(t.account, pending).status == "pending"
    assert portal.one(t.account, pending).login_key == "kim"


def test_an_activation_that_was_used_since_is_not_undone(portal: Portal) -> None:
    school, student = kim(portal)
    for given in ("Lee", "Max"):
        portal.student(given, "Roe", school=school)
    people = (("kim", "Kim", "Vale", "20260001"), ("lee", "Lee", "Roe", "20260002"), ("max", "Max", "Roe", "20260003"))
    read(portal, *(entry(*each) for each in people))
    made = portal.decide("activations", "activate", where="kind:student", type="student")
    again = portal.registration(None, school, kind="student", account=case(portal, "kim").account_id)
    portal.change(t.registration, again, student_id=student)
    portal.change(t.account, case(portal, "lee").account_id, version=999)
    undone = portal.undo(made.batch or "")
    assert undone.done == 1
    assert {each.why for each in undone.skipped} == {"the login was used since", "it changed since"}
    assert states(portal) == {"kim": "activated", "lee": "activated", "max": "waiting"}


def test_administrators_logins_are_given_by_who_manages_operators(portal: Portal) -> None:
    school = portal.school()
    read(portal, entry("boss", "Bea", "Boss"))
    one = case(portal, "boss").id
    for name, role, schools in (("lin", "school_administrator", (school,)), ("tech", "technology_director", ())):
        who = portal.hire(name, role, schools)
        if not who.may("activations.decide"):  # type: ignore[arg-type]
            continue
        for kind in ("school_administrator", "district_administrator"):
            with pytest.raises(Refused, match=r"operators\.decide"):
                portal.decide("activations", "activate", one, type=kind, by=who)
            with pytest.raises(Refused, match=r"operators\.decide"):
                portal.plan("activations", "activate", one, type=kind, by=who)
    portal.decide("activations", "activate", one, type="school_administrator")
    assert portal.one(t.account, case(portal, "boss").account_id).type == "school_administrator"


def test_the_settings_activate_clean_matches_as_the_one_who_syncs(opened: Callable[..., Portal]) -> None:
    portal = opened(activate_students=True, activate_staff=True)
    school, _ = kim(portal)
    careful = portal.school("Roosevelt", initial_rights="approve_for_any")
    portal.student("Ana", "Far", school=careful)
    portal.student("Bo", "Name", school=school)
    teacher(portal, school=school)
    teacher(portal, "901", school=school, type="school_administrator", given_name="Bea", family_name="Boss")
    people = (
        entry("kim", "Kim", "Vale", "20260001"),
        entry("ana", "Ana", "Far", "20260002"),
        entry("bo", "Somebody", "Else", "20260003"),
        entry("tess", "Tess", "Teach", "900"),
        entry("bea", "Bea", "Boss", "901"),
        entry("off", "Kim", "Vale", active=False),
    )
    tried = read(portal, *people, by=portal.operator("intake"), dry_run=True)
    report = read(portal, *people, by=portal.operator("intake"))
    for each in (tried, report):
        assert each.kind("student logins activated").added == 1
        assert each.kind("certificated logins activated").added == 1
    assert states(portal) == {
        "kim": "activated",
        "ana": "waiting",
        "bo": "conflict",
        "tess": "activated",
        "bea": "waiting",
        "off": "waiting",
    }
    rows = portal.all(
        sa.select(t.record.c.operator_id, t.record.c.batch).where(t.record.c.action == "activations.activate")
    )
    assert {row.operator_id for row in rows} == {portal.operator("intake").id}
    assert portal.undo(rows[0].batch).done == 1, "an operator takes it back as any other"
    with pytest.raises(Refused, match="right"):
        portal.undo(rows[1].batch, by=portal.operator("intake"))


def test_names_and_addresses_follow_as_far_as_they_may(opened: Callable[..., Portal]) -> None:
    portal = opened(sync_names=True, sync_email=True)
    school, _ = kim(portal)
    masked = portal.student("Max", "Hidden", school=school)
    teacher(portal, school=school)
    own = teacher(portal, "901", school=school, given_name="Una", family_name="Own")
    portal.account("una", "certificated", "Una", "Own", staff_id=own, email="una@home.example")  # entered it herself
    portal.account("max", "student", "Max", "Hidden", student_id=masked, origin="sis", email=None)
    people = [
        entry("kim", "Kim", "Vale", "20260001"),
        entry("max", "Max", "Hidden", "20260002"),
        entry("tess", "Tess", "Teach", "900"),
        entry("una", "Una", "Own", "901"),
    ]
    read(portal, *people)
    portal.decide("activations", "activate", where="kind:student", type="student")
    portal.decide("activations", "activate", where="kind:staff", type="certificated")
    portal.decide("students", "mask", masked, level="initial", review="+9d", reason="an order")
    report = read(
        portal,
        *(replace(each, family_name="Wedded", email=f"new-{each.login}@district.example") for each in people),
    )
    rows = {row.login: row for row in portal.all(sa.select(t.account))}
    assert {name: row.family_name for name, row in rows.items()} == {
        "kim": "Wedded",
        "max": "Hidden",
        "tess": "Wedded",
        "una": "Own",
    }
    assert rows["tess"].family_key == "wedded"
    assert rows["tess"].email == "new-tess@district.example"
    assert (rows["kim"].email, rows["max"].email, rows["una"].email) == (None, None, "una@home.example")
    assert (report.kind("names of logins").changed, report.kind("addresses of logins").changed) == (2, 1)
    assert rows["tess"].version == records_of(portal, report.batch or "")[0].index + 1


def test_without_the_options_nothing_follows(portal: Portal) -> None:
    school, _ = kim(portal)
    teacher(portal, school=school)
    tess = entry("tess", "Tess", "Teach", "900")
    read(portal, tess)
    portal.decide("activations", "activate", where="", type="certificated")
    before = portal.one(t.account, 1)
    read(portal, replace(tess, given_name="Theresa", email="other@district.example"))
    assert portal.one(t.account, 1) == before
    assert states(portal) == {"tess": "activated"}


def test_students_do_not_register_by_hand_where_the_directory_brings_them(opened: Callable[..., Portal]) -> None:
    from console.intake.taking import take_intake

    portal = opened(block_student_registration=True)
    kim(portal)
    for kind in ("student", "parent"):
        portal.add(
            t.intake_registration,
            ref=f"r-{kind}",
            kind=kind,
            arrived_at=portal.clock.now(),
            login=f"{kind}1",
            given_name="Kim",
            family_name="Vale",
            student_number="20260001",
        )
    report = take_intake(portal.office, portal.operator("intake"))
    assert report.refused == 1
    assert [each.reason for each in report.refusals] == [
        "students do not register by hand here, the directory brings them"
    ]
    assert [row.kind for row in portal.all(sa.select(t.registration.c.kind))] == ["parent"]


def test_conflicts_are_told_once_to_the_alert_addresses_and_name_nobody(opened: Callable[..., Portal]) -> None:
    from console.notices.rendering import render

    portal = opened(alerts=["it@district.example", "office@district.example"])
    portal.school()
    first = [entry("jo", "Jo", "Jones"), entry("JO", "Joan", "Jones", id="id-2")]

    def letters() -> list[Any]:
        with portal.office.reading() as connection:
            rows = connection.execute(sa.select(t.notice).order_by(t.notice.c.id)).all()
            return [render(connection, portal.settings, portal.office.vault, row) for row in rows]

    read(portal, *first)
    read(portal, *first)
    assert [each.to for each in letters()] == ["it@district.example", "office@district.example"]
    assert "2 people of the directory" in letters()[0].text
    assert "Jones" not in letters()[0].text + letters()[0].subject
    read(portal, *first, entry("mo", id="id-3"), entry("Mo", id="id-4"))
    assert len(letters()) == 4, "what is new is told, what was told is not"
    portal.decide("activations", "dismiss", case(portal, "JO").id, reason="a duplicate")
    read(portal, *first, entry("mo", id="id-3"), entry("Mo", id="id-4"))
    portal.decide("activations", "restore", case(portal, "JO").id)
    read(portal, *first, entry("mo", id="id-3"), entry("Mo", id="id-4"))
    assert len(letters()) == 6, "a conflict that ended and came again is a new one"


def test_names_that_are_an_attack_do_nothing(portal: Portal) -> None:
    """VULNERABILITY: attributes of a directory are typed by people and drawn on an operator's terminal.

    ATTACK: control characters, bidirectional overrides, markup, piles of marks and other scripts in every attribute.
    VERIFIES: each is read, listed, shown and activated; no byte of it moves a cursor or turns a line.
    """
    portal.school()
    odd = ("\0nul", "\x1b]0;title\x07", "half \ud83d", "x" * 100_000)
    people = [
        entry(f"u{n}\x1b[31m{name}"[:60], name, name, f"{name}{n}", name, "lincoln", id=f"{n}", email=name)
        for n, name in enumerate((*HOSTILE_NAMES, *odd))
    ]
    report = read(portal, *people)
    assert report.kind("people").added == len(people)
    line = LineMode(portal, portal_settings(portal))
    said = line.run("activations", "list", "--where", "").out + line.run("activations", "list", "--format", "csv").out
    rows = portal.all(sa.select(t.directory_user.c.id))
    for (each,) in rows[:: max(1, len(rows) // 12)]:
        said += line.run("activations", "show", each).out
    assert [each for each in said.split("\n") if safe(each) != each] == []
    made = portal.decide("activations", "activate", where="disabled:no", type="other")
    assert made.done > len(people) // 2
    assert max(len(row.given_name) for row in portal.all(sa.select(t.account))) <= 256


def test_entries_without_id_or_login_are_counted_and_one_that_comes_twice_counts_once(portal: Portal) -> None:
    portal.school()
    report = read(portal, entry("a"), entry("a"), replace(entry("b"), id=" "), entry(" ", id="blank"), entry("c"))
    assert (report.kind("people").added, report.refused) == (2, 2)
    assert {each.reason for each in report.findings} == {"the entry has no id", "the entry has no login name"}


def test_twenty_thousand_people_come_in_in_a_bounded_time(portal: Portal) -> None:
    school = portal.school()
    from models.bulk import insert_rows
    from models.engine import writing

    with writing(portal.office.engine) as connection:
        columns = ("source_id", "number", "given_name", "family_name", "name_key", "family_key", "school_id")
        rows = [(f"s{n}", str(10**7 + n), "Kim", f"Vale{n}", f"kimvale{n}", f"vale{n}", school) for n in range(15_000)]
        insert_rows(connection, t.student, columns, rows)
    people = [entry(f"s{n}", "Kim", f"Vale{n}", str(10**7 + n)) for n in range(20_000)]
    began = time.perf_counter()
    assert read(portal, *people).kind("people").added == 20_000
    first = time.perf_counter() - began
    assert read(portal, *people).kind("people").moved == 0
    again = time.perf_counter() - began - first
    assert first < 12, first
    assert again < 8, again
    plan = portal.plan("activations", "activate", where="state:waiting", type="student")
    assert (plan.count, plan.skipped_count) == (15_000, 5_000)
