"""A one-time word sets up one operator's sign-in, once: password, second factor and recovery codes, all or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.errors import CodeNeeded, ConsoleError, Refused, Usage
from console.ids import CROCKFORD
from console.operators import invitation_digest, invite_operator
from console.signin import factor, invitations, passwords
from console.signin.enrolling import Enrolling, WrongCode, enrol, invited, proved, welcome
from console.signin.entering import NotIn, TooSoon
from console.signin.sessions import Sessions
from models import tables as t
from models.words import SessionKind
from tests.consoles import at_once

if TYPE_CHECKING:
    from tests.portals import Portal

PASSWORD = "nine purple otters rowing"
SEED = b"a seed for enrolling"
HALF_MINUTE = timedelta(seconds=30)


@pytest.fixture
def lee(portal: Portal) -> int:
    """A local operator who has nothing to sign in with yet."""
    return portal.hire("lee", "auditor").id


def invite(portal: Portal, name: str = "lee") -> str:
    return invite_operator(portal.office, portal.operator(), name)


def code(portal: Portal, seed: bytes = SEED, away: int = 0) -> str:
    return factor.code_at(seed, factor.step_of(portal.clock.now()) + away)


def set_up(portal: Portal, who: Enrolling, password: str | None = PASSWORD, seed: bytes = SEED) -> tuple[str, ...]:
    return enrol(portal.office, who, password, seed, code(portal, seed))


def has(portal: Portal, operator: int) -> tuple[bool, bool, int, bool]:
    """Whether there is a password, a factor, how many recovery codes, whether there is a word."""
    counted = [
        len(portal.all(sa.select(table.c.operator_id).where(table.c.operator_id == operator)))
        for table in (t.operator_password, t.operator_factor, t.recovery_code, t.invitation)
    ]
    return bool(counted[0]), bool(counted[1]), counted[2], bool(counted[3])


def test_a_word_is_for_reading_aloud_and_kept_nowhere(portal: Portal, lee: int) -> None:
    word = invite(portal)
    assert [len(group) for group in word.split("-")] == [4, 4, 4, 4]
    assert set(word) <= {*CROCKFORD, "-"}
    (row,) = portal.all(sa.select(t.invitation).where(t.invitation.c.operator_id == lee))
    assert row.until - row.made_at == timedelta(hours=72)
    for table in t.metadata.sorted_tables:
        for stored in portal.all(sa.select(table)):
            assert word not in str(tuple(stored)), table.name
            assert word.replace("-", "") not in str(tuple(stored)), table.name
    assert invite(portal) != word
    with pytest.raises(NotIn):
        invited(portal.office, "lee", word)


def test_a_word_sets_up_everything_and_is_used_up(portal: Portal, lee: int) -> None:
    word = invite(portal)
    who = invited(portal.office, " LEE ", word.lower().replace("-", " ").replace("0", "o").replace("1", "i"))
    assert (who.operator_id, who.local, who.alone) == (lee, True, False)
    assert has(portal, lee) == (False, False, 0, True), "giving the word alone changes nothing"
    codes = set_up(portal, who)
    assert has(portal, lee) == (True, True, 10, False)
    (encoded,) = portal.all(sa.select(t.operator_password.c.encoded))[0]
    assert passwords.matches(encoded, PASSWORD)
    with portal.office.writing() as connection:
        now = portal.clock.now()
        vault = portal.office.vault
        assert factor.use(connection, vault, lee, code(portal), now) is None, "the first code counted already"
        assert factor.use(connection, vault, lee, codes[9], now) is not None
    with pytest.raises(Refused, match="does not count any more"):
        set_up(portal, who)
    with pytest.raises(NotIn):
        invited(portal.office, "lee", word)


def test_what_is_set_up_is_on_record_without_a_secret(portal: Portal, lee: int) -> None:
    codes = set_up(portal, invited(portal.office, "lee", invite(portal)))
    bodies = [str(row.body) for row in portal.all(sa.select(t.record.c.body).order_by(t.record.c.index))]
    assert ["operators.invite" in bodies[-2], "operators.enrol" in bodies[-1]] == [True, True]
    for secret in (*codes, PASSWORD, "lee"):
        assert not any(secret in body for body in bodies)
    assert portal.one(t.operator, lee).version == portal.office.size()


def test_a_wrong_first_code_sets_nothing_up(portal: Portal, lee: int) -> None:
    who = invited(portal.office, "lee", invite(portal))
    for wrong in ("", "000000", code(portal, b"x" * 20), code(portal, away=-3)):
        if wrong in {code(portal, away=away) for away in (-1, 0, 1)}:
            continue
        with pytest.raises(WrongCode):
            enrol(portal.office, who, PASSWORD, SEED, wrong)
        assert has(portal, lee) == (False, False, 0, True)
    set_up(portal, who)


def test_a_password_that_is_guessed_first_sets_nothing_up(portal: Portal, lee: int) -> None:
    portal.change(t.operator, lee, email="otterlover@office.example")
    who = invited(portal.office, "lee", invite(portal))
    for password in ("Password123!", "short", "otterlover77"):
        with pytest.raises(Usage, match="no password was set"):
            set_up(portal, who, password)
    assert has(portal, lee) == (False, False, 0, True)


def test_a_word_runs_out(portal: Portal, lee: int) -> None:
    word = invite(portal)
    who = invited(portal.office, "lee", word)
    portal.clock.advance(timedelta(hours=72))
    with pytest.raises(Refused, match="does not count any more"):
        set_up(portal, who)
    with pytest.raises(NotIn):
        invited(portal.office, "lee", word)
    assert has(portal, lee)[:3] == (False, False, 0)


def test_a_word_is_its_operators_alone(portal: Portal, lee: int) -> None:
    """VULNERABILITY: a one-time word says that somebody was invited, but not who.

    ATTACK: whoever was invited to a small role gives their word under an administrator's name, or moves its row to them.
    VERIFIES: it is refused as any wrong word is, and opens nothing for the other.
    """
    max_ = portal.hire("max", "district_administrator").id
    word = invite(portal)
    with pytest.raises(NotIn):
        invited(portal.office, "max", word)
    with portal.office.writing() as connection:
        connection.execute(t.invitation.update().where(t.invitation.c.operator_id == lee).values(operator_id=max_))
    portal.clock.advance(timedelta(minutes=5))
    with pytest.raises(NotIn):
        invited(portal.office, "max", word)
    assert has(portal, max_)[:3] == (False, False, 0)


@pytest.mark.parametrize("name", ["lee", "nobody"])
def test_guessing_a_word_waits_as_guessing_a_password_does(portal: Portal, lee: int, name: str) -> None:
    """VULNERABILITY: a word is asked for without a password, and a known name answers differently.

    ATTACK: guess words under a known and an unknown name.
    VERIFIES: both get the same sentences and the same waits, and each refusal is on record.
    """
    invite(portal)
    before = portal.office.size()
    said = []
    for wait in (1, 2, 4):
        with pytest.raises(NotIn) as refused:
            invited(portal.office, name, "0000-0000-0000-0000")
        said.append(str(refused.value))
        with pytest.raises(TooSoon):
            invited(portal.office, name, "0000-0000-0000-0000")
        portal.clock.advance(timedelta(seconds=wait))
    assert len(set(said)) == 1
    assert "word" in said[0]
    assert portal.office.size() == before + 3


def test_a_word_given_twice_at_once_counts_once(portal: Portal, lee: int, database_url: str) -> None:
    """VULNERABILITY: a word is looked up first and deleted afterwards.

    ATTACK: whoever read it over a shoulder gives it in the same moment as its owner.
    VERIFIES: on either engine exactly one of several consoles gets through, round after round.
    """
    vault, now = portal.office.vault, portal.clock.now()
    for _ in range(5):
        word = invite(portal)
        got = at_once(database_url, 4, lambda c, word=word: invitations.accept(c, vault, lee, word, now))
        assert sorted(got) == [False, False, False, True]


def test_a_word_replaces_nothing_that_is_there(portal: Portal, lee: int) -> None:
    """VULNERABILITY: an invitation to somebody who can sign in already hands their login to who invites.

    ATTACK: an administrator invites a colleague who has password and factor, or keeps an old word until they have.
    VERIFIES: neither counts; what was lost is reset first, which takes two.
    """
    word = invite(portal)
    who = invited(portal.office, "lee", word)
    with portal.office.writing() as connection:
        now = portal.clock.now()
        encoded = passwords.encode(PASSWORD, portal.office.random)
        connection.execute(t.operator_password.insert().values(operator_id=lee, encoded=encoded, set_at=now))
        factor.enrol(connection, portal.office.vault, lee, SEED, -1, now, portal.office.random)
    with pytest.raises(Refused, match="can sign in already"):
        invite(portal)
    with pytest.raises(Refused, match="does not count any more"):
        set_up(portal, who, seed=b"the administrator's.")
    assert has(portal, lee)[:3] == (True, True, 10)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"status": "proposed"}, "is proposed"),
        ({"status": "disabled"}, "is disabled"),
        ({"unattended": True}, "is a program"),
    ],
    ids=["proposed", "disabled", "program"],
)
def test_who_does_not_work_here_gets_no_word(portal: Portal, lee: int, values: dict[str, object], why: str) -> None:
    portal.change(t.operator, lee, **values)
    with pytest.raises(Refused, match=why):
        invite(portal)
    with pytest.raises(Refused, match="no operator"):
        invite(portal, "nobody")
    assert not has(portal, lee)[3]


def test_who_is_disabled_meanwhile_sets_nothing_up(portal: Portal, lee: int) -> None:
    who = invited(portal.office, "lee", invite(portal))
    portal.change(t.operator, lee, status="disabled")
    with pytest.raises(Refused, match="disabled meanwhile"):
        set_up(portal, who)
    assert has(portal, lee)[:3] == (False, False, 0)


def test_disabling_ends_a_word(portal: Portal, lee: int) -> None:
    word = invite(portal)
    portal.decide("operators", "disable", lee)
    portal.decide("operators", "enable", lee)
    with pytest.raises(NotIn):
        invited(portal.office, "lee", word)


def test_giving_a_word_out_takes_a_code(portal: Portal, lee: int) -> None:
    """Whoever has the word can become who it is for."""
    sessions = Sessions(portal.settings)
    administrator = portal.operator()
    with portal.office.writing() as connection:
        now, random = portal.clock.now(), portal.office.random
        begun = sessions.begin(connection, administrator.id, SessionKind.LINE, now, random)
    portal.office.assurance = sessions
    with pytest.raises(CodeNeeded) as needed:
        invite_operator(portal.office, begun.operator, "lee")
    assert needed.value.digest == invitation_digest(lee)
    assert not has(portal, lee)[3]
    with portal.office.writing() as connection:
        sessions.give(connection, begun.operator, invitation_digest(lee), portal.clock.now())
    assert invite_operator(portal.office, begun.operator, "lee")
    with pytest.raises(CodeNeeded):
        invite_operator(portal.office, begun.operator, "lee")


def test_the_emergency_password_has_to_hold_by_itself(portal: Portal, lee: int) -> None:
    portal.change(t.operator, lee, break_glass=True, role="district_administrator")
    who = invited(portal.office, "lee", invite(portal))
    with pytest.raises(Usage, match="15 to 128"):
        set_up(portal, who, "teal lamp otte")
    set_up(portal, who, "teal lamp otter")


def test_a_directory_operator_sets_up_a_factor_alone(portal: Portal, lee: int) -> None:
    portal.change(t.operator, lee, origin="directory", directory_id="x")
    who = welcome(portal.office, lee, invite(portal))
    assert not who.local
    with pytest.raises(Refused, match="directory keeps that password"):
        set_up(portal, who)
    set_up(portal, who, None)
    assert has(portal, lee) == (False, True, 10, False)


def test_who_is_signed_in_sets_up_anew_with_what_they_have(portal: Portal, lee: int) -> None:
    codes = set_up(portal, invited(portal.office, "lee", invite(portal)))
    sessions = Sessions(portal.settings)
    with portal.office.writing() as connection:
        now, random = portal.clock.now(), portal.office.random
        here, there = (sessions.begin(connection, lee, SessionKind.SCREEN, now, random) for _ in range(2))
    portal.office.assurance = sessions
    for wrong in (("not this one", codes[0]), (PASSWORD, "000000")):
        with pytest.raises(NotIn):
            proved(portal.office, None, here.operator, *wrong)
        portal.clock.advance(timedelta(seconds=8))
    who = proved(portal.office, None, here.operator, PASSWORD, codes[0])
    new = set_up(portal, who, "eleven teal otters", b"another seed, 20 byt")
    assert not set(new) & set(codes)
    with portal.office.reading() as connection:
        sessions.present(connection, here.operator, portal.clock.now())
        with pytest.raises(Refused):
            sessions.present(connection, there.operator, portal.clock.now())
    (encoded,) = portal.all(sa.select(t.operator_password.c.encoded))[0]
    assert passwords.matches(encoded, "eleven teal otters")
    with portal.office.writing() as connection:
        assert factor.use(connection, portal.office.vault, lee, codes[1], portal.clock.now()) is None


def test_who_was_signed_out_meanwhile_sets_nothing_up_anew(portal: Portal, lee: int) -> None:
    """VULNERABILITY: a stolen session outlives its end by the time it takes to set up a new factor.

    ATTACK: give password and code, wait until the owner signs out everywhere, then finish.
    VERIFIES: nothing is set up.
    """
    codes = set_up(portal, invited(portal.office, "lee", invite(portal)))
    sessions = Sessions(portal.settings)
    with portal.office.writing() as connection:
        begun = sessions.begin(connection, lee, SessionKind.SCREEN, portal.clock.now(), portal.office.random)
    portal.office.assurance = sessions
    who = proved(portal.office, None, begun.operator, PASSWORD, codes[0])
    portal.office.assurance = Demonstration()
    portal.decide("operators", "signout", lee)
    with pytest.raises(ConsoleError, match="ended meanwhile"):
        set_up(portal, who, "eleven teal otters", b"another seed, 20 byt")
    (encoded,) = portal.all(sa.select(t.operator_password.c.encoded))[0]
    assert passwords.matches(encoded, PASSWORD)
