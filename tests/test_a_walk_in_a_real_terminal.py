"""A day's work in a real terminal: what an operator reads at each step, and what the database and the records hold at the end."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.demo import build
from tests.services.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

DISTRICT = Path(sys.executable).parent / "district"
MANY = 200
STUDENTS = 1500
"""A district of this size has more than `MANY` registrations that can be approved together."""
MARKED = re.compile(r"[;\[]7m.* (y|n) .*Cancel")
"""An answer that is turned over: the keys go there."""
FILTER = "match:>=3 flag:no"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demonstration, built once, and its public key."""
    made = build(tmp_path_factory.mktemp("walk") / "demo", students=STUDENTS, seed=7, today=date(2026, 11, 21))
    return made.directory, made.verifier_key


@pytest.fixture
def demo(built: tuple[Path, str], tmp_path: Path) -> Path:
    """The folder of a demonstration of the test's own."""
    shutil.copytree(built[0], tmp_path / "demo")
    return tmp_path / "demo"


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "portal.db")) as database:
        return database.execute(query).fetchall()


def line(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DISTRICT, *words], cwd=folder, capture_output=True, text=True, check=False)


def text(screen: Sequence[str]) -> str:
    """The screen as one text, frames and wrapping taken out."""
    return " ".join(" ".join(screen).replace("│", " ").split())


def wait(terminal: Terminal, *words: str) -> str:
    """The screen's text as soon as it holds all these words in this order, however they wrap."""
    return text(terminal.wait_until(lambda found: _holds(text(found), words), " … ".join(words)))


def _holds(shown: str, words: Sequence[str]) -> bool:
    return re.search(".*".join(re.escape(word) for word in words), shown) is not None


def go(terminal: Terminal, key: str, heading: str) -> str:
    """Go to a desk by its digit."""
    terminal.press(key)
    return text(terminal.wait_until(lambda found: found[0].startswith(f" {heading}") and "›" in text(found), heading))


def tab(terminal: Terminal, fields: int) -> None:
    """Go on so many fields, each when the one before has been left: what is typed goes where the cursor stands."""
    for _ in range(fields):
        before = "\n".join(terminal.screen(styled=True))
        terminal.press("Tab")
        terminal.wait_until(partial(_differs, terminal, before), "the next field")


def _differs(terminal: Terminal, before: str, _screen: Sequence[str]) -> bool:
    return "\n".join(terminal.screen(styled=True)) != before


def say_yes(terminal: Terminal, fields: int = 1) -> None:
    """Go on to the answer, so many fields away, and give it once the keys go there."""
    tab(terminal, fields)
    terminal.wait_until(lambda _: any(MARKED.search(row) for row in terminal.screen(styled=True)), "a marked answer")
    terminal.press("y")


def undo_last(terminal: Terminal, *words: str) -> None:
    terminal.press("u")
    wait(terminal, "Take back:")
    terminal.press("y")
    wait(terminal, *words)


def test_a_days_work_from_the_opening_to_the_report(demo: Path, built: tuple[Path, str]) -> None:
    before = rows(demo, "SELECT id, state FROM registration ORDER BY id")
    with Terminal([DISTRICT, "--operator", "demo"], folder=demo) as terminal:
        opened = wait(terminal, "Home", "What waits", "Registrations", "Challenges", "Signed in as demo")
        assert re.search(r"Registrations +\d+ +oldest", opened)

        # Filter
        go(terminal, "1", "Registrations")
        all_of_them = matching(wait(terminal, "0 marked"))
        terminal.press("/")
        wait(terminal, "Enter keeps it")
        terminal.type(" " + FILTER)
        wait(terminal, FILTER, "0 marked")
        terminal.wait_until(lambda found: MANY <= matching(text(found)) < all_of_them, "fewer cases")
        terminal.press("Enter")
        terminal.wait_until_gone("Enter keeps it")

        # Mark all that match and think better of it, then two hundred as a range
        terminal.press("*")
        wait(terminal, "all", "marked")
        terminal.press("*")
        wait(terminal, "0 marked")
        terminal.press("V")
        terminal.type("j" * (MANY - 1))
        wait(terminal, f"{MANY} marked")

        # The preview, and the number that has to be typed
        terminal.press("a")
        shown = wait(terminal, "Approve:", "registrations", "Access opens for", "notices will be sent", "How many")
        count = number(r"type (\d+), for these are many", shown)
        assert count == MANY - max(0, number(r"(\d+) registrations? left out", shown))
        terminal.press("y")
        wait(terminal, f"Type {count} and press enter.")
        terminal.type(str(count - 1))
        terminal.press("Enter")
        wait(terminal, f"Type {count} and press enter.", f"How many * ▌ {count - 1}")
        assert rows(demo, "SELECT id, state FROM registration ORDER BY id") == before
        terminal.press(*["BSpace"] * 3)
        wait(terminal, f"How many * ▌ type {count}")
        terminal.type(str(count))
        wait(terminal, f"How many * ▌ {count} ")
        terminal.press("Enter")
        wait(terminal, f"done for {count} registrations", "u takes it back")
        approved = "SELECT count(*) FROM registration WHERE state = 'approved'"
        were = sum(state == "approved" for _, state in before)
        assert rows(demo, approved) == [(were + count,)]

        # Undo
        undo_last(terminal, f"Undo Approve: done for {count} registrations")
        assert rows(demo, "SELECT id, state FROM registration ORDER BY id") == before

        # A challenge: suspend, on a ground
        go(terminal, "2", "Challenges")
        case = case_at_hand(terminal)
        terminal.press("b")
        wait(terminal, "Suspend – Challenges", "Basis *")
        terminal.press("y")
        terminal.press("Right", "Right", "Right", "Right")
        wait(terminal, "Suspend: 1 challenge", "● fraud")
        tab(terminal, 6)
        terminal.type("forged papers")
        wait(terminal, "Suspend: 1 challenge", "forged papers")
        say_yes(terminal)
        wait(terminal, "done for 1 challenge")
        assert rows(demo, f"SELECT state FROM challenge WHERE id = {case}") == [("decided",)]
        tie = f"SELECT status FROM membership WHERE id = (SELECT membership_id FROM challenge WHERE id = {case})"
        assert rows(demo, tie) == [("suspended",)]

        # A student under a pseudonym
        go(terminal, "3", "Students")
        student = case_at_hand(terminal)
        (name,) = rows(demo, f"SELECT given_name, family_name FROM student WHERE id = {student}")
        assert " ".join(map(str, name)) in text(terminal.screen())
        terminal.press("c")
        wait(terminal, "Mask the name – Students")
        terminal.press("Right", "Right")
        wait(terminal, "● pseudonym")
        tab(terminal, 1)
        terminal.type("+90d")
        wait(terminal, "Mask the name: 1 student", "+90d")
        tab(terminal, 1)
        terminal.type("protection order")
        wait(terminal, "● pseudonym", "protection order")
        say_yes(terminal)
        shown = wait(terminal, "done for 1 student")
        assert " ".join(map(str, name)) not in shown
        ((mask, code, empty),) = rows(
            demo,
            f"SELECT mask, pseudonym, given_name || family_name FROM student WHERE id = {student}",
        )
        assert (mask, empty) == ("pseudonym", "")
        assert code

        # After-school access until the school year's end
        go(terminal, "4", "After-school grants")
        grant = case_at_hand(terminal)
        terminal.press("a")
        wait(terminal, "Until *")
        terminal.type("end-of-year")
        wait(terminal, "Approve: 1 grant")
        say_yes(terminal, 3)
        wait(terminal, "done for 1 grant")
        ((state, ends),) = rows(demo, f"SELECT state, ends FROM access_grant WHERE id = {grant}")
        assert state == "approved"
        assert str(ends) > "2027"

        # The report, with its proofs; the record of it, proved in place
        go(terminal, "6", "Audit")
        assert "approve" in text(terminal.screen())
        terminal.press("e")
        wait(terminal, "Export what is listed", "report.zip")
        terminal.press("y")
        wait(terminal, "exported with proofs to", "report.zip")
        terminal.press("Enter")
        wait(terminal, "grants: approve", "Before and after", "requested → approved")
        terminal.press("G")
        wait(terminal, "✓", "that were signed")

        # Leave
        terminal.press("Escape")
        terminal.wait_until(lambda found: found[0].startswith(" Audit"), "the queue")
        terminal.press("h")
        wait(terminal, "What you decided last", "approve, 1 grant")
        terminal.press("q")
        wait(terminal, "Leave the console?")
        terminal.press("y")
        assert terminal.exit_code() == 0

    verified = line(demo, "--operator", "demo", "audit", "verify")
    assert (verified.returncode, "verified: ledger" in verified.stdout) == (0, True)
    looked = rows(demo, "SELECT DISTINCT action FROM record WHERE log = 'accesses'")
    assert looked == [("audit.opened",)]
    elsewhere = demo.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.move(demo / "report.zip", elsewhere)
    checked = line(elsewhere, "audit", "verify", "report.zip", "--key", built[1])
    assert checked.returncode == 0, checked.stderr
    decided = rows(
        demo,
        "SELECT action, count(*) FROM record WHERE operator_id = 1 AND desk IN ('registrations', 'challenges', 'students', 'grants') "
        "GROUP BY action ORDER BY action",
    )
    assert decided == [
        ("challenges.suspend", 1),
        ("grants.approve", 1),
        ("registrations.approve", count),
        ("registrations.undo", count),
        ("students.mask", 1),
    ]


def number(pattern: str, shown: str) -> int:
    """The number that stands at the pattern's group, -1 where it does not."""
    found = re.search(pattern, shown)
    return int(found[1].replace(",", "")) if found else -1


def matching(shown: str) -> int:
    """How many match, by the status line."""
    return number(r"· (?:over )?([\d,]+) match", shown)


def case_at_hand(terminal: Terminal) -> int:
    """The number of the case under the cursor."""
    shown = terminal.wait_for(re.compile(r"^› +(?:[✓●] +)?[\d,]+", re.MULTILINE))
    return next(number(r"([\d,]+)", row) for row in shown if row.startswith("›"))


def test_a_small_terminal_and_one_that_changes_its_size_break_nothing(demo: Path) -> None:
    with Terminal([DISTRICT, "--operator", "demo"], columns=60, rows=20, folder=demo) as terminal:
        wait(terminal, "Home", "What waits")
        go(terminal, "1", "Registrations")
        terminal.press("/")
        wait(terminal, "esc leaves it")
        terminal.type(" " + FILTER)
        wait(terminal, FILTER, "0 marked")
        terminal.press("Enter")
        terminal.wait_until_gone("esc leaves it")
        terminal.press("V")
        terminal.type("j" * 39)
        wait(terminal, "40 marked")
        terminal.press("a")
        shown = wait(terminal, "Approve:", "type", "for these are many", "y Approve", "n Cancel")
        for size in ((132, 43), (60, 20), (24, 8), (80, 24)):
            terminal.resize(*size)
        wait(terminal, "Approve:", "Access opens for", "y Approve", "n Cancel")
        fits(terminal)
        terminal.type(str(number(r"type (\d+), for", shown)))
        terminal.press("Escape")
        wait(terminal, "40 marked", "Nothing was done.")
        fits(terminal)
        terminal.resize(132, 43)
        wait(terminal, "Speaks for it", "40 marked")
        fits(terminal)
        terminal.resize(60, 20)
        wait(terminal, "40 marked")
        fits(terminal)
        for key, heading in (("2", "Challenges"), ("3", "Students"), ("4", "After-school grants"), ("5", "Schools")):
            go(terminal, key, heading)
            fits(terminal)
            terminal.press("Enter")
            wait(terminal, "Next")
            terminal.press("Escape")
            terminal.wait_for(re.compile(f"^ {heading}"))
        terminal.press("C-c")
        wait(terminal, "Leave the console?")
        terminal.press("y")
        assert terminal.exit_code() == 0
    assert rows(demo, "SELECT count(*) FROM record WHERE desk = 'registrations' AND log = 'ledger'") == [(0,)]


def fits(terminal: Terminal) -> None:
    """The last line names keys, and no mistake of ours is on the screen."""
    shown = terminal.wait_until(lambda found: bool(found[-1].strip()), "a line of keys")
    assert "Traceback" not in text(shown)
    assert "mistake" not in text(shown)
