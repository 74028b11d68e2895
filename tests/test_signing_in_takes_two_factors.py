"""Signing in takes a name, its password and a code, in that order and all of them; every refusal says the same and is on record."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.errors import Refused, Unavailable
from console.signin import programs
from console.signin.entering import NotIn, TooSoon, WordGiven, enter
from console.signin.invitations import invite
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

    from tests.portals import Portal
    from tests.services.slapd import Slapd

KEY, OTHER_KEY = "SHA256:" + "a" * 43, "SHA256:" + "b" * 43
LINE = SessionKind.LINE


@pytest.fixture
def ann(portal: Portal) -> Credentials:
    return equip(asking(portal).settings)


def test_name_password_and_code_begin_a_session_on_record(portal: Portal, ann: Credentials) -> None:
    begun = come_in(portal, ann)
    (made,) = signins(portal)
    assert (made.action, made.case, made.operator) == ("operators.signin", begun.operator.id, begun.operator.id)
    assert made.params == {"by": "code", "kind": "line", "session": begun.id}
    with portal.office.reading(begun.operator):
        pass


def test_a_recovery_code_is_a_second_factor_once(portal: Portal, ann: Credentials) -> None:
    come_in(portal, ann, code=ann.recovery[0].lower())
    assert signins(portal)[-1].params["by"] == "recovery code"
    stays_out(portal, ann, code=ann.recovery[0])


WRONG = (
    *({"password": each} for each in ("nine purple otters rowinG", "", " ", "x" * 10_000, "a\0b")),
    *({"code": each} for each in ("000000", "", "٠٠٠٠٠٠")),
)


def test_without_both_nobody_comes_in_and_all_are_told_the_same(portal: Portal, ann: Credentials) -> None:
    for wrong in WRONG:
        assert str(stays_out(portal, ann, **wrong)) == str(NotIn("whatever")), wrong
        made = signins(portal)[-1]
        assert (made.action, made.operator, made.case) == ("operators.refuse", 0, portal.operator().id)
        assert made.params == {"why": "code" if "code" in wrong else "password"}
    assert portal.all(sa.select(t.session)) == []


def test_who_is_unknown_disabled_or_a_program_hears_what_a_wrong_password_hears(
    portal: Portal, ann: Credentials
) -> None:
    """VULNERABILITY: a sentence, a delay or a record that tells a known name from an unknown one.

    ATTACK: names that nobody has, that were disabled, that are programs; also with SQL, LDAP and shell in them.
    VERIFIES: one sentence; whose name it was is only in the ledger; what was typed is nowhere.
    """
    portal.hire("gone", "help_desk")
    with portal.office.writing() as connection:
        connection.execute(t.operator.update().where(t.operator.c.name == "gone").values(status="disabled"))
    said = {str(stays_out(portal, ann, password="wrong"))}
    for name in (
        "nobody",
        "gone",
        "intake",
        "*",
        "ann)(uid=*",
        "'; DROP TABLE operator --",
        "",
        "\ud800",
        "\0",
        ann.password,
    ):
        said.add(str(stays_out(portal, Credentials(name, ann.password, ann.seed, ()))))
    assert len(said) == 1
    kept = str([row.body for row in portal.all(sa.select(t.record))]) + str(portal.all(sa.select(t.signin_delay)))
    assert ann.password not in kept
    assert "nobody" not in kept
    assert [made.params["why"] for made in signins(portal)][:4] == ["password", "name", "disabled", "program"]


def test_guessing_gets_slower_whatever_was_wrong_and_a_right_one_ends_it(portal: Portal, ann: Credentials) -> None:
    for wait in (1, 2, 4):
        with pytest.raises(NotIn):
            come_in(portal, ann, code="000000")
        with pytest.raises(TooSoon, match=f"Wait {wait}"):
            come_in(portal, ann)
        portal.clock.advance(timedelta(seconds=wait + 1))
    portal.clock.advance(timedelta(seconds=30))
    come_in(portal, ann)
    with pytest.raises(NotIn):
        come_in(portal, ann, code="000000")
    with pytest.raises(TooSoon, match=r"Wait [12] "):
        come_in(portal, ann)


def test_one_code_at_two_consoles_at_once_lets_one_in(portal: Portal, ann: Credentials) -> None:
    """VULNERABILITY: a code read over a shoulder is used a second time within its half minute.

    ATTACK: the same name, password and code from four consoles at the same moment.
    VERIFIES: one session begins.
    """
    code, came = ann.code(portal.clock.now()), []

    def come() -> None:
        with contextlib.suppress(Refused, Unavailable):
            came.append(come_in(portal, ann, code=code))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(came) == 1
    assert len(portal.all(sa.select(t.session))) == 1


def test_a_one_time_word_opens_the_setting_up_and_no_session(portal: Portal) -> None:
    portal.hire("new", "help_desk")
    asking(portal)
    number = portal.operator("new").id
    with portal.office.writing() as connection:
        word = invite(
            connection, portal.office.vault, number, None, portal.clock.now(), portal.settings, portal.office.random
        )
    with pytest.raises(WordGiven) as given:
        enter(portal.office, None, "new", word, "", LINE)
    assert (given.value.operator_id, given.value.local) == (number, True)
    portal.clock.advance(timedelta(hours=72))
    stays_out(portal, Credentials("new", word, b"", ()), code="")
    assert portal.all(sa.select(t.session)) == []


# Keys


def test_the_first_key_becomes_the_operators_and_then_only_a_tied_key_does(portal: Portal, ann: Credentials) -> None:
    """VULNERABILITY: a stolen password and a telephone let somebody in from any key.

    ATTACK: another key, the key of another operator; and what the operator does with their own key and without SSH.
    VERIFIES: refused with the sentence of a wrong password, and on record as a key.
    """
    come_in(portal, ann, fingerprint=KEY)
    assert signins(portal)[-1].params["tied"] == "new"
    portal.clock.advance(timedelta(seconds=60))
    come_in(portal, ann, fingerprint=KEY)
    assert signins(portal)[-1].params["tied"] == "known"
    portal.clock.advance(timedelta(seconds=60))
    assert str(stays_out(portal, ann, fingerprint=OTHER_KEY)) == str(NotIn("whatever"))
    assert signins(portal)[-1].params == {"why": "key"}
    come_in(portal, ann)
    portal.hire("ben", "help_desk")
    ben = equip(portal.settings, "ben")
    stays_out(portal, ben, fingerprint=KEY)
    assert signins(portal)[-1].params == {"why": "key"}
    come_in(portal, ben, fingerprint=OTHER_KEY)


def test_a_program_has_no_way_in_even_with_a_password_and_a_factor(portal: Portal) -> None:
    """VULNERABILITY: a program's name with a password that somebody put into the table.

    ATTACK: password and second factor for the program intake, written into the database.
    VERIFIES: no session.
    """
    program = equip(asking(portal).settings, "intake")
    stays_out(portal, program)
    assert signins(portal)[-1].params == {"why": "program"}
    assert programs.program(portal.office, "intake").unattended


# Break-glass


def test_the_emergency_login_is_announced_to_everybody_who_would_know(portal: Portal, ann: Credentials) -> None:
    for name, email in (("ben", "ben@mail.example"), ("cas", None)):
        portal.hire(name, "district_administrator")
        with portal.office.writing() as connection:
            connection.execute(t.operator.update().where(t.operator.c.name == name).values(email=email))
    portal.hire("help", "help_desk")
    with portal.office.writing() as connection:
        connection.execute(t.operator.update().where(t.operator.c.name == "help").values(email="help@mail.example"))
        connection.execute(t.operator.update().where(t.operator.c.name == ann.name).values(break_glass=True))
    stays_out(portal, ann, code="000000")
    assert portal.all(sa.select(t.notice)) == []
    come_in(portal, ann)
    told = portal.all(sa.select(t.notice).order_by(t.notice.c.id))
    assert {(each.address, each.template) for each in told} == {
        ("ben@mail.example", "break-glass-used"),
        ("alerts@mail.example", "break-glass-used"),
        ("office@mail.example", "break-glass-used"),
    }
    assert signins(portal)[-1].action == "operators.break_glass"
    from console.notices.rendering import render

    with portal.office.reading() as connection:
        letter = render(connection, portal.settings, portal.office.vault, told[0])
    assert "emergency login administrator of" in " ".join(letter.text.split())


@pytest.fixture
def portal(database_url: str, tmp_path: Path) -> Iterator[Portal]:
    made = open_portal(
        database_url,
        tmp_path,
        mail={"alerts": ["office@mail.example"]},
        directory={"alerts": ["alerts@mail.example"]},
    )
    yield made
    made.office.engine.dispose()


# The directory


@pytest.fixture
def placed(tmp_path: Path, slapd: Slapd) -> Iterator[Portal]:
    """A portal on SQLite, with the two schools and the directory of the tests."""
    made = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, directory=slapd.table())
    for code in ("LHS", "RMS"):
        made.school(code, code=code)
    asking(made, open_directory(made.settings, made.clock))
    yield made
    made.office.engine.dispose()


def first_try(portal: Portal, name: str) -> Credentials:
    """Somebody of the directory, known here after a first attempt, and given a second factor."""
    unknown = Credentials(name, DIRECTORY_PASSWORD, b"", ())
    stays_out(portal, unknown, code="")
    made = equip(portal.settings, name)
    with portal.office.writing() as connection:
        connection.execute(t.operator_password.delete())
    return Credentials(name, DIRECTORY_PASSWORD, made.seed, made.recovery)


def operator_row(portal: Portal, name: str) -> Any:
    return portal.all(sa.select(t.operator).where(t.operator.c.name == name))[0]


def test_who_the_directory_places_becomes_known_and_still_needs_a_factor(placed: Portal, slapd: Slapd) -> None:
    """VULNERABILITY: a stolen directory password enrols its thief's telephone.

    ATTACK: the right password, again and again, before the person ever came.
    VERIFIES: no session and no enrolment without a one-time word from an administrator; the word alone is nothing either.
    """
    bob = Credentials("bob", DIRECTORY_PASSWORD, b"", ())
    for code in ("", "000000"):
        assert str(stays_out(placed, bob, code=code)) == str(NotIn("whatever"))
    assert [made.action for made in signins(placed)] == ["operators.arrive", *["operators.refuse"] * 2]
    row = operator_row(placed, "bob")
    assert (row.role, row.origin, row.directory_id) == ("help_desk", "directory", slapd.uuid("bob"))
    with placed.office.writing() as connection:
        word = invite(
            connection, placed.office.vault, row.id, 1, placed.clock.now(), placed.settings, placed.office.random
        )
    stays_out(placed, bob, password=word, code=word)
    with pytest.raises(WordGiven) as given:
        come_in(placed, bob, code=word)
    assert (given.value.operator_id, given.value.local) == (row.id, False)


def test_a_directory_operator_has_the_role_and_schools_of_their_groups(placed: Portal, slapd: Slapd) -> None:
    slapd.add_person("ivy", "Ivy", "Idris", groups=["help-desk"])
    try:
        ivy = first_try(placed, "ivy")
        begun = come_in(placed, ivy)
        assert (begun.operator.role, len(begun.operator.schools or ())) == ("help_desk", 2)
        slapd.leave("help-desk", dn_of("ivy"))
        slapd.join("principals", dn_of("ivy"))
        placed.clock.advance(timedelta(seconds=60))
        again = come_in(placed, ivy)
    finally:
        slapd.delete("ivy")
    assert (again.operator.role, len(again.operator.schools or ())) == ("school_administrator", 1)
    moved = next(made for made in signins(placed) if made.action == "operators.follow")
    assert (moved.before["role"], moved.after["role"]) == ("help_desk", "school_administrator")
    with pytest.raises(Refused, match="was ended"), placed.office.reading(begun.operator):
        pass


def test_who_is_in_no_group_of_the_console_is_nobody_here(placed: Portal) -> None:
    for name in ("eve", "fay", "gil"):
        stays_out(placed, Credentials(name, DIRECTORY_PASSWORD, b"", ()), code="123456")
        assert signins(placed)[-1].params == {"why": "group"}
        assert not placed.all(sa.select(t.operator).where(t.operator.c.name == name))


def test_groups_whose_schools_are_not_here_do_not_mean_all_schools(placed: Portal) -> None:
    """VULNERABILITY: no school found for the codes of a group, and none means all.

    ATTACK: a directory that names schools which the roster has not brought yet.
    VERIFIES: refused.
    """
    with placed.office.writing() as connection:
        connection.execute(t.school.update().values(code=sa.literal("gone-").concat(t.school.c.code)))
    stays_out(placed, Credentials("bob", DIRECTORY_PASSWORD, b"", ()), code="123456")
    assert signins(placed)[-1].params == {"why": "conflict"}


def test_a_login_that_a_local_operator_has_signs_in_nobody_of_the_directory(placed: Portal) -> None:
    placed.hire("ann", "help_desk")
    stays_out(placed, Credentials("ann@district.example", DIRECTORY_PASSWORD, b"", ()), code="123456")
    assert signins(placed)[-1].params == {"why": "conflict"}
    local = equip(placed.settings, "ann", "a local password of hers")
    stays_out(placed, Credentials("ann", DIRECTORY_PASSWORD, local.seed, ()))
    assert come_in(placed, local).operator.role == "help_desk"


def test_a_silent_directory_lets_nobody_in_by_a_local_password(placed: Portal, slapd: Slapd) -> None:
    """VULNERABILITY: whoever cuts the line to the directory gets in with an older, weaker or planted local password.

    ATTACK: a directory operator with a password in the local table; the directory stopped.
    VERIFIES: nobody comes in by it; the sentence says that the directory is silent; a local operator still does.
    """
    bob = first_try(placed, "bob")
    planted = equip(placed.settings, "bob", "a planted local password")
    ann = equip(placed.settings)
    slapd.stop()
    try:
        for password in (planted.password, bob.password):
            with pytest.raises(Unavailable, match="The directory does not answer"):
                come_in(placed, planted, password=password)
            placed.clock.advance(timedelta(seconds=300))
        come_in(placed, ann)
    finally:
        slapd.start()
    stays_out(placed, planted)
    assert [row.operator_id for row in placed.all(sa.select(t.session))] == [1]
