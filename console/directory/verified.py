"""ldap3 as it is used here: every default that is unsafe, replaced. Loaded at the first question, for it imports ldap3.

Promises: a context verifies the certificate and the host's name within the handshake, speaks TLS 1.2 or newer, takes its authorities
from the file of the settings or where the system keeps them, whatever the environment names (`SSL_CERT_FILE`), and writes its secrets
nowhere (`SSLKEYLOGFILE`). A server is connected to once: ldap3 would open a closed connection again, in clear text, to bind on it.
"""

from __future__ import annotations

import socket
import ssl
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

with warnings.catch_warnings():  # it uses pyasn1's old names
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPExceptionError, LDAPNoSuchObjectResult, LDAPOperationResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.directory.patience import Deadline

__all__ = ["LDAPExceptionError", "LDAPNoSuchObjectResult", "LDAPOperationResult", "connection", "context", "ldap3"]


def context(ca_file: Path | None) -> ssl.SSLContext:
    """What every connection is verified with. Raises OSError for a file that holds no certificates (ssl.SSLError is one)."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = True
    made.verify_mode = ssl.CERT_REQUIRED
    if ca_file is not None:
        made.load_verify_locations(ca_file)
        return made
    system = ssl.get_default_verify_paths()
    file, folder = (path if Path(path).exists() else None for path in (system.openssl_cafile, system.openssl_capath))
    if file or folder:
        made.load_verify_locations(file, folder)
    return made


class VerifiedTls(ldap3.Tls):  # type: ignore[misc] # ldap3 has no types
    """TLS whose handshake proves the server's name, within the time that is left."""

    def __init__(self, host: str, ca_file: Path | None, deadline: Deadline) -> None:
        super().__init__(
            validate=ssl.CERT_REQUIRED, ca_certs_file=str(ca_file) if ca_file is not None else None, sni=host
        )
        self._context = context(ca_file)
        self.deadline = deadline

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002 - ldap3's signature
        """Ldap3 calls it for LDAPS and after StartTLS."""
        # Otherwise each bind waits 40 ms for the acknowledgement of the handshake's last message.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket.settimeout(self.deadline.left(self.deadline.patience.answer))
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self.sni)
        connection.socket.settimeout(self.deadline.patience.answer)


class OnceServer(ldap3.Server):  # type: ignore[misc] # ldap3 has no types
    """A server whose addresses are tried once, each for its three seconds, while time is left."""

    def __init__(self, *arguments: Any, addresses: list[Any], deadline: Deadline, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._left, self._deadline = addresses, deadline

    def candidate_addresses(self) -> Iterator[Any]:
        """The addresses that are left; none is given out twice."""
        while self._left:
            self.connect_timeout = self._deadline.left(self._deadline.patience.connect)
            yield self._left.pop(0)

    def update_availability(self, address: Any, available: bool) -> None:  # noqa: ARG002 - ldap3's signature
        """Nothing is remembered of an address; one that answered is the last."""
        if available:
            self._left.clear()


def connection(
    host: str, port: int, addresses: list[Any], *, tls: VerifiedTls, at_once: bool, user: str, password: str
) -> Any:
    """A connection that is not open yet, to be bound once as `user`. Without `at_once` it needs StartTLS first."""
    server = OnceServer(
        host,
        port,
        addresses=addresses,
        deadline=tls.deadline,
        use_ssl=at_once,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=tls.deadline.patience.connect,
        allowed_referral_hosts=[],
    )
    return ldap3.Connection(
        server,
        user,
        password.encode(),  # of a text ldap3 makes another (SASLprep), and refuses some that a directory accepts
        authentication=ldap3.SIMPLE,
        auto_bind=ldap3.AUTO_BIND_NONE,
        auto_referrals=False,
        receive_timeout=tls.deadline.patience.answer,
        read_only=True,
        raise_exceptions=True,
        client_strategy=ldap3.SAFE_SYNC,
        check_names=False,
    )
