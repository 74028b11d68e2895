"""Writes rosters for tests: folders and zips of exactly the bytes that a test says."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLES = Path(__file__).parent / "data" / "rosters"
"""Our own samples, with the dirt of published ones."""

SHARED = Path(__file__).parents[2] / "shared" / "rosters"
"""Published samples as they are, where the machine has them."""

ORGS = "sourcedId,status,dateLastModified,name,type,identifier\nS1,,,Lincoln,school,LMS\n"
USERS = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier\n"
    "U1,,,true,S1,student,amina,Amina,Diallo,700101\n"
)
USER_HEADER = USERS.split("\n", maxsplit=1)[0]


def manifest(version: str = "1.1", **modes: str) -> str:
    """A manifest of that version that says these modes."""
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    return "\n".join([*lines, *(f"file.{name},{mode}" for name, mode in modes.items()), ""])


def folder(place: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files, written as they are into the folder `place`."""
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return place


def zipped(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The files as a zip's bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()
