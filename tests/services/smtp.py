"""A mail server of the tests' own that accepts, refuses, asks to come back later, or hangs up at the worst moment.

Promises: it speaks real SMTP on loopback (with STARTTLS and a login when asked to), keeps every message that it
accepted, and fails only as the test told it to: so many times, at that step, for that recipient.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Literal, Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.services.postgres import free_port

if TYPE_CHECKING:
    import asyncio
    import ssl
    from email.message import EmailMessage
    from types import TracebackType

Step = Literal["sender", "recipient", "data"]
REPLIES = {451: "451 4.3.0 Try again later", 550: "550 5.1.1 No such mailbox", 452: "452 4.2.2 Mailbox full"}


@dataclass(frozen=True)
class Delivery:
    """A message that the server took: it answered 250, or hung up after it had stored it."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    answered: bool

    @property
    def message(self) -> EmailMessage:
        """The message with its headers decoded."""
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass
class _Fault:
    step: Step
    code: int | None  # None hangs up without an answer
    times: int
    recipient: str | None


class MailServer:
    """One server; use it with `with`. `login` is the only name and password it knows; `tls` makes STARTTLS a must."""

    def __init__(self, *, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.deliveries: list[Delivery] = []
        self.conversations = 0
        self.logins: list[str] = []
        self._login = login
        self._tls = tls
        self._faults: list[_Fault] = []
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Listens; after `stop()` on the same port again, as a server that was down."""
        self._controller = Controller(
            self,
            hostname=self.host,
            port=self.port,
            ready_timeout=10,
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            auth_required=self._login is not None,
            auth_require_tls=self._tls is not None,
            authenticator=self._authenticate,
        )
        self._controller.start()

    def stop(self) -> None:
        """Listens no longer: whoever connects is refused. What was delivered stays."""
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.stop()

    def fail(self, step: Step, code: int, *, times: int = 1, recipient: str | None = None) -> None:
        """Answers `code` (451 comes back later, 550 never) at `step`, the next `times` times, only for `recipient`."""
        self._faults.append(_Fault(step, code, times, recipient))

    def hang_up_after_data(self, *, times: int = 1) -> None:
        """Takes the next message and closes the connection before it answers: the sender cannot know."""
        self._faults.append(_Fault("data", None, times, None))

    def heal(self) -> None:
        """Forgets every fault that it was told."""
        self._faults.clear()

    def wait_for(self, number: int, timeout: float = 10.0) -> list[Delivery]:
        """The deliveries, as soon as there are at least `number`; fails after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while len(self.deliveries) < number:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{len(self.deliveries)} messages came within {timeout} s, {number} were expected."
                )
            time.sleep(0.01)
        return list(self.deliveries)

    # What aiosmtpd calls, by these names.

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.conversations += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._next("sender", address)
        if fault is not None:
            return REPLIES[cast("int", fault.code)]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._next("recipient", address)
        if fault is not None:
            return REPLIES[cast("int", fault.code)]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        fault = self._next("data", *envelope.rcpt_tos)
        if fault is not None and fault.code is not None:
            return REPLIES[fault.code]
        self.deliveries.append(
            Delivery(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                cast("bytes", envelope.original_content),
                answered=fault is None,
            ),
        )
        if fault is not None:
            cast("asyncio.WriteTransport", server.transport).abort()
        return "250 OK"

    def _next(self, step: Step, *addresses: str | None) -> _Fault | None:
        for fault in self._faults:
            if fault.step == step and fault.times > 0 and fault.recipient in (None, *addresses):
                fault.times -= 1
                return fault
        return None

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        if not isinstance(data, LoginPassword) or self._login is None:
            return AuthResult(success=False, handled=False)
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given[0])
        return AuthResult(success=given == self._login, handled=False)
