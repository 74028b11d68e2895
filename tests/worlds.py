"""Worlds for the oracle: one in which everything is open, with a handful of troubles; and how it gets into a portal's tables."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import strategies as st

from models import tables as t
from models.engine import open_engine, writing
from models.guards import make_guards
from models.views import make_views
from models.words import AccountType
from tests.oracle import (
    Account,
    ArrivedChallenge,
    Challenge,
    Consent,
    Grant,
    Organisation,
    School,
    Stay,
    Student,
    Tie,
    World,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

TODAY = date(2026, 11, 21)
PAST, LATELY, YESTERDAY, SOON, LATER = (TODAY + timedelta(days=days) for days in (-200, -2, -1, 2, 90))
DAYS = (PAST, LATELY, YESTERDAY, TODAY, SOON, LATER)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WITNESS = 1

# Logins differ in A to Z only; what Unicode folds further (the Kelvin sign, a dotted capital I) is another login.
ANNA, EVA, KIM, KELVIN = "Anna", "\u00c9va", "kim", "\u212aim"

OPEN = World(
    schools=(
        School(1, "approve_for_any", "full", asp=True, asp_advanced=False, asp_consent="any", close_at_18=True),
        School(2, "approve_for_grades", "limited", asp=True, asp_advanced=True, asp_consent="all", close_at_18=False),
    ),
    students=(
        Student(1, "900101", 1, None, "none", parents_blocked=False, verify_parents=False, directory_opt_out=""),
        Student(2, "900102", 2, None, "none", parents_blocked=False, verify_parents=False, directory_opt_out=""),
    ),
    enrollments=(
        Stay(1, 1, None, None, active=True),
        Stay(1, 2, None, None, active=True),
        Stay(2, 2, None, None, active=True),
    ),
    organisations=(Organisation(1, agreement_required=True, agreement_from=PAST, agreement_until=None),),
    posts=(Stay(1, 1, None, None, active=True), Stay(2, 2, None, None, active=True)),
    accounts=(
        Account(1, "student", "ada", "active", PAST, None, 1, None, None),
        Account(2, "student", "ola", "active", PAST, None, 2, None, None),
        Account(3, "parent", ANNA, "active", PAST, None, None, None, None),
        Account(4, "parent", EVA, "active", PAST, None, None, None, None),
        Account(5, "parent", KIM, "active", PAST, None, None, None, None),
        Account(6, "parent", KELVIN, "active", PAST, None, None, None, None),
        Account(7, "certificated", "roe", "active", PAST, None, None, 1, None),
        Account(8, "certificated", "poe", "active", PAST, None, None, 2, None),
        Account(9, "certificated", "moe", "active", PAST, None, None, None, None),
        Account(10, "asp", "tutor", "active", PAST, None, None, None, 1),
        Account(11, "asp", "coach", "active", PAST, None, None, None, None),
        Account(12, "classified", "clerk", "active", PAST, None, None, None, None),
    ),
    known_schools=((7, 1), (8, 1), (9, 2), (12, 1)),
    ties=(
        *(
            Tie(number, account, student, "approved", PAST, None, None, blocked=False, rebased=None)
            for number, (account, student) in enumerate(
                [(1, 1), (2, 2), (3, 1), (4, 1), (5, 1), (3, 2), (6, 2), (9, 1), (10, 2)], 1
            )
        ),
    ),
    challenges=(Challenge(3, "closed"), Challenge(6, "decided"), Challenge(7, "closed")),
    arrived=(
        ArrivedChallenge("ANNA", "900101", waits=False),
        ArrivedChallenge("KIM", "900102", waits=False),
        ArrivedChallenge("\u00c9VA", "900101", waits=False),
    ),
    grants=(
        Grant(1, "grant-1", "approved", 10, 1, 1, PAST, LATER, None, None),
        Grant(2, "grant-2", "approved", 11, 1, 2, PAST, LATER, "paper 2", WITNESS),
        Grant(3, "grant-3", "approved", 10, 2, 2, PAST, LATER, "paper 3", WITNESS),
        Grant(4, "grant-4", "approved", 12, 2, 2, PAST, LATER, "paper 4", WITNESS),
    ),
    consents=tuple(
        Consent(number, NOON, f"grant-{grant}", login, gives=True)
        for number, (grant, login) in enumerate(
            [
                (1, "ANNA"),
                (1, EVA),
                (1, KIM),
                (1, ANNA),
                (2, ANNA),
                (2, "\u00c9VA"),
                (2, "Kim"),
                (3, ANNA),
                (3, KELVIN),
                (3, "anna"),
            ],
            1,
        )
    ),
)
"""Everybody sees what their kind may see; each row has one reason to be there, so each trouble takes something away."""

_FLAG = (True, False)
_DATE = (None, *DAYS)
_TROUBLES: dict[str, dict[str, tuple[Any, ...]]] = {
    "schools": {
        "initial_rights": ("approve_for_grades", "approve_for_any"),
        "hold_policy": ("none", "limited", "full"),
        "asp": _FLAG,
        "asp_advanced": _FLAG,
        "asp_consent": ("any", "all"),
        "close_at_18": _FLAG,
    },
    "students": {
        "number": ("900101", "900102"),
        "school": (1, 2, None),
        "adult_on": _DATE,
        "mask": ("none", "initial", "pseudonym"),
        "parents_blocked": _FLAG,
        "verify_parents": _FLAG,
        "directory_opt_out": ("", "all", "address,telephone"),
    },
    "enrollments": {"begins": _DATE, "ends": _DATE, "active": _FLAG},
    "organisations": {"agreement_required": _FLAG, "agreement_from": _DATE, "agreement_until": _DATE},
    "posts": {"begins": _DATE, "ends": _DATE, "active": _FLAG},
    "accounts": {
        "type": tuple(map(str, AccountType)),
        "status": ("active", "pending", "suspended", "suspended", "deleted"),
        "since": DAYS,
        "suspended_until": _DATE,
        "organisation": (1, None),
    },
    "ties": {
        "status": ("approved", "limited", "pending", "suspended", "suspended", "removed"),
        "since": DAYS,
        "resumes_as": ("approved", "limited", "pending", "removed", "suspended", None),
        "suspended_until": _DATE,
        "blocked": _FLAG,
        "rebased": ("dependent", None),
    },
    "challenges": {"tie": (3, 4, 5, 6, 7), "state": ("open", "waiting", "decided", "appealed", "closed")},
    "arrived": {
        "challenged": ("ANNA", "anna", "kim", "\u212aIM", "\u00c9VA", "\u00e9va"),
        "student_number": ("900101", "900102"),
        "waits": _FLAG,
    },
    "grants": {
        "state": ("approved", "requested", "rejected", "revoked"),
        "school": (1, 2, None),
        "begins": _DATE,
        "ends": _DATE,
        "permission_reference": ("paper", None),
        "permission_witness": (WITNESS, None),
    },
    "consents": {
        "at": (NOON, NOON + timedelta(microseconds=1)),
        "grant_ref": ("grant-1", "grant-2", "grant-3"),
        "login": (ANNA, "anna", "KIM", KELVIN, EVA, "\u00e9va"),
        "gives": (False, False, True),
    },
}
_LEAVES = {"enrollments": (0, 1, 2), "posts": (0, 1), "known_schools": (0, 1, 2, 3), "ties": (0, 1)}
"""Rows that may be missing: nothing else refers to them."""

_PARENTS = (2, 3, 4, 5, 6)
"""The rows of the parents' ties."""


@dataclass(frozen=True)
class Trouble:
    """One value that is another, or (`name` is empty) one row that is not there."""

    table: str
    row: int
    name: str = ""
    value: Any = None


def _values(table: str, row: int, name: str) -> st.SearchStrategy[Trouble]:
    return st.sampled_from(_TROUBLES[table][name]).map(lambda value: Trouble(table, row, name, value))


def _together(*parts: st.SearchStrategy[Trouble]) -> st.SearchStrategy[list[Trouble]]:
    return st.tuples(*parts).map(list)


def _anything() -> st.SearchStrategy[list[Trouble]]:
    """Any value of any row, or a row that is missing; tables and their columns with equal chances."""
    values = st.one_of(
        *(
            _together(
                st.integers(0, len(getattr(OPEN, table)) - 1).flatmap(lambda row, t=table, n=name: _values(t, row, n))
            )
            for table, names in _TROUBLES.items()
            for name in names
        )
    )
    losses = st.sampled_from([[Trouble(table, row)] for table, rows in _LEAVES.items() for row in rows])
    return st.one_of(values, losses)


def situations() -> list[list[Trouble]]:
    """Each other value of each row, each row that may be missing; suspensions of a tie that end, and two words of one parent."""
    single = [
        Trouble(table, row, name, value)
        for table, names in _TROUBLES.items()
        for row, there in enumerate(getattr(OPEN, table))
        for name, values in names.items()
        for value in dict.fromkeys(values)
        if getattr(there, name) != value
    ]
    missing = [Trouble(table, row) for table, rows in _LEAVES.items() for row in rows]
    ended = [
        [
            Trouble("ties", row, "status", "suspended"),
            Trouble("ties", row, "resumes_as", resumes_as),
            Trouble("ties", row, "suspended_until", until),
        ]
        for row in (0, 1, 2, 6)
        for resumes_as in dict.fromkeys(_TROUBLES["ties"]["resumes_as"])
        for until in (LATELY, SOON)
    ]
    first, second = [
        row for row, c in enumerate(OPEN.consents) if c.grant_ref == "grant-3" and plain(c.login) == "anna"
    ]
    words = [
        [Trouble("consents", no, "gives", False), Trouble("consents", later, "at", NOON + timedelta(microseconds=1))]
        for no in (first, second)
        for later in (first, second)
    ]
    return [[change] for change in single + missing] + ended + words


def _suspension(table: str, row: int) -> st.SearchStrategy[list[Trouble]]:
    names = ("suspended_until", "resumes_as") if table == "ties" else ("suspended_until",)
    return _together(
        st.just(Trouble(table, row, "status", "suspended")), *(_values(table, row, name) for name in names)
    )


def _majority(student: int) -> st.SearchStrategy[list[Trouble]]:
    return _together(
        _values("students", student, "adult_on"),
        st.just(Trouble("students", student, "school", 1)),
        st.sampled_from(_PARENTS).flatmap(lambda row: _values("ties", row, "rebased")),
        st.sampled_from(_PARENTS).flatmap(lambda row: _values("ties", row, "rebased")),
        st.sampled_from(_PARENTS).flatmap(lambda row: _values("ties", row, "since")),
    )


def _challenge(row: int) -> st.SearchStrategy[list[Trouble]]:
    """A challenge that is open, taken over or not, under any policy; and sometimes a student under verification."""
    return _together(
        st.one_of(_values("challenges", row, "state"), _values("arrived", row, "waits")),
        _values("schools", 0, "hold_policy"),
        _values("students", 0, "verify_parents"),
    )


def _words(grant: int) -> st.SearchStrategy[list[Trouble]]:
    """Every parent of a grant says something, in any order; and one policy."""
    rows = [row for row, consent in enumerate(OPEN.consents) if consent.grant_ref == f"grant-{grant}"]
    return _together(
        _values("schools", 0 if grant == 1 else 1, "asp_consent"),
        *(_values("consents", row, name) for row in rows for name in ("gives", "at")),
    )


def _estranged(status: str) -> st.SearchStrategy[list[Trouble]]:
    """No parent is approved, but perhaps one from some day on; and perhaps a paper in a drawer."""
    return _together(
        *(st.just(Trouble("ties", row, "status", status)) for row in _PARENTS),
        *(_values("grants", row, name) for row in (0, 1, 2) for name in ("permission_reference", "permission_witness")),
        st.sampled_from(_PARENTS).flatmap(lambda row: _values("ties", row, "status")),
        st.sampled_from(_PARENTS).flatmap(lambda row: _values("ties", row, "since")),
        _values("students", 0, "verify_parents"),
    )


def troubles() -> st.SearchStrategy[list[Trouble]]:
    """A few single changes and a few that only together mean something."""
    kinds = (
        _anything(),
        _anything(),
        st.integers(0, len(OPEN.ties) - 1).flatmap(lambda row: _suspension("ties", row)),
        st.integers(0, len(OPEN.accounts) - 1).flatmap(lambda row: _suspension("accounts", row)),
        st.sampled_from((0, 1)).flatmap(_majority),
        st.sampled_from((0, 1, 2)).flatmap(_challenge),
        st.sampled_from((1, 2, 3)).flatmap(_words),
        st.sampled_from(("pending", "limited")).flatmap(_estranged),
    )
    some = st.sampled_from(kinds).flatmap(lambda kind: kind)  # one_of would count each of the many changes as a kind
    several = st.integers(0, 12).flatmap(lambda size: st.lists(some, min_size=size, max_size=size))
    return several.map(lambda groups: [trouble for group in groups for trouble in group])


def troubled(world: World, happened: list[Trouble]) -> World:
    """The world with these troubles, the last one of a value deciding."""
    rows = {table: list(getattr(world, table)) for table in (*_TROUBLES, "known_schools")}
    for trouble in happened:
        if trouble.name:
            row = rows[trouble.table][trouble.row]
            rows[trouble.table][trouble.row] = replace(row, **{trouble.name: trouble.value})
    for table in _LEAVES:
        lost = {trouble.row for trouble in happened if trouble.table == table and not trouble.name}
        rows[table] = [row for number, row in enumerate(rows[table]) if number not in lost]
    return replace(world, **{table: tuple(kept) for table, kept in rows.items()})


def worlds() -> st.SearchStrategy[World]:
    """The open world with some troubles."""
    return troubles().map(lambda happened: troubled(OPEN, happened))


def asked_days() -> list[date]:
    """Every day on which something can change in a generated world, the day before it, and far away."""
    around = {day - timedelta(days=step) for day in DAYS for step in (0, 1)}
    return sorted(around | {date(2000, 1, 1), date(2099, 1, 1)})


Rows = dict[sa.Table, dict[tuple[Any, ...], dict[str, Any]]]
_KEYS = {
    t.enrollment: ("student_id", "school_id"),
    t.post: ("staff_id", "school_id"),
    t.account_school: ("account_id", "school_id"),
}


def rows_of(world: World) -> Rows:
    """The rows of each table by their key, in an order in which they can be inserted."""
    staff = {stay.who for stay in world.posts} | {a.staff for a in world.accounts if a.staff is not None}
    ties = {tie.id: tie for tie in world.ties}
    tables: dict[sa.Table, list[dict[str, Any]]] = {
        t.operator: [{"id": WITNESS, "name": "witness", "role": "administrator"}],
        t.school: [
            {
                "id": s.id,
                "source_id": f"school-{s.id}",
                "name": f"School {s.id}",
                "code": str(s.id),
                "type": "school",
                "initial_rights": s.initial_rights,
                "hold_policy": s.hold_policy,
                "asp": s.asp,
                "asp_advanced": s.asp_advanced,
                "asp_consent": s.asp_consent,
                "close_at_18": s.close_at_18,
            }
            for s in world.schools
        ],
        t.student: [
            {
                "id": s.id,
                "source_id": f"student-{s.id}",
                "number": s.number,
                "given_name": "Ann",
                "family_name": "Lee",
                "family_initial": "L.",
                "school_id": s.school,
                "adult_on": s.adult_on,
                "mask": s.mask,
                "pseudonym": f"QK7-{s.id}" if s.mask == "pseudonym" else None,
                "parents_blocked": s.parents_blocked,
                "verify_parents": s.verify_parents,
                "directory_opt_out": s.directory_opt_out,
            }
            for s in world.students
        ],
        t.staff: [
            {"id": who, "source_id": f"staff-{who}", "given_name": "Sam", "family_name": "Roe", "type": "teacher"}
            for who in sorted(staff)
        ],
        t.enrollment: [
            {"student_id": s.who, "school_id": s.school, "begins": s.begins, "ends": s.ends, "active": s.active}
            for s in world.enrollments
        ],
        t.post: [
            {"staff_id": s.who, "school_id": s.school, "begins": s.begins, "ends": s.ends, "active": s.active}
            for s in world.posts
        ],
        t.organisation: [
            {
                "id": o.id,
                "name": f"Firm {o.id}",
                "name_key": f"firm{o.id}",
                "agreement_required": o.agreement_required,
                "agreement_from": o.agreement_from,
                "agreement_until": o.agreement_until,
            }
            for o in world.organisations
        ],
        t.account: [
            {
                "id": a.id,
                "type": a.type,
                "login": a.login,
                "login_key": plain(a.login),
                "given_name": "Pat",
                "family_name": "Vale",
                "status": a.status,
                "since": a.since,
                "suspended_until": a.suspended_until,
                "student_id": a.student,
                "staff_id": a.staff,
                "organisation_id": a.organisation,
            }
            for a in world.accounts
        ],
        t.account_school: [{"account_id": account, "school_id": school} for account, school in world.known_schools],
        t.membership: [
            {
                "id": m.id,
                "account_id": m.account,
                "student_id": m.student,
                "status": m.status,
                "since": m.since,
                "resumes_as": m.resumes_as,
                "suspended_until": m.suspended_until,
                "blocked": m.blocked,
                "rebased": m.rebased,
            }
            for m in world.ties
        ],
        t.challenge: [
            {
                "id": n,
                "ref": f"challenge-{n}",
                "state": c.state,
                "arrived_at": NOON,
                "membership_id": c.tie,
                "account_id": ties[c.tie].account,
                "student_id": ties[c.tie].student,
                "challenger_id": ties[c.tie].account,
                "statement": "…",
                "answer_due": TODAY,
                "decision_due": TODAY,
            }
            for n, c in enumerate(world.challenges, 1)
        ],
        t.intake_challenge: [
            {
                "id": n,
                "ref": f"arrived-{n}",
                "arrived_at": NOON,
                "challenger": "somebody",
                "challenged": c.challenged,
                "student_number": c.student_number,
                "statement": "…",
                "taken_at": None if c.waits or n % 2 else NOON,
                "refused": None if c.waits or not n % 2 else "not of this family",
            }
            for n, c in enumerate(world.arrived, 1)
        ],
        t.access_grant: [
            {
                "id": g.id,
                "ref": g.ref,
                "state": g.state,
                "arrived_at": NOON,
                "account_id": g.account,
                "student_id": g.student,
                "school_id": g.school,
                "purpose": "homework",
                "begins": g.begins,
                "ends": g.ends,
                "permission_reference": g.permission_reference,
                "permission_witness": g.permission_witness,
            }
            for g in world.grants
        ],
        t.intake_consent: [
            {
                "id": c.id,
                "ref": f"consent-{c.id}",
                "at": c.at,
                "grant_ref": c.grant_ref,
                "login": c.login,
                "gives": c.gives,
            }
            for c in world.consents
        ],
    }
    return {
        table: {tuple(row[name] for name in _KEYS.get(table, ("id",))): row for row in rows}
        for table, rows in tables.items()
    }


def put(connection: Connection, world: World) -> None:
    """Write a world into empty tables."""
    for table, rows in rows_of(world).items():
        if rows:
            connection.execute(sa.insert(table), list(rows.values()))


def alter(connection: Connection, there: World, world: World) -> None:
    """Make the world that is there into another one with the same rows or fewer."""
    before, after = rows_of(there), rows_of(world)
    for table in reversed(before):
        named = [table.c[name] for name in _KEYS.get(table, ("id",))]
        for key, row in before[table].items():
            here = sa.and_(
                *(column == sa.bindparam(f"key_{column.name}", value) for column, value in zip(named, key, strict=True))
            )
            if key not in after[table]:
                connection.execute(sa.delete(table).where(here))
            elif row != after[table][key]:
                connection.execute(sa.update(table).where(here).values(after[table][key]))


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """A connection to a new portal that sees the open world, and nobody else does: it is taken back at the end."""
    engine = open_engine(url)
    with writing(engine) as connection:
        t.metadata.create_all(connection)
        make_views(connection)
        make_guards(connection)
    with engine.connect().execution_options(writes=True) as connection, connection.begin() as transaction:
        put(connection, OPEN)
        yield connection
        transaction.rollback()
    engine.dispose()


@contextmanager
def holding(connection: Connection, world: World) -> Iterator[None]:
    """While it lasts the connection sees `world`, which is the open one with some troubles."""
    savepoint = connection.begin_nested()
    alter(connection, OPEN, world)
    yield
    savepoint.rollback()
