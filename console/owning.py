"""Bringing a portal's schema up to date on PostgreSQL, as its owner, and giving the console's role and the signer what they may.

The console works as a role that owns nothing (models/roles.py). Only here does the house connect as another: as the owner, whom
`district init --owner-url` names, for as long as that takes. A password that is made here lies in a file that only its owner can
read before the server learns its SCRAM verifier.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.errors import Refused, Usage
from console.faults import saying
from console.keyfiles import create_secret, read_secret
from console.lazy import sa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from console.ids import RandomSource
    from console.settings import Settings
    from models.roles import Roles

PASSWORD_BYTES = 24
"""Random bytes of a password that is made: 192 bits."""
SIGNER_FILE = "signer.password"
"""Where the signer's password is left, beside the keys; it belongs on the machine that signs."""
APP_FILE = "database.password"
"""Where the console's password is kept, beside the keys, when `district init` writes the settings."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who founds and upgrades: the owner's address and password, and the signer's name where it is not the usual one."""

    url: str
    password: str | None = None
    signer: str = ""

    def app_url(self) -> str:
        """The usual address of the console's role, for an owner's: the same database, as DATABASE_app. Raises Usage."""
        url = self._read()
        name = self._usual("app")
        return url.set(username=name, password=None).render_as_string(hide_password=False)

    def roles(self, settings: Settings) -> Roles:
        """The names of app and signer. Raises Usage when the settings' database is another one, or their user is the owner."""
        from models.address import servers
        from models.roles import Roles

        owner, app = self._read(), _address(settings.database.url)
        if app is None or not servers(owner) <= servers(app) or owner.database != app.database:
            raise Usage(
                "--owner-url names another server or database than database.url; nothing was set up. Name the same one in both."
            )
        if owner.username == app.username:
            raise Usage(
                f"database.url names the owner {owner.username}; nothing was set up. "
                f"Name the console's own role there, as {self._usual('app')}."
            )
        try:
            return Roles(app.username or "", self.signer or self._usual("signer"))
        except ValueError as error:
            raise Usage(f"The roles cannot be named so; nothing was set up: {error}. See docs/POSTGRESQL.md.") from None

    def files(self, settings: Settings) -> dict[str, Path | None]:
        """Where the passwords of app and signer lie, by role; None for a role that the server knows without. Raises Usage."""
        roles = self.roles(settings)
        return {roles.app: settings.database.password_file, roles.signer: settings.keys.ledger.parent / SIGNER_FILE}

    def engine(self, settings: Settings) -> sa.Engine:
        """An engine that works as the owner."""
        from models.engine import open_engine

        return open_engine(
            self.url, password=self.password, statement_timeout=float(settings.database.statement_timeout_seconds)
        )

    def _read(self) -> sa.URL:
        url = _address(self.url)
        if url is None or url.drivername != "postgresql" or not (url.username and url.database):
            raise Usage("--owner-url must be postgresql://OWNER@HOST/DATABASE; nothing was set up.")
        if url.password is not None:
            raise Usage("--owner-url holds a password; nothing was set up. Write it into an --owner-password-file.")
        return url

    def _usual(self, which: str) -> str:
        return f"{self._read().database}_{which}"


def _address(text: str) -> sa.URL | None:
    """The address of a database, None for what is none."""
    from models.address import read_address

    try:
        return read_address(text)
    except (sa.exc.ArgumentError, ValueError):
        return None


def bring_up(settings: Settings, random: RandomSource, owner: Owner | None = None) -> tuple[sa.Engine, str]:
    """Bring the schema up to date; returns the engine that may found a portal in it, and the version.

    With an owner, makes the roles that are missing and settles what each may. Without one the settings' own user does it where it may
    make tables, and otherwise nothing is left to do: raises Refused when something were.
    """
    from models.engine import writing
    from models.migrate import upgrade
    from models.roles import settle

    if owner is not None:
        roles = owner.roles(settings)
        engine = owner.engine(settings)
        with saying("nothing was set up"), writing(engine) as connection:
            _create_missing(connection, owner.files(settings), random)
        with saying("the schema was not changed"):
            revision = upgrade(engine)
        with saying("the roles were given nothing"), writing(engine) as connection:
            settle(connection, roles)
        _let_in(settings)
        return engine, revision
    from console.wiring import open_engine

    engine = open_engine(settings)
    with saying("nothing was set up"):
        revision = _newest_already(engine) or upgrade(engine)
    return engine, revision


def _newest_already(engine: sa.Engine) -> str | None:
    """The schema's version where the user may not change it and need not; None where it may. Raises Refused."""
    if engine.dialect.name == "sqlite":
        return None
    from models.engine import reading
    from models.migrate import current, newest

    with reading(engine) as connection:
        able, user = connection.exec_driver_sql("SELECT has_schema_privilege('public', 'CREATE'), current_user").one()
        if able:
            return None
        found, wanted = current(connection), newest()
    if found == wanted:
        return wanted
    has = f"The schema is {found}, this program needs {wanted}," if found else "The database holds no portal,"
    raise Refused(
        f"{has} and the role {user} of database.url may not make tables; nothing was set up. "
        "Run district init --owner-url with the role that owns the database."
    )


def _create_missing(connection: sa.Connection, files: Mapping[str, Path | None], random: RandomSource) -> None:
    """Create the roles that are missing, each with the password in its file, which is made where it is not there yet."""
    from models.roles import create, exists, may_create

    missing = [name for name in files if not exists(connection, name)]
    if missing and not may_create(connection):
        raise Refused(
            f"The role {missing[0]} is missing and the owner may create none; nothing was set up. "
            f"Let a superuser run CREATE ROLE {missing[0]} LOGIN NOINHERIT, then run this again."
        )
    for name in missing:
        file = files[name]
        if file is not None and not file.exists():
            create_secret(file, base64.urlsafe_b64encode(random.bytes(PASSWORD_BYTES)) + b"\n")
        create(connection, name, None if file is None else read_secret(file, f"password of {name}"))


def _let_in(settings: Settings) -> None:
    """Raises Unavailable when the server does not let the console's role in."""
    from console.wiring import open_engine
    from models.engine import reading

    engine = open_engine(settings)
    try:
        with saying("the schema and its roles are there, but no portal was founded yet"), reading(engine):
            pass
    finally:
        engine.dispose()
