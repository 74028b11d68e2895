"""kill -9 in the middle of a bulk decision: all of it or none of it is there afterwards, never half, and the ledger holds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.ledger.verifying import verify
from console.settings import Settings
from models import tables as t
from models.words import Log
from tests.portals import open_portal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.portals import Portal
    from tests.services.postgres import Cluster

ROWS = 200
KILLS = 12
KILLS_WHOLE = 1000
LATEST = 0.25
"""Seconds after the go within which the process is killed; a decision over 200 rows takes about a tenth of one."""


def child(folder: Path, key: str) -> subprocess.Popen[str]:
    """The process that approves, ready to be told to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.approve_and_die", str(folder / "district.toml"), key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process: subprocess.Popen[str], after: float) -> str:
    """Say go, kill after so many seconds, return what the process managed to say."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    return said


def fill(portal: Portal) -> None:
    school = portal.school()
    with portal.office.writing() as connection:
        for table in (t.student, t.account, t.membership, t.registration):
            connection.execute(table.insert(), [_row(table.name, n, school) for n in range(1, ROWS + 1)])


def _row(table: str, n: int, school: int) -> dict[str, object]:
    day = date(2026, 9, 1)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return {
        "student": {"id": n, "source_id": f"s{n}", "number": str(n), "given_name": "Kim", "family_name": "Vale", "school_id": school},
        "account": {
            "id": n, "type": "parent", "login": f"p{n}", "login_key": f"p{n}", "given_name": "Pat", "family_name": "Vale",
            "status": "active", "since": day,
        },
        "membership": {"id": n, "account_id": n, "student_id": n, "status": "limited", "arrival_status": "limited", "since": day},
        "registration": {
            "id": n, "ref": f"r{n}", "kind": "parent", "arrived_at": at, "account_id": n, "student_id": n, "membership_id": n,
            "school_id": school, "given_name": "Pat", "family_name": "Vale", "student_number": str(n), "match": 4,
        },
    }[table]  # fmt: skip


def check(portal: Portal, said: str) -> int:
    """All or nothing, for the cases, the ties, the records, the notices and the batch. Returns how many were approved."""
    approved = portal.all(sa.select(sa.func.count()).where(t.registration.c.state == "approved"))[0][0]
    ties = portal.all(sa.select(sa.func.count()).where(t.membership.c.status == "approved"))[0][0]
    assert approved in (0, ROWS)
    assert ties == approved
    size = portal.office.size()
    records = portal.all(sa.select(sa.func.count()).select_from(t.record).where(t.record.c.log == Log.LEDGER))[0][0]
    assert records == size
    if said:
        assert approved == ROWS, "the process said it was saved"
    return int(approved)


def campaign(folder: Path, url: str, kills: int) -> tuple[int, int]:
    """So many kills; returns how often the decision was there afterwards and how often not."""
    portal = open_portal(url, folder)
    fill(portal)
    (folder / "district.toml").write_text(
        Settings.example({"database.url": url, "portal.origin": "test.example/ledger"}), encoding="utf-8"
    )
    dice = random.Random(20261121)
    there = 0
    for n in range(kills):
        process = child(folder, f"kill {n}")
        said = killed(process, dice.uniform(0, LATEST))
        portal.office.seal()
        if check(portal, said):
            there += 1
            batch = portal.all(sa.select(t.batch.c.id).order_by(t.batch.c.at.desc(), t.batch.c.id).limit(1))
            assert batch
            last = portal.all(
                sa.select(t.record.c.batch)
                .where(t.record.c.log == Log.LEDGER)
                .order_by(t.record.c.index.desc())
                .limit(1)
            )[0][0]
            assert portal.undo(last).done == ROWS
    verdict = verify(portal.office)
    assert verdict.holds, verdict.sentences
    portal.office.engine.dispose()
    return there, kills - there


@pytest.mark.campaign
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_kill_in_a_bulk_approval_leaves_all_or_nothing(
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    whole: bool,
    record_property: Callable[[str, object], None],
) -> None:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    kills = KILLS_WHOLE if whole else KILLS
    if engine == "sqlite":
        there, gone = campaign(tmp_path, url, kills)
    else:
        cluster: Cluster = request.getfixturevalue("postgres")
        there, gone = campaign(tmp_path, cluster.fresh_database(), kills)
    assert there + gone == kills
    record_property("kills", f"{engine}: {kills} kills, {there} saved whole, {gone} not at all")
