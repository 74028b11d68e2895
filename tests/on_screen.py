"""The console on a screen of the tests: a district to run on, the lines that an operator reads, and pictures of them in text.

A picture is the screen as lines, kept in `tests/snapshots`; with DISTRICT_SNAPSHOTS=update in the environment it is written
instead of compared.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import shutil
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.worker import WorkerCancelled

from console.clock import SettableClock
from console.ids import SeededRandom
from console.settings import Settings
from console.wiring import open_office
from screens.app import ConsoleApp
from tests.portals import NOON, Portal, open_portal, unhurt
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

PICTURES = Path(__file__).parent / "snapshots"
GIVEN = ("Ana", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hana", "Ivan", "Jin", "Kofi", "Lena")
FAMILY = ("Alvarez", "Brandt", "Cohen", "Demir", "Eze", "Fischer", "Garcia")
PATIENCE = 20.0  # seconds
PAUSE = 0.005  # seconds


def fill(portal: Portal, registrations: int = 40) -> None:
    """A small district: three schools, twelve students, and registrations of which every tenth is flagged."""
    schools = [portal.school(name) for name in ("Lincoln High", "Roosevelt Middle", "Garfield Elementary")]
    students = [
        portal.student(GIVEN[n], FAMILY[n % len(FAMILY)], school=schools[n % 3], grade=str(n % 6 + 1))
        for n in range(12)
    ]
    for student in students[:3]:
        portal.contact(student, "Pat", "Vale")
    for n in range(registrations):
        portal.registration(
            students[n % 12],
            kind="student" if n % 9 == 8 else "parent",
            given=GIVEN[(n * 5 + 3) % 12],
            family=FAMILY[n % 12 % len(FAMILY)],
            relation=("mother", "father", "guardian")[n % 3],
            match=2 + n % 4,
            facts=(1 << (2 + n % 4)) - 1,
            flags=1 if n % 10 == 9 else 0,
            arrived_at=NOON - timedelta(hours=7 * (registrations - n)),
        )


def opened(folder: Path) -> Portal:
    """The SQLite portal that lies in a folder, its clock standing still."""
    settings = Settings.build(
        {"database": {"url": f"sqlite:///{folder / 'portal.db'}"}, "portal": {"origin": "test.example/ledger"}}, folder
    )
    clock = SettableClock(settings.portal.zone, NOON)
    office = open_office(settings, clock=clock, random=SeededRandom(2), assurance=Unasked())
    unhurt(office)
    return Portal(office, settings, clock)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a filled portal, made once; tests copy it."""
    folder = tmp_path_factory.mktemp("district")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    fill(portal)
    portal.office.engine.dispose()
    return folder


@pytest.fixture
def district(filled: Path, tmp_path: Path) -> Portal:
    """A filled portal of the test's own."""
    shutil.copytree(filled, tmp_path / "district")
    return opened(tmp_path / "district")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Input rests sooner in tests."""
    monkeypatch.setattr("screens.resting.PAUSE", PAUSE)


@asynccontextmanager
async def console(
    portal: Portal, *, desk: str | None = None, size: tuple[int, int] = (80, 24), by: str = "administrator"
) -> AsyncIterator[tuple[ConsoleApp, Pilot[int]]]:
    """The console of an operator, on a screen of `size`, come to rest."""
    app = ConsoleApp(portal.office, portal.operator(by), desk=desk)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield app, pilot


async def settle(pilot: Pilot[int]) -> None:
    """Wait until nothing is read, written or about to be any more."""
    for _ in range(2):
        await pilot.pause(PAUSE * 3)
        with suppress(WorkerCancelled):  # a newer reading took its place
            await pilot.app.workers.wait_for_complete()
        await pilot.pause()


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, each when what the last one began has come to rest."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def write(pilot: Pilot[int], text: str) -> None:
    """Put a text where the cursor is, as a terminal pastes it, then wait."""
    focused = pilot.app.focused
    assert focused is not None
    focused.post_message(events.Paste(text))
    await settle(pilot)


async def until(pilot: Pilot[int], text: str) -> None:
    """Wait for a text on the screen."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while text not in "\n".join(rows(pilot.app)):
        assert asyncio.get_running_loop().time() < end, f"{text!r} did not come:\n" + "\n".join(rows(pilot.app))
        await pilot.pause(0.05)


def rows(app: object) -> list[str]:
    """What stands on the screen, one string a line without trailing blanks."""
    strips = app.screen._compositor.render_strips()  # type: ignore[attr-defined]
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def shown(app: object) -> str:
    """What stands on the screen, as one text; words that wrapped are joined, frames are left out."""
    return " ".join(" ".join(rows(app)).replace("│", " ").split())


def compare(app: object, name: str) -> None:
    """The screen is the picture of that name."""
    now = "\n".join(rows(app)).rstrip() + "\n"
    file = PICTURES / f"{name}.txt"
    if os.environ.get("DISTRICT_SNAPSHOTS") == "update":
        PICTURES.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
        return
    assert file.exists(), (
        f"There is no picture {name} yet; look at this one and run with DISTRICT_SNAPSHOTS=update:\n{now}"
    )
    kept = file.read_text(encoding="utf-8")
    difference = "\n".join(difflib.unified_diff(kept.splitlines(), now.splitlines(), "kept", "now", lineterm="", n=1))
    assert now == kept, f"The screen {name} looks otherwise (DISTRICT_SNAPSHOTS=update keeps it):\n{difference}"
