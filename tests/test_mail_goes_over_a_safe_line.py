"""STARTTLS with a certificate that holds, or nothing is sent; trouble that only a person can mend costs no notice an attempt."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models import tables as t
from tests.mailing import HOLD, approved, mailing_portal, states, work
from tests.services.smtp import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal


PASSWORD = "s3same"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'portal.db'}"


@pytest.fixture
def plain() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def guarded(certificate: Path) -> Iterator[MailServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with MailServer(login=("console", PASSWORD), tls=context) as running:
        yield running


def guarded_portal(url: str, folder: Path, server: MailServer, **mail: object) -> Portal:
    secret = folder / "mail.password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    return mailing_portal(
        url, folder, server, mail={"starttls": True, "user": "console", "password_file": str(secret), **mail}
    )


def test_it_signs_in_over_a_certificate_that_holds(
    database_url: str, tmp_path: Path, guarded: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    portal = guarded_portal(database_url, tmp_path, guarded)
    approved(portal)
    portal.clock.advance(HOLD)
    assert work(portal).counts["sent"] == 1
    assert guarded.logins == ["console"]


def test_a_certificate_that_does_not_hold_ends_it_and_counts_as_no_attempt(
    database_url: str, tmp_path: Path, guarded: MailServer
) -> None:
    portal = guarded_portal(database_url, tmp_path, guarded)
    approved(portal)
    portal.clock.advance(HOLD)
    done = work(portal)
    assert "certificate" in str(done.troubles[0])
    assert guarded.logins == []
    assert [(n.state, n.attempts) for n in portal.all(sa.select(t.notice))] == [("held", 0)]


def test_a_server_without_encryption_gets_nothing(database_url: str, tmp_path: Path, plain: MailServer) -> None:
    portal = guarded_portal(database_url, tmp_path, plain, user="")
    approved(portal)
    portal.clock.advance(HOLD)
    assert "offers no encryption" in str(work(portal).troubles[0])
    assert plain.deliveries == []


def test_a_wrong_password_ends_it_and_is_not_said(
    database_url: str, tmp_path: Path, guarded: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    portal = guarded_portal(database_url, tmp_path, guarded)
    (tmp_path / "mail.password").write_text("wr0ng")
    approved(portal)
    portal.clock.advance(HOLD)
    done = work(portal)
    assert "refused our sign-in" in str(done.troubles[0])
    assert "wr0ng" not in str(done.troubles[0])
    assert states(portal) == {"held": 1}


def self_signed(folder: Path) -> Path:
    """A certificate of its own for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file
