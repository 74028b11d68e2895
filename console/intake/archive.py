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
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from console.errors import ConsoleError, Refused, Unavailable
from console.intake.findings import shown_name
from console.intake.zipped import DAMAGE, FromStart, read_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

    from console.intake.zipped import Readable

CHUNK = 1 << 18

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


class _Counted(io.RawIOBase):
    """A member's bytes, counted against the input's limits while they are read."""

    def __init__(self, raw: Readable, member: Member, source: Source) -> None:
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
        except DAMAGE as error:
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
    opens: Callable[[], Readable]
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
        except DAMAGE as error:
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
            with closing(member.opens()) as file:
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
            for packed in read_directory(file.fileno(), source.shown, limits.members):
                source.add(Member(packed.name, packed.size, packed.packed, source, packed.opens))
            for member in source.members.values():
                _refuse_ratio(source, member, member.size)
            _refuse_large(source, sum(member.size for member in source.members.values()))
        else:
            source.add(Member(place.name, status.st_size, status.st_size, source, lambda: FromStart(file.fileno())))
    except ConsoleError:
        source.close()
        raise
    except DAMAGE as error:
        source.close()
        raise source.damaged(None, error) from None
    return source


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


def _digest(file: Readable) -> str:
    digest = hashlib.sha256()
    while data := file.read(CHUNK):
        digest.update(data)
    return digest.hexdigest()


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _opens(path: Path) -> Callable[[], Readable]:
    return lambda: os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")
