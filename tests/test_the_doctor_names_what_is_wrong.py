"""The doctor looks at everything, changes nothing, and for each fault says what to do."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from console.clock import SettableClock
from console.doctor import Doctor, Health
from console.settings import Settings
from models import tables as t
from models.engine import writing
from tests.founded import found_as_owner
from tests.portals import NOON
from tests.signing import equip

if TYPE_CHECKING:
    from pathlib import Path

    from console.doctor import Finding
    from tests.portals import Portal
    from tests.services.postgres import Cluster


@pytest.fixture
def founded(portal: Portal, tmp_path: Path) -> tuple[Portal, Path]:
    return portal, tmp_path


def examine(portal: Portal, folder: Path, /, **tables: dict[str, Any]) -> dict[str, Finding]:
    content: dict[str, dict[str, Any]] = {
        "database": {"url": portal.settings.database.url},
        "portal": {"origin": "test.example/ledger"},
    }
    for table, values in tables.items():
        content[table] = content.get(table, {}) | values
    found = Doctor(Settings.build(content, folder), portal.clock).examine()
    worst: dict[str, Finding] = {}
    for each in found:
        if each.name not in worst or each.health is not Health.OK:
            worst[each.name] = each
    return worst


def bad(found: dict[str, Finding]) -> dict[str, str]:
    return {name: each.text for name, each in found.items() if each.health is Health.BAD}


def test_a_portal_that_is_well_is_said_to_be_well(founded: tuple[Portal, Path]) -> None:
    portal, folder = founded
    portal.clock.set(datetime.now(UTC))
    portal.hire("another", "district_administrator")
    for name in ("administrator", "another"):
        equip(portal.settings, name)
    found = examine(portal, folder)
    assert bad(found) == {}
    assert {name for name, each in found.items() if each.health is Health.WARN} == {"log", "mail"}
    assert {"database", "schema", "ledger", "accesses", "ledger key", "data key", "disk", "intake"} <= set(found)


def test_every_fault_comes_with_advice(founded: tuple[Portal, Path]) -> None:
    portal, folder = founded
    (folder / "keys" / "data.key").chmod(0o644)
    (folder / "keys" / "ledger.key").unlink()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        found = examine(portal, folder, mail={"host": "127.0.0.1", "port": port}, log={"file": "/no/such/folder/log"})
    assert set(bad(found)) == {"data key", "ledger key", "mail", "log"}
    assert all(each.advice for each in found.values() if each.health is not Health.OK)


def test_a_database_of_another_portal_or_schema_is_named(founded: tuple[Portal, Path]) -> None:
    portal, folder = founded
    assert "portal" in bad(examine(portal, folder, portal={"origin": "other.example/ledger"}))
    with portal.owning() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    assert bad(examine(portal, folder))["schema"].startswith("it is 0000")


def test_a_database_that_is_not_there_is_told_and_not_made(founded: tuple[Portal, Path], tmp_path: Path) -> None:
    portal, folder = founded
    found = examine(portal, folder, database={"url": f"sqlite:///{tmp_path / 'gone.db'}"})
    assert "is not there" in bad(found)["database"]
    assert not (tmp_path / "gone.db").exists()
    assert "database" in bad(examine(portal, folder, database={"url": "postgresql://nobody@127.0.0.1:1/portal"}))


def test_a_server_that_knows_no_such_role_or_database_is_not_called_absent(
    postgres: Cluster, founded: tuple[Portal, Path]
) -> None:
    there = make_url(postgres.url("postgres"))
    for wrong, said, advice in (
        (there.set(username="stranger"), "refused the console's user", "database.password_file"),
        (there.set(database="none_such"), "no database of that name", "createdb"),
    ):
        found = examine(*founded, database={"url": wrong.render_as_string(hide_password=False)})["database"]
        assert said in found.text
        assert advice in found.advice


@pytest.mark.tampers
def test_what_was_left_unsigned_or_is_missing_is_seen(founded: tuple[Portal, Path]) -> None:
    portal, folder = founded
    case = portal.registration(portal.student(school=portal.school()))
    portal.decide("registrations", "approve", case)
    assert examine(portal, folder)["ledger"].text == "1 records, 1 signed"
    state = folder / "keys" / "state" / "ledger.json"
    signed = state.read_bytes()
    state.unlink()
    unsigned = examine(portal, folder)["ledger"]
    assert (unsigned.health, unsigned.text) == (Health.WARN, "1 records, 0 signed")
    state.write_bytes(signed)
    with writing(portal.office.engine) as connection:
        connection.execute(t.log_head.update().where(t.log_head.c.log == "ledger").values(size=0))
    missing = examine(portal, folder)["ledger"]
    assert (missing.health, missing.exit) == (Health.BAD, 4)


def test_what_the_portal_left_and_nobody_took_is_counted(founded: tuple[Portal, Path]) -> None:
    portal, _ = founded
    row = {
        "kind": "parent",
        "arrived_at": portal.clock.now(),
        "login": "pat",
        "given_name": "Pat",
        "family_name": "Vale",
        "student_number": "1",
    }
    portal.add(t.intake_registration, ref="a", **row)
    portal.add(t.intake_registration, ref="b", refused="no such student", taken_at=portal.clock.now(), **row)
    found = [each.text for each in Doctor(portal.settings, portal.clock).examine() if each.name == "intake"]
    assert found == ["1 rows of the portal were refused", "1 rows of the portal wait"]


def test_a_real_portal_with_the_origin_of_the_example_is_warned_of(database_url: str, tmp_path: Path) -> None:
    settings = Settings.build({"database": {"url": database_url}}, tmp_path)
    found_as_owner(settings, NOON)
    example = Doctor(settings, SettableClock(settings.portal.zone, NOON)).examine()
    (origin,) = [each for each in example if each.name == "origin"]
    assert (origin.health, "district.example/ledger is the example's" in origin.text) == (Health.WARN, True)
