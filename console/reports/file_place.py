"""Where a report is written: beside the wanted file, readable by its owner only, and given its name in one step when it is whole."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from console.errors import Refused, Unavailable, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.reports.exporting import Wanted


@contextmanager
def beside(wanted: Wanted) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside the wanted one, readable by its owner only, gone again when it did not get that name."""
    out = wanted.out
    if not out.name:
        raise Usage("--out names no file; nothing was exported.")
    path = out.with_name(f".{out.name}.{os.urandom(6).hex()}")
    try:
        if out.is_dir():
            raise Refused(f"{out.name} is a folder; nothing was exported. Name a file with --out.")
        if out.exists() and not wanted.force:
            raise Refused(f"{out.name} exists already; nothing was exported. Name another file, or add --force.")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            yield path, file
    except OSError as error:
        raise Unavailable(
            f"{out.name} could not be written ({error.strerror or 'its name is not possible'}); nothing was exported."
        ) from None
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def release(path: Path, wanted: Wanted) -> None:
    """Give the finished file its name, in one step, and have the folder on the disk."""
    out = wanted.out
    if wanted.force:
        path.replace(out)
    else:
        try:
            # A link fails where the name was taken meanwhile; a rename would not.
            os.link(path, out)
        except FileExistsError:
            raise Refused(f"{out.name} exists by now; the export is recorded, but was not given out.") from None
    folder = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
