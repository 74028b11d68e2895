"""What is disclosed in line mode is recorded first; what is masked stays masked in lists and searches; batches are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from models import tables as t
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def line(portal: Portal, tmp_path: Path) -> LineMode:
    return LineMode(portal, write_settings(portal, tmp_path))


@pytest.fixture
def kim(line: LineMode) -> int:
    """A student whose name is sealed."""
    student = line.portal.student("Kim", "Quillfeather", school=line.portal.school())
    words = ("--level", "pseudonym", "--reason", "protective order", "--review", "2027-06-30")
    assert line.json("students", "mask", "--ids", student, *words)["done"] == 1
    return student


def test_a_sealed_name_is_in_no_list_and_a_reveal_is_recorded_before_it_is_given(line: LineMode, kim: int) -> None:
    for form in ("table", "json", "csv"):
        assert "Quillfeather" not in line.run("students", "list", "--format", form).out
        assert "Quillfeather" not in line.run("students", "show", kim, "--format", form).out
    without = line.run("students", "reveal", "--ids", kim)
    assert (without.code, "reason" in without.sentence) == (2, True)
    before = line.portal.office.size()
    shown = line.run("students", "reveal", "--ids", kim, "--reason", "the court asked", "--format", "json")
    assert shown.code == 0
    assert shown.json["id"] == kim
    assert "Quillfeather" in shown.json["text"]
    (record,) = line.portal.all(
        sa.select(t.record.c.action).where(t.record.c.log == "ledger", t.record.c["index"] == before)
    )
    assert record.action == "students.reveal"


def test_who_may_not_reveal_is_refused_and_nothing_is_recorded(line: LineMode, kim: int) -> None:
    line.portal.hire("lee", "help_desk")
    before = line.portal.office.size()
    refused = line.run("students", "reveal", "--ids", kim, "--reason", "curious", by="lee")
    assert (refused.code, "does not have the right" in refused.sentence) == (1, True)
    assert line.portal.office.size() == before
    assert line.run("students", "reveal", "--ids", f"{kim},{kim + 1}", "--reason", "x").code == 2


def test_a_person_is_found_as_far_as_the_mask_allows(line: LineMode, kim: int) -> None:
    school = line.portal.school("Mission")
    ann = line.portal.student("Ann", "Quill", school=school)
    found = line.json("find", "quill")
    assert [(each["kind"], each["id"], each["name"]) for each in found] == [("student", ann, "Ann Quill")]
    assert line.json("find", line.portal.one(t.student, kim).number)[0]["id"] == kim
    nobody = line.run("find", "zzzzz")
    assert (nobody.code, nobody.out.count("\n"), nobody.err) == (1, 1, "Nobody was found.\n")


def test_your_last_decisions_are_listed_with_what_undid_them(line: LineMode) -> None:
    case = line.portal.registration(line.portal.student(school=line.portal.school()))
    line.portal.hire("lee", "help_desk")
    done = line.json("registrations", "approve", "--ids", case, "--reason", "x", by="lee")
    undone = line.json("undo", done["batch"], by="lee")
    mine = line.json("batches", by="lee")
    assert {each["id"]: (each["state"], each["undone_by"], each["done"]) for each in mine} == {
        undone["batch"]: ("done", None, 1),
        done["batch"]: ("undone", undone["batch"], 1),
    }
    assert line.run("batches", by="administrator").err == "No decision yet.\n"
    everybody = line.json("batches", "--all", by="administrator")
    assert {each["operator"] for each in everybody} == {"lee"}
    assert line.run("batches", "--all", by="lee").code == 1
