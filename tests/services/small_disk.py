"""A disk of the tests' own that is small enough to be filled: a file system in memory, mounted for one test by the machine's owner."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Self


class SmallDisk:
    """A disk of so many bytes, for everybody to write to. Use it with `with`."""

    def __init__(self, size: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="district-disk-", dir="/tmp"))
        self._size = size
        self._filling = self.folder / "filling"

    def __enter__(self) -> Self:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self._size},mode=1777", "district", str(self.folder)], check=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self.folder.rmdir()

    def left(self) -> int:
        """The bytes that are left."""
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def fill(self, left: int) -> None:
        """Leave so many bytes, in whole pages, or fewer where others write meanwhile."""
        with self._filling.open("wb") as file:
            while True:
                try:
                    os.posix_fallocate(file.fileno(), 0, max(1, self.left() - left))
                except OSError as error:  # somebody wrote between the question and the answer
                    if error.errno != errno.ENOSPC or self.left() <= left:
                        raise
                else:
                    return

    def free(self) -> None:
        """Give back what was filled."""
        self._filling.unlink(missing_ok=True)
