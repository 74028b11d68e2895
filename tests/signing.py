"""Signed in for tests: a session begun as a sign-in would, kept where the line mode finds it; and what a person types to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from console.ids import SystemRandom
from console.signin import delays, factor, line_session, passwords
from console.signin.sessions import Sessions
from console.wiring import open_engine, open_vault
from models import tables as t
from models.engine import writing
from models.words import SessionKind

if TYPE_CHECKING:
    from console.settings import Settings
    from console.signin.sessions import Begun
    from tests.portals import Portal

PASSWORD = "nine purple otters rowing"
SEED = b"a seed of the tests "


def signed_in(settings: Settings, operator: str = "administrator", *, now: datetime | None = None) -> dict[str, str]:
    """The environment in which the real command line finds this operator signed in. By the machine's clock unless `now` is given."""
    folder = settings.folder / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    begun = begin(settings, operator, SessionKind.LINE, now or datetime.now(UTC))
    environment = {"XDG_RUNTIME_DIR": str(folder)}
    line_session.write(settings, environment, None, begun)
    return environment


def begin(settings: Settings, operator: str, kind: SessionKind, now: datetime) -> Begun:
    """A session of this operator, as after a sign-in."""
    import sqlalchemy as sa

    engine = open_engine(settings)
    try:
        with writing(engine) as connection:
            number = connection.execute(sa.select(t.operator.c.id).where(t.operator.c.name == operator)).scalar_one()
            return Sessions(settings).begin(connection, number, kind, now, SystemRandom())
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a local operator of the tests types."""

    name: str
    password: str
    seed: bytes
    recovery: tuple[str, ...]

    def code(self, now: datetime, away: int = 0) -> str:
        """The code of the half minute that is `away` from this moment's."""
        return factor.code_at(self.seed, factor.step_of(now) + away)


def equip(portal: Portal, name: str = "administrator", password: str = PASSWORD) -> Credentials:
    """Give a local operator a password and a second factor, as enrolling does."""
    office = portal.office
    seed = (name.encode() + SEED)[:20]
    number = office.operator(name).id
    with office.writing() as connection:
        connection.execute(t.operator_password.delete().where(t.operator_password.c.operator_id == number))
        connection.execute(
            t.operator_password.insert().values(
                operator_id=number, encoded=passwords.encode(password, SystemRandom()), set_at=office.clock.now()
            )
        )
        codes = factor.enrol(connection, office.vault, number, seed, -1, office.clock.now(), SystemRandom())
    return Credentials(name, password, seed, codes)


def equip_settings(settings: Settings, name: str = "administrator", password: str = PASSWORD) -> Credentials:
    """As `equip`, for a portal that only its settings name."""
    import sqlalchemy as sa

    engine = open_engine(settings)
    now, seed = datetime.now(UTC), (name.encode() + SEED)[:20]
    try:
        with writing(engine) as connection:
            number = connection.execute(sa.select(t.operator.c.id).where(t.operator.c.name == name)).scalar_one()
            encoded = passwords.encode(password, SystemRandom())
            connection.execute(t.operator_password.insert().values(operator_id=number, encoded=encoded, set_at=now))
            vault = open_vault(connection, settings, SystemRandom())
            codes = factor.enrol(connection, vault, number, seed, -1, now, SystemRandom())
            delays.passed(connection, vault, name)
    finally:
        engine.dispose()
    return Credentials(name, password, seed, codes)
