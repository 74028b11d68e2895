"""A write that takes long is shown over the screen with its pace; esc cancels it, and nothing of it remains."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests import on_screen
from tests.on_screen import console, shown, until

if TYPE_CHECKING:
    from pathlib import Path

    from console.progress import Progress
    from tests.portals import Portal


district, filled, hurried = on_screen.district, on_screen.filled, on_screen.hurried


@pytest.fixture
def slow(district: Portal, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Exports that say they write a record a tick, until the event is set."""
    from console.reports import exporting

    held = threading.Event()
    export = exporting.export

    def slowly(office: object, operator: object, wanted: object, key: str, progress: Progress) -> object:
        done = 0
        while not held.wait(0.02):
            done += 10
            progress.say(done, 100_000, "writing the report:")
        return export(office, operator, wanted, key, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "export", slowly)
    return held


def zips(folder: Path) -> list[str]:
    return [each.name for each in folder.glob("*.zip*")]


async def test_an_export_that_takes_long_is_shown_and_goes_on(
    district: Portal, slow: threading.Event, tmp_path: Path
) -> None:
    from console.reports.exporting import Wanted

    district.decide("registrations", "approve", 1, reason="ok")
    async with console(district, desk="audit") as (app, pilot):
        app.writes.export(app.desks["audit"], Wanted(format="csv", out=tmp_path / "report.zip"))
        await until(pilot, "writing the report:")
        assert "of 100,000 · " in shown(app)
        assert "s left" in shown(app) or "min" in shown(app)
        slow.set()
        await until(pilot, "exported with proofs")
        assert "writing the report" not in shown(app)
    assert "report.zip" in zips(tmp_path)


async def test_esc_cancels_an_export_and_leaves_nothing(
    district: Portal, slow: threading.Event, tmp_path: Path
) -> None:
    from console.reports.exporting import Wanted

    district.decide("registrations", "approve", 1, reason="ok")
    before = district.office.size()
    async with console(district, desk="audit") as (app, pilot):
        app.writes.export(app.desks["audit"], Wanted(format="csv", out=tmp_path / "report.zip"))
        await until(pilot, "esc cancels")
        await pilot.press("escape")
        await until(pilot, "Cancelled; nothing was done.")
        assert "esc cancels" not in shown(app)
    assert (district.office.size(), zips(tmp_path)) == (before, [])
