"""Enrolling on a real terminal of 80×24: the QR code is whole and says what is typed beside it, and nothing secret stays behind."""

from __future__ import annotations

import re
import sys
from base64 import b32decode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.ids import SeededRandom
from console.operators import invite_operator
from console.signin import factor, qr
from console.signin.factor import code_at, step_of
from models import tables as t
from tests.line_mode import write_settings
from tests.portals import Portal, open_portal
from tests.services.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRICT = Path(sys.executable).parent / "district"
PASSWORD = "nine purple otters rowing"
SEED = bytes(range(20))
QUIET = 4


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal by the machine's clock, which the console itself goes by, with an operator who has nothing yet."""
    made = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path, datetime.now(UTC))
    made.hire("Lee Ng", "auditor")
    yield made
    made.office.engine.dispose()


def enrolling(portal: Portal, folder: Path, *words: str, columns: int = 80, rows: int = 24) -> Terminal:
    command = [DISTRICT, "--config", write_settings(portal, folder), "operators", "enrol", *words]
    return Terminal(command, columns=columns, rows=rows, folder=folder)


def modules(screen: list[str]) -> list[list[bool]]:
    """The QR code on the screen, each half of a character a module; its white begins at the left edge."""
    halves = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
    rows: list[list[bool]] = []
    for line in screen:
        pairs = [halves[letter] for letter in line.ljust(qr.WIDTH)[: qr.WIDTH]]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    return rows


def typed_key(screen: list[str]) -> bytes:
    """The seed as somebody types it who cannot scan: what stands in groups of four beside the code."""
    beside = [line[qr.WIDTH :].strip() for line in screen]
    groups = [line for line in beside if re.fullmatch(r"([A-Z2-7]{4} ){3}[A-Z2-7]{4}", line)]
    assert len(groups) == 2, beside
    return b32decode("".join(groups).replace(" ", ""))


def answer(terminal: Terminal, prompt: str, text: str) -> None:
    terminal.wait_for(prompt)
    terminal.type(text)
    terminal.press("Enter")


def to_the_code(portal: Portal, terminal: Terminal) -> None:
    answer(terminal, "One-time word:", invite_operator(portal.office, portal.operator(), "Lee Ng"))
    answer(terminal, "New password:", PASSWORD)
    answer(terminal, "Once more:", PASSWORD)


def test_a_clerk_enrols_at_80_by_24(portal: Portal, tmp_path: Path) -> None:
    import segno

    with enrolling(portal, tmp_path, "Lee Ng") as terminal:
        answer(terminal, "One-time word:", invite_operator(portal.office, portal.operator(), "Lee Ng"))
        answer(terminal, "New password:", "Password123!")
        terminal.wait_for("among the first that")
        answer(terminal, "New password:", PASSWORD)
        answer(terminal, "Once more:", PASSWORD + "x")
        terminal.wait_for("not alike")
        answer(terminal, "New password:", PASSWORD)
        answer(terminal, "Once more:", PASSWORD)
        screen = terminal.wait_for("Code:")
        styled = terminal.screen(styled=True)
        assert len(screen) == 24
        assert screen[-1].startswith("Code:")
        shown = modules(screen[: qr.HEIGHT])
        seed = typed_key(screen)
        address = qr.address(seed, "Lee Ng", portal.settings.portal.name)
        wanted = [[bool(each) for each in row] for row in segno.make(address, error="l", micro=False).matrix]
        size = len(wanted)
        assert [row[QUIET : QUIET + size] for row in shown[QUIET : QUIET + size]] == wanted
        assert not any(any(row) for row in (*shown[:QUIET], *shown[QUIET + size :])), "white above and below"
        assert not any(any(row[:QUIET]) or any(row[QUIET + size :]) for row in shown), "white at both sides"
        assert all("38;5;16" in line and "48;5;231" in line for line in styled[: qr.HEIGHT]), "black on white"
        words = " ".join(line[qr.WIDTH :].strip() for line in screen)
        assert "Scan this with the authenticator app of your telephone." in " ".join(words.split())
        answer(terminal, "Code:", "000000")
        terminal.wait_for("not the code of now")
        assert typed_key(terminal.screen()) == seed, "the same seed: it may be in the telephone already"
        answer(terminal, "Code:", code_at(seed, step_of(datetime.now(UTC))))
        screen = terminal.wait_for("Press Enter when they are written down")
        codes = re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", "\n".join(screen))
        assert len(set(codes)) == 10
        assert all(len(line) <= 79 for line in screen)
        terminal.press("Enter")
        screen = terminal.wait_for("Your sign-in is set up")
        left = "\n".join(screen)
        assert not any(code in left for code in codes)
        assert "▀" not in left
        assert PASSWORD not in left
        assert terminal.exit_code() == 0
    (lee,) = portal.all(sa.select(t.operator.c.id).where(t.operator.c.name == "Lee Ng"))
    with portal.office.writing() as connection:
        assert factor.use(connection, portal.office.vault, lee.id, codes[0], portal.clock.now()) is not None


def test_a_small_terminal_gets_the_key_alone(portal: Portal, tmp_path: Path) -> None:
    with enrolling(portal, tmp_path, "Lee Ng", columns=79) as terminal:
        to_the_code(portal, terminal)
        screen = terminal.wait_for("Code:")
        assert "too small for a QR code" in " ".join(screen)
        assert not any("▀" in line for line in screen)
        terminal.press("C-c")
        terminal.exit_code()
    (row,) = portal.all(sa.select(t.operator.c.id).where(t.operator.c.name == "Lee Ng"))
    assert not portal.all(sa.select(t.operator_factor).where(t.operator_factor.c.operator_id == row.id))


def test_who_gives_up_leaves_nothing_on_the_screen(portal: Portal, tmp_path: Path) -> None:
    """VULNERABILITY: what was shown stays on the screen, or in what can be scrolled back.

    ATTACK: leave with Ctrl-C while the QR code is shown; the next person looks at the terminal.
    VERIFIES: the first screen is back, without the code and without the key; nothing was set up.
    """
    with enrolling(portal, tmp_path, "Lee Ng") as terminal:
        to_the_code(portal, terminal)
        key = typed_key(terminal.wait_for("Code:"))
        terminal.press("C-c")
        terminal.exit_code()
        left = "\n".join(terminal.screen())
        assert "▀" not in left
        assert factor.grouped(qr.letters(key), " ")[:19] not in left


def test_no_secret_goes_into_a_pipe(portal: Portal, tmp_path: Path) -> None:
    """VULNERABILITY: a password that is piped in stands in a shell's history, and a seed that is piped out in a file.

    ATTACK: run the command without a terminal, from a script.
    VERIFIES: it asks nothing and shows nothing.
    """
    import subprocess

    config = write_settings(portal, tmp_path)
    told = subprocess.run(
        [DISTRICT, "--config", config, "operators", "enrol", "Lee Ng"],
        input=f"word\n{PASSWORD}\n{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert (told.returncode, told.stdout) == (1, "")
    assert "no terminal" in told.stderr


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(names, names)
def test_any_names_fit_and_come_back(name: str, issuer: str) -> None:
    """The address is one that authenticators read, and its code never outgrows the screen."""
    address = qr.address(SEED, name, issuer)
    assert len(address) <= qr.LONGEST
    assert address.isascii()
    parts = urlsplit(address)
    told = parse_qs(parts.query, keep_blank_values=True)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert b32decode(told["secret"][0]) == SEED
    assert (
        name.startswith(unquote(parts.path[1:]))
        or not unquote(parts.path[1:])
        or parts.path == "/operator"
        or (unquote(parts.path[1:]) in name)
    )
    assert told["issuer"][0] in issuer
    lines = qr.drawn(address)
    assert len(lines) <= qr.HEIGHT
    assert {len(line) for line in lines} <= set(range(qr.WIDTH + 1))


def test_the_same_seed_is_drawn_the_same() -> None:
    seed = factor.new_seed(SeededRandom("seed"))
    assert qr.drawn(qr.address(seed, "lee", "Harbor")) == qr.drawn(qr.address(seed, "lee", "Harbor"))
    assert qr.drawn(qr.address(seed, "lee", "Harbor")) != qr.drawn(qr.address(seed, "max", "Harbor"))
