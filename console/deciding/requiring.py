"""What a decision requires of this many of these cases: a reason, a typed count, a code, a second person.

The declaration says it for the decision as a whole (`Decision.needs`) and for single cases (`step_up`, `second_person`); the policy
adds that many cases at once ask for a code (SECURITY, *Authority*). Where nobody signs in, as in the demonstration, no code is asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.lazy import sa

if TYPE_CHECKING:
    from console.assurance import Assurance
    from console.deciding import Call
    from console.deciding.chosen import Chosen
    from console.desk import Needs, Sight
    from console.filters import Predicate


def weights(call: Call, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    """How many cases ask for a code, and how many for a second person: two sums over the desk's source."""
    decision, params = call.decision, call.params
    return _counted(decision.step_up(params, sight)), _counted(decision.second_person(params, sight))


def _counted(found: Predicate | None) -> sa.ColumnElement[int]:
    if found is None:
        return sa.literal(0)
    # What cannot be judged (NULL) counts: a code too many does no harm.
    return sa.func.sum(sa.case((sa.func.coalesce(found, sa.true()), 1), else_=0))


def required(call: Call, count: int, coded: bool, witnessed: bool, sight: Sight, assurance: Assurance) -> Needs:
    """What `count` cases require, of which some ask for a code (`coded`) or a second person (`witnessed`)."""
    needs = call.decision.needs(call.params, count)
    if call.confirmed is not None:
        return replace(needs, step_up=False, second_person=False)
    many = count > sight.settings.signin.step_up_cases
    return replace(
        needs,
        step_up=assurance.asks and (needs.step_up or coded or many),
        second_person=assurance.second_person and (needs.second_person or witnessed),
    )


def required_of(
    connection: sa.Connection, call: Call, chosen: Chosen, count: int, sight: Sight, assurance: Assurance
) -> Needs:
    """The same for the cases that were chosen."""
    decision, desk = call.decision, call.desk
    coded = witnessed = 0
    if decision.step_up(call.params, sight) is not None or decision.second_person(call.params, sight) is not None:
        source = desk.source().join(chosen.table, chosen.table.c.id == desk.case().c.id)
        coded, witnessed = connection.execute(sa.select(*weights(call, sight)).select_from(source)).one()
    return required(call, count, bool(coded), bool(witnessed), sight, assurance)
