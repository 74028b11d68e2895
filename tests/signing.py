"""Signed in for tests: a session begun as a sign-in would, kept where the line mode finds it; and what a person types to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.errors import Refused
from console.ids import SystemRandom
from console.ledger import log
from console.signin import delays, factor, line_session, passwords
from console.signin.entering import enter
from console.signin.sessions import Sessions
from console.wiring import open_engine, open_vault
from models import tables as t
from models.engine import writing
from models.words import SessionKind
from tests.services.pty import Pty

if TYPE_CHECKING:
    from console.directory import Directory
    from console.settings import Settings
    from console.signin.sessions import Begun
    from tests.portals import Portal
    from tests.services.terminal import Terminal

PASSWORD = "nine purple otters rowing"
SEED = b"a seed of the tests "


def signed_in(settings: Settings, operator: str = "administrator", *, now: datetime | None = None) -> dict[str, str]:
    """The environment in which the real command line finds this operator signed in: none, where `signin.session_folder` is set.

    By the machine's clock unless `now` is given.
    """
    folder = settings.folder / "run"
    if settings.signin.session_folder is None:
        folder.mkdir(mode=0o700, exist_ok=True)
    begun = begin(settings, operator, SessionKind.LINE, now or datetime.now(UTC))
    environment = {"XDG_RUNTIME_DIR": str(folder)}
    line_session.write(settings, environment, None, begun)
    return environment


def begin(settings: Settings, operator: str, kind: SessionKind, now: datetime) -> Begun:
    """A session of this operator, as after a sign-in."""
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


def equip(settings: Settings, name: str = "administrator", password: str = PASSWORD) -> Credentials:
    """Give a local operator of a portal a password and a second factor, as enrolling does."""
    engine = open_engine(settings)
    now, seed = datetime.now(UTC), (name.encode() + SEED)[:20]
    try:
        with writing(engine) as connection:
            number = connection.execute(sa.select(t.operator.c.id).where(t.operator.c.name == name)).scalar_one()
            encoded = passwords.encode(password, SystemRandom())
            connection.execute(t.operator_password.delete().where(t.operator_password.c.operator_id == number))
            connection.execute(t.operator_password.insert().values(operator_id=number, encoded=encoded, set_at=now))
            vault = open_vault(connection, settings, SystemRandom())
            codes = factor.enrol(connection, vault, number, seed, -1, now, SystemRandom())
            delays.passed(connection, vault, name)
    finally:
        engine.dispose()
    return Credentials(name, password, seed, codes)


def asking(portal: Portal, directory: Directory | None = None) -> Portal:
    """The portal as one where people sign in, at this directory too."""
    portal.office.assurance = Sessions(portal.settings)
    portal.office.directory = directory
    return portal


def come_in(
    portal: Portal,
    who: Credentials,
    *,
    password: str | None = None,
    code: str | None = None,
    kind: SessionKind = SessionKind.LINE,
    fingerprint: str | None = None,
) -> Begun:
    """Sign in by the portal's clock, with what they have unless something else is given."""
    given = who.code(portal.clock.now()) if code is None else code
    typed = who.password if password is None else password
    return enter(portal.office, portal.office.directory, who.name, typed, given, kind, fingerprint)


def stays_out(portal: Portal, who: Credentials, **given: Any) -> Refused:
    """How somebody is refused; after the delay that this brings."""
    with pytest.raises(Refused) as refused:
        come_in(portal, who, **given)
    portal.clock.advance(delays.LONGEST)
    return refused.value


def signins(portal: Portal) -> list[log.Record]:
    """What signing in left in the ledger."""
    wanted = sa.select(t.record.c.body).where(t.record.c.kind == "signin").order_by(t.record.c.index)
    return [log.decode(row.body) for row in portal.all(wanted)]


def type_sign_in(terminal: Pty | Terminal, who: Credentials, *, name: bool = True, away: int = 0) -> None:
    """Sign in at the prompts of a terminal, as a person does."""
    enter = "\r"
    if name:
        terminal.wait_for("Name:")
        _type(terminal, who.name + enter)
    terminal.wait_for("Password")
    _type(terminal, who.password + enter)
    terminal.wait_for("Code:")
    _type(terminal, who.code(datetime.now(UTC), away) + enter)


def _type(terminal: Pty | Terminal, text: str) -> None:
    if isinstance(terminal, Pty):
        terminal.send(text)
    else:
        terminal.type(text.removesuffix("\r"))
        terminal.press("Enter")
