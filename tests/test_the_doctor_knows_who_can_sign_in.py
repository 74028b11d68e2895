"""The doctor says who works here and cannot sign in, who is alone, and whether the emergency login is still sealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.doctor import Doctor
from console.operators import invite_operator
from console.settings import Settings
from console.signin.examining import examine_operators
from console.signin.sessions import Sessions
from models import tables as t
from models.words import SessionKind
from tests.signing import equip

if TYPE_CHECKING:
    from tests.portals import Portal


SEARCHING = {"user": "cn=console,dc=district,dc=example", "password_file": "secret", "base": "dc=district,dc=example"}


@pytest.fixture
def portal(portal: Portal) -> Portal:
    portal.clock.set(datetime.now(UTC))
    return portal


def told(portal: Portal, name: str, hosts: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """How the findings of this name are, and what they say."""
    url, folder = portal.settings.database.url, portal.settings.folder
    directory = {"directory": {"hosts": list(hosts), **SEARCHING}} if hosts else {}
    settings = Settings.build(
        {"database": {"url": url}, "portal": {"origin": "test.example/ledger"}, **directory}, folder
    )
    doctor = Doctor(settings, portal.clock)
    with portal.office.reading() as connection:
        examine_operators(doctor, connection)
    assert all(each.advice for each in doctor.findings if each.health != "ok")
    return [(str(each.health), str(each.text)) for each in doctor.findings if each.name == name]


def test_who_cannot_sign_in_is_counted(portal: Portal) -> None:
    portal.hire("lee", "auditor")
    assert told(portal, "second factor")[0][1].startswith("2 of those who work here cannot sign in")
    equip(portal.settings)
    assert told(portal, "second factor")[0][1].startswith("1 of")
    equip(portal.settings, "lee")
    assert told(portal, "second factor") == [("ok", "everybody who works here has one")]


def test_one_administrator_alone_is_named(portal: Portal) -> None:
    said = "one district administrator works here alone"
    assert ("warn", said) in told(portal, "operators")
    glass = portal.hire("glass", "district_administrator").id
    portal.change(t.operator, glass, break_glass=True)
    assert ("warn", said) in told(portal, "operators"), "the emergency login is nobody's colleague"
    portal.hire("ann", "district_administrator")
    assert [health for health, _ in told(portal, "operators")] == ["ok"]


def test_words_that_ran_out_are_counted(portal: Portal) -> None:
    equip(portal.settings)
    portal.hire("lee", "auditor")
    invite_operator(portal.office, portal.operator(), "lee")
    with portal.office.writing() as connection:
        connection.execute(t.invitation.delete().where(t.invitation.c.operator_id == portal.operator().id))
    assert told(portal, "invitations") == []
    portal.clock.advance(timedelta(hours=72))
    assert told(portal, "invitations") == [("warn", "1 ran out unused")]


def test_the_emergency_login_is_sealed_until_it_is_used(portal: Portal) -> None:
    assert told(portal, "break-glass") == []
    hosts = ("ldaps://directory.example",)
    assert "there is no emergency login" in told(portal, "break-glass", hosts)[0][1]
    glass = portal.hire("glass", "district_administrator").id
    portal.change(t.operator, glass, break_glass=True)
    assert "is not set up" in told(portal, "break-glass", hosts)[0][1]
    equip(portal.settings, "glass")
    assert told(portal, "break-glass", hosts)[0][0] == "ok"
    portal.clock.advance(timedelta(minutes=1))
    with portal.office.writing() as connection:
        Sessions(portal.settings).begin(connection, glass, SessionKind.LINE, portal.clock.now(), portal.office.random)
    assert "is not sealed" in told(portal, "break-glass", hosts)[0][1]
    portal.decide("operators", "reset", glass, reason="used")
    assert "is not set up" in told(portal, "break-glass", hosts)[0][1]


def test_a_clock_that_is_wrong_is_named(portal: Portal, engine_name: str) -> None:
    portal.clock.advance(timedelta(minutes=3))
    if engine_name == "sqlite":
        assert told(portal, "clock") == [], "the database has no clock of its own"
        return
    ((health, said),) = told(portal, "clock")
    assert (health, "differ by" in said) == ("warn", True)


def test_a_demonstration_is_asked_nothing_of_signing_in(portal: Portal) -> None:
    with portal.owning() as connection:
        connection.execute(sa.update(t.portal).values(demo_seed=1))
    assert told(portal, "second factor") == []
