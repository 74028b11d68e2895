"""However verifying reads – one by one or like the one before, in one process or in two – it finds the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sqlalchemy as sa

from console.errors import Unavailable
from console.ledger.hands import hands
from console.ledger.likeness import Likeness
from console.ledger.log import Record, decode, encode
from console.ledger.verifying import verify
from console.progress import Cancelled, Watched
from models import tables as t
from models.words import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.portals import Portal

CASES = 12


@pytest.fixture
def bulk(portal: Portal) -> Portal:
    """A portal in which a dozen cases were approved at a stroke."""
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(CASES)]
    portal.decide("registrations", "approve", *cases, reason="roster match")
    return portal


def record(**values: Any) -> Record:
    like: dict[str, Any] = {
        "action": "registrations.approve",
        "after": {"state": "approved"},
        "at": "2026-11-20T20:00:00.000000Z",
        "batch": "2YCZ-TCY4",
        "before": {"state": "submitted"},
        "case": 1,
        "desk": "registrations",
        "detail": "",
        "index": 0,
        "kind": "decision",
        "log": "ledger",
        "operator": 1,
        "params": {},
        "subject": "state",
        "ties": {"membership": 4},
    }
    return Record(**{**like, **values})


def fits(like: Record, body: bytes, case: int, index: int) -> bool:
    likeness = Likeness(like)
    head = likeness.head % (case, index)
    return body.startswith(head) and bool(likeness.ties(body, len(head)))


@pytest.mark.parametrize("ties", [{}, {"membership": 4}, {"account": 7, "membership": 4}], ids=["none", "one", "two"])
@pytest.mark.parametrize(
    "words", ["", "100 %d %s", '"case":1,"index":0', "é\u2028\\"], ids=["no", "format", "keys", "odd"]
)
def test_a_record_that_differs_in_case_index_and_ties_is_like_another(ties: dict[str, int], words: str) -> None:
    like = record(ties=ties, params={"basis": words})
    other = msgspec.structs.replace(like, case=77, index=5, ties={name: n + 10**9 for name, n in ties.items()})
    assert fits(like, encode(other), 77, 5)
    assert not fits(like, encode(other), 78, 5)
    assert not fits(like, encode(other), 77, 6)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda body: body.replace(b'"membership":4', b'"membership":04'),
        lambda body: body.replace(b'"membership":4', b'"membership":-4'),
        lambda body: body.replace(b'"membership":4', b'"membership":4.0'),
        lambda body: body.replace(b'"membership":4', b'"membership":4,"membership":4'),
        lambda body: body.replace(b'"membership":4', b'"membership": 4'),
        lambda body: body.replace(b'"membership":4', b'"account":4'),
        lambda body: body.replace(b'"membership":4', b'"membership":99999999999999999999'),
        lambda body: body.replace(b'"approved"', b'"declined"'),
        lambda body: body + b"\n",
        lambda body: body[:-1],
    ],
    ids=["zero", "minus", "float", "twice", "space", "table", "large", "state", "newline", "cut"],
)
def test_nothing_else_is_like_it(wrong: Callable[[bytes], bytes]) -> None:
    body = encode(record(case=2, index=1))
    assert fits(record(), body, 2, 1)
    assert not fits(record(), wrong(body), 2, 1)


def test_words_that_hold_the_numbers_likeness_works_with_fit_nothing_and_break_nothing() -> None:
    like = record(params={"basis": "-8070450532247928833 and -8070450532247928835"})
    assert not fits(like, encode(msgspec.structs.replace(like, case=2, index=1)), 2, 1)


@pytest.mark.tampers
@pytest.mark.parametrize(
    "column", ["case_id", "batch", "operator_id", "from_state", "to_state", "kind", "desk", "action", "at"]
)
def test_a_column_forged_amid_records_that_are_alike_is_named(bulk: Portal, column: str) -> None:
    with bulk.owning() as connection:
        _unguard(connection)
        value = {"case_id": 4711, "operator_id": 2, "at": bulk.clock.now().replace(year=2020)}.get(column, "x")
        connection.execute(t.record.update().where(t.record.c.index == 7).values({column: value}))
    bad = verify(bulk.office).bad
    assert [(each.index, each.what) for each in bad] == [(7, f"its column {column} differs from its bytes.")]


@pytest.mark.tampers
def test_two_processes_find_what_one_finds(bulk: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.ledger.verifying.CHUNK", 5)
    one, two = (verify(bulk.office, processes=each) for each in (1, 2))
    assert two.holds
    assert (two.checked, two.records) == (one.checked, one.records)
    with bulk.owning() as connection:
        _unguard(connection)
        body = connection.execute(sa.select(t.record.c.body).where(t.record.c.index == 6)).scalar_one()
        forged = encode(msgspec.structs.replace(decode(body), operator=2)).decode()
        connection.execute(t.record.update().where(t.record.c.index == 6).values(body=forged, operator_id=2))
        connection.execute(t.record.delete().where(t.record.c.index == 9))
    one, two = (verify(bulk.office, processes=each) for each in (1, 2))
    assert not one.holds
    assert two.sentences == one.sentences


def test_cancelling_ends_the_processes_too(bulk: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing import active_children

    monkeypatch.setattr("console.ledger.verifying.CHUNK", 2)
    progress = Watched(lambda: 0.0)
    progress.cancel()
    with pytest.raises(Cancelled):
        verify(bulk.office, processes=2, progress=progress)
    assert active_children() == []


def test_a_process_that_dies_is_told_about(bulk: Portal) -> None:
    from multiprocessing import active_children

    with hands(bulk.office, CASES, 2) as read:
        for process in active_children():
            process.kill()
            process.join()
        with pytest.raises(Unavailable, match="has ended"):
            list(read(str(Log.LEDGER), iter([(0, CASES)])))


def _unguard(connection: sa.Connection) -> None:
    """As the database's owner can: take away what keeps the logs append-only."""
    if connection.dialect.name == "sqlite":
        for event in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER record_no_{event}")
    else:
        connection.exec_driver_sql("ALTER TABLE record DISABLE TRIGGER USER")
