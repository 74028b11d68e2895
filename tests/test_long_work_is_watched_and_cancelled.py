"""Long work says how far it is and when it will be done, and can be cancelled; nothing half remains, and one sentence says so."""

from __future__ import annotations

import subprocess
import sys
from signal import SIGINT

import pytest

from console.progress import SILENT, Cancelled, Watched, leaving
from tests.services.pty import Pty

WORK = """
import sys
from time import sleep
from console.cli.failing import answering
from console.cli.watching import watching

def run():
    with watching() as progress:
        for n in range(int(sys.argv[1])):
            sleep(0.002)
            progress.say(n, int(sys.argv[1]), "approving")
            if n == 0:
                print("begun", flush=True)
    return 0

sys.exit(answering(run))
"""


class Seconds:
    """Time that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_pace_tells_rate_and_time_left_in_words() -> None:
    time = Seconds()
    work = Watched(time)
    work.say(0, 100_000, "approving")
    time.now += 1.25
    work.say(34_000, 100_000, "approving")
    assert str(work.look()) == "approving 34,000 of 100,000 · 27,000/s · 3 s left"
    time.now += 98.75
    work.say(34_000, 100_000, "approving")
    assert str(work.look()).endswith("· 340/s · 3 min 15 s left")
    time.now += 33_900
    work.say(34_000, 100_000, "approving")
    assert str(work.look()).endswith("· 1/s · 18 h 20 min left")


def test_where_the_end_is_unknown_no_time_left_is_made_up() -> None:
    time = Seconds()
    work = Watched(time)
    work.say(500, 0, "reading")
    time.now += 1
    assert str(work.look()) == "reading 500"
    work.say(500, 0, "reading")
    assert str(work.look()) == "reading 500 · 500/s"


def test_each_stage_has_a_rate_of_its_own() -> None:
    time = Seconds()
    work = Watched(time)
    work.say(10, 10, "reading")
    time.now += 10
    work.say(0, 1_000, "writing")
    time.now += 1
    work.say(500, 1_000, "writing")
    assert str(work.look()) == "writing 500 of 1,000 · 500/s · 1 s left"


def test_short_work_is_not_told_about() -> None:
    time = Seconds()
    work = Watched(time)
    assert work.look() is None
    work.say(1, 2, "reading")
    time.now += 0.4
    assert work.look() is None
    time.now += 0.2
    assert work.look() is not None


def test_cancelling_ends_the_work_at_its_next_chunk_with_what_holds_then() -> None:
    work = Watched(Seconds())
    work.say(1, 2, "reading")
    work.cancel()
    with pytest.raises(Cancelled, match=r"^Cancelled; nothing was done\.$"):
        work.say(2, 2, "reading")
    with pytest.raises(Cancelled, match=r"^Cancelled; one was done\.$"), leaving("Cancelled; one was done."):
        work.say(2, 2, "reading")
    SILENT.say(1, 2, "reading")


def test_a_terminal_shows_one_line_that_is_gone_at_the_end() -> None:
    with Pty([sys.executable, "-c", WORK, "500"], environment={"TERM": "xterm"}) as pty:
        pty.read_until("left · Ctrl-C cancels")
        assert pty.exit_code() == 0
        lines = pty.written.decode().partition("begun")[2].strip("\r\n").split("\r")
        assert "approving" not in "".join(pty.screen())
    drawn = [line for line in lines if "approving" in line]
    assert 2 <= len(drawn) <= 12
    assert "\n" not in "".join(drawn)


def test_ctrl_c_at_a_terminal_cancels_with_one_sentence() -> None:
    with Pty([sys.executable, "-c", WORK, "100000"], environment={"TERM": "xterm"}) as pty:
        pty.read_until("Ctrl-C cancels")
        pty.send("\x03")
        assert pty.exit_code() == 130
        assert "".join(pty.screen()) == "begunCancelled; nothing was done."


def test_where_no_terminal_is_nothing_is_drawn_and_an_interrupt_is_heard_all_the_same() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORK, "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as work:
        assert work.stdout is not None
        assert work.stdout.readline() == "begun\n"
        work.send_signal(SIGINT)
        _, said = work.communicate(timeout=20)
    assert (work.returncode, said) == (130, "Cancelled; nothing was done.\n")
