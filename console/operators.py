"""Who works at the console: the operators there are, who is meant when nobody was named, and hiring one, on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.authority import Operator, Permission, Role, authorize, unfit
from console.errors import Refused, Usage
from console.lazy import sa, t
from console.text import SafeText, safe
from models.words import Log, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.office import Office

LONGEST_NAME = 60
"""Characters of an operator's name."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator as listed. `schools` are codes; none means all."""

    id: int
    name: SafeText
    role: Role
    schools: tuple[SafeText, ...]
    unattended: bool
    status: OperatorStatus


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


def operators(office: Office, by: Operator) -> list[Listed]:
    """Everybody who works here. Raises Refused without the right to know it."""
    authorize(by, Permission.OPERATORS_SEE)
    with office.reading(by) as connection:
        schools: dict[int, list[SafeText]] = {}
        for row in connection.execute(
            sa.select(t.operator_school.c.operator_id, t.school.c.code)
            .join(t.school, t.school.c.id == t.operator_school.c.school_id)
            .order_by(t.school.c.code)
        ):
            schools.setdefault(row.operator_id, []).append(safe(row.code))
        rows = connection.execute(sa.select(t.operator).order_by(t.operator.c.id)).all()
    return [
        Listed(
            row.id,
            safe(row.name),
            Role(row.role),
            tuple(schools.get(row.id, ())),
            bool(row.unattended),
            OperatorStatus(row.status),
        )
        for row in rows
    ]


def add_operator(
    office: Office, by: Operator, name: str, role: Role, schools: Sequence[str] = (), *, unattended: bool = False
) -> int:
    """Hire an operator for all schools or those of these codes; returns their number. On record, in the same transaction.

    Raises Usage for a name that is none or a school that is not there, Refused for a name that is taken or without the right.
    """
    from console.deciding import announce, moment
    from console.ledger import log

    authorize(by, Permission.OPERATORS_DECIDE)
    if why := unfit(role, unattended=unattended):
        raise Refused(f"{why[0].upper()}{why[1:]}; nobody was added. See district roles.")
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise Usage(f"An operator's name is 1 to {LONGEST_NAME} printable characters; nobody was added.")
    now = office.clock.now()
    with office.writing(by) as connection:
        if connection.execute(
            sa.select(t.operator.c.id).where(sa.func.lower(t.operator.c.name) == name.lower())
        ).first():
            raise Refused(f"There is an operator {name!r} already; nobody was added.")
        ids = _schools(connection, schools)
        hired = t.operator.insert().values(name=name, role=role, unattended=unattended).returning(t.operator.c.id)
        number = int(connection.execute(hired).scalar_one())
        if ids:
            connection.execute(
                t.operator_school.insert(), [{"operator_id": number, "school_id": school} for school in ids]
            )
        head = log.lock_head(connection, Log.LEDGER)
        record = log.Record(
            action="operators.add",
            after={"operator.role": str(role)},
            at=moment(now),
            batch="",
            before={"operator.role": None},
            case=number,
            desk="operators",
            detail="",
            index=head.size,
            kind="decision",
            log=str(Log.LEDGER),
            operator=by.id,
            params={"role": str(role), "schools": ids, "unattended": unattended},
            subject="operator.role",
            ties={},
        )
        log.append(connection, head, [record])
        announce(connection, head.size)
    office.seal()
    return number


def _schools(connection: sa.Connection, codes: Sequence[str]) -> list[int]:
    found = []
    for code in codes:
        row = connection.execute(
            sa.select(t.school.c.id).where(sa.func.lower(t.school.c.code) == code.lower()).limit(1)
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
