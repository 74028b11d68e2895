"""What tests of codes and second persons need: operators who are signed in with a second factor, and something grave to decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.errors import ConsoleError
from console.ids import SystemRandom
from console.signin import factor
from console.signin.sessions import Sessions
from models import tables as t
from models.engine import writing
from models.words import SessionKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.authority import Operator
    from console.selection import Receipt
    from tests.portals import Portal

on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
"""For what no engine does differently."""
SEED = b"a seed of the tests "
HALF_MINUTE = timedelta(seconds=30)


def guarded(portal: Portal, *, second_person: bool = True) -> Portal:
    """The portal as a real one: who works there is signed in, gives codes, and asks a second person."""
    portal.office.assurance = Sessions(portal.settings)
    portal.office.assurance.second_person = second_person
    return portal


def sit(portal: Portal, operator: Operator, fingerprint: str | None = None, *, enrolled: bool = True) -> Operator:
    """The operator signed in at a screen, with a second factor."""
    sessions, now = Sessions(portal.settings), portal.clock.now()
    with writing(portal.office.engine) as connection:
        known = connection.execute(
            sa.select(t.operator_factor.c.operator_id).where(t.operator_factor.c.operator_id == operator.id)
        ).first()
        if enrolled and known is None:
            factor.enrol(connection, portal.office.vault, operator.id, SEED, -1, now, SystemRandom())
        begun = sessions.begin(connection, operator.id, SessionKind.SCREEN, now, SystemRandom(), fingerprint)
    return replace(operator, session=begun.id)


def next_code(portal: Portal) -> str:
    """A code that nobody gave yet: of half a minute later."""
    portal.clock.advance(HALF_MINUTE)
    return factor.code_at(SEED, factor.step_of(portal.clock.now()))


def challenge(portal: Portal, student: int, *, status: str = "approved", **tie: Any) -> int:
    """An open challenge against a parent's tie of this status."""
    n = portal.number("challenge")
    account = portal.account(f"parent{n}")
    membership = portal.membership(account, student, status, **tie)
    challenger = portal.account(f"challenger{n}")
    return portal.add(
        t.challenge,
        ref=f"challenge-{n}",
        arrived_at=portal.clock.now() - timedelta(days=1),
        membership_id=membership,
        account_id=account,
        student_id=student,
        school_id=portal.one(t.student, student).school_id,
        challenger_id=challenger,
        statement="Nobody here knows this man.",
        answer_due=portal.today,
        decision_due=portal.today + timedelta(days=4),
    )


GROUND = {"basis": "court_order", "reference": "Case 26-114", "reason": "The court ended all contact."}


def delete(portal: Portal, case: int, by: Operator | None = None, **typed: Any) -> Receipt:
    """Delete the challenged account."""
    key = typed.pop("key", None)
    return portal.decide("challenges", "delete", case, by=by, key=key, **{**GROUND, **typed})


def account_of(portal: Portal, case: int) -> Any:
    """The challenged account."""
    return portal.one(t.account, portal.one(t.challenge, case).account_id)


def actions(portal: Portal) -> list[str]:
    """What is on the ledger, in order."""
    return [row[0] for row in portal.all(sa.select(t.record.c.action).order_by(t.record.c.index))]


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run them at the same moment, each in a thread; their results, or the sentence that refused them."""
    barrier, found = Barrier(len(works)), [None] * len(works)

    def run(n: int, work: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            found[n] = work()
        except ConsoleError as error:
            found[n] = error

    threads = [Thread(target=run, args=(n, work)) for n, work in enumerate(works)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found
