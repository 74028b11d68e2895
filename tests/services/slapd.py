"""A directory of the tests' own: Debian's OpenLDAP with its own authority, people, groups in groups, and every fault a test asks for.

Promises: it speaks LDAPS and StartTLS on loopback and answers nothing in clear; it runs as an unprivileged user, touches nothing of
the machine's own slapd, and ends with the tests. Up with its people after 0.3 s. Passwords of people are `PASSWORD` unless given.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.services.certificates import Authority
from tests.services.directory_people import BASE, PASSWORD, ROLES, SEARCHER, SEARCHER_PASSWORD, SUFFIX, entries, person
from tests.services.postgres import NOBODY, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

READY_WITHIN = 20.0  # seconds; an idle machine needs 0.1
ADMIN, ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "only-the-tests"
FOR_EVER = "000001010000Z"
"""As `pwdAccountLockedTime`: locked until an administrator frees it (slapo-ppolicy(5))."""

SCHEMA = """\
attributetype ( 1.3.6.1.4.1.4203.666.1.901 NAME 'employeeID'
  EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.1.902 NAME 'department'
  EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.4203.666.1.903 NAME 'districtPerson' SUP top AUXILIARY MAY ( employeeID $ department ) )
"""
"""Two attributes that Active Directory has and OpenLDAP's own schemas lack, in OpenLDAP's arc for experiments."""

CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/district.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
pidfile {folder}/pid
{tls}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw {admin_password}
directory {folder}/data
maxsize 16777216
dbnosync
index objectClass,uid,entryUUID,employeeID,member eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by * none
limits dn.exact="{searcher}" size.prtotal=unlimited
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes member
refint_nothing "{admin}"
overlay ppolicy
"""
TLS = """\
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
TLSProtocolMin 3.3
security ssf=1
"""
OVERLAY = re.compile(r"overlay (memberof|refint)|memberof-|refint_")
REFERRING = """\
include /etc/ldap/schema/core.schema
pidfile {folder}/pid
{tls}
referral {referral}
"""


class Slapd:
    """One server; use it with `with`. `certificate` is a file of `tests.services.certificates`, else one that `authority` made.

    `tls=False` is a server that knows no StartTLS; `referral` one that holds nothing and sends everybody to another address;
    `overlays=False` one that keeps no memberOf.
    """

    def __init__(
        self,
        *,
        authority: Authority | None = None,
        certificate: Path | None = None,
        tls: bool = True,
        referral: str = "",
        overlays: bool = True,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="district-slapd-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.authority = authority or Authority(self.folder)
        self.port = self.tls_port = 0
        self._certificate = certificate or self.authority.server(self.folder.name)
        self._tls, self._referral, self._overlays = tls, referral, overlays
        self._server: subprocess.Popen[bytes] | None = None
        self._connection: Any = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def ldaps(self) -> str:
        """The address for TLS from the first byte."""
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def starttls(self) -> str:
        """The address for StartTLS."""
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that vouches for this server, unless it was given another's."""
        return self.authority.file

    def start(self) -> None:
        """Start it, with its people at the first time; after `stop()` on the same ports again, with what it held."""
        first = not (self.folder / "slapd.conf").exists()
        if first:
            self.port, self.tls_port = free_port(), free_port()
            self._write()
        self._launch()
        if first and not self._referral:
            for dn, attributes in entries():
                self.add(dn, attributes)

    def stop(self) -> None:
        """End it: whoever connects is refused. What it holds stays."""
        if self._connection is not None:
            self._connection.unbind()
            self._connection = None
        server, self._server = self._server, None
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)

    def table(self, *hosts: str, **more: Any) -> dict[str, Any]:
        """The table [directory] of a console that asks this server (LDAPS, or the `hosts` given), ready for `Settings.build`."""
        secret = self.folder / "searcher.password"
        if not secret.exists():
            secret.write_text(SEARCHER_PASSWORD)
            secret.chmod(0o600)
        return {
            "hosts": list(hosts) or [self.ldaps],
            "ca_file": str(self.ca_file),
            "user": SEARCHER,
            "password_file": str(secret),
            "base": BASE,
            "roles": dict(ROLES),
        } | more

    def add(self, dn: str, attributes: Mapping[str, Any]) -> None:
        """Add an entry."""
        self.admin().add(dn, attributes=dict(attributes))

    def add_person(
        self,
        uid: str,
        given: str = "Sam",
        family: str = "Sample",
        *,
        password: str = PASSWORD,
        number: str = "",
        codes: Iterable[str] = (),
        groups: Iterable[str] = (),
        email: str = "",
    ) -> str:
        """Add a person, put them into the groups (by `cn`) and return their entryUUID."""
        dn, attributes = person(uid, given, family, password=password, number=number, codes=codes, email=email)
        self.add(dn, attributes)
        for group in groups:
            self.join(group, dn)
        return self.uuid(uid)

    def uuid(self, uid: str) -> str:
        """The entryUUID of a person."""
        _, _, found, _ = self.admin().search(dn_of(uid), "(objectClass=*)", "BASE", attributes=["entryUUID"])
        return str(found[0]["raw_attributes"]["entryUUID"][0].decode())

    def change(self, dn: str, **attributes: Iterable[str]) -> None:
        """Give an entry other values of some attributes; none at all removes the attribute."""
        self.admin().modify(dn, {name: [("MODIFY_REPLACE", list(values))] for name, values in attributes.items()})

    def disable(self, uid: str) -> None:
        """Lock a person out until `enable`, as an administrator does with slapo-ppolicy."""
        self.change(dn_of(uid), pwdAccountLockedTime=[FOR_EVER])

    def enable(self, uid: str) -> None:
        """Let a person in again."""
        self.change(dn_of(uid), pwdAccountLockedTime=[])

    def delete(self, uid: str) -> None:
        """Remove a person, from their groups too."""
        self.admin().delete(dn_of(uid))

    def join(self, group: str, dn: str) -> None:
        """Make an entry a member of the group of this `cn`."""
        self.admin().modify(group_dn(group), {"member": [("MODIFY_ADD", [dn])]})

    def leave(self, group: str, dn: str) -> None:
        """Take an entry out of the group of this `cn`."""
        self.admin().modify(group_dn(group), {"member": [("MODIFY_DELETE", [dn])]})

    def admin(self) -> Any:
        """A connection of the server's administrator, over its own socket."""
        if self._connection is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                import ldap3
            server = ldap3.Server(f"ldapi://{str(self.folder / 'socket').replace('/', '%2F')}", get_info=ldap3.NONE)
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

    def _write(self) -> None:
        tls = TLS.format(certificate=self._certificate) if self._tls else ""
        given = {"folder": self.folder, "tls": tls, "suffix": SUFFIX, "admin": ADMIN, "searcher": SEARCHER}
        form = REFERRING if self._referral else CONFIGURATION
        text = form.format(**given, admin_password=ADMIN_PASSWORD, referral=self._referral)
        kept = text if self._overlays else "\n".join(line for line in text.split("\n") if not OVERLAY.match(line))
        (self.folder / "slapd.conf").write_text(kept)
        (self.folder / "district.schema").write_text(SCHEMA)
        (self.folder / "data").mkdir()
        if os.geteuid() == 0:
            for each in (self.folder, *self.folder.iterdir()):
                os.chown(each, NOBODY, NOBODY)

    def _launch(self) -> None:
        program = shutil.which("slapd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if program is None:
            raise RuntimeError("OpenLDAP is not installed, no directory test can run; install the package slapd.")
        own = str(self.folder / "socket").replace("/", "%2F")
        listen = f"ldapi://{own} ldap://127.0.0.1:{self.port}/"
        listen += f" ldaps://127.0.0.1:{self.tls_port}/" if self._tls else ""
        identity = ["setpriv", "--pdeathsig", "TERM"]
        if os.geteuid() == 0:
            identity += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [*identity, program, "-f", str(self.folder / "slapd.conf"), "-h", listen, "-d", "0"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        while not all(self._listens(each) for each in (str(self.folder / "socket"), self.port, self.tls_port)):
            if self._server.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"The OpenLDAP server of the tests did not start; it says:\n{said[-2000:]}")
            time.sleep(0.01)

    def _listens(self, where: str | int) -> bool:
        """Whether somebody answers there: slapd makes its sockets before it listens on them."""
        if where == self.tls_port and not self._tls:
            return True
        kind = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        with socket.socket(kind) as trying:
            return trying.connect_ex(where if isinstance(where, str) else ("127.0.0.1", where)) == 0


def dn_of(uid: str) -> str:
    """The DN of a person."""
    return f"uid={uid},{BASE}"


def group_dn(name: str) -> str:
    """The DN of a group."""
    return f"cn={name},ou=groups,{SUFFIX}"
