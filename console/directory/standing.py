"""Whether an account is in use: what a directory says of one that is disabled, locked or expired.

Promises: in Active Directory an account whose `userAccountControl` cannot be read is not in use; the searching account needs to read
it. OpenLDAP knows only what its schemas have: a lock or an end of slapo-ppolicy, an end of shadowAccount. A lock of slapo-ppolicy with
an end of its own counts until the server takes it away, at the next bind that succeeds. An expired password is no expired account: the
directory refuses it at the bind.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from console.settings.signing_tables import ACTIVE_DIRECTORY, OPENLDAP

if TYPE_CHECKING:
    from console.directory.entries import Entry

CONTROL, COMPUTED = "userAccountControl", "msDS-User-Account-Control-Computed"
ATTRIBUTES = {
    ACTIVE_DIRECTORY: (CONTROL, COMPUTED, "lockoutTime", "accountExpires"),
    OPENLDAP: ("pwdAccountLockedTime", "pwdEndTime", "shadowExpire"),
}
DISABLED = 0x2
"""ACCOUNTDISABLE of userAccountControl (MS-ADTS 2.2.16)."""
LOCKED = 0x10
"""LOCKOUT, which only the computed attribute tells (MS-ADTS 3.1.1.4.5.17)."""
NEVER = frozenset({0, 0x7FFFFFFFFFFFFFFF})
"""`accountExpires` of an account without an end; other values are 100 ns since 1601-01-01 UTC."""
EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def inactive(entry: Entry, kind: str, now: datetime) -> str | None:
    """Why the account is not in use at this moment, in one word; None when it is."""
    return _active_directory(entry, now) if kind == ACTIVE_DIRECTORY else _openldap(entry, now)


def _active_directory(entry: Entry, now: datetime) -> str | None:
    control, computed = _number(entry, CONTROL), _number(entry, COMPUTED)
    if control is None:
        return "unreadable"
    if control & DISABLED:
        return "disabled"
    # Without the computed attribute a lock may have run out unseen; who holds none has no lockoutTime either.
    if computed & LOCKED if computed is not None else _number(entry, "lockoutTime"):
        return "locked"
    expires = _number(entry, "accountExpires")
    if (
        expires is not None
        and expires not in NEVER
        and expires // 10 <= (now - EPOCH_1601) // timedelta(microseconds=1)
    ):
        return "expired"
    return None


def _openldap(entry: Entry, now: datetime) -> str | None:
    locked = entry.text("pwdAccountLockedTime")
    if locked and not _later(locked, now):
        return "locked"
    ends = entry.text("pwdEndTime")
    if ends and not _later(ends, now):
        return "expired"
    day = _number(entry, "shadowExpire")
    if day is not None and 0 <= day <= (now - EPOCH).days:
        return "expired"
    return None


def _number(entry: Entry, attribute: str) -> int | None:
    """A whole number of at most 64 bits; None for anything else."""
    text = entry.text(attribute)
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def _later(moment: str, now: datetime) -> bool:
    """Whether a generalized time (RFC 4517, 3.3.13) in UTC is yet to come; what cannot be read is not."""
    try:
        return datetime.strptime(f"{moment.partition('.')[0].removesuffix('Z')}+0000", "%Y%m%d%H%M%S%z") > now
    except ValueError:
        return False
