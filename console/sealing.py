"""Moves a student's name under the seal and out again: while the mask is `pseudonym`, only a drawn code stands in the open.

The mask alone says which it is to be; `settle` makes the rows agree with it, in the transaction that moved the mask, so that a
decision and its undo are the same step (PORTAL, *Masks and restrictions*; 34 CFR 99.31(b)(2) for the code). The columns that spell
the name are never listed as changed: records hold no name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.errors import ConsoleError, Refused
from console.ids import pseudonym_code
from console.lazy import sa, t
from console.names import email_key, last_initial, name_key
from console.sealed_names import Name, open_name, seal_names
from models.words import Mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from console.desk import Work
    from console.ids import RandomSource
    from console.vault import Vault

TRIES = 1000
"""Draws of codes after which they count as used up: with nine tenths of the 640,000 taken, one code takes ten on average."""


def settle(work: Work) -> None:
    """Seal the names of the chosen students whose mask is `pseudonym` now, open those of the others.

    Opening shows the name, by an undo too: it raises Refused for an operator who may not reveal one.
    """
    s, sealed = t.student.c, t.sealed_name.c
    rows = work.connection.execute(
        sa.select(s.id, s.mask, s.pseudonym, s.given_name, s.middle_name, s.family_name, s.email, sealed.sealed)
        .select_from(t.student.outerjoin(t.sealed_name, sealed.student_id == s.id))
        .where(s.id.in_(sa.select(work.chosen.c.id)))
        .order_by(s.id)
    ).all()
    closing = [row for row in rows if row.mask == Mask.PSEUDONYM and row.sealed is None]
    opening = {row.id: bytes(row.sealed) for row in rows if row.mask != Mask.PSEUDONYM and row.sealed is not None}
    if closing:
        _seal(work.connection, work.vault, work.seal_random, closing)
    if opening:
        if not work.sight.operator.may(Permission.STUDENTS_REVEAL):
            raise Refused(
                "It would open a sealed name, and your role may not; nothing was done. Ask a privacy officer for it."
            )
        _open(work.connection, work.vault, opening)


def sealed_name(connection: sa.Connection, vault: Vault, student: int) -> Name | None:
    """The name sealed for a student, None when none is. Raises as `Vault.open`."""
    value = connection.execute(
        sa.select(t.sealed_name.c.sealed).where(t.sealed_name.c.student_id == student)
    ).scalar_one_or_none()
    return None if value is None else open_name(vault, student, bytes(value))


def _seal(connection: sa.Connection, vault: Vault, random: RandomSource, rows: Sequence[Any]) -> None:
    names = [(row.id, Name(row.given_name, row.middle_name, row.family_name, row.email)) for row in rows]
    values = seal_names(vault, names)
    connection.execute(
        t.sealed_name.insert(),
        [{"student_id": row.id, "sealed": sealed} for row, (sealed, _) in zip(rows, values, strict=True)],
    )
    fresh = _draw(connection, random, sum(row.pseudonym is None for row in rows))
    codes = [row.pseudonym or fresh.pop() for row in rows]
    # The code takes the name's place in the order of lists and in the search by what is shown.
    _write(
        connection,
        (
            {
                "student": row.id,
                "given_name": "",
                "middle_name": None,
                "family_name": "",
                "name_key": "",
                "family_key": name_key(code),
                "family_initial": "",
                "email": None,
                "email_key": "",
                "pseudonym": code,
                "sealed_name_mac": mac,
            }
            for row, code, (_, mac) in zip(rows, codes, values, strict=True)
        ),
    )


def _open(connection: sa.Connection, vault: Vault, sealed: Mapping[int, bytes]) -> None:
    names = {student: open_name(vault, student, value) for student, value in sealed.items()}
    _write(
        connection,
        (
            {
                "student": student,
                "given_name": name.given,
                "middle_name": name.middle,
                "family_name": name.family,
                "name_key": name_key(name.given + name.family),
                "family_key": name_key(name.family),
                "family_initial": str(last_initial(name.family)),
                "email": name.email,
                "email_key": email_key(name.email),
                "sealed_name_mac": None,
            }
            for student, name in names.items()
        ),
    )
    connection.execute(t.sealed_name.delete().where(t.sealed_name.c.student_id.in_(sealed)))


def _write(connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    values = list(rows)
    columns: dict[str, Any] = {name: sa.bindparam(name) for name in values[0] if name != "student"}
    connection.execute(t.student.update().where(t.student.c.id == sa.bindparam("student")).values(columns), values)


def _draw(connection: sa.Connection, random: RandomSource, count: int) -> list[str]:
    """That many codes that nobody has. The ledger's head is locked by now, so nobody else draws at the same time."""
    taken = t.student.c.pseudonym
    found: set[str] = set()
    for _ in range(TRIES):
        if len(found) >= count:
            return sorted(found)
        drawn = {pseudonym_code(random) for _ in range(count - len(found))}
        found |= drawn - set(connection.execute(sa.select(taken).where(taken.in_(drawn))).scalars())
    raise ConsoleError("No free code was drawn for a sealed name; nothing was done.")
