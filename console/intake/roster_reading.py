"""Who reads a roster: this process, or two beside it where it is large – one for its people, one for everything else.

Turning texts into rows costs far more than writing them, and Python computes in one processor a process. Promises: the same rows, the
same findings and the same refusals whoever reads; what the others read is the file whose digest goes into the record; memory is flat.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import msgspec

from console.errors import ConsoleError, Unavailable
from console.intake.roster_stage import FILES, Reading, Share, stage_roster
from console.processes import beside, heard, processors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    import sqlalchemy as sa

    from console.intake.archive import Source
    from console.intake.oneroster import Roster
    from console.intake.roster_tables import Stage
    from console.settings import Settings

LARGE = 16 << 20
"""Bytes of a roster from which two processes are worth the half second in which they start."""
ENDED = "A process that read the roster has ended; nothing was imported. Try again."
YIELDING = 10
"""By how much the process that reads the rest steps back, in the system's steps of niceness."""
_KIB = 1 << 10
_encoded = msgspec.msgpack.Encoder().encode
"""Rows as one text of bytes, of what a sink is given: text, bytes, whole numbers, truth and None. Pickling takes ten times as long."""
_decoded = msgspec.msgpack.Decoder(list[tuple[Any, ...]]).decode


def read_into(
    connection: sa.Connection, stage: Stage, roster: Roster, source: Source, reading: Reading, settings: Settings
) -> None:
    """Fill the temporary tables, which are there and empty. Raises Refused or Unavailable as the roster's iterators do."""
    from models.bulk import insert_stored

    def write(table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        insert_stored(connection, table, columns, rows)

    if roster.size < LARGE or processors() < len(Share):
        stage_roster(stage, roster, reading, write)
        return
    with ExitStack() as stack:
        lines = [stack.enter_context(beside(_work, settings, source.path, source.digest, share)) for share in Share]
        _gather(lines, stage, roster, reading, write)


def _gather(lines: list[Connection], stage: Stage, roster: Roster, reading: Reading, write: Any) -> None:
    """Write what the others read, as it comes, until both are through."""
    from multiprocessing.connection import wait

    far = dict.fromkeys(lines, 0)
    found: dict[Connection, Any] = {}
    left = list(lines)
    while left:
        for line in cast("list[Connection]", wait(left)):
            word, *said = heard(line, ENDED)
            if word == "rows":
                table, columns, rows = said
                write(stage.metadata.tables[table], columns, _decoded(rows))
            elif word == "read":
                far[line] = said[0]
                # Both look into a file that is small, so that a little is read twice.
                done = min(sum(far.values()), roster.size)
                reading.progress.say(done // _KIB, roster.size // _KIB, "reading the roster, KiB:")
            else:
                found[line] = said
                left.remove(line)
    # In the order of the shares, whoever was through first.
    for own, of_files in map(found.__getitem__, lines):
        reading.findings.include([own])
        roster.hear(of_files)


class _Telling:
    """What a process that reads says: rows, how many bytes it has read, and at last what it found."""

    def __init__(self, line: Connection, roster: Roster) -> None:
        self._line, self._roster = line, roster

    def write(self, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._line.send(("rows", table.name, columns, _encoded(rows)))

    def say(self, _done: int, _total: int, _what: str) -> None:
        self._line.send(("read", self._roster.read))


def _work(line: Connection, settings: Settings, path: Path, digest: str, share: Share) -> None:
    """What the process does: read its share to the end. Who began it is gone when the line is."""
    import gc

    from console.faults import saying

    if share is not Share.PEOPLE:
        # The people take longest: with two processors, whoever else computes shall not keep them waiting.
        os.nice(YIELDING)

    # Rows by the million come and go, and none refers to itself: looking for cycles among them takes a sixth of the time.
    gc.disable()
    try:
        try:
            with saying("nothing was imported"):
                _read(line, settings, path, digest, share)
        except ConsoleError as error:
            line.send(error)
    except BrokenPipeError:
        return


def _read(line: Connection, settings: Settings, path: Path, digest: str, share: Share) -> None:
    from console.ids import SystemRandom
    from console.intake.archive import open_source
    from console.intake.oneroster import read_roster
    from console.intake.roster_known import Portal
    from console.intake.roster_tables import stage
    from console.wiring import open_engine, open_vault
    from models.engine import reading as begin

    engine = open_engine(settings)
    with begin(engine) as connection:
        vault = open_vault(connection, settings, SystemRandom())
    portal = Portal(lambda: begin(engine))
    with open_source(path) as source:
        if source.digest != digest:
            raise Unavailable(
                f"{source.shown} changed while it was read; nothing was imported, wait until its export has ended."
            )
        roster = read_roster(source)
        telling = _Telling(line, roster)
        reading = Reading(vault, portal.orgs(), portal.people, telling)
        stage_roster(stage(), roster, reading, telling.write, {share})
        line.send(("found", reading.findings, roster.found(FILES[share])))
