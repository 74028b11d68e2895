"""Every screen at 80×24 as an operator reads it, line by line, and the two that change where there is more room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.on_screen import compare, console, district, filled, hurried, press, settle, write

if TYPE_CHECKING:
    from tests.portals import Portal

__all__ = ["district", "filled", "hurried"]

DESK_SCREENS: dict[str, tuple[str, ...]] = {
    "desk": (),
    "marks": ("x", "x", "x"),
    "everything-marked": ("asterisk", "down", "x"),
    "case": ("enter",),
    "approve-one": ("a",),
    "approve-many": ("asterisk", "a"),
    "reject-without-reason": ("r", "tab", "y"),
    "ask": ("i",),
    "defer": ("d", "plus", "1", "4", "d"),
    "disabled-key": ("b",),
    "filter": ("slash",),
    "filter-fault": ("slash", "f", "l", "a", "g", "g", "colon", "y"),
    "keys": ("question_mark",),
    "command": ("colon", "c", "h"),
    "palette": ("ctrl+p",),
    "receipt": ("asterisk", "a", "y", "3", "6", "enter"),
    "undo": ("a", "y", "u"),
    "undone": ("a", "y", "u", "y"),
    "quit": ("ctrl+c",),
}


@pytest.mark.parametrize("name", DESK_SCREENS)
async def test_a_desk_reads_like_its_picture(name: str, district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, *DESK_SCREENS[name])
        compare(app, name)


async def test_home_reads_like_its_picture(district: Portal) -> None:
    async with console(district) as (app, _):
        compare(app, "home")


async def test_finding_reads_like_its_picture(district: Portal) -> None:
    async with console(district) as (app, pilot):
        await press(pilot, "ctrl+f")
        await write(pilot, "alv")
        compare(app, "find")


async def test_a_reveal_reads_like_its_picture(district: Portal) -> None:
    async with console(district, desk="students") as (app, pilot):
        await press(pilot, "m")
        compare(app, "reveal-why")
        await write(pilot, "A court asks.")
        await press(pilot, "tab", "y")
        compare(app, "reveal")


async def test_an_empty_desk_says_so_in_a_sentence(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        app.screen.show_where("state:withdrawn")  # type: ignore[attr-defined]
        await settle(pilot)
        compare(app, "empty")


@pytest.mark.parametrize(
    ("name", "keys"), [("desk-wide", ()), ("case-wide", ("enter",)), ("keys-wide", ("question_mark",))]
)
async def test_more_room_shows_more(name: str, keys: tuple[str, ...], district: Portal) -> None:
    async with console(district, desk="registrations", size=(120, 40)) as (app, pilot):
        await press(pilot, *keys)
        compare(app, name)


@pytest.mark.parametrize(
    "keys", [(), ("enter",), ("a",), ("asterisk", "a", "y"), ("question_mark",), ("slash",), ("h",)]
)
@pytest.mark.parametrize("size", [(60, 20), (40, 10), (20, 5)])
async def test_nothing_breaks_where_there_is_hardly_any_room(
    size: tuple[int, int], keys: tuple[str, ...], district: Portal
) -> None:
    async with console(district, desk="registrations", size=size) as (app, pilot):
        await press(pilot, *keys)
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        assert app.return_code is None
