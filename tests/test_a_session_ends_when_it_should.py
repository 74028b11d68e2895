"""A sign-in holds as long as it may and not a moment longer: by the clock, by a decision, by the directory's word."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import Expired, Paused, Refused, Rested, SignedOut
from console.signin.leaving import leave, touch, unlock
from console.signin.rechecking import recheck
from console.wiring import open_directory
from models import tables as t
from models.words import SessionKind
from tests.portals import open_portal
from tests.services.directory_people import PASSWORD as DIRECTORY_PASSWORD
from tests.services.slapd import dn_of
from tests.signing import Credentials, asking, come_in, equip, signins, stays_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.authority import Operator
    from tests.portals import Portal
    from tests.services.slapd import Slapd

SCREEN, LINE = SessionKind.SCREEN, SessionKind.LINE


@pytest.fixture
def ann(portal: Portal) -> Credentials:
    return equip(asking(portal).settings)


def looks(portal: Portal, operator: Operator) -> None:
    """Reads and writes for the operator, as any call of the office does."""
    with portal.office.reading(operator):
        pass
    with portal.office.writing(operator):
        pass


# By the clock


@pytest.mark.parametrize("kind", [SCREEN, LINE], ids=str)
def test_a_session_with_nothing_done_in_it_rests(portal: Portal, ann: Credentials, kind: SessionKind) -> None:
    operator = come_in(portal, ann, kind=kind).operator
    for _ in range(3):
        portal.clock.advance(timedelta(minutes=9))
        looks(portal, operator)
        touch(portal.office, operator, portal.clock.now())
    portal.clock.advance(timedelta(minutes=10, seconds=31))
    with pytest.raises(Rested, match="Nothing was done here for too long"):
        looks(portal, operator)


def test_eight_hours_are_the_end_however_much_was_done(portal: Portal, ann: Credentials) -> None:
    operator = come_in(portal, ann, kind=SCREEN).operator
    for _ in range(8 * 12 - 1):
        portal.clock.advance(timedelta(minutes=5))
        touch(portal.office, operator, portal.clock.now())
    looks(portal, operator)
    portal.clock.advance(timedelta(minutes=5))
    with pytest.raises(Expired, match="8 hours"):
        looks(portal, operator)
    with pytest.raises(Expired):
        unlock(portal.office, None, operator, ann.password)
    portal.clock.advance(timedelta(minutes=5))
    unlock(portal.office, None, operator, ann.password, ann.code(portal.clock.now()))
    looks(portal, operator)


def test_a_clock_that_was_set_makes_no_session_longer(portal: Portal, ann: Credentials) -> None:
    """VULNERABILITY: a clock set back (by hand, by a false time server) revives sessions and lengthens them.

    ATTACK: the clock goes ahead a day, back an hour, and back to where it was.
    VERIFIES: ahead it is over; back it has to be signed in anew; ordinary difference between two machines is no matter.
    """
    operator = come_in(portal, ann, kind=SCREEN).operator
    began = portal.clock.now()
    portal.clock.set(began + timedelta(days=1))
    with pytest.raises(Expired):
        looks(portal, operator)
    portal.clock.set(began - timedelta(hours=1))
    with pytest.raises(Expired, match="set back"):
        looks(portal, operator)
    portal.clock.set(began - timedelta(seconds=90))
    looks(portal, operator)


# By a decision


@pytest.mark.parametrize("what", ["disabled", "proposed", "another role", "signed out everywhere", "session ended"])
def test_what_is_done_to_an_operator_ends_their_session_at_once(portal: Portal, ann: Credentials, what: str) -> None:
    """VULNERABILITY: somebody dismissed in the middle of the day works on in the screen that they left open.

    ATTACK: the operator goes on with the session from before, reads, writes and types the password again.
    VERIFIES: nothing is read or done, and the password opens nothing.
    """
    operator = come_in(portal, ann, kind=SCREEN).operator
    with portal.office.writing() as connection:
        row = t.operator.update().where(t.operator.c.id == operator.id)
        match what:
            case "another role":
                connection.execute(row.values(role="auditor", epoch=t.operator.c.epoch + 1))
            case "signed out everywhere":
                connection.execute(row.values(epoch=t.operator.c.epoch + 1))
            case "session ended":
                connection.execute(t.session.update().values(ended_at=portal.clock.now()))
            case _:
                connection.execute(row.values(status=what))
    for _ in range(2):
        with pytest.raises(SignedOut):
            looks(portal, operator)
        with pytest.raises(Refused, match=r"ended|do not go together"):
            unlock(portal.office, None, operator, ann.password)
        portal.clock.advance(timedelta(minutes=5))
    assert not [made for made in signins(portal) if made.action == "operators.unlock"]


def test_signing_out_ends_one_session_and_everywhere_all(portal: Portal, ann: Credentials) -> None:
    sessions = []
    for _ in range(3):
        sessions.append(come_in(portal, ann).operator)
        portal.clock.advance(timedelta(seconds=60))
    leave(portal.office, sessions[0])
    with pytest.raises(SignedOut):
        looks(portal, sessions[0])
    looks(portal, sessions[1])
    leave(portal.office, sessions[1], everywhere=True)
    with pytest.raises(SignedOut):
        looks(portal, sessions[2])
    assert [made.params["everywhere"] for made in signins(portal) if made.action == "operators.signout"] == [
        False,
        True,
    ]


def test_a_sessions_number_is_nothing_without_its_operator(portal: Portal, ann: Credentials) -> None:
    """VULNERABILITY: an operator with the session of another in their hands.

    ATTACK: another operator's value with this session's number; a number that is not there.
    VERIFIES: signed out.
    """
    from dataclasses import replace

    begun = come_in(portal, ann).operator
    ben = portal.hire("ben", "help_desk")
    for forged in (
        replace(ben, session=begun.session),
        replace(begun, session="0000-0000"),
        replace(begun, session=None),
    ):
        with pytest.raises(SignedOut):
            looks(portal, forged)
    with pytest.raises(SignedOut):
        looks(portal, replace(ben, unattended=True))


# By the directory


@pytest.fixture
def placed(tmp_path: Path, slapd: Slapd) -> Iterator[Portal]:
    made = open_portal(
        f"sqlite:///{tmp_path / 'portal.db'}",
        tmp_path,
        directory=slapd.table(unreachable="Call the technology office, extension 4411."),
    )
    for code in ("LHS", "RMS"):
        made.school(code, code=code)
    asking(made, open_directory(made.settings, made.clock))
    yield made
    made.office.engine.dispose()


@pytest.fixture
def ivy(placed: Portal, slapd: Slapd) -> Iterator[Operator]:
    """A directory operator who is signed in at a screen."""
    slapd.add_person("ivy", "Ivy", "Idris", groups=["help-desk"])
    stays_out(placed, Credentials("ivy", DIRECTORY_PASSWORD, b"", ()), code="")
    seed = equip(placed.settings, "ivy").seed
    yield come_in(placed, Credentials("ivy", DIRECTORY_PASSWORD, seed, ()), kind=SCREEN).operator
    if any(slapd.admin().search(dn_of("ivy"), "(objectClass=*)", "BASE")[2:3]):
        slapd.delete("ivy")


@pytest.mark.parametrize("what", ["disabled", "deleted", "out of every group", "in another group"])
def test_the_directory_ends_the_session_of_whom_it_lets_go(
    placed: Portal, slapd: Slapd, ivy: Operator, what: str
) -> None:
    """VULNERABILITY: an account disabled in the directory in mid-session works on until it signs in again.

    ATTACK: disabled, deleted, taken out of its group, put into another, while signed in.
    VERIFIES: the next question ends every session of theirs, with a record; asked at a step-up, at once.
    """
    recheck(placed.office, placed.office.directory, ivy, placed.clock.now())
    looks(placed, ivy)
    match what:
        case "disabled":
            slapd.disable("ivy")
        case "deleted":
            slapd.delete("ivy")
        case _:
            slapd.leave("help-desk", dn_of("ivy"))
    if what == "in another group":
        slapd.join("principals", dn_of("ivy"))
    with pytest.raises(SignedOut) as said:
        recheck(placed.office, placed.office.directory, ivy, placed.clock.now())
    assert type(said.value) is SignedOut
    with pytest.raises(SignedOut, match="was ended"):
        looks(placed, ivy)
    made = [each for each in signins(placed) if each.action in ("operators.lost", "operators.follow")][-1]
    if what == "in another group":
        assert made.after["role"] == "school_administrator"
    else:
        assert made.params == {"why": "group" if "group" in what else "gone"}
    if what == "deleted":
        slapd.add_person("ivy", "Ivy", "Idris", groups=["help-desk"])
        with pytest.raises(SignedOut):
            recheck(placed.office, placed.office.directory, ivy, placed.clock.now())


def test_a_silent_directory_pauses_sessions_and_ends_none(placed: Portal, slapd: Slapd, ivy: Operator) -> None:
    directory = placed.office.directory
    slapd.stop()
    try:
        with pytest.raises(Paused, match="extension 4411"):
            recheck(placed.office, directory, ivy, placed.clock.now())
        looks(placed, ivy)
        for _ in range(2):
            placed.clock.advance(timedelta(minutes=8))
            touch(placed.office, ivy, placed.clock.now())
        with pytest.raises(Paused, match="does not answer"):
            looks(placed, ivy)
    finally:
        slapd.start()
    recheck(placed.office, directory, ivy, placed.clock.now())
    looks(placed, ivy)
    epochs = placed.all(sa.select(t.operator.c.epoch).where(t.operator.c.id == ivy.id))
    assert epochs[0].epoch == 0


def test_the_line_mode_asks_the_directory_again_and_pauses_only_when_its_word_is_old(
    placed: Portal, slapd: Slapd, ivy: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two commands nobody watches: the command itself asks, when ten minutes have passed."""
    from console.cli.signing import keep, resumed

    del ivy
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("SSH_USER_AUTH", raising=False)
    (tmp_path / "run").mkdir(mode=0o700)
    seed = equip(placed.settings, "ivy").seed
    placed.clock.advance(timedelta(seconds=60))
    keep(placed.office, come_in(placed, Credentials("ivy", DIRECTORY_PASSWORD, seed, ())))
    for minutes in (9, 9, 9):
        placed.clock.advance(timedelta(minutes=minutes))
        assert resumed(placed.office) is not None
    slapd.stop()
    try:
        placed.clock.advance(timedelta(minutes=5))
        assert resumed(placed.office) is not None
        placed.clock.advance(timedelta(minutes=9))
        with pytest.raises(Paused, match="extension 4411"):
            resumed(placed.office)
    finally:
        slapd.start()
    assert resumed(placed.office) is not None
    slapd.disable("ivy")
    placed.clock.advance(timedelta(minutes=9))
    assert resumed(placed.office) is not None
    placed.clock.advance(timedelta(minutes=2))
    with pytest.raises(SignedOut, match="no longer lets you in"):
        resumed(placed.office)
