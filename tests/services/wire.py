"""A wire to a server that can be cut at a chosen word: what a lost connection looks like to the one who waits for the answer.

Promises: loopback only; bytes pass unchanged until the word is seen from the client; then either the word is not passed on
("before") or it is, and the answer is not ("after"). Each cut happens once; later connections pass.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal, Self

CHUNK = 65536


class Wire:
    """A relay on a port of its own to `port` on this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cut: tuple[bytes, str] | None = None
        self._refuse = False
        self._once = b""
        self._for_good = False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def cut(self, word: bytes, when: Literal["before", "after"], *, once: bytes = b"", for_good: bool = False) -> None:
        """Cut the connection on which `word` is next sent, after `once` was; with `for_good` nobody connects afterwards."""
        with self._lock:
            self._cut = (word, when)
            self._once = once
            self._for_good = for_good

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refuse:
                    client.close()
                    continue
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            silent = threading.Event()
            threading.Thread(target=self._answers, args=(server, client, silent), daemon=True).start()
            while data := client.recv(CHUNK):
                when = self._found(data)
                if when == "before":
                    break
                if when == "after":
                    silent.set()
                server.sendall(data)
                if when == "after":
                    server.shutdown(socket.SHUT_WR)
                    threading.Event().wait(0.3)
                    break
            for end in (server, client):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        client.close()

    def _found(self, data: bytes) -> str | None:
        with self._lock:
            if self._once and self._once in data:
                self._once = b""
            if self._once or self._cut is None or self._cut[0] not in data:
                return None
            when, self._cut = self._cut[1], None
            self._refuse = self._for_good
            return when

    @staticmethod
    def _answers(server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                if not silent.is_set():
                    client.sendall(data)
