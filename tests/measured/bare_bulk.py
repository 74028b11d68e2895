"""The least that an approval of very many registrations can cost in SQL: what `console.deciding` is measured against.

One transaction: the records put together in SQL and inserted, byte for byte what the console would write; the ties and the cases
updated, each with a version of its own. No case is judged, pinned or locked beforehand, nothing is hashed, nothing is signed.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from models.engine import writing
from tests.portals import NOON

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Engine

BATCH = "BARE-0001"
_AT = NOON.astimezone(UTC)

_BEFORE = """'{{"decided_at":null,"decided_by":null,"membership.since":"' || m.since || '","membership.status":"' || m.status
|| '","membership.verified_at":null,"state":"' || r.state || '"}}'"""
_AFTER = (
    '{{"decided_at":"{iso}","decided_by":1,"membership.since":"{today}","membership.status":"approved",'
    '"membership.verified_at":"{iso}","state":"approved"}}'
)
_BODY = f"""'{{{{"action":"registrations.approve","after":{_AFTER},"at":"{{at}}","batch":"{BATCH}","before":' || {_BEFORE}
|| ',"case":' || r.id || ',"desk":"registrations","detail":"","index":' || r.number || ',"kind":"decision","log":"ledger",'
|| '"operator":1,"params":{{{{}}}},"subject":"state","ties":{{{{"membership":' || m.id || '}}}}}}}}'"""

RECORDS = f"""
INSERT INTO record (log, "index", at, operator_id, kind, desk, action, case_id, batch, from_state, to_state, body)
SELECT 'ledger', r.number, '{{stored}}', 1, 'decision', 'registrations', 'registrations.approve', r.id, '{BATCH}', r.state,
       'approved', {_BODY}
FROM (SELECT id, state, membership_id, {{size}} - 1 + row_number() OVER (ORDER BY id) AS number
      FROM registration WHERE state = 'submitted') r
JOIN membership m ON m.id = r.membership_id
"""
TIES = """
UPDATE membership SET status = 'approved', since = '{today}', verified_at = '{stored}', version = {size} + membership.id
FROM registration r WHERE r.membership_id = membership.id AND r.state = 'submitted'
"""
CASES = """
UPDATE registration SET state = 'approved', decided_at = '{stored}', decided_by = 1, version = {size} + id
WHERE state = 'submitted'
"""


def approve(engine: Engine, today: date) -> int:
    """Approve everything that waits; returns how many cases it were."""
    with writing(engine) as connection:
        run = connection.exec_driver_sql
        words = {
            "at": _AT.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "iso": _AT.isoformat(),
            "stored": f"{_AT:%Y-%m-%d %H:%M:%S.%f}",
            "today": today.isoformat(),
            "size": run("SELECT size FROM log_head WHERE log = 'ledger'").scalar_one(),
        }
        run(RECORDS.format(**words))
        run(TIES.format(**words))
        return run(CASES.format(**words)).rowcount
