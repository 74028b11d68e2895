"""Servers that nobody should trust: one that lets everybody in and listens, one that never answers, and a tap on the wire.

Promises: what a client sent is kept byte by byte – `clear` is what went over the wire in clear, `heard` what came through TLS,
readable to whoever holds the certificate. `FalseDirectory` says yes to every bind and knows whoever is asked for, unless its manner
says otherwise: a client that talks to it at all has lost its password.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Self

from tests.services.directory_people import BASE, SEARCHER

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

BIND, UNBIND, SEARCH, EXTENDED = 0x60, 0x42, 0x63, 0x77
BIND_ANSWER, ENTRY, DONE, EXTENDED_ANSWER, REFERENCES = 0x61, 0x64, 0x65, 0x78, 0xA3
SUCCESS, PROTOCOL_ERROR, REFERRAL, INVALID = 0, 2, 10, 49
GARBAGE = b"\x30\x0d\x02\x01\xff\x99\x08HTTP/1.1"
IDENTITY = "6f9619ff-8b86-4011-b42d-00c04fc964ff"


class _Server:
    """A listener on loopback with a thread for each who connects; ends with `with`."""

    def __init__(self) -> None:
        self.clear = bytearray()
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.append(client)
                threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, IndexError):  # TLS where LDAP was waited for is no message
            self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        raise NotImplementedError


class Wiretap(_Server):
    """Passes everything on to a server on loopback, and keeps what clients sent; `pause` seconds pass before each answer."""

    def __init__(self, port: int, *, pause: float = 0.0) -> None:
        self._upstream, self._pause = port, pause
        super().__init__()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._upstream))
        self._open.append(server)
        threading.Thread(target=self._back, args=(server, client), daemon=True).start()
        while data := client.recv(65536):
            self.clear += data
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                time.sleep(self._pause)
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


class FalseDirectory(_Server):
    """A server with this certificate; `at_once` speaks TLS from the first byte, otherwise after StartTLS.

    `manner`: `yes` lets everybody in; `strip` knows no StartTLS; `lie` says it starts TLS and does not; `inject` sends yes to the next
    binds in clear before TLS starts, and no afterwards; `silent` answers nothing; `drip` answers a byte each `pause` seconds;
    `leave` hangs up when a person binds; `refer` sends a person's bind, and `refer-all` every question, to `elsewhere`;
    `garbage` answers what is no LDAP.
    """

    def __init__(
        self, certificate: Path, *, at_once: bool, manner: str = "yes", pause: float = 0.0, elsewhere: str = ""
    ) -> None:
        self.heard = bytearray()
        self.binds: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._at_once, self._manner, self._pause, self._elsewhere = at_once, manner, pause, elsewhere
        super().__init__()

    @property
    def address(self) -> str:
        """Its address."""
        return f"ldap{'s' if self._at_once else ''}://127.0.0.1:{self.port}"

    def _serve(self, client: socket.socket) -> None:
        if self._manner == "silent":
            while data := client.recv(65536):
                self.clear += data
            return
        wire: socket.socket = self._context.wrap_socket(client, server_side=True) if self._at_once else client
        self._open.append(wire)
        while (message := _read(wire)) is not None:
            whole, number, kind, body = message
            if isinstance(wire, ssl.SSLSocket):
                self.heard += whole
            else:
                self.clear += whole
            if kind == UNBIND:
                return
            if kind == EXTENDED:
                wire.sendall(self._starting(number))
                if self._manner not in ("strip", "lie", "garbage"):
                    wire = self._context.wrap_socket(client, server_side=True)
                    self._open.append(wire)
            elif not self._answer(wire, number, kind, body):
                wire.close()
                return

    def _starting(self, number: int) -> bytes:
        if self._manner == "garbage":
            return GARBAGE
        if self._manner == "strip":
            return _result(number, EXTENDED_ANSWER, PROTOCOL_ERROR)
        said = _result(number, EXTENDED_ANSWER, SUCCESS)
        if self._manner == "inject":
            said += b"".join(_result(number + later, BIND_ANSWER, SUCCESS) for later in (1, 2, 3))
        return said

    def _answer(self, wire: socket.socket, number: int, kind: int, body: bytes) -> bool:
        """Answer a bind or a search; whether the connection goes on."""
        person = kind == BIND and SEARCHER.encode() not in body
        if kind == BIND:
            self.binds.append(body)
        if self._manner == "leave" and person:
            return False
        answer = BIND_ANSWER if kind == BIND else DONE
        if self._manner == "garbage":
            said = GARBAGE
        elif self._manner == "refer-all" or (self._manner == "refer" and person):
            said = _result(number, answer, REFERRAL, self._elsewhere)
        elif kind == BIND:
            said = _result(number, BIND_ANSWER, INVALID if self._manner == "inject" else SUCCESS)
        else:
            said = _entry(number) + _result(number, DONE, SUCCESS)
        for part in [said[at : at + 1] for at in range(len(said))] if self._manner == "drip" else [said]:
            wire.sendall(part)
            time.sleep(self._pause)
        return True


class Deaf:
    """A port on which nobody takes a connection and nobody refuses one, as a host behind a wall that drops packets."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._waiting: list[socket.socket] = []

    def __enter__(self) -> Self:
        # With its queue full, Linux drops what comes after.
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self._waiting.append(one)
        time.sleep(0.05)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in (*self._waiting, self._listener):
            each.close()


def _read(wire: socket.socket) -> tuple[bytes, int, int, bytes] | None:
    """The next message: all of it, its number, its kind, what is in it."""
    head = _exactly(wire, 2)
    if head is None:
        return None
    length, more = head[1], b""
    if length & 0x80:
        more = _exactly(wire, length & 0x7F) or b""
        length = int.from_bytes(more, "big")
    body = _exactly(wire, length)
    if body is None:
        return None
    wide = 2 + body[1]
    return head + more + body, int.from_bytes(body[2:wide], "big"), body[wide], body[wide + 1 :]


def _exactly(wire: socket.socket, number: int) -> bytes | None:
    found = b""
    while len(found) < number:
        part = wire.recv(number - len(found))
        if not part:
            return None
        found += part
    return found


def _tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def _message(number: int, operation: bytes) -> bytes:
    return _tlv(0x30, _tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big")), operation)


def _result(number: int, tag: int, code: int, elsewhere: str = "") -> bytes:
    parts = [_tlv(0x0A, bytes([code])), _tlv(0x04), _tlv(0x04)]
    if elsewhere:
        parts.append(_tlv(REFERENCES, _tlv(0x04, elsewhere.encode())))
    return _message(number, _tlv(tag, *parts))


def _entry(number: int) -> bytes:
    """Whoever was asked for: ann, by this directory's word."""
    said = {"uid": "ann", "entryUUID": IDENTITY, "givenName": "Ann", "sn": "Abara"}
    attributes = [
        _tlv(0x30, _tlv(0x04, name.encode()), _tlv(0x31, _tlv(0x04, value.encode()))) for name, value in said.items()
    ]
    return _message(number, _tlv(ENTRY, _tlv(0x04, f"uid=ann,{BASE}".encode()), _tlv(0x30, *attributes)))
