"""`python -m tests.measured [PART …] [--small] [--folder DIR]`: run the parts one after the other, each in a process of its own.

Part X is the module `of_X.py` here, with `TITLE` and `measure(report)`. Without PART all run. What they find is printed and written
into docs/BENCHMARKS.md; with `--small`, the trial run of the suite, nothing is written. Large data is built below `--folder`, where
it is found again by a later run; without it in a temporary folder that goes with the run.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.measured.report import Report

PARTS = sorted(path.stem.removeprefix("of_") for path in Path(__file__).parent.glob("of_*.py"))


def one(part: str, folder: Path, *, small: bool) -> None:
    """Run one part in this process."""
    module = importlib.import_module(f"tests.measured.of_{part}")
    report = Report(module.TITLE, folder, small)
    sys.stdout.write(f"\n{report.title}\n")
    module.measure(report)
    if not small:
        report.keep(f"make bench PARTS={part}")


def main() -> int:
    """Run what was asked for; the exit code is 0 when every part ran to its end, whatever it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.measured", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all, without")
    parser.add_argument("--small", action="store_true", help="a trial run: small data, nothing written")
    parser.add_argument("--folder", type=Path, help="where large data is built and found again")
    asked = parser.parse_args()
    if len(asked.parts) == 1 and asked.folder:
        one(asked.parts[0], asked.folder, small=asked.small)
        return 0
    code = 0
    with tempfile.TemporaryDirectory(prefix="district-measured-") as made:
        folder = asked.folder or Path(made)
        for part in asked.parts or PARTS:
            words = [sys.executable, "-m", "tests.measured", part, "--folder", str(folder)]
            code |= subprocess.run([*words, *(["--small"] if asked.small else [])], check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(main())
