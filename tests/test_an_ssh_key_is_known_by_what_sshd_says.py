"""The key that somebody came with is what the SSH server wrote, read strictly: fingerprints as ssh-keygen shows them, or an error."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

from console.errors import Refused
from console.signin.ssh_key import fingerprint, key, parse

KINDS = ("ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-3072", "sk-ed25519", "sk-ecdsa")


def keygen(*words: object) -> str:
    return subprocess.run(["ssh-keygen", *map(str, words)], capture_output=True, text=True, check=True).stdout


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def public(kind: str, folder: Path) -> Path:
    """A public key of the kind. Security keys need a device to be made, so theirs are put together as PROTOCOL.u2f says."""
    file = folder / "key.pub"
    if kind.startswith("sk-"):
        curve = kind.removeprefix("sk-")
        keygen("-q", "-t", curve, "-N", "", "-f", folder / "key")
        blob = base64.b64decode(file.read_text().split()[1])
        inner = blob[4 + int.from_bytes(blob[:4], "big") :]
        name = {"ed25519": "sk-ssh-ed25519", "ecdsa": "sk-ecdsa-sha2-nistp256"}[curve] + "@openssh.com"
        file.write_text(f"{name} {base64.b64encode(string(name.encode()) + inner + string(b'ssh:')).decode()} ann\n")
        return file
    name, _, bits = kind.partition("-")
    keygen("-q", "-t", name, *(("-b", bits) if bits else ()), "-N", "", "-f", folder / "key")
    return file


def certified(file: Path, folder: Path, *principals: str) -> Path:
    keygen("-q", "-t", "ed25519", "-N", "", "-f", folder / "ca")
    named = ("-n", ",".join(principals)) if principals else ()
    keygen("-q", "-s", folder / "ca", "-I", "ann of Lincoln", *named, "-z", 77, "-V", "+1d", file)
    return file.with_name("key-cert.pub")


def said(folder: Path, *lines: str, mode: int = 0o600) -> dict[str, str]:
    """What sshd would say: an environment with the file of these lines."""
    file = folder / "sshauth"
    file.unlink(missing_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))
    file.chmod(mode)
    return {"SSH_USER_AUTH": str(file)}


def words(file: Path) -> str:
    return "publickey " + " ".join(file.read_text().split()[:2])


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_is_the_one_that_ssh_keygen_shows_with_a_certificate_and_without(
    kind: str, tmp_path: Path
) -> None:
    file = public(kind, tmp_path)
    shown = keygen("-l", "-f", file).split()[1]
    assert fingerprint(said(tmp_path, words(file))) == shown
    signed = certified(file, tmp_path, "ann", "bob")
    found = key(said(tmp_path, words(signed)))
    assert found is not None
    assert (found.fingerprint, found.key_id, found.serial, found.principals) == (
        shown,
        "ann of Lincoln",
        77,
        ("ann", "bob"),
    )
    if not kind.startswith("sk-"):
        other = load_ssh_public_identity(signed.read_bytes())
        assert isinstance(other, SSHCertificate)
        assert (other.key_id.decode(), other.serial) == (found.key_id, found.serial)
        assert tuple(name.decode() for name in other.valid_principals) == found.principals


def test_no_ssh_means_no_key() -> None:
    assert fingerprint({}) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602, 0o700, 0o400])
def test_a_file_that_others_can_read_or_write_is_not_believed(mode: int, tmp_path: Path) -> None:
    file = public("ed25519", tmp_path)
    with pytest.raises(Refused, match="cannot be relied on; nothing was done"):
        fingerprint(said(tmp_path, words(file), mode=mode))


@pytest.mark.parametrize(
    "what", ["missing", "link", "hard link", "folder", "pipe", "large", "relative", "empty", "nul"]
)
def test_what_is_no_file_of_sshd_is_an_error_and_never_no_key(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = said(tmp_path, words(public("ed25519", tmp_path)))["SSH_USER_AUTH"]
    assert fingerprint({"SSH_USER_AUTH": named})
    other = tmp_path / "other"
    if what == "link":
        other.symlink_to(named)
    elif what == "hard link":
        os.link(named, other)
    elif what == "folder":
        other.mkdir(mode=0o700)
    elif what == "pipe":
        os.mkfifo(other, 0o600)
    elif what == "large":
        Path(named).write_text(Path(named).read_text() + "password\n" * 8000)
    monkeypatch.chdir(tmp_path)
    given = {"large": named, "relative": "sshauth", "empty": "", "nul": "a\0b"}.get(what, str(other))
    with pytest.raises(Refused, match="cannot be relied on"):
        fingerprint({"SSH_USER_AUTH": given})


def test_a_file_of_another_account_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = said(tmp_path, words(public("ed25519", tmp_path)))
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(Refused, match="cannot be relied on"):
        fingerprint(environment)


def test_exactly_one_key_counts(tmp_path: Path) -> None:
    line = words(public("ed25519", tmp_path))
    assert fingerprint(said(tmp_path, "password", line))
    for lines in ((), ("password",), (line, line), (line + " more",), ("publickey",)):
        with pytest.raises(Refused, match="does not name one key"):
            fingerprint(said(tmp_path, *lines))


def test_a_key_that_is_cut_off_lengthened_or_of_another_kind_is_an_error(tmp_path: Path) -> None:
    for file in (public("ed25519", tmp_path), certified(tmp_path / "key.pub", tmp_path, "ann")):
        kind, encoded = file.read_text().split()[:2]
        blob = base64.b64decode(encoded)
        bad = [(kind, base64.b64encode(blob[:n]).decode()) for n in range(len(blob))]
        bad += [("ssh-rsa", encoded), ("ssh-dss", encoded), (kind, encoded + "!"), (kind, "")]
        bad.append((kind, base64.b64encode(blob + b"\0").decode()))
        for pair in bad:
            with pytest.raises(Refused):
                parse(*pair)


def test_a_certificate_of_a_host_is_no_certificate_of_a_user(tmp_path: Path) -> None:
    file = public("ed25519", tmp_path)
    keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ca")
    keygen("-q", "-s", tmp_path / "ca", "-I", "host", "-h", "-n", "ann", file)
    with pytest.raises(Refused):
        fingerprint(said(tmp_path, words(file.with_name("key-cert.pub"))))
