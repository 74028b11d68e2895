"""The one-time word with which an operator sets a password and enrols a second factor, at the beginning or after a reset.

Promises: a word opens one operator's enrolment, once, until it runs out (`signin.invitation_hours`); a new one ends the one before.
The database holds its MAC alone. It is given by hand – on paper, by telephone – by who may, and opens nothing else.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console.ids import CROCKFORD, MISREAD
from console.lazy import sa, t
from console.signin.factor import grouped

if TYPE_CHECKING:
    from datetime import datetime

    from console.ids import RandomSource
    from console.settings import Settings
    from console.vault import Vault

LETTERS = 16
"""80 random bits."""
PURPOSE = "invitation"


def invite(
    connection: sa.Connection,
    vault: Vault,
    operator_id: int,
    by: int | None,
    now: datetime,
    settings: Settings,
    random: RandomSource,
) -> str:
    """A new one-time word for an operator, `7K2M-9QXH-4TBW-0C3D`, in place of any before; `by` gives it out."""
    word = grouped("".join(CROCKFORD[each & 31] for each in random.bytes(LETTERS)))
    withdraw(connection, operator_id)
    connection.execute(
        t.invitation.insert().values(
            operator_id=operator_id,
            digest=vault.mac(PURPOSE, f"{operator_id} {word}"),
            made_at=now,
            until=now + timedelta(hours=settings.signin.invitation_hours),
            made_by=by,
        )
    )
    return word


def holds(connection: sa.Connection, vault: Vault, operator_id: int, word: str, now: datetime) -> bool:
    """Whether a word, as typed, would be accepted now. Uses up nothing."""
    c = t.invitation.c
    found = sa.select(c.operator_id).where(*_meant(vault, operator_id, word), c.until > now)
    return connection.execute(found).first() is not None


def accept(connection: sa.Connection, vault: Vault, operator_id: int, word: str, now: datetime) -> bool:
    """Use up a word, as typed; whether it counted. Of two at once one does, with the commit of the caller's transaction."""
    gone = t.invitation.delete().where(*_meant(vault, operator_id, word), t.invitation.c.until > now)
    return connection.execute(gone).rowcount == 1


def withdraw(connection: sa.Connection, operator_id: int) -> None:
    """No word counts for this operator any more."""
    connection.execute(t.invitation.delete().where(t.invitation.c.operator_id == operator_id))


def _meant(vault: Vault, operator_id: int, word: str) -> tuple[sa.ColumnElement[bool], ...]:
    c = t.invitation.c
    letters = "".join(word.split()).replace("-", "").upper().translate(MISREAD)
    if len(letters) != LETTERS or any(letter not in CROCKFORD for letter in letters):
        return (sa.false(),)
    return (c.operator_id == operator_id, c.digest.in_(vault.macs(PURPOSE, f"{operator_id} {grouped(letters)}")))
