"""Promise: a real directory is read to its end, in pages, over verified TLS, by `district directory sync`; else nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.text import safe
from models import tables as t
from tests.directories import case
from tests.line_mode import LineMode, write_settings
from tests.portals import open_portal
from tests.rows_and_records import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal
    from tests.services.slapd import Slapd

MANY = 620
"""More than one page of any server."""


@pytest.fixture(scope="module")
def crowded() -> Iterator[Slapd]:
    """A directory of its own with many people, some of them odd."""
    from tests.services.slapd import Slapd

    with Slapd() as server:
        for n in range(MANY):
            server.add_person(f"crowd{n}", "Kim", f"Vale{n}", number=str(30_000_000 + n), codes=["lincoln"])
        server.add_person("odd", "\x1b[31mRed", "\u202edrow", number="7", codes=["nowhere"])
        yield server


@pytest.fixture
def line(crowded: Slapd, database_url: str, tmp_path: Path) -> Iterator[LineMode]:
    portal = open_portal(database_url, tmp_path, directory=crowded.table(district_codes=["DO"]))
    school = portal.school()
    for n in (3, 619):
        portal.student("Kim", f"Vale{n}", school=school, number=str(30_000_000 + n))
    yield LineMode(portal, write_settings(portal, tmp_path))
    portal.office.engine.dispose()


def crowd(portal: Portal) -> int:
    d = t.directory_user.c
    query = sa.select(sa.func.count()).where(d.login.startswith("crowd"), sa.not_(d.gone))
    return int(portal.all(query)[0][0])


def test_everybody_is_read_in_pages_and_a_dry_run_writes_nothing(line: LineMode) -> None:
    before = rows_of(line.portal)
    tried = line.run("directory", "sync", "--dry-run", "--format", "json")
    assert tried.code == 0, tried
    assert rows_of(line.portal) == before
    done = line.run("directory", "sync", "--format", "json", by="intake")
    assert done.code == 0, done
    assert done.json["kinds"] == tried.json["kinds"]
    assert (tried.json["batch"], tried.json["dry_run"], bool(done.json["batch"])) == (None, True, True)
    assert crowd(line.portal) == MANY
    assert [case(line.portal, f"crowd{n}").student_id for n in (3, 4, 619)] == [1, None, 2]
    again = line.run("directory", "sync", "--format", "json", by="intake")
    assert [kind["added"] + kind["changed"] + kind["withdrawn"] for kind in again.json["kinds"]] == [0]
    said = line.run("activations", "list", "--where", "drow").out
    assert "Red" in said
    assert [each for each in said.split("\n") if safe(each) != each] == []


def test_who_is_disabled_or_gone_there_is_so_here(line: LineMode, crowded: Slapd) -> None:
    assert line.run("directory", "sync").code == 0
    one = case(line.portal, "crowd3")
    crowded.disable("crowd3")
    crowded.delete("crowd5")
    try:
        assert line.run("directory", "sync").code == 0
    finally:
        crowded.enable("crowd3")
        crowded.add_person("crowd5", "Kim", "Vale5", number="30000005", codes=["lincoln"])
    assert (case(line.portal, "crowd3").disabled, case(line.portal, "crowd5").gone) == (True, True)
    assert case(line.portal, "crowd3").directory_id == one.directory_id == crowded.uuid("crowd3")
    refused = line.run("activations", "activate", "--ids", one.id, "--type", "student")
    assert "the directory has it disabled" in refused.out + refused.err


def test_a_directory_that_is_down_changes_nothing_and_is_said_to_be(line: LineMode, crowded: Slapd) -> None:
    assert line.run("directory", "sync").code == 0
    before = rows_of(line.portal)
    crowded.stop()
    try:
        answer = line.run("directory", "sync")
    finally:
        crowded.start()
    assert answer.code == 5
    assert answer.sentence
    assert rows_of(line.portal) == before


def test_without_a_directory_it_says_which_setting_is_missing(portal: Portal, tmp_path: Path) -> None:
    answer = LineMode(portal, write_settings(portal, tmp_path)).run("directory", "sync")
    assert answer.code == 5
    assert "directory.hosts" in answer.sentence


def test_who_may_not_import_is_told_so(line: LineMode) -> None:
    line.portal.hire("help", "help_desk")
    assert line.run("directory", "sync", by="help").code == 1
    assert crowd(line.portal) == 0
