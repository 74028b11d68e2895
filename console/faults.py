"""What a database says when it fails, turned into one sentence for the operator; the details go to the log."""

from __future__ import annotations

import logging
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.errors import ConsoleError, Unavailable, Usage
from console.lazy import sa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.exc import DBAPIError

_log = logging.getLogger("district.database")

UNCONFIRMED = (
    "The database did not confirm in time that it is saved – its standby may be down –, and it is not known whether it will be. "
    "Look at your last decisions (district batches) before you repeat it."
)
"""Of a commit that still waits for a synchronous standby, or whose wait was cancelled (`models.confirming`)."""
_NOT_LET_IN = ("password authentication failed", "no password supplied", "pg_hba.conf", 'role "')
"""Words of a server that turns a connection down; psycopg gives no SQLSTATE before there is a connection."""

_DRIVERS = ("psycopg", "sqlite3")
"""Modules whose errors come from the database."""
_MET = ("40P01", "40001")
"""SQLSTATEs of a transaction that was ended because it met another: deadlock, serialisation."""
_BY_STATE = {
    **dict.fromkeys(_MET, "Others were busy with the same cases; {undone}. Try again in a moment."),
    "42501": "The database does not let the console's role do that; {undone}. Run district doctor, which says what it lacks.",
}


@contextmanager
def saying(undone: str) -> Iterator[None]:
    """Turn the database's errors into the console's; `undone` says what did not happen ("nothing was done")."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        # A driver's own refusal of a number beyond 64 bits, or of half a character.
        raise Usage(_unfit(undone)) from error
    except sa.exc.DBAPIError as error:
        if _is_unfit(error):
            raise Usage(_unfit(undone)) from error
        reference = secrets.token_hex(4)
        _log.error("%s %s: %s", reference, type(error.orig).__name__, getattr(error.orig, "sqlstate", "") or error.orig)
        open_still = "not confirmed as saved" in str(error.orig)
        raise Unavailable(UNCONFIRMED if open_still else _sentence(error.orig, undone, reference)) from error
    except sa.exc.SQLAlchemyError as error:
        reference = secrets.token_hex(4)
        _log.error("%s %s", reference, type(error).__name__)
        raise ConsoleError(f"The console made a mistake with the database; {undone}. Report {reference}.") from error
    except Exception as error:
        # What the driver's own bulk path says, which SQLAlchemy does not see.
        if type(error).__module__.partition(".")[0] not in _DRIVERS:
            raise
        reference = secrets.token_hex(4)
        _log.error("%s %s: %s", reference, type(error).__name__, getattr(error, "sqlstate", "") or error)
        raise Unavailable(_sentence(error, undone, reference)) from error


def _unfit(undone: str) -> str:
    return f"Something typed is of a form or size that the database does not hold; {undone}. Shorten or correct it."


def _is_unfit(error: DBAPIError) -> bool:
    text = str(error.orig).lower()
    return isinstance(error, sa.exc.DataError) or "pattern too complex" in text or "string or blob too big" in text


def _sentence(origin: object, undone: str, reference: str) -> str:
    text = str(origin).lower()
    state = getattr(origin, "sqlstate", None) or ""
    if state in _BY_STATE:
        return _BY_STATE[state].format(undone=undone)
    if "locked" in text or "busy" in text or state == "55P03":
        return (
            f"The database is locked by somebody else; {undone}. Try again in a moment: an import may be being saved."
        )
    if "disk is full" in text or "full" in text.split() or state == "53100":
        return f"The disk is full; {undone}. Free some space and try again."
    if "readonly" in text or "read-only" in text or state == "25006":
        return f"The database cannot be written to; {undone}. Check the file's rights or the server's role."
    if "disk i/o error" in text or state.startswith("58"):
        return (
            f"The disk refused the database's file; {undone}. Check its space and its health, then run district doctor."
        )
    if "unable to open" in text:
        return f"The database file cannot be opened; {undone}. Check its path and rights, or run district init."
    if "no such table" in text or state in ("42P01", "3F000"):
        return f"The database holds no portal yet; {undone}. Run district init."
    if "not a database" in text or "malformed" in text:
        return f"The database file is damaged or is none; {undone}. Put back a backup, then run district audit verify."
    if state == "57014" or ("timeout" in text and "connection timeout" not in text) or "canceling" in text:
        return f"The database took too long; {undone}. Narrow the filter or try again."
    if state.startswith("28") or (not state and any(said in text for said in _NOT_LET_IN)):
        return f"The database refused the console's user; {undone}. Check database.url and database.password_file."
    if state == "3D000" or (not state and 'database "' in text and "does not exist" in text):
        return f"The server has no database of that name; {undone}. Make it with createdb, or check database.url."
    return (
        f"The database is not there ({reference}); {undone}. Check that its server runs and that database.url names it."
    )


def asks_to_repeat(error: BaseException) -> bool:
    """Whether the database ended the transaction only because it met another one (deadlock, serialisation)."""
    origin = getattr(error.__cause__, "orig", error.__cause__)
    return getattr(origin, "sqlstate", None) in _MET
