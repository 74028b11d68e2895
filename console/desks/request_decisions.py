"""The three answers to a request: confirm, refuse, withdraw.

Confirming carries out what was asked for in the same transaction, in the maker's name and with the maker's rights as they are now,
over the stored rows as they were; what changed since is left out and named (SECURITY, *Authority*). Who may answer is said by
`console.deciding.second_person`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.deciding.second_person import (
    EXPORT,
    brought_in,
    concerned,
    could_confirm,
    entitled,
    one_person,
    sees_all,
)
from console.desk import Decision, Objection, Sight
from console.desks.request_tables import maker, state
from console.lazy import sa, t
from console.params import Params, option
from models.words import OperatorStatus, RequestState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.deciding import Committed
    from console.desk import Work
    from console.filters import Predicate
    from console.selection import Plan
    from console.vault import Vault

S = RequestState


@dataclass(frozen=True, kw_only=True)
class Refusing(Params):
    """What who asked is told."""

    message: str = option("What whoever asked is told: why not, or what to do instead.", personal=True, lines=3)


def waits_for(sight: Sight) -> Predicate:
    """True for the requests that the operator could confirm now."""
    me = t.operator.alias("me")
    return sa.and_(
        state(sight) == S.WAITING,
        sa.exists().where(me.c.id == sight.operator.id, could_confirm(t.request.c, maker().c, me.c, sight.now)),
    )


def _keeps_out(sight: Sight) -> list[Objection]:
    """What keeps the operator from answering somebody's request."""
    r, me = t.request.c, t.operator.alias("me")

    def mine(holds: Predicate) -> Predicate:
        return sa.exists().where(me.c.id == sight.operator.id, holds)

    return [
        Objection(r.maker_id == sight.operator.id, "you asked for it yourself: another operator answers it"),
        Objection(mine(me.c.unattended), "a program answers nothing"),
        Objection(mine(sa.not_(entitled(r, me.c))), "your role does not have the right to what it asks for"),
        Objection(mine(sa.not_(sees_all(r, me.c))), "some of its cases do not exist for you"),
        Objection(mine(concerned(r, me.c)), "it is about you"),
        Objection(mine(one_person(maker().c, me.c)), "you and whoever asked are one person: the same account or key"),
        Objection(
            mine(brought_in(maker().c, me.c, sight.now)),
            "one of you let the other in, or reset them, within a day: a third operator answers it",
        ),
    ]


class _Answer(Decision):
    permission = Permission.REQUESTS_SEE
    states = (S.WAITING,)
    bulk = False
    undoable = False

    def _becomes(self, becomes: S, sight: Sight) -> dict[sa.Column[Any], Any]:
        r = t.request.c
        return {r.state: becomes, r.decided_at: sight.now}


class Confirm(_Answer):
    name = "confirm"
    title = "Confirm"
    help = "Let it happen, now: what was asked for is carried out over the cases as they were, in both your names."
    key = "c"

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        gone = sa.or_(maker().c.status != OperatorStatus.ACTIVE, sa.not_(entitled(t.request.c, maker().c)))
        return [*_keeps_out(sight), Objection(gone, "whoever asked may not do this any more")]

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        """A confirmed export may be made by who asked for it within as long again."""
        from console.deciding.requesting import WAITS

        del params
        r = t.request.c
        export = sa.and_(r.desk == EXPORT[0], r.action == EXPORT[1])
        until = sa.case((export, sa.literal(sight.now + WAITS, r.until.type)), else_=r.until)
        return {**self._becomes(S.CONFIRMED, sight), r.confirmer_id: sight.operator.id, r.until: until}

    def step_up(self, params: Any, sight: Sight) -> Predicate:
        """Always: it is as grave as what it lets happen."""
        del params, sight
        return sa.true()

    def foreseen(self, connection: sa.Connection, plan: Plan, sight: Sight, vault: Vault) -> Plan:
        from console.deciding.confirming import foreseen

        return foreseen(connection, plan, sight, vault)

    def underlying(self, work: Work) -> Committed | None:
        from console.deciding.confirming import carry_out_request

        return carry_out_request(work)

    def carry_out(self, work: Work) -> None:
        from console.deciding.confirming import tell_maker

        tell_maker(work, "confirmed", "")


class Refuse(_Answer):
    name = "refuse"
    title = "Refuse"
    help = "Say no, and why: whoever asked reads it."
    key = "r"
    closes = True
    Params = Refusing

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return _keeps_out(sight)

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        return {**self._becomes(S.REFUSED, sight), t.request.c.confirmer_id: sight.operator.id}

    def carry_out(self, work: Work) -> None:
        from console.deciding.confirming import tell_maker
        from console.threads import write_entry

        params: Refusing = work.params  # type: ignore[assignment]
        write_entry(work, "requests", params.message)
        tell_maker(work, "refused", params.message)


class Withdraw(_Answer):
    name = "withdraw"
    title = "Withdraw"
    help = "Take your own request back before anybody answers it."
    key = "w"

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [Objection(t.request.c.maker_id != sight.operator.id, "another operator asked for it")]

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params
        return self._becomes(S.WITHDRAWN, sight)
