"""Guessing gets slower with each failure, for any name alike; nobody is locked out, and a hundred guesses at once are one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.signin import delays
from models import tables as t
from models.engine import reading, writing
from tests.consoles import at_once

if TYPE_CHECKING:
    from tests.portals import Portal

SECOND = timedelta(seconds=1)
CONSOLES = 6
DAYS = timedelta(days=2)


def attempt(portal: Portal, name: str) -> float:
    """Seconds to wait; 0 for a turn that was taken."""
    with writing(portal.office.engine) as connection:
        return delays.attempt(connection, portal.office.vault, name, portal.clock.now()).total_seconds()


def left(portal: Portal, name: str) -> float:
    with reading(portal.office.engine) as connection:
        return delays.left(connection, portal.office.vault, name, portal.clock.now()).total_seconds()


@pytest.mark.parametrize("name", ["administrator", "nobody of that name"])
def test_each_failure_doubles_the_wait_whether_or_not_the_name_is_known(portal: Portal, name: str) -> None:
    waits = []
    for _ in range(11):
        assert attempt(portal, name) == 0
        waits.append(left(portal, name))
        portal.clock.advance(timedelta(seconds=waits[-1]))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_whoever_waits_long_enough_may_try(portal: Portal) -> None:
    for _ in range(20):
        assert attempt(portal, "lee") == 0
        wait = left(portal, "lee")
        portal.clock.advance(timedelta(seconds=wait) - SECOND / 2)
        assert 0 < attempt(portal, "lee") <= 0.5, "a turn refused counts as no failure"
        portal.clock.advance(SECOND)
    assert left(portal, "lee") == 0


def test_who_gets_in_begins_anew_and_others_wait_on(portal: Portal) -> None:
    for name in ("lee", "max"):
        attempt(portal, name)
    with writing(portal.office.engine) as connection:
        delays.passed(connection, portal.office.vault, "LEE ")
    assert (left(portal, "lee"), left(portal, "max")) == (0, 1)
    assert attempt(portal, "lee") == 0
    assert left(portal, "lee") == 1


@pytest.mark.parametrize("other", ["Lee", " lee\t", "ＬＥＥ", "lee "], ids=["case", "blanks", "wide", "a blank"])
def test_a_name_written_otherwise_is_the_same_name(portal: Portal, other: str) -> None:
    attempt(portal, "lee")
    assert attempt(portal, other) == 1


def test_a_failure_that_took_no_turn_counts_too(portal: Portal) -> None:
    with writing(portal.office.engine) as connection:
        waits = [
            delays.failed(connection, portal.office.vault, "lee", portal.clock.now()).total_seconds() for _ in range(3)
        ]
    assert waits == [1, 2, 4]
    assert left(portal, "lee") == 4


def test_guessing_from_many_consoles_at_once_is_one_guess(portal: Portal, database_url: str) -> None:
    """VULNERABILITY: the wait is looked up first and the failure counted after a slow comparison.

    ATTACK: a hundred guesses begin in the same instant, before any has failed.
    VERIFIES: of those at once one is compared, and the next waits as after one failure; also for a name never tried before.
    """
    vault, clock = portal.office.vault, portal.clock
    for name in ("lee", "max", "lee"):
        portal.clock.advance(timedelta(seconds=10))
        waits = at_once(database_url, CONSOLES, lambda c, name=name: delays.attempt(c, vault, name, clock.now()))
        assert sum(wait == timedelta(0) for wait in waits) == 1


def test_a_clock_set_back_locks_nobody_out(portal: Portal) -> None:
    attempt(portal, "lee")
    portal.clock.advance(-DAYS)
    assert 0 < left(portal, "lee") <= 300


def test_what_was_typed_is_kept_as_a_mac_and_forgotten(portal: Portal) -> None:
    """VULNERABILITY: people type their password where their name belongs.

    ATTACK: read the table of failed attempts.
    VERIFIES: it holds a MAC under the portal's key; a day later nothing at all.
    """
    attempt(portal, "teal lamp otter")
    (row,) = portal.all(sa.select(t.signin_delay))
    assert bytes(row.name) == portal.office.vault.mac("signin name", "teal lamp otter")
    portal.clock.advance(timedelta(days=1, seconds=1))
    attempt(portal, "somebody else")
    (row,) = portal.all(sa.select(t.signin_delay))
    assert bytes(row.name) == portal.office.vault.mac("signin name", "somebody else")


def test_a_day_after_the_last_failure_the_first_wait_is_short_again(portal: Portal) -> None:
    for _ in range(6):
        attempt(portal, "lee")
        portal.clock.advance(timedelta(seconds=left(portal, "lee")))
    portal.clock.advance(timedelta(days=1, seconds=1))
    assert attempt(portal, "lee") == 0
    assert left(portal, "lee") == 1


@pytest.mark.parametrize(
    "name", ["", "\0", "\ud800", "x" * 100_000, "🙂"], ids=["empty", "NUL", "half", "long", "picture"]
)
def test_anything_typed_as_a_name_waits_like_one(portal: Portal, name: str) -> None:
    assert attempt(portal, name) == 0
    assert attempt(portal, name) == 1


@given(st.integers(1, 10**6))
def test_no_wait_is_longer_than_five_minutes_nor_shorter_than_the_one_before(failures: int) -> None:
    assert SECOND <= delays.after(failures) <= delays.after(failures + 1) <= timedelta(seconds=300)
