"""An SSH server of the tests' own on loopback, with the drop-in that `district ssh install` writes and a main file as open as can be.

Promises: only the drop-in stands between a client and the server – the main file takes every variable, forwards everything, offers
sftp and runs rc files, so that a test which finds nothing open has tested our part; clients know the host key and read no settings
of the machine; server and sessions end with the tests, also when they are killed. Up after 0.05 s.

The account is whoever runs the tests: another one could not start an interpreter below a home of mode 700.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from console.ids import SystemRandom
from console.ssh.drop_in import text
from console.ssh.layout import Layout
from console.ssh.user_ca import new_authority
from tests.services.postgres import free_port
from tests.services.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

SSHD = "/usr/sbin/sshd"  # sshd starts itself again for each connection and wants its absolute path
SEPARATION = Path("/run/sshd")  # sshd as root does not start without it
READY_WITHIN = 15.0  # seconds
OPEN = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
UsePAM no
# The folders of tests lie below /tmp, where everybody may write.
StrictModes no
PermitRootLogin yes
PasswordAuthentication yes
AcceptEnv *
X11Forwarding yes
X11UseLocalhost yes
AllowAgentForwarding yes
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
PermitTunnel yes
GatewayPorts yes
PermitUserRC yes
Subsystem sftp internal-sftp
"""


class Sshd(Standing):
    """The server; use it with `with`. `config` is the settings file that the drop-in names."""

    def __init__(self, config: Path, *, unused_seconds: int = 60) -> None:
        if shutil.which("ssh") is None or not Path(SSHD).exists():
            raise RuntimeError(
                "OpenSSH is not installed, no test over SSH can run; install the package openssh-server."
            )
        self.account = getpass.getuser()
        self.folder = Path(tempfile.mkdtemp(prefix="district-sshd-", dir="/tmp"))
        self.port = 0
        self.layout = Layout(
            account=self.account,
            config=config,
            python=Path(sys.executable),
            folder=self.folder / "district",
            trusts_ca=True,
            unused_seconds=unused_seconds,
        )
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make host key, authority and lists, and start the server."""
        if os.geteuid() == 0:
            SEPARATION.mkdir(exist_ok=True)
        self.layout.folder.mkdir()
        public = self._private(self.folder / "host")
        self._private(self.layout.user_ca, self.layout.user_ca_public)
        self.layout.keys.touch(0o600)
        self.layout.principals.touch(0o600)
        (self.folder / "drop-in.conf").write_text(text(self.layout))
        for _ in range(5):  # between choosing a port and taking it, another process may be faster
            self.port = free_port()
            (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {public}")
            main = f"Include {self.folder}/drop-in.conf\n" + OPEN.format(port=self.port, folder=self.folder)
            (self.folder / "sshd_config").write_text(main)
            if self._launch():
                return
        raise RuntimeError(f"The SSH server of the tests did not start; its log says:\n{self.log()[-2000:]}")

    def stop(self) -> None:
        """End the server, and what its connections still run, and remove its folder."""
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=10)
            for pid in self.consoles():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def key(self, name: str, *, listed: bool = True) -> Path:
        """A new key of somebody; `listed` in the keys that may come."""
        file = self.folder / name
        public = self._private(file, Path(f"{file}.pub"))
        if listed:
            with self.layout.keys.open("a") as keys:
                keys.write(public)  # without restrict: the drop-in alone has to do
        return file

    def trust(self, *operators: str) -> None:
        """Take certificates of these operators."""
        self.layout.principals.write_text("".join(f"{name}\n" for name in operators))

    def ssh(self, key: Path, *words: str, options: Sequence[str] = ()) -> list[str]:
        """The client's command line. Words after the host are what it asks for; `options` outweigh ours."""
        fixed = ["-F", "/dev/null", "-p", str(self.port), "-i", str(key)]
        settings = {
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "BatchMode": "yes",
            "UserKnownHostsFile": str(self.folder / "known"),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "ControlPath": "none",
        }
        for name, value in settings.items():
            fixed += ["-o", f"{name}={value}"]
        return ["ssh", *options, *fixed, f"{self.account}@127.0.0.1", *words]

    def run(
        self,
        key: Path,
        *words: str,
        options: Sequence[str] = (),
        given: bytes | None = None,
        environment: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> subprocess.CompletedProcess[bytes]:
        """Ask for something without a terminal, and wait for the answer."""
        return subprocess.run(
            self.ssh(key, *words, options=options),
            input=given if given is not None else b"",
            capture_output=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environment or {})},
            timeout=timeout,
            check=False,
        )

    def consoles(self) -> list[int]:
        """The processes that run what the drop-in names, whosever children they are: an orphan is one too."""
        ours = (str(self.layout.config).encode(), b"ssh", b"command")
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0") if entry.name.isdigit() else []
            except OSError:
                continue
            if tuple(words[-3:]) == ours:
                found.append(int(entry.name))
        return found

    def _launch(self) -> bool:
        self._server = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "TERM",
                SSHD,
                "-D",
                "-f",
                str(self.folder / "sshd_config"),
                "-E",
                str(self.folder / "log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_WITHIN
        while self._server.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    if probe.recv(8).startswith(b"SSH-2.0"):
                        return True
            except OSError:
                time.sleep(0.02)
        self._server.kill()
        self._server.wait()
        return False

    @staticmethod
    def _private(file: Path, public: Path | None = None) -> str:
        private, line = new_authority(SystemRandom())
        file.touch(0o600)
        file.write_bytes(private)
        if public is not None:
            public.write_bytes(line)
        return line.decode()
