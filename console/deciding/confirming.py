"""Carrying out what was asked for, once a second person said yes: in their transaction, in the maker's name, over the stored rows.

Promises: nothing is done where anything of the request was changed since it was made; the maker's rights are judged as they are now;
a case that changed, is not eligible any more or is gone is left out and named; the records name both (`operator` asked,
`confirmed_by` confirmed). What only gives leave, an export, is not carried out here: whoever asked makes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from console.assurance import Demonstration
from console.deciding import Call, Committed, Confirmed, decide
from console.deciding.choosing import in_scope, stored
from console.deciding.planning import plan as plan_of
from console.deciding.requesting import opened, verified
from console.deciding.second_person import EXPORT
from console.desk import Sight
from console.errors import Refused
from console.lazy import sa, t
from console.operators import operator_of
from console.selection import Selection
from models.words import OperatorStatus

if TYPE_CHECKING:
    from console.desk import Desk, Work
    from console.selection import Plan
    from console.vault import Vault

ANSWERED = "request-answered"


def call_of(row: Any, vault: Vault, key: str = "", by: int = 0) -> Call:
    """The call that a stored request asks for, over its stored rows. Raises KeyError for a decision that is no more."""
    from console.desks import desk as desk_of

    desk = desk_of(row.desk)
    decision = desk.decision(row.action)
    params = msgspec.json.decode(opened(row, vault).call, type=decision.Params)
    return Call(desk, decision, Selection(request=row.id), params, key, Confirmed(row.id, by, _many(row)))


def maker_sight(connection: sa.Connection, row: Any, sight: Sight) -> Sight:
    """What whoever asked sees by now. Raises Refused when they do not work here any more."""
    maker = connection.execute(sa.select(t.operator).where(t.operator.c.id == row.maker_id)).one()
    if maker.status != OperatorStatus.ACTIVE:
        raise Refused("Whoever asked for it does not work here any more; nothing was done.")
    return Sight(operator_of(connection, maker), sight.now, sight.settings, sight.macs)


def carry_out_request(work: Work) -> Committed | None:
    """Carry out the one request that is chosen in `work`; None for one that only gives leave.

    Raises Unverified for a request that is not what was asked for, Refused where the maker's or the confirmer's rights do not reach.
    """
    connection, sight = work.connection, work.sight
    row = connection.execute(sa.select(t.request).where(t.request.c.id.in_(sa.select(work.chosen.c.id)))).one()
    verified(connection, row, work.vault)
    if (row.desk, row.action) == EXPORT:
        return None
    call = call_of(row, work.vault, f"request {row.id} {work.seal_random.bytes(8).hex()}", sight.operator.id)
    _all_seen(connection, call.desk, row, sight)
    maker, vault, random = maker_sight(connection, row, sight), work.vault, work.seal_random
    made = decide(connection, call, maker, vault, random, Demonstration(), work.progress)
    connection.execute(t.request.update().where(t.request.c.id == row.id).values(batch=made.receipt.batch))
    return made


def what_it_would_do(connection: sa.Connection, row: Any, sight: Sight, vault: Vault) -> Plan | None:
    """The plan of what a request asks for, for whoever asked, over the stored rows as they are now; None for a mere leave.

    Raises as the decision itself would.
    """
    if (row.desk, row.action) == EXPORT:
        return None
    return plan_of(connection, call_of(row, vault), maker_sight(connection, row, sight), Demonstration())


def foreseen(connection: sa.Connection, plan: Plan, sight: Sight, vault: Vault) -> Plan:
    """The plan of confirming, with the effects of what it lets happen; of nothing, where that would do nothing."""
    if plan.count != 1:
        return plan
    row = connection.execute(sa.select(t.request).where(t.request.c.id == plan.first[0])).one()
    inner = what_it_would_do(connection, row, sight, vault)
    if inner is None:
        return plan
    return replace(
        plan,
        count=plan.count if inner.count else 0,
        skipped=inner.skipped,
        skipped_count=inner.skipped_count,
        notices=inner.notices,
        opens=inner.opens,
        closes=inner.closes,
    )


def _all_seen(connection: sa.Connection, desk: Desk, row: Any, sight: Sight) -> None:
    """Raise Refused when a case of it does not exist for the confirmer, as the schools are now."""
    if sight.operator.schools is None:
        return
    case = desk.case()
    seen = (
        sa.select(sa.func.count())
        .select_from(desk.source())
        .where(case.c.id.in_(stored(row.id)), *in_scope(desk, sight))
    )
    if connection.execute(seen).scalar_one() < _many(row):
        raise Refused(
            "Some of its cases do not exist for you; nothing was done. An operator of all schools answers it."
        )


def _many(row: Any) -> int:
    """How many cases it has; a row's own `count` is a tuple's."""
    return int(row._mapping["count"])  # noqa: SLF001 - the public way to a column of that name


def tell_maker(work: Work, answer: str, message: str) -> None:
    """Put a message to whoever asked, where they have an address, into the outbox."""
    text = f"It was {answer} by {work.sight.operator.name}." + (f"\n\n{message}" if message else "")
    n, r, o = t.notice.c, t.request.c, t.operator.c
    at = sa.literal(work.sight.now, n.made_at.type)
    told = (
        sa.select(
            sa.literal(work.batch),
            sa.literal("requests"),
            r.id,
            sa.literal(ANSWERED),
            o.email,
            sa.literal(work.vault.seal("notice", "sealed", work.batch, text.encode()), sa.LargeBinary()),
            at,
            at,
        )
        .select_from(t.request.join(t.operator, o.id == r.maker_id))
        .where(r.id.in_(sa.select(work.chosen.c.id)), o.email.is_not(None), o.email != "")
    )
    names = ["batch", "desk", "case_id", "template", "address", "sealed", "made_at", "not_before"]
    work.connection.execute(t.notice.insert().from_select(names, told))
