"""A PostgreSQL primary with a synchronous standby: two servers of the tests' own, streaming one to the other.

Promises: as `Cluster`. A commit is answered when the standby has it, written or applied. Neither waits for its disk: processes are
killed here, not machines, and what a process has written stays.
"""

from __future__ import annotations

import subprocess
import time
from typing import Self

import psycopg

from tests.services.postgres import Cluster, programs

NAME = "standby"
"""Under which the standby stands with its primary."""
ATTACHED_WITHIN = 30.0
SETTINGS = {
    "fsync": "off",
    "recovery_init_sync_method": "syncfs",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "100ms",
    "max_wal_size": "256MB",
}
"""Quick to attach and to recover."""


class Primary(Cluster):
    """A server that can be followed."""

    def __init__(self) -> None:
        super().__init__(durable=True, settings=SETTINGS)

    def stop(self) -> None:
        """As `Cluster.stop`, but at once: one that goes in order waits until its standby has everything."""
        self.kill()
        super().stop()


class Standby(Primary):
    """A copy of `primary` that follows it until it is promoted."""

    def __init__(self, primary: Cluster) -> None:
        super().__init__()
        self._primary = primary

    def __enter__(self) -> Self:
        """It runs already (`attach`)."""
        return self

    def _create(self) -> None:
        address = f"host=127.0.0.1 port={self._primary.port} user=postgres application_name={NAME}"
        command = [*self._identity, str(programs() / "pg_basebackup"), "-D", str(self.folder / "data"), "-d", address]
        command += ["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--wal-method=stream"]
        made = subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise RuntimeError(f"The standby of the tests was not made; pg_basebackup says:\n{made.stderr}")

    def promote(self) -> None:
        """Make it the primary; returns when it can be written to."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote(true, 30)")


def attach(primary: Cluster, level: str) -> Standby:
    """A synchronous standby of `primary`, for whom every commit waits from now on; `level` is PostgreSQL's synchronous_commit."""
    standby = Standby(primary)
    standby.start()
    with psycopg.connect(primary.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_commit = '{level}'")
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")
        connection.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + ATTACHED_WITHIN
        while connection.execute("SELECT sync_state FROM pg_stat_replication").fetchone() != ("sync",):
            if time.monotonic() > deadline:
                raise RuntimeError("The standby of the tests does not follow its primary.")
            time.sleep(0.02)
        # Commits wait once the checkpointer has read the settings, which it does before its next checkpoint.
        connection.execute("CHECKPOINT")
    return standby


def alone(server: Cluster) -> None:
    """A promoted server waits for nobody: it has no standby of its own yet."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
        connection.execute("SELECT pg_reload_conf()")


def of_both(url: str, *others: Cluster) -> str:
    """The address of a database with further servers to go to."""
    head, at, rest = url.partition("@")
    server, slash, name = rest.partition("/")
    return head + at + ",".join([server, *(f"127.0.0.1:{other.port}" for other in others)]) + slash + name
