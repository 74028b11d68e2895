"""Whoever changes what was recorded, with all the rights of the database's owner, is found out, and the record is named.

The many ways of changing it are drawn in tests/test_every_forgery_is_found.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from console.errors import Unverified
from console.ledger.note import SigningKey
from console.ledger.verifying import verify
from models import tables as t
from models.words import Log
from tests.forging import Victim, unguard
from tests.portals import open_portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

ACCESSES = 300


class Heard:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[int, int, str]] = []

    def say(self, done: int, total: int, what: str) -> None:
        self.said.append((done, total, what))


@pytest.fixture
def history(portal: Portal) -> Portal:
    """A portal in which a few things were decided, one by one and together, one undone, and three hundred cases opened."""
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(9)]
    for case in cases[:4]:
        portal.decide("registrations", "approve", case, reason=f"reason {case}")
    portal.decide("registrations", "ask", cases[4], message="Which school?")
    bulk = portal.decide("registrations", "approve", *cases[5:], reason="roster match")
    portal.undo(bulk.batch)
    for case in cases[:2]:
        portal.decide("registrations", "unapprove", case, reason="she called")
    administrator = portal.operator()
    for case in range(ACCESSES):
        portal.office.accesses.note(administrator, "registrations", "opened", case)
    portal.office.accesses.flush()
    return portal


def test_an_honest_history_verifies_to_its_last_checkpoint(history: Portal) -> None:
    seen = Heard()
    verdict = verify(history.office, progress=seen)
    assert verdict.sentences == ()
    ledger, accesses = verdict.checked
    assert (ledger.size, ledger.signed) == (15, 15)
    assert (accesses.size, accesses.signed) == (ACCESSES, ACCESSES)
    assert verdict.records == 15 + ACCESSES
    assert seen.said == [
        (15, 15, "verifying the ledger:"),
        (ACCESSES, ACCESSES, "verifying the accesses:"),
    ]


def test_an_empty_portal_verifies(portal: Portal) -> None:
    assert verify(portal.office).holds


def test_chunks_do_not_matter(history: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verify(history.office)
    for size in (1, 3, 256, 299):
        monkeypatch.setattr("console.ledger.verifying.CHUNK", size)
        assert verify(history.office).checked == whole.checked
        assert verify(history.office).holds


def test_deciding_goes_on_while_verifying(history: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended after the start is neither looked at nor in the way."""
    monkeypatch.setattr("console.ledger.verifying.CHUNK", 4)
    school = history.school("Mission")

    class Deciding(Heard):
        def say(self, done: int, total: int, what: str) -> None:
            super().say(done, total, what)
            if "ledger" in what:
                history.decide(
                    "registrations", "approve", history.registration(history.student(school=school)), reason="ok"
                )

    during = verify(history.office, progress=Deciding())
    assert during.sentences == ()
    assert verify(history.office).checked[0].size == during.checked[0].size + 4


def test_an_unsigned_tail_is_no_fault_and_is_signed_at_the_next_start(
    history: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = history.school("Mission")
    monkeypatch.setattr(history.office, "seal", lambda *_, **__: None)
    history.decide("registrations", "approve", history.registration(history.student(school=school)), reason="ok")
    monkeypatch.undo()
    verdict = verify(history.office, log=Log.LEDGER)
    assert verdict.holds
    assert (verdict.checked[0].size, verdict.checked[0].signed) == (16, 15)
    history.office.seal()
    assert verify(history.office).checked[0].signed == 16


def test_a_key_from_outside_is_held_against_the_signers(history: Portal) -> None:
    own = history.office.signer.key(Log.LEDGER).verify_key
    assert verify(history.office, key=own).holds
    other = SigningKey(own.name, b"x" * 32).verify_key
    verdict = verify(history.office, key=other)
    assert "another key" in verdict.faults[0]
    assert verdict.bad == ()


@pytest.mark.tampers
def test_a_verdict_that_does_not_hold_raises_its_first_sentence(history: Portal) -> None:
    with history.owning() as connection:
        unguard(connection)
        connection.execute(t.record.delete().where(t.record.c.log == "ledger", t.record.c.index == 3))
    with pytest.raises(Unverified, match="Record 3 of the ledger: it is missing"):
        verify(history.office).require()


def test_an_older_database_put_back_is_loud(database_url: str, tmp_path: Path) -> None:
    """ATTACK: a copy from before a decision is put back, whole and consistent in itself."""
    portal = open_portal(database_url, tmp_path)
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    portal.decide("registrations", "approve", cases[0], reason="ok")
    victim = Victim(portal)
    victim.age()
    portal.decide("registrations", "approve", cases[1], reason="ok")
    victim.put(victim.olds[0])
    victim.close()
    (bad,) = verify(portal.office).bad
    assert (bad.index, bad.last) == (1, 1)
    assert "2 records were signed" in bad.what
    with pytest.raises(Unverified, match="an old database was put back"):
        portal.office.seal()
    portal.office.engine.dispose()


@pytest.mark.tampers
def test_an_older_database_is_loud_even_when_the_signers_memory_went_with_it(portal: Portal) -> None:
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    portal.decide("registrations", "approve", cases[0], reason="ok")
    victim = Victim(portal)
    victim.age()
    state = portal.settings.keys.state / "ledger.json"
    memory = state.read_bytes()
    portal.decide("registrations", "approve", cases[1], reason="ok")
    victim.put(victim.olds[0])
    victim.close()
    state.write_bytes(memory)
    (bad,) = verify(portal.office).bad
    assert (bad.index, bad.last) == (1, 1)
