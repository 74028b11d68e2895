"""Reminding applicants who were asked something: once, when half of their time is over, with the question in it again.

Late is harmless: that an unanswered registration expires is derived from when it was asked (PORTAL, *Registrations*).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console.lazy import sa, t
from console.notices.alerting import WORK
from models.words import RegistrationState

if TYPE_CHECKING:
    from console.desk import Sight
    from console.office import Office

MOST = 500


def remind_applicants(office: Office, sight: Sight) -> int:
    """Put a reminder for each applicant whose answer is half due into the outbox. Returns how many, at most 500.

    A reminder shares the batch of its question: an undo of the question that is fast enough withdraws both.
    """
    d, r = t.deadline.c, t.registration.c
    half = sight.today + timedelta(days=sight.settings.policy.needs_info_days // 2)
    waiting = (
        sa.select(d.id)
        .join(t.registration, r.id == d.case_id)
        .where(
            d.desk == "registrations",
            d.name == "answer",
            d.due <= half,
            d.due >= sight.today,
            d.reminded_at.is_(None),
            d.met_at.is_(None),
            d.withdrawn.is_(sa.false()),
            r.state == RegistrationState.NEEDS_INFO,
        )
        .order_by(d.id)
        .limit(MOST)
    )
    with office.reading() as connection:
        if connection.execute(waiting.limit(1)).first() is None:
            return 0
    with office.writing() as connection:
        ids = connection.execute(waiting.with_for_update(of=t.deadline, skip_locked=True)).scalars().all()
        marked = connection.execute(
            t.deadline.update()
            .where(d.id.in_(ids), d.reminded_at.is_(None))
            .values(reminded_at=sight.now)
            .returning(d.id)
        ).scalars()
        asked = t.notice.alias("asked")
        named = {
            "batch": sa.func.coalesce(d.batch, WORK),
            "desk": d.desk,
            "case_id": d.case_id,
            "template": sa.literal("reminder-answer"),
            "account_id": r.account_id,
            "sealed": sa.select(asked.c.sealed)
            .where(asked.c.batch == d.batch, asked.c.case_id == d.case_id, asked.c.template == "registration-ask")
            .limit(1)
            .scalar_subquery(),
            "made_at": sa.literal(sight.now, t.notice.c.made_at.type),
            "not_before": sa.literal(sight.now, t.notice.c.not_before.type),
        }
        picked = (
            sa.select(*named.values())
            .select_from(t.deadline.join(t.registration, r.id == d.case_id))
            .where(d.id.in_(list(marked)))
            .order_by(d.id)
        )
        inserted = t.notice.insert().from_select(list(named), picked)
        return connection.execute(inserted, execution_options={"preserve_rowcount": True}).rowcount
