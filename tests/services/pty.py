"""A program on a pseudo-terminal, with every byte that it wrote.

tmux shows what an operator sees; this shows what the program *sent*: which escape sequences, how many bytes a key
costs, what happens when the line goes dead. Promises: nothing that the program wrote is lost or changed, and it is
drained all the time, so a program never waits for the test to read.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import termios
import threading
import time
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

PATIENCE = 15.0  # seconds
INTERVAL = 0.01  # seconds


class Pty:
    """`command` on a pseudo-terminal of `columns` × `rows` that is its controlling one; use it with `with`.

    `environment` is added to a small one: PATH, HOME, `TERM=xterm-256color`, `LC_ALL=C.UTF-8`.
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
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._written = bytearray()
        self._read = 0
        self._trouble: Exception | None = None
        self._lock = threading.Lock()
        self._master, slave = os.openpty()
        termios.tcsetwinsize(self._master, (rows, columns))
        own = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        own |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        # setsid becomes the command, so the pid is the command's; --ctty gives it this terminal.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=own | dict(environment or {}),
            cwd=folder,
        )
        os.close(slave)
        self._leave, self._left = os.pipe()
        self._drain = threading.Thread(target=self._record, daemon=True)
        self._drain.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The command's process id."""
        return self._process.pid

    @property
    def written(self) -> bytes:
        """Every byte that the command has written so far."""
        with self._lock:
            return bytes(self._written)

    def send(self, keys: str | bytes) -> None:
        """Sends the bytes of `keys` as a terminal would: a carriage return is Enter."""
        left = keys.encode() if isinstance(keys, str) else keys
        while left:
            left = left[os.write(self._master, left) :]

    def read_until(self, text: str | bytes, timeout: float = PATIENCE) -> bytes:
        """What was written since the last call, up to and with `text`, once it has come."""
        sought = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + timeout
        while True:
            over = self._process.poll() is not None and not self._drain.is_alive()
            with self._lock:
                at = self._written.find(sought, self._read)
                if at >= 0:
                    start, self._read = self._read, at + len(sought)
                    return bytes(self._written[start : self._read])
                rest = bytes(self._written[self._read :])
            if over or time.monotonic() > deadline:
                raise AssertionError(f"{sought!r} was not written within {timeout} s; the last bytes: {rest[-600:]!r}")
            time.sleep(INTERVAL)

    def wait_for(self, text: str, timeout: float = PATIENCE) -> list[str]:
        """The screen, as soon as `text` stands on it."""
        deadline = time.monotonic() + timeout
        while True:
            rows = self.screen()
            if text in "\n".join(rows):
                return rows
            if time.monotonic() > deadline:
                shown = "\n".join(rows)
                raise AssertionError(f"{text!r} did not come within {timeout} s; the screen:\n{shown}")
            time.sleep(INTERVAL)

    def screen(self) -> list[str]:
        """What a terminal shows of the bytes so far, one string a row without trailing blanks."""
        with self._lock:
            if self._trouble is not None:
                raise AssertionError("A sequence was written that the terminal cannot draw.") from self._trouble
            # Not `display`, which fails on the second half of a wide character whose first half was drawn over.
            rows, columns = range(self._screen.lines), range(self._screen.columns)
            return ["".join(self._screen.buffer[y][x].data for x in columns).rstrip() for y in rows]

    def resize(self, columns: int, rows: int) -> None:
        """Gives the terminal another size; the command gets SIGWINCH."""
        with self._lock:
            self._screen.resize(rows, columns)
        termios.tcsetwinsize(self._master, (rows, columns))

    def hang_up(self) -> None:
        """Closes the terminal under the command, as a lost connection does."""
        self._stop_recording()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def exit_code(self, timeout: float = PATIENCE) -> int:
        """The command's exit code once it has ended and all it wrote is recorded; negative is a signal's number."""
        try:
            code = self._process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            shown = "\n".join(self.screen())
            raise AssertionError(f"The command did not end within {timeout} s; the screen:\n{shown}") from None
        self._drain.join(timeout=timeout)
        return code

    def close(self) -> None:
        """Hangs up, and ends the command if that did not."""
        self.hang_up()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _stop_recording(self) -> None:
        if self._left >= 0:
            os.close(self._left)
            self._left = -1
            self._drain.join(timeout=5)
            os.close(self._leave)

    def _record(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._leave], [], [])
            if self._master not in ready:
                return
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: nobody has the other side open any more
                return
            if not data:
                return
            with self._lock:
                self._written += data
                try:
                    self._stream.feed(data)
                except Exception as trouble:  # noqa: BLE001 - recording goes on, whoever asks for the screen is told
                    self._trouble = trouble
