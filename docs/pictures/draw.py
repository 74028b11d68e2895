"""Draws the README's pictures: a demonstration is built in a folder of its own, the console runs on it, each screen is saved as SVG.

`make picture` runs it. The pictures name no font host and hold only synthetic people.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from console.wiring import open_office
from fixtures.demo import build
from fixtures.demo_folder import OPERATOR, settings_of
from screens.app import ConsoleApp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.pilot import Pilot

HERE = Path(__file__).parent
SIZE = (120, 36)
TODAY = date(2026, 11, 21)
PICTURES: dict[str, Sequence[str]] = {
    "home": (),
    "registrations": ("1",),
    "approve": ("1", "asterisk", "a"),
    "challenges": ("2",),
    "student": ("3", "enter"),
    "audit": ("6",),
}
"""For each picture, the keys that lead to it from the home screen."""
FONT = re.compile(r"@font-face\s*\{[^}]*\}", re.DOTALL)


async def shot(pilot: Pilot[int], keys: Sequence[str]) -> str:
    """The screen after these keys, as SVG without the fonts' addresses."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
    await settled(pilot)
    return FONT.sub("", pilot.app.export_screenshot(title="district"))


async def settled(pilot: Pilot[int]) -> None:
    """Wait until every read has arrived on the screen."""
    await pilot.pause(0.4)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause(0.1)


async def draw(folder: Path) -> None:
    """Draw every picture from the demonstration in `folder`."""
    for name, keys in PICTURES.items():
        office = open_office(settings_of(folder))
        app = ConsoleApp(office, office.operator(OPERATOR))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(0.3)
            svg = await shot(pilot, keys)
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
        office.engine.dispose()
        sys.stderr.write(f"{name}.svg\n")


def main() -> None:
    """Build, draw, leave nothing behind but the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "demo", students=500, seed=7, today=TODAY)
        asyncio.run(draw(Path(folder) / "demo"))


if __name__ == "__main__":
    main()
