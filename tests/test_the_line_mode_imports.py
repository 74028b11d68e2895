"""`district import`: a dry run shows and writes nothing, an import answers with its report, what is wrong is told line by line."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from fixtures.district import build_files
from models import tables as t
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

STUDENTS = 60


@pytest.fixture
def line(portal: Portal, tmp_path: Path) -> LineMode:
    return LineMode(portal, write_settings(portal, tmp_path))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    build_files(folder, students=STUDENTS, seed=7, today=date(2026, 11, 20))
    return folder


def students(line: LineMode) -> int:
    return int(line.portal.all(sa.select(sa.func.count()).select_from(t.student))[0][0])


def test_a_roster_is_shown_then_taken_over_then_changes_nothing(line: LineMode, files: Path) -> None:
    roster = str(files / "roster.zip")
    dry = line.json("import", "roster", roster, "--dry-run", by="intake")
    assert (dry["dry_run"], dry["batch"], students(line)) == (True, None, 0)
    done = line.json("import", "roster", roster, by="intake")
    added = {each["name"]: each["added"] for each in done["kinds"]}
    assert added == {each["name"]: each["added"] for each in dry["kinds"]}
    assert added["students"] == students(line) == STUDENTS
    again = line.run("import", "roster", roster, "--format", "json", by="intake")
    assert again.code == 0
    assert {each[what] for each in again.json["kinds"] for what in ("added", "changed", "withdrawn")} == {0}
    applications = line.json("import", "registrations", files / "registrations.csv", by="intake")
    assert applications["batch"]
    assert len(line.json("registrations", "list", by="administrator")) > STUDENTS / 2


def test_a_wrong_row_is_named_by_file_line_and_column_and_nothing_comes_in(line: LineMode, tmp_path: Path) -> None:
    wrong = tmp_path / "registrations.csv"
    header = "ref,kind,arrived_at,login,given_name,family_name,student_number\n"
    row = "{},parent,2026-11-20T08:00:00Z,pat{},Pat,Vale,20260001\n"
    wrong.write_text(header + row.format("a", 1) + row.format("b", 2).replace("parent", "uncle"))
    answer = line.run("import", "registrations", wrong)
    assert (answer.code, answer.out) == (1, "")
    assert "registrations.csv line 3, column kind" in answer.err
    assert "nothing was imported" in answer.err
    assert "uncle" not in answer.err
    rest = line.run("import", "registrations", wrong, "--skip-bad-rows", "--format", "json")
    assert rest.code == 3
    assert [(each["line"], each["column"]) for each in rest.json["findings"] if each["severity"] == "error"] == [
        (3, "kind")
    ]


def test_what_is_not_there_and_who_may_not_are_one_sentence(line: LineMode, tmp_path: Path) -> None:
    assert line.run("import", "roster", tmp_path / "gone.zip").code == 5
    line.portal.hire("auditor", "auditor")
    refused = line.run("import", "roster", tmp_path, by="auditor")
    assert (refused.code, "does not have the right" in refused.sentence) == (1, True)
