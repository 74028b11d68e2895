"""One line to one server of the directory: opened within its time, verified, bound at most once, asked, closed.

Promises: no bind is sent before a handshake has proved the server's name, and none after the line broke. Every question ends at the
deadline, also where a server answers one byte at a time. A referral is not followed: it is no answer. Whatever ldap3 raises comes out
as `Unheard`, without a word of what was sent or received.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from console.directory.entries import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from console.directory.patience import Deadline

PAGE = 500
"""Entries a page; Active Directory gives at most 1,000."""
PAGED = "1.2.840.113556.1.4.319"
"""Simple paged results (RFC 2696)."""
SUCCESS, SIZE_LIMIT = 0, 4


class Unheard(Exception):
    """A server gave no answer that can be trusted. `step` is where it ended; the text has no personal data and no secret."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step, self.why = step, why


@dataclass(frozen=True, slots=True)
class Host:
    """One server of the settings; `at_once` is TLS from the first byte, otherwise StartTLS."""

    name: str
    port: int
    at_once: bool

    @classmethod
    def of(cls, address: str) -> Host:
        """From an address that the settings have checked."""
        parts = urlsplit(address)
        at_once = parts.scheme == "ldaps"
        return cls(parts.hostname or "", parts.port or (636 if at_once else 389), at_once)

    def __str__(self) -> str:
        return f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to a bind: the result's number and its text, which is for the log's reasons only."""

    result: int
    message: str


class Line:
    """A line that proved who is at its other end. Use it with `with`."""

    def __init__(self, host: Host, ca_file: Path | None, user: str, password: str, deadline: Deadline) -> None:
        """Nothing is opened yet; `user` is who will be bound."""
        self.host, self.deadline = host, deadline
        self._ca_file, self._user, self._password = ca_file, user, password
        self._connection: Any = None
        self._bound = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Resolve, connect, verify. Raises Unheard."""
        from console.directory import verified

        found = addresses(self.host, self.deadline)
        with _heard("certificates"):
            tls = verified.VerifiedTls(self.host.name, self._ca_file, self.deadline)
        self._connection = made = verified.connection(
            self.host.name,
            self.host.port,
            found,
            tls=tls,
            at_once=self.host.at_once,
            user=self._user,
            password=self._password,
        )
        with self._asking("connection"):
            made.open(read_server_info=False)
        if not self.host.at_once:
            with self._asking("StartTLS"):
                try:
                    made.start_tls(read_server_info=False)
                except verified.LDAPOperationResult:
                    raise Unheard("StartTLS", "the server does not start TLS") from None
        self._proved()

    def bind(self) -> Answer:
        """Send the one bind of this line, and return what the server said. Raises Unheard when it said nothing."""
        from console.directory.verified import LDAPOperationResult

        if self._bound:
            raise Unheard("bind", "this line was bound before")
        self._proved()
        self._bound = True
        with self._asking("bind"):
            try:
                _, result, _, _ = self._connection.bind(read_server_info=False)
            except LDAPOperationResult as refusal:
                return Answer(int(refusal.result), str(refusal.message))
            return Answer(int(result["result"]), str(result["message"]))

    def search(self, base: str, those: str, attributes: list[str], *, below: bool = True, most: int = 0) -> list[Entry]:
        """The entries below `base`, or itself alone, that the filter matches; none when there is no such base.

        At most `most` where it is given, however many there are; otherwise all of them. Raises Unheard.
        """
        from console.directory.verified import LDAPNoSuchObjectResult

        with self._asking("search"):
            try:
                _, result, response, _ = self._connection.search(
                    base, those, "SUBTREE" if below else "BASE", attributes=attributes, size_limit=most
                )
            except LDAPNoSuchObjectResult:
                return []
            if result["result"] not in ((SUCCESS, SIZE_LIMIT) if most else (SUCCESS,)):
                raise Unheard("search", str(result["description"]))
            return _entries(response)

    def pages(self, base: str, those: str, attributes: list[str]) -> Iterator[list[Entry]]:
        """All entries below `base` that the filter matches, in pages; each has its own time. Raises Unheard, also in the middle."""
        cookie: bytes | None = None
        while cookie is None or cookie:
            self.deadline = self.deadline.again()
            with self._asking("search"):
                _, result, response, _ = self._connection.search(
                    base,
                    those,
                    "SUBTREE",
                    attributes=attributes,
                    paged_size=PAGE,
                    paged_cookie=cookie,
                    paged_criticality=True,
                )
                if result["result"] != SUCCESS:
                    raise Unheard("search", str(result["description"]))
                cookie = result["controls"][PAGED]["value"]["cookie"]
            yield _entries(response)

    def certificate(self) -> bytes:
        """The server's certificate, verified, as DER."""
        self._proved()
        return bytes(self._connection.socket.getpeercert(binary_form=True))

    def version(self) -> str:
        """The version of TLS that is spoken."""
        return str(self._connection.socket.version())

    def close(self) -> None:
        """Hang up; what goes wrong with that is nobody's concern."""
        made, self._connection = self._connection, None
        if made is not None and not made.closed:
            with suppress(Exception):
                made.strategy.close()

    def _proved(self) -> None:
        """The belt: what is about to carry a password is an open TLS connection that was verified, by name."""
        made = self._connection
        wire = None if made is None or made.closed else made.socket
        if (
            not isinstance(wire, ssl.SSLSocket)
            or wire.context.verify_mode is not ssl.CERT_REQUIRED
            or not wire.context.check_hostname
            or wire.server_hostname != self.host.name
        ):
            raise Unheard("TLS", "the connection is not a verified one")

    @contextmanager
    def _asking(self, step: str) -> Iterator[None]:
        """One exchange: cut off at the deadline, and every way it can end badly is `Unheard`."""
        with _heard(step):
            late = threading.Timer(self.deadline.left(self.deadline.patience.in_all), self._cut)
            late.daemon = True
            late.start()
            try:
                yield
            finally:
                late.cancel()

    def _cut(self) -> None:
        """Called by another thread: whoever waits for the server hears that it hung up."""
        made = self._connection
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(made.socket, socket.SHUT_RDWR)


def addresses(host: Host, deadline: Deadline) -> list[Any]:
    """The addresses of a host, as `socket.getaddrinfo` gives them, found within three seconds. Raises Unheard."""
    found: list[Any] = []
    wrong: list[str] = []

    def look() -> None:
        try:
            found.extend(socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            wrong.append(_said(error))

    # The system's resolver knows no time limit; the thread that waits for it is left alone.
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    with _heard("name resolution"):
        looking.join(deadline.left(deadline.patience.resolve))
    if looking.is_alive():
        raise Unheard("name resolution", "no answer in time")
    if not found:
        raise Unheard("name resolution", wrong[0] if wrong else "no address")
    return list(found)


@contextmanager
def _heard(step: str) -> Iterator[None]:
    try:
        yield
    except Unheard:
        raise
    except Exception as error:  # noqa: BLE001 - an answer that is not LDAP breaks ldap3 in whatever way it likes
        raise Unheard(step, _said(error)) from None


def _said(error: Exception) -> str:
    """What kind of trouble it was. ldap3 hides the first error in the text of another; no text of a server comes through."""
    text = str(error)
    for sign, words in SIGNS:
        if sign in text:
            return words
    return str(getattr(error, "description", "") or type(error).__name__)


SIGNS = (
    ("Hostname mismatch", "the certificate is for another host name"),
    ("IP address mismatch", "the certificate is for another address"),
    ("certificate has expired", "the certificate has expired"),
    ("certificate is not yet valid", "the certificate is not valid yet"),
    ("self-signed certificate", "the certificate is not vouched for by the authorities that are trusted here"),
    ("self signed certificate", "the certificate is not vouched for by the authorities that are trusted here"),
    ("unable to get local issuer", "the certificate is not vouched for by the authorities that are trusted here"),
    ("certificate signature failure", "the certificate is not vouched for by the authorities that are trusted here"),
    ("CERTIFICATE_VERIFY_FAILED", "the certificate could not be verified"),
    ("PROTOCOL_VERSION", "the server speaks no TLS 1.2 or newer"),
    ("UNSUPPORTED_PROTOCOL", "the server speaks no TLS 1.2 or newer"),
    ("WRONG_VERSION_NUMBER", "the server speaks no TLS there"),
    ("service not known", "the name has no address"),
    ("address associated with hostname", "the name has no address"),
    ("failure in name resolution", "no name server answers"),
    ("timed out", "no answer in time"),
    ("Connection refused", "nothing listens there"),
    ("unable to open socket", "no address took a connection in time"),
)
"""What OpenSSL, the system and ldap3 write, and what it means."""


def _entries(response: list[dict[str, Any]]) -> list[Entry]:
    """The entries of an answer. What points to another server is left out: it is not asked."""
    return [
        Entry(str(each["dn"]), {str(name).lower(): tuple(found) for name, found in each["raw_attributes"].items()})
        for each in response
        if each.get("type") == "searchResEntry"
    ]
