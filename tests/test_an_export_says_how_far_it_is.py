"""An export says how far it is in every stage, to its end, and from one thread alone: whoever watches relies on it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from console.reports import gathered
from console.reports.exporting import Wanted
from tests.applying import arrived

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


class Heard:
    """What was said last of each stage, and by which threads."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[int, int]] = {}
        self.threads: set[int] = set()

    def say(self, done: int, total: int, what: str) -> None:
        self.last[what] = (done, total)
        self.threads.add(threading.get_ident())


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_stage_is_told_to_its_end_by_one_thread(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(gathered, "WINDOW", 3)
    arrived(portal, portal.school(), 10)
    portal.decide("registrations", "approve", where="state:submitted")
    heard = Heard()
    wanted = Wanted(format=form, out=tmp_path / "report.zip", force=True)
    portal.office.export(portal.operator(), wanted, f"an export as {form}", heard)
    report, records = heard.last["writing the report:"], heard.last["writing the records:"]
    assert report == records
    assert report[0] == report[1] >= 10
    assert heard.threads == {threading.get_ident()}
