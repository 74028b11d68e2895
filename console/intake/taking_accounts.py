"""Adopts the accounts and ties that a portal in use already has: once, with their dates, and with *adopted* as their origin.

An account that is there already is not touched, and no tie of it is opened or raised: what an operator decided since stands.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from console.intake.lookups import Students, accounts_of, login_key, memberships_of
from console.intake.taking_registrations import ACCOUNT_COLUMNS, open_organisations, said
from console.lazy import sa, t
from console.names import email_key, name_key, phone_key
from models.words import AccountStatus, AccountType, MembershipStatus, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from console.intake.taking import Taking

T = AccountType
_STAFF = (T.DISTRICT_ADMINISTRATOR, T.SCHOOL_ADMINISTRATOR, T.CERTIFICATED, T.CLASSIFIED)


def take_accounts(taking: Taking) -> None:
    """Take over all that wait, a chunk at a time."""
    for rows in taking.waiting(t.intake_account):
        _take(taking, rows)
        taking.settle(t.intake_account, "accounts", rows)


def _take(taking: Taking, rows: Sequence[Any]) -> None:
    connection = taking.connection
    known = accounts_of(connection, (row.login for row in rows))
    good = [row for row in rows if _acceptable(taking, row, known)]
    students = Students.numbered(connection, (row.student_number.strip() for row in good if row.student_number))
    _open_accounts(taking, good, known, students)
    accounts = accounts_of(connection, (row.login for row in good))
    _place_staff(taking, good, accounts, known)
    _open_ties(taking, good, accounts, students)


def _acceptable(taking: Taking, row: Any, known: dict[str, Any]) -> bool:
    account = known.get(login_key(row.login))
    why = None
    if row.type not in set(T):
        why = "type is no type of account"
    elif not login_key(row.login):
        why = "login is blank"
    elif account is not None and account.origin != Origin.ADOPTED:
        why = "the login is one that the portal has already; nothing of it was changed"
    elif account is not None and account.type != row.type:
        why = f"the login was adopted as another kind of account ({account.type})"
    elif row.level not in (None, MembershipStatus.LIMITED, MembershipStatus.APPROVED):
        why = "level is neither limited nor approved"
    if why:
        taking.refuse("accounts", row.id, why)
    return why is None


def _open_accounts(taking: Taking, rows: Sequence[Any], known: dict[str, Any], students: Students) -> None:
    from models.bulk import insert_rows

    own = _people(taking, t.student, [row.person for row in rows if row.type == T.STUDENT])
    staff = _people(taking, t.staff, [row.person for row in rows if row.type in _STAFF])
    organisations = _organisations(taking, rows)
    made: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        key = login_key(row.login)
        if key in known or key in made:
            continue
        student = None
        if row.type == T.STUDENT:
            numbered = students.find(row.student_number.strip()) if row.student_number else None
            student = own.get(row.person) or (numbered.id if numbered is not None else None)
        made[key] = (
            row.type,
            row.login.strip(),
            key,
            row.given_name,
            row.family_name,
            name_key(row.given_name + row.family_name),
            name_key(row.family_name),
            row.email,
            email_key(row.email),
            row.phone,
            phone_key(row.phone),
            AccountStatus.ACTIVE if row.active else AccountStatus.SUSPENDED,
            Origin.ADOPTED,
            student,
            organisations.get(name_key(row.organisation)),
            row.created_at or taking.sight.today,
            taking.version,
            staff.get(row.person) if row.type in _STAFF else None,
        )
    insert_rows(taking.connection, t.account, (*ACCOUNT_COLUMNS, "staff_id"), made.values())
    if made:
        taking.add("accounts", len(made))


def _people(taking: Taking, table: sa.Table, source_ids: Sequence[str | None]) -> dict[str | None, int]:
    wanted = {each for each in source_ids if each}
    if not wanted:
        return {}
    rows = taking.connection.execute(sa.select(table.c.source_id, table.c.id).where(table.c.source_id.in_(wanted)))
    return {row.source_id: row.id for row in rows}


def _organisations(taking: Taking, rows: Sequence[Any]) -> dict[str, int]:
    """The organisations by key. What the file says of an agreement is taken over; its last day is in it, so the end is the next."""
    from datetime import timedelta

    ids = open_organisations(taking, [row.organisation for row in rows], required=False)
    stated = {
        name_key(row.organisation): row
        for row in reversed(rows)
        if row.organisation and (row.agreement_required or row.agreement_from or row.agreement_until)
    }
    for key, row in stated.items():
        until = row.agreement_until + timedelta(days=1) if row.agreement_until else None
        taking.connection.execute(
            t.organisation.update()
            .where(t.organisation.c.id == ids[key])
            .values(
                agreement_required=bool(row.agreement_required),
                agreement_from=row.agreement_from,
                agreement_until=until,
            )
        )
    return ids


def _place_staff(taking: Taking, rows: Sequence[Any], accounts: dict[str, Any], known: dict[str, Any]) -> None:
    """Schools of staff whom the roster places nowhere; where it does, the roster is right."""
    from models.bulk import insert_rows

    new = {
        key: row
        for row in rows
        if row.type in _STAFF and row.schools and (key := login_key(row.login)) in accounts and key not in known
    }
    staff = {accounts[key].staff_id for key in new} - {None}
    placed = set(
        taking.connection.execute(
            sa.select(t.post.c.staff_id).where(t.post.c.active, t.post.c.staff_id.in_(staff))
        ).scalars()
    )
    pairs = {
        (accounts[key].id, school)
        for key, row in new.items()
        if accounts[key].staff_id not in placed
        for code in row.schools.split(",")
        if (school := taking.schools.coded(code)) is not None
    }
    insert_rows(taking.connection, t.account_school, ("account_id", "school_id"), sorted(pairs))


def _open_ties(taking: Taking, rows: Sequence[Any], accounts: dict[str, Any], students: Students) -> None:
    from models.bulk import insert_rows

    known = memberships_of(taking.connection, {account.id for account in accounts.values()})
    made: dict[tuple[int, int], tuple[Any, ...]] = {}
    for row in rows:
        if not row.student_number:
            continue
        student = students.find(row.student_number.strip())
        account = accounts[login_key(row.login)]
        why = None
        if row.type not in (T.PARENT, T.STUDENT):
            why = "only parents and students are tied to students; a professional's access comes in as a grant"
        elif student is None:
            why = "no student has this number, or several have"
        elif row.type == T.PARENT and row.level is None:
            why = "level is blank, but a parent's tie is limited or approved"
        if why is not None or student is None:
            taking.refuse("accounts", row.id, why or "")
            continue
        pair = (account.id, student.id)
        if pair in known or pair in made:
            continue
        status = MembershipStatus(row.level or MembershipStatus.APPROVED)
        since = row.since or row.created_at or taking.sight.today
        made[pair] = (
            *pair,
            said(row.relation),
            status,
            taking.schools.arrival(row.type, student.school_id),
            Origin.ADOPTED,
            since,
            _moment(taking, since) if status is MembershipStatus.APPROVED else None,
            taking.version,
        )
    columns = (
        "account_id",
        "student_id",
        "relation",
        "status",
        "arrival_status",
        "origin",
        "since",
        "verified_at",
        "version",
    )
    insert_rows(taking.connection, t.membership, columns, made.values())
    if made:
        taking.add("memberships", len(made))


def _moment(taking: Taking, day: date) -> datetime:
    """The day's beginning in the portal's time zone."""
    return datetime.combine(day, time(), taking.sight.settings.portal.zone).astimezone(UTC)
