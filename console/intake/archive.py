"""Where imported files come from: a folder, a zip or one file, each giving the same named members as streams.

What a school district's export job leaves behind is not trusted: everything is counted while it is read, and what could fill
a disk, leave its folder or hide something is refused before the first row (limits: see `Limits`). Every refusal is one
sentence that names the file and says what to do. The SHA-256 of the input as it was goes into the import's record; an input
that changes while it is read is refused, since an export may still be writing it.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from console.errors import ConsoleError, Refused, Unavailable
from console.intake.findings import shown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

CHUNK = 1 << 18
ONE_READ = 1 << 20
"""No part of a zip's directory that is larger than this is taken into memory; 50 members need a few kilobytes."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_PACKED = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"Rar!": "rar",
}
_DAMAGE = (
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

Identity = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one input may hold.

    `total`: bytes after inflating, of all members together. `ratio`: inflated bytes for each packed one, judged for members
    above `ratio_floor` bytes, since a short file of blanks packs better than any bomb. `members`: files in the input.
    """

    total: int = 2 << 30
    ratio: int = 100
    ratio_floor: int = 1 << 20
    members: int = 50


LIMITS = Limits()


class _Sparing(io.BufferedReader):
    """A file that hands out at most `ONE_READ` bytes at once, so that a forged directory size costs no memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > ONE_READ:
            raise zipfile.BadZipFile("directory too large")
        return super().read(ONE_READ if size is None or size < 0 else size)


class _Counted(io.RawIOBase):
    """A member's bytes, counted against the input's limits while they are read."""

    def __init__(self, raw: BinaryIO, member: Member, source: Source) -> None:
        self._raw = raw
        self._member = member
        self._source = source
        self._count = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._raw.read(min(len(view), CHUNK))
        except ConsoleError:
            raise
        except _DAMAGE as error:
            raise self._source.damaged(self._member, error) from None
        if not data:
            self._source.check_unchanged(self._member)
            return 0
        if not self._count:
            _refuse_packed(data, self._source.inside(self._member))
        self._count += len(data)
        self._source.count(self._member, self._count)
        view[: len(data)] = data
        return len(data)


@dataclass(slots=True, eq=False)
class Member:
    """One file of the input.

    `name` has no folder; `size` and `packed` are bytes as declared, `read` is how far it was read so far. `path` and `identity`
    are a folder's member's.
    """

    name: str
    size: int
    packed: int
    source: Source
    opens: Callable[[], BinaryIO]
    identity: Identity | None = None
    path: Path | None = None
    read: int = 0

    def __repr__(self) -> str:
        return f"Member({shown_name(self.name)!r})"

    @property
    def shown(self) -> str:
        """The name for messages."""
        return shown_name(self.name)

    def open(self) -> io.BufferedReader:
        """The member from its start; may be opened again. Reading raises Refused or Unavailable, never anything else."""
        try:
            raw = self.opens()
        except ConsoleError:
            raise
        except _DAMAGE as error:
            raise self.source.damaged(self, error) from None
        return io.BufferedReader(_Counted(raw, self, self.source), CHUNK)


class Source:
    """An opened input. Use it in a `with`; members are closed with it.

    `kind` is folder, zip or file. `digest` is the SHA-256 (hex) of the file, or for a folder that of the lines
    `<sha256>  <name>` sorted by name, which is what `sha256sum * | sha256sum` prints.
    """

    def __init__(self, path: Path, kind: str, limits: Limits) -> None:
        self.path = path
        self.kind = kind
        self.limits = limits
        self.digest = ""
        self.members: dict[str, Member] = {}
        self.folders: set[str] = set()
        self.file: BinaryIO | None = None
        self.identity: Identity | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the input's file."""
        if self.file is not None:
            self.file.close()

    @property
    def shown(self) -> str:
        """The input's own name, for messages."""
        return shown_name(self.path.name or str(self.path))

    def inside(self, member: Member) -> str:
        """The member's name for messages, with its zip where it lies in one."""
        return f"{member.shown} in {self.shown}" if self.kind == "zip" else member.shown

    def find(self, name: str) -> Member | None:
        """The member of that name, in any case, or None. A folder of that name is refused."""
        if name.casefold() in self.folders:
            raise Refused(f"{shown_name(name)} is a folder where a file is wanted; nothing was imported, replace it.")
        return self.members.get(name.casefold())

    def only(self, *names: str) -> Member:
        """The one member there is, or the one that has one of these names; anything else is refused."""
        for name in names:
            if member := self.find(name):
                return member
        if len(self.members) == 1:
            return next(iter(self.members.values()))
        raise Refused(
            f"{self.shown} should hold one file, or one named {' or '.join(names)}; nothing was imported, name the file itself."
        )

    def add(self, member: Member) -> None:
        """Take a member in. Two of one name, or more than the limit, are refused."""
        if member.name.casefold() in self.members:
            raise Refused(f"{self.shown} holds {member.shown} twice; nothing was imported, keep the right one.")
        self.members[member.name.casefold()] = member
        if len(self.members) > self.limits.members:
            raise Refused(
                f"{self.shown} holds more than {self.limits.members} files; nothing was imported, leave only the export's own."
            )

    def count(self, member: Member, read: int) -> None:
        """Note that so many bytes of the member were read; above the limits the input is refused."""
        member.read = max(member.read, read)
        total = sum(each.read for each in self.members.values())
        _refuse_large(self, total)
        _refuse_ratio(self, member, read)

    def check_unchanged(self, member: Member) -> None:
        """The input is still the one whose digest was taken; otherwise Unavailable."""
        if member.path is not None:
            now: Identity | None = _identity(member.path.stat(follow_symlinks=False))
            before = member.identity
        else:
            now, before = _identity(os.fstat(self.file.fileno())) if self.file else None, self.identity
        if now != before:
            raise Unavailable(
                f"{self.inside(member)} changed while it was read; nothing was imported, wait until its export has ended."
            )

    def damaged(self, member: Member | None, error: BaseException) -> ConsoleError:
        """What a low-level error means for the operator."""
        name = self.inside(member) if member else self.shown
        if isinstance(error, PermissionError):
            return Unavailable(f"{name} cannot be read with this account's rights; nothing was imported, allow it.")
        if isinstance(error, OSError) and self.kind != "zip":
            return Unavailable(f"{name} cannot be read; nothing was imported, look at the disk and try again.")
        return Refused(f"{name} is damaged or cut off; nothing was imported, export it again and copy it whole.")


def open_source(path: str | Path, limits: Limits = LIMITS) -> Source:
    """The folder, zip or file at `path`, checked as far as that goes without reading rows.

    Raises Unavailable when it is not there or may not be read, Refused when it breaks a limit or a rule of the module.
    """
    place = Path(path)
    shown = shown_name(str(path))
    try:
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        raise Unavailable(
            f"{shown} cannot be read with this account's rights; nothing was imported, allow it."
        ) from None
    except (OSError, ValueError):
        raise Unavailable(f"{shown} is not there; nothing was imported, check the path.") from None
    file = os.fdopen(os.dup(handle), "rb", buffering=0) if not stat.S_ISDIR(os.fstat(handle).st_mode) else None
    mode = os.fstat(handle).st_mode
    os.close(handle)
    if file is None:
        return _open_folder(place, limits)
    if not stat.S_ISREG(mode):
        file.close()
        raise Refused(f"{shown} is neither a file nor a folder; nothing was imported, name one of the two.")
    return _open_file(place, file, limits)


def _open_folder(place: Path, limits: Limits) -> Source:
    source = Source(place, "folder", limits)
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError as error:
        raise source.damaged(None, error) from None
    lines = []
    for entry in entries:
        name = shown_name(entry.name)
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            raise Refused(f"{name} is a link; nothing was imported, put the file itself there.")
        if entry.is_dir():
            source.folders.add(entry.name.casefold())
            continue
        if not entry.is_file():
            raise Refused(f"{name} is not an ordinary file; nothing was imported, take it away.")
        path = place / entry.name
        status = entry.stat(follow_symlinks=False)
        member = Member(entry.name, status.st_size, status.st_size, source, _opens(path), _identity(status), path)
        source.add(member)
    _refuse_large(source, sum(member.size for member in source.members.values()))
    for member in sorted(source.members.values(), key=lambda each: each.name):
        try:
            with member.opens() as file:
                lines.append(f"{_digest(file)}  {member.name}\n")
        except OSError as error:
            raise source.damaged(member, error) from None
    source.digest = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    return source


def _open_file(place: Path, file: BinaryIO, limits: Limits) -> Source:
    source = Source(place, "file", limits)
    source.file = file
    try:
        status = os.fstat(file.fileno())
        source.identity = _identity(status)
        _refuse_large(source, status.st_size)
        start = file.read(8)
        file.seek(0)
        source.digest = _digest(file)
        if start[:4] in {b"PK\x03\x04", b"PK\x05\x06"} or place.suffix.lower() == ".zip":
            source.kind = "zip"
            _read_directory(source, file)
        else:
            source.add(Member(place.name, status.st_size, status.st_size, source, lambda: _again(file)))
    except OSError as error:
        source.close()
        raise source.damaged(None, error) from None
    except ConsoleError:
        source.close()
        raise
    return source


def _read_directory(source: Source, file: BinaryIO) -> None:
    try:
        archive = zipfile.ZipFile(_Sparing(_again(file)))  # type: ignore[arg-type] # it is a raw stream
        entries = archive.infolist()
        _refuse_overlaps(source, archive, entries)
    except ConsoleError:
        raise
    except _DAMAGE as error:
        raise source.damaged(None, error) from None
    if any(entry.filename == "[Content_Types].xml" for entry in entries):
        raise Refused(f"{source.shown} is an office document; nothing was imported, save each sheet as CSV UTF-8.")
    for entry in entries:
        parts = _safe_parts(source, entry)
        if entry.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith("."):
            continue
        source.add(Member(parts[-1], entry.file_size, entry.compress_size, source, _unpacks(archive, entry)))
    for member in source.members.values():
        _refuse_ratio(source, member, member.size)
    _refuse_large(source, sum(member.size for member in source.members.values()))


def _safe_parts(source: Source, entry: zipfile.ZipInfo) -> Sequence[str]:
    """The parts of a member's path; a path that leaves its folder, a link, a locked or oddly packed member is refused."""
    name = shown_name(entry.orig_filename)
    raw = entry.orig_filename.replace("\\", "/")
    parts = [part for part in raw.split("/") if part not in {"", "."}]
    if not parts or raw.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in raw:
        raise Refused(
            f"{source.shown} holds {name}, a path that leaves its folder; nothing was imported, do not trust it."
        )
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise Refused(f"{source.shown} holds {name}, a link; nothing was imported, pack the file itself.")
    if entry.flag_bits & 0x41:
        raise Refused(f"{name} in {source.shown} is encrypted; nothing was imported, unlock it first.")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Refused(f"{name} in {source.shown} is packed in an unusual way; nothing was imported, use deflate.")
    return parts


def _refuse_overlaps(source: Source, archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Members share no byte (CVE-2024-0450: Python before 3.11.8 does not look)."""
    if len(entries) > 4 * source.limits.members:
        raise Refused(
            f"{source.shown} holds more than {source.limits.members} files; nothing was imported, leave only the export's own."
        )
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
                f"{source.shown} holds files that overlap, as a zip bomb's do; nothing was imported, do not trust it."
            )


def _refuse_large(source: Source, total: int) -> None:
    if total > source.limits.total:
        raise Refused(
            f"{source.shown} holds more than {source.limits.total >> 20:,} MiB; nothing was imported, send less at once."
        )


def _refuse_ratio(source: Source, member: Member, size: int) -> None:
    if size > source.limits.ratio_floor and size > source.limits.ratio * max(member.packed, 1):
        raise Refused(
            f"{source.inside(member)} unpacks to more than {source.limits.ratio} times its size, as a zip bomb does; "
            "nothing was imported, do not trust it."
        )


def _refuse_packed(data: bytes, name: str) -> None:
    for magic, kind in _PACKED.items():
        if data.startswith(magic):
            raise Refused(f"{name} is itself a packed file ({kind}); nothing was imported, unpack it first.")


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := file.read(CHUNK):
        digest.update(data)
    return digest.hexdigest()


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _again(file: BinaryIO) -> BinaryIO:
    """The same open file from its start, with a position of its own: the path may lead elsewhere by now."""
    return _FromStart(file.fileno())  # type: ignore[return-value] # a raw stream is all that is needed


class _FromStart(io.RawIOBase):
    """Reads an open file by position, so that several readers share one descriptor; it is closed by its owner."""

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


def _opens(path: Path) -> Callable[[], BinaryIO]:
    return lambda: os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")


def _unpacks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: archive.open(entry)  # type: ignore[return-value] # typed IO[bytes]
