"""Portals for tests: founded for real on either engine, with people put straight into the tables and the clock in the test's hand."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.clock import SettableClock
from console.desks import desk
from console.ids import SeededRandom
from console.names import email_key, name_key, phone_key, skeleton
from console.params import read_params
from console.selection import Selection
from console.settings import Settings
from console.wiring import open_office
from models import tables as t
from models.engine import open_engine, writing
from tests.founded import found_like_others
from tests.services.postgres import APP, OWNER, as_role
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.authority import Operator
    from console.office import Office
    from console.selection import Plan, Receipt

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
"""A Friday, noon in Los Angeles."""


@dataclass
class Portal:
    """A portal under test: its office, its clock, and short ways to people it and to decide."""

    office: Office
    settings: Settings
    clock: SettableClock
    _calls: int = 0
    _made: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def owning(self) -> Iterator[sa.Connection]:
        """A transaction of whoever owns the database: for what the console itself could not do to it."""
        engine = open_engine(as_role(self.settings.database.url, OWNER))
        try:
            with writing(engine) as connection:
                yield connection
        finally:
            engine.dispose()

    @property
    def today(self) -> date:
        return self.clock.today()

    def operator(self, name: str = "administrator") -> Operator:
        return self.office.operator(name)

    def hire(self, name: str, role: str, schools: tuple[int, ...] = ()) -> Operator:
        """An operator of this role, of these schools (none: all)."""
        with writing(self.office.engine) as connection:
            made = connection.execute(t.operator.insert().values(name=name, role=role)).inserted_primary_key[0]
            for school in schools:
                connection.execute(t.operator_school.insert().values(operator_id=made, school_id=school))
        return self.office.operator(name)

    def add(self, table: sa.Table, **values: Any) -> int:
        """One row; returns its id."""
        with writing(self.office.engine) as connection:
            return int(connection.execute(table.insert().values(**values)).inserted_primary_key[0])

    def change(self, table: sa.Table, row: int, **values: Any) -> None:
        with writing(self.office.engine) as connection:
            connection.execute(table.update().where(table.c.id == row).values(**values))

    def one(self, table: sa.Table, row: int) -> Any:
        """A row by id."""
        with self.office.reading() as connection:
            return connection.execute(sa.select(table).where(table.c.id == row)).one()

    def all(self, query: Any) -> list[Any]:
        with self.office.reading() as connection:
            return list(connection.execute(query))

    def number(self, kind: str) -> int:
        self._made[kind] = self._made.get(kind, 0) + 1
        return self._made[kind]

    def school(self, name: str = "Lincoln", **values: Any) -> int:
        n = self.number("school")
        return self.add(
            t.school, **{"source_id": f"school-{n}", "name": name, "code": name.lower(), "type": "school", **values}
        )

    def student(self, given: str = "Kim", family: str = "Vale", *, school: int, **values: Any) -> int:
        """An enrolled student."""
        n = self.number("student")
        made = self.add(
            t.student,
            **{
                "source_id": f"student-{n}",
                "number": str(20260000 + n),
                "given_name": given,
                "family_name": family,
                "name_key": name_key(given + family),
                "family_key": name_key(family),
                "family_initial": f"{family[:1]}.",
                "school_id": school,
                **values,
            },
        )
        self.add(t.enrollment, student_id=made, school_id=school)
        return made

    def account(self, login: str, type: str = "parent", given: str = "Pat", family: str = "Vale", **values: Any) -> int:  # noqa: A002
        email = values.pop("email", f"{login}@mail.example")
        return self.add(
            t.account,
            **{
                "type": type,
                "login": login,
                "login_key": login.lower(),
                "given_name": given,
                "family_name": family,
                "name_key": name_key(given + family),
                "family_key": name_key(family),
                "email": email,
                "email_key": email_key(email),
                "status": "active",
                "since": self.today - timedelta(days=100),
                **values,
            },
        )

    def membership(self, account: int, student: int, status: str = "approved", **values: Any) -> int:
        return self.add(
            t.membership,
            **{
                "account_id": account,
                "student_id": student,
                "status": status,
                "arrival_status": "limited",
                "since": self.today - timedelta(days=90),
                **values,
            },
        )

    def contact(self, student: int, given: str = "Pat", family: str = "Vale", **values: Any) -> int:
        """A guardian of the roster, tied to the student."""
        n = self.number("contact")
        tie = {key: values.pop(key) for key in ("relation", "restricted") if key in values}
        made = self.add(
            t.contact,
            **{
                "source_id": f"contact-{n}",
                "given_name": given,
                "family_name": family,
                "name_key": name_key(given + family),
                "family_key": name_key(family),
                "skeleton": skeleton(given + family),
                **values,
            },
        )
        self.add(t.contact_tie, contact_id=made, student_id=student, **tie)
        return made

    def registration(
        self, student: int | None, school: int | None = None, *, kind: str = "parent", **values: Any
    ) -> int:
        """A submitted application with its account and pending or limited tie; `match` is 3 unless given."""
        n = self.number("registration")
        given, family = values.pop("given", "Pat"), values.pop("family", "Vale")
        login = values.pop("login", f"applicant{n}")
        account = values.pop("account", None) or self.account(login, kind, given, family)
        tie = values.pop("tie", "limited")
        membership = None
        if student is not None and kind != "asp":
            membership = self.membership(account, student, tie, arrival_status=tie, since=self.today)
        row = self.one(t.student, student) if student is not None else None
        return self.add(
            t.registration,
            **{
                "ref": f"registration-{n}",
                "kind": kind,
                "arrived_at": self.clock.now() - timedelta(days=2),
                "account_id": account,
                "student_id": student,
                "membership_id": membership,
                "school_id": school or (row.school_id if row else None),
                "given_name": given,
                "family_name": family,
                "name_key": name_key(given + family),
                "family_key": name_key(family),
                "skeleton": skeleton(given + family),
                "email": f"{login}@mail.example",
                "email_key": email_key(f"{login}@mail.example"),
                "phone": "555 010 4477",
                "phone_key": phone_key("555 010 4477"),
                "student_number": row.number if row else "99999999",
                "facts": 1 + 2 + 16,
                "match": 3,
                **values,
            },
        )

    def plan(
        self, desk_name: str, decision: str, *ids: int, where: str = "", by: Operator | None = None, **typed: Any
    ) -> Plan:
        """What a decision would do, with parameters as typed."""
        found_desk = desk(desk_name)
        made = found_desk.decision(decision)
        operator = by or self.operator()
        params = read_params(made.Params, typed, self.office.sight(operator).calendar)
        selection = Selection(ids=ids) if ids else Selection(where=where)
        return self.office.plan(operator, found_desk, made, selection, params)

    def decide(
        self,
        desk_name: str,
        decision: str,
        *ids: int,
        where: str = "",
        by: Operator | None = None,
        key: str | None = None,
        watermark: int | None = None,
        **typed: Any,
    ) -> Receipt:
        """Decide through the office, with parameters as typed and a key of its own unless given."""
        found_desk = desk(desk_name)
        made = found_desk.decision(decision)
        operator = by or self.operator()
        params = read_params(made.Params, typed, self.office.sight(operator).calendar)
        selection = Selection(ids=ids, watermark=watermark) if ids else Selection(where=where, watermark=watermark)
        self._calls += 1
        return self.office.decide(operator, found_desk, made, selection, params, key or f"call-{self._calls}")

    def undo(self, batch: str, by: Operator | None = None) -> Receipt:
        self._calls += 1
        return self.office.undo(by or self.operator(), batch, f"call-{self._calls}")

    def sees(self, account: int, student: int, day: date | None = None) -> set[str]:
        """The classes that the portal's view opens to an account about a student on a day (today)."""
        day = day or self.today
        rows = self.all(
            sa.text(
                'SELECT "class" FROM portal_access_period WHERE viewer = :viewer AND student = :student '
                'AND "from" <= :day AND ("until" IS NULL OR "until" > :day)'
            ).bindparams(
                sa.bindparam("viewer", account),
                sa.bindparam("student", student),
                sa.bindparam("day", day, sa.Date()),
            )
        )
        return {row[0] for row in rows}


def open_portal(url: str, folder: Path, now: datetime = NOON, seed: int = 1, **tables: dict[str, Any]) -> Portal:
    """Found a portal at `url` with its keys in `folder`. `tables` are further settings, as `policy={...}`.

    On PostgreSQL its owner founds it and the office is the app role's, whosever the address is.
    """
    settings = Settings.build(
        {**tables, "database": {"url": as_role(url, APP)}, "portal": {"origin": "test.example/ledger"}}, folder
    )
    clock = SettableClock(settings.portal.zone, now)
    found_like_others(settings, now)
    office = open_office(settings, clock=clock, random=SeededRandom(seed), assurance=Unasked())
    unhurt(office)
    return Portal(office, settings, clock)


def unhurt(office: Office) -> None:
    """Let this office's SQLite file wait for no disk, as the tests' PostgreSQL does not: nobody pulls the plug on it.

    Whatever a process's death could take is still tried: what was written is the system's from then on.
    """
    if office.engine.dialect.name == "sqlite":
        office.engine.dispose()
        sa.event.listen(office.engine, "connect", _without_waiting)


def _without_waiting(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
