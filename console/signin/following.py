"""A directory operator follows the directory: made known at their first sign-in, and called, placed and written to as it says.

Promises: who somebody is, is the directory's own number (entryUUID, objectGUID) and nothing else; whatever changes here because of
the directory leaves a record in the same transaction; another role or other schools end every session that began under the old ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.lazy import sa, t
from console.signin.recording import record
from models.words import OperatorOrigin

if TYPE_CHECKING:
    from datetime import datetime

    from console.directory import Person
    from console.signin.placing import Place


def follow(connection: sa.Connection, person: Person, place: Place, now: datetime) -> int | None:
    """The number of the operator that this person is, brought to what the directory says of them, as heard now.

    Whoever was added for the directory under their login name before they came is they, from then on by the directory's number.
    None when another operator has their name, for two people must not be one, and when none of the schools that their groups name is
    here, for no schools would mean all. Nothing was changed then.
    """
    o = t.operator.c
    row = _known(connection, o.directory_id == person.id) or _known(connection, *_awaited(person.login))
    if _taken(connection, person.login, row.id if row is not None else 0):
        return None
    schools = _schools(connection, place.schools)
    if place.schools and not schools:
        return None
    said = {"role": str(place.role), "schools": schools}
    if row is None:
        made = t.operator.insert().values(
            name=person.login,
            role=place.role,
            origin=OperatorOrigin.DIRECTORY,
            directory_id=person.id,
            email=person.email or None,
            added_at=now,
            checked_at=now,
        )
        number = int(connection.execute(made.returning(o.id)).scalar_one())
        _place(connection, number, schools)
        record(connection, "arrive", number, now, after=said)
        return number
    before = {"role": str(row.role), "schools": _now(connection, row.id)}
    values: dict[str, Any] = {"checked_at": now, "name": person.login, "email": person.email or None}
    values["directory_id"] = person.id
    moved = before != said
    if moved:
        _place(connection, row.id, schools)
        values |= {"role": place.role, "epoch": row.epoch + 1}
        values["version"] = record(connection, "follow", row.id, now, before=before, after=said)
    elif changed := [each for each in ("name", "email", "directory_id") if getattr(row, each) != values[each]]:
        values["version"] = record(connection, "follow", row.id, now, params={"changed": changed})
    connection.execute(t.operator.update().where(o.id == row.id).values(values))
    return int(row.id)


def _known(connection: sa.Connection, *which: Any) -> sa.Row[Any] | None:
    return connection.execute(sa.select(t.operator).where(*which).with_for_update()).one_or_none()


def _awaited(login: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Who was added for the directory under this login name, and was not here yet (`district operators add --directory`)."""
    o = t.operator.c
    return (o.origin == OperatorOrigin.DIRECTORY, o.directory_id.is_(None), sa.func.lowered(o.name) == login.lower())


def _taken(connection: sa.Connection, login: str, own: int) -> bool:
    o = t.operator.c
    other = sa.select(o.id).where(sa.func.lowered(o.name) == login.lower(), o.id != own)
    return connection.execute(other).first() is not None


def _schools(connection: sa.Connection, codes: tuple[str, ...] | None) -> list[int]:
    """The schools of these codes that are here."""
    if not codes:
        return []
    wanted = [code.lower() for code in codes]
    found = connection.execute(sa.select(t.school.c.id).where(sa.func.lower(t.school.c.code).in_(wanted))).scalars()
    return sorted({int(each) for each in found})


def _now(connection: sa.Connection, operator_id: int) -> list[int]:
    s = t.operator_school.c
    return sorted(connection.execute(sa.select(s.school_id).where(s.operator_id == operator_id)).scalars())


def _place(connection: sa.Connection, operator_id: int, schools: list[int]) -> None:
    connection.execute(t.operator_school.delete().where(t.operator_school.c.operator_id == operator_id))
    if schools:
        connection.execute(
            t.operator_school.insert(), [{"operator_id": operator_id, "school_id": each} for each in schools]
        )
