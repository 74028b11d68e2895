"""Every key has a name, says what it does and can be changed; a mistake ends the console without telling whom it was about."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.binding import Binding

from console.desks import DESKS, desk
from screens.app import ConsoleApp
from screens.case_screen import CaseScreen
from screens.console_keys import CONSOLE_KEYS
from screens.desk_keys import decision_bindings
from screens.desk_screen import DeskScreen
from screens.home import HomeScreen
from screens.keymap import keymap, single
from screens.listing import Listing
from screens.queue_keys import QUEUE_KEYS
from tests.on_screen import console, district, filled, hurried, press, shown
from tests.portals import open_portal

if TYPE_CHECKING:
    from tests.portals import Portal

__all__ = ["district", "filled", "hurried"]
ROOT = Path(__file__).resolve().parent.parent
SCREENS = (HomeScreen, DeskScreen, CaseScreen, Listing)
RESERVED = set("npquzRymejkgGxV*/:?[]") | {"ctrl+a", "ctrl+b", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"}
"""Keys that mean the same on every desk, and those that terminals and multiplexers take."""


def declared() -> list[Binding]:
    found = [*CONSOLE_KEYS, *QUEUE_KEYS]
    for screen in SCREENS:
        found += [each for each in screen.BINDINGS if isinstance(each, Binding)]
    for name in DESKS:
        found += decision_bindings(desk(name))
    return found


def test_every_key_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [each.id for each in declared()]
    assert all(names)
    assert len(set(names)) == len(names)
    assert all(each.tooltip for each in declared())


@pytest.mark.parametrize("name", DESKS)
def test_no_desk_takes_a_key_that_means_something_everywhere(name: str) -> None:
    keys = [each.key for each in desk(name).decisions if each.key]
    assert len(set(keys)) == len(keys)
    assert not RESERVED & set(keys)
    assert not (RESERVED - {"m", "e"}) & {each.key for each in desk(name).disclosures}


def test_no_key_is_one_that_terminals_take() -> None:
    for each in Binding.make_bindings(declared()):
        assert each.key not in RESERVED - set("npquzRymejkgGxV*/:?[]")
        assert "alt+" not in each.key


def test_everything_can_be_done_without_single_letters(district: Portal) -> None:
    from dataclasses import replace

    settings = replace(district.settings.console, single_letter_keys=False)
    given = keymap(settings, declared())
    keys = {each.id: [] for each in declared()}
    for each in Binding.make_bindings(declared()):
        keys[each.id].append(each.key)
    for name, found in keys.items():
        now = given.get(name, ",".join(found)).split(",")
        assert not [key for key in now if single(key)], name


async def test_a_user_gives_a_decision_another_key(filled: Path, tmp_path: Path) -> None:
    portal = open_portal(
        f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, console={"keymap": {"registrations.approve": "f9"}}
    )
    portal.registration(portal.student(school=portal.school()))
    async with console(portal, desk="registrations") as (app, pilot):
        assert "f9 Approve" in shown(app)
        await press(pilot, "a")
        assert "Approve: 1 registration" not in shown(app)
        await press(pilot, "f9")
        assert "Approve: 1 registration" in shown(app)


async def test_letters_do_nothing_where_they_are_switched_off(tmp_path: Path) -> None:
    portal = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, console={"single_letter_keys": False})
    portal.registration(portal.student(school=portal.school()))
    async with console(portal, desk="registrations") as (app, pilot):
        for key in ("a", "r", "x", "q", "V", "asterisk", "1", "slash", "colon", "question_mark"):
            await press(pilot, key)
            assert shown(app).startswith("Registrations state:submitted")
            assert "0 marked" in shown(app)
        await press(pilot, "f1")
        assert "Everywhere" in shown(app) or "Decisions" in shown(app)


async def test_the_palette_offers_decisions_and_never_writes_the_screen_to_a_file(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, _):
        offered = [each.title for each in app.get_system_commands(app.screen)]
        assert "Approve" in offered
        assert "Challenges" in offered
        assert not [title for title in offered if "creenshot" in title or "Theme" in title]


async def test_a_mistake_of_ours_names_nobody(
    district: Portal, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        who = "Ana Alvarez"
        raise RuntimeError(f"a fault about {who}")

    app = ConsoleApp(district.office, district.operator(), desk="registrations")
    monkeypatch.setattr(DeskScreen, "action_copy", broken)
    said: list[object] = []
    monkeypatch.setattr(app, "panic", lambda *words: (said.extend(words), app.exit(return_code=app.return_code)))
    with caplog.at_level(logging.CRITICAL), pytest.raises(RuntimeError):
        async with app.run_test(size=(80, 24)) as pilot:
            await press(pilot, "y")
    assert app.return_code == 70
    assert "Report" in str(said[0])
    assert "Alvarez" not in str(said[0]) + caplog.text
    assert "RuntimeError" in caplog.text


def test_the_environment_chooses_no_driver() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import screens.app, os; print([n for n in os.environ if n.startswith('TEXTUAL')])"],
        cwd=ROOT,
        env={**os.environ, "TEXTUAL_DRIVER": "antigravity:Driver", "TEXTUAL_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


async def test_a_desk_that_is_not_installed_breaks_nothing(district: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("screens.app", "console.desks"):
        monkeypatch.setattr(f"{module}.DESKS", ("registrations", "incidents"))
    async with console(district) as (app, pilot):
        assert list(app.desks) == ["registrations"]
        await press(pilot, "2")
        assert "There is no desk 2 for you." in shown(app)
