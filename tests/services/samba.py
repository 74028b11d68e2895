"""An Active Directory of the tests' own: Debian's Samba as a domain controller, in a network of its own.

Its ports are fixed, so it runs in a network namespace; a relay over a Unix socket leads from there to a port of 127.0.0.1. Promises:
it holds one domain, CORP.EXAMPLE, with a certificate of the tests' own authority, touches nothing of the machine's, and ends with the
tests. Made once a session: 5 to 12 s. It needs root and `unshare`; `lacking()` says what is missing, for tests that fall back on what
was recorded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.services.certificates import Authority
from tests.services.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = "DC=corp,DC=example"
USERS = f"CN=Users,{SUFFIX}"
ADMIN, ADMIN_PASSWORD = f"CN=Administrator,{USERS}", "Only-The-Tests-9"
SEARCHER, SEARCHER_PASSWORD = f"CN=console,{USERS}", "Reads-And-Nothing-Else-9"
PASSWORD = "Correct-Horse-Battery-9"
PROGRAMS = ("samba", "samba-tool", "unshare", "setpriv")
READY_WITHIN = 60.0
NORMAL, DISABLED, NO_EXPIRY = 0x200, 0x2, 0x10000
"""Flags of userAccountControl (MS-ADTS 2.2.16)."""

PROVISION = (
    "samba-tool domain provision --targetdir={folder}/domain --realm=CORP.EXAMPLE --domain=CORP --server-role=dc "
    "--dns-backend=NONE --adminpass={password} --host-name=dc1 --host-ip=127.0.0.1 --option='interfaces=lo' "
    "--option='bind interfaces only=yes' --option='vfs objects=dfs_samba4 acl_xattr xattr_tdb'"
)
OWN = """\
[global]
	server services = ldap
	pid directory = {folder}
	log file = {folder}/log.%m
	tls enabled = yes
	tls keyfile = {folder}/key.pem
	tls certfile = {folder}/certificate.pem
	tls cafile = {authority}
"""
RELAY = """\
import socket, sys, threading
def pump(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def listen(path, port):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            continue
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        threading.Thread(target=pump, args=(server, client), daemon=True).start()
threading.Thread(target=listen, args=(sys.argv[1] + "/389", 389), daemon=True).start()
listen(sys.argv[1] + "/636", 636)
"""


def lacking() -> str:
    """Why no domain controller can run here, in words; empty when one can."""
    missing = [each for each in PROGRAMS if shutil.which(each) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "only root can provision a domain"
    tried = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no network namespace can be made here"


class Samba(Standing):
    """The domain controller; use it with `with`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="district-samba-", dir="/tmp"))
        self.authority = Authority(self.folder)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listeners: list[socket.socket] = []
        self._connection: Any = None
        self.port = self.tls_port = 0

    def start(self) -> None:
        """Provision the domain and launch its server."""
        self._provision()
        self._launch()

    @property
    def ldaps(self) -> str:
        """The address for TLS from the first byte."""
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def starttls(self) -> str:
        """The address for StartTLS."""
        return f"ldap://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it and remove its folder."""
        for each in self._listeners:
            each.close()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def table(self, *hosts: str, **more: Any) -> dict[str, Any]:
        """The table [directory] of a console that asks this domain, ready for `Settings.build`."""
        secret = self.folder / "searcher.password"
        secret.write_text(SEARCHER_PASSWORD)
        secret.chmod(0o600)
        return {
            "kind": "active_directory",
            "hosts": list(hosts) or [self.ldaps],
            "ca_file": str(self.authority.file),
            "user": SEARCHER,
            "password_file": str(secret),
            "base": SUFFIX,
        } | more

    def add_person(
        self, login: str, *, account: str = "", control: int = NORMAL, groups: Iterable[str] = (), **attributes: Any
    ) -> str:
        """Add a person whose userPrincipalName is `login`@corp.example, and return their DN. `account` is their sAMAccountName."""
        dn = f"CN={login},{USERS}"
        self.admin().add(
            dn,
            attributes={
                "objectClass": "user",
                "sAMAccountName": account or login,
                "userPrincipalName": f"{login}@corp.example",
                "givenName": login.capitalize(),
                "sn": "Sample",
                "unicodePwd": f'"{attributes.pop("password", PASSWORD)}"'.encode("utf-16-le"),
                "userAccountControl": str(control),
            }
            | attributes,
        )
        for group in groups:
            self.join(group, dn)
        return dn

    def add_group(self, name: str, *members: str) -> str:
        """Add a group with these DNs in it, and return its own."""
        dn = f"CN={name},{USERS}"
        self.admin().add(dn, attributes={"objectClass": "group", "sAMAccountName": name})
        for each in members:
            self.join(name, each)
        return dn

    def join(self, group: str, dn: str) -> None:
        """Make an entry a member of the group of this name."""
        self.admin().modify(f"CN={group},{USERS}", {"member": [("MODIFY_ADD", [dn])]})

    def change(self, dn: str, **attributes: Any) -> None:
        """Give an entry another value of some attributes."""
        self.admin().modify(dn, {name: [("MODIFY_REPLACE", [str(value)])] for name, value in attributes.items()})

    def admin(self) -> Any:
        """A connection of the domain's administrator."""
        if self._connection is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                import ldap3
            server = ldap3.Server("127.0.0.1", self.tls_port, use_ssl=True, get_info=ldap3.NONE)
            self._connection = ldap3.Connection(
                server,
                ADMIN,
                ADMIN_PASSWORD,
                client_strategy=ldap3.SAFE_SYNC,
                raise_exceptions=True,
                check_names=False,
                auto_bind=ldap3.AUTO_BIND_NO_TLS,
            )
        return self._connection

    def _provision(self) -> None:
        command = PROVISION.format(folder=self.folder, password=ADMIN_PASSWORD)
        made = subprocess.run(
            ["unshare", "-n", "sh", "-c", f"ip link set lo up; exec {command}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"The domain of the tests was not made; samba-tool says:\n{made.stderr[-2000:]}")
        together = self.authority.server("dc1", hosts=("dc1.corp.example", "127.0.0.1")).read_text()
        key, begin, certificate = together.partition("-----BEGIN CERTIFICATE")
        for name, text in (("key.pem", key), ("certificate.pem", begin + certificate)):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o600)
        settings = self.folder / "domain" / "etc" / "smb.conf"
        kept = [line for line in settings.read_text().splitlines() if "log file" not in line and "services" not in line]
        own = OWN.format(folder=self.folder, authority=self.authority.file)
        settings.write_text("\n".join(kept).replace("[global]\n", own, 1))

    def _launch(self) -> None:
        settings = self.folder / "domain" / "etc" / "smb.conf"
        (self.folder / "relay.py").write_text(RELAY)
        script = (
            f"ip link set lo up; {sys.executable} {self.folder}/relay.py {self.folder} & "
            f"exec samba -F --no-process-group -s {settings} -M single"
        )
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "-n", "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(server)
        self.port, self.tls_port = self._lead("389"), self._lead("636")
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.admin().add(
                    SEARCHER,
                    attributes={
                        "objectClass": "user",
                        "sAMAccountName": "console",
                        "unicodePwd": f'"{SEARCHER_PASSWORD}"'.encode("utf-16-le"),
                        "userAccountControl": str(NORMAL | NO_EXPIRY),
                    },
                )
            except Exception as error:
                self._connection = None
                if server.poll() is not None or time.monotonic() > deadline:
                    said = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"The domain controller of the tests did not start:\n{said[-2000:]}") from error
                time.sleep(0.1)
            else:
                return

    def _lead(self, name: str) -> int:
        """A port of 127.0.0.1 that leads to this port within the namespace."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    inside = socket.socket(socket.AF_UNIX)
                    try:
                        inside.connect(str(self.folder / name))
                    except OSError:
                        client.close()
                        continue
                    for pair in ((client, inside), (inside, client)):
                        threading.Thread(target=_pump, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
