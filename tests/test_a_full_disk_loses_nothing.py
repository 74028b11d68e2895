"""No space left and I/O errors at each write of a decision: one plain sentence, nothing half done, and everything goes on afterwards.

On SQLite each call that writes to the database, its journal or the signer's files fails in turn, once or from then on; the calls are
listed by a first run (tests/struck.py). PostgreSQL lies on a disk of its own that is filled up to some bytes.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from console.office import Office
from console.settings import Settings
from models.engine import open_engine
from tests.crowd import crowd
from tests.forked import Call, Forked, carry_out
from tests.journal import Counts, Journal, Judge, Said
from tests.portals import open_portal
from tests.services.postgres import Cluster
from tests.services.small_disk import SmallDisk
from tests.struck import Strike, Struck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.counted import Counted
    from tests.portals import Portal

ROWS = 40
STRIKES, STRIKES_WHOLE = 12, 150
FILLINGS, FILLINGS_WHOLE = 2, 50
SEED = 20261122
WARM = (Call("warm 1", params={"reason": "fits"}), Call("warm 2", undo=""))
STOPPED = {"point": 0, "how": "hang"}


def plain(sentence: str) -> bool:
    """Whether it is one line that says what became of it, and no accident."""
    return (
        sentence.isprintable()
        and ("nothing was" in sentence or "not known whether" in sentence)
        and "fault" not in sentence
    )


class Course:
    """A portal on which one call after the other is made, approvals and their undoing in turn."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.portal = portal
        self.journal, self.counts = Journal(folder / "journal"), Counts()
        self.judge = Judge(portal, self.journal, self.counts)
        self.last: str | None = None
        self._number = 0

    def next(self) -> Call:
        self._number += 1
        key = f"call {self._number}"
        call = Call(key, undo=self.last) if self.last is not None else Call(key, params={"reason": "fits"})
        self.journal.asked(key)
        return call

    def judged(self, call: Call, told: dict[str, object] | None, office: Office, at: object) -> None:
        """Judge an answer; then the same call again, now that the disk is well: it is done, once."""
        said = Said.of(told)
        self.counts.runs += 1
        self.journal.answered(call.key, said)
        if said.outcome == "silent" or (said.words and not plain(said.words)):
            self.counts.note("torn", f"{at}: {told}")
        self.judge.recover()
        there = self.judge.look().get(call.key)
        if there is None:
            self.journal.asked(call.key)
        again = Said.of(carry_out(office, office.operator("administrator"), call))
        if there is None:
            self.journal.answered(call.key, again)
        if again.outcome != "saved" or there not in (None, again.batch):
            self.counts.note("lost", f"{at}: {call} is {there}, and the same call gives {again}")
        self.judge.look()
        self.last = again.batch if self.last is None else None

    def close(self) -> None:
        self.journal.close()
        self.portal.office.engine.dispose()
        self.counts.clean()


def strikes(course: Course, consoles: Forked, folder: Path) -> list[Strike]:
    """Every call that writes, of an approval and of an undo, with an error that happens once and one that stays."""
    found: set[Strike] = set()
    for _ in range(2):
        call = course.next()
        consoles.call(Call(**(call.__dict__ | {"fault": STOPPED})))
        assert consoles.stopped()
        with Struck(consoles.child, folder / "calls") as struck:
            consoles.go_on()
            told = consoles.ended()
        course.judged(call, told, course.portal.office, "nothing")
        found |= set(struck.calls(folder))
    return [
        each._replace(error=error, on=on)
        for each in sorted(found)
        for error, on in (("EIO", False), ("ENOSPC", True))
        if not (on and each.name == "openat")  # which is how everything else is read, too
    ]


@pytest.mark.campaign
def test_a_write_that_fails_undoes_the_decision(tmp_path: Path, whole: bool, counted: Counted) -> None:
    portal = open_portal(url := f"sqlite:///{tmp_path / 'portal.db'}", tmp_path)
    crowd(portal, ROWS)
    config = tmp_path / "district.toml"
    config.write_text(Settings.example({"database.url": url, "portal.origin": "test.example/ledger"}), encoding="utf-8")
    course, dice = Course(portal, tmp_path), random.Random(SEED)
    with Forked(config, warm=WARM) as consoles:
        every = strikes(course, consoles, tmp_path)
        course.counts.runs = 0
        chosen = dice.sample(every, min(len(every), STRIKES_WHOLE if whole else STRIKES))
        for strike in chosen:
            call = course.next()
            consoles.call(Call(**(call.__dict__ | {"fault": STOPPED})))
            assert consoles.stopped()
            with Struck(consoles.child, tmp_path / "calls", strike):
                consoles.go_on()
                told = consoles.ended()
            course.judged(call, told, portal.office, strike)
    course.judge.verified()
    counted("a disk that is full or fails at a write, SQLite", writes=len(every) // 2, **course.counts.told())
    course.close()


@contextmanager
def filled(disk: SmallDisk, cluster: Cluster, left: int) -> Iterator[None]:
    """The disk with so many bytes left; afterwards empty again, and the server up, which may have given up."""
    disk.fill(left)
    try:
        yield
    finally:
        disk.free()
        cluster.revive()


@pytest.mark.campaign
def test_a_disk_that_is_full_at_the_server_undoes_the_decision(tmp_path: Path, whole: bool, counted: Counted) -> None:
    settings = {"min_wal_size": "32MB", "max_wal_size": "48MB", "recovery_init_sync_method": "syncfs"}
    with (
        SmallDisk(192 << 20) as disk,
        Cluster(durable=True, settings=settings, folder=disk.folder / "server") as cluster,
    ):
        portal = open_portal(cluster.fresh_database(), tmp_path)
        crowd(portal, 500)
        course, dice = Course(portal, tmp_path), random.Random(SEED)
        o = portal.office
        refused = 0
        for n in range(FILLINGS_WHOLE if whole else FILLINGS):
            office = Office(
                open_engine(o.settings.database.url), o.settings, o.clock, o.random, o.vault, o.signer, o.assurance
            )
            operator = office.operator("administrator")
            call = course.next()
            left = dice.choice((0, dice.randrange(1 << 16), dice.randrange(1 << 20))) if n else 0
            with filled(disk, cluster, left):
                told = carry_out(office, operator, call)
            refused += "error" in told
            office.engine.dispose()
            o.engine.dispose()
            course.judged(call, told, o, f"{left} bytes left")
        course.judge.verified()
        counted("a disk that is full at PostgreSQL", **course.counts.told(), refused=refused)
        course.close()
    assert refused
