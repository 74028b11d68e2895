"""ATTACK: whoever owns the database and the files, without the signing key and without another copy, forges the ledger.

VERIFIES: every forgery is found, and the first bad record named: exactly where anything in the database shows it, and otherwise
between the two signed roots that it lies between. The history is small, decided one by one and together, undone in part; what is
forged, and how, is drawn with a fixed seed (`tests.crimes_on_records`, `tests.crimes_beside`).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from console.ledger.verifying import verify
from tests.crimes_beside import BESIDE
from tests.crimes_on_records import ON_RECORDS
from tests.forging import Crime, Victim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.ledger.verdict import Verdict
    from tests.counted import Counted
    from tests.forging import Expected
    from tests.portals import Portal

SEED = 20261121
CRIMES = (*ON_RECORDS, *BESIDE)
ROUNDS = len(CRIMES)
WHOLE = 2500
"""On each engine, in each of two parts."""
FRESH = 500
"""After so many rounds the history is another, longer one."""


def history(victim: Victim, chance: random.Random, *, long: bool) -> None:
    """More decisions, of one case and of many, some undone; and accesses. Now and then the database is copied as it is."""
    portal = victim.portal
    school = portal.school(f"School {chance.random()}")
    for _ in range(chance.randrange(3, 7)):
        cases = [portal.registration(portal.student(school=school)) for _ in range(chance.choice([1, 1, 2, 5]))]
        made = portal.decide("registrations", "approve", *cases, reason=f"reason {chance.random()}")
        victim.age()
        if len(cases) > 1 and chance.random() < 0.7:
            portal.undo(made.batch)
            victim.age()
    if long:
        cases = [portal.registration(portal.student(school=school)) for _ in range(300)]
        portal.decide("registrations", "approve", *cases, reason="roster match")
    asked = portal.registration(portal.student(school=school))
    portal.decide("registrations", "ask", asked, message="Which school?")
    administrator = portal.operator()
    for case in range(300):
        portal.office.accesses.note(administrator, "registrations", "opened", case)
    portal.office.accesses.flush()


@pytest.fixture
def victim(portal: Portal) -> Iterator[Victim]:
    made = Victim(portal)
    yield made
    made.close()


@pytest.mark.campaign
@pytest.mark.tampers
@pytest.mark.parametrize("part", [1, 2])
def test_every_forgery_is_found_and_the_first_bad_record_named(
    victim: Victim, engine_name: str, part: int, whole: bool, counted: Counted
) -> None:
    chance = random.Random(f"{SEED} {part}")
    done = {crime.__name__: 0 for crime in CRIMES}
    undetected, wrongly, exact, between = [], [], 0, 0
    rounds = WHOLE if whole else ROUNDS
    for number in range(rounds):
        if number % FRESH == 0:
            history(victim, chance, long=number == FRESH)
            victim.keep()
            assert verify(victim.portal.office).holds
        crime = Crime(victim, random.Random(f"{SEED} {part} {number}"))
        attack = CRIMES[number % len(CRIMES)]
        expected = attack(crime)
        verdict = verify(victim.portal.office)
        said = f"{number} {attack.__name__} {crime.told}: {verdict.sentences}"
        if verdict.holds:
            undetected.append(said)
        elif not named(verdict, expected):
            wrongly.append(f"{said}, not {expected}")
        elif expected is not None:
            single = expected.first == expected.last
            exact, between = exact + single, between + (not single)
        done[attack.__name__] += 1
        victim.restore()
    counted(
        f"Ledger forged as its database's and files' owner, {'PostgreSQL' if engine_name == 'postgresql' else 'SQLite'}, {part} of 2",
        forgeries=rounds,
        kinds=len(CRIMES),
        undetected=len(undetected),
        first_bad_record_named=exact,
        named_between_two_signed_roots=between,
        beside_the_records=rounds - exact - between - len(undetected) - len(wrongly),
        named_wrongly=len(wrongly),
    )
    assert not undetected, undetected[:3]
    assert not wrongly, wrongly[:3]
    assert min(done.values()) > 0
    assert verify(victim.portal.office).holds


def named(verdict: Verdict, expected: Expected) -> bool:
    """Whether the verdict names the place that is known; where no record is bad, that it names none and says something else."""
    if expected is None:
        return not verdict.bad and bool(verdict.faults)
    bad = [each for each in verdict.bad if each.log == expected.log]
    return len(bad) == 1 and expected.first <= bad[0].index <= expected.index <= bad[0].last <= expected.last
