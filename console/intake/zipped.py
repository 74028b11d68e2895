"""Looks into a zip without trusting it: its directory, the paths in it, and where its members really lie.

Nothing is unpacked here and no more than a megabyte of directory is read. What is refused is said in one sentence; what is
merely broken raises one of `DAMAGE`.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from console.errors import Refused
from console.intake.findings import shown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import WriteableBuffer

ONE_READ = 1 << 20
"""No part of a zip's directory that is larger than this is taken into memory; 50 members need a few kilobytes."""

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises for a zip or file that is not whole."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")


class Readable(Protocol):
    """As much of a stream as is needed here."""

    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...


class Packed(NamedTuple):
    """A member as the zip's directory declares it: its name without folders, bytes unpacked and packed."""

    name: str
    size: int
    packed: int
    opens: Callable[[], Readable]


def read_directory(descriptor: int, shown: str, members: int) -> list[Packed]:
    """The members of the zip, less folders and the hidden files that some systems add."""
    archive = zipfile.ZipFile(_Sparing(FromStart(descriptor)))
    entries = archive.infolist()
    if len(entries) > 4 * members:
        raise Refused(f"{shown} holds more than {members} files; nothing was imported, leave only the export's own.")
    _refuse_overlaps(archive, entries, shown)
    if any(entry.filename == "[Content_Types].xml" for entry in entries):
        raise Refused(f"{shown} is an office document; nothing was imported, save each sheet as CSV UTF-8.")
    found = []
    for entry in entries:
        parts = _safe_parts(entry, shown)
        if not (entry.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith(".")):
            found.append(Packed(parts[-1], entry.file_size, entry.compress_size, _opens(archive, entry)))
    return found


def _safe_parts(entry: zipfile.ZipInfo, shown: str) -> Sequence[str]:
    """The parts of a member's path; a path that leaves its folder, a link, a locked or oddly packed member is refused."""
    name = shown_name(entry.orig_filename)
    raw = entry.orig_filename.replace("\\", "/")
    parts = [part for part in raw.split("/") if part not in {"", "."}]
    if not parts or raw.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in raw:
        raise Refused(f"{shown} holds {name}, a path that leaves its folder; nothing was imported, do not trust it.")
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise Refused(f"{shown} holds {name}, a link or device; nothing was imported, pack the file itself.")
    if entry.flag_bits & 0x41:
        raise Refused(f"{name} in {shown} is encrypted; nothing was imported, unlock it first.")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Refused(f"{name} in {shown} is packed in an unusual way; nothing was imported, use deflate.")
    return parts


def _refuse_overlaps(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], shown: str) -> None:
    """Members share no byte (CVE-2024-0450: Python before 3.11.8 does not look)."""
    file = archive.fp
    if file is None:
        raise zipfile.BadZipFile
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [entry.header_offset for entry in ordered[1:]] + [archive.start_dir]
    for entry, limit in zip(ordered, ends, strict=False):
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        if magic != b"PK\x03\x04":
            raise zipfile.BadZipFile
        if entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length + entry.compress_size > limit:
            raise Refused(
                f"{shown} holds files that overlap, as a zip bomb's do; nothing was imported, do not trust it."
            )


def _opens(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], Readable]:
    return lambda: archive.open(entry)


class FromStart(io.RawIOBase):
    """Reads an open file by position: several readers share one descriptor, which its owner closes.

    The path is not asked again, it may lead elsewhere by now.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        base = os.fstat(self._descriptor).st_size if base is None else base
        if base + offset < 0:
            raise ValueError("before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = os.pread(self._descriptor, len(view), self._position)
        self._position += len(data)
        view[: len(data)] = data
        return len(data)


class _Sparing(io.BufferedReader):
    """A file that hands out at most `ONE_READ` bytes at once, so that a forged directory size costs no memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > ONE_READ:
            raise zipfile.BadZipFile("directory too large")
        return super().read(ONE_READ if size is None or size < 0 else size)
