"""Who sees what of a student, through which tie, since when and until when – or why not (PORTAL, *Who may see a student's data*).

What is open is read from the contract's own view, `portal_access_period`, so an explanation never differs from what the portal
does; what closes or narrows it is said by `console.access.reasons`. Names obey the student's mask.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.access.reasons import reasons
from console.errors import Refused
from console.lazy import sa, t
from console.people import guardian_name, person_name, student_name
from console.text import SafeText, safe
from models.words import AccountType, DataClass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_ORDER = (AccountType.STUDENT, AccountType.PARENT, AccountType.CERTIFICATED, AccountType.ASP)


@dataclass(frozen=True, slots=True)
class Way:
    """One tie that shows something today: `tie` as the view names it, `via` in words, `until` the first day without (None: open)."""

    tie: str
    via: SafeText
    classes: tuple[str, ...]
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an account sees of a student on a day. `reasons` are sentences: why nothing, or why not all that its type may see."""

    account: int
    type: str
    name: SafeText
    student: int
    student_name: SafeText
    day: date
    ways: tuple[Way, ...]
    reasons: tuple[SafeText, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Everything seen through any way, in the rules' order; () is nothing."""
        return _ordered(name for way in self.ways for name in way.classes)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who sees a student today, through one tie."""

    viewer: int
    type: str
    name: SafeText
    way: Way


def explain(connection: sa.Connection, account_id: int, student_id: int, today: date) -> Explanation:
    """What the account sees of the student on that day, and why not more.

    Raises Refused when there is no such account or student.
    """
    from models.engine import prepared

    with prepared(connection):
        account = _one(connection, t.account, account_id, "account")
        student = _one(connection, t.student, student_id, "student")
        return Explanation(
            account=account_id,
            type=account.type,
            name=_called(connection, account, student),
            student=student_id,
            student_name=student_name(student.given_name, student.family_name, student.mask, student.pseudonym),
            day=today,
            ways=tuple(way for _, way in _ways(connection, student_id, today, viewer=account_id)),
            reasons=reasons(connection, account, student, today),
        )


def who_can_see(connection: sa.Connection, student_id: int, today: date) -> tuple[Reader, ...]:
    """Everybody who sees something of the student on that day: the student, parents, certificated staff, after-school people.

    Raises Refused when there is no such student.
    """
    student = _one(connection, t.student, student_id, "student")
    ways = _ways(connection, student_id, today)
    wanted = sorted({viewer for viewer, _ in ways})
    a = t.account
    accounts = {
        row.id: row
        for start in range(0, len(wanted), 500)
        for row in connection.execute(sa.select(a).where(a.c.id.in_(wanted[start : start + 500])))
    }
    readers = (
        Reader(viewer, accounts[viewer].type, _called(connection, accounts[viewer], student), way)
        for viewer, way in ways
    )
    return tuple(
        sorted(readers, key=lambda reader: (_ORDER.index(AccountType(reader.type)), reader.viewer, reader.way.tie))
    )


def _one(connection: sa.Connection, table: sa.Table, key: int, word: str) -> Any:
    row = connection.execute(sa.select(table).where(table.c.id == key)).one_or_none()
    if row is None:
        raise Refused(f"There is no {word} {key}; nothing was explained; look for the right number.")
    return row


def _called(connection: sa.Connection, account: Any, student: Any) -> SafeText:
    """The account's name as it may be read beside this student; a student's own login wears that student's mask."""
    if account.type == AccountType.PARENT:
        return guardian_name(account.given_name, account.family_name, student.mask, "a parent")
    if account.type != AccountType.STUDENT or account.student_id is None:
        return person_name(account.given_name, account.family_name)
    own = student if account.student_id == student.id else _one(connection, t.student, account.student_id, "student")
    return student_name(account.given_name, account.family_name, own.mask, own.pseudonym)


def _ways(connection: sa.Connection, student: int, today: date, *, viewer: int | None = None) -> list[tuple[int, Way]]:
    """Each viewer's ties that show something today, by viewer and tie."""
    from models.engine import prepared

    period = sa.table(
        "portal_access_period",
        *(sa.column(name, sa.BigInteger()) for name in ("viewer", "student")),
        *(sa.column(name, sa.Text()) for name in ("class", "via")),
        *(sa.column(name, sa.Date()) for name in ("from", "until")),
    )
    p = period.c
    query = sa.select(p.viewer, p.via, p["class"].label("name"), p["from"].label("opens"), p.until.label("closes"))
    query = query.where(p.student == student)
    if viewer is not None:
        query = query.where(p.viewer == viewer)
    ties: dict[tuple[int, str], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    with prepared(connection):
        rows = connection.execute(query).all()
    for row in rows:
        ties[row.viewer, row.via][row.name].append(row)
    found = []
    for (who, via), classes in sorted(ties.items()):
        shown = {name: span for name, rows in classes.items() if (span := _around(rows, today)) is not None}
        if shown:
            found.append((who, via, _ordered(shown), next(iter(shown.values()))))
    words = _in_words(connection, {(via, names) for _, via, names, _ in found})
    return [(who, Way(via, words[via, names], names, since, until)) for who, via, names, (since, until) in found]


def _around(rows: list[Any], today: date) -> tuple[date, date | None] | None:
    """The days without a gap around today that these periods of one class and tie make together; None if today is in none."""
    merged: list[tuple[date, date | None]] = []
    for row in sorted(rows, key=lambda row: row.opens):
        if merged and merged[-1][1] == row.opens:
            merged[-1] = (merged[-1][0], row.closes)
        else:
            merged.append((row.opens, row.closes))
    return next((span for span in merged if span[0] <= today and (span[1] is None or today < span[1])), None)


def _in_words(
    connection: sa.Connection, ties: set[tuple[str, tuple[str, ...]]]
) -> dict[tuple[str, tuple[str, ...]], SafeText]:
    """The view's names of ties, each with the classes it shows, in words."""
    numbers: dict[str, list[int]] = {"school": [], "grant": []}
    for via, _ in ties:
        kind, _, number = via.partition(" ")
        numbers.setdefault(kind, []).append(int(number or 0))
    s, g = t.school.c, t.access_grant.c
    of_schools = sa.select(s.id, s.name).where(s.id.in_(numbers["school"]))
    schools = {row.id: row.name for row in connection.execute(of_schools)}
    of_grants = sa.select(g.id, s.name).join(t.school, s.id == g.school_id).where(g.id.in_(numbers["grant"]))
    grants = {row.id: row.name for row in connection.execute(of_grants)}
    words = {}
    for via, classes in ties:
        kind, _, number = via.partition(" ")
        if kind == "self":
            said = "the student's own login"
        elif kind == "membership":
            said = f"{'an approved' if DataClass.GRADES in classes else 'a limited'} parent's tie (membership {number})"
        elif kind == "school":
            said = f"certificated staff at {schools[int(number)]}"
        else:
            said = f"grant {number} at {grants[int(number)]}"
        words[via, classes] = safe(said)
    return words


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    found = set(names)
    return tuple(str(name) for name in DataClass if name in found)
