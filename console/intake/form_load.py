"""Puts the rows of a form into the intake table where the portal puts its own, and remembers on which line each one stood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from console.intake.lookups import CHUNK
from console.lazy import sa, t
from console.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from console.intake.findings import Finding
    from console.intake.forms import FormRows
    from console.progress import Progress


@dataclass(slots=True)
class Loaded:
    """How many rows were put there and how many had come before; `lines` are those of the rows put there, in their order."""

    table: sa.Table
    added: int = 0
    known: int = 0
    ids: list[tuple[int, int]] = field(default_factory=list)

    def placed(self, refusals: Sequence[Finding], file: str) -> tuple[Finding, ...]:
        """The refusals of intake rows, at the lines of the file they came from; those of the portal's own rows as they are."""
        lines = dict(self.ids)
        return tuple(
            replace(each, file=file, line=lines[each.line]) if each.line in lines else each for each in refusals
        )


def load_form(
    connection: sa.Connection, kind: str, rows: FormRows, zone: ZoneInfo, progress: Progress = SILENT
) -> Loaded:
    """Insert what is not known, and let wait again what was refused. The rows' findings are complete then; the caller decides."""
    from models.bulk import insert_rows

    table, columns, values = _forms(zone)[kind]
    loaded = Loaded(table)
    names = [table.c[name] for name in (("login", "student_number") if kind == "accounts" else ("ref",))]
    for part in _parts(rows):
        lines = {_key(kind, row): row.line for row in part}
        known = _known(connection, table, names, lines)
        new = [row for row in part if _key(kind, row) not in known]
        loaded.known += len(part) - len(new)
        loaded.added += len(new)
        read = loaded.known + loaded.added
        progress.say(read, rows.expected(read), f"reading {kind}")
        loaded.ids += _try_again(connection, table, lines, known)
        last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar_one() or 0
        insert_rows(connection, table, columns, [values(row) for row in new])
        fresh = connection.execute(sa.select(table.c.id, *names).where(table.c.id > last).order_by(table.c.id))
        loaded.ids += [(row[0], lines[key]) for row in fresh if (key := _named(row[1:])) in lines]
    return loaded


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(rows)
    while part := list(islice(source, CHUNK)):
        yield part


def _key(kind: str, row: Any) -> tuple[str, ...]:
    return (row.login, row.student_number or "") if kind == "accounts" else (row.ref,)


def _named(values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(value or "" for value in values)


def _known(
    connection: sa.Connection, table: sa.Table, names: Sequence[sa.Column[Any]], keys: Iterable[tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[int, bool]]:
    """Which of the keys are in the intake table: their rows, and whether those were refused."""
    refused = table.c.refused.is_not(None) if "refused" in table.c else sa.false()
    rows = connection.execute(
        sa.select(table.c.id, refused.label("refused"), *names).where(names[0].in_({key[0] for key in keys}))
    )
    return {_named(row[2:]): (row[0], bool(row[1])) for row in rows}


def _try_again(
    connection: sa.Connection,
    table: sa.Table,
    lines: Mapping[tuple[str, ...], int],
    known: Mapping[tuple[str, ...], tuple[int, bool]],
) -> list[tuple[int, int]]:
    """Let refused rows that the file repeats wait again: what they lacked may have come since. Returns their ids and lines."""
    again = [(row, lines[key]) for key, (row, refused) in known.items() if refused and key in lines]
    if again:
        ids = [row for row, _ in again]
        connection.execute(table.update().where(table.c.id.in_(ids)).values(refused=None, taken_at=None))
    return again


def _forms(zone: ZoneInfo) -> dict[str, tuple[sa.Table, tuple[str, ...], Callable[[Any], tuple[Any, ...]]]]:
    """For each form its table, the columns, and a row's values."""
    found: dict[str, tuple[sa.Table, tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {
        "registrations": _same(
            t.intake_registration,
            "ref kind arrived_at login given_name family_name student_number email phone student_given_name "
            "student_family_name relation verification_code organisation school",
        ),
        "challenges": _same(t.intake_challenge, "ref arrived_at challenger challenged student_number statement"),
        "answers": _same(t.intake_answer, "ref at desk case_ref text withdraws"),
        "grants": (
            t.intake_grant,
            ("ref", "arrived_at", "login", "student_number", "purpose", "begins", "ends"),
            lambda row: (
                row.ref,
                row.arrived_at,
                row.login,
                row.student_number,
                row.purpose,
                row.starts,
                row.ends,
            ),
        ),
        "consents": (
            t.intake_consent,
            ("ref", "at", "grant_ref", "login", "gives"),
            lambda row: (row.ref, row.at, row.grant_ref, row.login, row.action == "give"),
        ),
        "accounts": (t.intake_account, _ACCOUNT, lambda row: _account(row, zone)),
    }
    return found


def _same(table: sa.Table, names: str) -> tuple[sa.Table, tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    columns = tuple(names.split())
    return table, columns, lambda row: tuple(getattr(row, name) for name in columns)


_ACCOUNT = (
    "type",
    "login",
    "given_name",
    "family_name",
    "email",
    "phone",
    "person",
    "schools",
    "organisation",
    "agreement_required",
    "agreement_from",
    "agreement_until",
    "created_at",
    "active",
    "student_number",
    "relation",
    "level",
    "since",
)


def _account(row: Any, zone: ZoneInfo) -> tuple[Any, ...]:
    """Moments become days: an account and a tie begin on a day."""
    return (
        row.type,
        row.login,
        row.given_name,
        row.family_name,
        row.email,
        row.phone,
        row.person,
        ",".join(row.schools) or None,
        row.organisation,
        bool(row.agreement_required),
        row.agreement_from,
        row.agreement_until,
        _day(row.created_at, zone),
        row.active,
        row.student_number,
        row.relation,
        row.level,
        _day(row.since, zone),
    )


def _day(at: datetime | None, zone: ZoneInfo) -> date | None:
    """The day of a moment in the portal's calendar. A file that gave a day is read as its midnight in UTC, and means that day."""
    if at is None:
        return None
    whole = (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
    return at.date() if whole else at.astimezone(zone).date()
