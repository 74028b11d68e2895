"""A real terminal for the tests: tmux, on a server and a socket of its own.

Promises: a program sees the terminal that an operator has (size, keys, colours, resize, hang-up), the test sees what
the operator would; a failed wait shows the screen. Only the test's own tmux server is ever touched, and it ends with
the test, also when the test is killed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.services.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATIENCE = 15.0  # seconds; two busy cores are slow, a wrong screen stays wrong
INTERVAL = 0.03  # seconds between two looks at the screen


class Terminal(Standing):
    """`command` in a terminal of `columns` × `rows`; use it with `with`.

    `environment` is added to a small one of the terminal's own: of the test's process only PATH and HOME are inherited.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self._command = [str(part) for part in command]
        self._environment = {"LC_ALL": "C.UTF-8", "TERM": "tmux-256color", "COLORTERM": "truecolor"}
        self._environment |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._environment |= environment or {}
        self._folder = folder
        self._socket = Path(tempfile.mkdtemp(prefix="district-terminal-", dir="/tmp")) / "tmux"
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return int(self._ask("#{pane_pid}"))

    def start(self) -> None:
        """Starts the terminal and the command in it."""
        # -D keeps the server a child of the test, so that it has a pid we know and the kernel ends it with us.
        self._server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "tmux", "-D", "-S", str(self._socket), "-f", "/dev/null"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE
        while not self._socket.exists():
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise RuntimeError("tmux did not start, no terminal test can run; is the package tmux installed?")
            time.sleep(INTERVAL / 3)
        settings = ["set", "-s", "escape-time", "0", ";", "set", "-g", "status", "off", ";"]
        settings += ["set", "-g", "remain-on-exit", "on", ";"]
        settings += ["set", "-g", "default-terminal", self._environment["TERM"], ";"]
        settings += ["set", "-g", "remain-on-exit-format", "", ";"]
        start = ["new-session", "-d", "-x", str(self.columns), "-y", str(self.rows)]
        start += ["-c", str(self._folder or Path.cwd())]
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        # tmux 3.3 dies of a manual size that is set before the first window.
        size = [";", "set", "-g", "window-size", "manual"]
        self._tmux(*settings, *start, "exec " + shlex.join(["env", *variables, *self._command]), *size)

    def stop(self) -> None:
        """Ends the command (it gets a hang-up, as from a lost connection) and the terminal."""
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(self._socket.parent, ignore_errors=True)

    def type(self, text: str) -> None:
        """Types `text` letter for letter; what is no letter goes through `press`."""
        if text.endswith(";"):  # tmux would take it for the end of its command
            text = text[:-1] + "\\;"
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names: `Enter`, `Escape`, `C-p`, `S-Down`, `F1`, `Space`, or a single letter."""
        self._tmux("send-keys", "--", *("\\;" if key == ";" else key for key in keys))

    def screen(self, *, styled: bool = False) -> list[str]:
        """What stands on the screen, one string a row without trailing blanks; `styled` keeps the colour sequences."""
        shown = self._tmux("capture-pane", "-p", *(["-e"] if styled else [])).split("\n")
        return [row.rstrip() for row in shown[: self.rows]]

    def wait_for(self, text: str | re.Pattern[str], timeout: float = PATIENCE) -> list[str]:
        """The screen, as soon as `text` stands somewhere on it."""
        sought = re.compile(re.escape(text)) if isinstance(text, str) else text
        return self.wait_until(lambda rows: sought.search("\n".join(rows)) is not None, repr(text), timeout)

    def wait_until_gone(self, text: str, timeout: float = PATIENCE) -> list[str]:
        """The screen, as soon as `text` stands nowhere on it."""
        return self.wait_until(lambda rows: text not in "\n".join(rows), f"a screen without {text!r}", timeout)

    def wait_until(self, fits: Callable[[list[str]], bool], what: str, timeout: float = PATIENCE) -> list[str]:
        """The screen, as soon as it `fits`; the failure names `what` was waited for and shows the screen."""
        deadline = time.monotonic() + timeout
        while True:
            rows = self.screen()
            if fits(rows):
                return rows
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come within {timeout} s. {self._state()}\n{_framed(rows)}")
            time.sleep(INTERVAL)

    def resize(self, columns: int, rows: int) -> None:
        """Gives the window another size, as an operator's mouse does."""
        self.columns, self.rows = columns, rows
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def exit_code(self, timeout: float = PATIENCE) -> int:
        """The command's exit code once it has ended; a negative number is the signal that ended it."""
        deadline = time.monotonic() + timeout
        while True:
            dead, status, number = self._ask("#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}").split("|")
            if dead == "1":
                return int(status) if status else -int(number or 0)
            if time.monotonic() > deadline:
                raise AssertionError(f"The command did not end within {timeout} s.\n{_framed(self.screen())}")
            time.sleep(INTERVAL)

    def _state(self) -> str:
        dead, status = self._ask("#{pane_dead}|#{pane_dead_status}").split("|")
        return f"The command ended with {status}." if dead == "1" else "The command is running."

    def _ask(self, question: str) -> str:
        return self._tmux("display-message", "-p", question).strip()

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"tmux {words[0]} failed: {done.stderr.strip()}")
        return done.stdout


def _framed(rows: list[str]) -> str:
    width = max((len(row) for row in rows), default=0)
    edge = "+" + "-" * width + "+"
    return "\n".join([edge, *(f"|{row.ljust(width)}|" for row in rows), edge])
