"""A district of a handful of people in which every rule has somebody: where histories begin, founded once and copied for each.

Three schools with different switches, eight students, logins of every type, cases at every desk. A copy takes some milliseconds,
so that each generated history may begin anew, on a portal with its own ledger and keys.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.clock import SettableClock
from console.evidence import Flag
from console.ids import SeededRandom
from console.names import email_key
from console.settings import Settings
from console.wiring import open_office
from models import tables as t
from models.engine import writing
from models.words import AccountType
from tests.directories import entry, read
from tests.portals import NOON, Portal, open_portal, unhurt
from tests.services.postgres import APP, as_role
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.postgres import Cluster

MAIL = "kim@school.example"
ADMINISTRATOR = "administrator"
OPERATORS = {
    "principal": ("school_administrator", (1,)),
    "clerk": ("help_desk", ()),
    "privacy": ("privacy_officer", ()),
    "coordinator": ("after_school_coordinator", (1, 2)),
    "second": ("district_administrator", ()),
}
"""Besides the administrator: role and schools (none: all)."""
PASSING = ("newcomer", "leaver")
"""Operators who decide nothing: those about whom histories decide."""


def people(portal: Portal) -> None:
    """Everybody and every case, as an adopted portal holds them on the first day."""
    _schools(portal)
    for name, (role, schools) in OPERATORS.items():
        portal.hire(name, role, schools)
    for name in PASSING:
        portal.hire(name, "help_desk", (1,))
    students = _students(portal)
    accounts = _accounts(portal, students)
    ties = _ties(portal, students, accounts)
    _cases(portal, students, accounts, ties)
    _directory(portal)


def _directory(portal: Portal) -> None:
    """People of the directory: a student without a login and one with one, two with one login, a teacher, and one who left."""
    portal.add(t.staff, source_id="staff-9", number="900", given_name="Tess", family_name="Teach", type="certificated")
    portal.add(t.post, staff_id=1, school_id=2)
    number = {row.given_name: row.number for row in portal.all(sa.select(t.student.c.given_name, t.student.c.number))}
    here = (
        entry("lee.a", "Lee", "Ash", number["Lee"]),
        entry("ana", "Ana", "Costa", number["Ana"], "harbor"),
        entry("eve.i", "Eve", "Ito", number["Eve"], "mesa"),
        entry("jo", "Jo", "Roe", "", "harbor"),
        entry("JO", "Jan", "Roe", id="jan"),
        entry("tess", "Tess", "Teach", "900", "harbor"),
    )
    read(portal, *here, entry("left", "Lena", "Left"))
    read(portal, *here, allow_withdrawals=True)


def _schools(portal: Portal) -> None:
    portal.school("Lincoln", hold_policy="limited", asp=True, asp_advanced=True, close_at_18=True)
    portal.school("Harbor", initial_rights="approve_for_any", hold_policy="full", asp=True, asp_consent="all")
    portal.school("Mesa", in_person_check=True)


def _students(portal: Portal) -> dict[str, int]:
    later = portal.today + timedelta(days=60)
    soon, grown = portal.today + timedelta(days=3), portal.today - timedelta(days=30)
    made = {
        "kim": portal.student("Kim", "Vale", school=1, adult_on=soon, email=MAIL, email_key=email_key(MAIL)),
        "lee": portal.student("Lee", "Ash", school=1, verify_parents=True, verify_review=later),
        "ana": portal.student("Ana", "Costa", school=2, adult_on=portal.today + timedelta(days=40)),
        "bo": portal.student("Bo", "Nilsen", school=2, adult_on=grown, middle_name="M."),
        "eve": portal.student("Eve", "Ito", school=3, mask="initial", mask_review=later),
        "max": portal.student("Max", "Okoro", school=1, adult_on=grown),
        "ida": portal.student("Ida", "Frey", school=2, directory_opt_out="address,phone", opt_out_review=later),
        "roy": portal.student("Roy", "Lund", school=1, parents_blocked=True, block_review=later),
    }
    portal.change(t.student, made["ida"], school_id=None)
    portal.add(t.enrollment, student_id=made["lee"], school_id=2, begins=portal.today + timedelta(days=5))
    return made


def _accounts(portal: Portal, students: dict[str, int]) -> dict[str, int]:
    firm = portal.add(
        t.organisation,
        name="Tutors",
        name_key="tutors",
        agreement_required=True,
        agreement_from=portal.today - timedelta(days=300),
        agreement_until=portal.today + timedelta(days=60),
    )
    teacher = portal.add(t.staff, source_id="staff-1", given_name="Roe", family_name="Lind", type="teacher")
    portal.add(t.post, staff_id=teacher, school_id=1)
    made = {
        "anna": portal.account("Anna", given="Anna", family="Vale"),
        "eva": portal.account("eva", given="Eva", family="Ash"),
        "jon": portal.account("jon", given="Jon", family="Costa"),
        "ulla": portal.account("ulla", given="Ulla", family="Nilsen"),
        "kim": portal.account("kim.s", "student", "Kim", "Vale", student_id=students["kim"]),
        "ana": portal.account("ana.s", "student", "Ana", "Costa", student_id=students["ana"]),
        "max": portal.account("max.s", "student", "Max", "Okoro", student_id=students["max"]),
        "roe": portal.account("roe", "certificated", "Roe", "Lind", staff_id=teacher),
        "moe": portal.account("moe", "certificated", "Moe", "Kerr"),
        "tutor": portal.account("tutor", "asp", "Tom", "Tutor", organisation_id=firm),
        "coach": portal.account("coach", "asp", "Cas", "Coach"),
        **{str(kind): portal.account(str(kind), str(kind)) for kind in AccountType if kind not in _SEEING},
    }
    portal.add(t.account_school, account_id=made["moe"], school_id=2)
    return made


_SEEING = (AccountType.STUDENT, AccountType.PARENT, AccountType.CERTIFICATED, AccountType.ASP)


def _ties(portal: Portal, students: dict[str, int], accounts: dict[str, int]) -> dict[str, int]:
    wanted = (
        ("anna", "kim", "approved", {"verified_at": NOON - timedelta(days=50)}),
        ("anna", "lee", "approved", {}),
        ("eva", "kim", "limited", {}),
        ("eva", "lee", "approved", {}),
        ("jon", "ana", "approved", {"arrival_status": "pending"}),
        ("jon", "bo", "pending", {"arrival_status": "pending"}),
        ("ulla", "bo", "approved", {"arrival_status": "pending"}),
        ("ulla", "ana", "approved", {"arrival_status": "pending"}),
        ("ulla", "max", "approved", {"rebased": "dependent_student"}),
        ("jon", "max", "suspended", {"resumes_as": "approved"}),
        ("anna", "max", "approved", {"blocked": True, "block_review": portal.today + timedelta(days=9)}),
        ("eva", "roy", "approved", {}),
        ("kim", "kim", "approved", {}),
        ("ana", "ana", "pending", {"arrival_status": "pending"}),
        ("max", "max", "limited", {}),
    )
    return {
        f"{who} {whom}": portal.membership(accounts[who], students[whom], status, **more)
        for who, whom, status, more in wanted
    }


def _cases(portal: Portal, students: dict[str, int], accounts: dict[str, int], ties: dict[str, int]) -> None:
    portal.registration(students["kim"], login="pat")
    portal.registration(students["ana"], login="sam", tie="pending", given="Sam", flags=int(Flag.ODD_NAME))
    portal.registration(students["eve"], login="lou", match=1, facts=1)
    portal.registration(students["eve"], kind="student", login="eve.s", tie="pending", account=_eve(portal, students))
    portal.registration(None, 2, kind="asp", login="helper")
    portal.registration(students["bo"], login="nils", tie="pending", state="needs_info", asked_at=NOON)
    for who, whom, state in (("anna", "kim", "approved"), ("eva", "lee", "submitted"), ("eva", "kim", "limited")):
        _application(portal, accounts[who], students[whom], ties[f"{who} {whom}"], state)
    for number, (by, against, state, outcome) in enumerate(
        (
            ("kim", "eva kim", "open", None),
            ("ulla", "jon ana", "open", None),
            ("anna", "eva lee", "closed", "ignored"),
            ("max", "jon max", "decided", "suspended"),
        )
    ):
        tie = portal.one(t.membership, ties[against])
        portal.add(
            t.challenge,
            ref=f"challenge-{number}",
            state=state,
            outcome=outcome,
            arrived_at=NOON - timedelta(days=1),
            membership_id=tie.id,
            account_id=tie.account_id,
            student_id=tie.student_id,
            school_id=portal.one(t.student, tie.student_id).school_id,
            challenger_id=accounts[by],
            statement="I do not know them.",
            answer_due=portal.today,
            decision_due=portal.today + timedelta(days=5),
        )
    for ref, who, whom, school, state in GRANTS:
        portal.add(
            t.access_grant,
            ref=ref,
            state=state,
            arrived_at=NOON - timedelta(days=3),
            account_id=accounts[who],
            student_id=students[whom],
            school_id=school,
            purpose="homework",
            begins=portal.today - timedelta(days=20),
            ends=portal.today + timedelta(days=30),
        )
    for number, (grant, login) in enumerate(
        (("grant-1", "ANNA"), ("grant-2", "jon"), ("grant-2", "ulla"), ("grant-3", "eva"))
    ):
        portal.add(t.intake_consent, ref=f"consent-{number}", at=NOON, grant_ref=grant, login=login, gives=True)


GRANTS = (
    ("grant-1", "tutor", "kim", 1, "approved"),
    ("grant-2", "tutor", "ana", 2, "approved"),
    ("grant-3", "coach", "lee", 1, "requested"),
    ("grant-4", "coach", "bo", 2, "approved"),
    ("grant-5", "coach", "eve", 3, "requested"),
    ("grant-6", "coach", "ida", 2, "approved"),
)


def _eve(portal: Portal, students: dict[str, int]) -> int:
    return portal.account("eve.s", "student", "Eve", "Ito", status="pending", student_id=students["eve"])


def _application(portal: Portal, account: int, student: int, tie: int, state: str) -> None:
    """An application behind a tie that is there already."""
    case = portal.registration(None, 1, account=account, state=state)
    row = portal.one(t.student, student)
    portal.change(
        t.registration,
        case,
        student_id=student,
        membership_id=tie,
        school_id=row.school_id,
        student_number=row.number,
        decided_at=None if state == "submitted" else NOON,
    )


@dataclass
class District:
    """The district as it was founded, at one engine; `fresh` gives a copy of it."""

    folder: Path
    cluster: Cluster | None
    _url: str = field(init=False)

    def __post_init__(self) -> None:
        """Found it."""
        self.folder.mkdir()
        if self.cluster is None:
            self._url = f"sqlite:///{self.folder / 'portal.db'}"
        else:
            self._url = self.cluster.fresh_database()
        portal = open_portal(self._url, self.folder, seed=2)
        people(portal)
        portal.office.engine.dispose()
        self._pristine = self.folder.with_name(self.folder.name + ".founded")
        shutil.copytree(self.folder, self._pristine)

    @contextmanager
    def fresh(self) -> Iterator[Portal]:
        """A portal as on the first day, noon; gone afterwards."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._pristine, self.folder)
        url = self._url
        if self.cluster is not None:
            url = self.cluster.fresh_database(self._url.rsplit("/", 1)[1])
        tables: dict[str, Any] = {"database": {"url": as_role(url, APP)}, "portal": {"origin": "test.example/ledger"}}
        settings = Settings.build(tables, self.folder)
        clock = SettableClock(settings.portal.zone, NOON)
        office = open_office(settings, clock=clock, random=SeededRandom(1), assurance=Unasked())
        unhurt(office)
        try:
            yield Portal(office, settings, clock)
        finally:
            office.engine.dispose()
            if self.cluster is not None:
                self.cluster.leave(url)


def run(portal: Portal, statement: Any) -> None:
    """What the portal or the roster does without the console."""
    with writing(portal.office.engine) as connection:
        connection.execute(statement)
