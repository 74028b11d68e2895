"""How long the console takes to be there, as whole processes: its first frame, its first content, help, a page of a queue.

What a person sees first is, of a demonstration, home with its numbers; of a real portal the question for the name, and home's numbers
once they have signed in. Beside it runs the same console that imports everything at its top (`eager`), in turns with ours.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.settings import FILE_NAME, Settings
from fixtures.demo import build
from models import tables as t
from models.engine import open_engine, writing
from tests.measured.started import DRAWN, Started, command, how_it_ran, memory_of
from tests.on_screen import fill
from tests.portals import open_portal
from tests.services.postgres import OWNER, Cluster, as_role
from tests.signing import equip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tests.measured.report import Report

TITLE = "Starting: from the command to what a person sees"
OURS: tuple[str | Path, ...] = (Path(sys.executable).with_name("district"),)
EAGER: tuple[str | Path, ...] = (sys.executable, "-m", "tests.measured.eager")
ROUNDS = 15
STUDENTS, REGISTRATIONS = 500, 400
"""Of the demonstration; of the real portals."""
FRAME, CONTENT, HELP = 60, 300, 150
"""Goals, in milliseconds."""
NUMBERS = rb"oldest"
"""What home says of a desk once it has counted."""
TYPING = 1.5
"""Seconds before the name is typed. The program goes on loading meanwhile."""


@dataclass(slots=True)
class Figures:
    """Seconds by what was waited for, and MB."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)

    def add(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)

    def middle(self, what: str) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.seconds[what]) * 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A portal in a folder, and its engine's name."""

    engine: str
    folder: Path
    url: str = ""


def in_turns(rounds: int, one: Callable[[tuple[str | Path, ...], Figures], None]) -> tuple[Figures, Figures]:
    """Ours and the eager one, in turns; where there are several, after a round that fills the caches."""
    ours, eager = Figures(), Figures()
    if rounds > 1:
        one(OURS, Figures())
        one(EAGER, Figures())
    for _ in range(rounds):
        one(OURS, ours)
        one(EAGER, eager)
    return ours, eager


def _row(report: Report, what: str, ours: Figures, eager: Figures, moment: str, goal: int | None = None) -> None:
    mine, other = ours.middle(moment), eager.middle(moment)
    memory = ours.memory and f", {statistics.median(ours.memory):.0f} MB"
    others = eager.memory and f", {statistics.median(eager.memory):.0f} MB"
    report.row(
        what,
        f"{mine:.0f} ms{memory or ''}",
        beside=f"eager {other:.0f} ms{others or ''}",
        ratio=f"{mine / other:.2f}× eager",
        goal="–" if goal is None else f"≤ {goal} ms",
        reached=None if goal is None else mine <= goal,
    )


def measure(report: Report) -> None:
    """Start everything, again and again."""
    rounds = 1 if report.small else ROUNDS
    report.folder.mkdir(parents=True, exist_ok=True)
    folder = report.folder / f"startup-{time.monotonic_ns()}"
    folder.mkdir()
    with Cluster() as cluster:
        demos = [
            _demonstration(folder / "demo", 60 if report.small else STUDENTS),
            _as_demonstration(_portal("PostgreSQL", folder / "pd", cluster)),
        ]
        real = [_portal("SQLite", folder / "sr", None)]
        if not report.small:
            real.append(_portal("PostgreSQL", folder / "pr", cluster))
        for place in demos:
            _open_demonstration(report, place, rounds)
        for place in real:
            _open_real(report, place, rounds)
        _help(report, rounds)
        for place in demos[: len(real)]:
            _list(report, place, rounds)
    _python(report, rounds)
    if said := how_it_ran():
        report.note(said)
    report.note(
        f"Whole processes at 120×40, medians of {rounds} in turns, files in the page cache; memory is the most that the process had "
        "until then. A frame is the first byte that shows anything. `eager` is the same console that imports at its top what it may "
        "need in its life (tests/measured/eager.py)."
    )
    report.note(
        "Signed in means: from the last key of the code until home's numbers stand there, with Argon2id (64 MiB) and the record of "
        "the sign-in; everything was loaded while name and password were typed, or sat waiting in the eager one."
    )


def _demonstration(folder: Path, students: int) -> Place:
    build(folder, students=students, seed=7, today=date(2026, 11, 20))
    return Place("SQLite", folder)


def _portal(engine: str, folder: Path, cluster: Cluster | None) -> Place:
    """A small real portal with an operator who can sign in."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'portal.db'}" if cluster is None else cluster.fresh_database()
    made = open_portal(url, folder, datetime.now(UTC))
    fill(made, REGISTRATIONS)
    _write_settings(made.settings, folder)
    made.office.engine.dispose()
    return Place(engine, folder, url)


def _write_settings(settings: Settings, folder: Path, **demo: object) -> None:
    values = {
        "database.url": settings.database.url,
        "portal.origin": settings.portal.origin,
        "portal.name": "Alder Creek",
    }
    text = Settings.example(values | {f"demo.{name}": value for name, value in demo.items()})
    (folder / FILE_NAME).write_text(text, encoding="utf-8")


def _as_demonstration(place: Place) -> Place:
    """The same portal as one in which nobody signs in: `district demo` builds on SQLite alone."""
    settings = Settings.load(place.folder / FILE_NAME)
    _write_settings(settings, place.folder, made_by="district demo", today=date(2026, 11, 20), seed=7)
    with _owning(place) as connection:
        connection.execute(t.portal.update().values(demo_seed=7))
    return Place(place.engine, place.folder)


@contextmanager
def _owning(place: Place) -> Iterator[Connection]:
    engine = open_engine(as_role(place.url, OWNER))
    with writing(engine) as connection:
        yield connection
    engine.dispose()


def _open_demonstration(report: Report, place: Place, rounds: int) -> None:
    def one(program: tuple[str | Path, ...], figures: Figures) -> None:
        with Started([*program, "--config", place.folder / FILE_NAME], Path.cwd()) as started:
            figures.add("frame", started.until(DRAWN))
            figures.add("content", started.until(NUMBERS))
            figures.memory.append(started.memory())

    ours, eager = in_turns(rounds, one)
    _row(
        report, f"demonstration, {place.engine}: a frame", Figures(ours.seconds), Figures(eager.seconds), "frame", FRAME
    )
    _row(report, f"demonstration, {place.engine}: home's numbers", ours, eager, "content", CONTENT)


def _open_real(report: Report, place: Place, rounds: int) -> None:
    settings = Settings.load(place.folder / FILE_NAME)

    def one(program: tuple[str | Path, ...], figures: Figures) -> None:
        who = equip(settings)  # anew: a code counts once in its half minute
        with Started([*program, "--config", place.folder / FILE_NAME], Path.cwd()) as started:
            figures.add("frame", started.until(DRAWN))
            figures.add("asked", started.until(rb"Name: "))
            time.sleep(0 if report.small else TYPING)
            started.type(who.name)
            started.until(rb"Password")
            started.type(who.password)
            started.until(rb"Code: ")
            started.type(who.code(datetime.now(UTC)))
            figures.add("in", started.until(NUMBERS))
            figures.memory.append(started.memory())

    ours, eager = in_turns(rounds, one)
    asked = Figures(ours.seconds), Figures(eager.seconds)
    _row(report, f"real portal, {place.engine}: a frame (the first words)", *asked, "frame", FRAME)
    _row(report, f"real portal, {place.engine}: the question for the name", *asked, "asked", CONTENT)
    _row(report, f"real portal, {place.engine}: signed in, home's numbers", ours, eager, "in", CONTENT)


def _help(report: Report, rounds: int) -> None:
    _command(report, "district --help", ("--help",), rounds, HELP)


def _list(report: Report, place: Place, rounds: int) -> None:
    words = ("registrations", "list", "--limit", "20")
    what = f"district {' '.join(words)}, {place.engine}"
    _command(report, what, ("--config", place.folder / FILE_NAME, *words), rounds, None)


def _command(report: Report, what: str, words: tuple[str | Path, ...], rounds: int, goal: int | None) -> None:
    def one(program: tuple[str | Path, ...], figures: Figures) -> None:
        figures.add("answer", command([*program, *words], Path.cwd()))

    ours, eager = in_turns(rounds, one)
    for program, figures in ((OURS, ours), (EAGER, eager)):
        figures.memory.append(memory_of([*program, *words], Path.cwd()))
    _row(report, what, ours, eager, "answer", goal)


def _python(report: Report, rounds: int) -> None:
    seconds = [command([sys.executable, "-c", "print(1)"], Path.cwd()) for _ in range(rounds)]
    report.note(f"Python itself, with nothing to do, took {statistics.median(seconds) * 1000:.0f} ms of each.")
