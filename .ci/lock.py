"""Writes the lock files: `requirements.lock` (what runs the console, and builds it), `requirements-dev.lock` (what tests it) and
`requirements-campaigns.lock` (what only the long campaigns and measurements need).

Promises: exact versions with the hashes of all their files, for every system and Python the project supports; the
files agree with each other; no name of a host, no index, no folder of the machine stands in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = ["-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-config"]
COMPILE += ["--no-build", "--python-version", "3.11", "--upgrade"]


def main() -> None:
    """All files, or a sentence."""
    # Folders with wheels of this machine would put hashes into the lock that no other machine can find.
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    runtime = [*COMPILE, "--group", "build", "pyproject.toml", "-o", "requirements.lock"]
    agreeing = [*COMPILE, "-c", "requirements.lock"]
    development = [*agreeing, "--group", "dev", "pyproject.toml", "-o", "requirements-dev.lock"]
    campaigns = [*agreeing, "-c", "requirements-dev.lock", "--group", "campaigns", "-o", "requirements-campaigns.lock"]
    for command in (runtime, development, campaigns):
        if subprocess.run([sys.executable, *command], cwd=ROOT, env=surroundings, check=False).returncode:
            sys.exit("The dependencies were not locked anew; the lines above say why.")


if __name__ == "__main__":
    main()
