"""Whoever gives up an import or a bulk decision, wherever it is by then and however they do it, finds everything as it was before.

The ledger of each portal is verified when its test ends, as every other test's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import SignedOut
from console.intake.importing import import_form, import_roster
from console.progress import Cancelled
from console.signin.sessions import Sessions
from console.wiring import open_office
from fixtures.district import build_files
from models import tables as t
from models.engine import writing
from models.words import SessionKind
from tests.applying import arrived
from tests.imports import holdings
from tests.line_mode import write_settings
from tests.measured.large_roster import write
from tests.on_screen import console, press, rows, until
from tests.on_screen import write as write_text
from tests.portals import NOON
from tests.services.pty import Pty
from tests.signing import begin, signed_in

if TYPE_CHECKING:
    from signal import Signals

    from fixtures.district import Manifest
    from tests.portals import Portal

DISTRICT = Path(sys.executable).parent / "district"
USERS = 20_000
"""So many that the import takes longer than the half second after which it is shown."""
EVERYTHING: frozenset[str] = frozenset()


class Watching:
    """Counts what is said; at the word `until` it gives up, or does what it was given instead."""

    def __init__(self, until: int = 0, then: object = Cancelled) -> None:
        self.count = 0
        self._until = until
        self._then = then

    def say(self, done: int, total: int, what: str) -> None:
        assert 0 <= done <= total or total == 0
        assert what
        self.count += 1
        if self.count == self._until:
            if self._then is Cancelled:
                raise Cancelled
            self._then()  # type: ignore[operator]


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    from datetime import date

    return build_files(tmp_path_factory.mktemp("district"), students=60, seed=7, today=date(2026, 11, 20))


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("roster"), USERS)


def test_an_import_can_be_given_up_at_every_word_until_it_is_saved(portal: Portal, district: Manifest) -> None:
    office, intake = portal.office, portal.operator("intake")
    for kind, path in (("roster", district.roster_zip), ("registrations", district.registrations)):

        def bring(key: str, watching: Watching, kind: str = kind, path: Path = path) -> None:
            if kind == "roster":
                import_roster(office, intake, path, key=key, progress=watching)
            else:
                import_form(office, intake, kind, path, key=key, progress=watching)

        before = holdings(portal, EVERYTHING)
        words = Watching()
        with pytest.raises(Cancelled, match="nothing was done"):
            bring("last", _to_the_last(words))
        assert holdings(portal, EVERYTHING) == before
        for word in range(1, words.count, 3):
            with pytest.raises(Cancelled):
                bring(f"{kind} {word}", Watching(word))
        assert holdings(portal, EVERYTHING) == before
        bring(kind, Watching())
        assert holdings(portal, EVERYTHING) != before


def _to_the_last(words: Watching) -> Watching:
    """Gives up at the word that says that all is recorded."""

    class Last(Watching):
        def say(self, done: int, total: int, what: str) -> None:
            words.say(done, total, what)
            if total and done == total and ("recording" in what or "step" in what):
                raise Cancelled

    return Last()


def test_an_import_of_a_session_that_ended_meanwhile_is_not_saved(portal: Portal, district: Manifest) -> None:
    """VULNERABILITY: an import asked for its session at its start alone, and reading takes minutes.

    ATTACK: begin an import, and go on with it after the session was ended (a lost laptop, a dismissal).
    VERIFIES: the session is asked for again before the commit, and nothing is imported.
    """
    office = open_office(portal.settings, clock=portal.clock, random=portal.office.random)
    operator = begin(portal.settings, "administrator", SessionKind.LINE, NOON).operator

    def sign_out() -> None:
        with writing(portal.office.engine) as connection:
            Sessions(portal.settings).end(connection, operator, NOON)

    with pytest.raises(SignedOut, match="was ended; nothing was done"):
        import_roster(office, operator, district.roster_zip, key="late", progress=Watching(2, sign_out))
    after = holdings(portal, EVERYTHING)
    assert not after["roster_import"]
    assert not after["student"]
    office.engine.dispose()


@pytest.mark.parametrize(
    ("engine_name", "number"),
    [("sqlite", SIGHUP), ("sqlite", SIGTERM), ("postgresql", SIGINT)],
    indirect=["engine_name"],
)
def test_a_command_that_is_told_to_end_in_the_middle_of_an_import_leaves_nothing_of_it(
    portal: Portal, tmp_path: Path, roster: Path, number: Signals
) -> None:
    file = write_settings(portal, tmp_path)
    environment = signed_in(type(portal.settings).load(file))
    before = holdings(portal, EVERYTHING)
    command = [DISTRICT, "--config", file]
    with Pty([*command, "import", "roster", roster], environment=environment) as pty:
        pty.read_until("Ctrl-C cancels")
        if number == SIGHUP:
            pty.hang_up()
        else:
            os.kill(pty.pid, number)
        assert pty.exit_code() != 0
        if number != SIGHUP:
            assert "Cancelled; nothing was done." in "".join(pty.screen())
    assert holdings(portal, EVERYTHING) == before
    portal.school()
    listed = [*command, "schools", "list", "--format", "csv"]
    done = subprocess.run(listed, env=environment, capture_output=True, text=True, check=False)
    assert "Lincoln" in done.stdout, done.stderr


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_escape_gives_up_a_bulk_decision_on_the_screen(portal: Portal) -> None:
    """Somebody else holds one of the cases, so that there is time to look and to press the key."""
    arrived(portal, portal.school(), 30)
    async with console(portal, desk="registrations") as (app, pilot):
        other = portal.office.engine.connect()
        other.execute(sa.select(t.registration.c.id).where(t.registration.c.id == 7).with_for_update())
        await press(pilot, "asterisk", "a", "y")
        await write_text(pilot, "30")
        await pilot.press("enter")
        await until(pilot, "esc cancels; what was not finished then was not done.")
        assert "choosing" in "\n".join(rows(app))
        await pilot.press("escape")
        await until(pilot, "Cancelling")
        other.rollback()
        other.close()
        await until(pilot, "Cancelled; nothing was done.")
        assert {row[0] for row in portal.all(sa.select(t.registration.c.state).distinct())} == {"submitted"}
        await press(pilot, "a", "y")
        await write_text(pilot, "30")
        await pilot.press("enter")
        await until(pilot, "done for 30 registrations")
