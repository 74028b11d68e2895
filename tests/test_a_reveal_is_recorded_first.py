"""A masked name is shown to one operator, for one minute, only once the record of it is committed and signed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from console.desks import desk
from console.errors import ConsoleError, Refused, Unavailable, Usage
from console.ledger.log import decode, open_detail
from console.params import Params
from models import tables as t
from models.words import Log

if TYPE_CHECKING:
    from console.authority import Operator
    from console.deciding.disclosing import Shown
    from tests.portals import Portal


@pytest.fixture
def school(portal: Portal) -> int:
    return portal.school()


@pytest.fixture
def student(portal: Portal, school: int) -> int:
    made = portal.student("Quilla", "Zamfir", school=school, middle_name="Anouk", number="20264711")
    portal.decide("students", "mask", made, level="pseudonym", reason="an order", review="+90d")
    return made


def reveal(
    portal: Portal, case: int, *, by: Operator | None = None, reason: str = "a call from the clinic", key: str = "k"
) -> Shown:
    students = desk("students")
    made = students.disclosure("reveal")
    return portal.office.disclose(by or portal.operator(), students, made, case, Params(reason=reason), key)


def reveals(portal: Portal) -> list[Any]:
    return portal.all(sa.select(t.record).where(t.record.c.action == "students.reveal"))


def test_a_reveal_shows_name_and_number_for_a_minute_and_stands_on_the_ledger(portal: Portal, student: int) -> None:
    shown = reveal(portal, student)
    assert shown.text == "Quilla Anouk Zamfir · no. 20264711"
    assert shown.until == portal.clock.now() + timedelta(seconds=60)
    (row,) = reveals(portal)
    record = decode(row.body)
    assert (row.log, row.kind, record.case, record.operator) == ("ledger", "access", student, portal.operator().id)
    assert (record.before, record.after) == ({}, {})
    for word in ("Zamfir", "Quilla", "20264711", "clinic"):
        assert word not in row.body
    with portal.office.reading() as connection:
        assert open_detail(connection, portal.office.vault, record) == {"reason": "a call from the clinic"}
    assert portal.office.signer.signed_size(Log.LEDGER) == portal.office.size()


@pytest.mark.parametrize("mask", ["none", "initial"])
def test_a_name_that_is_not_sealed_is_revealed_as_well(portal: Portal, school: int, mask: str) -> None:
    case = portal.student("Ada", "Berg", school=school, number="7", mask=mask)
    assert reveal(portal, case).text == "Ada Berg · no. 7"


def test_the_record_is_committed_and_signed_before_anything_is_opened(
    portal: Portal, student: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    office, vault_open = portal.office, portal.office.vault.open
    seal = office.signer.seal

    def opened(*place: Any) -> bytes:
        order.append("opened")
        assert len(reveals(portal)) == 1
        assert office.signer.signed_size(Log.LEDGER) == office.size()
        return vault_open(*place)

    def sealed(*given: Any) -> Any:
        order.append("signed")
        assert len(reveals(portal)) == 1
        return seal(*given)

    monkeypatch.setattr(office.vault, "open", opened)
    monkeypatch.setattr(office.signer, "seal", sealed)
    reveal(portal, student)
    assert order[0] == "signed"
    assert order.count("opened") == 1
    assert order[-1] == "opened"


def test_a_commit_that_fails_shows_nothing(portal: Portal, student: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    monkeypatch.setattr(portal.office.vault, "open", broken)
    engine = portal.office.engine
    failed: list[sa.Connection] = []

    @sa.event.listens_for(engine, "commit")
    def fail(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes") and not failed:
            failed.append(connection)
            raise sa.exc.OperationalError("COMMIT", {}, Exception("disk is full"))

    try:
        with pytest.raises(Unavailable, match="disk is full"):
            reveal(portal, student)
    finally:
        sa.event.remove(engine, "commit", fail)
    assert reveals(portal) == []


def test_a_record_that_is_not_signed_shows_nothing(
    portal: Portal, student: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    vault_open = portal.office.vault.open
    monkeypatch.setattr(portal.office.vault, "open", broken)
    state = portal.settings.keys.state
    hidden = state.rename(state.with_name("hidden"))
    state.write_text("in the way")
    with pytest.raises(Unavailable, match="nothing was shown"):
        reveal(portal, student)
    state.unlink()
    hidden.rename(state)
    assert len(reveals(portal)) == 1, "what was recorded stays on record"
    monkeypatch.setattr(portal.office.vault, "open", vault_open)
    assert "Zamfir" in reveal(portal, student).text, "the same call is answered once it is signed"
    assert len(reveals(portal)) == 1


def test_the_same_call_is_one_record_and_is_over_after_its_minute(portal: Portal, student: int) -> None:
    first = reveal(portal, student, key="once")
    portal.clock.advance(timedelta(seconds=30))
    assert reveal(portal, student, key="once") == first
    assert len(reveals(portal)) == 1
    portal.clock.advance(timedelta(seconds=30))
    with pytest.raises(Refused, match="its time is over"):
        reveal(portal, student, key="once")
    with pytest.raises(Refused, match="used for another decision"):
        reveal(portal, student, reason="another", key="once")
    assert reveal(portal, student, key="twice").text == first.text
    assert len(reveals(portal)) == 2


def test_without_reason_right_or_student_nothing_is_recorded(portal: Portal, school: int, student: int) -> None:
    other = portal.school("Mission")
    elsewhere = portal.hire("ann", "privacy_officer", (other,))
    size = portal.office.size()
    with pytest.raises(Usage, match="needs a reason"):
        reveal(portal, student, reason="  ")
    with pytest.raises(Refused, match=r"students\.reveal"):
        reveal(portal, student, by=portal.hire("lee", "school_administrator", (school,)))
    with pytest.raises(Refused, match="no such student"):
        reveal(portal, student, by=elsewhere)
    with pytest.raises(Refused, match="no such student"):
        reveal(portal, 9999)
    assert portal.office.size() == size


def test_what_was_shown_cannot_be_taken_back(portal: Portal, student: int) -> None:
    reveal(portal, student)
    (row,) = reveals(portal)
    with pytest.raises(Refused, match="stays on record"):
        portal.undo(row.batch)


def test_a_sealed_value_that_was_moved_does_not_open(portal: Portal, school: int, student: int) -> None:
    """ATTACK: another student's sealed name is put in this one's place, to be shown under a harmless number."""
    other = portal.student("Ada", "Berg", school=school)
    portal.decide("students", "mask", other, level="pseudonym", reason="x", review="+90d")
    ((stolen,),) = portal.all(sa.select(t.sealed_name.c.sealed).where(t.sealed_name.c.student_id == student))
    with portal.office.writing() as connection:
        connection.execute(t.sealed_name.update().where(t.sealed_name.c.student_id == other).values(sealed=stolen))
    with pytest.raises(ConsoleError, match="changed or lies in the wrong row"):
        reveal(portal, other)
    with pytest.raises(ConsoleError, match="changed or lies in the wrong row"):
        portal.decide("students", "unmask", other, reason="x")
    assert portal.one(t.student, other).mask == "pseudonym"
