"""A district in which everybody applies at once: what the measurements of bulk decisions begin from, and copies of it.

Promises: the same rows on both engines; every copy is as durable as a real portal (SQLite with the console's own settings, PostgreSQL
with fsync), has the statistics of a portal at rest and nothing left to write, and is the app role's.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.clock import SettableClock
from console.ids import SeededRandom
from console.names import email_key, name_key, skeleton
from console.settings import Settings
from console.wiring import open_office
from models import tables as t
from models.bulk import insert_rows
from models.engine import open_engine, writing
from tests.founded import found_as_owner
from tests.portals import NOON, Portal
from tests.services.postgres import APP, OWNER, Cluster, as_role
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from models.words import AccountType

SCHOOLS = 50
IN_DIRECTORY = 15_000
"""Students whom the district's directory knows, without a login of the portal yet."""
TEACHERS = 20
"""A school's teachers, who see its students whatever is decided about the parents."""
SERVER = {"shared_buffers": "512MB", "max_wal_size": "2GB"}
"""What a server of a large district is given at the least."""
GIVEN = ("Ada", "Bela", "Cem", "Dora", "Emil", "Fatima", "Gus", "Hana", "Ivo", "Jun", "Kim")
FAMILY = ("Vale", "Okafor", "Lindqvist", "Marsh", "Tran", "Ibarra", "Novak", "Reyes", "Adeyemi")


@dataclass(frozen=True, slots=True)
class Many:
    """Tuples of a table in the order of `columns`."""

    table: sa.Table
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


def _tables(number: int, kind: AccountType | str) -> Iterator[Many]:
    """That many applications, each of one person for one student of their own."""
    people = [(GIVEN[n % len(GIVEN)], f"{FAMILY[n % len(FAMILY)]}{n % 977}") for n in range(1, number + 1)]
    numbered = list(enumerate(people, 1))
    since = (NOON - timedelta(days=2)).date()
    names = ("given_name", "family_name", "name_key", "family_key")

    def keys(given: str, family: str) -> tuple[str, str, str, str]:
        return given, family, name_key(given + family), name_key(family)

    yield Many(
        t.school,
        ("id", "source_id", "name", "code", "type"),
        [(n, f"school-{n}", f"School {n}", f"s{n}", "school") for n in range(1, SCHOOLS + 1)],
    )
    yield Many(
        t.student,
        ("id", "source_id", "number", *names, "family_initial", "school_id"),
        [(n, f"student-{n}", f"{n:08}", *keys("Lee", f), f"{f[0]}.", _school(n)) for n, (_, f) in numbered],
    )
    yield Many(t.enrollment, ("student_id", "school_id"), [(n, _school(n)) for n, _ in numbered])
    teachers = range(1, SCHOOLS * TEACHERS + 1)
    yield Many(
        t.staff,
        ("id", "source_id", "given_name", "family_name", "type"),
        [(n, f"staff-{n}", "Tea", "Cher", "certificated") for n in teachers],
    )
    yield Many(t.post, ("staff_id", "school_id"), [(n, _school(n)) for n in teachers])
    account = ("id", "type", "login", "login_key", *names, "email", "email_key", "status", "since", "staff_id")
    yield Many(
        t.account,
        account,
        [(n, kind, f"p{n}", f"p{n}", *keys(*p), *_mail(n), "active", since, None) for n, p in numbered],
    )
    yield Many(
        t.account,
        account,
        [
            (number + n, "certificated", f"t{n}", f"t{n}", *keys("Tea", "Cher"), None, "", "active", since, n)
            for n in teachers
        ],
    )
    yield Many(
        t.membership,
        ("id", "account_id", "student_id", "relation", "status", "arrival_status", "since"),
        [(n, n, n, "parent", "limited", "limited", since) for n, _ in numbered],
    )
    case = ("id", "ref", "kind", "arrived_at", "account_id", "student_id", "membership_id", "school_id")
    more = (*names, "skeleton", "email", "email_key", "phone", "student_number", "facts", "match")
    yield Many(
        t.registration,
        (*case, *more),
        [
            (
                n,
                f"registration-{n}",
                "parent",
                NOON - timedelta(days=2, seconds=n),
                n,
                n,
                n,
                _school(n),
                *keys(*p),
                skeleton("".join(p)),
                *_mail(n),
                "555 010 4477",
                f"{n:08}",
                1 + 2 + 16,
                3,
            )
            for n, p in numbered
        ],
    )
    yield Many(
        t.directory_user,
        ("directory_id", "login", "login_key", *names, "number", "student_id", "school_id", "first_seen", "last_seen"),
        [
            (f"id-{n}", f"s{n}", f"s{n}", *keys("Lee", f), f"{n:08}", n, _school(n), NOON, NOON)
            for n, (_, f) in numbered[:IN_DIRECTORY]
        ],
    )


def _school(n: int) -> int:
    return 1 + n % SCHOOLS


def _mail(n: int) -> tuple[str, str]:
    return f"p{n}@mail.example", email_key(f"p{n}@mail.example")


class District:
    """A portal with `number` applications, built once in `folder`; `copy` gives copies to decide in."""

    def __init__(self, folder: Path, number: int, cluster: Cluster | None) -> None:
        """Without a cluster it is SQLite's."""
        self.number = number
        self.engine = "sqlite" if cluster is None else "postgresql"
        self._folder, self._cluster, self._copies = folder / f"{self.engine}-{number}", cluster, count(1)
        self._folder.mkdir(parents=True)
        if cluster is None:
            self._build(f"sqlite:///{self._folder / 'portal.db'}")
        else:
            self._name = cluster.template(f"applications_{number}", self._build)

    def _settings(self, url: str, folder: Path) -> Settings:
        return Settings.build(
            {"database": {"url": as_role(url, APP)}, "portal": {"origin": "test.example/ledger"}}, folder
        )

    def _build(self, url: str) -> None:
        found_as_owner(self._settings(url, self._folder), NOON)
        engine = open_engine(as_role(url, OWNER))
        with writing(engine) as connection:
            for many in _tables(self.number, "parent"):
                insert_rows(connection, many.table, many.columns, many.rows)
        at_rest = engine.execution_options(isolation_level="AUTOCOMMIT")
        with at_rest.connect() as connection:
            if self.engine == "postgresql":
                for table in (t.account, t.membership, t.registration, t.student):
                    last = sa.select(sa.func.max(table.c.id)).scalar_subquery()
                    connection.execute(sa.select(sa.func.setval(f"{table.name}_id_seq", last)))
                connection.exec_driver_sql("VACUUM (ANALYZE)")
            else:
                connection.exec_driver_sql("ANALYZE")
        engine.dispose()

    @contextmanager
    def copy(self) -> Iterator[tuple[str, Path]]:
        """The address of a fresh copy and the folder with its keys; read once, so that nothing is cold."""
        folder = self._folder.with_name(f"{self._folder.name}-copy-{next(self._copies)}")
        shutil.copytree(self._folder, folder)
        url = f"sqlite:///{folder / 'portal.db'}"
        if self._cluster is not None:
            url = self._cluster.fresh_database(self._name)
            self._settle(url)
        try:
            yield url, folder
        finally:
            if self._cluster is not None:
                self._cluster.drop(url)
            shutil.rmtree(folder)

    def remove(self) -> None:
        """Leave no file of it. A server's database goes with the server."""
        shutil.rmtree(self._folder)

    @staticmethod
    def _settle(url: str) -> None:
        engine = open_engine(url, statement_timeout=0).execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for table in (t.registration, t.membership, t.account, t.student):
                connection.execute(sa.select(sa.func.count(), sa.func.max(table.c.version)).select_from(table))
            connection.exec_driver_sql("CHECKPOINT")
        engine.dispose()

    @contextmanager
    def portal(self) -> Iterator[Portal]:
        """The office of a fresh copy, in which nobody signs in; one case is decided, so that nothing is done for the first time."""
        with self.copy() as (url, folder):
            settings = self._settings(url, folder)
            clock = SettableClock(settings.portal.zone, NOON)
            office = open_office(settings, clock=clock, random=SeededRandom(1), assurance=Unasked())
            portal = Portal(office, settings, clock)
            portal.decide("registrations", "approve", 1)
            yield portal
            office.engine.dispose()
