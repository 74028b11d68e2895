"""Files go over SSH through stdin and stdout: whole or not at all, to nobody who may not, and nothing of them stays on the server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.demo import build
from tests.services.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "ref,kind,arrived_at,login,given_name,family_name,student_number\n"
ROW = "{mark}-{n},parent,2026-11-20T08:00:00Z,{mark}{n},Pat,Vale,20260001\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    made = build(tmp_path_factory.mktemp("streams") / "demo", students=200, seed=7, today=date(2026, 11, 21))
    with Sshd(made.directory / "district.toml") as started:
        yield started


@pytest.fixture(scope="module")
def key(server: Sshd) -> Path:
    return server.key("ann")


def rows(mark: str, count: int) -> bytes:
    return (HEADER + "".join(ROW.format(mark=mark, n=n) for n in range(count))).encode()


def asked(server: Sshd, key: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return server.run(key, "district", *words, given=given)


def there(server: Sshd, key: Path, mark: str) -> int:
    """How many registrations of this mark came in."""
    listed = asked(server, key, "import", "registrations", "-", "--format", "json", "--dry-run", given=rows(mark, 3))
    kinds = json.loads(listed.stdout)["kinds"]
    return 3 - sum(each["added"] for each in kinds if each["name"] == "registrations")


def left(mark: str) -> list[Path]:
    """Copies on the server's disk that hold this mark."""
    return [file for file in Path("/tmp").glob("district-stream-*/stdin") if mark.encode() in file.read_bytes()]


def test_what_comes_on_stdin_is_imported_and_no_copy_stays(server: Sshd, key: Path) -> None:
    done = asked(server, key, "import", "registrations", "-", "--format", "json", given=rows("whole", 3))
    assert done.returncode in (0, 3), done.stderr
    assert json.loads(done.stdout)["batch"]
    assert there(server, key, "whole") == 3
    assert left("whole") == []


def test_a_file_that_is_cut_off_is_not_imported(server: Sshd, key: Path) -> None:
    """VULNERABILITY: to the server a connection that broke looks like the end of the file, and half a file like a whole one.

    ATTACK: send rows, end after a whole line, and kill the client. VERIFIES: nothing of it came in, no process and no copy is left.
    """
    client = subprocess.Popen(
        server.ssh(key, "district", "import", "registrations", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert client.stdin is not None
    client.stdin.write(rows("broken", 3))
    client.stdin.flush()
    deadline = time.monotonic() + 15
    while not any(Path("/tmp").glob("district-stream-*/stdin")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    client.kill()
    client.communicate()
    while server.consoles() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.consoles() == []
    assert there(server, key, "broken") == 0
    assert left("broken") == []


def test_a_report_comes_on_stdout_and_proves_itself(server: Sshd, key: Path, tmp_path: Path) -> None:
    made = asked(server, key, "audit", "export", "--out", "-", *_why())
    assert made.returncode == 0, made.stderr
    report = tmp_path / "report.zip"
    report.write_bytes(made.stdout)
    with zipfile.ZipFile(report) as opened:
        assert "VERIFY.md" in opened.namelist()
    vkey = asked(server, key, "audit", "checkpoint", "--key").stdout.decode().strip()
    verified = subprocess.run(
        [sys.executable, "-m", "console.cli.main", "audit", "verify", report, "--key", vkey],
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    over = asked(server, key, f"audit verify - --key '{vkey}'", given=report.read_bytes())
    assert over.returncode == 0, over.stderr
    spoilt = bytearray(report.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    assert asked(server, key, f"audit verify - --key '{vkey}'", given=bytes(spoilt)).returncode == 4


def _why() -> tuple[str, ...]:
    return ("--party", "board", "--interest", "review", "--purpose", "review")


def test_a_terminal_is_no_file(server: Sshd, key: Path) -> None:
    for words in (("import", "registrations", "-"), ("audit", "export", "--out", "-", *_why())):
        refused = subprocess.run(
            server.ssh(key, "district", *words, options=["-tt"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert refused.returncode == 2
        assert "nothing was" in refused.stdout


def test_the_same_works_at_the_server_itself(server: Sshd, tmp_path: Path) -> None:
    here = [sys.executable, "-m", "console.cli.main", "--config", str(server.layout.config)]
    done = subprocess.run(
        [*here, "import", "registrations", "-", "--dry-run"], input=rows("here", 2), capture_output=True, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    made = subprocess.run([*here, "audit", "export", "--out", "-", *_why()], capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(b"PK")
