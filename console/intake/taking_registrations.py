"""Registrations from the intake: an account and a tie with the rights that the school gives on arrival, and the case itself.

What exists is kept: an existing tie is never opened or raised by a new application, a removed one stays removed until somebody
approves. A number that no student has makes a case all the same; the roster may bring the student later (PORTAL, *Registrations*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.evidence import Flag, recompute
from console.intake.lookups import Students, accounts_of, login_key, memberships_of
from console.lazy import sa, t
from console.names import email_key, name_key, phone_key, skeleton, suspicions, throwaway_domain
from models.words import AccountStatus, AccountType, Origin, RegistrationKind, RegistrationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.intake.taking import Taking

WAITING = (RegistrationState.SUBMITTED, RegistrationState.NEEDS_INFO, RegistrationState.DEFERRED)
_COLUMNS = (
    "ref",
    "kind",
    "arrived_at",
    "account_id",
    "student_id",
    "membership_id",
    "school_id",
    "given_name",
    "family_name",
    "name_key",
    "family_key",
    "skeleton",
    "email",
    "email_key",
    "phone",
    "phone_key",
    "relation",
    "student_number",
    "student_given_name",
    "student_family_name",
    "student_family_key",
    "organisation_name",
    "code_hash",
    "own_flags",
    "flags",
    "version",
)


def take_registrations(taking: Taking) -> None:
    """Take over all that wait, a chunk at a time."""
    for rows in taking.waiting(t.intake_registration):
        _take(taking, rows)
        taking.settle(t.intake_registration, "registrations", rows)


def _take(taking: Taking, rows: Sequence[Any]) -> None:
    from models.bulk import insert_rows

    connection = taking.connection
    known = accounts_of(connection, (row.login for row in rows))
    good = [row for row in rows if _acceptable(taking, row, known.get(login_key(row.login)))]
    students = Students.numbered(connection, (row.student_number.strip() for row in good))
    meant = {row.id: students.find(row.student_number.strip(), name_key(row.student_family_name)) for row in good}
    good = _open_accounts(taking, good, known, meant)
    accounts = accounts_of(connection, (row.login for row in good))
    ties = _open_ties(taking, good, accounts, meant)
    insert_rows(
        connection,
        t.registration,
        _COLUMNS,
        [_case(taking, row, accounts[login_key(row.login)].id, meant[row.id], ties) for row in good],
    )
    taking.add("registrations", len(good))


def _acceptable(taking: Taking, row: Any, account: Any | None) -> bool:
    why = None
    if row.kind not in set(RegistrationKind):
        why = "kind is none of parent, student, asp"
    elif not login_key(row.login) or not row.student_number.strip():
        why = "login or student_number is blank"
    elif row.kind == RegistrationKind.STUDENT and taking.sight.settings.directory.block_student_registration:
        why = "students do not register by hand here, the directory brings them"
    elif account is not None and account.status == AccountStatus.DELETED:
        why = "the login belongs to a deleted account"
    elif account is not None and account.type != row.kind:
        why = f"the login belongs to an account of another kind ({account.type})"
    if why:
        taking.refuse("registrations", row.id, why)
    return why is None


def _open_accounts(taking: Taking, rows: Sequence[Any], known: dict[str, Any], meant: dict[int, Any]) -> list[Any]:
    """Make the accounts that are not there. Returns the rows that have one: a login cannot be of two kinds."""
    from models.bulk import insert_rows

    made: dict[str, tuple[Any, ...]] = {}
    kinds = {key: account.type for key, account in known.items()}
    kept = []
    organisations = open_organisations(taking, [row.organisation for row in rows if row.kind == AccountType.ASP])
    for row in rows:
        key = login_key(row.login)
        if kinds.setdefault(key, row.kind) != row.kind:
            taking.refuse("registrations", row.id, f"the login belongs to an account of another kind ({kinds[key]})")
            continue
        kept.append(row)
        if key in known or key in made:
            continue
        student = meant[row.id]
        made[key] = (
            row.kind,
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
            _start(taking, row, student),
            Origin.SELF,
            student.id if student is not None and row.kind == RegistrationKind.STUDENT else None,
            organisations.get(name_key(row.organisation)) if row.kind == AccountType.ASP else None,
            row.arrived_at.astimezone(taking.sight.settings.portal.zone).date(),
            taking.version,
        )
    insert_rows(taking.connection, t.account, ACCOUNT_COLUMNS, made.values())
    taking.add("accounts", len(made))
    return kept


ACCOUNT_COLUMNS = (
    "type",
    "login",
    "login_key",
    "given_name",
    "family_name",
    "name_key",
    "family_key",
    "email",
    "email_key",
    "phone",
    "phone_key",
    "status",
    "origin",
    "student_id",
    "organisation_id",
    "since",
    "version",
)


def _start(taking: Taking, row: Any, student: Any | None) -> AccountStatus:
    """Parents can sign in at once; a student where the school says so; professionals wait (PORTAL, *Registrations*)."""
    if row.kind == RegistrationKind.PARENT:
        return AccountStatus.ACTIVE
    school = student.school_id if student is not None else None
    at_once = row.kind == RegistrationKind.STUDENT and not taking.schools.waits(school)
    return AccountStatus.ACTIVE if at_once else AccountStatus.PENDING


def open_organisations(taking: Taking, names: Iterable[str | None], *, required: bool = True) -> dict[str, int]:
    """The organisations of these names by key, made where they are new.

    One that only its own people named needs an agreement until the district says otherwise: unknown opens nothing.
    """
    from models.bulk import insert_rows

    wanted = {name_key(name): name for name in names if name and name_key(name)}
    o = t.organisation.c

    def found() -> dict[str, int]:
        rows = taking.connection.execute(sa.select(o.name_key, o.id).where(o.name_key.in_(wanted)))
        return {row.name_key: row.id for row in rows}

    known = found()
    new = {key: name for key, name in wanted.items() if key not in known}
    if not new:
        return known
    insert_rows(
        taking.connection,
        t.organisation,
        ("name", "name_key", "agreement_required"),
        [(name, key, required) for key, name in new.items()],
    )
    taking.add("organisations", len(new))
    return found()


def _open_ties(
    taking: Taking, rows: Sequence[Any], accounts: dict[str, Any], meant: dict[int, Any]
) -> dict[tuple[int, int], int]:
    """The ties of these rows' accounts by (account, student), made where they are new."""
    wanted: dict[tuple[int, int], tuple[str, str | None, Any]] = {}
    for row in rows:
        student = meant[row.id]
        if student is None or row.kind == RegistrationKind.ASP:
            continue
        pair = (accounts[login_key(row.login)].id, student.id)
        wanted.setdefault(pair, (row.kind, row.relation, student.school_id))
    return open_ties(taking, wanted)


def open_ties(
    taking: Taking, wanted: dict[tuple[int, int], tuple[str, str | None, int | None]]
) -> dict[tuple[int, int], int]:
    """For each (account, student) its tie; a new one starts with what the school gives on arrival. Existing ones stay as they are.

    `wanted` says kind of applicant, relation, and home school.
    """
    from models.bulk import insert_rows

    accounts = {account for account, _ in wanted}
    known = memberships_of(taking.connection, accounts)
    new = []
    for (account, student), (kind, relation, school) in wanted.items():
        if (account, student) not in known:
            status = taking.schools.arrival(kind, school)
            new.append(
                (account, student, said(relation), status, status, Origin.SELF, taking.sight.today, taking.version)
            )
    insert_rows(
        taking.connection,
        t.membership,
        ("account_id", "student_id", "relation", "status", "arrival_status", "origin", "since", "version"),
        new,
    )
    if new:
        taking.add("memberships", len(new))
        known = memberships_of(taking.connection, accounts)
    return {pair: row.id for pair, row in known.items()}


def said(relation: str | None) -> str:
    """A relation as it is compared: small letters."""
    return (relation or "").strip().lower()


def _case(
    taking: Taking, row: Any, account: int, student: Any | None, ties: dict[tuple[int, int], int]
) -> tuple[Any, ...]:
    whole = row.given_name + row.family_name
    own = 0
    if suspicions(row.given_name) or suspicions(row.family_name):
        own |= Flag.ODD_NAME
    if throwaway_domain(row.email):
        own |= Flag.THROWAWAY_MAIL
    code = (row.verification_code or "").strip()
    tied = student is not None and row.kind != RegistrationKind.ASP
    return (
        row.ref,
        row.kind,
        row.arrived_at,
        account,
        student.id if student is not None else None,
        ties[account, student.id] if tied and student is not None else None,
        student.school_id if student is not None else taking.schools.coded(row.school),
        row.given_name,
        row.family_name,
        name_key(whole),
        name_key(row.family_name),
        skeleton(whole),
        row.email,
        email_key(row.email),
        row.phone,
        phone_key(row.phone),
        said(row.relation),
        row.student_number.strip(),
        row.student_given_name,
        row.student_family_name,
        name_key(row.student_family_name),
        row.organisation,
        taking.vault.mac("verification code", code) if code else None,
        int(own),
        int(own),
        taking.version,
    )


def judge(taking: Taking, last: int) -> None:
    """Compute facts and flags of the cases after number `last`, and of what waits from the same accounts or mailboxes."""
    r, new = t.registration.c, t.registration.alias("new")
    if not taking.added.get("registrations"):
        return
    came = sa.select(new.c.account_id).where(new.c.id > last)
    mailboxes = sa.select(new.c.email_key).where(new.c.id > last, new.c.email_key != "")
    recompute(
        taking.connection,
        taking.sight.today,
        taking.sight.settings.policy.families_threshold,
        sa.and_(
            r.state.in_(WAITING),
            sa.or_(r.id > last, r.account_id.in_(came), r.email_key.in_(mailboxes)),
        ),
    )
