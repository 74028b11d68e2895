"""One message to one mail server, and what became of it: the seam between the outbox and the network.

Promises: nothing is sent unencrypted where STARTTLS is asked for, and nothing to a server whose certificate does not hold; every
wait ends. A message has one of four ends. *Accepted*: the server took it. *Refused*: it never will (5xx). *Later*: it did not, and
may next time (4xx, or the line broke before the message's last line was written). *Unknown*: the last line was written and no answer
came; the server may hold the message or not (RFC 5321 4.2.5 and 6.1: it answers 250 and then may still lose the line), and who
sends again may send twice. Replies are kept as codes alone, their text repeats addresses.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from console.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from console.settings.tables import MailSettings

COMMAND_SECONDS = 30.0
ANSWER_SECONDS = 120.0
"""How long the answer after the message's end is waited for. RFC 5321 4.5.3.2.6 says 600 s, against duplicates; here a missing
answer sends nothing again, and a worker should be done with a message before `outbox.IN_HAND` has passed."""

_OUR_SIGN_IN = (530, 534, 535, 538)
"""Replies that ask for encryption or another sign-in (RFC 4954, RFC 3207): they are about our settings, not about a message."""

_DOT_AT_START = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class End(Enum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an attempt and, but for `accepted`, why, without any address. `broken`: the conversation is over."""

    end: End
    why: str = ""
    broken: bool = False


class Conversation(Protocol):
    """A server that listens."""

    def send(self, to: str, message: bytes) -> Outcome:
        """Try once. Raises nothing that comes from the network."""
        ...


class Unreachable(Unavailable):
    """The server did not answer, or sent us away for now: trying later may help by itself."""


class Mailer(Protocol):
    """The seam: whoever sends takes one of these."""

    def conversation(self) -> AbstractContextManager[Conversation]:
        """A new conversation. Raises Unreachable, or Unavailable when only a person can mend it."""
        ...


class SmtpMailer:
    """The mailer of the settings' server."""

    def __init__(self, settings: MailSettings) -> None:
        """`settings.host` is not empty. The password is read for each conversation, so that a new one needs no restart."""
        self._settings = settings

    @contextmanager
    def conversation(self) -> Iterator[Conversation]:
        client = self._connected()
        try:
            yield _Conversation(client, self._settings.sender)
        finally:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()

    def _connected(self) -> smtplib.SMTP:
        mail = self._settings
        where = f"The mail server {mail.host}:{mail.port}"
        password = mail.password() if mail.user else None
        try:
            client = smtplib.SMTP(mail.host, mail.port, timeout=COMMAND_SECONDS)
            try:
                # The message's last line is written apart; without this it waits 40 ms for the server's acknowledgement.
                if client.sock is not None:
                    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._introduce(client, password or "")
            except BaseException:
                client.close()
                raise
        except ssl.SSLError:
            raise Unavailable(
                f"The certificate of {mail.host}:{mail.port} does not hold; nothing was sent. "
                "Check mail.host and the machine's trusted certificates."
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise Unavailable(
                f"{where} offers no encryption or no sign-in on this port; nothing was sent. Check the keys of [mail]."
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise Unreachable(f"{where} cannot check our sign-in now ({error.smtp_code}); notices wait.") from None
            raise Unavailable(
                f"{where} refused our sign-in; nothing was sent. Check mail.user and mail.password_file."
            ) from None
        except (smtplib.SMTPException, OSError):
            raise Unreachable(f"{where} does not answer as it should; notices wait.") from None
        return client

    def _introduce(self, client: smtplib.SMTP, password: str) -> None:
        if self._settings.starttls:
            client.starttls(context=ssl.create_default_context())
        if self._settings.user:
            client.login(self._settings.user, password)
        client.ehlo_or_helo_if_needed()


class _Conversation:
    """The steps of RFC 5321 one by one, for it matters between which two the line breaks."""

    def __init__(self, client: smtplib.SMTP, sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, to: str, message: bytes) -> Outcome:
        body = _DOT_AT_START.sub(b"..", message)
        body = body if body.endswith(b"\r\n") else body + b"\r\n"
        try:
            code, text = self._client.mail(self._sender)
            if code == 250:
                code, text = self._client.rcpt(to)
            if code not in (250, 251):
                return self._declined(code, text)
            code, text = self._client.docmd("DATA")
            if code != 354:
                return self._declined(code, text)
            self._client.send(body)
        except (smtplib.SMTPException, OSError, ValueError):
            return Outcome(End.LATER, "the line to the mail server broke", broken=True)
        try:
            if self._client.sock is not None:
                self._client.sock.settimeout(ANSWER_SECONDS)
            self._client.send(b".\r\n")
            code, text = self._client.getreply()
        except (smtplib.SMTPException, OSError):
            return Outcome(End.UNKNOWN, "the line to the mail server broke before it answered", broken=True)
        if self._client.sock is not None:
            self._client.sock.settimeout(COMMAND_SECONDS)
        if code == 250:
            return Outcome(End.ACCEPTED)
        if not 400 <= code < 600:
            return Outcome(End.UNKNOWN, f"the mail server answered {code}", broken=True)
        return self._declined(code, text)

    def _declined(self, code: int, text: bytes) -> Outcome:
        """A reply other than yes. What the server answers to the reset decides whether it can be talked to any longer."""
        broken = code == 421
        if not broken:
            try:
                broken = self._client.rset()[0] != 250
            except (smtplib.SMTPException, OSError):
                broken = True
        said = f"the mail server answered {code}{_enhanced(text)}"
        refused = 500 <= code < 600 and code not in _OUR_SIGN_IN
        return Outcome(End.REFUSED if refused else End.LATER, said, broken)


def _enhanced(text: bytes) -> str:
    """` 5.1.1`, the part of a reply that names nobody (RFC 3463)."""
    found = _ENHANCED.match(text.decode("ascii", "replace"))
    return f" {found[1]}" if found else ""
