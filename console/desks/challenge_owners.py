"""Who has a challenge: a claim is an owner until a moment and keeps others away meanwhile; handing over lasts until it is settled.

PORTAL, *Challenges*: a claim is an owner with an expiry, not a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.authority import ROLES, Permission
from console.desk import Decision, Objection, Sight
from console.lazy import sa, t
from console.params import Params, option
from models.words import ChallengeState, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.filters import Predicate

S = ChallengeState
LIVE = (S.OPEN, S.WAITING, S.APPEALED)
"""States in which the case is still to be settled; they are those that hold the tie."""


@dataclass(frozen=True, kw_only=True)
class Reassigning(Params):
    """Who has the case from now on."""

    to: str = option("The operator who has it from now on, by name.")


def claimed(sight: Sight) -> Predicate:
    """Whether the case has an owner now."""
    c = t.challenge.c
    return sa.and_(c.owner_id.is_not(None), sa.or_(c.owned_until.is_(None), c.owned_until > sight.now))


def somebody_else(sight: Sight) -> Objection:
    return Objection(
        sa.and_(claimed(sight), t.challenge.c.owner_id != sight.operator.id), "it is claimed by somebody else"
    )


class Claim(Decision):
    name = "claim"
    title = "Claim"
    help = "Take the case for a while, so that nobody else works on it."
    key = "c"
    permission = Permission.CHALLENGES_WORK
    states = LIVE

    def objections(self, params: Params, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        c = t.challenge.c
        handed = sa.and_(c.owner_id == sight.operator.id, c.owned_until.is_(None))
        return [somebody_else(sight), Objection(sa.func.coalesce(handed, sa.false()), "it is yours already")]

    def subject(self, params: Params) -> sa.Column[Any]:
        del params
        return t.challenge.c.owner_id

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        c = t.challenge.c
        minutes = timedelta(minutes=sight.settings.policy.claim_minutes)
        return {c.owner_id: sight.operator.id, c.owned_until: sight.now + minutes}


class Reassign(Decision):
    name = "reassign"
    title = "Hand over"
    help = "Give the case to another operator, or take it from one, until it is settled."
    key = "w"
    permission = Permission.CHALLENGES_WORK
    Params = Reassigning
    states = LIVE

    def objections(self, params: Reassigning, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if not params.to:
            return ()
        o, place = t.operator.c, t.operator_school.c
        working = [str(role) for role, rights in ROLES.items() if Permission.CHALLENGES_WORK in rights]
        named = sa.exists().where(self._named(params))
        able = sa.exists().where(self._named(params), o.role.in_(working))
        somewhere = sa.exists().where(place.operator_id == o.id)
        here = sa.exists().where(place.operator_id == o.id, place.school_id == t.challenge.c.school_id)
        here = here.correlate_except(t.operator_school)  # the challenge stands two statements out
        seeing = sa.exists().where(self._named(params), sa.or_(sa.not_(somewhere), here))
        handed = sa.and_(t.challenge.c.owner_id == self._operator(params), t.challenge.c.owned_until.is_(None))
        return [
            Objection(sa.not_(named), "there is no such operator"),
            Objection(sa.not_(able), "that operator may not work on challenges"),
            Objection(sa.not_(seeing), "that operator is of another school"),
            Objection(sa.func.coalesce(handed, sa.false()), "that operator has it already"),
        ]

    @staticmethod
    def _named(params: Reassigning) -> Predicate:
        o = t.operator.c
        return sa.and_(
            sa.func.lowered(o.name) == params.to.strip().lower(),
            o.status == OperatorStatus.ACTIVE,
            o.unattended.is_(sa.false()),
        )

    def _operator(self, params: Reassigning) -> sa.ColumnElement[int]:
        return sa.select(sa.func.min(t.operator.c.id)).where(self._named(params)).scalar_subquery()

    def subject(self, params: Reassigning) -> sa.Column[Any]:
        del params
        return t.challenge.c.owner_id

    def changes(self, params: Reassigning, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.challenge.c.owner_id: self._operator(params), t.challenge.c.owned_until: None}
