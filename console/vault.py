"""What the portal stores sealed – sealed names, details of records, threads – and how it is opened again.

An envelope of two layers: the key file wraps the data keys (rows of `data_key`), and each data key, spread by HKDF-
SHA-256 (RFC 5869) into one key for sealing and one for each kind of search, seals values with AES-256-GCM. A sealed
value is bound to its place, `portal|table|column|row|key`: moved to another row or portal, or changed by a bit, it
does not open. Destroying a data key destroys what it sealed; the proofs over it, which hash only the sealed bytes,
stay valid.

`cryptography` is loaded with the first key that is used, for help and most lists never need it.
"""

from __future__ import annotations

import hmac
from hashlib import blake2b
from typing import TYPE_CHECKING

from console.errors import Unavailable, Unverified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from console.ids import RandomSource

VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = 32
HEADER_BYTES = len(VERSION) + KEY_ID_BYTES
LEAST = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
SEPARATOR = "|"


class SealBrokenError(Unverified):
    """A sealed value was changed, cut short, or lies where it was not put."""


class KeyGoneError(Unavailable):
    """The data key under which a value was sealed was destroyed or is not there."""


class Vault:
    """Seals and opens values of one portal. Safe to share between threads."""

    def __init__(self, data_keys: Mapping[int, bytes], portal: str, random: RandomSource) -> None:
        """`data_keys`: `data_key.id` → its 32 bytes, unwrapped. The highest id seals; the others only open.

        `random` gives the nonces: for data that is kept it must be the system's. Raises ValueError without keys, for
        a key of another length or an id that does not fit 32 bits.
        """
        if not data_keys or any(len(key) != KEY_BYTES or not 0 <= name < 2**32 for name, key in data_keys.items()):
            raise ValueError("a vault needs data keys of 32 bytes with ids of 32 bits")
        self.portal = _part(portal)
        self.current = max(data_keys)
        self._keys = dict(data_keys)
        self._random = random
        self._ciphers: dict[int, AESGCM] = {}
        self._mac_keys: dict[tuple[str, int], bytes] = {}

    def seal(self, table: str, column: str, row: int | str, plaintext: bytes) -> bytes:
        """The sealed value for this place: version, key id, nonce, ciphertext and tag; 33 bytes longer than the
        plaintext.
        """
        return self.seal_many(table, column, [(row, plaintext)])[0]

    def seal_many(self, table: str, column: str, values: Iterable[tuple[int | str, bytes]]) -> list[bytes]:
        """The sealed values of one column, in the order given as (row, plaintext)."""
        pairs = list(values)
        key = self.current
        encrypt = self._cipher(key).encrypt
        header = _header(key)
        start, end = self._place(table, column, key)
        nonces = self._random.bytes(NONCE_BYTES * len(pairs))
        sealed = []
        for index, (row, plaintext) in enumerate(pairs):
            nonce = nonces[index * NONCE_BYTES : (index + 1) * NONCE_BYTES]
            sealed.append(header + nonce + encrypt(nonce, plaintext, f"{start}{_row(row)}{end}".encode()))
        return sealed

    def open(self, table: str, column: str, row: int | str, sealed: bytes) -> bytes:
        """The plaintext that was sealed for this very place.

        Raises SealBrokenError when it was changed or moved, KeyGoneError when its data key is not here.
        """
        from cryptography.exceptions import InvalidTag

        if len(sealed) < LEAST or sealed[: len(VERSION)] != VERSION:
            raise _broken(table)
        key = int.from_bytes(sealed[len(VERSION) : HEADER_BYTES], "big")
        if key not in self._keys:
            raise KeyGoneError(f"A value in {table} was not opened: its data key {key} was destroyed or is not here.")
        start, end = self._place(table, column, key)
        nonce = sealed[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
        try:
            return self._cipher(key).decrypt(
                nonce, sealed[HEADER_BYTES + NONCE_BYTES :], f"{start}{_row(row)}{end}".encode()
            )
        except InvalidTag:
            raise _broken(table) from None

    def mac(self, purpose: str, text: str, key: int | None = None) -> bytes:
        """What stands for `text` in an index: HMAC-SHA-256 under a key of its own for each purpose ("sealed name").

        The caller normalises the text. Under the current data key unless another is named. Raises KeyGoneError.
        """
        name = self.current if key is None else key
        if name not in self._keys:
            raise KeyGoneError(f"Data key {name} was destroyed or is not here; nothing can be looked up under it.")
        mac_key = self._mac_keys.get((purpose, name))
        if mac_key is None:
            mac_key = self._mac_keys[purpose, name] = self._derived(name, f"mac{SEPARATOR}{_part(purpose)}")
        return hmac.digest(mac_key, text.encode(), "sha256")

    def mac_many(self, purpose: str, texts: Iterable[str]) -> list[bytes]:
        """`mac` of each, under the current data key."""
        self.mac(purpose, "")
        return _hashed(hmac.new(self._mac_keys[purpose, self.current], digestmod="sha256"), texts)

    def digests(self, purpose: str, texts: Iterable[str], size: int) -> list[bytes]:
        """Keyed BLAKE2b of each text, in `size` bytes (1 to 64), by which rows are told apart in their database and nowhere else.

        Under a key of its own for each purpose, of the current data key. For rows by the million: it takes half of what a MAC does.
        """
        key = self._derived(self.current, f"digest{SEPARATOR}{_part(purpose)}")
        return _hashed(blake2b(key=key, digest_size=size), texts)

    def macs(self, purpose: str, text: str) -> tuple[bytes, ...]:
        """`mac` under every data key, newest first: what to search for while older keys are still in use."""
        return tuple(self.mac(purpose, text, key) for key in sorted(self._keys, reverse=True))

    def _cipher(self, key: int) -> AESGCM:
        cipher = self._ciphers.get(key)
        if cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            cipher = self._ciphers[key] = AESGCM(self._derived(key, "seal"))
        return cipher

    def _derived(self, key: int, use: str) -> bytes:
        """One data key never serves two algorithms: each use has its own key, bound to the portal."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = f"{self.portal}{SEPARATOR}{use}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._keys[key])

    def _place(self, table: str, column: str, key: int) -> tuple[str, str]:
        """What stands before and after the row in the associated data."""
        return f"{self.portal}|{_part(table)}|{_part(column)}|", f"|{key}"


def wrap_data_key(key_file: bytes, key: int, data_key: bytes, portal: str, random: RandomSource) -> bytes:
    """A data key as it stands in `data_key.wrapped`, under the 32 bytes of the key file; `key` is the row's id.

    Raises ValueError for a key of another length: a shorter one would silently be AES-128.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(key_file) != KEY_BYTES or len(data_key) != KEY_BYTES:
        raise ValueError("keys are 32 bytes long")
    nonce = random.bytes(NONCE_BYTES)
    return VERSION + nonce + AESGCM(key_file).encrypt(nonce, data_key, _wrapping_place(portal, key))


def unwrap_data_key(key_file: bytes, key: int, wrapped: bytes, portal: str) -> bytes:
    """The data key of this row. Raises SealBrokenError when the key file is another or the row was changed or moved."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, rest = wrapped[len(VERSION) :][:NONCE_BYTES], wrapped[len(VERSION) + NONCE_BYTES :]
    try:
        data_key = AESGCM(key_file).decrypt(nonce, rest, _wrapping_place(portal, key))
    except (InvalidTag, ValueError):
        data_key = b""
    if len(data_key) != KEY_BYTES or not wrapped.startswith(VERSION):
        raise SealBrokenError(
            f"Data key {key} does not open with this key file; nothing was opened. "
            "Put back the key file that belongs to this database."
        )
    return data_key


def _hashed(begun: hmac.HMAC | blake2b, texts: Iterable[str]) -> list[bytes]:
    """Each text by a copy of a hash that was begun with its key, for beginning it takes as long as hashing a text."""
    found = []
    for text in texts:
        each = begun.copy()
        each.update(text.encode())
        found.append(each.digest())
    return found


def _wrapping_place(portal: str, key: int) -> bytes:
    return f"{_part(portal)}|data_key|wrapped|{key}|key file".encode()


def _header(key: int) -> bytes:
    return VERSION + key.to_bytes(KEY_ID_BYTES, "big")


def _part(text: str) -> str:
    """One part of a place; the separator inside would let two places look alike."""
    if SEPARATOR in text:
        raise ValueError("a part of a place holds no |")
    return text


def _row(row: int | str) -> int | str:
    return row if isinstance(row, int) else _part(row)


def _broken(table: str) -> SealBrokenError:
    return SealBrokenError(
        f"A sealed value in {table} was changed or lies in the wrong row; it was not opened. "
        "Run `district audit verify`."
    )
