"""What a desk does, its commands do: the same lists, decisions, previews, skips and undo, in the shapes and with the exit codes
that DESIGN.md promises.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.desks import desk
from models import tables as t
from tests.line_mode import LineMode, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def line(portal: Portal, tmp_path: Path) -> LineMode:
    return LineMode(portal, write_settings(portal, tmp_path))


@pytest.fixture
def cases(portal: Portal) -> list[int]:
    """Three plain applications, one flagged, one weak."""
    school = portal.school()
    plain = [portal.registration(portal.student(school=school)) for _ in range(3)]
    flagged = portal.registration(portal.student(school=school), flags=8)
    weak = portal.registration(portal.student(school=school), match=1)
    return [*plain, flagged, weak]


def test_a_list_is_an_array_of_objects_with_id_and_state(line: LineMode, cases: list[int]) -> None:
    rows = line.json("registrations", "list", "--where", "state:submitted match:>=3", "--order", "id")
    assert [row["id"] for row in rows] == cases[:4]
    assert {row["state"] for row in rows} == {"submitted"}
    assert {type(row["match"]) for row in rows} == {int}
    assert rows[3]["flags"] == ["restricted"]
    assert rows[0]["arrived"] == "2026-11-18T20:00:00Z"
    assert set(desk("registrations").columns[n].name for n in range(9)) <= set(rows[0])  # noqa: C401 - reads better


def test_a_state_of_two_words_is_the_word_that_the_filter_takes(line: LineMode, cases: list[int]) -> None:
    line.json("registrations", "ask", "--ids", cases[0], "--message", "Which school?")
    (row,) = line.json("registrations", "list", "--where", "state:needs_info")
    assert row["state"] == "needs_info"


def test_a_decision_answers_with_its_receipt_and_undo_takes_it_back(
    line: LineMode, cases: list[int], portal: Portal
) -> None:
    words = ("registrations", "approve", "--where", "state:submitted match:>=3", "--reason", "roster match")
    before = line.json("registrations", "list")
    preview = line.run(*words, "--preview", "--format", "json")
    assert (preview.code, preview.json) == (
        3,
        {
            "decision": "approve",
            "preview": True,
            "batch": None,
            "done": 3,
            "skipped": [{"id": cases[3], "why": "it is flagged and is decided one by one"}],
            "notices": 3,
            "access": {"opens": 3, "closes": 0},
            "requires": [],
        },
    )
    assert line.json("registrations", "list") == before
    done = line.run(*words, "--format", "json")
    assert done.code == 3
    batch = done.json["batch"]
    assert done.json == {
        "decision": "approve",
        "batch": batch,
        "done": 3,
        "skipped": [{"id": cases[3], "why": "it is flagged and is decided one by one"}],
        "notices": 3,
        "request": None,
    }
    undone = line.run("undo", batch.lower().replace("-", ""), "--format", "json")
    assert (undone.code, undone.json["done"], undone.json["skipped"]) == (0, 3, [])
    assert line.json("registrations", "list") == before
    assert portal.office.size() == 6


def test_the_exit_code_says_all_some_or_none(line: LineMode, cases: list[int]) -> None:
    assert line.run("registrations", "approve", "--ids", f"{cases[0]}", "--reason", "x").code == 0
    assert line.run("registrations", "approve", "--ids", f"{cases[0]},{cases[1]}", "--reason", "x").code == 3
    assert line.run("registrations", "approve", "--ids", f"{cases[0]}", "--reason", "x").code == 1
    assert line.run("registrations", "approve", "--ids", "99999", "--reason", "x").code == 1
    assert line.run("registrations", "approve", "--ids", f"{cases[4]}", "--preview").code == 1
    undo = line.run("registrations", "unapprove", "--ids", f"{cases[0]}", "--reason", "x", "--preview")
    assert undo.code == 0, "a preview ends as the run would"


def test_all_that_match_can_leave_some_out(line: LineMode, cases: list[int], portal: Portal) -> None:
    done = line.run(
        "registrations",
        "approve",
        "--where",
        "match:>=3 flag:no",
        "--but",
        cases[1],
        "--reason",
        "x",
        "--format",
        "json",
    )
    assert (done.code, done.json["done"], done.json["skipped"]) == (0, 2, [])
    assert portal.one(t.registration, cases[1]).state == "submitted"


def test_nothing_said_never_means_all(line: LineMode, cases: list[int], portal: Portal) -> None:
    for words in (
        ("--reason", "x"),
        ("--where", "  ", "--reason", "x"),
        ("--ids", "1", "--where", "x", "--reason", "x"),
    ):
        answer = line.run("registrations", "approve", *words)
        assert answer.code == 2
        assert "othing was done" in answer.sentence
    assert portal.office.size() == 0


@pytest.mark.parametrize("ids", ["", "x", "1-", "-3", "5-2", "0", "1.5", "1-99999999", "٣", "9" * 30])
def test_numbers_that_are_none_are_told_of(line: LineMode, ids: str) -> None:
    answer = line.run("registrations", "approve", f"--ids={ids}", "--reason", "x")
    assert answer.code == 2
    assert "--ids" in answer.sentence


def test_a_reason_is_asked_for_where_it_is_needed_and_nothing_happens_without(
    line: LineMode, cases: list[int], portal: Portal
) -> None:
    answer = line.run("registrations", "reject", "--ids", cases[0])
    assert (answer.code, answer.sentence) == (2, "Reject needs a reason; nothing was done. Add --reason.")
    assert portal.office.size() == 0


def test_the_same_key_finds_the_first_receipt(line: LineMode, cases: list[int], portal: Portal) -> None:
    words = ("registrations", "approve", "--ids", f"{cases[0]}", "--reason", "x", "--key", "cron 2026-11-21")
    first, again = line.json(*words), line.run(*words, "--format", "json")
    assert again.json == first
    assert "before" in again.err
    assert portal.office.size() == 1
    other = line.run("registrations", "approve", "--ids", f"{cases[1]}", "--reason", "x", "--key", "cron 2026-11-21")
    assert other.code == 1
    assert "used for another decision" in other.sentence


def test_a_case_is_shown_with_what_stands_beside_it_and_the_look_is_recorded(
    line: LineMode, cases: list[int], portal: Portal
) -> None:
    shown = line.json("registrations", "show", cases[3])
    assert (shown["id"], shown["state"], shown["desk"]) == (cases[3], "submitted", "registrations")
    assert shown["parts"]
    assert shown["decisions"]["approve"] is None
    assert shown["decisions"]["unapprove"] == "it is submitted"
    looked = portal.all(sa.select(t.record.c.case_id).where(t.record.c.log == "accesses"))
    assert [row.case_id for row in looked] == [cases[3]]


def test_who_may_not_is_refused_and_others_schools_do_not_exist(
    line: LineMode, cases: list[int], portal: Portal
) -> None:
    portal.hire("auditor", "auditor")
    portal.hire("lee", "help_desk", (portal.school("Mission"),))
    refused = line.run("registrations", "list", by="auditor")
    assert refused.code == 1
    assert "does not have the right" in refused.sentence
    assert line.json("registrations", "list", by="lee") == []
    gone = line.run("registrations", "show", cases[0], by="lee")
    assert (gone.code, "no such registration" in gone.sentence) == (1, True)
    assert line.run("registrations", "list", by="nobody").code == 1


def test_a_list_can_be_ordered_and_cut(line: LineMode, cases: list[int]) -> None:
    rows = line.json("registrations", "list", "--order", "id", "--desc", "--limit", "2")
    assert [row["id"] for row in rows] == cases[:-3:-1]
    cut = line.run("registrations", "list", "--limit", "2")
    assert len(cut.out.splitlines()) == 3
    assert cut.err == "2 of 5 shown; --limit 0 shows all.\n"
    assert len(line.run("registrations", "list", "--limit", "0").out.splitlines()) == 6


def test_csv_has_a_header_always_and_runs_in_no_spreadsheet(line: LineMode, portal: Portal) -> None:
    empty = line.run("registrations", "list", "--format", "csv")
    assert empty.out.startswith("id,state,kind,applicant,")
    assert len(empty.out.splitlines()) == 1
    portal.registration(portal.student(school=portal.school()), given='=HYPERLINK("http://x.example")', family="-2+3")
    (row,) = csv.DictReader(io.StringIO(line.run("registrations", "list", "--format", "csv").out))
    assert row["applicant"] == '\'=HYPERLINK("http://x.example") -2+3'
    assert row["match"] == "3"


def test_a_filter_that_the_desk_lacks_names_the_nearest(line: LineMode) -> None:
    answer = line.run("registrations", "list", "--where", "scool:lincoln")
    assert (answer.code, answer.sentence) == (2, "This desk has no filter scool:; did you mean school:?")


def test_undo_of_what_is_no_batch_says_how_one_is_written(line: LineMode) -> None:
    assert line.run("undo", "hello").code == 2
    unknown = line.run("undo", "7K2M-9QXH")
    assert (unknown.code, "district batches" in unknown.sentence) == (1, True)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("state:", "state: wants a value; nothing was listed."),
        ("kim state:", "state: wants a value; nothing was listed."),
        ("-state:", "state: wants a value; nothing was listed."),
        ("scool:", "This desk has no filter scool:; did you mean school:?"),
    ],
)
def test_a_filter_without_its_value_is_no_word_to_look_for(line: LineMode, where: str, said: str) -> None:
    answer = line.run("registrations", "list", "--where", where)
    assert (answer.code, answer.sentence) == (2, said)
    assert line.run("registrations", "list", "--where", '"state:"').code == 0
