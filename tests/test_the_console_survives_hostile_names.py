"""Names that are markup, escape sequences or worse, on every screen: nothing breaks, nothing acts, nothing gets out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from console.names import name_key
from fixtures.hostile import (
    EMOJI,
    EMPTY_LOOKING,
    ESCAPES,
    FORMULAS,
    HIDDEN,
    HOSTILE_NAMES,
    LOOK_ALIKES,
    MARKUP,
    PILED,
    QUERIES,
)
from models import tables as t
from screens.desk_screen import DeskScreen
from tests.on_screen import console, hurried, opened, press, rows, settle, write
from tests.portals import open_portal
from tests.services.pty import Pty

if TYPE_CHECKING:
    from tests.portals import Portal

__all__ = ["hurried"]
ROOT = Path(__file__).resolve().parent.parent
NAMES = [name for name in HOSTILE_NAMES if "\0" not in name and not re.search("[\ud800-\udfff]", name)]
KINDS = (MARKUP, ESCAPES, HIDDEN, EMPTY_LOOKING, PILED, FORMULAS, QUERIES, LOOK_ALIKES, EMOJI)
ONE_OF_EACH_KIND = [kind[0] for kind in KINDS]

# What a console may send: colours, cursor movement, modes, the keyboard protocol, and the pointer's shape once.
ALLOWED = re.compile(
    rb"\x1b\[[0-9;:]*m|\x1b\[[0-9;]*[HABCDJKfd]|\x1b\[\?[0-9;]+[hl]|\x1b\[\?[0-9;]+\$p|\x1b\[[<>=]?[0-9;]*u|\x1b\[[0-9;]*t"
    rb"|\x1b\]22;default\x07"
)


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portal whose people, schools, messages and organisations are all hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    schools = [portal.school(name or "x", code=f"s{n}") for n, name in enumerate(NAMES[:5])]
    for n, name in enumerate(NAMES):
        student = portal.student(name, NAMES[-n - 1], school=schools[n % 5], grade=NAMES[n // 2][:20])
        portal.contact(student, name, NAMES[(n + 7) % len(NAMES)], relation=name)
        portal.registration(
            student, given=name, family=NAMES[(n + 3) % len(NAMES)], relation=name, phone=name, email=name
        )
    portal.decide("registrations", "ask", *range(1, 6), message="\n".join(NAMES[:40]), reason=NAMES[0])
    portal.office.engine.dispose()
    return folder


@pytest.fixture
def hostile(hostile_folder: Path) -> Portal:
    return opened(hostile_folder)


NARROW, WIDE = (80, 24), (120, 40)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("desk", "size"),
    [("registrations", NARROW), ("registrations", WIDE), ("students", NARROW), ("schools", WIDE), ("audit", NARROW)],
)
async def test_no_name_breaks_a_desk_or_its_cases(
    desk: str, size: tuple[int, int], hostile: Portal, whole: bool
) -> None:
    for each in (NARROW, WIDE) if whole else (size,):
        async with console(hostile, desk=desk, size=each) as (app, pilot):
            app.screen.show_where("")  # type: ignore[attr-defined]
            await settle(pilot)
            await press(pilot, "asterisk", "pagedown", "G", "g", "enter")
            for _ in range(60 if whole else 3):
                await press(pilot, "n", "G")
            await press(pilot, "question_mark", "escape", "escape")
            assert isinstance(app.screen, DeskScreen)
            assert app.return_code is None


@pytest.mark.campaign
async def test_no_name_breaks_a_dialog(hostile: Portal, whole: bool) -> None:
    before = len(hostile.all(t.batch.select()))
    async with console(hostile, desk="registrations") as (app, pilot):
        for _ in range(20 if whole else 3):
            await press(pilot, "r", "tab", "n", "pagedown")
        assert app.return_code is None
    assert len(hostile.all(t.batch.select())) == before


@pytest.mark.campaign
async def test_no_name_breaks_finding_or_the_filter(hostile: Portal, whole: bool) -> None:
    names = NAMES if whole else ONE_OF_EACH_KIND
    async with console(hostile) as (app, pilot):
        await press(pilot, "ctrl+f")
        for name in names:
            await pilot.press("ctrl+u")
            await write(pilot, f"{name_key(name)[:3]} {name}".replace("\n", " "))
        await press(pilot, "escape", "1", "slash")
        for name in names:
            await pilot.press("ctrl+u")
            await write(pilot, name.replace("\n", " "))
        await press(pilot, "escape")
        assert app.return_code is None
        assert isinstance(app.screen, DeskScreen)


@pytest.mark.campaign
async def test_no_name_is_a_button(hostile: Portal, whole: bool) -> None:
    async with console(hostile, desk="registrations", size=(120, 40)) as (app, pilot):
        app.screen.show_where("")  # type: ignore[attr-defined]
        await settle(pilot)
        for y in range(2, 38, 3 if whole else 5):
            for x in (20, 40, 80, 100) if whole else (20, 80):
                await pilot.click(offset=(x, y))
        await settle(pilot)
        assert app.return_code is None
        assert isinstance(app.screen, DeskScreen)
        assert rows(app)


@pytest.mark.campaign
def test_nothing_foreign_reaches_the_terminal(hostile_folder: Path, whole: bool) -> None:
    with Pty(
        [sys.executable, "-m", "tests.console_on_pty", str(hostile_folder), "registrations"],
        columns=120,
        rows=40,
        folder=ROOT,
    ) as terminal:
        terminal.wait_for("match")
        terminal.send("/")
        terminal.wait_for("state:submitted")
        terminal.send("\x15\r")
        terminal.wait_for("everything")
        for _ in range(3):
            terminal.send("\x1b[6~")
            terminal.wait_for("match")
        terminal.send("\r")
        terminal.wait_for("Speaks for it")
        for _ in range(60 if whole else 6):
            terminal.send("n")
            terminal.wait_for("Speaks for it")
        terminal.send("hhq")
        terminal.wait_for("Leave the console?")
        terminal.send("y")
        assert terminal.exit_code() == 0
        left = ALLOWED.sub(b"", terminal.written)
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", left.decode())
