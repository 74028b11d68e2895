"""Who works at the console: the operators there are, who is meant when nobody was named, and hiring one, on record."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from console.authority import Operator, Permission, Role, authorize, unfit
from console.errors import Refused, Usage
from console.lazy import sa, t
from models.words import Log, OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from console.desk import Desk
    from console.ledger.log import Head
    from console.office import Office

LONGEST_NAME = 60
"""Characters of an operator's name."""


def usual_operator(office: Office) -> Operator:
    """The only attended operator, or the first one of a demonstration. Raises Usage when there are several."""
    with office.reading() as connection:
        names = list(
            connection.execute(
                sa.select(t.operator.c.name)
                .where(t.operator.c.unattended.is_(sa.false()), t.operator.c.status == OperatorStatus.ACTIVE)
                .order_by(t.operator.c.id)
            ).scalars()
        )
        demo = connection.execute(sa.select(t.portal.c.demo_seed)).scalar()
    if not names:
        raise Refused("No operator works here; nothing was done. Make one with district --operator NAME init.")
    if len(names) > 1 and demo is None:
        raise Usage(
            f"{len(names)} operators work here; nothing was done. Say who you are with --operator or DISTRICT_OPERATOR."
        )
    return office.operator(names[0])


@dataclass(frozen=True, slots=True)
class Hired:
    """Who is to work here. `schools` are codes, none means all; `origin` says who vouches for them.

    A `break_glass` operator is for the day on which nothing else works; `email` is where they are told of what they must know.
    """

    name: str
    role: Role
    schools: Sequence[str] = ()
    origin: OperatorOrigin = OperatorOrigin.LOCAL
    email: str = ""
    break_glass: bool = False


def add_operator(office: Office, by: Operator, hired: Hired) -> int:
    """Propose an operator; returns their number. They work here once another operator let them. On record, in the same transaction.

    Administrators are told. A program gets its key. Raises Usage for a name that is none or a school that is not there, Refused for
    a name that is taken, a role that does not fit, a school that does not exist for who adds, or without the right.
    """
    from console.ledger import log
    from console.notices.telling_operators import tell_administrators

    authorize(by, Permission.OPERATORS_DECIDE)
    _fits(hired)
    now = office.clock.now()
    unattended = hired.origin is OperatorOrigin.PROGRAM
    with office.writing(by) as connection:
        # First, and not last as elsewhere: two who add one name in another case at once take turns.
        head = log.lock_head(connection, Log.LEDGER)
        if connection.execute(
            sa.select(t.operator.c.id).where(sa.func.lowered(t.operator.c.name) == hired.name.lower())
        ).first():
            raise Refused(f"There is an operator {hired.name!r} already; nobody was added.")
        ids = _schools(connection, hired.schools, by)
        new = t.operator.insert().values(
            name=hired.name,
            role=hired.role,
            origin=hired.origin,
            status=OperatorStatus.PROPOSED,
            unattended=unattended,
            break_glass=hired.break_glass,
            email=hired.email or None,
            added_by=by.id,
            added_at=now,
        )
        number = int(connection.execute(new.returning(t.operator.c.id)).scalar_one())
        if ids:
            connection.execute(
                t.operator_school.insert(), [{"operator_id": number, "school_id": school} for school in ids]
            )
        tell_administrators(connection, office.settings, office.random, now, "operator-added", number, but=by.id)
        connection.execute(t.operator.update().where(t.operator.c.id == number).values(version=head.size + 1))
        said = {"break_glass": hired.break_glass, "origin": str(hired.origin), "schools": ids, "unattended": unattended}
        _record(connection, head, "add", number, by, now, {"role": str(hired.role), "status": "proposed"}, said)
        if unattended:
            from console.signin.programs import make_key

            make_key(connection, office.settings, number, hired.name, now, office.random)
    office.seal()
    return number


def invite_operator(office: Office, by: Operator, name: str) -> str:
    """A one-time word for an operator who works here and has no second factor, or no password; returned once, on record.

    They are told that there is one, and so are the administrators. It takes a code of the second factor, for who has the word can
    become who it is for. Raises Refused for anybody else, CodeNeeded without the code.
    """
    from console.ledger import log
    from console.notices.telling_operators import tell_administrators
    from console.signin.invitations import invite

    authorize(by, Permission.OPERATORS_DECIDE)
    now = office.clock.now()
    o, f, p = t.operator.c, t.operator_factor.c.operator_id, t.operator_password.c.operator_id
    with office.writing(by) as connection:
        head = log.lock_head(connection, Log.LEDGER)
        row = connection.execute(
            sa.select(o.id, o.status, o.origin, o.unattended, f.label("factor"), p.label("password"))
            .select_from(t.operator.outerjoin(t.operator_factor, f == o.id).outerjoin(t.operator_password, p == o.id))
            .where(sa.func.lowered(o.name) == name.strip().lower(), *_desk().within(by))
        ).one_or_none()
        if row is None:
            raise Refused(f"There is no operator {name!r}; nobody was invited. See district operators list.")
        if why := _uninvited(row):
            raise Refused(f"{name} {why}; nobody was invited.")
        office.assurance.spend(connection, by, invitation_digest(row.id), now)
        word = invite(connection, office.vault, row.id, by.id, now, office.settings, office.random)
        tell_administrators(connection, office.settings, office.random, now, "operator-invited", row.id, but=by.id)
        connection.execute(t.operator.update().where(o.id == row.id).values(version=head.size + 1))
        _record(connection, head, "invite", row.id, by, now, {}, {"hours": office.settings.signin.invitation_hours})
    office.seal()
    return word


def invitation_digest(operator_id: int) -> bytes:
    """What the code is given for that an invitation asks for."""
    return sha256(f"operators.invite {operator_id}".encode()).digest()


def _desk() -> Desk:
    from console.desks import desk

    return desk("operators")


def _uninvited(row: Any) -> str:
    """Why an operator gets no one-time word, "" for one who does."""
    if row.unattended:
        return "is a program and has a key"
    if row.status != OperatorStatus.ACTIVE:
        return f"is {row.status}: another operator lets them work here first, with district operators enable"
    if row.factor is not None and (row.password is not None or row.origin == OperatorOrigin.DIRECTORY):
        return "can sign in already: what was lost is reset first, with district operators reset"
    return ""


def _fits(hired: Hired) -> None:
    from console.notices.letters import one_address

    if not (0 < len(hired.name) <= LONGEST_NAME and hired.name.isprintable() and hired.name == hired.name.strip()):
        raise Usage(f"An operator's name is 1 to {LONGEST_NAME} printable characters; nobody was added.")
    if why := unfit(hired.role, unattended=hired.origin is OperatorOrigin.PROGRAM):
        raise Refused(f"{why[0].upper()}{why[1:]}; nobody was added. See district roles.")
    if hired.email and one_address(hired.email) is None:
        raise Usage("That is no e-mail address; nobody was added.")
    if hired.break_glass and (
        hired.origin is not OperatorOrigin.LOCAL or hired.role is not Role.DISTRICT_ADMINISTRATOR or hired.schools
    ):
        raise Usage(
            "A break-glass operator is a local district administrator of all schools; nobody was added. "
            "Leave --directory, --unattended and --school out."
        )


def _record(
    connection: sa.Connection,
    head: Head,
    action: str,
    number: int,
    by: Operator,
    now: datetime,
    after: dict[str, str],
    params: dict[str, Any],
) -> None:
    from console.deciding import announce, moment
    from console.ledger import log

    record = log.Record(
        action=f"operators.{action}",
        after=after,
        at=moment(now),
        batch="",
        before=dict.fromkeys(after),
        case=number,
        desk="operators",
        detail="",
        index=head.size,
        kind="decision",
        log=str(Log.LEDGER),
        operator=by.id,
        params=params,
        subject="status",
        ties={},
    )
    log.append(connection, head, [record])
    announce(connection, head.size)


def _schools(connection: sa.Connection, codes: Sequence[str], by: Operator) -> list[int]:
    """The schools of these codes, as far as they exist for who names them; nobody gives more than they have."""
    if by.schools is not None and not codes:
        raise Usage("You work for some schools and cannot give all of them; nobody was added. Name them with --school.")
    own = [] if by.schools is None else [t.school.c.id.in_(sorted(by.schools))]
    found = []
    for code in codes:
        row = connection.execute(
            sa.select(t.school.c.id).where(sa.func.lower(t.school.c.code) == code.lower(), *own).limit(1)
        ).scalar()
        if row is None:
            raise Usage(f"There is no school of the code {code!r}; nobody was added. See district schools list.")
        found.append(int(row))
    return sorted(set(found))


def operator_of(connection: sa.Connection, row: sa.Row[tuple[object, ...]], session: str | None = None) -> Operator:
    """The operator of a row of `operator`, with their schools."""
    schools = connection.execute(
        sa.select(t.operator_school.c.school_id).where(t.operator_school.c.operator_id == row.id)
    ).scalars()
    return Operator(row.id, row.name, Role(row.role), frozenset(schools) or None, row.unattended, session)
