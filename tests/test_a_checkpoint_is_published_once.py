"""A checkpoint stands in its file once and whole, whatever happens while it is signed; and signing keeps nobody's decision back."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from console.errors import Unverified
from console.ledger.published import read_published
from console.ledger.publishing import last_published
from console.ledger.seal import Signer
from console.ledger.verifying import verify
from console.settings import Settings
from console.signin.recording import record
from console.wiring import open_office
from models.words import Log
from tests.crowd import crowd
from tests.forked import Call, Forked
from tests.portals import open_portal
from tests.vouching import Unasked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa

    from console.ledger.note import Checkpoint
    from tests.portals import Portal

APPROVE = Call("approve", params={"reason": "fits"})
ROWS = 3


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    made = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path)
    crowd(made, ROWS)
    yield made
    made.office.engine.dispose()


def file_of(portal: Portal) -> Path:
    file = portal.settings.keys.checkpoints
    assert file is not None
    return file


def published(portal: Portal) -> list[int]:
    """The sizes of the ledger that stand in the file, which has nothing else in it."""
    file = file_of(portal)
    keys = [portal.office.signer.key(log).verify_key for log in Log]
    read = list(read_published(file, file.stat().st_size, keys))
    assert not [each.wrong for each in read if each.wrong]
    return [each.size for each in read if each.origin == keys[0].name]


def approve(portal: Portal, *cases: int) -> int:
    return portal.decide("registrations", "approve", *cases, reason="fits").done


def test_a_kill_between_publishing_and_remembering_looks_like_no_cut(portal: Portal, tmp_path: Path) -> None:
    """It did, the other way round: until the next signature `district audit verify` said that the file was cut."""
    config = tmp_path / "district.toml"
    keys = {"database.url": portal.settings.database.url, "portal.origin": "test.example/ledger"}
    config.write_text(Settings.example(keys), encoding="utf-8")
    with Forked(config, warm=(APPROVE,)) as consoles:
        consoles.call(replace(APPROVE, fault={}))
        steps = (consoles.ended() or {})["points"]
        assert portal.decide("registrations", "unapprove", where="state:approved", reason="no").done == ROWS
        at = {"point": steps.index("renaming the new state"), "how": "kill"}
        consoles.call(replace(APPROVE, key="killed", fault=at))
        consoles.ended()
    assert portal.office.signer.signed_size(Log.LEDGER) == 2 * ROWS
    assert published(portal)[-1] == 3 * ROWS
    verdict = verify(portal.office)
    assert verdict.holds, verdict.sentences
    portal.office.seal()
    assert published(portal) == sorted(set(published(portal)))


def test_a_checkpoint_that_finds_no_room_leaves_no_part_of_itself(portal: Portal) -> None:
    before = file_of(portal).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    approve(portal, 1)
    assert published(portal)[-1] == 1
    length = file_of(portal).stat().st_size
    assert length > before
    signer, office = portal.office.signer, portal.office
    with office.writing() as connection:  # committed and unsigned, as after a crash
        record(connection, "refuse", 1, portal.clock.now())
    resource.setrlimit(resource.RLIMIT_FSIZE, (length + 10, limits[1]))
    try:
        office.seal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file_of(portal).stat().st_size == length
    assert signer.signed_size(Log.LEDGER) == 2
    assert not verify(office).holds
    office.seal()
    assert published(portal)[-1] == 2
    assert verify(office).holds


def test_a_console_that_stands_still_while_it_signs_keeps_nobody(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others waited for it for ever, with their decisions already saved."""
    monkeypatch.setattr("console.ledger.waiting.PATIENCE", 0.1)
    still = os.open(portal.settings.keys.state / "ledger.lock", os.O_RDWR)
    fcntl.flock(still, fcntl.LOCK_EX)
    assert approve(portal, 1) == 1
    os.close(still)
    assert portal.office.signer.signed_size(Log.LEDGER) == 0
    assert approve(portal, 2) == 1
    assert portal.office.signer.signed_size(Log.LEDGER) == 2
    assert verify(portal.office).holds


def test_a_reader_that_locks_the_file_of_checkpoints_keeps_nobody(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.ledger.waiting.PATIENCE", 0.1)
    with file_of(portal).open() as reader:
        fcntl.flock(reader, fcntl.LOCK_EX)
        assert approve(portal, 1) == 1
        assert published(portal) == [0]
    portal.office.seal()
    assert published(portal) == [0, 1]


class Broken(Signer):
    """A signer that fails as nobody foresaw."""

    def seal(self, connection: sa.Connection, log: Log, known: tuple[int, list[bytes]] | None = None) -> Checkpoint:
        raise ZeroDivisionError


def test_what_was_saved_is_said_whatever_becomes_of_the_signature(portal: Portal) -> None:
    """It ended as an accident, and whoever decided did not know that it was saved."""
    k, well = portal.settings.keys, portal.office.signer
    portal.office.signer = Broken(well.key(Log.LEDGER), k.state, k.checkpoints)
    assert approve(portal, 1) == 1
    portal.office.signer = well
    portal.office.seal()
    assert well.signed_size(Log.LEDGER) == 1


def test_an_old_database_with_an_old_state_is_refused_by_what_was_published(portal: Portal, tmp_path: Path) -> None:
    """Attack: database and the signer's state are put back together. The file of checkpoints knows better."""
    kept = tmp_path / "kept"
    shutil.copytree(portal.settings.keys.state, kept)
    shutil.copy(tmp_path / "portal.db", tmp_path / "old.db")
    approve(portal, 1)
    portal.office.engine.dispose()
    shutil.copy(tmp_path / "old.db", tmp_path / "portal.db")
    shutil.copytree(kept, portal.settings.keys.state, dirs_exist_ok=True)
    with pytest.raises(Unverified, match="1 were signed"):
        open_office(portal.settings, clock=portal.clock, assurance=Unasked())


@pytest.mark.parametrize("others", [0, 3, 400])
def test_the_last_checkpoint_is_found_behind_many_of_the_other_log(portal: Portal, others: int) -> None:
    """Both logs go to one file, and the accesses' grows faster."""
    approve(portal, 1)
    file, signer = file_of(portal), portal.office.signer
    other = signer.note(Log.ACCESSES)
    with file.open("a", encoding="utf-8") as written:
        written.write(f"{other}\n" * others)
    assert last_published(file, signer.key(Log.LEDGER).verify_key) == 1
    with file.open("a", encoding="utf-8") as written:
        written.write("test.example/ledger\n9\nnot a checkpoint")
    assert last_published(file, signer.key(Log.LEDGER).verify_key) == 1
