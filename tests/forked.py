"""Consoles that cost a fork instead of a start: a process that has everything loaded, and forks one console for each call.

    .venv/bin/python -m tests.forked district.toml

It reads a call a line (JSON, see `Call`), forks, and says on its output, a line each: the console's `pid`, what the console says, that
it was `stopped`, how it ended (`gone`). The console decides through its office as any other does, with connections of its own: before
the fork every statement was prepared once, in a transaction that was taken back, and every connection was closed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from console.authority import Operator
    from console.office import Office

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Call:
    """What a forked console is to do: decide, or undo the batch `undo`; and where something is to happen to it (tests/faulting.py)."""

    key: str
    decision: str = "approve"
    where: str = "state:submitted"
    params: dict[str, Any] = field(default_factory=dict)
    undo: str | None = None
    fault: dict[str, Any] | None = None
    operator: str = "administrator"
    desk: str = "registrations"


class Forked:
    """The process that forks, and the console that it forked last. Use it with `with`."""

    def __init__(self, config: Path, *, prefix: tuple[str, ...] = (), warm: tuple[Call, ...] = ()) -> None:
        """`prefix` are words before the command; `warm` calls that are tried once, and taken back, before anything is forked."""
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.forked", str(config), json.dumps([asdict(call) for call in warm])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
        )
        self._lines: deque[dict[str, Any]] = deque()
        self.child = 0
        assert self._line() == {"ready": True}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child:
            self.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the forking process ended"
        read: dict[str, Any] = json.loads(line)
        return read

    def call(self, call: Call) -> int:
        """Fork a console that makes this call at once. Returns its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(call)) + "\n")
        self._process.stdin.flush()
        self._lines.clear()
        while "pid" not in (line := self._line()):
            self._lines.append(line)
        self.child = int(line["pid"])
        return self.child

    def kill(self) -> dict[str, Any] | None:
        """End it at once, with SIGKILL; returns what the console had said before, None for nothing."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)
        return self.ended()

    def go_on(self) -> None:
        """Let a stopped console go on."""
        os.kill(self.child, signal.SIGCONT)

    def stopped(self) -> bool:
        """Wait until the console stands still (True) or has ended."""
        while True:
            line = self._line()
            self._lines.append(line)
            if "stopped" in line:
                return True
            if "gone" in line:
                return False

    def ended(self) -> dict[str, Any] | None:
        """Wait for the console's end; returns what it said, None for nothing."""
        while not any("gone" in line for line in self._lines):
            self._lines.append(self._line())
        self.child = 0
        told = [line for line in self._lines if "batch" in line or "error" in line or "points" in line]
        self._lines.clear()
        return told[-1] if told else None


def say(**told: Any) -> None:
    """One line, whole, for it is shorter than what a pipe takes at once; by a call that no disk is written with (tests/struck.py)."""
    os.writev(1, [(json.dumps(told) + "\n").encode()])


def carry_out(office: Office, operator: Operator, call: Call) -> dict[str, Any]:
    """Make the call; returns what the console says of it."""
    from console.desks import desk
    from console.errors import ConsoleError
    from console.params import read_params
    from console.selection import Selection

    try:
        if call.undo is not None:
            made = office.undo(operator, call.undo, call.key)
        else:
            at = desk(call.desk)
            decision = at.decision(call.decision)
            params = read_params(decision.Params, call.params, office.sight(operator).calendar)
            made = office.decide(operator, at, decision, Selection(where=call.where), params, call.key)
    except ConsoleError as error:
        return {"error": str(error)}
    return {"batch": made.batch, "done": made.done, "notices": made.notices, "again": made.again}


def _console(office: Office, operators: dict[str, Operator], call: Call) -> None:
    from tests.faulting import Fault, Faults

    faults = Faults(office, call.fault)
    try:
        with faults:
            told = carry_out(office, operators[call.operator], call)
            faults.at("before the answer")
    except Fault as fault:
        told = {"error": f"our fault: {fault}"}
    if call.fault is not None and "point" not in call.fault:
        told = {"points": faults.names}
    say(**told)


def _warmed(office: Office, operators: dict[str, Operator], calls: list[Call]) -> None:
    from dataclasses import replace

    from tests.rehearsing import Rehearsal

    rehearsal = Rehearsal(office)
    with rehearsal.forgetting():
        batch = ""
        for call in calls:
            made = carry_out(
                rehearsal, operators[call.operator], replace(call, undo=batch if call.undo is not None else None)
            )
            batch = str(made["batch"])
    rehearsal.close()


def main() -> None:
    from console.clock import SettableClock
    from console.settings import Settings
    from console.wiring import open_office
    from tests import faulting
    from tests.portals import NOON
    from tests.vouching import Unasked

    del faulting
    settings = Settings.load(Path(sys.argv[1]))
    office = open_office(settings, clock=SettableClock(settings.portal.zone, NOON), assurance=Unasked())
    calls = [Call(**each) for each in json.loads(sys.argv[2])]
    operators = {name: office.operator(name) for name in {"administrator", *(call.operator for call in calls)}}
    _warmed(office, operators, calls)
    office.engine.dispose()
    gc.collect()
    gc.freeze()
    say(ready=True)
    for line in sys.stdin:
        call = Call(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            code = 0
            try:
                _console(office, operators, call)
            except BaseException:  # noqa: BLE001 - the fork may not go on as its parent
                import traceback

                traceback.print_exc()
                code = 70
            os._exit(code)
        say(pid=pid)
        while True:
            _, status = os.waitpid(pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            say(stopped=True)
        say(gone=status)


if __name__ == "__main__":
    main()
