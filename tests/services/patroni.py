"""Three PostgreSQL servers under Patroni, whose store is one etcd: one leads, one follows it synchronously, one more follows.

Promises: everything listens on loopback at ports of its own, in one folder, as an unprivileged user even when the tests run as root,
and ends with `with`. Should the tests be killed, each Patroni hears of it and ends its server in order. Times are short, so that a
failover takes seconds: the leader's key lives `TTL`. Nothing waits for a disk: processes are killed here, not machines.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from tests.services.postgres import NOBODY, OWNER, end_at_once, make_roles, programs
from tests.services.standby import SETTINGS
from tests.services.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPE = "district"
NAMES = ("north", "south", "west")
TTL = 7
"""Seconds for which the leader's key is good. Patroni wants at least its pause and two of its time-outs."""
MEMORY = Path("/dev/shm")
"""Where etcd writes, if there is such a place: it waits for its disk at every step, and who waits for it for long steps down."""
WELL_WITHIN = 120.0
"""Seconds until all three are well again, on a machine that is busy."""
PARAMETERS = SETTINGS | {"wal_log_hints": "on", "shared_buffers": "16MB", "autovacuum": "off", "timezone": "UTC"}
LIFE = {
    "ttl": TTL,
    "loop_wait": 1,
    "retry_timeout": 3,
    # A leader whose server died hands over, where by default it would start it again.
    "primary_start_timeout": 0,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "postgresql": {"use_pg_rewind": True, "parameters": PARAMETERS},
}
"""What is the same for all three, kept in the store. No commit is called saved that one server alone has."""


def free_ports(number: int) -> list[int]:
    """So many TCP ports of 127.0.0.1 that nobody listened on a moment ago, each another."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Node:
    """A server and the Patroni that rules it."""

    def __init__(self, name: str, folder: Path, store: int, port: int, told: int) -> None:
        """`store` is etcd's port, `port` the server's, `told` that of Patroni's own answers."""
        self.name = name
        self.port = port
        self.folder = folder
        self.config = folder / f"{name}.json"
        self._told = told
        self._data = folder / name
        self._patroni: subprocess.Popen[bytes] | None = None
        server = {
            "listen": f"127.0.0.1:{port}",
            "connect_address": f"127.0.0.1:{port}",
            "data_dir": str(self._data),
            "bin_dir": str(programs()),
            "pgpass": str(folder / f"{name}.pgpass"),
            "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "replicator"}},
            "parameters": {"unix_socket_directories": str(folder)},
            "pg_hba": [
                "local all all trust",
                *(f"host {each} all 127.0.0.1/32 trust" for each in ("all", "replication")),
            ],
        }
        made = ["data-checksums", "no-sync", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "trust"}]
        written = {
            "scope": SCOPE,
            "name": name,
            # Etcd's second interface: by the third, Debian 12's Patroni takes back a key that is another's by then (its #2689).
            "etcd": {"host": f"127.0.0.1:{store}"},
            "restapi": {"listen": f"127.0.0.1:{told}", "connect_address": f"127.0.0.1:{told}"},
            "bootstrap": {"dcs": LIFE, "initdb": made},
            "postgresql": server,
            "watchdog": {"mode": "off"},
        }
        self.config.write_text(json.dumps(written), encoding="utf-8")  # YAML, too

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        self._patroni = launch(["patroni", str(self.config)], self.folder, self.name)

    def url(self, name: str) -> str:
        """A superuser's address of the database `name` at this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def leads(self) -> bool:
        """Whether its server can be written to, whatever Patroni thinks."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        return False

    def roles(self) -> list[str]:
        """What Patroni says of the three that run and are of one history: leader, sync_standby, replica. Empty without an answer."""
        try:
            members: list[dict[str, Any]] = self._ask("GET", "/cluster").get("members", [])
        except (OSError, HTTPException, ValueError):
            return []
        newest = max((each.get("timeline", 0) for each in members), default=0)
        well = [each for each in members if each["state"] in ("running", "streaming")]
        return sorted(each["role"] for each in well if each.get("timeline") == newest)

    def tell(self, settings: dict[str, Any]) -> None:
        """Change settings of all three."""
        answer = self._ask("PATCH", "/config", json.dumps(settings))
        assert answer.items() >= settings.items(), answer

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self._told, timeout=2)
        try:
            connection.request(method, path, body)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    def kill_server(self) -> None:
        """SIGKILL for PostgreSQL, all its processes; its Patroni lives."""
        with suppress(OSError, ValueError):
            end_at_once(int((self._data / "postmaster.pid").read_text("ascii").partition("\n")[0]))

    def kill(self) -> None:
        """SIGKILL for Patroni and PostgreSQL, as if the machine went down."""
        if self._patroni is not None:
            self._patroni.kill()
            self._patroni.wait()
            self._patroni = None
        self.kill_server()

    def stand_still(self) -> None:
        """Let Patroni, and it alone, do nothing any more until `go_on`."""
        assert self._patroni is not None
        self._patroni.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let Patroni go on; it does not know how long it stood still."""
        assert self._patroni is not None
        self._patroni.send_signal(signal.SIGCONT)


class Three(Standing):
    """The three of them; use it with `with`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="district-patroni-", dir="/tmp"))
        self._kept = Path(tempfile.mkdtemp(prefix="district-etcd-", dir=MEMORY if MEMORY.is_dir() else "/tmp"))
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            os.chown(self._kept, NOBODY, NOBODY)
        store, self._peer, *ports = free_ports(2 + 2 * len(NAMES))
        self._store = store
        self.nodes = [Node(name, self.folder, store, ports.pop(), ports.pop()) for name in NAMES]
        self._etcd: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    def start(self) -> None:
        """Start the store, then the nodes, and wait until one of them leads."""
        here, peer = (f"http://127.0.0.1:{port}" for port in (self._store, self._peer))
        words = [
            "etcd",
            "--data-dir",
            str(self.folder / "etcd"),
            "--initial-cluster",
            f"default={peer}",
            "--enable-v2",
        ]
        words += ["--listen-client-urls", here, "--advertise-client-urls", here]
        words += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        self._etcd = launch(words, self.folder, "etcd")
        for node in self.nodes:
            node.start()
        make_roles(self.well().url("postgres"))

    def stop(self) -> None:
        """End everything at once."""
        for node in self.nodes:
            node.kill()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()
        for folder in (self.folder, self._kept):
            shutil.rmtree(folder, ignore_errors=True)

    def leader(self, *, other_than: Node | None = None) -> Node:
        """Whoever can be written to, as soon as somebody can."""
        deadline = time.monotonic() + WELL_WITHIN
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node is not other_than and node.leads():
                    return node
            time.sleep(0.05)
        raise RuntimeError(f"Nobody leads. {self._told()}")

    def well(self) -> Node:
        """Wait until one leads, one may take over from it with nothing lost, and one more follows; returns who leads."""
        deadline = time.monotonic() + WELL_WITHIN
        while time.monotonic() < deadline:
            leads = [node for node in self.nodes if node.leads()]
            if len(leads) == 1 and leads[0].roles() == ["leader", "replica", "sync_standby"]:
                return leads[0]
            time.sleep(0.1)
        raise RuntimeError(f"The three are not well. {self._told()}")

    def hand_over(self) -> None:
        """Have the leader step down, as one does before its machine is served; returns when another leads."""
        words = ["patronictl", "-c", str(self.nodes[0].config), "switchover", SCOPE, "--force"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=surroundings(self.folder))
        if done.returncode or "Successfully" not in done.stdout:
            raise RuntimeError(f"Patroni did not hand over; it says:\n{done.stdout}{done.stderr}")

    @contextmanager
    def store_standing_still(self) -> Iterator[None]:
        """In this block nobody hears of anybody, and nobody's key is prolonged."""
        assert self._etcd is not None
        self._etcd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._etcd.send_signal(signal.SIGCONT)

    def strict(self, strict: bool) -> None:
        """Whether a leader that has nobody to wait for keeps commits waiting (Patroni's synchronous_mode_strict), or goes on alone."""
        self.well().tell({"synchronous_mode_strict": strict})

    def fresh_database(self) -> str:
        """The address of a new empty database, at the server that leads."""
        name = f"test_{next(self._numbers):05}"
        url = self.well().url("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            names = map(sql.Identifier, (name, OWNER))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(*names))
        return url.rpartition("/")[0] + f"/{name}"

    def of_all(self, url: str) -> str:
        """The address of a database wherever it can be written to."""
        servers = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://postgres@{servers}/{url.rpartition('/')[2]}"

    def _told(self) -> str:
        logs = [(name, (self.folder / f"{name}.log").read_text("utf-8", "replace")) for name in ("etcd", *NAMES)]
        return "Their logs end so:\n" + "\n".join(f"{name}:\n{log[-2000:]}" for name, log in logs)


def surroundings(folder: Path) -> dict[str, str]:
    """What a program of the three sees of the environment: nothing that is set for other clusters."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(folder)}


def launch(words: list[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start a program that writes to `name`.log and hears of this thread's end as of an order to end."""
    before = ["setpriv", "--pdeathsig", "TERM"]
    if os.geteuid() == 0:
        before += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [*before, *words],
            cwd=folder,
            env=surroundings(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
