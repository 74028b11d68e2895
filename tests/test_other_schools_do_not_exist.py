"""ATTACK: an operator of one school asks for the cases, people, records and counts of another, by every road there is.

VERIFIES: what lies outside an operator's schools is neither listed, counted, shown, named, explained, undone nor exported, and a
refusal for it reads like one for what never was.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.desks import DESKS, desk
from console.names import name_key
from console.overview import overview
from models import tables as t
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

THEIRS = ("Missionvale", "Bartholomew", "Zyzzyva", "Xerxes", "Qwertyuiop", "Zanzibar", "Headmistress")
"""What is written of the other school, its people and what was decided about them."""
FORMS = ("table", "json", "csv")
SPLIT = "lin"
"""The operator of the first school."""
ASKING = {"operators": "dean"}
"""Who of the first school asks at a desk that its school administrator does not see."""


class Schools:
    """Two schools with one case of every kind each; the first is the operator's own."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.portal = portal
        self.ours = portal.school("Lincoln", asp=True)
        self.other = portal.school("Missionvale", asp=True)
        self.our_cases = self._cases(self.ours, ("Kim", "Vale"), ("Pat", "Vale"))
        self.their_cases = self._cases(self.other, ("Bartholomew", "Zyzzyva"), ("Xerxes", "Qwertyuiop"))
        self.boss = portal.account("boss", "school_administrator", "Headmistress", "Adams")
        portal.hire(SPLIT, "school_administrator", (self.ours,))
        portal.hire("watch", "privacy_officer", (self.ours,))
        portal.hire("dean", "district_administrator", (self.ours,))
        for cases in (self.our_cases, self.their_cases):
            cases["requests"] = self._request(cases, "Zanzibar" if cases is self.their_cases else "fits")
        self.batches = [
            portal.decide("registrations", "approve", cases["registrations"], reason=reason).batch
            for cases, reason in ((self.their_cases, "Zanzibar"), (self.our_cases, "fits"))
        ]
        portal.decide(
            "students", "mask", self.their_cases["students"], level="initial", review="+9d", reason="Zanzibar"
        )
        portal.decide("schools", "hold", self.other, policy="full", reason="Zanzibar")
        portal.office.case(portal.operator(), desk("students"), self.their_cases["students"])
        portal.office.accesses.flush()
        done = sa.select(t.batch.c.id).join(t.record, t.record.c.batch == t.batch.c.id)
        ours = sa.or_(
            *(
                sa.and_(t.record.c.desk == name, t.record.c.case_id == case)
                for name, case in self.our_cases.items()
                if name in DESKS
            )
        )
        self.our_batches = {row.id for row in portal.all(done.where(t.record.c.log == "ledger", ours))}
        self.line = LineMode(portal, write_settings(portal, folder))

    def _cases(self, school: int, student: tuple[str, str], parent: tuple[str, str]) -> dict[str, int]:
        p = self.portal
        one = p.student(*student, school=school)
        account = p.account(parent[0].lower(), "parent", *parent)
        registration = p.registration(one, account=account, given=parent[0], family=parent[1], login=parent[0].lower())
        row = p.one(t.registration, registration)
        common: dict[str, Any] = {"arrived_at": p.clock.now(), "student_id": one, "school_id": school}
        challenge = p.add(
            t.challenge,
            **common,
            ref=f"challenge {school}",
            membership_id=row.membership_id,
            account_id=account,
            challenger_id=account,
            statement=f"{parent[0]} is not what they say.",
            state="open",
            answer_due=p.today - timedelta(days=1),
            decision_due=p.today,
        )
        professional = p.account(f"tutor of {parent[0].lower()}", "asp", *parent)
        grant = p.add(t.access_grant, **common, ref=f"grant {school}", account_id=professional, purpose=parent[1])
        entry = p.add(
            t.directory_user,
            directory_id=f"entry {school}",
            login=f"{parent[0]}.{student[1]}".lower(),
            login_key=f"{parent[0]}.{student[1]}".lower(),
            given_name=student[0],
            family_name=student[1],
            name_key=name_key("".join(student)),
            family_key=name_key(student[1]),
            number=p.one(t.student, one).number,
            school_id=school,
            student_id=one,
            first_seen=p.clock.now(),
            last_seen=p.clock.now(),
        )
        colleague = p.hire(f"{parent[1]} of {student[1]}", "help_desk", (school,)).id
        found = {
            "registrations": registration,
            "activations": entry,
            "operators": colleague,
            "challenges": challenge,
            "students": one,
            "grants": grant,
        }
        return found | {"schools": school, "account": account, "professional": professional}

    def _request(self, cases: dict[str, int], reason: str) -> int:
        """The administrator asks for a second person: the parent, approved, is to be deleted."""
        p = self.portal
        tie = p.one(t.challenge, cases["challenges"]).membership_id
        p.change(t.membership, tie, status="approved")
        asks, p.office.assurance = p.office.assurance, Demonstration()
        receipt = p.decide("challenges", "delete", cases["challenges"], basis="own_request", reason=reason)
        p.office.assurance = asks
        p.change(t.membership, tie, status="limited")
        assert receipt.request is not None
        return receipt.request

    def asked(self, *words: str | int, by: str = SPLIT) -> str:
        """What a command answers, out and err; it must not speak of the other school."""
        answer = self.line.run(*words, by=by)
        assert answer.code in (0, 1, 3), (words, answer)
        said = answer.out + answer.err
        assert not [word for word in THEIRS if word.lower() in said.lower()], (words, said)
        assert str(self.batches[0]) not in said
        return said


@pytest.fixture
def schools(portal: Portal, tmp_path: Path) -> Schools:
    return Schools(portal, tmp_path)


@pytest.mark.parametrize("name", DESKS)
def test_no_list_count_or_search_of_a_desk_knows_them(schools: Schools, name: str) -> None:
    wheres = [*THEIRS, "", *(f"{term.name}:{word}" for term in desk(name).terms for word in term.words)]
    who = ASKING.get(name, SPLIT)
    for where in wheres:
        for form in FORMS:
            schools.asked(name, "list", "--where", where, "--format", form, by=who)
    if name != "audit":
        rows = {row["id"] for row in schools.line.json(name, "list", "--where", "", by=who)}
        colleagues = {schools.portal.operator(each).id for each in (SPLIT, "watch", "dean")}
        assert rows - (colleagues if name == "operators" else set()) == {schools.our_cases[name]}


@pytest.mark.parametrize("name", [each for each in DESKS if each != "audit"])
def test_their_cases_are_shown_and_decided_as_if_there_were_none(schools: Schools, name: str) -> None:
    theirs, nothing = schools.their_cases[name], 987_654
    one = desk(name)
    who = ASKING.get(name, SPLIT)
    before = schools.portal.office.size()
    shown = [schools.asked(name, "show", case, by=who).replace(str(case), "N") for case in (theirs, nothing)]
    assert shown[0] == shown[1]
    for decision in one.decisions:
        typed = [
            f"--{option.replace('_', '-')}={word}"
            for option, word in NEEDED.get((name, decision.name), NEEDED["", ""]).items()
        ]
        for case in (theirs, nothing):
            for more in (["--preview"], []):
                answer = schools.line.run(
                    name, decision.name, "--ids", case, *typed, "--reason", "x", *more, "--format", "json", by=who
                )
                assert answer.code in (1, 2), (decision.name, answer)
                if answer.out:
                    skipped = json.loads(answer.out)["skipped"]
                    assert skipped == [{"id": case, "why": f"there is no such {one.singular}"}], decision.name
                elif answer.code == 1:
                    assert "no such" in answer.err or "right" in answer.err, answer
    assert schools.portal.office.size() == before


NEEDED: dict[tuple[str, str], dict[str, str]] = {
    ("", ""): {},
    ("registrations", "ask"): {"message": "x"},
    ("registrations", "defer"): {"until": "+3d"},
    ("challenges", "ask"): {"message": "x", "recipients": "both"},
    ("challenges", "suspend"): {"basis": "fraud"},
    ("challenges", "delete"): {"basis": "fraud"},
    ("challenges", "reassign"): {"to": SPLIT},
    ("students", "mask"): {"level": "initial", "review": "+9d"},
    ("students", "block"): {"review": "+9d"},
    ("students", "verify"): {"review": "+9d"},
    ("grants", "approve"): {"until": "end-of-year"},
    ("grants", "extend"): {"until": "end-of-year"},
    ("activations", "activate"): {"type": "student"},
    ("activations", "link"): {"account": "1"},
    ("requests", "refuse"): {"message": "x"},
    ("operators", "role"): {"role": "auditor", "schools": "lincoln"},
    ("operators", "key"): {"public_key": "SHA256:" + "A" * 43},
}


def test_their_decisions_are_not_in_the_records_that_one_may_see(schools: Schools, tmp_path: Path) -> None:
    theirs = schools.portal.all(
        sa.select(t.record.c.index).where(t.record.c.log == "ledger", t.record.c.batch == schools.batches[0])
    )[0][0]
    assert "no such record" in schools.asked("audit", "show", theirs)
    rows = schools.line.json("audit", "list", by=SPLIT)
    of_ours = {(name, schools.our_cases[name]) for name in ("registrations", "requests")}
    assert {(row["desk"], row["case"]) for row in rows} == of_ours
    assert schools.line.json("audit", "list", "--where", "log:accesses", by=SPLIT) == []
    schools.asked("audit", "show", rows[0]["id"])
    for form in FORMS:
        schools.asked("batches", "--all", "--format", form)
    assert {row["id"] for row in schools.line.json("batches", "--all", by=SPLIT)} == schools.our_batches
    report = tmp_path / "report.zip"
    schools.asked("audit", "export", "--names", "--reasons", "--format", "jsonl", "--out", str(report), by="watch")
    with zipfile.ZipFile(report) as bundle:
        exported = [json.loads(line) for line in bundle.read("records.jsonl").splitlines()]
        everything = b"".join(bundle.read(name) for name in bundle.namelist()).decode()
    assert {(record["desk"], record["case"]) for record in exported} == of_ours
    assert not [word for word in THEIRS if word in everything]


def test_a_batch_is_counted_and_undone_as_far_as_the_schools_reach(schools: Schools) -> None:
    portal = schools.portal
    everything = {row["id"] for row in schools.line.json("batches", "--all", by="administrator")}
    for batch in (*(everything - schools.our_batches), "0000-0000"):
        said = schools.line.run("undo", str(batch), by=SPLIT)
        assert (said.code, said.sentence) == (
            1,
            f"There is no batch {batch} that can be undone; nothing was done. Look it up with district batches.",
        )
    both = (schools.their_cases["registrations"], schools.our_cases["registrations"])
    made = portal.decide("registrations", "unapprove", *both, reason="a mistake")
    assert made.done == 2
    counted = {row["id"]: row["done"] for row in schools.line.json("batches", "--all", by=SPLIT)}
    assert counted == {made.batch: 1, **dict.fromkeys(schools.our_batches, 1)}
    shown = schools.asked("audit", "show", schools.line.json("audit", "list", by=SPLIT)[0]["id"])
    assert "Other cases in it  none" in shown
    receipt = schools.line.json("undo", str(made.batch), by=SPLIT)
    assert (receipt["done"], receipt["skipped"]) == (1, [])
    assert portal.one(t.registration, schools.our_cases["registrations"]).state == "approved"
    assert portal.one(t.registration, schools.their_cases["registrations"]).state == "submitted"


def test_a_batch_that_is_no_decision_at_a_desk_is_refused_in_words(schools: Schools, tmp_path: Path) -> None:
    line = schools.line
    report = str(tmp_path / "report.zip")
    assert line.run("audit", "export", "--out", report, by="administrator").code == 0
    assert line.run("operators", "add", "new", "--role", "auditor", by="administrator").code == 0
    for row in line.json("batches", "--all", by="administrator"):
        if row["desk"] in ("audit", "operators"):
            for who in ("administrator", SPLIT):
                answer = line.run("undo", row["id"], by=who)
                assert (answer.code, "nothing was done" in answer.sentence) == (1, True), answer


def test_who_may_not_decide_may_not_undo(schools: Schools) -> None:
    schools.portal.hire("help", "help_desk")
    before = schools.portal.office.size()
    for row in schools.line.json("batches", "--all", by="administrator"):
        if row["desk"] not in ("registrations", "requests"):
            assert "does not have the right" in schools.line.run("undo", row["id"], by="help").sentence
    assert schools.portal.office.size() == before


def test_nobody_of_theirs_is_found_or_explained(schools: Schools) -> None:
    for text in (*THEIRS, "xerxes", "tutor of xerxes", "xerxes@mail.example", "20260002"):
        for form in FORMS:
            schools.asked("find", text, "--format", form)
    schools.asked("access", "who", "--student", schools.their_cases["students"])
    ours = schools.our_cases["students"]
    never = schools.asked("access", "explain", "--account", 987_654, "--student", ours)
    for account in (schools.their_cases["account"], schools.their_cases["professional"], schools.boss):
        said = schools.asked("access", "explain", "--account", account, "--student", ours)
        assert said.replace(str(account), "987654") == never
    assert "Pat Vale" in schools.asked(
        "access", "explain", "--account", schools.our_cases["account"], "--student", ours
    )


def test_an_administrators_login_is_named_by_those_who_manage_operators_alone(schools: Schools) -> None:
    schools.portal.hire("help", "help_desk")
    words = ("access", "explain", "--account", schools.boss, "--student", schools.our_cases["students"])
    assert "no account" in schools.asked(*words, by="help")
    assert "Headmistress" in schools.line.run(*words, by="administrator").out


def test_their_letters_are_not_listed(schools: Schools) -> None:
    rows = schools.line.json("notices", "list", by=SPLIT)
    assert {(row["desk"], row["case"]) for row in rows} == {("registrations", schools.our_cases["registrations"])}
    everything = schools.line.json("notices", "list", by="administrator")
    for row in everything:
        if row["id"] not in {each["id"] for each in rows}:
            assert "no such notice" in schools.asked("notices", "show", row["id"])
    for row in rows:
        schools.asked("notices", "show", row["id"])


def test_what_is_not_there_and_what_is_not_theirs_to_see_is_said_in_the_same_words(
    schools: Schools, tmp_path: Path
) -> None:
    """A sentence that differs tells an operator that a case exists."""
    ours = schools.our_cases["students"]
    notice = next(
        row["id"]
        for row in schools.line.json("notices", "list", by="administrator")
        if row["case"] == schools.their_cases["registrations"] and row["desk"] == "registrations"
    )
    record = schools.portal.all(sa.select(t.record.c.index).where(t.record.c.batch == schools.batches[0]))[0][0]
    student, account, request = (schools.their_cases[name] for name in ("students", "account", "requests"))
    for their, nothing, words in (
        (student, 987_654, "students reveal --ids {} --reason x"),
        (student, 987_654, "students show {}"),
        (student, 987_654, "access who --student {}"),
        (student, 987_654, f"access explain --account {schools.our_cases['account']} --student {{}}"),
        (account, 987_654, f"access explain --account {{}} --student {ours}"),
        (notice, 987_654, "notices show {}"),
        (record, 987_654, "audit show {}"),
        (request, 987_654, "requests show {}"),
        (request, 987_654, "requests confirm --ids {}"),
        (str(schools.batches[0]), "0000-0000", "undo {}"),
        ("Xerxes", "Balthazar", "find {}"),
        ("school:missionvale", "school:nowhere", "students list --where {}"),
        (student, 987_654, f"audit export --where case:{{}} --out {tmp_path / 'out.zip'}"),
    ):
        said = []
        for one in (their, nothing):
            answer = schools.line.run(*words.format(one).split(), by="dean")
            said.append((answer.code, f"{answer.out}{answer.err}".replace(str(one), "N")))
        assert said[0] == said[1], words


def test_home_counts_none_of_them(schools: Schools) -> None:
    desks = [desk(name) for name in DESKS]
    office = schools.portal.office
    ours = overview(office, schools.portal.operator(SPLIT), desks)
    everything = overview(office, schools.portal.operator(), desks)
    assert {each.name: each.waiting.number for each in ours.desks} == {
        "registrations": 0,
        "challenges": 1,
        "grants": 1,
        "activations": 1,
        "requests": 1,
    }
    assert {each.name: each.waiting.number for each in everything.desks} == {
        "registrations": 0,
        "challenges": 2,
        "grants": 2,
        "activations": 2,
        "requests": 0,
    }
    assert [sum(each.arrivals) for each in ours.desks] == [1, 1, 1, 0, 0]
    assert (ours.reviews, everything.reviews) == (0, 1)
    assert ours.last == ()
    assert not [word for word in THEIRS if word in str(asdict(ours))]
