"""A large district in the project's own schema, on either engine: built once below a folder and found again by later runs.

    with portal(folder, "postgresql", students=1_000_000) as large:
        large.office, large.url, large.owner_url, large.file

Promises: the same rows at every building, standing still at `tests.portals.NOON`; on PostgreSQL the office is the console's own role,
with row-level security in force; a district whose schema or builder has changed since is built anew; one process has it at a time, the
next one waits. A part that changes rows asks for `own`: a copy that goes with the block.

What is in it for `students` N: N students at 350 schools, 3 N accounts, 2.7 N memberships, N registrations of which N / 5 are
submitted, challenges, grants, a directory, and N records in the ledger. 1 M students are built in two or three minutes.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from console.clock import SettableClock
from console.ids import SystemRandom
from console.settings import Settings
from console.wiring import open_office
from models.engine import open_engine, writing
from models.roles import Roles, admit
from tests.founded import found_as_owner
from tests.measured.large_building import append_records, fill_postgres, fill_sqlite, settle
from tests.measured.large_rows import Rows, Sizes
from tests.portals import NOON
from tests.services.postgres import APP, OWNER, SIGNER, Cluster, as_role
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.office import Office

STUDENTS = 1_000_000
SMALL = 1_000
ENGINES = ("sqlite", "postgresql")
SERVER = {
    "shared_buffers": "1GB",
    "max_wal_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "6GB",
}
"""PostgreSQL as somebody with a machine of 16 GB sets it up; everything else is as it comes."""
BUILDER = 1
"""Grows when the district becomes another one by what its SQL does not say: its names, its records, how it is loaded."""
SCHEMA = ("views.py", "guards.py", "row_scope.py", "roles.py")
"""What makes the schema besides its migrations."""
_NAME = "district"


@dataclass(frozen=True, slots=True)
class Large:
    """A large district that is open. Addresses are SQLAlchemy's; on SQLite all are the file's.

    `url` is the console's own role, `owner_url` the tables' owner, `raw_url` a superuser's. `file` is None on PostgreSQL.
    """

    office: Office
    clock: SettableClock
    engine: str
    students: int
    url: str
    owner_url: str
    raw_url: str
    file: Path | None
    keys: Path
    cluster: Cluster | None


@contextmanager
def portal(
    folder: Path,
    engine: str,
    *,
    students: int = STUDENTS,
    records: int | None = None,
    own: bool = False,
    durable: bool = False,
) -> Iterator[Large]:
    """The district of this size, built when it is not there. `records` in its ledger: as many as students, unless said.

    `own`: a copy of its own, which goes when the block ends. `durable`: PostgreSQL's commits are on the disk when they return.
    """
    records = students if records is None else records
    place = folder / f"large-{engine}-{students}-{records}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        opened = _sqlite if engine == "sqlite" else _postgres
        with opened(place, students, records, own=own, durable=durable) as large:
            try:
                yield large
            finally:
                large.office.engine.dispose()


@contextmanager
def _sqlite(place: Path, students: int, records: int, *, own: bool, durable: bool) -> Iterator[Large]:
    del durable
    file, keys = place / "portal.db", place / "keys"
    url = f"sqlite:///{file}"
    made = _made_of()
    if not _is_built(place, made):
        _clear(place)
        found_as_owner(_settings(url, keys), NOON)
        fill_sqlite(str(file), students)
        _finish(place, made, _open(url, keys, "sqlite", students, file), records)
    if not own:
        yield _open(url, keys, "sqlite", students, file)
        return
    copy = place / "own"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(keys, copy / "keys")
    shutil.copyfile(file, copy / "portal.db")
    try:
        yield _open(f"sqlite:///{copy / 'portal.db'}", copy / "keys", "sqlite", students, copy / "portal.db")
    finally:
        shutil.rmtree(copy, ignore_errors=True)


@contextmanager
def _postgres(place: Path, students: int, records: int, *, own: bool, durable: bool) -> Iterator[Large]:
    for each in (place, place.parent):  # the server runs as nobody
        each.chmod(each.stat().st_mode | 0o011)
    keys = place / "keys"
    made = _made_of()
    built = _is_built(place, made)
    if not built:
        _clear(place)
    with Cluster(durable=durable, settings=SERVER, folder=place / "server") as cluster:
        url = cluster.url(_NAME)
        if not built:
            cluster.template(_NAME, lambda _: None)
            found_as_owner(_settings(url, keys), NOON)
            fill_postgres(_raw(url), students)
            _finish(place, made, _open(url, keys, "postgresql", students, None, cluster), records)
            settle(_raw(url))
        if not own:
            yield _open(url, keys, "postgresql", students, None, cluster)
            return
        copy = place / "own"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(keys, copy)
        other = cluster.fresh_database(_NAME)
        _admit(other)
        try:
            yield _open(other, copy, "postgresql", students, None, cluster)
        finally:
            cluster.drop(other)
            shutil.rmtree(copy, ignore_errors=True)


def _admit(url: str) -> None:
    engine = open_engine(as_role(url, OWNER))
    with writing(engine) as connection:
        admit(connection, Roles(APP, SIGNER))
    engine.dispose()


def _raw(url: str) -> str:
    """The address as psycopg itself reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _settings(url: str, keys: Path) -> Settings:
    keys.mkdir(exist_ok=True)
    return Settings.build({"database": {"url": as_role(url, APP)}, "portal": {"origin": "large.example/ledger"}}, keys)


def _open(url: str, keys: Path, engine: str, students: int, file: Path | None, cluster: Cluster | None = None) -> Large:
    settings = _settings(url, keys)
    clock = SettableClock(settings.portal.zone, NOON)
    office = open_office(settings, clock=clock, random=SystemRandom(), assurance=Unasked())
    return Large(office, clock, engine, students, as_role(url, APP), as_role(url, OWNER), url, file, keys, cluster)


def _finish(place: Path, made: str, large: Large, records: int) -> None:
    append_records(large.office, records)
    large.office.engine.dispose()
    (place / "made-of").write_text(made, encoding="ascii")


def _is_built(place: Path, made: str) -> bool:
    said = place / "made-of"
    return said.exists() and said.read_text(encoding="ascii") == made


def _made_of() -> str:
    """What the district is built of: with another schema or other rows it is another district."""
    models = Path(__file__).resolve().parent.parent.parent / "models"
    rows = [statement for engine in ENGINES for statement in Rows(Sizes(STUDENTS), engine).statements()]
    made = sha256(repr((BUILDER, rows)).encode())
    for each in (*sorted(models.glob("migrations/versions/*.py")), *(models / name for name in SCHEMA)):
        made.update(each.read_bytes())
    return made.hexdigest()


def _clear(place: Path) -> None:
    """Remove what an earlier, different or unfinished building left."""
    for each in place.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != "lock":
            each.unlink()
