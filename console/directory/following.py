"""What follows a sync by the options of `[directory]`: names and addresses of activated logins, and who is told of conflicts.

What a person entered of themselves stays (`Origin.SELF`), and so does a student's name while a mask hides it; students' addresses
never follow (PORTAL, *Directory*). The alert addresses hear once of each conflict, without a name: nobody knows who reads there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.directory.conflicts import conflicts, joined, waiting
from console.ids import batch_id
from console.intake.report import Kind
from console.lazy import sa, t
from models.words import AccountStatus, AccountType, ActivationState, Mask, Origin

if TYPE_CHECKING:
    from console.desk import Sight
    from console.filters import Predicate
    from console.ids import RandomSource
    from console.settings.signing_tables import DirectorySettings
    from console.vault import Vault

TEMPLATE = "directory-conflicts"
UNSTAMPED = -1
"""The version of a login between its change and the record of it, inside the transaction."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How many logins follow, for the record."""

    kinds: tuple[Kind, ...]

    def stamp(self, connection: sa.Connection, version: int) -> None:
        """Give the changed logins their version: the ledger's size after the record of the sync."""
        if self.kinds:
            a = t.account
            connection.execute(a.update().where(a.c.version == UNSTAMPED).values(version=version))


def follow(connection: sa.Connection, settings: DirectorySettings) -> Followed:
    """Let activated logins have the directory's names and addresses, where the settings say so."""
    d, a = t.directory_user.c, t.account.c
    kinds: list[Kind] = []
    if settings.sync_names:
        masked = sa.exists().where(t.student.c.id == a.student_id, t.student.c.mask != Mask.NONE)
        columns = ("given_name", "family_name", "name_key", "family_key")
        differs = sa.or_(*(a[name] != d[name] for name in columns))
        named = _set(connection, {a[name]: d[name] for name in columns}, sa.not_(masked), differs, d.name_key != "")
        kinds.append(Kind("names of logins", changed=named))
    if settings.sync_email:
        key = sa.func.lower(d.email)
        values: dict[Any, Any] = {a.email: d.email, a.email_key: key}
        staff = sa.and_(a.type != AccountType.STUDENT, a.student_id.is_(None), d.student_id.is_(None))
        moved = _set(connection, values, staff, d.email.is_not(None), a.email.is_distinct_from(d.email))
        kinds.append(Kind("addresses of logins", changed=moved))
    return Followed(tuple(kinds))


def _set(connection: sa.Connection, values: dict[Any, Any], *where: Predicate) -> int:
    d, a = t.directory_user.c, t.account.c
    tied = (
        a.id == d.account_id,
        d.state == ActivationState.ACTIVATED,
        sa.not_(d.gone),
        a.status != AccountStatus.DELETED,
        a.origin != Origin.SELF,
    )
    return connection.execute(t.account.update().where(*tied, *where).values({**values, a.version: UNSTAMPED})).rowcount


def tell(connection: sa.Connection, sight: Sight, vault: Vault, random: RandomSource) -> int:
    """Put a letter for each alert address into the outbox when conflicts are new. Returns how many letters."""
    d, addresses = t.directory_user, sight.settings.directory.alerts
    stands = sa.select(d.c.id).select_from(joined()).where(waiting(), sa.or_(*conflicts().values()))
    connection.execute(d.update().where(d.c.told_at.is_not(None), d.c.id.not_in(stands)).values(told_at=None))
    if not addresses:
        return 0
    new = d.update().where(d.c.told_at.is_(None), d.c.id.in_(stands)).values(told_at=sight.now)
    count = connection.execute(new).rowcount
    if not count:
        return 0
    batch = batch_id(random)
    people = "1 person" if count == 1 else f"{count:,} people"
    text = f"{people} of the directory cannot be activated as they are: a login or a number is not one person's."
    common = {
        "batch": batch,
        "desk": "work",
        "case_id": 0,
        "template": TEMPLATE,
        "sealed": vault.seal("notice", "sealed", batch, text.encode()),
        "made_at": sight.now,
        "not_before": sight.now,
    }
    connection.execute(t.notice.insert(), [{**common, "address": address} for address in addresses])
    return len(addresses)
