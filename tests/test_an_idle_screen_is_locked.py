"""Nobody reads or decides at a console that its operator left: it locks after its minutes, at a key, and when the session is over."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.wiring import open_directory
from models import tables as t
from models.words import SessionKind
from screens.app import ConsoleApp
from screens.ask_dialog import AskDialog
from screens.lock_screen import LockScreen
from tests.on_screen import PATIENCE, fill, filled, hurried, press, rows, settle, shown, until, write
from tests.on_screen import opened as in_folder
from tests.portals import open_portal
from tests.services.directory_people import PASSWORD as DIRECTORY_PASSWORD
from tests.signing import Credentials, asking, come_in, equip, signins, stays_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.portals import Portal
    from tests.services.slapd import Slapd

__all__ = ["filled", "hurried"]
PEOPLE = ("Ana", "Ben", "Carla", "Alvarez", "Brandt", "Vale", "administrator")
WITHIN = 2.0
"""Seconds in which a screen has to be cleared once its session has ended."""
SHORT = 0.02
"""Minutes without a key, for tests that wait for them."""


@pytest.fixture
def portal(filled: Path, tmp_path: Path) -> Iterator[Portal]:
    """A filled portal on SQLite; the lock is the same on either engine, what ends a session is tried on both."""
    shutil.copytree(filled, tmp_path / "district")
    made = asking(in_folder(tmp_path / "district"))
    yield made
    made.office.engine.dispose()


@pytest.fixture
def either(database_url: str, tmp_path: Path) -> Iterator[Portal]:
    """A portal on either engine."""
    made = asking(open_portal(database_url, tmp_path))
    fill(made, 6)
    yield made
    made.office.engine.dispose()


@pytest.fixture
def ann(portal: Portal) -> Credentials:
    return equip(portal.settings)


@asynccontextmanager
async def opened(
    portal: Portal, who: Credentials, *, minutes: float | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[ConsoleApp, Pilot[int]]]:
    """The console of who has signed in."""
    operator = come_in(portal, who, kind=SessionKind.SCREEN).operator
    portal.clock.advance(timedelta(seconds=60))
    app = ConsoleApp(portal.office, operator, idle_minutes=minutes)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield app, pilot


def clear(app: ConsoleApp) -> bool:
    """Nothing of a person stands on the screen, and it is the lock's."""
    said = "\n".join(rows(app))
    there = isinstance(app.screen, LockScreen) and "leaves the console" in said
    return there and not any(each in said for each in PEOPLE)


async def locks(app: ConsoleApp, pilot: Pilot[int], within: float = PATIENCE) -> float:
    """Wait for the lock; how many seconds it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not clear(app):
        assert loop.time() - began < within, "\n".join(rows(app))
        await pilot.pause(0.02)
    return loop.time() - began


async def type_password(pilot: Pilot[int], text: str) -> None:
    await write(pilot, text)
    await press(pilot, "enter")


async def test_minutes_without_a_key_lock_it_and_the_password_opens_what_was_there(
    portal: Portal, ann: Credentials
) -> None:
    async with opened(portal, ann, minutes=SHORT) as (app, pilot):
        await press(pilot, "1")
        await locks(app, pilot)
        assert "No key was pressed" in shown(app)
        await type_password(pilot, ann.password)
        await until(pilot, "Registrations")
        assert "Ana" in shown(app) or "Ben" in shown(app)
    assert [made.action for made in signins(portal)][:3] == ["operators.signin", "operators.lock", "operators.unlock"]
    assert signins(portal)[1].params["why"] == "idle"


async def test_keys_keep_it_open(portal: Portal, ann: Credentials) -> None:
    async with opened(portal, ann, minutes=0.03) as (app, pilot):
        for _ in range(8):
            await pilot.press("j")
            await pilot.pause(0.3)
            assert not isinstance(app.screen, LockScreen)


async def test_locked_at_a_key_a_dialog_stays_unseen_and_takes_no_key(portal: Portal, ann: Credentials) -> None:
    """VULNERABILITY: a dialog that stood open can be answered, or a palette, command or desk opened, through the lock.

    ATTACK: every key that means something somewhere, on a console that was locked over the question whether to approve.
    VERIFIES: nothing is decided, opened, undone or shown; after the password the question stands as it was.
    """
    async with opened(portal, ann) as (app, pilot):
        await press(pilot, "1", "a")
        await until(pilot, "y Approve")
        below = app.screen
        await press(pilot, "ctrl+l")
        assert clear(app)
        for key in (
            "y",
            "escape",
            "n",
            "1",
            "colon",
            "f2",
            "ctrl+p",
            "question_mark",
            "f1",
            "ctrl+f",
            "u",
            "h",
            "q",
            "space",
        ):
            await pilot.press(key)
        await settle(pilot)
        assert clear(app)
        assert app.screen_stack[-2] is below
        await press(pilot, *["backspace"] * 20)
        await type_password(pilot, ann.password)
        await until(pilot, "y Approve")
        assert app.screen is below
    assert portal.all(sa.select(t.batch)) == []


async def test_wrong_passwords_open_nothing_and_grow_slower(portal: Portal, ann: Credentials) -> None:
    async with opened(portal, ann) as (app, pilot):
        await press(pilot, "ctrl+l")
        await type_password(pilot, "a wrong one")
        await until(pilot, "stays locked")
        await type_password(pilot, ann.password)
        await until(pilot, "Wait 1 seconds")
        portal.clock.advance(timedelta(seconds=2))
        await type_password(pilot, ann.password)
        await until(pilot, "What waits")
        assert app.screen_stack[-1] is not None
    assert [made.action for made in signins(portal)][1:4] == ["operators.lock", "operators.refuse", "operators.unlock"]


async def test_what_wants_to_open_or_close_waits_for_the_password(portal: Portal, ann: Credentials) -> None:
    async with opened(portal, ann) as (app, pilot):
        await press(pilot, "ctrl+l")
        dialog = AskDialog("Ana Alvarez?", yes="Yes", no="No")
        await app.push_screen(dialog)
        app.pop_screen()
        await app.push_screen(AskDialog("Second?", yes="Yes", no="No"))
        await settle(pilot)
        assert clear(app)
        await type_password(pilot, ann.password)
        await until(pilot, "Second?")
        assert "Alvarez?" not in shown(app)


async def test_what_was_revealed_or_copied_is_gone(portal: Portal, ann: Credentials) -> None:
    from console.text import safe
    from screens.disclose_dialog import ShownScreen

    async with opened(portal, ann) as (app, pilot):
        app.copy_to_clipboard("42")
        await app.push_screen(ShownScreen("Reveal", safe("Ana Alvarez"), 60))
        await until(pilot, "Ana Alvarez")
        await press(pilot, "ctrl+l")
        assert clear(app)
        assert not any(isinstance(each, ShownScreen) for each in app.screen_stack)
        assert app.clipboard == ""


async def test_a_write_that_has_begun_finishes_under_the_lock(portal: Portal, ann: Credentials) -> None:
    async with opened(portal, ann) as (app, pilot):
        await press(pilot, "1", "a")
        await until(pilot, "y Approve")
        await pilot.press("y", "ctrl+l")
        await settle(pilot)
        await settle(pilot)
        assert clear(app)
        assert len(portal.all(sa.select(t.batch))) == 1


@pytest.mark.parametrize("what", ["disabled", "signed out everywhere", "ended"])
async def test_a_session_that_ends_clears_the_screen_within_two_seconds(either: Portal, what: str) -> None:
    portal = either
    async with opened(portal, equip(portal.settings)) as (app, pilot):
        await press(pilot, "1")
        await asyncio.sleep(0)
        with portal.office.writing() as connection:
            match what:
                case "disabled":
                    connection.execute(t.operator.update().values(status="disabled"))
                case "ended":
                    connection.execute(t.session.update().values(ended_at=portal.clock.now()))
                case _:
                    connection.execute(t.operator.update().values(epoch=t.operator.c.epoch + 1))
        assert await locks(app, pilot) < WITHIN
        assert "This sign-in was ended" in shown(app)
        assert "Password" not in shown(app)
        await pilot.press("enter")
    assert app.return_code == 0


async def test_any_call_that_finds_the_session_over_locks_at_once(portal: Portal, ann: Credentials) -> None:
    async with opened(portal, ann) as (app, pilot):
        portal.clock.advance(timedelta(minutes=20))
        await press(pilot, "1")
        await locks(app, pilot, 1.0)
        assert "too long" in shown(app)
        await type_password(pilot, ann.password)
        await until(pilot, "Registrations")


async def test_after_eight_hours_password_and_code_are_asked_for(portal: Portal, ann: Credentials) -> None:
    async with opened(portal, ann) as (app, pilot):
        portal.clock.advance(timedelta(hours=8))
        await locks(app, pilot, 3.0)
        assert "Sign in again" in shown(app)
        await type_password(pilot, ann.password)
        await type_password(pilot, "000000")
        await until(pilot, "stays locked")
        portal.clock.advance(timedelta(seconds=30))
        await type_password(pilot, ann.password)
        await type_password(pilot, ann.code(portal.clock.now()))
        await until(pilot, "What waits")
    assert signins(portal)[-1].params["by"] == "password and code"


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)], ids=str)
async def test_the_lock_is_whole_on_every_terminal(portal: Portal, ann: Credentials, size: tuple[int, int]) -> None:
    async with opened(portal, ann, size=size) as (app, pilot):
        await press(pilot, "ctrl+l")
        for part in ("Locked", "Password", "leaves the console"):
            assert part in shown(app)
        assert ann.password not in shown(app)
        await write(pilot, ann.password)
        assert "otters" not in shown(app)
        await pilot.press("ctrl+q")
    assert app.return_code == 0


async def test_a_silent_directory_pauses_the_screen_and_it_goes_on_by_itself(
    tmp_path: Path, slapd: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.signin.staying.ASK_EVERY", 0.5)
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    portal = open_portal(url, tmp_path, directory=slapd.table(unreachable="Call extension 4411."))
    portal.school("LHS", code="LHS")
    asking(portal, open_directory(portal.settings, portal.clock))
    stays_out(portal, Credentials("ann", DIRECTORY_PASSWORD, b"", ()), code="")
    ann = Credentials("ann", DIRECTORY_PASSWORD, equip(portal.settings, "ann").seed, ())
    async with opened(portal, ann) as (app, pilot):
        slapd.stop()
        try:
            for _ in range(2):
                portal.clock.advance(timedelta(minutes=8))
                await pilot.press("j")
                await pilot.pause(1.2)
            await locks(app, pilot)
            assert "Paused" in shown(app)
            assert "extension 4411" in shown(app)
            assert "Password" not in shown(app)
        finally:
            slapd.start()
        await until(pilot, "What waits")
        slapd.stop()
        try:
            portal.clock.advance(timedelta(minutes=8))
            await pilot.press("j")
            await pilot.pause(1.2)
            portal.clock.advance(timedelta(minutes=6))
            await press(pilot, "ctrl+l")
            portal.clock.advance(timedelta(minutes=2))
            await until(pilot, "Paused")
        finally:
            slapd.start()
        await until(pilot, "Password")
        assert clear(app)
    portal.office.engine.dispose()
