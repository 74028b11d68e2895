"""A zip that can be written in one way only, so that whoever reads it can refuse every other.

Any tool opens it (APPNOTE 6.3, no ZIP64). But every byte outside the members' packed data follows from the members' names, sizes,
check sums and order: dates, attributes and versions are fixed, there is no comment, no extra field, no gap. Reading computes those
bytes and compares; there are no paths to leave a folder by, nothing overlaps, nothing is taken into memory but a block at a time.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from console.errors import Refused
from console.ledger.merkle import ProofError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK = 1 << 16
LARGEST = 2**32 - 2
"""Bytes of a member and of the whole zip."""

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_VERSION = 20
_UNIX = 3 << 8
_FIRST_DAY = 0x21
_ORDINARY = 0o100644 << 16
STORED, DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class Packed:
    """A member: what its headers say, and where its packed bytes begin."""

    name: str
    method: int
    check: int
    packed: int
    size: int
    offset: int

    def local(self) -> bytes:
        """The header before its bytes."""
        name = self.name.encode()
        return (
            _LOCAL.pack(
                b"PK\x03\x04",
                _VERSION,
                0,
                self.method,
                0,
                _FIRST_DAY,
                self.check,
                self.packed,
                self.size,
                len(name),
                0,
            )
            + name
        )

    def central(self) -> bytes:
        """Its line in the directory."""
        name = self.name.encode()
        return (
            _CENTRAL.pack(
                b"PK\x01\x02",
                _UNIX | _VERSION,
                _VERSION,
                0,
                self.method,
                0,
                _FIRST_DAY,
                self.check,
                self.packed,
                self.size,
                len(name),
                0,
                0,
                0,
                0,
                _ORDINARY,
                self.offset,
            )
            + name
        )


@dataclass(frozen=True, slots=True)
class Digests:
    """What a manifest says of a member: its bytes, their SHA-256, and the SHA-256 of how they are packed (hex)."""

    bytes: int
    sha256: str
    packed: str


def _end(members: Sequence[Packed], offset: int) -> bytes:
    directory = b"".join(each.central() for each in members)
    count = len(members)
    return directory + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)


class Packer:
    """Writes the zip into an empty, seekable file. `add` in the order in which they are to stand, then `finish`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[Packed] = []

    def add(self, name: str, data: bytes, *, method: int = STORED) -> Digests:
        """A member that is at hand."""
        return self.stream(name, lambda write: write(data), method=method)

    def stream(
        self, name: str, give: Callable[[Callable[[bytes], object]], object], *, method: int = DEFLATED
    ) -> Digests:
        """A member as `give` writes it. Raises Refused where it becomes larger than a zip holds (4 GiB)."""
        offset = self._file.tell()
        self._file.write(Packed(name, method, 0, 0, 0, offset).local())
        content, packed = sha256(), sha256()
        sizes = [0, 0]
        check = 0
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15) if method == DEFLATED else None

        def put(data: bytes) -> None:
            packed.update(data)
            sizes[1] += len(data)
            self._file.write(data)

        def write(data: bytes) -> None:
            nonlocal check
            content.update(data)
            check = zlib.crc32(data, check)
            sizes[0] += len(data)
            if max(sizes) + offset > LARGEST:
                raise Refused(
                    "The report is larger than 4 GiB; nothing was exported. Export it in parts, by --from and --until."
                )
            put(deflate.compress(data) if deflate is not None else data)

        give(write)
        if deflate is not None:
            put(deflate.flush())
        made = Packed(name, method, check, sizes[1], sizes[0], offset)
        self._file.seek(offset)
        self._file.write(made.local())
        self._file.seek(0, 2)
        self._members.append(made)
        return Digests(sizes[0], content.hexdigest(), packed.hexdigest())

    def finish(self) -> None:
        """Write the directory."""
        self._file.write(_end(self._members, self._file.tell()))


def open_packed(file: BinaryIO) -> dict[str, Packed]:
    """The members of a zip that `Packer` wrote, in their order; any other file raises ProofError."""
    size = file.seek(0, 2)
    members: dict[str, Packed] = {}
    offset = 0
    while True:
        file.seek(offset)
        start = file.read(_LOCAL.size)
        if start[:4] != b"PK\x03\x04":
            break
        if len(start) < _LOCAL.size or len(members) > MEMBERS:
            raise _other()
        _, _, _, method, _, _, check, packed, unpacked, length, _ = _LOCAL.unpack(start)
        try:
            name = file.read(length).decode("ascii")
        except UnicodeDecodeError:
            raise _other() from None
        made = Packed(name, method, check, packed, unpacked, offset)
        local = made.local()
        file.seek(offset)
        if name in members or method not in (STORED, DEFLATED) or file.read(len(local)) != local:
            raise _other()
        members[name] = made
        offset += len(local) + packed
        if offset > size:
            raise _other()
    end = _end(list(members.values()), offset)
    file.seek(offset)
    if not members or size - offset != len(end) or file.read(len(end)) != end:
        raise _other()
    return members


MEMBERS = 16
"""More members than any bundle has."""


def _other() -> ProofError:
    return ProofError("The file is not a report as the console writes it: it was changed, or packed anew.")


class Unpacking:
    """Reads one member from its start; `digests` is known at its end. Whatever does not fit its header raises ProofError."""

    def __init__(self, file: BinaryIO, member: Packed) -> None:
        self._file = file
        self._member = member
        self.digests: Digests | None = None

    def __iter__(self) -> Iterator[bytes]:
        """The content, a block at a time."""
        member = self._member
        place = member.offset + len(member.local())
        left, size, check = member.packed, 0, 0
        content, packed = sha256(), sha256()
        for data in self._blocks(place, left, packed.update):
            size += len(data)
            check = zlib.crc32(data, check)
            content.update(data)
            if size > member.size:
                raise _other()
            yield data
        if (size, check) != (member.size, member.check):
            raise _other()
        self.digests = Digests(size, content.hexdigest(), packed.hexdigest())

    def _blocks(self, place: int, left: int, seen: Callable[[bytes], None]) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-15) if self._member.method == DEFLATED else None
        while left:
            self._file.seek(place)
            data = self._file.read(min(BLOCK, left))
            if not data:
                raise _other()
            place += len(data)
            left -= len(data)
            seen(data)
            if inflate is None:
                yield data
                continue
            try:
                while data:
                    yield inflate.decompress(data, BLOCK)
                    data = inflate.unconsumed_tail
            except zlib.error:
                raise _other() from None
            if inflate.eof and (left or inflate.unused_data):
                raise _other()
        if inflate is not None:
            try:
                yield inflate.flush()
            except zlib.error:
                raise _other() from None
            if not inflate.eof:
                raise _other()

    def whole(self, limit: int) -> bytes:
        """All of a small member; ProofError above `limit` bytes."""
        if self._member.size > limit:
            raise _other()
        return b"".join(self)

    def lines(self) -> Iterator[bytes]:
        """The lines without their LF; the last must be ended too, and none is longer than 64 KiB."""
        rest = b""
        for data in self:
            *whole, rest = (rest + data).split(b"\n")
            yield from whole
            if len(rest) > BLOCK:
                raise _other()
        if rest:
            raise _other()
