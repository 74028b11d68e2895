"""Emptying accounts that were deleted long enough ago (PORTAL, *Challenges*: gone at once, purged after 30 days).

The row stays, for ties, cases and records name it by number; what it said of a person goes: names, e-mail, phone, login. What an
applicant typed stays with the registration, as evidence (PORTAL, *Registrations*). Each account leaves a record in the ledger,
which names nobody, in the same transaction. A purge is not undone.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize
from console.deciding import Committed, close, moment, repeated
from console.ids import batch_id
from console.lazy import sa, t
from console.ledger import log
from console.selection import Receipt
from models.words import AccountStatus, Log

if TYPE_CHECKING:
    from console.desk import Sight
    from console.filters import Predicate
    from console.office import Office

MOST = 500
"""Accounts that one transaction purges."""


def purge_accounts(office: Office, sight: Sight) -> int:
    """Purge at most 500 accounts; returns how many. Raises Refused without the right."""
    authorize(sight.operator, Permission.WORK)
    a = t.account.c
    wanted = sa.select(a.id).where(_ripe(sight)).order_by(a.id).limit(MOST)
    with office.reading() as connection:
        if connection.execute(wanted.limit(1)).first() is None:
            return 0
    batch = batch_id(office.random)
    key = f"purge {batch}"
    digest = sha256(key.encode()).digest()

    def work(connection: sa.Connection) -> Committed:
        ids = connection.execute(wanted.with_for_update(skip_locked=True)).scalars().all()
        if not ids:
            return Committed(Receipt("purge", None, 0, (), 0))
        head = log.lock_head(connection, Log.LEDGER)
        first = head.size
        _empty(connection, list(ids), first)
        records = [_record(sight, batch, first + n, account) for n, account in enumerate(ids)]
        receipt = Receipt("purge", batch, len(records), (), 0)
        return Committed(receipt, close(connection, head, records, sight, receipt, key, digest, "work"))

    return office.carry_out(work, lambda connection: repeated(connection, sight, key, digest)).done


def _ripe(sight: Sight) -> Predicate:
    """Deleted long enough ago, and something of a person is left. What a person calls themselves does not keep them."""
    a = t.account.c
    left = sa.or_(
        a.given_name != "",
        a.family_name != "",
        a.name_key != "",
        a.family_key != "",
        a.email.is_not(None),
        a.email_key != "",
        a.phone.is_not(None),
        a.phone_key != "",
        sa.not_(a.login.startswith(_login(), autoescape=False)),
    )
    long_ago = sight.now - timedelta(days=sight.settings.policy.purge_days)
    return sa.and_(a.status == AccountStatus.DELETED, a.deleted_at <= long_ago, left)


def _login() -> sa.ColumnElement[str]:
    return sa.literal("purged-").concat(sa.cast(t.account.c.id, sa.Text))


def _empty(connection: sa.Connection, ids: list[int], first: int) -> None:
    """Set-based; the account whose record has index n, from `first` on, gets version n + 1, as any case of a decision does."""
    a, other = t.account.c, t.account.alias("other")
    place = (
        sa.select(a.id, sa.func.row_number().over(order_by=a.id).label("number")).where(a.id.in_(ids)).subquery("place")
    )
    version = place.c.number + first
    # Somebody may have chosen this very login to be in the way; then it gets an ending.
    taken = sa.exists().where(other.c.login_key == _login(), other.c.id != a.id)
    login = sa.case((taken, _login().concat("-").concat(sa.cast(version, sa.Text))), else_=_login())
    values: dict[Any, Any] = dict.fromkeys(
        (a.given_name, a.family_name, a.name_key, a.family_key, a.email_key, a.phone_key), ""
    )
    values |= {
        a.email: None,
        a.phone: None,
        a.login: login,
        a.login_key: login,
        a.version: version,
    }
    connection.execute(t.account.update().where(a.id == place.c.id).values(values))


def _record(sight: Sight, batch: str, index: int, account: int) -> log.Record:
    return log.Record(
        action="work.purge",
        after={"state": "purged"},
        at=moment(sight.now),
        batch=batch,
        before={"state": str(AccountStatus.DELETED)},
        case=account,
        desk="work",
        detail="",
        index=index,
        kind="decision",
        log=str(Log.LEDGER),
        operator=sight.operator.id,
        params={"after_days": sight.settings.policy.purge_days},
        subject="state",
        ties={},
    )
