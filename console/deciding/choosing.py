"""Which cases take part in a decision, and why the others do not: one list of objections read both ways.

A case takes part when no objection holds. The first that holds is the reason it is skipped with, in the plan, in the receipt and as
the greyed-out key's explanation. Scope comes first and says nothing: a case outside the operator's schools does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.desk import Objection
from console.filters import parse
from console.lazy import sa, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.desk import Decision, Desk, Sight
    from console.filters import Predicate
    from console.params import Params
    from console.selection import Selection, Skip

SKIPS_LISTED = 1000
"""Skipped cases that a receipt names one by one; beyond them it counts."""


def in_scope(desk: Desk, sight: Sight) -> list[Predicate]:
    """What the operator may know of: their schools' cases."""
    return list(desk.within(sight.operator))


def matching(desk: Desk, where: str, sight: Sight) -> list[Predicate]:
    """The predicates of a filter within the operator's scope. Raises Usage for a filter the desk does not understand."""
    wanted = parse(where, desk.terms)
    return [*in_scope(desk, sight), *desk.presumed(wanted.names), *wanted.predicates(sight, desk.search)]


def selected(desk: Desk, selection: Selection, sight: Sight) -> list[Predicate]:
    """The predicates of a selection within the operator's scope."""
    if selection.request is not None:
        return [*in_scope(desk, sight), desk.case().c.id.in_(stored(selection.request))]
    if selection.ids is not None:
        return [*in_scope(desk, sight), desk.among(selection.ids)]
    found = matching(desk, selection.where, sight)
    return [*found, desk.key().not_in(selection.but)] if selection.but else found


def stored(request: int) -> sa.Select[Any]:
    """The numbers of a request's cases."""
    c = t.request_case.c
    return sa.select(c.case_id).where(c.request_id == request)


def as_asked_for(desk: Desk, request: int) -> Objection:
    """What keeps the cases out that changed since the request for a second person was made."""
    c, case = t.request_case.c, desk.case().c
    same = sa.exists().where(c.request_id == request, c.case_id == case.id, c.version == case.version)
    return Objection(sa.not_(same), "it changed since it was asked for")


def objections(
    desk: Desk, decision: Decision, params: Params, sight: Sight, *, bulk: bool, watermark: int | None
) -> list[Objection]:
    """Everything that keeps a case out, the most telling first."""
    found: list[Objection] = []
    if decision.states:
        found.append(Objection(desk.state(sight).not_in(decision.states), "it is {state}"))
    if watermark is not None:
        found.append(Objection(desk.case().c.version > watermark, "it changed since you looked"))
    found.extend(decision.objections(params, sight, bulk=bulk))
    return found


def why(found: Sequence[Objection]) -> sa.ColumnElement[int | None]:
    """The number of the first objection that holds, NULL for a case that takes part."""
    if not found:
        return sa.cast(sa.null(), sa.Integer())
    return sa.case(*((each.holds, n) for n, each in enumerate(found)), else_=sa.null())


def taking_part(found: Sequence[Objection]) -> list[Predicate]:
    """True for the cases that no objection keeps out; an objection that cannot be judged (NULL) keeps out."""
    return [sa.func.coalesce(each.holds, sa.true()).is_(sa.false()) for each in found]


def skips(
    connection: sa.Connection,
    desk: Desk,
    selection: Selection,
    found: Sequence[Objection],
    sight: Sight,
    left_out: Predicate | None = None,
) -> tuple[tuple[Skip, ...], int]:
    """The selected cases that do not take part, each with why, and how many there are. `left_out` narrows them further."""
    from console.selection import Skip

    case = desk.case()
    kept_out = sa.not_(sa.and_(*taking_part(found))) if found else sa.false()
    where = [*selected(desk, selection, sight), kept_out if left_out is None else left_out]
    base = sa.select(case.c.id, why(found).label("why"), desk.state(sight).label("state")).select_from(desk.source())
    rows = connection.execute(base.where(*where).order_by(case.c.id).limit(SKIPS_LISTED + 1)).all()
    listed = [Skip(row.id, _said(found, row)) for row in rows[:SKIPS_LISTED]]
    count = len(rows)
    if count > SKIPS_LISTED:
        counted = sa.select(sa.func.count()).select_from(desk.source()).where(*where)
        count = int(connection.execute(counted).scalar_one())
    if selection.ids is not None or selection.request is not None:
        unknown = _unknown(connection, desk, selection, sight)
        listed.extend(Skip(each, f"there is no such {desk.singular}") for each in unknown)
        count += len(unknown)
    return tuple(sorted(listed, key=lambda each: each.id)), count


def _said(found: Sequence[Objection], row: Any) -> str:
    if row.why is None:
        return "somebody was faster"
    return found[int(row.why)].said(str(row.state))


def _unknown(connection: sa.Connection, desk: Desk, selection: Selection, sight: Sight) -> list[int]:
    """The numbers that are no case's that exists for the operator."""
    case = desk.case()
    seen = sa.select(case.c.id).select_from(desk.source()).where(*in_scope(desk, sight))
    if selection.request is not None:
        c = t.request_case.c
        return list(connection.execute(stored(selection.request).where(c.case_id.not_in(seen))).scalars())
    asked = selection.ids or ()
    return sorted(set(asked) - set(connection.execute(seen.where(case.c.id.in_(asked))).scalars()))
