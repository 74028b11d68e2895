"""A PostgreSQL server of the tests' own, and a fresh database for each test that asks.

Promises: the server runs as an unprivileged user even when the tests run as root, listens on loopback and in its own
folder, touches no other cluster of the machine, and ends with the tests, also when they are killed (the kernel tells
it that its parent is gone). A cluster is up after 0.3 s; a database, empty or a copy of a template, takes 0.03 s.
Addresses are a superuser's; `as_role` makes them the owner's, the console's or the signer's, whom the cluster has already.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

NOBODY = 65534  # PostgreSQL refuses to run as root
OWNER, APP, SIGNER = "district_owner", "district_app", "district_signer"
"""The roles of every portal of a cluster: roles are the cluster's, grants the database's."""
READY_WITHIN = 30.0  # seconds; a server on an idle machine needs 0.3
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off")


def programs() -> Path:
    """The folder with `initdb` and `postgres`: what PATH finds, else the newest of Debian's versions."""
    found = shutil.which("initdb")
    if found and not Path(found).is_symlink():
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda at: int(at.parts[-3]))
    if not versions:
        raise RuntimeError("PostgreSQL is not installed, no database test can run; install the package postgresql.")
    return versions[-1].parent


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def as_role(url: str, role: str) -> str:
    """The same database as another role; a SQLite file, which knows none, as it is."""
    scheme, at, rest = url.partition("@")
    return f"{scheme.rpartition('/')[0]}/{role}@{rest}" if at and url.startswith("postgresql") else url


def _name_in(url: str) -> str:
    return url.partition("?")[0].rsplit("/", 1)[1]


def _dropped(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def copy_database(url: str, name: str) -> None:
    """A copy `name` of the database at `url`, on the same server; the sessions of the copied one are ended."""
    old = _name_in(url)
    with psycopg.connect(_superusers(url), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (old,))
        connection.execute(_copied(name, old))


def replace_by_copy(url: str, name: str) -> None:
    """A copy of the database `name` in place of the one at `url`, in which nobody may have been yet."""
    new = _name_in(url)
    with psycopg.connect(_superusers(url), autocommit=True) as connection:
        connection.execute(_dropped(new))
        connection.execute(_copied(new, name))


def _superusers(url: str) -> str:
    return as_role(url, "postgres").partition("?")[0].rsplit("/", 1)[0] + "/postgres"


def _copied(name: str, template: str) -> sql.Composed:
    names = (sql.Identifier(each) for each in (name, OWNER, template))
    return sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*names)


def _alive(process: int) -> bool:
    """Whether it runs still; one that has ended and that nobody asked about does not."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text("utf-8")
    except OSError:
        return False


def end_at_once(server: int) -> None:
    """Ends the server of this process id and every process of it with SIGKILL. Raises OSError when there is none."""
    os.kill(server, signal.SIGSTOP)  # so that it makes no more processes, and cleans up after none
    processes = [int(each) for each in Path(f"/proc/{server}/task/{server}/children").read_text("ascii").split()]
    for each in (*processes, server):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    # One that is left keeps the shared memory, and a new server from starting.
    while any(map(_alive, (*processes, server))):
        time.sleep(0.005)


def make_roles(url: str) -> None:
    """An owner of databases who is no superuser, and the console's role and the signer; once for the cluster."""
    with psycopg.connect(url, autocommit=True) as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for name in {OWNER, APP, SIGNER} - known:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))


class Cluster:
    """One server with its data folder; use it with `with`, or `start()` and `stop()`.

    `durable` is for tests that kill the server: a commit is on the disk when it returns. Otherwise nothing waits for
    the disk, and `kill()` loses the last commits. `settings` are the server's, as `{"timezone": "America/Chicago"}`.
    With a `folder`, which an unprivileged user must be able to reach, the data stays there when the server stops, and is found again.
    """

    def __init__(
        self, *, durable: bool = False, settings: dict[str, str] | None = None, folder: Path | None = None
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="district-postgres-", dir="/tmp"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._kept = folder is not None
        self.port = 0
        self.durable = durable
        self.settings = {"timezone": "UTC"} | (settings or {})
        self._server: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._templates: set[str] = set()
        self._left: list[str] = []
        # setpriv replaces itself by the server, so the pid is the server's; the kernel ends it when this process dies.
        self._identity = ["setpriv", "--pdeathsig", "QUIT"]
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            self._identity += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id, for tests that kill it."""
        if self._server is None:
            raise RuntimeError("The PostgreSQL server of the tests is not running.")
        return self._server.pid

    def start(self) -> None:
        """Creates the cluster at the first call, and starts the server; after `kill()` it recovers on the same port."""
        if not (self.folder / "data").exists():
            self._create()
        attempts = 1 if self.port else 5  # between choosing a port and taking it, another process may be faster
        for attempt in range(attempts):
            port = self.port or free_port()
            if self._launch(port):
                self.port = port
                make_roles(self.url("postgres"))
                return
            if attempt == attempts - 1:
                log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"The PostgreSQL server of the tests did not start; its log says:\n{log[-2000:]}")

    def stop(self) -> None:
        """Ends the server, sessions included, and removes its folder unless it was named."""
        self._signal(signal.SIGINT)
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """Ends the server at once, as a crash of the machine's memory would: `start()` has to recover.

        SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, no farewell, but no orphaned backends either.
        """
        self._signal(signal.SIGQUIT)

    def crash(self) -> None:
        """Ends the server and every process of it with SIGKILL, which none of them can answer: `start()` has to recover."""
        end_at_once(self.pid)
        self._signal(signal.SIGKILL)

    def revive(self) -> None:
        """Has the server up again that gave up by itself; does nothing to one that answers."""
        deadline = time.monotonic() + READY_WITHIN
        while self._server is not None and self._server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url("postgres")):
                return
            time.sleep(0.02)
        self._signal(signal.SIGQUIT)
        self.start()

    def url(self, name: str) -> str:
        """SQLAlchemy's address of the database `name` (psycopg 3)."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def template(self, name: str, build: Callable[[str], object]) -> str:
        """Builds the database `name` once with `build(url)` and returns `name`, for `fresh_database(name)` to copy.

        `build` has to close its connections: PostgreSQL copies no database that is in use.
        """
        if name not in self._templates:
            self._administer(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
            build(self.url(name))
            self._templates.add(name)
        return name

    def fresh_database(self, template: str = "template0") -> str:
        """The address of a new database: empty, or a copy of a template, whose sessions are ended: none may be open then."""
        name = f"test_{next(self._numbers):05}"
        left, self._left = self._left, []
        ended = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        self._administer(ended.format(sql.Literal(template)), *map(_dropped, left), _copied(name, template))
        return self.url(name)

    def drop(self, url: str) -> None:
        """Removes the database at `url`, its sessions too. The server looks every 100 ms whether the last session has left."""
        self._administer(_dropped(_name_in(url)))

    def leave(self, url: str) -> None:
        """Has the database at `url` removed when the next one is made: its sessions are gone by then, and nobody waits."""
        self._left.append(_name_in(url))

    def _administer(self, *statements: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}

    def _create(self) -> None:
        command = [*self._identity, str(programs() / "initdb"), "-D", str(self.folder / "data"), "-U", "postgres"]
        command += ["--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise RuntimeError(f"The PostgreSQL cluster of the tests was not created; initdb says:\n{made.stderr}")

    def _launch(self, port: int) -> bool:
        command = [*self._identity, str(programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(port)]
        command += ["-k", str(self.folder), "-c", "listen_addresses=127.0.0.1"]
        command += [] if self.durable else FAST
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            server = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C belongs to pytest, which then stops the server in order
            )
        deadline = time.monotonic() + READY_WITHIN
        address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        while server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address) as connection:
                owner = connection.execute("SHOW data_directory").fetchone()
                if owner == (str(self.folder / "data"),):  # not another's server on the same port
                    self._server = server
                    return True
            time.sleep(0.02)
        if server.poll() is None:
            server.kill()
        server.wait()
        return False

    def _signal(self, number: signal.Signals) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.send_signal(number)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=20)
