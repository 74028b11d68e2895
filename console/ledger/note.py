"""Signed notes and checkpoints (C2SP signed-note and tlog-checkpoint), so that others' tools can check what we signed.

Parsing is strict, for leniency is how a changed text stays valid: base64 and decimals are re-encoded and compared,
newlines are exact, and nothing is trimmed. Stricter than C2SP in three points: control characters include DEL and
U+0080–U+009F, a known key signs a note once, and a checkpoint has no extension lines. What does not hold raises
`NoteError`, whose message never contains key material.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from console.errors import Unverified
from console.ledger.merkle import EMPTY_ROOT, HASH_SIZE, SIZE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOTE_LIMIT = 256 * 1024
"""Bytes of a whole note: room for sixteen post-quantum signatures, which C2SP wants accepted."""

SIGNATURE_LIMIT = 100
"""Signature lines of a note, as in Go's implementation."""

NAME_LIMIT = 255
"""Bytes of a key's name, and so of an origin."""

_ED25519: Final = b"\x01"
_KEY_SIZE = 32
_KEY_ID_SIZE = 4
_SIGNATURE_PREFIX = "— "
_PRIVATE_PREFIX = "PRIVATE+KEY+"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NoteError(Unverified):
    """A note, checkpoint or key is malformed, or its signature does not hold."""


def from_base64(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical form; anything else raises NoteError."""
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except (Base64Error, UnicodeEncodeError):
        data = b""
    if to_base64(data) != text:
        raise NoteError("A base64 text is not in its exact form; it was not accepted.")
    return data


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return b64encode(data).decode("ascii")


def from_decimal(text: str) -> int:
    """A number from 0 to 2**63 - 1 in ASCII digits without leading zeros; anything else raises NoteError."""
    number = int(text) if _DECIMAL.fullmatch(text) else SIZE_LIMIT
    if number >= SIZE_LIMIT:
        raise NoteError("A number is not in its exact form; it was not accepted.")
    return number


def _check_name(name: str) -> None:
    """C2SP: not empty, no Unicode space, no plus; here also no control character and at most 255 bytes."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        length = 0
    if not 0 < length <= NAME_LIMIT or "+" in name or _CONTROL.search(name) or any(map(str.isspace, name)):
        raise NoteError(
            "A key's name is empty, too long or has a space, plus or control character; it was not accepted."
        )


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_SIZE]


def _split_key(text: str) -> tuple[str, str, bytes]:
    """Name, key id in hexadecimal and the 32 bytes after the Ed25519 type byte, of `<name>+<id>+<base64>`."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError("A key is not of the form name+id+base64; it was not accepted.")
    name, key_id, encoded = parts
    _check_name(name)
    data = from_base64(encoded)
    if len(data) != 1 + _KEY_SIZE or not data.startswith(_ED25519):
        raise NoteError("A key is not an Ed25519 key of 32 bytes; it was not accepted.")
    return name, key_id, data[1:]


@dataclass(frozen=True)
class VerifyKey:
    """Who signs (`name`) and the 32-byte Ed25519 public key that checks it."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public) != _KEY_SIZE:
            raise NoteError("A public key is not 32 bytes long; it was not accepted.")

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line says which key of that name made it; no protection, only a label."""
        return _key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """The one-line text to publish: `<name>+<hex key id>+<base64>`."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> VerifyKey:
        """The key of a published one-line text, without newline; NoteError when any character is not as it must be."""
        name, key_id, public = _split_key(vkey)
        if key_id != _key_id(name, public).hex():
            raise NoteError("A public key does not fit its id; it was not accepted.")
        return cls(name, public)

    def verify(self, text: str, signature: bytes) -> None:
        """Return when the 64-byte `signature` is this key's over `text`; else raise NoteError."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise NoteError(
                f"The signature of {self.name} does not hold: the text or the signature was changed."
            ) from None


@dataclass(frozen=True)
class SigningKey:
    """Who signs (`name`) and the 32-byte Ed25519 private seed, which no repr and no error shows."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.seed) != _KEY_SIZE:
            raise NoteError("A private key is not 32 bytes long; it was not accepted.")

    @classmethod
    def generate(cls, name: str, random: Callable[[int], bytes]) -> SigningKey:
        """A new key; `random(n)` gives n unpredictable bytes, such as os.urandom."""
        return cls(name, random(_KEY_SIZE))

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self.name, self._private.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        """The public half's one-line text."""
        return self.verify_key.vkey

    def encode(self) -> str:
        """The one-line private text of Go's note package, `PRIVATE+KEY+<name>+<hex key id>+<base64>`, no newline."""
        return f"{_PRIVATE_PREFIX}{self.name}+{self.verify_key.key_id.hex()}+{to_base64(_ED25519 + self.seed)}"

    @classmethod
    def decode(cls, text: str) -> SigningKey:
        """The key of a text that `encode` wrote, without newline; NoteError when any character is not as it must be."""
        if not text.startswith(_PRIVATE_PREFIX):
            raise NoteError("A private key does not begin as one; it was not accepted.")
        name, key_id, seed = _split_key(text.removeprefix(_PRIVATE_PREFIX))
        key = cls(name, seed)
        if key_id != key.verify_key.key_id.hex():
            raise NoteError("A private key does not fit its id; it was not accepted.")
        return key

    def sign(self, text: str) -> bytes:
        """The 64-byte Ed25519 signature over `text`; always the same for the same text (RFC 8032)."""
        return self._private.sign(text.encode())


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text) or _SURROGATE.search(text):
        raise NoteError("A note's text does not end in a newline or has a control character; it was not accepted.")


def sign_note(text: str, *keys: SigningKey) -> str:
    """The note of `text` (ending in a newline) with one signature line per key, in their order; at least one key."""
    _check_text(text)
    if not keys or len({(key.name, key.verify_key.key_id) for key in keys}) != len(keys):
        raise NoteError("A note needs at least one key and each key once; nothing was signed.")
    lines = [f"{_SIGNATURE_PREFIX}{key.name} {to_base64(key.verify_key.key_id + key.sign(text))}\n" for key in keys]
    note = f"{text}\n{''.join(lines)}"
    if len(keys) > SIGNATURE_LIMIT or len(note.encode()) > NOTE_LIMIT:
        raise NoteError("A note is longer than 256 KiB or has more than 100 signatures; nothing was signed.")
    return note


def _note_text(data: bytes | str) -> str:
    """The note as text, within its limits and free of control characters."""
    if len(data) > NOTE_LIMIT:
        raise NoteError("A note is longer than 256 KiB; it was not accepted.")
    try:
        raw = data if isinstance(data, bytes) else data.encode()
        note = raw.decode()
    except UnicodeError:
        raise NoteError("A note is not valid UTF-8; it was not accepted.") from None
    if len(raw) > NOTE_LIMIT:
        raise NoteError("A note is longer than 256 KiB; it was not accepted.")
    _check_text(note)
    return note


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Name, key id and signature of one line without its newline."""
    name, _, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    _check_name(name)
    data = from_base64(encoded)
    if not line.startswith(_SIGNATURE_PREFIX) or len(data) <= _KEY_ID_SIZE:
        raise NoteError("A signature line is not of the exact form; the note was not accepted.")
    return name, data[:_KEY_ID_SIZE], data[_KEY_ID_SIZE:]


def open_note(data: bytes | str, keys: Iterable[VerifyKey]) -> str:
    """The text of a note, with its final newline, once one of `keys` is found to have signed it; else NoteError.

    Lines of other keys are ignored but must be well formed. A line of one of `keys` that fails rejects the note, also
    beside one that holds, and so does a second line of the same key.
    """
    known: dict[tuple[str, bytes], VerifyKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise NoteError(f"Two different keys of {key.name} have the same id; nothing was accepted.")
    note = _note_text(data)
    end = note.rfind("\n\n")
    text, block = note[: end + 1], note[end + 2 :]
    if end < 0 or not block:
        raise NoteError("A note has no signatures after an empty line; it was not accepted.")
    lines = block[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise NoteError("A note has more than 100 signatures; it was not accepted.")
    seen: set[tuple[str, bytes]] = set()
    for name, key_id, signature in map(_signature, lines):
        signer = known.get((name, key_id))
        if signer is None:
            continue
        if (name, key_id) in seen:
            raise NoteError(f"A note has two signatures of {name}; it was not accepted.")
        seen.add((name, key_id))
        signer.verify(text, signature)
    if not seen:
        raise NoteError("A note has no signature of a known key; it was not accepted.")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a ledger that was signed: whose it is, its size in records, and the tree's 32-byte root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        _check_name(self.origin)
        if not 0 <= self.size < SIZE_LIMIT or len(self.root) != HASH_SIZE:
            raise NoteError("A checkpoint's size or root is out of range; it was not accepted.")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise NoteError("A checkpoint of no records has another root than the empty tree; it was not accepted.")

    def text(self) -> str:
        """Three lines: origin, size, base64 of the root."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint whose `text()` this is, to the character; else NoteError. It says nothing about signatures."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise NoteError("A checkpoint is not three lines; it was not accepted.")
        return cls(lines[0], from_decimal(lines[1]), from_base64(lines[2]))

    def sign(self, *keys: SigningKey) -> str:
        """The signed note of this checkpoint; every key bears the origin's name."""
        if any(key.name != self.origin for key in keys):
            raise NoteError("A key of another name cannot sign this checkpoint; nothing was signed.")
        return sign_note(self.text(), *keys)


def open_checkpoint(note: bytes | str, key: VerifyKey) -> Checkpoint:
    """The checkpoint in `note`, once `key` is found to have signed it and to bear the origin's name; else NoteError."""
    checkpoint = Checkpoint.parse(open_note(note, (key,)))
    if checkpoint.origin != key.name:
        raise NoteError("A checkpoint is of another ledger than the key; it was not accepted.")
    return checkpoint
