"""A name that a mask hides is read nowhere: on no desk, in no format, by no search, in no letter, report, record or error, and not in
the bytes of the database's file where the roster's row was.
"""

from __future__ import annotations

import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from models import tables as t
from models.engine import open_engine
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

GIVEN, MIDDLE, FAMILY, NUMBER = "Zephyrina", "Xanthe", "Quillfeather", "77554433"
LOGIN = "zephyrina.quillfeather"
DESKS = ("registrations", "challenges", "students", "grants", "schools", "audit")
FORMS = ("table", "json", "csv")
HIDDEN = {"pseudonym": (GIVEN, MIDDLE, FAMILY, NUMBER), "initial": (FAMILY, NUMBER)}


def people(portal: Portal) -> int:
    """A student with a login, an application of their own, a parent who applied and is challenged, and a tutor who asks."""
    school = portal.school()
    student = portal.student(
        GIVEN, FAMILY, school=school, middle_name=MIDDLE, number=NUMBER, email=f"{LOGIN}@school.example"
    )
    typed: dict[str, Any] = {"student_given_name": GIVEN, "student_family_name": FAMILY, "student_number": NUMBER}
    own = portal.account(LOGIN, "student", GIVEN, FAMILY, student_id=student)
    portal.registration(student, kind="student", account=own, given=GIVEN, family=FAMILY, login=LOGIN, **typed)
    parent = portal.account("odalys", "parent", "Odalys", "Brandt")
    portal.registration(student, account=parent, given="Odalys", family="Brandt", login="odalys", **typed)
    portal.contact(student, "Odalys", "Brandt", relation="mother")
    tie = portal.all(sa.select(t.membership.c.id).where(t.membership.c.account_id == parent))[0][0]
    portal.add(
        t.challenge,
        ref="challenge-1",
        arrived_at=portal.clock.now() - timedelta(days=1),
        membership_id=tie,
        account_id=parent,
        student_id=student,
        challenger_id=own,
        school_id=school,
        statement="She is not my mother.",
        state="open",
        answer_due=portal.today,
        decision_due=portal.today,
    )
    portal.add(
        t.access_grant,
        ref="grant-1",
        arrived_at=portal.clock.now(),
        account_id=portal.account("tutor", "asp", "Tess", "Tutor"),
        student_id=student,
        school_id=school,
        purpose="maths",
    )
    return student


class Reader:
    """Reads everything that the console says, and remembers what it should not have."""

    def __init__(self, line: LineMode, hidden: tuple[str, ...]) -> None:
        self.line = line
        self.hidden = hidden
        self.leaks: list[tuple[str, tuple[object, ...]]] = []
        self.read = 0

    def look(self, text: str, where: tuple[object, ...]) -> None:
        self.read += len(text)
        self.leaks += [(word, where) for word in self.hidden if word.lower() in text.lower()]

    def run(self, *words: str | int) -> str:
        answer = self.line.run(*words)
        assert answer.code in (0, 1), answer
        self.look(answer.out + answer.err, words)
        return answer.out

    def look_everywhere(self, student: int) -> None:
        """Everything that is listed, shown and explained, in every format."""
        for desk in DESKS:
            for form in FORMS:
                self.run(desk, "list", "--format", form)
                self.run(desk, "list", "--where", "log:accesses" if desk == "audit" else "", "--format", form)
            for row in self.line.json(desk, "list"):
                for form in FORMS[:2]:
                    self.run(desk, "show", row["id"], "--format", form)
        for form in FORMS:
            self.run("access", "who", "--student", student, "--format", form)
            for account in range(1, 4):
                self.run("access", "explain", "--account", account, "--student", student, "--format", form)
            self.run("notices", "list", "--format", form)
            self.run("batches", "--format", form)
        for row in self.line.json("notices", "list"):
            self.run("notices", "show", row["id"])


@pytest.mark.parametrize("level", HIDDEN)
def test_a_masked_name_is_read_nowhere(portal: Portal, tmp_path: Path, level: str) -> None:
    student = people(portal)
    line = LineMode(portal, write_settings(portal, tmp_path))
    # Letters to the student and about them, from before the mask.
    for words in (
        ("registrations", "ask", "--ids", "1,2", "--message", "Please come."),
        ("challenges", "ask", "--ids", "1", "--message", "Who?", "--recipients", "challenger"),
        ("students", "mask", "--ids", student, "--level", level, "--review", "+90d", "--reason", "an order"),
    ):
        assert line.run(*words).code == 0, line.run(*words)
    reader = Reader(line, HIDDEN[level])
    reader.look_everywhere(student)
    for form in ("csv", "jsonl", "html"):
        report = tmp_path / f"{form}.zip"
        reader.run("audit", "export", "--format", form, "--names", "--reasons", "--out", str(report))
        with zipfile.ZipFile(report) as bundle:
            for name in bundle.namelist():
                reader.look(bundle.read(name).decode("utf-8", "replace"), (form, name))
    with portal.office.reading() as connection:
        for (body,) in connection.execute(sa.select(t.record.c.body)):
            reader.look(body, ("record",))
        for row in connection.exec_driver_sql("SELECT given_name, family_name FROM portal_student"):
            reader.look(" ".join(row), ("portal_student",))
        for row in connection.exec_driver_sql("SELECT given_name, family_name FROM portal_account"):
            reader.look(" ".join(row), ("portal_account",))
    assert reader.read > 20_000
    assert not reader.leaks


@pytest.mark.parametrize("level", HIDDEN)
def test_no_search_spells_a_masked_name(portal: Portal, tmp_path: Path, level: str) -> None:
    student = people(portal)
    portal.decide("students", "mask", student, level=level, review="+90d", reason="an order")
    line = LineMode(portal, write_settings(portal, tmp_path))
    spelt = [FAMILY, FAMILY[:3], GIVEN + FAMILY, f"{LOGIN}@mail.example", LOGIN, f"{LOGIN}@school.example"]
    if level == "pseudonym":
        spelt += [GIVEN, GIVEN[:4]]
    for text in spelt:
        assert line.run("find", text, "--format", "json").json == [], text
        for desk in ("registrations", "challenges", "students", "grants"):
            assert line.json(desk, "list", "--where", text) == [], (desk, text)
    assert [row["id"] for row in line.json("registrations", "list", "--where", "brandt")] == [2]


def test_a_name_that_was_sealed_is_not_left_in_the_file(tmp_path: Path) -> None:
    from tests.portals import open_portal

    file = tmp_path / "portal.db"
    portal = open_portal(f"sqlite:///{file}", tmp_path)
    school = portal.school()
    for n in range(60):
        portal.student("Kim", f"Vale{n}", school=school)
    student = portal.student(GIVEN, FAMILY, school=school, middle_name=MIDDLE, email=f"{LOGIN}@school.example")
    before = file.read_bytes().lower()
    assert FAMILY.lower().encode() in before
    portal.decide("students", "mask", student, level="pseudonym", review="+90d", reason="an order")
    portal.office.engine.dispose()
    after = file.read_bytes().lower()
    for word in (GIVEN, MIDDLE, FAMILY):
        assert word.lower().encode() not in after
    with open_engine(f"sqlite:///{file}").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
