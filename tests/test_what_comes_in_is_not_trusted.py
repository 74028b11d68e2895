"""Promise: no zip, folder or file that is imported can fill the disk or the memory, leave its folder or hide what it holds.

ATTACK: each case is a file as somebody hostile, or a broken disk, would make it. The answer is one sentence that names the
file and says that nothing was imported.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.errors import ConsoleError, Refused, Unavailable
from console.intake.archive import Limits, open_source
from tests.rosters import USERS, folder, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = Limits(total=1 << 20, ratio=100, ratio_floor=1 << 14, members=5)


def drained(path: Path, limits: Limits = SMALL) -> dict[str, bytes]:
    """Every member's bytes, as an import would read them."""
    with open_source(path, limits) as source:
        found = {}
        for member in source.members.values():
            with member.open() as stream:
                found[member.name] = b"".join(iter(lambda: stream.read(4096), b""))
        return found


def refusal(path: Path, limits: Limits = SMALL) -> str:
    with pytest.raises(Refused) as caught:
        drained(path, limits)
    message = str(caught.value)
    assert "nothing was imported" in message
    assert message.isprintable()
    return message


def with_entry(name: str, **attributes: int) -> bytes:
    """A zip of one member whose directory entry has these attributes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        entry = zipfile.ZipInfo(name)
        for attribute, value in attributes.items():
            setattr(entry, attribute, value)
        archive.writestr(entry, "x")
    return held.getvalue()


def changed_directory(content: bytes, offset: int, layout: str, value: int) -> bytes:
    """The zip with one number of its first directory entry overwritten."""
    at = content.index(b"PK\x01\x02") + offset
    packed = struct.pack(layout, value)
    return content[:at] + packed + content[at + len(packed) :]


def overlapping() -> bytes:
    """Two directory entries for the same bytes, as in a quoted-overlap bomb."""
    content = zipped({"a.csv": "x" * 500, "b.csv": "x" * 500})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        second = archive.infolist()[1].header_offset
    at = content.rindex(b"PK\x01\x02") + 42
    assert struct.unpack_from("<L", content, at) == (second,)
    return content[:at] + struct.pack("<L", 0) + content[at + 4 :]


def covering() -> bytes:
    """A first member that claims the bytes of the second as its own."""
    content = zipped({"a.csv": "x" * 500, "b.csv": "y" * 500}, zipfile.ZIP_STORED)
    return changed_directory(content, 20, "<L", 600)


def wrong_crc() -> bytes:
    content = zipped({"users.csv": USERS}, zipfile.ZIP_STORED)
    return content.replace(b"Amina,Diallo", b"Amina,Dialla")


BOMB = zipped({"users.csv": b" " * (1 << 19)})
ATTACKS: dict[str, tuple[bytes, str]] = {
    "more than a hundred times its size": (BOMB, "more than 100 times its size"),
    "a size that lies": (changed_directory(BOMB, 24, "<L", 1000), "damaged or cut off"),
    "too much in all": (
        zipped({f"{i}.csv": os.urandom(300_000) for i in range(4)}),
        "more than 1 MiB",
    ),
    "too many members": (zipped({f"{i}.csv": "x" for i in range(6)}), "more than 5 files"),
    "thousands of members": (zipped({f"{i}.csv": "" for i in range(2_000)}), "more than 5 files"),
    "overlapping members": (overlapping(), "overlap"),
    "a member that covers the next": (covering(), "overlap"),
    "a zip in the zip": (
        zipped({"users.csv": zipped({"users.csv": USERS})}),
        "users.csv in roster.zip is itself a packed",
    ),
    "gzip in the zip": (zipped({"users.csv": b"\x1f\x8b\x08" + bytes(20)}), "is itself a packed file (gzip)"),
    "a path upwards": (zipped({"../users.csv": USERS}), "leaves its folder"),
    "a path upwards in the middle": (zipped({"a/../../users.csv": USERS}), "leaves its folder"),
    "a path upwards of another system": (zipped({"..\\users.csv": USERS}), "leaves its folder"),
    "an absolute path": (zipped({"/etc/users.csv": USERS}), "leaves its folder"),
    "a drive": (zipped({"C:\\users.csv": USERS}), "leaves its folder"),
    "a link": (with_entry("users.csv", external_attr=(stat.S_IFLNK | 0o777) << 16), "a link"),
    "a device": (with_entry("users.csv", external_attr=(stat.S_IFBLK | 0o777) << 16), "a link"),
    "an encrypted member": (changed_directory(zipped({"users.csv": USERS}), 8, "<H", 1), "encrypted"),
    "bzip2 inside": (zipped({"users.csv": USERS}, zipfile.ZIP_BZIP2), "unusual way"),
    "lzma inside": (zipped({"users.csv": USERS}, zipfile.ZIP_LZMA), "unusual way"),
    "the same name twice": (zipped({"a/users.csv": USERS, "b/USERS.csv": USERS}), "holds USERS.csv twice"),
    "escape bytes in a name": (zipped({"../\x1b[2J\x07users.csv": USERS}), "\\x1b[2J"),
    "a spreadsheet": (zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}), "office document"),
    "a byte that changed": (wrong_crc(), "users.csv in roster.zip is damaged"),
    "nothing": (b"", "damaged or cut off"),
    "no zip": (USERS.encode(), "damaged or cut off"),
    "the first half": (zipped({"users.csv": os.urandom(9000)})[:5000], "damaged or cut off"),
    "all but the last byte": (zipped({"users.csv": USERS})[:-1], "damaged or cut off"),
}


@pytest.mark.parametrize(("content", "reason"), ATTACKS.values(), ids=ATTACKS)
def test_attack_by_zip_is_refused_in_a_sentence(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "roster.zip"
    path.write_bytes(content)
    message = refusal(path)
    assert "roster.zip" in message
    assert reason in message


def test_a_forged_directory_size_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "roster.zip"
    size = 64 << 20
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0))
    tracemalloc.start()
    try:
        refusal(path, Limits())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_whose_directory_lies_is_stopped_before_it_is_in_memory(tmp_path: Path) -> None:
    """The declared size is what the standard library stops at; what was said of it is checked before the first byte."""
    path = tmp_path / "roster.zip"
    path.write_bytes(zipped({"users.csv": b" " * (64 << 20)}))
    tracemalloc.start()
    try:
        assert "times its size" in refusal(path, Limits())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_count_runs_while_reading_and_not_on_what_is_declared(tmp_path: Path) -> None:
    path = folder(tmp_path / "roster", {"users.csv": b"x" * 1000})
    with open_source(path, Limits(total=1500)) as source:
        member = source.members["users.csv"]
        member.opens = lambda: io.BytesIO(b"x" * 2000)
        with member.open() as stream, pytest.raises(Refused, match="holds more than"):
            stream.read()


def test_short_files_of_blanks_are_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "roster.zip"
    path.write_bytes(zipped({"users.csv": b"," * (1 << 13)}))
    assert drained(path) == {"users.csv": b"," * (1 << 13)}


def test_what_other_systems_add_to_a_zip_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "roster.zip"
    path.write_bytes(
        zipped({"export/": "", "export/users.csv": USERS, "__MACOSX/export/._users.csv": "x", "export/.DS_Store": "x"})
    )
    assert drained(path) == {"users.csv": USERS.encode()}


def test_a_folder_holds_only_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(USERS)
    (folder(tmp_path / "link", {}) / "users.csv").symlink_to(tmp_path / "secret")
    assert "users.csv is a link" in refusal(tmp_path / "link")
    os.mkfifo(folder(tmp_path / "pipe", {}) / "users.csv")
    assert "not an ordinary file" in refusal(tmp_path / "pipe")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe" / "users.csv")
    assert "more than 5 files" in refusal(folder(tmp_path / "many", {f"{i}.csv": "" for i in range(6)}))
    assert "more than 1 MiB" in refusal(folder(tmp_path / "big", {"users.csv": bytes(2 << 20)}))
    assert "packed file (gzip)" in refusal(folder(tmp_path / "gz", {"users.csv": b"\x1f\x8b\x08" + bytes(20)}))
    (folder(tmp_path / "inner", {}) / "users.csv").mkdir()
    with open_source(tmp_path / "inner") as source, pytest.raises(Refused, match=r"users\.csv is a folder"):
        source.find("users.csv")


def test_a_link_that_the_operator_names_is_followed(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(folder(tmp_path / "roster", {"users.csv": USERS}))
    assert drained(tmp_path / "latest") == {"users.csv": USERS.encode()}


def test_what_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is not there; nothing was imported"):
        open_source(tmp_path / "nowhere.zip")
    with pytest.raises(Unavailable, match="is not there"):
        open_source("a\0b")


def _open(path: Path) -> None:
    with open_source(path):
        pass


@pytest.mark.parametrize("act", [_open, drained], ids=["opened", "read"])
def test_what_may_not_be_read_is_unavailable(
    act: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run by root, no mode forbids anything: the kernel's answer is given by hand."""
    path = folder(tmp_path / "roster", {"users.csv": USERS})
    (path / "users.csv").chmod(0)
    if os.geteuid() == 0:
        ordinary = os.open

        def forbidden(name: str | Path, flags: int, *rest: int) -> int:
            if str(name).endswith("users.csv"):
                raise PermissionError
            return ordinary(name, flags, *rest)

        monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(Unavailable, match=r"users\.csv cannot be read with this account's rights"):
        act(path)
    with pytest.raises(Unavailable, match=r"users\.csv cannot be read with this account's rights"):
        act(path / "users.csv")


@pytest.mark.parametrize("kind", ["folder", "file", "zip"])
def test_an_input_that_changes_while_it_is_read_is_refused(kind: str, tmp_path: Path) -> None:
    path = folder(tmp_path / "roster", {"users.csv": USERS})
    target = path / "users.csv"
    if kind == "zip":
        target = path = tmp_path / "roster.zip"
        path.write_bytes(zipped({"users.csv": USERS}))
    with open_source(target if kind == "file" else path) as source, source.members["users.csv"].open() as stream:
        with target.open("ab") as file:
            file.write(b"U2")
        with pytest.raises(Unavailable, match="changed while it was read"):
            stream.read()


def test_the_digest_is_what_sha256sum_prints(tmp_path: Path) -> None:
    path = folder(tmp_path / "roster", {"users.csv": USERS, "orgs.csv": "x", ".hidden": "y"})
    listing = "".join(
        f"{hashlib.sha256((path / name).read_bytes()).hexdigest()}  {name}\n" for name in ("orgs.csv", "users.csv")
    )
    with open_source(path) as source:
        assert source.digest == hashlib.sha256(listing.encode()).hexdigest()
    with open_source(path / "users.csv") as source:
        assert source.digest == hashlib.sha256(USERS.encode()).hexdigest()


WHOLE = zipped({"users.csv": USERS, "orgs.csv": "sourcedId\n"})


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255), cut=st.booleans())
@example(at=len(WHOLE) - 1, byte=1, cut=False)
def test_a_changed_or_cut_zip_gives_the_same_bytes_or_a_sentence(
    at: int, byte: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "roster.zip"
    path.write_bytes(WHOLE[:at] if cut else WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :])
    try:
        found = drained(path)
    except ConsoleError:
        return
    assert not cut
    crcs = {zlib.crc32(content) for content in found.values()}
    assert crcs <= {zlib.crc32(USERS.encode()), zlib.crc32(b"sourcedId\n"), 0}


@given(content=st.binary(max_size=400), start=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_whatever_bytes_are_called_a_zip_the_answer_is_a_sentence(
    content: bytes, start: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "roster.zip"
    path.write_bytes(start + content)
    with pytest.raises(ConsoleError):
        drained(path)
