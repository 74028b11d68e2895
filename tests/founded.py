"""Founded portals by the dozen: the first of its kind is founded for real, the next ones are copies of it.

Founding takes 0.2 s on PostgreSQL, mostly its schema. A copy has the same keys, operators and words, and an empty ledger, as the first
had when it was new; what a test does to it no other test sees.
"""

from __future__ import annotations

import atexit
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import sqlalchemy as sa

from console.founding import found
from console.owning import Owner
from console.settings import Settings
from models.engine import open_engine, writing
from models.roles import Roles, admit
from tests.services.postgres import APP, OWNER, SIGNER, as_role, copy_database, replace_by_copy

if TYPE_CHECKING:
    from datetime import datetime

_firsts: dict[str, Path] = {}
"""By kind: the folder with the keys of the first and its database, which on a server has the folder's name."""


def found_as_owner(settings: Settings, now: datetime) -> None:
    """Found the portal of the settings; on PostgreSQL as its owner, so that the office is opened as who owns nothing."""
    url = settings.database.url
    owner = None if settings.database.file else Owner(as_role(url, OWNER), signer=SIGNER)
    found(settings, now, owner=owner)


def found_like_others(settings: Settings, now: datetime) -> None:
    """Found the portal of the settings in a new database, or open it where its keys are there already.

    A copy is taken where all that founding depends on is the same: the moment, the server, the portal's own settings.
    """
    plain = Settings.build({}, settings.folder)
    apart = settings.keys != plain.keys or settings.signin.program_keys != plain.signin.program_keys
    if apart or settings.keys.ledger.exists():
        found_as_owner(settings, now)
        return
    server = sa.make_url(settings.database.url).port
    kind = repr((server, now, settings.portal, settings.signin.invitation_hours))
    if kind in _firsts:
        _copy(_firsts[kind], settings)
        return
    found_as_owner(settings, now)
    folder = Path(mkdtemp(prefix="district-founded-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(settings.keys.ledger.parent, folder / "keys")
    if settings.database.file:
        with closing(sqlite3.connect(settings.database.file)) as old, closing(sqlite3.connect(folder / "copy")) as new:
            old.backup(new)
    else:
        copy_database(settings.database.url, folder.name)
    _firsts[kind] = folder


def _copy(first: Path, settings: Settings) -> None:
    shutil.copytree(first / "keys", settings.keys.ledger.parent)
    if settings.database.file:
        shutil.copy(first / "copy", settings.database.file)
        return
    replace_by_copy(settings.database.url, first.name)
    engine = open_engine(as_role(settings.database.url, OWNER))
    with writing(engine) as connection:
        admit(connection, Roles(APP, SIGNER))
    engine.dispose()
