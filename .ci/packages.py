"""Sees to it that what `packages.txt` names is on the machine, or another list that is named.

As root on Debian it installs what is missing; anyone else is told exactly what is missing, and the run ends there: a
test that cannot run is a failure, never a skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).with_name(sys.argv[1] if sys.argv[1:] else "packages.txt")


def there(proof: str) -> bool:
    """Whether the file (its path may have wildcards) or the program is on this machine."""
    return any(Path("/").glob(proof[1:])) if proof.startswith("/") else shutil.which(proof) is not None


def missing() -> list[str]:
    """The packages whose program or file is not there."""
    rows = [line.split("|") for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    wanted = [(package.strip(), proof.strip()) for package, proof, _ in rows]
    return [name for name, proof in wanted if not there(proof)]


def main() -> None:
    """Installs, or says what to install."""
    absent = missing()
    if not absent:
        return
    words = " ".join(absent)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(
            f"The tests did not run: this machine lacks {words}. As root on Debian: "
            f"apt-get update && apt-get install --no-install-recommends {words}"
        )
    print(f"Installing {words} …", file=sys.stderr)
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=3"]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *absent]):
        done = subprocess.run(
            command, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            sys.exit(f"The tests did not run: {' '.join(command[5:]) or 'apt-get'} failed; the lines above say why.")
    if missing():
        sys.exit(
            f"The tests did not run: {' '.join(missing())} is installed but its files are not where they should be."
        )


if __name__ == "__main__":
    main()
