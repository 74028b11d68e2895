"""What a key costs in the queue table over a million rows at 120×40: milliseconds and bytes, on a real pseudo-terminal.

Run by `make bench` or `pytest -m bench -s tests/bench_queue_table.py`; it prints the figures and holds them against the
goals of the reference. Milliseconds go from writing the key to the terminal until the last byte of the frame is read.
"""

from __future__ import annotations

import os
import select
import statistics
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.bench

FRAME_END = b"\x1b[?2026l"
QUIET = 0.05  # seconds without a byte: the key has been answered

DOWN, UP = b"j", b"k"
GOALS = {
    # key: (milliseconds, bytes)
    "cursor": (3, 450),
    "scrolled line": (8, 8000),
    "page": (8, 8000),
    "end": (8, 8000),
    "mark all": (5, 2000),
}
NOISE = 1.6  # absolute figures drift by that much on the machines of the reference


class Cost(NamedTuple):
    milliseconds: float
    written: int


class Wire:
    """The table on a pseudo-terminal that understands synchronised updates, as today's terminals do."""

    def __init__(self) -> None:
        self.terminal, slave = os.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        command = ["setsid", "--ctty", sys.executable, "-m", "tests.queue_table_app"]
        environment = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        root = Path(__file__).parent.parent
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=root)
        os.close(slave)
        self.until(b"\x1b[?2026$p")
        os.write(self.terminal, b"\x1b[?2026;2$y")
        self.until(b"1\xe2\x80\x93")
        self.settle(0.5)

    def close(self) -> None:
        self.process.terminate()
        os.close(self.terminal)
        self.process.wait(timeout=10)

    def read(self, seconds: float) -> bytes:
        """What is written next, b"" when nothing comes within `seconds`."""
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        return os.read(self.terminal, 65536) if ready else b""

    def until(self, text: bytes) -> None:
        seen = b""
        while text not in seen:
            data = self.read(15)
            assert data, f"{text!r} did not come"
            seen += data

    def settle(self, seconds: float = QUIET) -> int:
        count = 0
        while data := self.read(seconds):
            count += len(data)
        return count

    def press(self, key: bytes) -> Cost:
        begin = time.perf_counter()
        os.write(self.terminal, key)
        seen = b""
        while FRAME_END not in seen:
            data = self.read(1)
            assert data, f"{key!r} was not answered"
            seen += data
        took = time.perf_counter() - begin
        return Cost(took * 1000, len(seen) + self.settle())

    def memory(self) -> float:
        """Resident memory in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.milliseconds for cost in costs), max(cost.written for cost in costs))


def test_a_key_costs_what_the_reference_says() -> None:
    wire = Wire()
    try:
        begin = wire.memory()
        costs = {"cursor": median([wire.press(key) for _ in range(15) for key in (DOWN, DOWN, UP)])}
        wire.press(b"\x1b[6~")
        costs["page"] = median([wire.press(b"\x1b[6~") for _ in range(40)])
        costs["scrolled line"] = median([wire.press(DOWN) for _ in range(40)])
        costs["end"] = median([wire.press(key) for _ in range(10) for key in (b"G", b"g")])
        costs["mark all"] = median([wire.press(b"*") for _ in range(20)])
        end = wire.memory()
        idle = wire.settle(2)
    finally:
        wire.close()
    figures = [
        f"{name:14}{cost.milliseconds:6.1f} ms (goal {GOALS[name][0]}) {cost.written:7,} bytes (goal {GOALS[name][1]:,})"
        for name, cost in costs.items()
    ]
    figures.append(f"idle {idle} bytes in 2 s; memory {begin:.0f} MB at first, {end:.0f} MB at last")
    sys.stdout.write("\n".join(["", *figures, ""]))
    assert idle == 0
    for name, cost in costs.items():
        assert cost.written <= GOALS[name][1], name
        assert cost.milliseconds <= GOALS[name][0] * NOISE, name
    assert end - begin < 8
