"""Certificates of the tests' own: an authority, and what it – or somebody else – says about a server.

Promises: everything is made anew in the folder given, P-256 throughout, valid for the next ten days unless a test asks for another
time. A server's file holds its key first and its certificate after it, as `ssl` and slapd take it.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1")
FROM_NOW = (timedelta(days=-1), timedelta(days=10))
EXPIRED = (timedelta(days=-20), timedelta(days=-2))


class Authority:
    """A certificate authority with its folder; `file` is what somebody who trusts it has to name."""

    def __init__(self, folder: Path, name: str = "Synthetic district CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        own = _certificate(self._name, self._key.public_key(), self._name, self._key, (), FROM_NOW, authority=True)
        self.file = folder / f"{name.replace(' ', '-').lower()}.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        self.file.chmod(0o644)

    def server(self, name: str, hosts: Sequence[str] = LOOPBACK, valid: tuple[timedelta, timedelta] = FROM_NOW) -> Path:
        """A server's key and certificate, as one file called NAME.pem; `valid` counts from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name(name), key.public_key(), self._name, self._key, hosts, valid, authority=False)
        return _written(self._folder / f"{name}.pem", key, made)


def self_signed(folder: Path, name: str, hosts: Sequence[str] = LOOPBACK) -> Path:
    """A server's key and a certificate that only it vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate(_name(name), key.public_key(), _name(name), key, hosts, FROM_NOW, authority=False)
    return _written(folder / f"{name}.pem", key, made)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    hosts: Sequence[str],
    valid: tuple[timedelta, timedelta],
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    if authority:
        signs = {"key_cert_sign", "crl_sign"}
        made = made.add_extension(_usage(signs), critical=True)
    if hosts:
        made = made.add_extension(x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False)
    return made.sign(key, hashes.SHA256())


def _usage(granted: set[str]) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{each: each in granted for each in names.split()})


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _written(file: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    file.chmod(0o644)
    return file
