"""A second console sees a decision, at once on PostgreSQL and within two seconds on SQLite; an idle one sends nothing."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from console.watch import watch
from screens.watching import LedgerGrew
from tests.on_screen import console, district, filled, hurried, opened, press, settle, shown, until
from tests.services.pty import Pty

if TYPE_CHECKING:
    from tests.portals import Portal

__all__ = ["district", "filled", "hurried"]
ROOT = Path(__file__).resolve().parent.parent


def test_growth_is_told_once_and_soon(portal: Portal, engine_name: str) -> None:
    school = portal.school()
    case = portal.registration(portal.student(school=school))
    told: list[tuple[int, float]] = []
    heard, stop = threading.Event(), threading.Event()

    def tell(size: int) -> None:
        told.append((size, time.monotonic()))
        heard.set()

    thread = threading.Thread(target=watch, args=(portal.office, stop, tell))
    thread.start()
    try:
        time.sleep(1.5)
        assert told == []
        began = time.monotonic()
        portal.decide("registrations", "approve", case)
        assert heard.wait(3)
        assert told[0][0] == 1
        assert told[0][1] - began < (1.0 if engine_name == "postgresql" else 2.0)
        time.sleep(1.2)
        assert len(told) == 1
    finally:
        stop.set()
        thread.join(timeout=5)
    assert not thread.is_alive()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)  # SQLite has no connection to lose
def test_watching_goes_on_after_the_connection_was_lost(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    heard, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=watch, args=(portal.office, stop, lambda _: heard.set()))
    thread.start()
    try:
        time.sleep(0.5)
        with portal.office.engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND pid <> pg_backend_pid()"
            )
        portal.decide("registrations", "approve", case)
        assert heard.wait(5)
    finally:
        stop.set()
        thread.join(timeout=5)


async def test_a_desk_follows_and_keeps_its_place(portal: Portal) -> None:
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(6)]
    async with console(portal, desk="registrations") as (app, pilot):
        await press(pilot, "x", "j")
        assert app.screen.table.row.id == cases[2]  # type: ignore[attr-defined]
        portal.decide("registrations", "approve", cases[1], cases[5])
        await until(pilot, "1 marked · 4 match")
        assert app.screen.table.row.id == cases[2]  # type: ignore[attr-defined]
        portal.decide("registrations", "approve", cases[2])
        await until(pilot, "1 marked · 3 match")
        assert app.screen.table.row.id == cases[3]  # type: ignore[attr-defined]


async def test_an_open_case_says_what_became_of_it(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    async with console(portal, desk="registrations") as (_, pilot):
        await press(pilot, "enter")
        portal.decide("registrations", "approve", case)
        await until(pilot, "This case is approved now; it was submitted.")


async def test_an_open_dialog_reads_its_plan_again(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "x", "x", "a")
        assert "Approve: 2 registrations" in shown(app)
        district.decide("registrations", "defer", 2, until="+14d")
        await until(pilot, "Approve: 1 registration")
        assert "it changed since you looked" in shown(app)
        await press(pilot, "y")
        await settle(pilot)
        assert "done for 1 registration" in shown(app)


async def test_a_dialog_that_is_not_drawn_yet_bears_that_others_decide(district: Portal) -> None:
    """Word of a decision may arrive between the key that opens a dialog and the dialog."""
    async with console(district, desk="registrations") as (app, pilot):
        await settle(pilot)
        push = app.push_screen

        def pushed(screen: Any, *more: Any, **named: Any) -> Any:
            opening = push(screen, *more, **named)
            assert not screen.children
            app.on_ledger_grew(LedgerGrew(10**6))  # type: ignore[attr-defined]
            return opening

        app.push_screen = pushed  # type: ignore[method-assign]
        await press(pilot, "a")
        await until(pilot, "Approve: 1 registration")


def test_an_idle_console_sends_nothing_until_somebody_decides(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "district"
    shutil.copytree(filled, folder)
    with Pty(
        [sys.executable, "-m", "tests.console_on_pty", str(folder), "registrations"], columns=120, rows=40, folder=ROOT
    ) as terminal:
        terminal.wait_for("40 match")
        terminal.wait_for("Speaks for it")
        time.sleep(1.5)
        before = len(terminal.written)
        time.sleep(6)  # longer than the log of accesses takes to be written
        assert len(terminal.written) == before
        other = opened(folder)
        began = time.monotonic()
        other.decide("registrations", "approve", 5, 6)
        terminal.wait_for("38 match")
        assert time.monotonic() - began < 2.5
        terminal.send("q")
        terminal.wait_for("What waits")
        terminal.send("q")
        terminal.wait_for("Leave the console?")
        terminal.send("y")
        assert terminal.exit_code() == 0
        accesses = [row.case_id for row in other.all(_accesses())]
        assert accesses == [1], (folder / "log").read_text()


def _accesses() -> object:
    from models import tables as t

    return t.record.select().where(t.record.c.kind == "access")
