"""One way to open the database, on either engine, with the settings that correctness needs.

SQLite: rollback journal and full synchronisation (its write-ahead log can lose commits before 3.51.3 with two connections),
foreign keys on, a writer takes its lock at BEGIN. PostgreSQL: READ COMMITTED, every statement bounded.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event

from models.address import read_address
from models.row_scope import SETTING, told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

BUSY_MILLISECONDS = 5000
FORGOTTEN_SECONDS = 60
"""After how long PostgreSQL ends a transaction that a vanished console left open, so that its locks go too."""
INTAKE_LOCK = 0x1D157A1C7
"""The number under which imports keep apart on PostgreSQL; it means nothing else."""
SPILL_KIBIBYTES = 32 << 10
"""How much of an import's temporary tables SQLite keeps in memory."""
SEARCH_PATH = "public, pg_temp"
"""Where PostgreSQL looks for names. Temporary tables last: none stands in for one of the portal's."""
STATEMENTS = 200
"""How many statements are kept as they were put together, or half as many again: each costs 0.1 MB, and filters make any number."""
WRITE_SECONDS = 600
"""How long one statement of a writing transaction may run on PostgreSQL."""


def open_engine(url: str, *, password: str | None = None, statement_timeout: float = 5.0) -> Engine:
    """An engine for `url`; nothing is connected yet. `statement_timeout` is in seconds and bounds reads on PostgreSQL.

    PostgreSQL does not compile queries to machine code: judging 7,500 registrations took 4.7 s with it and 1.0 s without.
    """
    if url.startswith("sqlite"):
        return _sqlite(url)
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "options": f"-c search_path={SEARCH_PATH.replace(' ', '')} -c statement_timeout={int(statement_timeout * 1000)} "
        "-c timezone=UTC -c jit=off "
        f"-c idle_in_transaction_session_timeout={FORGOTTEN_SECONDS * 1000}",
        "keepalives_idle": 15,
        "tcp_user_timeout": 15_000,
        # The rows of a decision lie in a table of one name whose columns differ from decision to decision: a statement that the
        # server kept prepared for one would fail for the next ("cached plan must not change result type").
        "prepare_threshold": None,
        "application_name": "district",
    }
    if password is not None:
        options["password"] = password
    engine = create_engine(
        read_address(url), connect_args=options, pool_size=4, max_overflow=4, query_cache_size=STATEMENTS
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: object, args: Any, options: Any) -> Any:
        from models.confirming import Confirming

        return Confirming.connect(*args, **options)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        chosen = connection.get_execution_options()
        local: dict[str, object] = {}
        # A bulk decision may take long; what it must not do is wait long for somebody else.
        if chosen.get("writes", False):
            local |= {"statement_timeout": WRITE_SECONDS * 1000, "lock_timeout": int(statement_timeout * 1000)}
        if chosen.get("schools") is not None:
            local[SETTING] = f"'{told(chosen['schools'])}'"
        if local:  # in one message: a round trip less for each
            connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = {value}" for name, value in local.items()))

    return engine


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_MILLISECONDS / 1000, "check_same_thread": False},
        query_cache_size=STATEMENTS,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        # SQLite's own lower() knows ASCII alone: "Örs" and "örs" would be two names to it. That one stays as it is: the contract's
        # views use it, and mean the same for whoever reads them.
        connection.create_function("lowered", 1, _lowered, deterministic=True)
        for pragma in (
            "journal_mode=DELETE",
            "synchronous=EXTRA",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        late = options.get("late", False)
        if late:
            _spill(connection)
        writes = options.get("writes", False) and not late
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _lowered(value: Any) -> Any:
    """What PostgreSQL's lower() makes of it; like SQLite's, it leaves what is no text as it is."""
    return value.lower() if isinstance(value, str) else value


def _spill(connection: Connection) -> None:
    """Let temporary tables of a large import go to disk, beside the database: there they are as well kept as the portal's rows."""
    file = connection.engine.url.database
    if file:
        os.environ.setdefault("SQLITE_TMPDIR", str(Path(file).resolve().parent))
    connection.exec_driver_sql("PRAGMA temp_store=FILE")
    connection.exec_driver_sql(f"PRAGMA temp.cache_size=-{SPILL_KIBIBYTES}")


def reading(engine: Engine, *, schools: Collection[int] | None = None) -> AbstractContextManager[Connection]:
    """A transaction that only reads. With `schools`, PostgreSQL shows it only their rows (models/row_scope.py)."""
    return engine.begin() if schools is None else engine.execution_options(schools=schools).begin()


@contextmanager
def prepared(connection: Connection) -> Iterator[None]:
    """In this block PostgreSQL keeps each statement prepared: planning a join of many tables takes longer than reading a page by it.

    For statements over the portal's own tables and views; nothing else keeps its columns from one transaction to the next.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before, driver.prepare_threshold = driver.prepare_threshold, 0
    try:
        yield
    finally:
        driver.prepare_threshold = before


def writing(
    engine: Engine, *, late: bool = False, schools: Collection[int] | None = None
) -> AbstractContextManager[Connection]:
    """A transaction that writes: committed when the block ends, rolled back when it raises. `schools` as in `reading`.

    One that begins by reading files for long is `late`: until it calls `claim`, it may fill temporary tables and keeps nobody waiting.
    """
    return engine.execution_options(writes=True, late=late, schools=schools).begin()


def has_standby(connection: Connection) -> bool:
    """Whether PostgreSQL waits for a synchronous standby before it calls a commit saved."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.exec_driver_sql("SHOW synchronous_standby_names").scalar())


def confirm(connection: Connection) -> None:
    """Have this transaction end only when the synchronous standby has all that was committed before it. Writes to no table.

    What is visible was confirmed as a rule, but not after a crash of the server or a cancelled wait.
    """
    connection.exec_driver_sql("SELECT pg_logical_emit_message(true, 'district', 'confirm')")


def claim(connection: Connection) -> None:
    """Wait until no other import writes, and keep others from it until the transaction ends. On SQLite: any other writer."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("UPDATE log_head SET size = size WHERE 0")
        return
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({INTAKE_LOCK})")
