"""Guessing gets slower: after each failed attempt under a name the next one has to wait, 1, 2, 4 … up to 300 seconds.

Promises: a name that nobody has waits as long as one that somebody has, and nobody is locked out for good. `attempt` takes the turn
before anything is compared, so that a hundred guesses at once are one guess and ninety-nine refusals. What was typed is kept as its
MAC alone, for a password is easily typed in a name's place; a day after the last attempt it is forgotten.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

from console.lazy import sa, t

if TYPE_CHECKING:
    from datetime import datetime

    from console.vault import Vault

LONGEST = timedelta(seconds=300)
FORGOTTEN = timedelta(days=1)
"""After how long an attempt no longer counts."""
PURPOSE = "signin name"
_NONE = timedelta(0)


def attempt(connection: sa.Connection, vault: Vault, name: str, now: datetime) -> timedelta:
    """Take the turn for one attempt under this name, counted as failed until `passed`; returns how long it has to wait instead.

    Zero: compare now. Commit first: only then do attempts made at the same time know of this one.
    """
    mac = vault.mac(PURPOSE, _typed(name))
    _claim(connection, mac, now)
    if (wait := _left(connection, (mac,), now)) > _NONE:
        return wait
    _count(connection, mac, now)
    return _NONE


def left(connection: sa.Connection, vault: Vault, name: str, now: datetime) -> timedelta:
    """How long the next attempt under this name has to wait; zero when it need not. Changes nothing."""
    return _left(connection, vault.macs(PURPOSE, _typed(name)), now)


def failed(connection: sa.Connection, vault: Vault, name: str, now: datetime) -> timedelta:
    """Count a failed attempt that took no turn; returns how long the next one has to wait."""
    mac = vault.mac(PURPOSE, _typed(name))
    _claim(connection, mac, now)
    return _count(connection, mac, now)


def passed(connection: sa.Connection, vault: Vault, name: str) -> None:
    """Somebody proved to be who has this name: the next attempt need not wait."""
    connection.execute(t.signin_delay.delete().where(t.signin_delay.c.name.in_(vault.macs(PURPOSE, _typed(name)))))


def after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return min(timedelta(seconds=2 ** min(failures - 1, 16)), LONGEST)


def _claim(connection: sa.Connection, mac: bytes, now: datetime) -> None:
    """Have the name's row, locked until the transaction ends, and forget the old ones."""
    c = t.signin_delay.c
    connection.execute(t.signin_delay.delete().where(c.last_at < now - FORGOTTEN))
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    new = insert(t.signin_delay).values(name=mac, failures=0, last_at=now, not_before=now)
    connection.execute(new.on_conflict_do_update(index_elements=[c.name], set_={"failures": c.failures}))


def _left(connection: sa.Connection, macs: tuple[bytes, ...], now: datetime) -> timedelta:
    c = t.signin_delay.c
    until = connection.execute(sa.select(sa.func.max(c.not_before)).where(c.name.in_(macs))).scalar()
    # A clock that was set back must not make anybody wait longer than the longest.
    return min(max(until - now, _NONE), LONGEST) if until is not None else _NONE


def _count(connection: sa.Connection, mac: bytes, now: datetime) -> timedelta:
    c = t.signin_delay.c
    row = t.signin_delay.update().where(c.name == mac)
    failures = connection.execute(row.values(failures=c.failures + 1, last_at=now).returning(c.failures)).scalar_one()
    wait = after(int(failures))
    connection.execute(row.values(not_before=now + wait))
    return wait


def _typed(name: str) -> str:
    """A name as it is counted: however it was written, without any domain, and never longer than a name is."""
    text = unicodedata.normalize("NFKC", name).casefold().rpartition("\\")[2].strip()
    before, at, _ = text.partition("@")
    return (before if at and before else text)[:200].encode("utf-8", "replace").decode()
