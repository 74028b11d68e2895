"""Django's two ways to approve many rows and have it on record, in a process of its own: what the console's decision stands beside.

    python -m tests.measured.django_admin WAY URL NUMBER

Its models are the portal's own tables on a copy of the same database, every column of them, as an admin site over them would have
them; its log is `django_admin_log`. WAY is `update`, the fastest with a record a row (`log_actions`, then `queryset.update()`), or
`loop`, what the admin's own action over chosen rows is when each is saved (`save()` and a log entry for each). Each in one
transaction, as durable as the console's. Prints the seconds; the first row is done before, so that nothing is done for the first time.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import django
import sqlalchemy as sa
from django.apps import AppConfig
from django.conf import settings

from models import tables as t
from tests.portals import NOON

if TYPE_CHECKING:
    from collections.abc import Sequence

PRAGMAS = (
    "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; "
    "PRAGMA secure_delete=ON;"
)
MESSAGE = "Approved."


class Cases(AppConfig):
    name = "tests.measured"
    label = "cases"


def set_up(url: str) -> None:
    """Django over this database; its own tables are made."""
    at = sa.make_url(url)
    sqlite = at.get_backend_name() == "sqlite"
    database: dict[str, Any] = (
        {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": at.database,
            "OPTIONS": {"init_command": PRAGMAS, "transaction_mode": "IMMEDIATE"},
        }
        if sqlite
        else {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": at.database,
            "USER": at.username,
            "HOST": at.host,
            "PORT": at.port,
        }
    )
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.admin",
            "tests.measured.django_admin.Cases",
        ],
        DATABASES={"default": database},
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _field(column: sa.Column[Any]) -> Any:
    from django.db import models

    null = column.nullable or False
    if column.primary_key:
        return models.BigAutoField(primary_key=True)
    kinds: list[tuple[type, type]] = [
        (sa.Boolean, models.BooleanField),
        (sa.SmallInteger, models.SmallIntegerField),
        (sa.Integer, models.BigIntegerField),
        (sa.Date, models.DateField),
        (sa.DateTime, models.DateTimeField),
        (sa.LargeBinary, models.BinaryField),
        (sa.Text, models.TextField),
    ]
    kind: Any = column.type.impl if isinstance(column.type, sa.TypeDecorator) else column.type
    return next(field for base, field in kinds if isinstance(kind, base))(null=null)


def model(table: sa.Table) -> Any:
    """A model of the whole table, which Django does not manage."""
    from django.db import models

    meta = type("Meta", (), {"managed": False, "db_table": table.name, "app_label": "cases"})
    named = {"__str__": lambda self: f"{table.name} {self.pk}", "__module__": __name__, "Meta": meta}
    return type(table.name.title(), (models.Model,), {**named, **{c.name: _field(c) for c in table.c}})


def update(cases: Any, ties: Any, user: int) -> int:
    """The fastest way that leaves a record a row: the log is told the rows' numbers, and their other columns are not read."""
    from django.contrib.admin.models import CHANGE, LogEntry

    LogEntry.objects.log_actions(user, cases.only("id"), CHANGE, MESSAGE)
    ties.filter(id__in=cases.values("membership_id")).update(
        status="approved", since=NOON.date(), verified_at=NOON, version=1
    )
    return int(cases.update(state="approved", decided_at=NOON, decided_by=1, version=1))


def loop(cases: Any, ties: Any, user: int) -> int:
    """Row by row, as the admin does it for one."""
    from django.contrib.admin.models import CHANGE, LogEntry

    number = 0
    for case in cases:
        tie = ties.get(id=case.membership_id)
        tie.status, tie.since, tie.verified_at, tie.version = "approved", NOON.date(), NOON, 1
        tie.save()
        case.state, case.decided_at, case.decided_by, case.version = "approved", NOON, 1, 1
        case.save()
        LogEntry.objects.log_actions(user, [case], CHANGE, MESSAGE, single_object=True)
        number += 1
    return number


def main(words: Sequence[str]) -> None:
    """Approve that many in this way, and say in how many seconds."""
    way, url, number = words[0], words[1], int(words[2])
    set_up(url)
    from django.contrib.auth.models import User
    from django.db import connection, transaction

    user = User.objects.create(username="administrator").pk
    cases, ties = model(t.registration).objects, model(t.membership).objects
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
    for first, last in ((0, 1), (1, 1 + number)):
        began = time.perf_counter()
        with transaction.atomic():
            wanted = cases.filter(state="submitted", id__gt=first, id__lte=last)
            done = {"update": update, "loop": loop}[way](wanted, ties, user)
        took = time.perf_counter() - began
        if done != last - first:
            raise SystemExit(f"{done} rows were approved, not {last - first}")
    sys.stdout.write(f"{took:.6f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
