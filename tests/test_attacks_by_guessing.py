"""Attacks by guessing: one name can be written in many ways, and each would have a delay of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from console.errors import Refused
from console.signin import delays
from console.signin.entering import NotIn, enter
from console.wiring import open_directory
from models import tables as t
from models.words import SessionKind
from tests.portals import open_portal
from tests.services.directory_people import PASSWORD
from tests.signing import Credentials, asking, come_in, equip, signins, stays_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal
    from tests.services.slapd import Slapd


@pytest.fixture
def placed(tmp_path: Path, slapd: Slapd) -> Iterator[Portal]:
    made = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, directory=slapd.table())
    for code in ("LHS", "RMS"):
        made.school(code, code=code)
    asking(made, open_directory(made.settings, made.clock))
    yield made
    made.office.engine.dispose()


@pytest.fixture
def bob(placed: Portal) -> Credentials:
    """Somebody of the directory who has a second factor here."""
    stays_out(placed, Credentials("bob", PASSWORD, b"", ()), code="")
    made = equip(placed.settings, "bob")
    with placed.office.writing() as connection:
        connection.execute(t.operator_password.delete())
    return Credentials("bob", PASSWORD, made.seed, made.recovery)


WAYS = ("bob", "BOB", " bob ", "a\\bob", "b\\bob", "a\\ bob", "bob@a.example", "bob@b.example")


def test_a_name_written_in_many_ways_is_guessed_at_as_one(placed: Portal, bob: Credentials) -> None:
    r"""VULNERABILITY: delays count by the name that is typed, and a directory knows one person by many.

    ATTACK: with a stolen password, guess codes without waiting: under ann, ANN, a\ann, b\ann, ann@a.example …
    VERIFIES: after a wrong code no other is compared under any of them before the delay is over, not even the right one.
    """
    for first in WAYS:
        with pytest.raises(Refused):
            enter(placed.office, placed.office.directory, first, PASSWORD, "000000", SessionKind.LINE)
        for name in WAYS:
            with pytest.raises(Refused):
                come_in(placed, Credentials(name, PASSWORD, bob.seed, ()))
        placed.clock.advance(2 * delays.LONGEST)
    assert come_in(placed, bob).operator.name == "bob"
    placed.clock.advance(delays.LONGEST)
    assert come_in(placed, Credentials("a\\bob", PASSWORD, bob.seed, ())).operator.name == "bob"


def test_a_wrong_code_makes_whose_it_was_wait_whatever_was_typed(placed: Portal, bob: Credentials) -> None:
    """VULNERABILITY: as above; Active Directory finds "ann" for "änn" and a dozen more, of which the console knows nothing.

    ATTACK: a wrong code under a name whose delay nobody else shares (here: the name's own is forgotten), then the next code.
    VERIFIES: the operator's own delay holds, is told as any refusal is, and ends.
    """
    stays = Credentials("bob", PASSWORD, bob.seed, ())
    with pytest.raises(NotIn):
        come_in(placed, stays, code="000000")
    for _ in range(3):
        with placed.office.writing() as connection:
            delays.passed(connection, placed.office.vault, "bob")
        with pytest.raises(NotIn):
            come_in(placed, stays)
    assert signins(placed)[-1].params == {"why": "delay"}
    placed.clock.advance(delays.LONGEST)
    assert come_in(placed, stays).operator.name == "bob"
