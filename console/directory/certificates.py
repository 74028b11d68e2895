"""What a server's certificate says of itself: whose it is, who vouches for it, for which hosts, until when.

Also of one that did not hold: it is fetched with a handshake that proves nothing and after which nothing is said, so that who has to
mend it knows which one it was.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from console.directory.lines import Host
    from console.directory.patience import Deadline

STARTTLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
"""The request (RFC 4511, 4.14) as message 1."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`until` is its last moment; `hosts` the names and addresses that it is for."""

    subject: str
    issuer: str
    hosts: tuple[str, ...]
    until: datetime

    def days(self, now: datetime) -> int:
        """Whole days until it expires; negative when it has."""
        return (self.until - now).days


def read(der: bytes) -> Certificate:
    """From a certificate's bytes. Raises ValueError for what is none."""
    from cryptography import x509

    found = x509.load_der_x509_certificate(der)
    return Certificate(
        found.subject.rfc4514_string() or "(no name)",
        found.issuer.rfc4514_string() or "(no name)",
        _hosts(found),
        found.not_valid_after_utc,
    )


def shown(host: Host, deadline: Deadline) -> Certificate | None:
    """The certificate that a server shows, whether it holds or not; None when it shows none."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    with suppress(OSError, ValueError), socket.create_connection((host.name, host.port), deadline.left(3)) as wire:
        wire.settimeout(deadline.left(deadline.patience.answer))
        if not host.at_once:
            wire.sendall(STARTTLS)
            wire.recv(4096)
        with blind.wrap_socket(wire, server_hostname=host.name) as proved:
            return read(proved.getpeercert(binary_form=True) or b"")
    return None


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return (
        *names.get_values_for_type(x509.DNSName),
        *(str(each) for each in names.get_values_for_type(x509.IPAddress)),
    )
