"""`district init`: a portal founded, or its schema brought up to date; the ledger's public key on stdout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.opening import session
from console.cli.output import format_option, say, write, write_json
from console.errors import Unavailable, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.owning import Owner
    from console.settings import Settings

EXAMPLES = """\b
Examples:
  district init
  district init --owner-url postgresql://portal_owner@db.example/portal --owner-password-file owner.secret
"""


@click.command("init", epilog=EXAMPLES)
@click.option("--database", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/DATABASE.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the database's password lies, readable by its owner only.",
)
@click.option(
    "--owner-url",
    metavar="URL",
    help="postgresql://OWNER@HOST/DATABASE: who makes the tables, so that the console need not own them.",
)
@click.option(
    "--owner-password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the owner's password lies, readable by its owner only.",
)
@click.option(
    "--signer", metavar="ROLE", default="", help="The role that reads the logs alone.  [default: DATABASE_signer]"
)
@click.option("--name", metavar="TEXT", help="The portal's name, on screens and reports.")
@click.option("--origin", metavar="TEXT", help="The ledger's name, as district.example/ledger; it can never change.")
@click.option("--timezone", metavar="ZONE", help="As America/Los_Angeles.")
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    database: str | None,
    password_file: Path | None,
    owner_url: str | None,
    owner_password_file: Path | None,
    signer: str,
    name: str | None,
    origin: str | None,
    timezone: str | None,
    form: str,
) -> None:
    """Found a portal, or bring its schema up to date. Again is harmless.

    Writes district.toml where there is none, makes the tables and, for a new portal, the ledger's key and the data key;
    prints the ledger's public key, which proves every later report. Keep the keys, and copies of them elsewhere.
    The first operator is who --operator names, else administrator; the one-time word that is printed for them lets
    them set a password and a second factor at their first sign-in. Again before that prints a new one.

    On PostgreSQL the console works as a role that owns nothing. --owner-url says who does: the tables are made as the owner, the
    roles that are missing with a password each, and every role is given what it needs and no more (docs/POSTGRESQL.md).
    """
    from console.clock import SystemClock
    from console.founding import found
    from console.owning import APP_FILE

    own = session(ctx)
    values = {
        "portal.name": name,
        "portal.origin": origin,
        "portal.timezone": timezone,
        "database.url": database,
        "database.password_file": password_file.absolute() if password_file else None,
    }
    owner = _owner(owner_url, owner_password_file, signer)
    usual: Mapping[str, object] = (
        {}
        if owner is None or database
        else {"database.url": owner.app_url(), "database.password_file": f"keys/{APP_FILE}"}
    )
    given: dict[str, object] = {key: value for key, value in values.items() if value is not None}
    settings, written = _settings(own.config, given, usual)
    try:
        lacking = {} if owner is None else {role: file for role, file in owner.files(settings).items() if _lacks(file)}
        before = _revision(settings, owner)
        founded = found(settings, SystemClock(settings.portal.zone).now(), operator=own.operator_name, owner=owner)
    except BaseException:
        if written is not None:
            written.unlink(missing_ok=True)
        raise
    if written is not None:
        say(f"Wrote {written}.")
    for role, file in lacking.items():
        if not _lacks(file):
            say(f"Wrote {file}: the password of the role {role}, which was made.")
    if owner is not None:
        say("Each role was given what it needs and no more: see docs/POSTGRESQL.md.")
    if founded.new:
        say(f"A new portal: schema {founded.revision}, keys {settings.keys.ledger} and {settings.keys.data}.")
        say("Keep copies of both keys elsewhere: without the data key sealed names are gone.")
    elif before == founded.revision:
        say(f"The portal is there already; its schema {founded.revision} is the newest.")
    else:
        say(f"The schema was brought from {before or 'nothing'} to {founded.revision}.")
    if founded.word:
        say(f"The first operator is {founded.first}. Sign in with: district signin {founded.first}")
        say(f"One-time word, for {settings.signin.invitation_hours} hours, in place of a password: {founded.word}")
    if form == "json":
        write_json({"key": founded.verifier_key, "new": founded.new, "schema": founded.revision})
    else:
        write(founded.verifier_key)


def _owner(url: str | None, password_file: Path | None, signer: str) -> Owner | None:
    """Who founds and upgrades, None for the console's own role. Raises Usage for half of it."""
    from console.keyfiles import read_secret
    from console.owning import Owner

    if url is None:
        if password_file or signer:
            raise Usage(
                "--owner-password-file and --signer go with --owner-url; nothing was set up. Name the owner too."
            )
        return None
    return Owner(url, read_secret(password_file, "owner's password") if password_file else None, signer)


def _lacks(file: Path | None) -> bool:
    return file is not None and not file.exists()


def _settings(
    config: Path | None, values: dict[str, object], usual: Mapping[str, object]
) -> tuple[Settings, Path | None]:
    """The settings in force, or new ones, with what is usual where nothing was said; with the file that was written for them.

    Raises Usage when a file is in force and says otherwise than the options.
    """
    from console.settings import FILE_NAME, Settings, find

    named = config or (Path(os.environ["DISTRICT_CONFIG"]) if os.environ.get("DISTRICT_CONFIG") else None)
    try:
        file = find(config, os.environ)
    except Unavailable:
        file = Path(FILE_NAME)
    if file.exists():
        settings = Settings.load(file, os.environ)
        _agree(settings, values, file)
        return settings, None
    file = (named or file).absolute()
    text = Settings.example({**usual, **values})
    # Read once before anything is written: a value that is none leaves no file behind.
    import tomllib

    settings = Settings.build(tomllib.loads(text), file.parent, file, os.environ)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except OSError as error:
        raise Unavailable(f"{file} could not be written: {error.strerror}; nothing was set up.") from None
    return settings, file


def _agree(settings: Settings, values: dict[str, object], file: Path) -> None:
    from console.settings import Settings as Kind

    wanted = Kind.build(_tables(values), settings.folder)
    for key in values:
        table, _, name = key.partition(".")
        if getattr(getattr(wanted, table), name) != getattr(getattr(settings, table), name):
            raise Usage(
                f"{file} says otherwise about {key}; nothing was set up. Change it there, or name another file."
            )


def _tables(values: dict[str, object]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        table, _, name = key.partition(".")
        tables.setdefault(table, {})[name] = str(value)
    return tables


def _revision(settings: Settings, owner: Owner | None) -> str | None:
    """The schema's version before, None for an empty database."""
    from console.faults import saying
    from console.wiring import open_engine
    from models.engine import reading
    from models.migrate import current

    file = settings.database.file
    if file is not None and not file.exists():
        return None
    engine = open_engine(settings) if owner is None else owner.engine(settings)
    try:
        with saying("nothing was set up"), reading(engine) as connection:
            return current(connection)
    finally:
        engine.dispose()
