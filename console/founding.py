"""Founding a portal: schema, views, guards, keys, the empty logs and the first operator. Again is an upgrade and harms nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.authority import Role
from console.errors import Refused
from console.faults import saying
from console.ids import RandomSource, SystemRandom
from console.keyfiles import create_data_key, create_signing_key, read_data_key, read_signing_key
from console.lazy import sa, t
from console.owning import bring_up
from console.signin.programs import make_key
from models.words import Log, OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from console.owning import Owner
    from console.settings import Settings

FIRST = "administrator"
"""The first operator, where no name is given."""
INTAKE = "intake"
"""The program that brings in what comes in and does what is due."""


@dataclass(frozen=True, slots=True)
class Founded:
    """What `district init` found or made: the ledger's public key, and whether the portal is new.

    `word` is the one-time word with which the operator of the name `first` signs in for the first time; '' when somebody did.
    """

    verifier_key: str
    new: bool
    revision: str
    first: str = ""
    word: str = ""


def found(
    settings: Settings,
    now: datetime,
    *,
    operator: str = "",
    role: Role = Role.DISTRICT_ADMINISTRATOR,
    demo_seed: int | None = None,
    random: RandomSource | None = None,
    owner: Owner | None = None,
) -> Founded:
    """Create or upgrade the portal's schema and keys, on PostgreSQL as its `owner` where one is named.

    Raises Refused when keys and database do not belong together.
    """
    from console.vault import wrap_data_key
    from models.engine import writing

    chance = random or SystemRandom()
    _keep_to_owner(settings.database.file)
    engine, revision = bring_up(settings, chance, owner)
    with saying("nothing was set up"), writing(engine) as connection:
        portal = connection.execute(sa.select(t.portal)).one_or_none()
        if portal is not None:
            key = read_signing_key(settings.keys.ledger)
            if key.vkey != portal.verifier_key:
                raise Refused(
                    "The ledger's key is not the one this portal was founded with; nothing was changed. Put the right key back."
                )
            first, word = (
                _first(connection, settings, operator, role, now, chance) if portal.demo_seed is None else ("", "")
            )
            return Founded(key.vkey, new=False, revision=revision, first=first, word=word)
        for path in (settings.keys.ledger, settings.keys.data):
            if path.exists():
                raise Refused(
                    f"{path} exists, but the database is new; nothing was set up. Move the old key away or name its database."
                )
        key = create_signing_key(settings.keys.ledger, settings.portal.origin, chance)
        create_data_key(settings.keys.data, chance)
        wrapped = wrap_data_key(read_data_key(settings.keys.data), 1, chance.bytes(32), settings.portal.origin, chance)
        connection.execute(t.data_key.insert().values(id=1, wrapped=wrapped, made_at=now))
        connection.execute(
            t.portal.insert().values(
                name=settings.portal.name,
                origin=settings.portal.origin,
                timezone=settings.portal.timezone,
                verifier_key=key.vkey,
                made_at=now,
                demo_seed=demo_seed,
            )
        )
        from console.ledger.log import start

        for log in Log:
            start(connection, log)
        first = word = ""
        if demo_seed is None:
            first, word = _first(connection, settings, operator or FIRST, role, now, chance)
            program = hire(connection, INTAKE, Role.INTAKE, unattended=True)
            make_key(connection, settings, program, INTAKE, now, chance)
        else:
            hire(connection, operator or FIRST, role)
            hire(connection, INTAKE, Role.INTAKE, unattended=True)
        return Founded(key.vkey, new=True, revision=revision, first=first, word=word)


def hire(connection: sa.Connection, name: str, role: Role, *, unattended: bool = False) -> int:
    """The number of the operator of that name, who is hired when there is none."""
    o = t.operator.c
    known = connection.execute(sa.select(o.id).where(sa.func.lowered(o.name) == name.lower())).scalar()
    if known is not None:
        return int(known)
    hired = t.operator.insert().values(name=name, role=role, unattended=unattended).returning(o.id)
    return int(connection.execute(hired).scalar_one())


def _first(
    connection: sa.Connection, settings: Settings, name: str, role: Role, now: datetime, random: RandomSource
) -> tuple[str, str]:
    """The first operator and a new one-time word for them, as long as nobody ever came in; afterwards two blanks."""
    from console.signin.invitations import invite
    from console.wiring import open_vault

    o = t.operator.c
    if connection.execute(sa.select(t.operator_factor.c.operator_id).limit(1)).first() is not None:
        return "", ""
    person = sa.and_(o.unattended.is_(sa.false()), o.status == OperatorStatus.ACTIVE)
    found = connection.execute(sa.select(o.id, o.name).where(person).order_by(o.id).limit(1)).one_or_none()
    if found is None:
        number = hire(connection, name or FIRST, role)
        found = connection.execute(sa.select(o.id, o.name).where(o.id == number)).one()
    vault = open_vault(connection, settings, random)
    return found.name, invite(connection, vault, found.id, None, now, settings, random)


def _keep_to_owner(file: Path | None) -> None:
    """Make a new SQLite file readable by its owner alone: it holds what students' keys and names are kept secret for."""
    if file is None:
        return
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return  # it is there already, or opening it says what is wrong
