"""What the district's own addresses (`mail.alerts`) are told: a challenge arrived, one is due, messages did not arrive.

Promises: each is told once, whoever runs and however often; names of people are in none of them, for nobody knows who reads a
shared mailbox. A challenge that came in and was not announced in its own transaction is found here.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from console.ids import batch_id
from console.lazy import sa, t
from models.words import ChallengeState, NoticeState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from console.desk import Sight
    from console.filters import Predicate
    from console.office import Office

WORK = "work"
"""The desk of what the worker itself says, and the batch of notices that follow no decision."""
MOST = 500


def alert_challenges(connection: sa.Connection, sight: Sight, cases: Sequence[int]) -> int:
    """Put an alert for each of these challenges and each alert address into the outbox, due at once, in this transaction.

    What was announced to an address, or is no longer open, is left out. Returns how many.
    """
    return _announce(connection, sight, "challenge-received", cases)


def alert_unseen(office: Office, sight: Sight) -> int:
    """Announce the open challenges that nobody announced. Returns how many notices."""
    if not sight.settings.mail.alerts:
        return 0
    c = t.challenge.c
    missing = sa.or_(*(_not_yet("challenge-received", address) for address in sight.settings.mail.alerts))
    wanted = sa.select(c.id).where(c.state == ChallengeState.OPEN, missing).order_by(c.id).limit(MOST)
    with office.reading() as connection:
        if connection.execute(wanted.limit(1)).first() is None:
            return 0
    with office.writing() as connection:
        # The lock comes first and `_announce` looks again: what another worker announced meanwhile is seen then.
        cases = connection.execute(wanted.with_for_update(skip_locked=True)).scalars().all()
        return alert_challenges(connection, sight, cases)


def alert_due(office: Office, sight: Sight) -> int:
    """Remind of challenges whose next answer is due tomorrow or before and still waits. Returns how many notices."""
    if not sight.settings.mail.alerts:
        return 0
    with office.reading() as connection:
        due = _due(connection, sight)
    if not due:
        return 0
    c = t.challenge.c
    with office.writing() as connection:
        mine = (
            connection.execute(sa.select(c.id).where(c.id.in_(due)).order_by(c.id).with_for_update(skip_locked=True))
            .scalars()
            .all()
        )
        still = _due(connection, sight) & set(mine)
        return _announce(connection, sight, "challenge-due", sorted(still), again=True)


def tell_failures(office: Office, sight: Sight) -> int:
    """Tell of the messages that failed or may not have arrived since it was last told. Returns how many notices."""
    n = t.notice.c
    addresses = sight.settings.mail.alerts
    ended = sa.and_(
        n.state.in_((NoticeState.FAILED, NoticeState.UNKNOWN)), n.told_at.is_(None), n.template != "alert-failure"
    )
    if not addresses:
        return 0
    with office.reading() as connection:
        if connection.execute(sa.select(n.id).where(ended).limit(1)).first() is None:
            return 0
    with office.writing() as connection:
        count = connection.execute(t.notice.update().where(ended).values(told_at=sight.now)).rowcount
        if not count:
            return 0
        batch = batch_id(office.random)
        words = "1 message" if count == 1 else f"{count:,} messages"
        text = f"{words} of {sight.settings.portal.name} did not arrive, or nobody can say whether it did."
        sealed = office.vault.seal("notice", "sealed", batch, text.encode())
        rows = [_row(sight, "alert-failure", WORK, 0, address, batch) | {"sealed": sealed} for address in addresses]
        connection.execute(t.notice.insert(), rows)
    return len(addresses)


def _announce(
    connection: sa.Connection, sight: Sight, template: str, cases: Sequence[int], *, again: bool = False
) -> int:
    c = t.challenge.c
    count = 0
    for address in sight.settings.mail.alerts:
        wanted: list[Predicate] = [c.id.in_(cases)]
        if not again:
            wanted += [c.state == ChallengeState.OPEN, _not_yet(template, address)]
        rows = [
            _row(sight, template, "challenges", case, address, WORK)
            for case in connection.execute(sa.select(c.id).where(*wanted).order_by(c.id)).scalars()
        ]
        if rows:
            connection.execute(t.notice.insert(), rows)
        count += len(rows)
    return count


def _row(sight: Sight, template: str, desk: str, case: int, address: str, batch: str) -> dict[str, Any]:
    return {
        "batch": batch,
        "desk": desk,
        "case_id": case,
        "template": template,
        "address": address,
        "made_at": sight.now,
        "not_before": sight.now,
    }


def _not_yet(template: str, address: str) -> Predicate:
    n = t.notice.c
    return ~sa.exists().where(
        n.desk == "challenges", n.case_id == t.challenge.c.id, n.template == template, n.address == address
    )


def _due(connection: sa.Connection, sight: Sight) -> set[int]:
    """The challenges that wait for us, are due by tomorrow, and of which nobody was reminded since the day before."""
    from console.desks.challenge_clock import due_on, running

    c, n = t.challenge.c, t.notice.c
    due = due_on()
    reminded = (
        sa.select(sa.func.max(n.made_at))
        .where(n.desk == "challenges", n.case_id == c.id, n.template == "challenge-due")
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(c.id, due.label("due"), sa.type_coerce(reminded, n.made_at.type).label("reminded")).where(
            running(sight), due <= sight.today + timedelta(days=1)
        )
    )
    return {row.id for row in rows if row.reminded is None or row.reminded < _day_before(row.due, sight)}


def _day_before(due: date, sight: Sight) -> datetime:
    """The first moment at which it is due within a day."""
    return datetime.combine(due - timedelta(days=1), time.min, sight.settings.portal.zone)
