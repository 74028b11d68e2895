"""Who works here is decided at a desk: proposed, let in, placed, reset, let go – by others, on record, and at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.assurance import Demonstration
from console.authority import Role
from console.desks import desk
from console.errors import ConsoleError, Refused, SignedOut, Usage
from console.ledger import log
from console.notices.rendering import render
from console.office import Office
from console.operators import Hired, add_operator
from console.selection import Selection
from console.signin.sessions import Sessions
from models import tables as t
from models.engine import open_engine
from models.words import OperatorOrigin, OperatorStatus, SessionKind
from tests.line_mode import LineMode, write_settings
from tests.signing import equip

if TYPE_CHECKING:
    from pathlib import Path

    from console.signin.sessions import Begun
    from tests.portals import Portal

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJGqXkGFcW2kyNDRpfWj6nUbxxlXx2mT2hVxKqhKZ0Fh somebody@their-laptop"
WAITED = timedelta(hours=25)
"""After which two operators of whom one brought the other in may answer each other's requests."""


@pytest.fixture
def two(portal: Portal) -> Portal:
    """A portal in which a second person is asked for, with three administrators and a help desk."""
    portal.office.assurance = Demonstration()
    for name in ("ann", "ben", "cat"):
        portal.hire(name, "district_administrator")
    portal.hire("hal", "help_desk")
    return portal


def number(portal: Portal, name: str) -> int:
    (row,) = portal.all(sa.select(t.operator.c.id).where(t.operator.c.name == name))
    return int(row.id)


def row_of(portal: Portal, name: str) -> Any:
    return portal.one(t.operator, number(portal, name))


def session_of(portal: Portal, name: str, fingerprint: str | None = None) -> Begun:
    with portal.office.writing() as connection:
        return Sessions(portal.settings).begin(
            connection, number(portal, name), SessionKind.SCREEN, portal.clock.now(), portal.office.random, fingerprint
        )


def alive(portal: Portal, begun: Begun) -> bool:
    with portal.office.reading() as connection:
        try:
            Sessions(portal.settings).present(connection, begun.operator, portal.clock.now())
        except SignedOut:
            return False
    return True


def decide(portal: Portal, by: str, decision: str, whom: str, **typed: Any) -> Any:
    return portal.decide("operators", decision, number(portal, whom), by=portal.operator(by), **typed)


def last_record(portal: Portal) -> log.Record:
    body = portal.all(sa.select(t.record.c.body).where(t.record.c.log == "ledger").order_by(t.record.c.index))[-1][0]
    return log.decode(body)


def why(receipt: Any) -> str:
    assert receipt.done == 0
    (skip,) = receipt.skipped
    return str(skip.why)


# Coming


def test_who_is_added_waits_and_who_works_here_is_told(two: Portal) -> None:
    two.change(t.operator, number(two, "ben"), email="ben@office.example")
    hired = Hired("lee", Role.AUDITOR, email="lee@office.example")
    lee = add_operator(two.office, two.operator("ann"), hired)
    assert row_of(two, "lee").status == OperatorStatus.PROPOSED
    with pytest.raises(Refused):
        two.operator("lee")
    record = last_record(two)
    assert (record.action, record.case, record.operator) == ("operators.add", lee, number(two, "ann"))
    assert record.after == {"role": "auditor", "status": "proposed"}
    assert "lee" not in str(record), "a record names numbers alone"
    notices = two.all(sa.select(t.notice))
    assert [notice.address for notice in notices] == ["ben@office.example"], "not Lee, who does not work here yet"
    with two.office.reading() as connection:
        letter = render(connection, two.settings, two.office.vault, notices[0])
    assert f"operator no. {lee}" in letter.subject
    assert "lee" not in letter.subject + letter.text


def test_letting_somebody_in_takes_two(two: Portal) -> None:
    lee = add_operator(two.office, two.operator("ann"), Hired("lee", Role.HELP_DESK))
    asked = decide(two, "ann", "enable", "lee")
    assert (asked.done, asked.request is not None) == (0, True)
    assert row_of(two, "lee").status == OperatorStatus.PROPOSED
    assert two.decide("requests", "confirm", asked.request, by=two.operator("ann")).done == 0, "not one's own"
    assert two.decide("requests", "confirm", asked.request, by=two.operator("ben")).done == 1
    assert two.operator("lee").id == lee


def test_the_first_colleague_is_let_in_by_the_only_operator_there_is(portal: Portal) -> None:
    portal.office.assurance = Demonstration()
    for name in ("lee", "max"):
        add_operator(portal.office, portal.operator(), Hired(name, Role.DISTRICT_ADMINISTRATOR))
    assert decide(portal, "administrator", "enable", "lee").done == 1
    second = decide(portal, "administrator", "enable", "max")
    assert (second.done, second.request is not None) == (0, True), "from then on there are two"


@pytest.mark.parametrize(
    "hired",
    [
        Hired("", Role.AUDITOR),
        Hired("a\nb", Role.AUDITOR),
        Hired("x" * 61, Role.AUDITOR),
        Hired("ANN", Role.AUDITOR),
        Hired("lee", Role.AUDITOR, ("nowhere",)),
        Hired("lee", Role.AUDITOR, origin=OperatorOrigin.PROGRAM),
        Hired("lee", Role.INTAKE),
        Hired("lee", Role.AUDITOR, email="lee@office.example, eve@office.example"),
        Hired("lee", Role.AUDITOR, break_glass=True),
        Hired("lee", Role.DISTRICT_ADMINISTRATOR, origin=OperatorOrigin.DIRECTORY, break_glass=True),
    ],
    ids=["no name", "two lines", "long", "taken", "no school", "broad", "narrow", "two addresses", "glass", "glass 2"],
)
def test_nobody_is_added_by_halves(two: Portal, hired: Hired) -> None:
    before = (two.office.size(), len(two.all(sa.select(t.operator.c.id))))
    with pytest.raises((Refused, Usage), match="nobody was added"):
        add_operator(two.office, two.operator("ann"), hired)
    assert (two.office.size(), len(two.all(sa.select(t.operator.c.id)))) == before


def test_a_program_gets_a_key_that_only_its_owner_can_read(two: Portal) -> None:
    from console.signin.programs import key_file, program

    add_operator(two.office, two.operator("ann"), Hired("nightly", Role.INTAKE, origin=OperatorOrigin.PROGRAM))
    file = key_file(two.settings, "nightly")
    assert file.stat().st_mode & 0o777 == 0o400
    assert file.read_bytes().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    with pytest.raises(Refused):
        program(two.office, "nightly")
    asked = decide(two, "ann", "enable", "nightly")
    two.decide("requests", "confirm", asked.request, by=two.operator("ben"))
    assert program(two.office, "nightly").unattended
    assert why(decide(two, "ann", "reset", "nightly", reason="lost")) == "a program has a key alone; take that away"
    assert "role intake" in why(decide(two, "ann", "role", "nightly", role="auditor", schools="all"))


# Going


def test_who_is_disabled_is_out_at_once_and_everywhere(two: Portal) -> None:
    sessions = [session_of(two, "hal") for _ in range(2)]
    assert all(alive(two, each) for each in sessions)
    receipt = decide(two, "ann", "disable", "hal")
    assert (receipt.done, receipt.request) == (1, None), "letting go never waits for a second person"
    assert not any(alive(two, each) for each in sessions)
    assert last_record(two).after["status"] == "disabled"


def test_no_undo_brings_back_who_was_let_go(two: Portal) -> None:
    """VULNERABILITY: undoing takes one operator where letting in takes two.

    ATTACK: an administrator undoes an old batch that disabled a friend, or one that took away a role.
    VERIFIES: no decision about operators can be undone, sessions of before stay ended, and enabling again takes two.
    """
    begun = session_of(two, "hal")
    batch = decide(two, "ann", "disable", "hal").batch
    with pytest.raises(Refused, match="cannot be undone"):
        two.undo(batch, two.operator("ann"))
    assert all(not each.undoable for each in desk("operators").decisions)
    asked = decide(two, "ann", "enable", "hal")
    two.decide("requests", "confirm", asked.request, by=two.operator("cat"))
    assert two.operator("hal")
    assert not alive(two, begun)


@pytest.mark.parametrize(
    ("decision", "typed"),
    [("disable", {}), ("role", {"role": "auditor", "schools": "all"}), ("reset", {"reason": "lost"})],
    ids=["disable", "role", "reset"],
)
def test_nobody_decides_about_themselves(two: Portal, decision: str, typed: dict[str, str]) -> None:
    assert why(decide(two, "ann", decision, "ann", **typed)) == "nobody decides this about themselves"


def test_one_may_sign_oneself_out_everywhere(two: Portal) -> None:
    begun = session_of(two, "ann")
    assert decide(two, "ann", "signout", "ann").done == 1
    assert not alive(two, begun)
    assert alive(two, session_of(two, "ann")), "and sign in again"


def test_one_administrator_always_stays(two: Portal) -> None:
    for name in ("administrator", "ben", "cat"):
        assert decide(two, "ann", "disable", name).done == 1
    two.change(t.operator, number(two, "ann"), role="district_administrator")
    school = two.school()
    half = two.hire("half", "district_administrator", (school,))
    assert half.schools
    two.hire("glass", "district_administrator")
    two.change(t.operator, number(two, "glass"), break_glass=True)
    last = "it is the last district administrator"
    assert why(decide(two, "glass", "disable", "ann")) == last, "neither some schools nor the sealed account count"
    assert why(decide(two, "glass", "role", "ann", role="auditor", schools="all")) == last
    assert why(decide(two, "glass", "role", "ann", role="district_administrator", schools="lincoln")) == last


def test_two_administrators_who_disable_each_other_at_once_leave_one(portal: Portal, database_url: str) -> None:
    """VULNERABILITY: each of two transactions sees the other administrator still there.

    ATTACK: the last two administrators disable each other in the same instant.
    VERIFIES: on either engine one of them stays, round after round.
    """
    names = ("administrator", "ben")
    portal.hire("ben", "district_administrator")
    operators = desk("operators")
    disable = operators.decision("disable")
    for round_ in range(4):
        start = threading.Barrier(2)
        offices = [office_at(portal, database_url) for _ in names]
        whom = [number(portal, name) for name in names]

        def run(n: int, start: Any = start, offices: Any = offices, whom: Any = whom, r: int = round_) -> None:
            me = portal.operator(names[n])
            start.wait()
            try:
                offices[n].decide(me, operators, disable, Selection(ids=(whom[1 - n],)), disable.Params(), f"{r} {n}")
            except ConsoleError:
                return

        threads = [threading.Thread(target=run, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status = [row_of(portal, name).status for name in names]
        assert OperatorStatus.ACTIVE in status, f"round {round_}"
        for name in names:
            portal.change(t.operator, number(portal, name), status="active")
        for office in offices:
            office.engine.dispose()


def office_at(portal: Portal, url: str) -> Office:
    o = portal.office
    return Office(open_engine(url), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance)


# Roles and schools


def confirmed(two: Portal, asked: Any, by: str = "ben") -> None:
    assert asked.request is not None, asked
    assert two.decide("requests", "confirm", asked.request, by=two.operator(by)).done == 1


def test_a_role_and_schools_are_given_by_two_and_end_the_sessions_of_the_old_ones(two: Portal) -> None:
    lincoln, mission = two.school("Lincoln"), two.school("Mission")
    begun = session_of(two, "hal")
    asked = decide(two, "ann", "role", "hal", role="school_administrator", schools="MISSION, lincoln")
    assert alive(two, begun), "nothing changed yet"
    confirmed(two, asked)
    hal = two.operator("hal")
    assert (hal.role, hal.schools) == (Role.SCHOOL_ADMINISTRATOR, {lincoln, mission})
    assert not alive(two, begun)
    record = last_record_of(two, "operators.role")
    assert (record.before["role"], record.after["role"]) == ("help_desk", "school_administrator")
    assert record.params["schools"] == "MISSION, lincoln"
    assert (
        why(decide(two, "ann", "role", "hal", role="school_administrator", schools="lincoln,mission"))
        == "it is so already"
    )
    confirmed(two, decide(two, "ann", "role", "hal", role="school_administrator", schools="all"))
    assert two.operator("hal").schools is None


def last_record_of(portal: Portal, action: str) -> log.Record:
    bodies = portal.all(sa.select(t.record.c.body).where(t.record.c.action == action).order_by(t.record.c.index))
    return log.decode(bodies[-1][0])


def test_a_role_that_does_not_fit_is_not_given(two: Portal) -> None:
    two.school()
    assert why(decide(two, "ann", "role", "hal", role="auditor", schools="lincoln,nowhere")).startswith("a school of")
    assert "intake" in why(decide(two, "ann", "role", "hal", role="intake", schools="all"))
    with pytest.raises(Usage, match="names no school"):
        decide(two, "ann", "role", "hal", role="auditor", schools=" , ")
    two.change(t.operator, number(two, "hal"), origin="directory", directory_id="x")
    assert "directory" in why(decide(two, "ann", "role", "hal", role="auditor", schools="all"))


def test_who_has_some_schools_gives_no_more_than_those(two: Portal) -> None:
    """VULNERABILITY: an administrator of one school decides about operators.

    ATTACK: they give others all schools, or another school, or reach operators who work for more than they do.
    VERIFIES: those operators do not exist for them, and no more than their own schools can be given.
    """
    lincoln, mission = two.school("Lincoln"), two.school("Mission")
    local = two.hire("local", "district_administrator", (lincoln,))
    two.hire("theirs", "help_desk", (lincoln,))
    two.hire("both", "help_desk", (lincoln, mission))
    listed = {str(row.cells[2].text) for row in two.office.queue(local, desk("operators")).first(50)}
    assert listed == {"local", "theirs"}
    for name in ("both", "hal", "ann"):
        assert why(decide(two, "local", "disable", name)) == "there is no such operator"
    with pytest.raises(Usage, match="cannot give all"):
        decide(two, "local", "role", "theirs", role="auditor", schools="all")
    assert why(decide(two, "local", "role", "theirs", role="auditor", schools="mission")).startswith("a school of")
    with pytest.raises(Usage, match="nobody was added"):
        add_operator(two.office, local, Hired("new", Role.AUDITOR))
    with pytest.raises(Usage, match="nobody was added"):
        add_operator(two.office, local, Hired("new", Role.AUDITOR, ("mission",)))


# What was lost


def test_a_lost_factor_is_reset_by_two_others(two: Portal) -> None:
    """VULNERABILITY: whoever resets a second factor can become its owner.

    ATTACK: one administrator resets alone; or the owner of the lost one confirms; or asks for it themselves.
    VERIFIES: two others are needed; then password, factor, recovery codes, invitations and sessions are all gone.
    """
    equip(two.settings, "hal")
    equip(two.settings, "cat")
    begun = session_of(two, "hal")
    with pytest.raises(Usage, match="needs a reason"):
        decide(two, "ann", "reset", "hal")
    asked = decide(two, "ann", "reset", "hal", reason="telephone lost")
    assert alive(two, begun)
    confirmed(two, asked)
    for table in (t.operator_password, t.operator_factor, t.recovery_code, t.invitation):
        assert not two.all(sa.select(table).where(table.c.operator_id == number(two, "hal"))), table.name
    assert not alive(two, begun)
    asked = decide(two, "ann", "reset", "cat", reason="telephone lost")
    assert "it is about you" in why(two.decide("requests", "confirm", asked.request, by=two.operator("cat")))
    assert two.all(sa.select(t.operator_factor).where(t.operator_factor.c.operator_id == number(two, "cat")))


# Keys


def test_a_key_is_tied_by_its_line_and_kept_as_its_fingerprint(two: Portal) -> None:
    assert decide(two, "ann", "key", "hal", public_key=PUBLIC).done == 1
    (row,) = two.all(sa.select(t.operator_key).where(t.operator_key.c.operator_id == number(two, "hal")))
    assert row.fingerprint == openssh_fingerprint(PUBLIC)
    record = last_record(two)
    assert record.params["public_key"] == row.fingerprint
    assert "laptop" not in str(record), "the comment of a key names people and their machines"
    assert why(decide(two, "ann", "key", "hal", public_key=row.fingerprint)) == "that key is tied to it already"
    assert why(decide(two, "ann", "key", "ben", public_key=PUBLIC)) == "that key is another operator's"
    assert why(decide(two, "ann", "key", "ben", public_key=PUBLIC, remove="yes")) == "that key is not tied to it"


def test_taking_a_key_away_ends_the_sessions_that_came_with_it(two: Portal) -> None:
    fingerprint = openssh_fingerprint(PUBLIC)
    decide(two, "ann", "key", "hal", public_key=PUBLIC)
    with_it, without = session_of(two, "hal", fingerprint), session_of(two, "hal")
    assert decide(two, "ann", "key", "hal", public_key=fingerprint, remove="yes").done == 1
    assert (alive(two, with_it), alive(two, without)) == (False, True)
    assert not two.all(sa.select(t.operator_key).where(t.operator_key.c.fingerprint == fingerprint))


def openssh_fingerprint(line: str) -> str:
    """As OpenSSH itself prints it."""
    import subprocess

    told = subprocess.run(["ssh-keygen", "-lf", "-"], input=line, capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


@pytest.mark.parametrize(
    "typed",
    [
        *("x", "ssh-ed25519", "ssh-ed25519 AAAA", "SHA256:short", "ssh-dss AAAAB3NzaC1kc3MAAACB", "MD5:" + "0" * 43),
        *(PUBLIC.replace("ssh-ed25519", "ssh-rsa", 1), "SHA256:" + "/" * 42 + "_", "SHA256:" + "A" * 42 + "B"),
    ],
    ids=["letter", "kind", "cut", "short", "dss", "MD5", "kind of another", "no base 64", "loose bits"],
)
def test_what_is_no_key_is_not_tied(two: Portal, typed: str) -> None:
    with pytest.raises(Usage, match="no public key"):
        decide(two, "ann", "key", "hal", public_key=typed)


def test_a_private_key_is_refused_without_being_kept(two: Portal) -> None:
    secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----"
    with pytest.raises(Usage, match="private key") as refused:
        decide(two, "ann", "key", "hal", public_key=secret)
    assert "b3Blbn" not in str(refused.value)
    assert two.office.size() == 0


# The desk


def test_the_queue_is_filtered_and_tells_who_has_what(two: Portal, tmp_path: Path) -> None:
    lincoln = two.school("Lincoln")
    two.hire("sue", "school_administrator", (lincoln,))
    equip(two.settings, "sue")
    line = LineMode(two, write_settings(two, tmp_path))

    def names(where: str) -> set[str]:
        return {row["name"] for row in line.json("operators", "list", "--where", where, by="ann")}

    assert names("role:school_administrator") == {"sue"}
    assert names("factor:yes") == {"sue"}
    assert names("state:active -role:district_administrator -role:intake") == {"hal", "sue"}
    assert "sue" in names("school:LINCOLN")
    assert {"ann", "hal"} <= names("school:lincoln"), "who has all schools works for each"
    assert names("origin:directory") == set()
    assert names("su") == {"sue"}
    (sue,) = line.json("operators", "list", "--where", "sue", by="ann")
    assert (sue["schools"], sue["factor"], sue["last"]) == (["Lincoln".lower()], True, None)
    for column in ("id", "state", "name", "role", "origin", "factor", "last"):
        assert line.run("operators", "list", "--order", column, by="ann").code == 0, column


def test_what_stands_beside_an_operator_holds_no_secret(two: Portal, tmp_path: Path) -> None:
    known = equip(two.settings, "hal")
    decide(two, "ann", "key", "hal", public_key=PUBLIC)
    session_of(two, "hal")
    shown = LineMode(two, write_settings(two, tmp_path)).run("operators", "show", number(two, "hal"), by="ann")
    assert shown.code == 0
    for said in ("help desk", "10 of 10 left", "1 not ended", openssh_fingerprint(PUBLIC), "enrolled 20"):
        assert said in shown.out, shown.out
    (encoded,) = two.all(sa.select(t.operator_password.c.encoded))[0]
    for secret in (*known.recovery, known.code(two.clock.now()), encoded):
        assert secret not in shown.out


@pytest.mark.parametrize("role", ["help_desk", "school_administrator", "privacy_officer", "after_school_coordinator"])
def test_who_works_here_is_not_everybodys_business(two: Portal, tmp_path: Path, role: str) -> None:
    """VULNERABILITY: a list of administrators says whom to write a convincing message to.

    ATTACK: a role without the right lists, shows, filters and decides.
    VERIFIES: it is refused each of it, with nothing in the answer but that.
    """
    two.hire("nosy", role)
    line = LineMode(two, write_settings(two, tmp_path))
    ann = number(two, "ann")
    for words in (
        ("list",),
        ("list", "--where", "role:district_administrator"),
        ("show", ann),
        ("disable", "--ids", ann),
        ("disable", "--ids", ann, "--preview"),
        ("invite", "ann"),
        ("add", "new", "--role", "auditor"),
    ):
        answer = line.run("operators", *words, by="nosy")
        assert answer.code == 1, words
        assert "does not have the right" in answer.sentence
        assert "ann" not in answer.sentence.replace("cannot", "")


def test_deciding_says_beforehand_why_it_cannot(two: Portal) -> None:
    view = two.office.case(two.operator("ann"), desk("operators"), number(two, "ann"))
    assert view.decisions["disable"] == "nobody decides this about themselves"
    assert view.decisions["enable"] == "it is active"
    assert view.decisions["signout"] is None
    auditor = two.hire("aud", "auditor")
    seen = two.office.case(auditor, desk("operators"), number(two, "ann"))
    assert set(seen.decisions.values()) == {"your role does not have this right"}


def test_a_plan_opens_no_students_record(two: Portal) -> None:
    plan = two.plan("operators", "disable", number(two, "hal"), by=two.operator("ann"))
    assert (plan.count, plan.opens, plan.closes) == (1, 0, 0)
