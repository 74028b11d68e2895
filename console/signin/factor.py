"""The second factor: codes of an authenticator (TOTP, RFC 6238: SHA-1, 6 digits, 30 s) and recovery codes, each of which counts once.

Promises: a code counts when it is of this half minute or of one beside it; of two consoles that give the same code at the same time,
one gets in; a recovery code counts once. That holds by the row that is changed, on either engine, with the commit of the caller's
transaction: who rolls back gives the code back. Seeds are sealed; of a recovery code only its MAC is kept.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from console.ids import CROCKFORD, MISREAD
from console.lazy import sa, t

if TYPE_CHECKING:
    from datetime import datetime

    from console.ids import RandomSource
    from console.vault import Vault

_log = logging.getLogger("district.signin")

SECONDS = 30
DIGITS = 6
BESIDE = 1
"""Half minutes before and after that count too: a clock may be 30 to 59 seconds wrong (RFC 6238, 5.2)."""
FAR = 20
"""Half minutes away at which a code that does not count is still recognised, for a line in the log."""
SEED_BYTES = 20
"""As long as SHA-1's output (RFC 4226, 4 R6)."""
RECOVERY_CODES = 10
RECOVERY_LETTERS = 12
"""60 random bits: beside the delays nobody guesses one."""
GROUP = 4
PURPOSE = "recovery code"


class Kind(StrEnum):
    """What was given."""

    CODE = "code"
    RECOVERY = "recovery code"


@dataclass(frozen=True, slots=True)
class Used:
    """A code that counted, and does not again: of what kind, and how many recovery codes are left."""

    kind: Kind
    left: int


def use(connection: sa.Connection, vault: Vault, operator_id: int, code: str, now: datetime) -> Used | None:
    """Use up a code, as typed, of an operator's second factor; None for one that does not count.

    It is used up with the commit of `connection`'s transaction, which must write. Raises Unverified for a seed that was changed.
    """
    letters = "".join(code.split()).replace("-", "")
    if not letters.isascii():
        return None
    if len(letters) == DIGITS and letters.isdigit():
        kind, counted = Kind.CODE, _use_code(connection, vault, operator_id, letters, now)
    else:
        kind, counted = Kind.RECOVERY, _use_recovery(connection, vault, operator_id, letters, now)
    return Used(kind, recovery_left(connection, operator_id)) if counted else None


def step_of(now: datetime) -> int:
    """The half minute of a moment, counted from 1970 (RFC 6238, 4.2: T0 = 0, X = 30)."""
    return int(now.timestamp() // SECONDS)


def code_at(seed: bytes, step: int) -> str:
    """The code of a half minute (RFC 4226, 5.3; RFC 6238, 4)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def steps_of(seed: bytes, code: str, now: datetime) -> list[int]:
    """The half minutes, of those that count now, whose code it is; the earliest first."""
    middle = step_of(now)
    return [
        step
        for step in range(max(0, middle - BESIDE), middle + BESIDE + 1)
        if hmac.compare_digest(code_at(seed, step).encode(), code.encode())
    ]


def new_seed(random: RandomSource) -> bytes:
    """A seed to enrol with."""
    return random.bytes(SEED_BYTES)


def enrol(
    connection: sa.Connection,
    vault: Vault,
    operator_id: int,
    seed: bytes,
    step: int,
    now: datetime,
    random: RandomSource,
) -> tuple[str, ...]:
    """Give an operator a second factor, confirmed with the code of `step`, which so is used; returns new recovery codes.

    What they had before counts no more.
    """
    forget(connection, operator_id)
    connection.execute(
        t.operator_factor.insert().values(
            operator_id=operator_id,
            seed=vault.seal("operator_factor", "seed", operator_id, seed),
            enrolled_at=now,
            last_step=step,
        )
    )
    codes = tuple(recovery_code(random) for _ in range(RECOVERY_CODES))
    connection.execute(
        t.recovery_code.insert(),
        [{"operator_id": operator_id, "digest": vault.mac(PURPOSE, _marked(operator_id, each))} for each in codes],
    )
    return codes


def forget(connection: sa.Connection, operator_id: int) -> None:
    """Take away an operator's second factor and recovery codes."""
    connection.execute(t.recovery_code.delete().where(t.recovery_code.c.operator_id == operator_id))
    connection.execute(t.operator_factor.delete().where(t.operator_factor.c.operator_id == operator_id))


def recovery_left(connection: sa.Connection, operator_id: int) -> int:
    """How many recovery codes an operator can still use."""
    c = t.recovery_code.c
    unused = sa.select(sa.func.count()).where(c.operator_id == operator_id, c.used_at.is_(None))
    return int(connection.execute(unused).scalar_one())


def recovery_code(random: RandomSource) -> str:
    """A new recovery code, `7K2M-9QXH-4TBW`: letters and figures that nobody mistakes for each other."""
    return grouped("".join(CROCKFORD[each & 31] for each in random.bytes(RECOVERY_LETTERS)))


def grouped(letters: str, mark: str = "-") -> str:
    """Letters in groups of four, for reading and typing."""
    return mark.join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))


def _use_code(connection: sa.Connection, vault: Vault, operator_id: int, code: str, now: datetime) -> bool:
    c = t.operator_factor.c
    sealed = connection.execute(sa.select(c.seed).where(c.operator_id == operator_id)).scalar()
    if sealed is None:
        return False
    seed = vault.open("operator_factor", "seed", operator_id, bytes(sealed))
    steps = steps_of(seed, code, now)
    for step in steps:
        used = t.operator_factor.update().where(c.operator_id == operator_id, c.last_step < step).values(last_step=step)
        if connection.execute(used).rowcount == 1:
            return True
    if not steps:
        _hint(seed, code, now)
    return False


def _hint(seed: bytes, code: str, now: datetime) -> None:
    """Say in the log that a clock may be wrong: the code is refused all the same."""
    middle = step_of(now)
    for away in range(BESIDE + 1, FAR + 1):
        for step in (middle - away, middle + away):
            if step >= 0 and hmac.compare_digest(code_at(seed, step).encode(), code.encode()):
                _log.warning(
                    "a code was refused that is right about %d minutes %s: look at this machine's clock and the telephone's",
                    max(1, round(away * SECONDS / 60)),
                    "ago" if step < middle else "ahead",
                )
                return


def _use_recovery(connection: sa.Connection, vault: Vault, operator_id: int, letters: str, now: datetime) -> bool:
    typed = letters.upper().translate(MISREAD)
    if len(typed) != RECOVERY_LETTERS or any(letter not in CROCKFORD for letter in typed):
        return False
    c = t.recovery_code.c
    digests = vault.macs(PURPOSE, _marked(operator_id, grouped(typed)))
    used = t.recovery_code.update().where(c.operator_id == operator_id, c.digest.in_(digests), c.used_at.is_(None))
    return connection.execute(used.values(used_at=now)).rowcount == 1


def _marked(operator_id: int, code: str) -> str:
    """What is MACed: the code of this operator, so that a row moved to another opens nothing."""
    return f"{operator_id} {code}"
