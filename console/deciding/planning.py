"""What a decision would do, read without changing or locking anything: the same predicates as the decision itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.authority import authorize
from console.deciding import against, held_to_one
from console.deciding.choosing import selected, skips, taking_part
from console.deciding.chosen import Chosen, each_for_itself
from console.deciding.imagining import counts, matters
from console.deciding.requiring import required, weights
from console.lazy import sa
from console.selection import Plan

if TYPE_CHECKING:
    from console.assurance import Assurance
    from console.deciding import Call
    from console.desk import Sight

FIRST = 8
"""Cases that a dialog shows by name."""


def plan(connection: sa.Connection, call: Call, sight: Sight, assurance: Assurance) -> Plan:
    """The plan of a call. Raises Refused without the right to it, Usage when its parameters do not fit."""
    desk, decision, params = call.desk, call.decision, call.params
    authorize(sight.operator, decision.permission)
    decision.check(params, sight)
    held_to_one(call)
    found = against(call, sight)
    where = [*selected(desk, call.selection, sight), *taking_part(found)]
    case = desk.case()
    access = decision.access(params, sight)
    opens, closes = access or (sa.literal(0), sa.literal(0))
    notices = [
        sa.func.sum(
            sa.case((sa.and_(each.account.is_not(None), *([each.where] if each.where is not None else [])), 1), else_=0)
        )
        for each in decision.notices(params)
    ]
    totals = connection.execute(
        sa.select(sa.func.count(), sa.func.sum(opens), sa.func.sum(closes), *weights(call, sight), *notices)
        .select_from(desk.source())
        .where(*where)
    ).one()
    first = (
        connection.execute(
            sa.select(case.c.id).select_from(desk.source()).where(*where).order_by(case.c.id).limit(FIRST)
        )
        .scalars()
        .all()
    )
    skipped, skipped_count = skips(connection, desk, call.selection, found, sight)
    needs = required(call, totals[0], bool(totals[3]), bool(totals[4]), sight, assurance)
    gains, losses = int(totals[1] or 0), int(totals[2] or 0)
    changes = decision.changes(params, sight)
    if access is None and totals[0] and matters(changes):
        with Chosen(connection, desk, decision.ties(desk, params), each_for_itself(changes)) as chosen:
            chosen.fill(sa.and_(*where), lock=False)
            gains, losses = counts(connection, chosen, sight.today)
    return Plan(
        desk=desk.name,
        decision=decision.name,
        count=totals[0],
        skipped=skipped,
        skipped_count=skipped_count,
        notices=sum(int(each or 0) for each in totals[5:]),
        opens=gains,
        closes=losses,
        reason_needed=needs.reason,
        typed_count=needs.typed_count,
        first=tuple(first),
        step_up=needs.step_up,
        second_person=needs.second_person,
        digest=call.digest(),
    )
