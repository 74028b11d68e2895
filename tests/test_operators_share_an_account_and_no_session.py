"""All operators come in through one account of the server. What one of them begins there is nobody else's.

Against a real sshd, with the real command line, passwords and codes; each attack says what it would gain and what is verified.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from models import tables as t
from tests.over_ssh import fingerprint, let_go, reached, tie_of
from tests.test_ssh_is_set_up_as_it_says import sign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.over_ssh import Reached
    from tests.signing import Credentials


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    with reached(tmp_path_factory.mktemp("shared")) as made:
        yield made


@pytest.fixture(scope="module")
def ann(house: Reached) -> tuple[Path, Credentials]:
    """An administrator who is signed in, with her key."""
    key, who = house.server.key("ann"), house.hire("ann")
    assert "Signed in as ann" in house.signs_in(key, who)
    return key, who


@pytest.fixture(scope="module")
def bob(house: Reached, ann: tuple[Path, Credentials]) -> tuple[Path, Credentials]:
    """Somebody of the help desk, signed in too, with his."""
    key, who = house.server.key("bob"), house.hire("bob", "help_desk")
    assert "Signed in as bob" in house.signs_in(key, who)
    return key, who


def name_of(house: Reached, key: Path, *before: str) -> str:
    answer = house.line(key, *before, "whoami")
    return answer.stdout.decode().split(",")[0] if answer.returncode == 0 else answer.stderr.decode()


def refusals(house: Reached) -> list[str]:
    """Why nobody was signed in, so far."""
    import json

    r = t.record.c
    rows = house.portal.all(
        sa.select(r.body).where(r.log == "ledger", r.action == "operators.refuse").order_by(r.index)
    )
    return [json.loads(row.body)["params"]["why"] for row in rows]


def test_each_is_who_they_are_by_their_key(
    house: Reached, ann: tuple[Path, Credentials], bob: tuple[Path, Credentials]
) -> None:
    """VULNERABILITY: sessions of the line mode lie in a folder of the account that all operators share.

    ATTACK: two sign in, and each runs commands after the other. VERIFIES: each is themselves; a third, whose key is listed and who
    did not sign in, is nobody; sessions and keys are tied as they came.
    """
    for key, name in ((ann[0], "ann"), (bob[0], "bob"), (ann[0], "ann")):
        assert name_of(house, key) == name
    assert "Nobody is signed in" in name_of(house, house.server.key("cara"))
    kept = house.portal.all(
        sa.select(t.operator.c.name, t.session.c.fingerprint).join(
            t.session, t.session.c.operator_id == t.operator.c.id
        )
    )
    assert {(row.name, row.fingerprint) for row in kept} >= {("ann", fingerprint(ann[0])), ("bob", fingerprint(bob[0]))}
    assert (tie_of(house.portal, ann[0]), tie_of(house.portal, bob[0])) == ("ann", "bob")


def test_nobody_becomes_another_by_name(
    house: Reached, ann: tuple[Path, Credentials], bob: tuple[Path, Credentials]
) -> None:
    """VULNERABILITY: --operator names who decides, and a program's key lies where the shared account reads it.

    ATTACK: bob names ann, and the program. VERIFIES: refused, with nothing done.
    """
    assert "bob is signed in here, not ann; nothing was done" in name_of(house, bob[0], "--operator", "ann")
    assert "nobody works as a program; nothing was done" in name_of(house, bob[0], "--operator", "intake")


def test_a_session_that_is_copied_to_another_key_is_none(
    house: Reached, ann: tuple[Path, Credentials], bob: tuple[Path, Credentials]
) -> None:
    """VULNERABILITY: who gets a file written in the sessions' folder could put one session in another's place.

    ATTACK: ann's file under bob's name, as it is and with bob's fingerprint written into it. VERIFIES: neither makes bob ann.
    """
    files = sorted((house.portal.settings.folder / "run").iterdir())
    hers = next(file for file in files if fingerprint(ann[0]) in file.read_text())
    his = next(file for file in files if fingerprint(bob[0]) in file.read_text())
    before = his.read_bytes()
    try:
        shutil.copy(hers, his)
        assert "was changed; nothing was done" in name_of(house, bob[0])
        his.write_text(hers.read_text().replace(fingerprint(ann[0]), fingerprint(bob[0])))
        assert "nothing was done" in name_of(house, bob[0])
    finally:
        his.write_bytes(before)
    assert name_of(house, bob[0]) == "bob"


def test_a_stolen_password_and_code_are_not_enough_with_another_key(
    house: Reached, ann: tuple[Path, Credentials], bob: tuple[Path, Credentials]
) -> None:
    """VULNERABILITY: a password and a code can be got by asking for them.

    ATTACK: bob signs in as ann with both, once with his own key and once with one that is nobody's. VERIFIES: refused in the same
    words as any wrong password, on record as the key; the keys are tied as before.
    """
    nobodys = house.server.key("nobodys")
    for key in (bob[0], nobodys):
        assert "do not go together" in house.signs_in(key, ann[1], away=1)
        assert refusals(house)[-1] == "key"
        _forget_delay(house)
    assert (tie_of(house.portal, bob[0]), tie_of(house.portal, nobodys)) == ("bob", None)


def _forget_delay(house: Reached) -> None:
    from models.engine import writing

    with writing(house.portal.office.engine) as connection:
        connection.execute(t.signin_delay.delete())


def test_a_certificate_signs_in_its_own_operator_alone(house: Reached, ann: tuple[Path, Credentials]) -> None:
    """VULNERABILITY: the server takes every certificate of the authority for the one account.

    ATTACK: dora comes with a certificate of her own and ann's password and code. VERIFIES: refused, on record as the key, and the key
    stays nobody's; with her own she is signed in, also with a second key that is certified for her.
    """
    dora = house.hire("dora", "auditor")
    house.server.trust("ann", "dora")
    keys = [house.server.key(f"dora{n}", listed=False) for n in (1, 2)]
    for key in keys:
        assert sign(f"{key}.pub", "--operator", "dora", "--ca", house.server.layout.user_ca).returncode == 0
    assert "do not go together" in house.signs_in(keys[0], ann[1], away=1)
    assert refusals(house)[-1] == "key"
    assert tie_of(house.portal, keys[0]) is None
    _forget_delay(house)
    for n, key in enumerate(keys):
        assert "Signed in as dora" in house.signs_in(key, dora, away=n)
        assert name_of(house, key) == "dora"
        assert tie_of(house.portal, key) == "dora"


def test_signing_out_and_being_disabled_end_it_for_that_one_alone(
    house: Reached, ann: tuple[Path, Credentials], bob: tuple[Path, Credentials]
) -> None:
    assert house.line(bob[0], "signout").returncode == 0
    assert "Nobody is signed in" in name_of(house, bob[0])
    assert name_of(house, ann[0]) == "ann"
    let_go(house.portal, "ann")
    assert "nothing was done" in name_of(house, ann[0])
