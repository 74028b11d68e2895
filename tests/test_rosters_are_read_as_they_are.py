"""Promise: a OneRoster folder or zip is read as student systems really write it; what cannot be read says where and why.

The samples are our own, with the dirt of published ones, and the published ones themselves where the machine has them.
"""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import ConsoleError, Refused, Usage
from console.intake.archive import open_source
from console.intake.findings import KEPT
from console.intake.oneroster import read_roster
from console.intake.roster_files import KINDS, Mode
from console.intake.roster_rows import ACCOUNT_TYPES, Link, Status, links_of
from tests.rosters import ORGS, SAMPLES, SHARED, USER_HEADER, USERS, folder, manifest, zipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from console.intake.oneroster import Roster
    from console.intake.roster_rows import User

READERS = (
    "academic_sessions",
    "orgs",
    "courses",
    "sections",
    "role_rows",
    "users",
    "enrollments",
    "demographics",
)
NO_TIME = "is neither a date YYYY-MM-DD nor a time YYYY-MM-DDTHH:MM:SSZ"
PUBLISHED = sorted(path for path in SHARED.glob("*v1p*")) if SHARED.is_dir() else []
ALL_SAMPLES = [*sorted(path for path in SAMPLES.iterdir() if path.is_dir()), *PUBLISHED]


def whole(path: Path, **options: Any) -> tuple[dict[str, list[Any]], Roster]:
    """Every row of the roster by its reader's name, and the roster for its findings."""
    with open_source(path) as source:
        roster = read_roster(source, **options)
        return {name: list(getattr(roster, name)()) for name in READERS}, roster


def built(place: Path, files: Mapping[str, str | bytes], **options: Any) -> tuple[dict[str, list[Any]], Roster]:
    return whole(folder(place / "roster", {"orgs.csv": ORGS, **files}), **options)


def said(roster: Roster, severity: str | None = None) -> list[str]:
    return [str(each) for each in roster.findings if severity in {None, each.severity}]


@pytest.mark.parametrize("path", ALL_SAMPLES, ids=lambda path: path.name)
def test_every_sample_is_read_without_a_single_rejected_row(path: Path) -> None:
    rows, roster = whole(path)
    assert said(roster, "error") == []
    assert rows["orgs"]
    assert rows["users"]
    assert roster.version == ("1.2" if "1.2" in path.name or "v1p2" in path.name else "1.1")


@pytest.mark.parametrize("path", ALL_SAMPLES, ids=lambda path: path.name)
def test_reading_twice_gives_the_same_rows_and_the_same_findings(path: Path) -> None:
    with open_source(path) as source:
        roster = read_roster(source)
        first = [list(getattr(roster, name)()) for name in READERS], said(roster)
        second = [list(getattr(roster, name)()) for name in READERS], said(roster)
    assert first == second


def test_the_dirt_of_published_1_1_files_is_tolerated_and_named() -> None:
    rows, roster = whole(SAMPLES / "dirty-1.1")
    warnings = said(roster, "warning")
    for expected in (
        "orgs.csv line 1, column metadata.classification: unknown column, not read",
        f"orgs.csv line 4, column dateLastModified: {NO_TIME}, taken as blank",
        "classes.csv line 1, column courseSourcedId: the column is missing, its values are taken as unknown",
        "classes.csv line 1, column grade: read as grades",
        "users.csv line 1, column agents: read as agentSourcedIds",
        "users.csv line 1, column ext_vendor_studentPassword: not read: passwords are never taken over",
        "users.csv line 3: 25 fields where the header has 23, the last were not read",
        "demographics.csv line 1, column userSourcedId: read as sourcedId",
        "demographics.csv line 1, column birthdate: read as birthDate",
    ):
        assert warnings.count(expected) == 1, expected
    assert rows["academic_sessions"] == rows["courses"] == []
    assert [org.modified for org in rows["orgs"]] == [None, datetime(2026, 5, 6, 8, 1, 5, tzinfo=UTC), None]
    assert [(section.type, section.grades) for section in rows["sections"]] == [
        ("scheduled", ("02",)),
        (None, ()),
        (None, ()),
    ]
    assert [user.status for user in rows["users"]].count(Status.WITHDRAWN) == 1
    assert rows["demographics"][0].birth_date == date(2013, 2, 28)


def test_what_districts_put_into_metadata_columns_is_understood() -> None:
    rows, _ = whole(SAMPLES / "dirty-1.1")
    student, _, _, mother, uncle, _ = rows["users"]
    assert (student.verification_code, student.directory_opt_out) == ("QX42", True)
    assert (mother.relation, mother.restricted_students) == ("Mother", ())
    assert (uncle.relation, uncle.restricted_students, uncle.restriction_reference) == (
        "uncle",
        ("user1",),
        "Order 26-118",
    )


def test_the_names_of_metadata_columns_are_the_districts_own(tmp_path: Path) -> None:
    text = f"{USER_HEADER},x.code\nU1,,,true,S1,student,amina,Amina,Diallo,700101,QX42\n"
    rows, roster = built(tmp_path, {"users.csv": text}, columns={"verification_code": "x.code"})
    assert rows["users"][0].verification_code == "QX42"
    assert not any("x.code" in each for each in said(roster))
    with pytest.raises(Usage, match="own columns"):
        built(tmp_path, {"users.csv": text}, columns={"nonsense": "x.code"})


def test_a_tie_is_told_by_either_row_and_a_restriction_even_without_a_tie() -> None:
    rows, _ = whole(SAMPLES / "dirty-1.1")
    links = [link for user in rows["users"] for link in links_of(user)]
    assert links == [
        Link(2, "guardian1", "user1", None, restricted=False, restriction_reference=None),
        Link(2, "guardian2", "user1", None, restricted=False, restriction_reference=None),
        Link(5, "guardian1", "user1", "Mother", restricted=False, restriction_reference=None),
        Link(6, "guardian2", "user1", "uncle", restricted=True, restriction_reference="Order 26-118"),
    ]


def test_roles_of_1_2_join_their_users_and_withdrawn_ones_do_not() -> None:
    rows, roster = whole(SAMPLES / "delta-1.2")
    assert roster.modes["users"] is Mode.DELTA
    users = {user.sourced_id: user for user in rows["users"]}
    assert [role.role for role in users["U1"].roles] == ["student"]
    assert [(role.role, role.primary) for role in users["U2"].roles] == [("teacher", True), ("parent", False)]
    assert users["U2"].account_type == "certificated"
    assert (users["U3"].status, users["U3"].roles) == (Status.WITHDRAWN, ())
    assert users["U1"].user_ids == (("LDAP", "12"), ("LTI", "15"))
    assert [row.account_type for row in rows["role_rows"] if row.user == "ELSEWHERE"] == ["other"]


@pytest.mark.parametrize("role", ACCOUNT_TYPES)
def test_every_role_has_its_account_type_in_any_letter_case(role: str, tmp_path: Path) -> None:
    text = f"{USER_HEADER}\nU1,,,true,S1,{role.upper()},a,A,B,1\n"
    rows, _ = built(tmp_path, {"users.csv": text})
    assert rows["users"][0].account_type == ACCOUNT_TYPES[role]


WRONG_ROWS = {
    "no identifier": ("U 1,,,true,S1,student,a,A,Secretname,1", "column sourcedId: is no identifier"),
    "a blank identifier": (",,,true,S1,student,a,A,Secretname,1", "column sourcedId: is blank"),
    "an unknown status": ("U1,gone,,true,S1,student,a,A,Secretname,1", "column status: is none of active, tobedeleted"),
    "an unknown role": ("U1,,,true,S1,wizard,a,A,Secretname,1", "column role: is no role that OneRoster knows"),
    "no role": ("U1,,,true,S1,,a,A,Secretname,1", "column role: is blank"),
    "a truth that is none": ("U1,,,maybe,S1,student,a,A,Secretname,1", "column enabledUser: is neither true nor false"),
    "nobody's name": ("U1,,,true,S1,student,secretname,,,1", "column familyName: is blank, and so is givenName"),
    "a cut off line": ("U1,,,true,S1,student,a,A,Secretname", "9 fields where the header has 10: the line is cut off"),
    "a quote in a field": ('U1,,,true,S1,student,a,"A"B,Secretname,1', "a quote inside a field is not doubled"),
    "a name of a thousand letters": (f"U1,,,true,S1,student,a,A,{'Secretname' * 99},1", "column familyName: is longer"),
}


@pytest.mark.parametrize(("row", "reason"), WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_a_wrong_row_names_file_line_column_and_reason_and_the_others_are_read(
    row: str, reason: str, tmp_path: Path
) -> None:
    good = "U{},,,true,S1,student,a,A,B,1"
    rows, roster = built(tmp_path, {"users.csv": "\r\n".join([USER_HEADER, good.format(8), row, good.format(9)])})
    assert [user.sourced_id for user in rows["users"]] == ["U8", "U9"]
    (error,) = said(roster, "error")
    assert error.startswith("users.csv line 3")
    assert reason in error
    assert "ecretname" not in error


@pytest.mark.parametrize("column", ["sourcedId", "givenName", "familyName", "role", "orgSourcedIds"])
def test_a_missing_identity_column_refuses_the_file_and_names_it(column: str, tmp_path: Path) -> None:
    text = USERS.replace(column, "metadata.other", 1)
    with pytest.raises(Refused, match=rf"users\.csv line 1: .*{column}.*nothing was imported"):
        built(tmp_path, {"users.csv": text})


def test_a_file_without_header_is_refused_without_repeating_whom_it_names(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        built(tmp_path, {"users.csv": "U1,,,true,S1,role,amina,Amina,Diallo,700101\n"})
    assert "Diallo" not in str(caught.value)
    assert "700101" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (USERS.encode("utf-16"), "line 1: the file is UTF-16"),
        (USERS.encode("utf-16-le"), "line 1: holds NUL bytes"),
        (USERS.replace("Diallo", "Dialló").encode("latin-1"), "line 2: not UTF-8"),
        (USERS.replace("Amina,", '"Amina,').encode(), "line 2: a quote that opens here is never closed"),
        (USERS.replace("\n", "\r").encode(), "bare carriage return"),
        (USERS.replace(",", ";").encode(), "separated by semicolons where commas are expected"),
        (USERS.replace(",username", ",role").encode(), "line 1, column role: the name stands twice"),
        (USERS.encode() + b"\0" * 100, "line 3: holds NUL bytes"),
        (b"", "not even a header row"),
        (b"x" * (2 << 20), "line 1: longer than 1 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused_with_the_line(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as caught:
        built(tmp_path, {"users.csv": content})
    assert str(caught.value).startswith("users.csv")
    assert reason in str(caught.value)
    assert "nothing was imported" in str(caught.value)
    assert "Diall" not in str(caught.value)


def test_quoted_line_breaks_marks_and_crlf_leave_the_line_numbers_right(tmp_path: Path) -> None:
    lines = [USER_HEADER, 'U1,,,true,S1,student,a,"A\r\nA","Di ""x"" allo",1', "", "U2,,,no,S1,nobody,a,A,B,1", ""]
    rows, roster = built(tmp_path, {"users.csv": b"\xef\xbb\xbf" + "\r\n".join(lines).encode()})
    assert [(user.line, user.given_name, user.family_name) for user in rows["users"]] == [(2, "A\r\nA", 'Di "x" allo')]
    assert said(roster, "error") == ["users.csv line 5, column role: is no role that OneRoster knows"]


def test_a_file_full_of_errors_is_counted_whole_and_kept_in_part(tmp_path: Path) -> None:
    lines = [f"U{i},,sometime,true,S1,student,a,A,B,1\nU {i},,,true,S1,student,a,A,B,1" for i in range(KEPT + 500)]
    rows, roster = built(tmp_path, {"users.csv": "\n".join([USER_HEADER, *lines])})
    assert len(rows["users"]) == KEPT + 500
    assert roster.findings.errors == KEPT + 500
    assert roster.findings.warnings == KEPT + 501, "the missing manifest is one"
    assert len(said(roster, "error")) == len(said(roster, "warning")) == KEPT


def test_of_one_identifier_the_first_row_stands(tmp_path: Path) -> None:
    rows, roster = built(tmp_path, {"users.csv": f"{USERS}U1,,,true,S1,teacher,b,B,B,2\n"})
    assert [user.account_type for user in rows["users"]] == ["student"]
    assert said(roster, "error") == [
        "users.csv line 3, column sourcedId: the identifier stands in an earlier row, which is used"
    ]


def test_a_delta_needs_its_status_and_a_bulk_file_does_not(tmp_path: Path) -> None:
    rows, roster = built(tmp_path / "bulk", {"users.csv": USERS, "manifest.csv": manifest(orgs="bulk", users="bulk")})
    assert [user.status for user in rows["users"]] == [Status.ACTIVE]
    assert not roster.findings.errors
    rows, roster = built(tmp_path / "delta", {"users.csv": USERS, "manifest.csv": manifest(orgs="bulk", users="delta")})
    assert rows["users"] == []
    assert said(roster, "error") == ["users.csv line 2, column status: is blank"]


def test_a_withdrawn_row_needs_nothing_but_its_identifier(tmp_path: Path) -> None:
    text = f"{USER_HEADER}\nU1,inactive,,,,,,,,\nU2,tobedeleted,never,maybe,!,wizard,,,,\n"
    rows, roster = built(tmp_path, {"users.csv": text})
    assert [(user.sourced_id, user.status, user.roles) for user in rows["users"]] == [
        ("U1", Status.WITHDRAWN, ()),
        ("U2", Status.WITHDRAWN, ()),
    ]
    assert not roster.findings.errors


def test_the_manifest_is_held_against_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"users\.csv is there \(bulk\), but it is missing"):
        built(tmp_path / "a", {"manifest.csv": manifest(orgs="bulk", users="bulk")})
    with pytest.raises(Refused, match=r"neither 1\.1 nor 1\.2"):
        built(tmp_path / "b", {"users.csv": USERS, "manifest.csv": manifest("2.0", users="bulk")})
    with pytest.raises(Refused, match=r"manifest\.csv line 4, column value"):
        built(tmp_path / "c", {"users.csv": USERS, "manifest.csv": manifest(users="all")})
    rows, roster = built(tmp_path / "d", {"users.csv": USERS, "manifest.csv": manifest(orgs="bulk", users="absent")})
    assert rows["users"] == []
    assert "users.csv: manifest.csv says that it is absent, not read" in said(roster)
    _, roster = built(tmp_path / "e", {"users.csv": USERS, "manifest.csv": manifest("1.2", orgs="bulk", users="bulk")})
    assert roster.version == "1.1"
    assert "manifest.csv: says version 1.2, but the files are of 1.1 and read as such" in said(roster)
    _, roster = built(tmp_path / "f", {"users.csv": USERS, "notes.csv": "x"})
    assert "notes.csv: no file of OneRoster, not read" in said(roster)
    assert "manifest.csv: the file is missing, every file that is there is taken as bulk" in said(roster)


def test_what_is_no_roster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no OneRoster folder or zip"):
        whole(folder(tmp_path / "empty", {}))
    with pytest.raises(Refused, match="no OneRoster folder or zip"):
        whole(folder(tmp_path / "one", {"users.csv": USERS}) / "users.csv")
    with pytest.raises(Refused, match="nobody has a role"):
        built(tmp_path, {"users.csv": USERS.replace("role", "rank"), "manifest.csv": manifest("1.2", users="bulk")})


def test_a_folder_and_its_zip_give_the_same_rows(tmp_path: Path) -> None:
    for sample in (SAMPLES / "dirty-1.1", SAMPLES / "delta-1.2"):
        packed = tmp_path / f"{sample.name}.zip"
        packed.write_bytes(zipped({f"export/{file.name}": file.read_bytes() for file in sample.iterdir()}))
        assert whole(packed)[0] == whole(sample)[0]


def test_no_person_is_named_when_a_row_is_printed() -> None:
    rows, _ = whole(SAMPLES / "dirty-1.1")
    printed = repr(rows["users"]) + repr(rows["demographics"])
    assert "Diallo" not in printed
    assert "2013" not in printed


def test_what_the_console_does_not_need_is_not_read() -> None:
    read = {field.name for kind in KINDS.values() for field in kind.fields}
    assert not read & {"password", "sex", "asian", "white", "hispanicOrLatinoEthnicity", "cityOfBirth"}


def test_memory_stays_flat(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        names = "N" * 200
        rows = "".join(f"U{i},,,true,S1,student,u{i},{names},{names},{i}\n" for i in range(count))
        place = folder(tmp_path / str(count), {"orgs.csv": ORGS, "users.csv": f"{USER_HEADER}\n{rows}"})
        with open_source(place) as source:
            users = read_roster(source).users()
            tracemalloc.start()
            try:
                assert sum(1 for _ in users) == count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    small, large = peak(10_000), peak(40_000)
    assert (large - small) / 30_000 < 20, "bytes kept for each row of some 450"


@given(
    users=st.binary(max_size=300) | st.text(alphabet='U1,"\r\n\t;{}é\0', max_size=200).map(str.encode),
    whole_file=st.booleans(),
)
def test_whatever_bytes_stand_in_a_file_the_answer_is_a_sentence(
    users: bytes, whole_file: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = users if whole_file else USERS.encode() + users
    place = folder(tmp_path_factory.mktemp("any"), {"orgs.csv": ORGS, "users.csv": content})
    rows: list[User] = []
    try:
        found, roster = whole(place)
        answers, rows = said(roster), found["users"]
    except ConsoleError as error:
        answers = [str(error)]
    assert all(each.isprintable() for each in answers)
    assert [user.line for user in rows] == sorted({user.line for user in rows})


@given(value=st.text(min_size=4).filter(lambda text: text.strip() and "\0" not in text and text.isascii() is False))
def test_a_finding_never_repeats_a_value(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    quoted = '"' + value.encode("utf-8", "replace").decode().replace('"', '""') + '"'
    row = ",".join([quoted] * 10)
    place = folder(tmp_path_factory.mktemp("any"), {"orgs.csv": ORGS, "users.csv": f"{USER_HEADER}\n{row}\n"})
    _, roster = whole(place)
    assert said(roster, "error")
    assert not any(value.strip() in each for each in said(roster))
