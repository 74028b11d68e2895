"""Pages of results that a run writes itself: docs/BENCHMARKS.md and docs/RELIABILITY.md.

Promises: a run replaces the part that it measured and leaves the others as they were; each part says when, from which commit and
with which command; two runs at once do not lose each other's parts; nothing of the machine's names or folders stands in them.
"""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "docs" / "BENCHMARKS.md"
RELIABILITY = ROOT / "docs" / "RELIABILITY.md"


def put(page: Path, heading: str, lines: Iterable[str]) -> None:
    """Write the part `heading` of `page`, in place of the one of that name, or behind the last."""
    with page.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        first, *parts = file.read().split("\n## ")
        kept = {part.partition("\n")[0]: part.rstrip() for part in parts}
        kept[heading] = "\n".join([heading, "", *lines]).rstrip()
        file.seek(0)
        file.write("\n\n## ".join([first.rstrip(), *kept.values()]) + "\n")
        file.truncate()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table. A bar in a cell is written so that it stays in its cell."""
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]


def circumstances(command: str) -> str:
    """One line: the command, the day, the commit, the processors and the Python of this run.

    A commit is followed by `-dirty` where anything but these pages is not as it says.
    """
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    others = [f":(exclude){page.relative_to(ROOT)}" for page in (BENCHMARKS, RELIABILITY)]
    if _git("status", "--porcelain", "--untracked-files=no", "--", ".", *others):
        commit += "-dirty"
    day = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores at load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    return f"`{command}`, {day}, commit {commit}, {machine}."


def _git(*words: str) -> str:
    """What git says, "" where there is none."""
    command = ["git", "-c", f"safe.directory={ROOT}", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
