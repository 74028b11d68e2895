"""Promise: what a portal hands over is read as its format is declared, the same from CSV and from JSON Lines.

A form is a stranger's typing: every odd name arrives unchanged; a row that cannot be filed says file, line, column and reason.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import ConsoleError, Refused
from console.intake.archive import open_source
from console.intake.fields import Need
from console.intake.forms import FORMS, Registration, described, read_form
from tests.rosters import folder, zipped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXAMPLES: dict[str, dict[str, str]] = {
    "registrations": {
        "ref": "reg-1",
        "kind": "parent",
        "arrived_at": "2026-11-02T08:30:00-08:00",
        "login": "m.diallo",
        "given_name": "Mariama",
        "family_name": "Diallo",
        "student_number": "0700101",
        "email": "m.diallo@example.org",
    },
    "challenges": {
        "ref": "ch-1",
        "arrived_at": "2026-11-02",
        "challenger": "m.diallo",
        "challenged": "o.diallo",
        "student_number": "700101",
        "statement": "He is not, and never was, the father.\nPlease look.",
    },
    "grants": {
        "ref": "gr-1",
        "arrived_at": "2026-11-02T08:30:00Z",
        "login": "tutor",
        "student_number": "700101",
        "purpose": "tutoring",
        "starts": "2026-11-10",
        "ends": "2027-06-11",
    },
    "consents": {"ref": "co-1", "at": "2026-11-03", "grant_ref": "gr-1", "login": "m.diallo", "action": "give"},
    "answers": {
        "ref": "an-1",
        "at": "2026-11-03",
        "desk": "registrations",
        "case_ref": "reg-1",
        "text": "Here it is.",
        "withdraws": "true",
    },
    "accounts": {
        "login": "m.diallo",
        "type": "parent",
        "given_name": "Mariama",
        "family_name": "Diallo",
        "schools": "LMS, THS",
        "active": "true",
        "student_number": "700101",
        "relation": "mother",
        "level": "approved",
        "since": "2024-09-01",
    },
}


def as_csv(rows: Sequence[dict[str, str]]) -> bytes:
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue().encode()


def as_json(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read(place: Path, name: str, content: bytes, suffix: str = "csv") -> tuple[list[Any], list[str], list[str]]:
    """Rows, errors and warnings."""
    path = folder(place, {f"{name}.{suffix}": content}) / f"{name}.{suffix}"
    with open_source(path) as source:
        rows = read_form(source, name)
        found = list(rows)
        assert list(rows) == found, "a second reading differs"
        findings = [(each.severity, str(each)) for each in rows.findings]
    return found, [s for kind, s in findings if kind == "error"], [s for kind, s in findings if kind == "warning"]


@pytest.mark.parametrize("name", FORMS)
def test_a_form_reads_the_same_from_csv_and_from_json_lines(name: str, tmp_path: Path) -> None:
    rows, errors, warnings = read(tmp_path, name, as_csv([EXAMPLES[name]]))
    assert (len(rows), errors, warnings) == (1, [], [])
    others, errors, warnings = read(tmp_path, name, as_json([EXAMPLES[name]]), "jsonl")
    assert (errors, warnings) == ([], [])
    assert others[0][1:] == rows[0][1:]
    assert (rows[0].line, others[0].line) == (2, 1)


@pytest.mark.parametrize("name", FORMS)
def test_a_row_has_the_fields_of_its_form_in_their_order(name: str) -> None:
    form = FORMS[name]
    assert ("line", *(field.name for field in form.fields)) == form.row._fields  # type: ignore[attr-defined]
    assert set(form.unique) <= {field.name for field in form.fields}


@pytest.mark.parametrize(
    ("name", "column"),
    [(name, field.name) for name, form in FORMS.items() for field in form.fields if field.need is Need.MUST],
)
def test_what_is_required_is_missed_by_name(name: str, column: str, tmp_path: Path) -> None:
    without = {key: value for key, value in EXAMPLES[name].items() if key != column}
    with pytest.raises(Refused, match=rf"{name}\.csv line 1: the column {column} is missing"):
        read(tmp_path, name, as_csv([without]))
    rows, errors, _ = read(tmp_path, name, as_csv([{**without, column: " "}]))
    assert (rows, errors) == ([], [f"{name}.csv line 2, column {column}: is blank"])
    rows, errors, _ = read(tmp_path, name, as_json([without]), "jsonl")
    assert (rows, errors) == ([], [f"{name}.jsonl line 1, column {column}: is missing"])


WRONG = [
    ("registrations", "kind", "uncle", "is none of parent, student, asp"),
    ("registrations", "arrived_at", "yesterday", "is neither a date YYYY-MM-DD nor a time"),
    ("registrations", "arrived_at", "2026-02-30", "is a time that no calendar has"),
    ("registrations", "arrived_at", "0001-01-01T00:00:00+14:00", "is a time that no calendar has"),
    ("registrations", "login", "m diallo", "holds a blank or a control character"),
    ("registrations", "given_name", "x" * 201, "is longer than 200 characters"),
    ("grants", "ends", "2026-11-09", "lies before starts"),
    ("grants", "ends", "20270611", "is not a date of the form YYYY-MM-DD"),
    ("grants", "ends", "٢٠٢٦-11-09", "is not a date of the form YYYY-MM-DD"),
    ("consents", "action", "maybe", "is none of give, withdraw"),
    ("answers", "desk", "grants", "is none of registrations, challenges"),
    ("answers", "withdraws", "perhaps", "is neither true nor false"),
    ("accounts", "type", "root", "is none of district_administrator"),
    ("accounts", "type", "associate", "is given, but an account of this type has no students"),
    ("accounts", "student_number", "", "is given, but student_number is blank"),
    ("accounts", "level", "", "is blank, but a parent's tie is limited or approved"),
    ("accounts", "level", "pending", "is none of limited, approved"),
]


@pytest.mark.parametrize(("name", "column", "value", "reason"), WRONG)
def test_a_wrong_value_rejects_its_row_and_no_other(
    name: str, column: str, value: str, reason: str, tmp_path: Path
) -> None:
    good = EXAMPLES[name]
    wrong = {**good, column: value, "ref": "other"} if "ref" in good else {**good, column: value, "login": "other"}
    if column == "login":
        wrong[column] = value
    rows, errors, _ = read(tmp_path, name, as_csv([wrong, good]))
    assert [row.line for row in rows] == [3]
    assert errors
    assert all(each.startswith(f"{name}.csv line 2, column ") for each in errors)
    assert reason in errors[0]
    assert len(value) < 5 or value not in errors[0]


def test_values_become_what_they_mean(tmp_path: Path) -> None:
    (registration,), _, _ = read(tmp_path, "registrations", as_csv([EXAMPLES["registrations"]]))
    assert registration.arrived_at == datetime(2026, 11, 2, 16, 30, tzinfo=UTC)
    assert (registration.student_number, registration.phone) == ("0700101", None)
    (account,), _, _ = read(tmp_path, "accounts", as_csv([EXAMPLES["accounts"]]))
    assert (account.schools, account.active, account.level) == (("LMS", "THS"), True, "approved")
    (grant,), _, _ = read(tmp_path, "grants", as_csv([EXAMPLES["grants"]]))
    assert (grant.starts, grant.ends) == (date(2026, 11, 10), date(2027, 6, 11))
    answer = {key: value for key, value in EXAMPLES["answers"].items() if key != "withdraws"}
    (plain,), _, _ = read(tmp_path, "answers", as_csv([answer]))
    assert plain.withdraws is False


def test_json_may_write_numbers_truths_lists_and_nulls(tmp_path: Path) -> None:
    account = {
        **EXAMPLES["accounts"],
        "student_number": 700101,
        "active": False,
        "schools": ["LMS", "THS"],
        "ref": None,
    }
    (row,), errors, _ = read(tmp_path, "accounts", as_json([account]), "jsonl")
    assert errors == []
    assert (row.student_number, row.active, row.schools, row.ref) == ("700101", False, ("LMS", "THS"), None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "line 1: not a JSON object"),
        ("[" * 5000, "line 1: not a JSON object"),
        ('["ab"]', "line 1: not a JSON object"),
        ('{"ref": NaN}', "line 1: not a JSON object"),
        ('{"ref": "a", "ref": "b"}', "line 1, column ref: the name stands twice"),
        ('{"ref": {"a": 1}}', "line 1, column ref: neither text"),
        ('{"ref": "a\\u0000"}', "line 1, column ref: holds a NUL character"),
        ('{"ref": "\\ud800"}', "line 1, column ref: holds half a character"),
    ],
)
def test_a_line_that_is_no_object_is_rejected_alone(line: str, reason: str, tmp_path: Path) -> None:
    good = as_json([EXAMPLES["consents"]])
    rows, errors, _ = read(
        tmp_path, "consents", good + line.encode() + b"\n\n" + good.replace(b"co-1", b"co-2"), "jsonl"
    )
    assert [row.line for row in rows] == [1, 4]
    assert len(errors) == 1
    assert reason.replace("line 1", "line 2") in errors[0]


def test_a_json_array_is_refused_with_what_to_do(tmp_path: Path) -> None:
    content = json.dumps([EXAMPLES["consents"]]).encode()
    with pytest.raises(Refused, match="write JSON Lines: one object on each line"):
        read(tmp_path, "consents", content, "json")


def test_unknown_columns_and_passwords_are_said_once_and_not_read(tmp_path: Path) -> None:
    rows = [{**EXAMPLES["consents"], "ref": f"co-{i}", "mood": "x", "Password": "Secret-9"} for i in range(3)]
    for suffix, content in (("csv", as_csv(rows)), ("jsonl", as_json(rows))):
        found, errors, warnings = read(tmp_path, "consents", content, suffix)
        assert (len(found), errors) == (3, [])
        assert warnings == [
            f"consents.{suffix} line 1, column mood: unknown column, not read",
            f"consents.{suffix} line 1, column Password: not read: passwords are never taken over",
        ]


def test_a_comma_outside_quotes_never_shifts_a_person_into_another_column(tmp_path: Path) -> None:
    content = as_csv([EXAMPLES["registrations"]]).replace(b"Diallo,", b"Diallo, Jr,", 1)
    rows, errors, _ = read(tmp_path, "registrations", content)
    assert rows == []
    assert errors == ["registrations.csv line 2: 9 fields where the header has 8: a comma stands outside quotes"]


def test_of_one_reference_the_first_row_stands(tmp_path: Path) -> None:
    rows, errors, _ = read(tmp_path, "consents", as_csv([EXAMPLES["consents"]] * 2))
    assert len(rows) == 1
    assert errors == ["consents.csv line 3, column ref: line 2 has the same ref"]


def test_an_account_may_have_several_ties_but_is_one_account(tmp_path: Path) -> None:
    first = EXAMPLES["accounts"]
    second = {**first, "student_number": "700102", "login": "M.Diallo", "level": "limited"}
    third = {**first, "student_number": "700103", "family_name": "Diallo-Okafor"}
    rows, errors, _ = read(tmp_path, "accounts", as_csv([first, second, third]))
    assert [row.student_number for row in rows] == ["700101", "700102"]
    assert errors == ["accounts.csv line 4, column family_name: line 2 says something else of the same login"]


def test_a_form_is_found_in_a_folder_or_a_zip(tmp_path: Path) -> None:
    content = as_csv([EXAMPLES["consents"]])
    packed = tmp_path / "export.zip"
    packed.write_bytes(zipped({"export.csv": content}))
    for path in (packed, folder(tmp_path / "x", {"consents.csv": content, "answers.csv": "x"})):
        with open_source(path) as source:
            assert len(list(read_form(source, "consents"))) == 1
    two = folder(tmp_path / "y", {"a.csv": "", "b.csv": ""})
    with open_source(two) as source, pytest.raises(Refused, match=r"one named consents\.csv or consents\.jsonl"):
        read_form(source, "consents")


def test_no_person_is_named_when_a_row_is_printed(tmp_path: Path) -> None:
    for name, example in EXAMPLES.items():
        rows, _, _ = read(tmp_path, name, as_csv([example]))
        assert repr(rows[0]) == f"{type(rows[0]).__name__}(line=2)"


def test_the_documentation_names_every_column_of_every_form() -> None:
    text = described()
    for form in FORMS.values():
        section = text.split(f"## {form.name}\n", 1)[1].split("\n## ", 1)[0]
        listed = [line.split("|")[1].strip(" `") for line in section.splitlines() if line.startswith("| `")]
        assert listed == [field.name for field in form.fields]
        assert all(field.says and field.form for field in form.fields)


anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60).filter(str.strip)


@given(given_name=anything, family_name=anything)
def test_every_name_however_odd_arrives_as_it_was_typed(
    given_name: str, family_name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    form = {**EXAMPLES["registrations"], "given_name": given_name, "family_name": family_name}
    place = tmp_path_factory.mktemp("any")
    for suffix, content in (("csv", as_csv([form])), ("jsonl", as_json([form]))):
        (row,), errors, _ = read(place, "registrations", content, suffix)
        assert isinstance(row, Registration)
        assert errors == []
        assert (row.given_name, row.family_name) == (given_name.strip(), family_name.strip())


@given(content=st.binary(max_size=300), name=st.sampled_from(sorted(FORMS)), after=st.sampled_from(["csv", "json", ""]))
def test_whatever_bytes_stand_in_a_form_the_answer_is_a_sentence(
    content: bytes, name: str, after: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    start = {"csv": as_csv([EXAMPLES[name]]), "json": as_json([EXAMPLES[name]]), "": b""}[after]
    try:
        _, errors, warnings = read(tmp_path_factory.mktemp("any"), name, start + content, "jsonl")
    except ConsoleError as error:
        errors, warnings = [str(error)], []
    assert all(each.isprintable() for each in [*errors, *warnings])
