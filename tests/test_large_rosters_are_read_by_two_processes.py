"""A large roster is read by two processes beside the import: the same rows, findings and refusals as by one, and none stays behind."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from multiprocessing import active_children
from typing import TYPE_CHECKING

import pytest

from console.errors import ConsoleError, Refused, Unavailable
from console.intake import roster_reading
from console.progress import Cancelled
from fixtures.district import build_files
from tests.imports import Imports, born, holdings, member, roster, user
from tests.test_rosters_come_in import TODAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from console.intake.report import ImportReport
    from fixtures.district import Manifest
    from tests.portals import Portal

ONE, TWO = 1 << 50, 0
"""From how many bytes on two processes read: here always one, or always two."""


@pytest.fixture
def imports(portal: Portal, tmp_path: Path) -> Imports:
    return Imports(portal, tmp_path)


@pytest.fixture
def read_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets from where on two processes read; there are two processors for it, whatever the machine has."""
    monkeypatch.setattr(roster_reading, "processors", lambda: 2)
    return lambda size: monkeypatch.setattr(roster_reading, "LARGE", size)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A synthetic district's files."""
    return build_files(tmp_path_factory.mktemp("district"), students=60, seed=7, today=TODAY)


def _said(report: ImportReport) -> ImportReport:
    return replace(report, batch=None, number=0)


def test_what_one_process_imported_is_the_same_when_two_read_it(
    imports: Imports, district: Manifest, read_by: Callable[[int], None]
) -> None:
    read_by(ONE)
    by_one = imports.path(district.roster, dry_run=True)
    assert imports.path(district.roster).moved > 100
    before = holdings(imports.portal)
    read_by(TWO)
    again = imports.path(district.roster)
    assert again.moved == 0
    assert holdings(imports.portal) == before
    assert tuple(again.findings) == tuple(by_one.findings)


def test_the_reports_are_the_same_whoever_reads(imports: Imports, read_by: Callable[[int], None]) -> None:
    """Dirt in both shares, an unknown school, a repeated identifier, somebody without a role, and a withdrawn row."""
    place = roster(
        imports.place / "dirty",
        users=[
            user("U1"),
            user("U2", "guardian", agentSourcedIds="U1,U7"),
            user("U1", given="Twice"),
            user("U3", given="", family=""),
            user("U4", orgSourcedIds="S9"),
            user("U5", "teacher", status="tobedeleted"),
        ],
        enrollments=[member("E1", "C1", "U1"), member("E2", "C9", "U1"), member("E3", "C1", "U1", beginDate="x")],
        demographics=[born("U1", "2011-02-29"), born("U1", "2011-02-28")],
    )
    reports = []
    for size in (ONE, TWO):
        read_by(size)
        reports.append(_said(imports.path(place, dry_run=True, skip_bad_rows=True)))
    assert reports[0] == reports[1]
    assert reports[0].errors >= 4
    assert reports[0].warnings >= 3


def test_a_delta_asks_the_portal_who_people_are(imports: Imports, read_by: Callable[[int], None]) -> None:
    """Roles that a delta of 1.2 does not repeat are looked up by the process that reads the people."""
    read_by(TWO)
    roles = [
        {"sourcedId": "R1", "userSourcedId": "U1", "role": "student", "roleType": "primary", "orgSourcedId": "S1"},
    ]
    people = [{"sourcedId": "U1", "givenName": "Kim", "familyName": "Vale", "enabledUser": "true", "username": "k"}]
    imports.roster("bulk", "1.2", users=people, roles=roles)
    imports.roster("delta", "1.2", users=[{**people[0], "givenName": "Kimberly"}])
    student = imports.student("U1")
    assert (student.given_name, student.status) == ("Kimberly", "active")


@pytest.mark.parametrize("file", ["users.csv", "enrollments.csv"])
def test_a_file_that_is_cut_off_is_refused_in_the_same_words(
    imports: Imports, read_by: Callable[[int], None], file: str
) -> None:
    place = roster(imports.place / "cut", users=[user("U1")], enrollments=[member("E1", "C1", "U1")])
    with (place / file).open("a", encoding="utf-8") as out:
        out.write('"never closed')
    before = holdings(imports.portal)
    sentences = []
    for size in (ONE, TWO):
        read_by(size)
        with pytest.raises(Refused) as refused:
            imports.path(place)
        sentences.append(str(refused.value))
    assert sentences[0] == sentences[1]
    assert "never closed" in sentences[0]
    assert holdings(imports.portal) == before
    assert not active_children()


class _While:
    """A progress that does something at the first word of reading."""

    def __init__(self, what: Callable[[], None]) -> None:
        self._what = what
        self.said: list[tuple[int, int, str]] = []

    def say(self, done: int, total: int, what: str) -> None:
        self.said.append((done, total, what))
        if len(self.said) == 1:
            self._what()


def _cancel() -> None:
    raise Cancelled


def _kill() -> None:
    for process in active_children():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(("what", "error"), [(_cancel, Cancelled), (_kill, Unavailable)])
def test_given_up_or_killed_nothing_is_imported_and_nobody_reads_on(
    imports: Imports,
    district: Manifest,
    read_by: Callable[[int], None],
    what: Callable[[], None],
    error: type[ConsoleError],
) -> None:
    read_by(TWO)
    before = holdings(imports.portal)
    watching = _While(what)
    with pytest.raises(error):
        imports.path(district.roster, progress=watching)
    assert watching.said[0][2].startswith("reading the roster")
    assert holdings(imports.portal) == before
    assert not active_children()
    assert imports.path(district.roster).moved > 100
