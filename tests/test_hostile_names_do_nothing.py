"""ATTACK: every text that comes from outside – names, statements, schools, organisations, messages – is hostile, and everything that
shows it is opened on a real terminal and in every format.

VERIFIES: the program lives, no byte of a name is an order to the terminal, no key is pressed by a name, and nothing is decided.
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.ledger.verifying import verify
from fixtures.hostile import ESCAPES, HOSTILE_NAMES
from models import tables as t
from tests.line_mode import LineMode, write_settings
from tests.portals import open_portal
from tests.services.pty import Pty
from tests.signing import equip, type_sign_in
from tests.test_bad_days_lose_nothing import DISTRICT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.portals import Portal

DESKS = ("registrations", "challenges", "students", "grants", "schools", "audit")
CASES = 24
SCHOOLS = 6
JOINING = "\u200c\u200d"
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
SEQUENCE = re.compile(
    rb"\x1b\[(?P<csi>[0-?]*)[ -/]*(?P<final>[@-~])|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)|"
    rb"\x1b(?P<string>[PX^_])|\x1b[ -/]*(?P<two>[0-~])"
)


@dataclass(frozen=True)
class Written:
    """What a program wrote to a terminal: the kinds of its sequences, and everything else as text."""

    kinds: frozenset[str]
    text: str

    @classmethod
    def read(cls, data: bytes) -> Written:
        kinds: set[str] = set()

        def named(found: re.Match[bytes]) -> bytes:
            if found["final"]:
                private = found["csi"][:1] if found["csi"][:1] in b"<=>?" else b""
                kinds.add(f"CSI {private.decode()}{found['final'].decode()}")
            elif found["osc"] is not None:
                kinds.add(f"OSC {found['osc'].partition(b';')[0].decode(errors='replace')}")
            else:
                kinds.add(f"ESC {(found['string'] or found['two']).decode()}")
            return b""

        rest = SEQUENCE.sub(named, data)
        return cls(frozenset(kinds), rest.decode())

    @property
    def orders(self) -> set[str]:
        """Characters that a terminal takes for more than themselves."""
        text = self.text.replace("\r\n", "\n")
        return {c for c in text if unicodedata.category(c) in UNPRINTABLE} - set("\n" + JOINING)


def fill(portal: Portal, names: Iterator[str]) -> None:
    """Cases of every desk in which every text is the next of `names`."""
    schools = [portal.school(next(names), code=f"code{n}", asp=True) for n in range(SCHOOLS)]
    for n in range(CASES):
        school = schools[n % SCHOOLS]
        student = portal.student(
            next(names), next(names), school=school, grade=next(names)[:20], middle_name=next(names)
        )
        portal.contact(student, next(names), next(names), relation=next(names))
        registration = portal.registration(
            student,
            given=next(names),
            family=next(names),
            relation=next(names),
            email=next(names),
            phone=next(names),
            organisation_name=next(names),
            student_given_name=next(names),
            student_family_name=next(names),
            student_number=next(names),
        )
        row = portal.one(t.registration, registration)
        common = {"arrived_at": portal.clock.now(), "student_id": student, "school_id": school}
        portal.add(
            t.challenge,
            ref=next(names) + str(n),
            membership_id=row.membership_id,
            account_id=row.account_id,
            challenger_id=row.account_id,
            statement=next(names),
            state="open",
            answer_due=portal.today + timedelta(days=1),
            decision_due=portal.today,
            **common,
        )
        organisation = portal.add(t.organisation, name=next(names), name_key=f"organisation {n}")
        professional = portal.account(
            f"{next(names)}{n}", "asp", next(names), next(names), organisation_id=organisation
        )
        portal.add(t.access_grant, ref=f"grant {n}", account_id=professional, purpose=next(names), **common)


def harmless() -> Iterator[str]:
    return cycle(("Ann", "Lee", "Ana Vale"))


def hostile() -> Iterator[str]:
    return cycle(HOSTILE_NAMES)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """A portal of hostile names, with an operator of such a name and decisions whose reasons and messages are hostile."""
    folder = tmp_path_factory.mktemp("besieged")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    names = hostile()
    fill(portal, names)
    eve = portal.hire("Eve\x1b]0;owned\x07[@click=app.quit]\u202e", "district_administrator")
    for case, name in enumerate(islice(names, 12), CASES - 11):
        if name.strip():
            portal.decide("registrations", "ask", case, message=name, reason=name, by=eve)
            portal.decide("registrations", "reject", case, message=name, reason=name)
    write_settings(portal, folder)
    return portal


SIGN_IN_AND_OUT = 2
"""Records that the walk itself leaves."""


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """What the console writes where every name is harmless."""
    folder = tmp_path_factory.mktemp("peace")
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    fill(portal, harmless())
    portal.hire("Eve", "district_administrator")
    portal.decide("registrations", "ask", CASES, message="Come.", reason="Why not?")
    write_settings(portal, folder)
    return walk(portal, 80, 24, 2)


def walk(portal: Portal, columns: int, rows: int, cases: int) -> Written:
    """Everything the console shows, with so many cases of each desk, on a terminal of this size; nothing is said yes to."""
    command: list[str | Path] = [
        DISTRICT,
        "--config",
        portal.settings.folder / "district.toml",
        "--operator",
        "administrator",
    ]
    who = equip(portal.settings)
    with Pty(command, columns=columns, rows=rows) as pty:
        type_sign_in(pty, who, name=False)
        pty.wait_for("What waits")
        for digit, name in enumerate(DESKS, 1):
            pty.send(str(digit))
            pty.wait_for(TITLES[name])
            clear(pty, name)
            for _ in range(CASES // (rows - 8) + 1):
                press(pty, "\x1b[6~")
            press(pty, "g")
            for key in DIALOGS[name]:
                press(pty, key)
                pty.wait_for("Cancel")
                press(pty, "\x1b")
                gone(pty, "Cancel")
            press(pty, "\r")
            pty.wait_for("Next")
            for _ in range(cases - 1 if name == "registrations" else min(cases, 8) - 1):
                press(pty, "n")
            press(pty, "\x1b")
            pty.wait_for(TITLES[name])
        press(pty, "\x06")
        pty.wait_for("Find a person")
        for sought in ("Ann", "O'", "[", "=1", "李"):
            press(pty, "\x15")
            press(pty, sought)
            time.sleep(0.3)  # who was found is listed when the typing rests
        press(pty, "\x1b")
        gone(pty, "Find a person")
        press(pty, ":")
        press(pty, "q\r")
        pty.wait_for("Leave the console?")
        press(pty, "y")
        assert pty.exit_code() == 0
        return Written.read(pty.written)


TITLES = {
    "registrations": " Registrations ",
    "challenges": " Challenges ",
    "students": " Students ",
    "grants": " After-school grants ",
    "schools": " Schools ",
    "audit": " Audit ",
}
DIALOGS = {
    "registrations": "ar",
    "challenges": "bD",
    "students": "cb",
    "grants": "ar",
    "schools": "rh",
    "audit": "",
}
"""Keys of decisions that ask in a dialog."""


def press(pty: Pty, keys: str) -> None:
    """Send keys, and wait until the answer to them has been written."""
    pty.send(keys)
    before, still = -1, 0
    deadline = time.monotonic() + 5
    while still < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
        size = len(pty.written)
        still = still + 1 if size == before else 0
        before = size


def clear(pty: Pty, name: str) -> None:
    """Show everything, whatever waits."""
    if name in ("registrations", "challenges", "grants"):
        press(pty, "/")
        pty.wait_for("as it was.")
        press(pty, "\x15")
        press(pty, "\r")
        pty.wait_for("everything")


def gone(pty: Pty, text: str) -> None:
    deadline = time.monotonic() + 10
    while text in "\n".join(pty.screen()):
        assert time.monotonic() < deadline, "\n".join(pty.screen())
        time.sleep(0.02)


def test_a_name_that_got_through_would_be_seen() -> None:
    for name in (*ESCAPES, "Ann\u202enhoJ", "\ufeffAnn", "Ann\u2028Bob", "Ann\ue000", "Ann\tBob", "Ann\rBob"):
        written = Written.read(f"Dear {name}, hello\r\n".encode())
        assert written.kinds or written.orders, ascii(name)


@pytest.mark.campaign
@pytest.mark.parametrize(("columns", "rows", "cases"), [(80, 24, 8), (140, 45, 2)])
def test_no_screen_obeys_a_name(
    besieged: Portal, usual: Written, columns: int, rows: int, cases: int, whole: bool
) -> None:
    size_before = besieged.office.size()
    attacked = walk(besieged, columns, rows, CASES if whole else cases)
    assert attacked.kinds - usual.kinds == set()
    assert attacked.orders == set(), [hex(ord(each)) for each in attacked.orders]
    assert "⟨U+202E⟩" in attacked.text
    assert besieged.office.size() == size_before + SIGN_IN_AND_OUT
    verdict = verify(besieged.office)
    assert verdict.holds, verdict.sentences


@pytest.mark.parametrize("name", DESKS)
def test_no_list_and_no_case_obeys_a_name(besieged: Portal, name: str) -> None:
    line = LineMode(besieged, Path(besieged.settings.folder) / "district.toml")
    texts = []
    for form in ("table", "csv", "json"):
        answer = line.run(name, "list", "--where", "", "--format", form, by="administrator")
        assert answer.code == 0, answer
        texts += [answer.out, answer.err]
        if form == "json":
            assert answer.out.isascii()
            cases = [row["id"] for row in json.loads(answer.out)]
    for case in cases:
        answer = line.run(name, "show", case, by="administrator")
        assert answer.code == 0, answer
        texts += [answer.out, answer.err]
    written = Written.read("".join(texts).encode())
    assert written.kinds == set()
    assert written.orders == set()


@pytest.mark.campaign
def test_no_filter_and_no_finder_obeys_a_name(besieged: Portal, whole: bool) -> None:
    """In the short version each name comes to a third of the commands, and each command gets a third of every kind of name."""
    line = LineMode(besieged, Path(besieged.settings.folder) / "district.toml")
    for n, text in enumerate(HOSTILE_NAMES):
        commands = (
            ("find", "--", text),
            (DESKS[n % len(DESKS)], "list", "--where", text),
            ("registrations", "list", "--where", f"school:{text} state:{text}"),
            ("students", "list", "--where", f'school:"{text}" -number:{text} id:{text}'),
            ("audit", "list", "--where", f"action:{text} operator:{text} batch:{text} day:{text}"),
            ("undo", "--", text),
            ("audit", "export", "--where", text, "--out", "/nowhere/report.zip"),
        )
        for words in commands if whole else commands[n % 3 :: 3]:
            answer = line.run(*words, by="administrator")
            assert answer.code in (0, 1, 2, 5), (words, answer)
            said = Written.read((answer.out + answer.err).encode())
            assert not said.kinds, (words, said.kinds)
            assert not said.orders, (words, said.orders)
    states = {row[0] for row in besieged.all(sa.select(t.challenge.c.state).distinct())}
    assert states == {"open"}
