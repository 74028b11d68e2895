"""Makes `.venv` what the lock files say, and nothing else: `environment.py runtime` or `environment.py development`.

It runs under the machine's own Python, before anything is installed. Promises: only the standard library is needed;
every package comes as a wheel whose hash is locked, the build backend included, so nothing unlocked is downloaded; an
environment that was moved here, or belongs to a Python that is gone, is made anew; a second run finds its stamp and
does nothing; what is missing is named in one sentence.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TESTED = ["requirements.lock", "requirements-dev.lock"]
LOCKS = {"runtime": TESTED[:1], "development": TESTED, "campaigns": [*TESTED, "requirements-campaigns.lock"]}


def stamp_of(kind: str) -> str:
    """What `.venv` has to agree with: its place, its Python, and all that decides what is installed."""
    digest = hashlib.sha256(f"{VENV}\n".encode())
    for name in [*LOCKS[kind], "pyproject.toml", ".venv/pyvenv.cfg"]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def works() -> bool:
    """Whether `.venv` is an environment of this place with a Python that is new enough and has pip."""
    question = f"import sys, pip; assert sys.version_info >= {OLDEST}; print(sys.prefix)"
    try:
        answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=False)
    except OSError:
        return False
    scripts = VENV / "bin" / "pip"  # it names the place where the environment was made
    return answer.returncode == 0 and scripts.exists() and str(PYTHON) in scripts.read_text(errors="replace")[:300]


def make() -> None:
    """A new `.venv` of the Python that runs this."""
    if sys.version_info < OLDEST:
        sys.exit(f"Python {sys.version.split()[0]} is too old, nothing was installed; Python 3.11 or newer is needed.")
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        sys.exit(
            "This Python has no venv module and nothing was installed; on Debian install the package python3-venv."
        )
    print("Making .venv …", file=sys.stderr)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode:
        sys.exit("The environment .venv was not made; the lines above say why.")


def install(kind: str) -> None:
    """The locked packages, then the project itself in place."""
    print(f"Installing the packages of {' and '.join(LOCKS[kind])} …", file=sys.stderr)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    locked = [*pip, "--require-hashes", "--only-binary=:all:"]
    for name in LOCKS[kind]:
        locked += ["--requirement", str(ROOT / name)]
    project = [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)]
    # Where to load from is the person's choice (PIP_…); what another Python would import is not.
    surroundings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    for command in (locked, project):
        if subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode:
            sys.exit("The environment .venv is not complete; the lines above say why. Run the command again to go on.")


def main(kind: str) -> None:
    """Leaves `.venv` complete for `kind`, or ends with a sentence."""
    stamp = VENV / f".{kind}"
    if not works():
        make()
    elif stamp.exists() and stamp.read_text() == stamp_of(kind):
        return
    install(kind)
    for name in list(LOCKS)[: list(LOCKS).index(kind) + 1]:
        (VENV / f".{name}").write_text(stamp_of(name))


if __name__ == "__main__":
    main(sys.argv[1])
