"""Attacks on the way in: what was reset meanwhile, names that are almost another's, and delays that are not one's own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.authority import Role
from console.cli import enrolling as at_terminal
from console.errors import Refused
from console.operators import Hired, add_operator, invite_operator
from console.signin import delays, enrolling, factor
from console.signin.entering import WordGiven, enter
from console.signin.following import follow
from console.signin.placing import Place
from models import tables as t
from models.words import OperatorOrigin, SessionKind
from tests.directories import entry
from tests.signing import PASSWORD, SEED, asking, come_in, equip

if TYPE_CHECKING:
    from console.office import Office
    from console.signin.enrolling import Enrolling
    from tests.portals import Portal

LINE = SessionKind.LINE


def code(portal: Portal) -> str:
    return factor.code_at(SEED, factor.step_of(portal.clock.now()))


@pytest.mark.parametrize("meanwhile", ["reset", "signout", "disable"])
def test_who_is_reset_while_the_recovery_codes_are_shown_does_not_come_in(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """VULNERABILITY: a session begun after a sign-in was set up, in a transaction of its own, at the epoch of that moment.

    ATTACK: a stolen one-time word sets everything up; its thief waits at "Press Enter when they are written down" until the theft
    was noticed and the operator reset, and presses Enter then.
    VERIFIES: nobody is signed in.
    """
    lee = portal.hire("lee", "auditor")
    word = invite_operator(portal.office, portal.operator(), "lee")

    def set_up_and_wait(office: Office, who: Enrolling) -> None:
        enrolling.enrol(office, who, PASSWORD, SEED, code(portal))
        reason = {"reason": "the word was stolen"} if meanwhile == "reset" else {}
        assert portal.decide("operators", meanwhile, lee.id, **reason).done == 1

    monkeypatch.setattr(at_terminal, "set_up", set_up_and_wait)
    given = WordGiven(lee.id, "lee", word, local=True)
    with pytest.raises(Refused):
        at_terminal.enrol_at_terminal(portal.office, given, LINE, None)
    assert portal.all(sa.select(t.session)) == []


def test_a_name_in_other_letters_is_the_same_name(portal: Portal) -> None:
    """VULNERABILITY: SQLite's lower() knows ASCII alone: "Örs" and "örs" are two names to it, and "Örs" is nobody's when typed.

    ATTACK: somebody's login name in the directory is a local operator's but for the case of a letter.
    VERIFIES: nobody is added or made known under such a name, and whose it is comes in by it however it is typed.
    """
    portal.hire("Örs", "district_administrator")
    who = equip(asking(portal).settings, "Örs")
    assert come_in(portal, who).operator.name == "Örs"
    portal.clock.advance(timedelta(minutes=1))
    typed = "öRS"
    begun = enter(portal.office, None, typed, who.password, who.code(portal.clock.now()), LINE)
    assert begun.operator.name == "Örs"
    with portal.office.writing() as connection:
        assert follow(connection, entry("örs"), Place(Role.AUDITOR, None, "cn=auditors"), portal.clock.now()) is None
    with pytest.raises(Refused, match="already"):
        add_operator(portal.office, begun.operator, Hired("ÖRS", Role.AUDITOR))


def test_wrong_names_at_the_door_keep_nobody_inside_from_a_step_up(portal: Portal) -> None:
    """VULNERABILITY: one table of delays for names that are typed and for step-ups of who is signed in.

    ATTACK: somebody who may knock types "step-up 1" as a name, again and again.
    VERIFIES: operator no. 1's step-up does not wait.
    """
    who = equip(asking(portal).settings)
    inside = come_in(portal, who).operator
    for name in (f"step-up {inside.id}", f"step-up\0{inside.id}", f"STEP-UP  {inside.id}", f"step-up?{inside.id}"):
        with pytest.raises(Refused):
            enter(portal.office, None, name, "wrong", "", LINE)
    portal.clock.advance(timedelta(seconds=30))
    with portal.office.writing() as connection:
        for _ in range(8):
            delays.failed(connection, portal.office.vault, f"step-up {inside.id}", portal.clock.now())
    assert portal.office.step_up(inside, b"an action", who.code(portal.clock.now())) is not None


def test_who_was_added_for_the_directory_is_that_one_person_and_waits_for_the_second(portal: Portal) -> None:
    """VULNERABILITY: an operator added with --directory had no number of the directory, and no sign-in ever gave them one.

    ATTACK: an administrator adds a colleague's login name so, which shuts the colleague out; or somebody proposed comes in at once.
    VERIFIES: the first who has that login name in the directory is they, follows the groups, and does not work here before they were
    let in; whoever has the name later is not they.
    """
    hired = Hired("dora", Role.DISTRICT_ADMINISTRATOR, origin=OperatorOrigin.DIRECTORY)
    number = add_operator(portal.office, portal.operator(), hired)
    place, now = Place(Role.AUDITOR, None, "cn=auditors"), portal.clock.now()
    with portal.office.writing() as connection:
        assert follow(connection, entry("Dora", id="first"), place, now) == number
    row = portal.one(t.operator, number)
    assert (row.directory_id, row.role, row.status, row.name) == ("first", "auditor", "proposed", "Dora")
    assert portal.decide("operators", "enable", number).done == 1
    with portal.office.writing() as connection:
        assert follow(connection, entry("Dora", id="first"), place, now) == number
        assert follow(connection, entry("dora", id="second"), place, now) is None


def test_no_local_operator_becomes_somebody_of_the_directory(portal: Portal) -> None:
    """VULNERABILITY and ATTACK: as above, where the name is a local operator's or a program's.

    VERIFIES: neither is anybody of the directory.
    """
    portal.hire("lee", "auditor")
    place = Place(Role.AUDITOR, None, "cn=auditors")
    with portal.office.writing() as connection:
        for name in ("lee", "LEE", "administrator", "intake"):
            assert follow(connection, entry(name), place, portal.clock.now()) is None, name
