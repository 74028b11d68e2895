"""What the desk of requests reads beside the requests themselves: who asked, who answered, and in which words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from console.deciding.second_person import EXPORT
from console.lazy import sa, t
from models.words import RequestState

if TYPE_CHECKING:
    from console.desk import Sight


@cache
def maker() -> sa.FromClause:
    """The operator who asked."""
    return t.operator.alias("maker")


@cache
def confirmer() -> sa.FromClause:
    """The operator who answered, where somebody did."""
    return t.operator.alias("confirmer")


def state(sight: Sight) -> sa.ColumnElement[str]:
    """The request's state by now: what waits beyond its moment has expired."""
    r = t.request.c
    over = sa.and_(r.state == RequestState.WAITING, r.until <= sight.now)
    return sa.case((over, "expired"), else_=r.state)


def action_words(desk: str, action: str) -> str:
    """What is asked for, as its desk calls it."""
    from console.desks import DESKS
    from console.desks import desk as desk_of

    if (desk, action) == EXPORT:
        return "Export"
    found = next((each for each in desk_of(desk).decisions if each.name == action), None) if desk in DESKS else None
    return found.title if found else f"{desk} {action}"
