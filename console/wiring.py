"""Puts the office together from the settings: engine, clock, keys. The one place that knows which seam is filled with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.clock import Clock, FixedDayClock, SystemClock
from console.errors import Refused, Unavailable, Usage
from console.ids import RandomSource, SystemRandom
from console.lazy import sa, t

if TYPE_CHECKING:
    from console.assurance import Assurance
    from console.directory import Directory
    from console.office import Office
    from console.settings import Settings
    from console.vault import Vault


def open_engine(settings: Settings) -> sa.Engine:
    """The engine of the settings' database, not connected yet. Raises Usage when its address can be none."""
    from models.engine import open_engine as opened

    database = settings.database
    try:
        return opened(
            database.url, password=database.password(), statement_timeout=float(database.statement_timeout_seconds)
        )
    except (sa.exc.ArgumentError, ValueError):
        raise Usage("database.url cannot be read as a database's address; nothing was opened. Correct it.") from None


def open_clock(settings: Settings, *, demo: bool) -> Clock:
    """The real clock, or the fixed day of a demonstration district (only where the database says it is one)."""
    if demo and settings.demo.today is not None:
        return FixedDayClock(settings.portal.zone, settings.demo.today)
    return SystemClock(settings.portal.zone)


def open_vault(connection: sa.Connection, settings: Settings, random: RandomSource) -> Vault:
    """The vault with the portal's data keys, unwrapped by the key file."""
    from console.keyfiles import read_data_key
    from console.vault import Vault, unwrap_data_key

    origin = settings.portal.origin
    key_file = read_data_key(settings.keys.data)
    rows = connection.execute(sa.select(t.data_key)).all()
    keys = {row.id: unwrap_data_key(key_file, row.id, bytes(row.wrapped), origin) for row in rows}
    if not keys:
        raise Unavailable("The portal has no data key; nothing was opened. Run district init.")
    return Vault(keys, origin, random)


def open_directory(settings: Settings, clock: Clock | None = None) -> Directory | None:
    """The district's directory, not connected yet; None where the settings name no hosts, and everybody signs in locally.

    `clock` is the office's: whether an account has expired is asked at its moment.
    """
    if not settings.directory.hosts:
        return None
    from console.directory.ldap import Ldap

    return Ldap(settings.directory, clock or SystemClock(settings.portal.zone))


def _present(engine: sa.Engine) -> None:
    """SQLite makes a file that is missing; an empty one in its place would be taken for a portal that was lost."""
    from pathlib import Path

    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and not Path(file).exists():
        raise Unavailable(
            f"The database file {file} is missing; nothing was opened. Put it back from its backup, "
            "or run district init for a new portal."
        )


def open_office(
    settings: Settings,
    *,
    clock: Clock | None = None,
    random: RandomSource | None = None,
    sealing: bool = True,
    assurance: Assurance | None = None,
    directory: Directory | None = None,
) -> Office:
    """The office of a portal that `district init` has made. Signs what an earlier process left unsigned.

    `assurance` is what vouches for operators: their sessions, unless database and settings both say that the portal is a
    demonstration.
    Without `sealing` nothing is signed and so nothing refused: how a ledger is opened that is to be verified, or is broken.
    As PostgreSQL's signer (models/roles.py) the office can verify and sign, and has nobody's data.

    Raises Unavailable when the database, a table or a key is missing, Refused when the key is another portal's, Unverified when the
    ledger does not continue what was signed.
    """
    from console.assurance import Demonstration
    from console.faults import saying
    from console.keyfiles import read_signing_key
    from console.ledger.seal import Signer
    from console.office import Office
    from console.signin.sessions import Sessions
    from console.vault import Vault
    from models.engine import reading
    from models.roles import reads_logs_alone
    from models.words import Log

    engine = open_engine(settings)
    _present(engine)
    chance = random or SystemRandom()
    with saying("nothing was opened"), reading(engine) as connection:
        logs_alone = reads_logs_alone(connection)
        portal = connection.execute(sa.select(t.portal)).one_or_none()
        if portal is None:
            raise Unavailable("The database holds no portal yet; nothing was opened. Run district init.")
        if portal.origin != settings.portal.origin:
            raise Unavailable(
                f"The database belongs to {portal.origin}, but portal.origin is {settings.portal.origin}; nothing was opened."
            )
        # Who reads the logs alone has no data key, and what stands in for one opens nothing.
        vault = (
            Vault({0: chance.bytes(32)}, portal.origin, chance)
            if logs_alone
            else open_vault(connection, settings, chance)
        )
    key = read_signing_key(settings.keys.ledger)
    if key.vkey != portal.verifier_key:
        raise Refused(
            f"The ledger key {settings.keys.ledger} is not the one this portal was founded with; nothing was opened. "
            "Put the right key back."
        )
    demo = portal.demo_seed is not None
    signer = Signer(key, settings.keys.state, settings.keys.checkpoints)
    office = Office(
        engine,
        settings,
        clock or open_clock(settings, demo=demo),
        chance,
        vault,
        signer,
        assurance or (Demonstration() if demo and settings.demo.made_by else Sessions(settings)),
        directory or open_directory(settings, clock),
    )
    for log in Log if sealing else ():
        office.seal(log)
    return office
