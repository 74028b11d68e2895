"""The emergency login is used: recorded as every sign-in, and told at once to who would know whether that was right.

Told are every other district administrator with an address, and the addresses of `directory.alerts` and `mail.alerts`, each once, by
notices in the outbox of the very transaction that signs them in: nobody comes in by it untold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.authority import Role
from console.ids import batch_id
from console.lazy import sa, t
from console.signin.recording import DESK, record
from models.words import OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime

    from console.office import Office

TEMPLATE = "break-glass-used"


def announce_break_glass(connection: sa.Connection, office: Office, operator_id: int, now: datetime) -> int:
    """Tell of the sign-in of a break-glass operator; of any other nothing. Returns how many notices."""
    o = t.operator.c
    row = connection.execute(sa.select(o.name, o.break_glass).where(o.id == operator_id)).one()
    if not row.break_glass:
        return 0
    settings = office.settings
    others = sa.select(o.email).where(
        o.id != operator_id,
        o.role == Role.DISTRICT_ADMINISTRATOR,
        o.status == OperatorStatus.ACTIVE,
        o.unattended.is_(sa.false()),
        o.email.is_not(None),
    )
    addresses = dict.fromkeys(
        (*connection.execute(others).scalars(), *settings.directory.alerts, *settings.mail.alerts)
    )
    record(connection, "break_glass", operator_id, now, by=operator_id, params={"told": len(addresses)})
    if not addresses:
        return 0
    batch = batch_id(office.random)
    when = f"{now.astimezone(settings.portal.zone):%Y-%m-%d %H:%M}"
    text = f"Somebody signed in with the emergency login {row.name} of {settings.portal.name}, on {when}."
    sealed = office.vault.seal("notice", "sealed", batch, text.encode())
    connection.execute(
        t.notice.insert(),
        [
            {
                "batch": batch,
                "desk": DESK,
                "case_id": operator_id,
                "template": TEMPLATE,
                "address": address,
                "sealed": sealed,
                "made_at": now,
                "not_before": now,
            }
            for address in addresses
        ],
    )
    return len(addresses)
