"""Any synthetic district has the cases that the demonstration names, and reads as the real files would."""

import csv
import json
import tracemalloc
from collections import Counter, defaultdict
from datetime import date, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.intake.archive import open_source
from console.intake.findings import Severity
from console.intake.forms import read_form
from console.intake.oneroster import read_roster
from console.intake.roster_files import Mode
from console.intake.roster_rows import links_of
from console.names import email_key, name_key, phone_key, skeleton, suspicions, throwaway_domain
from fixtures.applications import Registration
from fixtures.calendar import school_year
from fixtures.district import Manifest, build_files
from fixtures.hostile import HOSTILE_NAMES
from fixtures.names import CULTURES, Name, distance, look_alike
from fixtures.people import Population
from fixtures.portal import Answer, SimulatedPortal
from fixtures.portal_files import ACCOUNT_OF_THE_PARENT
from fixtures.roster_files import write_roster
from fixtures.stories import Challenge
from fixtures.tutoring import Consent

TODAY = date(2026, 11, 21)
DISTRICTS = [(50, 1), (50, 7), (137, 3), (500, 7), (500, 23), (5000, 2)]

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class District:
    """A built district, read back from its files with nothing but the csv module."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.today = manifest.today
        self.registrations = rows(manifest.registrations)
        self.grants = rows(manifest.grants)
        self.consents = rows(manifest.consents)
        self.account_rows = rows(manifest.accounts)
        with manifest.challenges.open(encoding="utf-8") as file:
            self.challenges = [json.loads(line) for line in file]

    def roster(self, name: str) -> list[Row]:
        return rows(self.manifest.roster / f"{name}.csv")

    @cached_property
    def users(self) -> list[Row]:
        return self.roster("users")

    @cached_property
    def students(self) -> list[Row]:
        return [user for user in self.users if user["role"] == "student"]

    @cached_property
    def by_number(self) -> dict[str, Row]:
        return {student["identifier"]: student for student in self.students}

    @cached_property
    def birth_dates(self) -> dict[str, date]:
        return {row["sourcedId"]: date.fromisoformat(row["birthDate"]) for row in self.roster("demographics")}

    @cached_property
    def guardians(self) -> dict[str, list[Row]]:
        """By sourcedId of the student, through ties in either direction."""
        users = {user["sourcedId"]: user for user in self.users}
        found: dict[str, dict[str, Row]] = defaultdict(dict)
        for user in self.users:
            for other in filter(None, user["agentSourcedIds"].split(",")):
                student, guardian = (user, users[other]) if user["role"] == "student" else (users[other], user)
                found[student["sourcedId"]][guardian["sourcedId"]] = guardian
        return {student: list(guardians.values()) for student, guardians in found.items()}

    @cached_property
    def logins(self) -> list[str]:
        """In order of first appearance: the account with id n is at n - 1."""
        return list(dict.fromkeys(row["login"] for row in (*self.account_rows, *self.registrations)))

    @cached_property
    def school_codes(self) -> dict[str, str]:
        return {org["sourcedId"]: org["identifier"] for org in self.roster("orgs")}

    def schools(self, student: Row) -> list[str]:
        return [self.school_codes[org] for org in student["orgSourcedIds"].split(",")]

    def ties(self, login: str, number: str) -> list[Row]:
        return [row for row in self.account_rows if row["login"] == login and row["student_number"] == number]

    def is_strong(self, row: Row) -> bool:
        """At least three facts hold exactly and nothing that a console could flag, judged as strictly as one can."""
        student = self.by_number.get(row["student_number"])
        if row["kind"] != "parent" or student is None:
            return False
        if self.birth_dates[student["sourcedId"]] <= self.today.replace(
            year=self.today.year - 18, day=min(self.today.day, 28)
        ):
            return False
        others = self.guardians[student["sourcedId"]]
        if any(guardian["metadata.restrictedStudents"] for guardian in others) or throwaway_domain(row["email"]):
            return False
        name = Name(row["given_name"], row["family_name"])
        own = [
            guardian for guardian in others if guardian["username"] == row["login"] and guardian["role"] != "relative"
        ]
        if not own or suspicions(name.full):
            return False
        for guardian in others:
            theirs = Name(guardian["givenName"], guardian["familyName"])
            alike = distance(name.full, theirs.full) < 3 or skeleton(name.full) == skeleton(theirs.full)
            if guardian is not own[0] and alike:
                return False
        contact = own[0]
        facts = [
            name_key(name.full) == name_key(f"{contact['givenName']} {contact['familyName']}"),
            email_key(row["email"]) == email_key(contact["email"]) != "",
            phone_key(row["phone"]) == phone_key(contact["phone"]) != "",
            row["verification_code"] == student["metadata.verificationCode"],
        ]
        return 1 + sum(facts) >= 3


def build(directory: Path, students: int, seed: int, today: date = TODAY) -> District:
    return District(build_files(directory, students=students, seed=seed, today=today))


@pytest.fixture(scope="module", params=DISTRICTS, ids=lambda pair: f"{pair[0]} students, seed {pair[1]}")
def district(request: Any, tmp_path_factory: pytest.TempPathFactory) -> District:
    students, seed = request.param
    return build(tmp_path_factory.mktemp("district"), students, seed)


def check_the_named_cases(district: District) -> None:
    check_account_12_is_a_parent_of_student_7(district)
    check_challenge_1_can_end_in_a_suspension_for_fraud(district)
    check_grant_3_lacks_only_approval(district)
    check_there_are_strong_registrations(district)


def check_account_12_is_a_parent_of_student_7(district: District) -> None:
    student = district.students[6]
    (tie,) = district.ties(district.logins[ACCOUNT_OF_THE_PARENT - 1], student["identifier"])
    assert (tie["type"], tie["active"], tie["level"]) == ("parent", "true", "approved")
    assert tie["person"] in {guardian["sourcedId"] for guardian in district.guardians[student["sourcedId"]]}
    assert len(district.guardians[student["sourcedId"]]) == 2
    assert not any(guardian["metadata.restrictedStudents"] for guardian in district.guardians[student["sourcedId"]])
    assert student["enabledUser"] == "true"
    assert student["metadata.directoryOptOut"] == ""
    assert len(district.schools(student)) == 1
    elsewhere = (*district.registrations, *district.challenges, *district.grants)
    assert student["identifier"] not in {row["student_number"] for row in elsewhere}


def check_challenge_1_can_end_in_a_suspension_for_fraud(district: District) -> None:
    first = district.challenges[0]
    (tie,) = district.ties(first["challenged"], first["student_number"])
    assert (tie["type"], tie["level"], tie["active"]) == ("parent", "limited", "true")
    assert first["challenged"] != district.logins[ACCOUNT_OF_THE_PARENT - 1]
    (challenger,) = district.ties(first["challenger"], first["student_number"])
    assert challenger["level"] == "approved"
    assert first["challenged"] not in {row["login"] for row in (*district.registrations, *district.consents)}
    assert first["challenged"] not in {row["challenged"] for row in district.challenges[1:]}


def check_grant_3_lacks_only_approval(district: District) -> None:
    grant, today = district.grants[2], district.today
    student = district.by_number[grant["student_number"]]
    (professional,) = [row for row in district.account_rows if row["login"] == grant["login"]]
    assert professional["type"] == "asp"
    assert professional["active"] == "true"
    assert professional["agreement_required"] == "true"
    assert (
        professional["agreement_from"]
        <= f"{today}"
        <= f"{district.manifest.school_year_end}"
        <= professional["agreement_until"]
    )
    assert grant["starts"] == f"{today}"
    assert grant["ends"] == f"{district.manifest.school_year_end}"
    approved = [row["login"] for row in district.account_rows if row["student_number"] == grant["student_number"]]
    consents = [row for row in district.consents if row["grant_ref"] == grant["ref"]]
    assert approved
    assert sorted(row["login"] for row in consents) == sorted(approved)
    assert {row["action"] for row in consents} == {"give"}
    assert student["enabledUser"] == "true"
    assert district.schools(student)[0] in district.manifest.asp_schools
    enrolled = [row for row in district.roster("enrollments") if row["userSourcedId"] == student["sourcedId"]]
    assert all(row["beginDate"] <= f"{today}" and not row["endDate"] for row in enrolled)
    assert enrolled
    assert grant["student_number"] not in {row["student_number"] for row in district.registrations}


def check_there_are_strong_registrations(district: District) -> None:
    in_person = set(district.manifest.in_person_schools)
    strong = [row for row in district.registrations if district.is_strong(row)]
    at_once = [
        row for row in strong if not in_person & set(district.schools(district.by_number[row["student_number"]]))
    ]
    assert len(at_once) >= district.manifest.students * 60 // 500
    for row in strong:
        claims = {other["student_number"] for other in district.registrations if other["login"] == row["login"]}
        families = {
            frozenset(g["sourcedId"] for g in district.guardians[district.by_number[n]["sourcedId"]]) for n in claims
        }
        assert len(families) == 1


def test_the_cases_that_the_demonstration_names_are_there(district: District) -> None:
    check_the_named_cases(district)


@settings(max_examples=40, deadline=None)
@given(
    students=st.integers(50, 400),
    seed=st.integers(0, 2**32),
    today=st.dates(date(2020, 1, 1), date(2040, 12, 31)),
)
def test_they_are_there_for_any_seed_size_and_day(
    tmp_path_factory: pytest.TempPathFactory, students: int, seed: int, today: date
) -> None:
    check_the_named_cases(build(tmp_path_factory.mktemp("any"), students, seed, today))


def test_the_same_district_is_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        build_files(tmp_path / name, students=160, seed=seed, today=TODAY)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*") if path.is_file())
    assert {"roster.zip", "roster-delta.zip", "challenges.jsonl", "accounts.csv"} <= {path.name for path in files}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    assert (tmp_path / "one" / "roster.zip").read_bytes() != (tmp_path / "other" / "roster.zip").read_bytes()


def test_the_roster_reads_without_a_single_finding(district: District) -> None:
    for path in (district.manifest.roster, district.manifest.roster_zip):
        with open_source(path) as source:
            roster = read_roster(source)
            users = list(roster.users())
            students = [user for user in users if user.account_type == "student"]
            assert len(students) == district.manifest.students == district.manifest.counts["students"]
            assert len(list(roster.enrollments())) == district.manifest.counts["enrollments"]
            assert len(list(roster.demographics())) == district.manifest.students
            known = {user.sourced_id for user in users}
            assert all({link.guardian, link.student} <= known for user in users for link in links_of(user))
            for part in (roster.orgs(), roster.academic_sessions(), roster.courses(), roster.sections()):
                assert list(part)
            assert [str(finding) for finding in roster.findings] == []


def test_what_the_portal_collected_reads_without_an_error(district: District) -> None:
    counts = district.manifest.counts
    expected = {"registrations": counts["registrations"], "accounts": counts["account_rows"]}
    expected |= {name: counts[name] for name in ("challenges", "grants", "consents")}
    for name, count in expected.items():
        with open_source(getattr(district.manifest, name)) as source:
            form = read_form(source, name)
            assert len(list(form)) == count
            assert [str(found) for found in form.findings if found.severity is Severity.ERROR] == []


def test_everything_a_row_refers_to_exists(district: District) -> None:
    users = {user["sourcedId"]: user for user in district.users}
    assert len(users) == len(district.users)
    classes = {row["sourcedId"]: row for row in district.roster("classes")}
    courses = {row["sourcedId"] for row in district.roster("courses")}
    sessions = {row["sourcedId"] for row in district.roster("academicSessions")}
    assert all(row["courseSourcedId"] in courses for row in classes.values())
    assert all(set(row["termSourcedIds"].split(",")) <= sessions for row in classes.values())
    attended = defaultdict(set)
    taught = set()
    for row in district.roster("enrollments"):
        assert classes[row["classSourcedId"]]["schoolSourcedId"] == row["schoolSourcedId"]
        assert users[row["userSourcedId"]]["role"] == row["role"]
        if row["role"] == "student":
            attended[row["userSourcedId"]].add(row["schoolSourcedId"])
        else:
            assert row["schoolSourcedId"] in users[row["userSourcedId"]]["orgSourcedIds"]
            taught.add(row["classSourcedId"])
    assert taught == set(classes)
    assert all(attended[row["sourcedId"]] == set(row["orgSourcedIds"].split(",")) for row in district.students)
    persons = {row["person"] for row in district.account_rows} - {""}
    assert persons <= set(users)
    codes = set(district.school_codes.values())
    assert {code for row in district.account_rows for code in row["schools"].split(",") if code} <= codes


def test_permanent_numbers_are_eight_digits_and_nobody_shares_one(district: District) -> None:
    numbers = [student["identifier"] for student in district.students]
    assert len(set(numbers)) == len(numbers) == district.manifest.students
    assert all(len(number) == 8 and number.isdecimal() for number in numbers)


def test_no_two_people_share_a_login(district: District) -> None:
    bearers = defaultdict(set)
    for row in (*district.account_rows, *district.registrations):
        bearers[row["login"].casefold()].add((row["given_name"], row["family_name"], row["email"], row["phone"]))
    assert {login: people for login, people in bearers.items() if len(people) > 1} == {}
    of_user = Counter(user["username"].casefold() for user in district.users)
    assert max(of_user.values()) == 1


def test_what_waits_arrived_in_the_thirty_days_before(district: District) -> None:
    earliest, latest = f"{TODAY - timedelta(30)}", f"{TODAY}"
    for rows_of, column in (
        (district.registrations, "arrived_at"),
        (district.grants, "arrived_at"),
        (district.challenges, "arrived_at"),
        (district.consents, "at"),
    ):
        moments = [row[column] for row in rows_of]
        assert moments == sorted(moments)
        assert earliest <= moments[0]
        assert moments[-1] < latest


def test_whoever_challenges_may_and_whom_they_challenge_is_there(district: District) -> None:
    assert len(district.challenges) >= 9
    for challenge in district.challenges:
        number = challenge["student_number"]
        (own,) = district.ties(challenge["challenger"], number)
        assert own["level"] == "approved"
        registered = [
            row
            for row in district.registrations
            if (row["login"], row["student_number"]) == (challenge["challenged"], number)
        ]
        assert district.ties(challenge["challenged"], number) or registered
        assert all(row["arrived_at"] < challenge["arrived_at"] for row in registered)
        assert challenge["challenger"] != challenge["challenged"]
        assert 2 <= challenge["statement"].count(". ") + 1 <= 6


def test_grants_are_in_every_condition(district: District) -> None:
    year_end = f"{district.manifest.school_year_end}"
    accounts = {row["login"]: row for row in district.account_rows}
    conditions = Counter()
    for grant in district.grants:
        student = district.by_number[grant["student_number"]]
        office = accounts[grant["login"]]
        needed = office["agreement_required"] == "true"
        parents = {
            r["login"]
            for r in district.account_rows
            if r["student_number"] == grant["student_number"] and r["type"] == "parent" and r["level"] == "approved"
        }
        said = {row["login"]: row["action"] for row in district.consents if row["grant_ref"] == grant["ref"]}
        assert all(district.ties(login, grant["student_number"]) for login in said)
        conditions["all consent"] += bool(parents) and {k for k, v in said.items() if v == "give"} >= parents
        conditions["some consent"] += bool(parents - set(said)) and bool(said)
        conditions["nobody asked"] += bool(parents) and not said
        conditions["no parent"] += not parents
        conditions["withdrawn"] += "withdraw" in said.values()
        conditions["expired"] += needed and "" < office["agreement_until"] < f"{TODAY}"
        conditions["never signed"] += needed and not office["agreement_until"]
        conditions["none needed"] += not needed
        conditions["switch off"] += district.schools(student)[0] not in district.manifest.asp_schools
        conditions["past"] += grant["ends"] < f"{TODAY}"
        conditions["too long"] += grant["ends"] > year_end
        conditions["gone"] += student["enabledUser"] == "false"
    assert len(conditions) == 12
    assert min(conditions.values()) >= 1, conditions


def test_families_are_as_they_are(district: District) -> None:
    adult = TODAY.replace(year=TODAY.year - 18)
    births = district.birth_dates.values()
    assert any(born <= adult for born in births)
    assert any(adult < born <= adult + timedelta(30) for born in births)
    assert any(student["metadata.directoryOptOut"] == "true" for student in district.students)
    assert any(student["enabledUser"] == "false" for student in district.students)
    assert any("," in student["orgSourcedIds"] for student in district.students)
    assert any(user["givenName"] == "FNU" for user in district.users)
    relations = {user["metadata.relation"] for user in district.users}
    assert {"mother", "father", "stepfather", "grandmother", "foster parent"} <= relations
    restricted = {user["username"]: user for user in district.users if user["metadata.restrictedStudents"]}
    assert all(user["metadata.restrictionReference"] for user in restricted.values())
    assert any(row["login"] in restricted for row in district.registrations)
    assert not any(row["login"] in restricted for row in district.account_rows)
    one_way = Counter(bool(student["agentSourcedIds"]) for student in district.students)
    assert min(one_way[True], one_way[False]) > 0
    hostile = set(HOSTILE_NAMES)
    assert any(user["givenName"] in hostile for user in district.users if user["role"] == "student")
    assert sum(row["given_name"] in hostile for row in district.registrations) >= 4


def test_the_mistaken_and_the_dishonest_are_among_those_who_register(district: District) -> None:
    parents = [row for row in district.registrations if row["kind"] == "parent"]
    claims = Counter(row["email"] for row in parents)
    assert max(claims.values()) >= 6
    assert any(throwaway_domain(row["email"]) for row in parents)
    assert any(row["student_number"] not in district.by_number for row in parents)
    found = {suspicion for row in parents for suspicion in suspicions(f"{row['given_name']} {row['family_name']}")}
    assert {"mixed_scripts", "hidden_characters"} <= set(found)
    staff = {user["familyName"] for user in district.users if user["role"] == "teacher"}
    assert any(row["family_name"] in staff and row["relation"] == "uncle" for row in parents)
    kinds = Counter(row["kind"] for row in district.registrations)
    assert kinds["asp"] >= 3
    assert {bool(row["organisation"]) for row in district.registrations if row["kind"] == "asp"} == {True, False}
    if district.manifest.students >= 500:
        own = [row for row in district.registrations if row["kind"] == "student"]
        assert any(row["student_number"] in district.by_number for row in own)
        assert 0.15 < len({row["student_number"] for row in district.registrations}) / district.manifest.students < 0.28


def test_a_third_to_a_half_of_the_parents_are_adopted(district: District) -> None:
    parents = [user for user in district.users if user["role"] in ("parent", "guardian")]
    adopted = {row["person"] for row in district.account_rows if row["type"] == "parent"}
    assert 0.3 < len([user for user in parents if user["sourcedId"] in adopted]) / len(parents) < 0.55
    types = {row["type"] for row in district.account_rows}
    assert types == {
        "district_administrator",
        "school_administrator",
        "certificated",
        "classified",
        "associate",
        "asp",
        "parent",
        "student",
        "other",
    }
    assert {row["level"] for row in district.account_rows if row["type"] == "parent"} == {"limited", "approved"}


def test_schools_differ_in_their_switches(district: District) -> None:
    manifest, codes = district.manifest, set(district.school_codes.values()) - {"district"}
    assert set(manifest.schools_with_holds) == codes
    assert set(manifest.schools_with_holds.values()) == {"none", "limited", "full"}
    for some in (
        manifest.asp_schools,
        manifest.advanced_schools,
        manifest.approve_for_any_schools,
        manifest.in_person_schools,
    ):
        assert set(some) < codes
        assert some
    assert all(day.weekday() < 5 for day in manifest.closed_days)


def test_the_next_day_brings_every_trap_of_a_roster(district: District) -> None:
    with open_source(district.manifest.roster_delta_zip) as source:
        roster = read_roster(source)
        users = list(roster.users())
        list(roster.enrollments()), list(roster.demographics())
        assert [str(finding) for finding in roster.findings] == []
        assert roster.modes["users"] is Mode.DELTA
        assert roster.modes["orgs"] is Mode.ABSENT
    before = {user["sourcedId"]: user for user in district.users}
    students = [user for user in users if user.account_type == "student"]
    gone = [user for user in students if user.status == "tobedeleted"]
    stays = [user for user in students if user.status == "active" and user.sourced_id in before]
    new = [user for user in students if user.sourced_id not in before]
    assert gone
    assert any(user.family_name != before[user.sourced_id]["familyName"] for user in stays)
    renumbered = [user for user in stays if user.identifier != before[user.sourced_id]["identifier"]]
    assert {user.identifier for user in new} == {before[user.sourced_id]["identifier"] for user in renumbered} != set()
    assert not {user.identifier for user in renumbered} & set(district.by_number)
    staff = [user for user in users if user.account_type == "certificated"]
    assert any(user.given_name != before[user.sourced_id]["givenName"] for user in staff)


def test_writing_a_larger_roster_needs_no_more_memory(tmp_path: Path) -> None:
    peaks = []
    for students in (4_000, 8_000):
        population = Population(students, 7, TODAY)
        tracemalloc.start()
        write_roster(population, tmp_path / str(students))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.25


def test_a_district_too_small_for_its_stories_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 50"):
        build_files(tmp_path, students=49, seed=7, today=TODAY)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_school_year_surrounds_its_day(day: date) -> None:
    year = school_year(day)
    assert year.begins <= day <= year.ends
    assert year.begins < year.first_day < year.fall_ends < year.spring_begins < year.last_day < year.ends
    assert all(year.begins <= closed <= year.ends for closed in year.closed_days)


def test_names_come_from_many_cultures_and_look_alikes_only_look_alike() -> None:
    assert len(CULTURES) >= 18
    forged = look_alike(Name("Carol", "Prescott"))
    assert forged.full != "Carol Prescott"
    assert skeleton(forged.full) == skeleton("Carol Prescott")
    assert distance("Anna", "hanna") == 1


def test_the_portal_keeps_sending_and_says_the_same_again() -> None:
    first = list(islice(SimulatedPortal(7, TODAY).arrivals(), 1500))
    assert first == list(islice(SimulatedPortal(7, TODAY).arrivals(), 1500))
    assert first != list(islice(SimulatedPortal(8, TODAY).arrivals(), 1500))
    refs = [arrival.row.ref for arrival in first]
    assert len(set(refs)) == len(refs)
    assert all(0 < arrival.delay <= 60 for arrival in first)
    assert {type(arrival.row) for arrival in first} == {Registration, Challenge, Consent, Answer}


def test_what_the_portal_sends_fits_the_files(tmp_path: Path) -> None:
    district = build(tmp_path, 500, 7)
    live = [arrival.row for arrival in islice(SimulatedPortal(7, TODAY, students=500).arrivals(), 1500)]
    numbers, grants = set(district.by_number), {grant["ref"] for grant in district.grants}
    bearers = {row["login"]: row["given_name"] for row in (*district.account_rows, *district.registrations)}
    known = set(bearers)
    sent: set[str] = set()
    for row in live:
        if isinstance(row, Registration):
            sent.add(row.ref)
            assert bearers.setdefault(row.login, row.given_name) == row.given_name
            assert row.login not in known
        elif isinstance(row, Challenge):
            assert row.student_number in numbers
            assert district.ties(row.challenger, row.student_number)[0]["level"] == "approved"
            assert row.challenged in bearers
        elif isinstance(row, Consent):
            assert row.grant_ref in grants
            assert row.login in known
        else:
            assert row.case_ref in sent | {challenge["ref"] for challenge in district.challenges}
    strong = [row for row in live if isinstance(row, Registration) and district.is_strong(row._asdict())]
    assert len(strong) > 100
