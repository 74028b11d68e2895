"""A wire to a server that can be cut at a chosen byte: what a lost connection looks like to the one who waits for the answer.

Promises: loopback only; bytes pass unchanged until the word is seen from the client; then so many bytes of the message that holds it
are passed on ("before"), or all of it and so many bytes of the answer ("after"). Each cut happens once; later connections pass.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Literal, Self

CHUNK = 65536
ANSWER_WITHIN = 2.0
"""Seconds for which a cut after the message waits until the server has answered."""


@dataclass
class Cut:
    """Where the wire is cut: at this word, `passed` bytes into its message or into the answer."""

    word: bytes
    when: Literal["before", "after"]
    passed: int
    once: bytes
    for_good: bool
    reset: bool


class _Answers:
    """What comes back from the server: everything, and once `left` is a number, so many bytes more."""

    def __init__(self, server: socket.socket, client: socket.socket) -> None:
        self._server, self._client = server, client
        self.left: int | None = None
        self.came = threading.Event()
        """Something came since `left` was set."""
        threading.Thread(target=self._pass, daemon=True).start()

    def _pass(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(CHUNK):
                if self.left is not None:
                    data, self.left = data[: self.left], max(0, self.left - len(data))
                if data:
                    self._client.sendall(data)
                if self.left is not None:
                    self.came.set()


class Wire:
    """A relay on a port of its own to `port` on this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cut: Cut | None = None
        self._refuse = False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def cut(
        self,
        word: bytes,
        when: Literal["before", "after"],
        *,
        passed: int = 0,
        once: bytes = b"",
        for_good: bool = False,
        reset: bool = False,
    ) -> None:
        """Cut the connection on which `word` is next sent, after `once` was; with `for_good` nobody connects until `mend`.

        `reset` ends it as a machine does that knows of no such connection, else it ends as if the other side had closed it.
        """
        with self._lock:
            self._cut = Cut(word, when, passed, once, for_good, reset)

    def mend(self) -> bool:
        """Let everything pass from now on. Returns whether the cut that was wanted had happened."""
        with self._lock:
            happened, self._cut, self._refuse = self._cut is None, None, False
        return happened

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refuse:
                    client.close()
                    continue
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        cut: Cut | None = None
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            answers = _Answers(server, client)
            while data := client.recv(CHUNK):
                cut = self._found(data)
                if cut is None:
                    server.sendall(data)
                    continue
                if cut.when == "before":
                    server.sendall(data[: cut.passed])
                else:
                    answers.left = cut.passed
                    server.sendall(data)
                    answers.came.wait(ANSWER_WITHIN)
                break
            if cut is not None and cut.reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            for end in (server, client):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        client.close()

    def _found(self, data: bytes) -> Cut | None:
        with self._lock:
            cut = self._cut
            if cut is None:
                return None
            if cut.once and cut.once in data:
                cut.once = b""
            if cut.once or cut.word not in data:
                return None
            self._cut = None
            self._refuse = cut.for_good
            return cut
