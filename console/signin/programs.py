"""Programs: operators that are nobody, as the nightly import, and prove who they are with a key of their own.

Promises: a program works with its key alone – `NAME.key` in `signin.program_keys`, an OpenSSH Ed25519 key that only its owner can
read – and that key is tied to it in `operator_key`; it has no password, no second factor and no session. A person has no such key
and cannot be a program.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import Refused
from console.lazy import sa, t
from models.words import OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from console.authority import Operator
    from console.ids import RandomSource
    from console.office import Office
    from console.settings import Settings

WHAT = "program key"
SEED_BYTES = 32


def key_file(settings: Settings, name: str) -> Path:
    """Where the key of the program of this name lies. Raises Refused for a name that would lead elsewhere."""
    if not name or name != Path(name).name or name.startswith(".") or not name.isprintable():
        raise Refused(f"{name!r} cannot name a key file; nothing was done. Give the program another name.")
    return settings.signin.program_keys / f"{name}.key"


def make_key(
    connection: sa.Connection, settings: Settings, operator_id: int, name: str, now: datetime, random: RandomSource
) -> Path:
    """Make a program's key, tie it and take from the program every key before; returns its file.

    Raises Refused when the file exists or others can open its folder, Unavailable when the disk does not take it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from console.keyfiles import create_secret

    path = key_file(settings, name)
    key = Ed25519PrivateKey.from_private_bytes(random.bytes(SEED_BYTES))
    create_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    connection.execute(t.operator_key.delete().where(t.operator_key.c.operator_id == operator_id))
    connection.execute(
        t.operator_key.insert().values(operator_id=operator_id, fingerprint=fingerprint_of(key), added_at=now)
    )
    connection.execute(
        t.operator.update().where(t.operator.c.id == operator_id).values(origin=OperatorOrigin.PROGRAM, unattended=True)
    )
    return path


def program(office: Office, name: str) -> Operator:
    """The program of this name, whose key lies here. Raises Refused when it is none, is disabled or the key is not its own."""
    from console.operators import operator_of

    with office.reading() as connection:
        row = connection.execute(
            sa.select(t.operator).where(
                sa.func.lowered(t.operator.c.name) == name.lower(), t.operator.c.unattended.is_(sa.true())
            )
        ).one_or_none()
        if row is None or row.status != OperatorStatus.ACTIVE:
            raise Refused(f"No program {name!r} works here; nothing was done. See district operators list.")
        known = connection.execute(
            sa.select(t.operator_key.c.fingerprint).where(t.operator_key.c.operator_id == row.id)
        ).scalars()
        if read_fingerprint(key_file(office.settings, row.name)) not in set(known):
            raise Refused(
                f"The key of {name!r} is not the one that is known here; nothing was done. Make it a new one."
            )
        return operator_of(connection, row)


def read_fingerprint(path: Path) -> str:
    """The fingerprint of the key in a file, as ssh-keygen writes it.

    Raises Unavailable when it is missing, Refused when others can read it or it is no Ed25519 key without a passphrase.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    from console.keyfiles import read_private

    data = read_private(path, WHAT)
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(
            f"The {WHAT} {path} is no OpenSSH Ed25519 key without a passphrase; nothing was done. Make a new one."
        )
    return fingerprint_of(key)


def fingerprint_of(key: Ed25519PrivateKey) -> str:
    """The fingerprint of a key's public half, `SHA256:…`."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return "SHA256:" + base64.b64encode(sha256(base64.b64decode(line.split()[1])).digest()).decode().rstrip("=")
