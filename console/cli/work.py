"""`district work`: the worker, as a loop for a service or once for cron."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from console.cli.opening import open_office, session, settings, who
from console.cli.output import say

if TYPE_CHECKING:
    from types import FrameType

    from console.working import Round

UNATTENDED = "intake"
"""The operator whom `district init` hires for this; --operator names another."""

WORDS = {
    "taken": "taken in",
    "alerts": "alerts",
    "reminders": "reminders",
    "purged": "accounts purged",
    "sent": "notices sent",
    "later": "to try later",
    "failed": "failed",
    "unknown": "unknown",
}
"""What a round is said to have done; what it did none of is left out."""


@click.command("work")
@click.option("--once", is_flag=True, help="One round and no more, as from cron.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 86_400),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to sleep between rounds.",
)
@click.pass_context
def command(ctx: click.Context, once: bool, interval: float) -> int:
    """Send what is due, take in what the portal left, match again, remind and purge.

    Nothing here decides who may see what: that holds at once, without a worker. Several may run at the same time. SIGTERM ends
    one after its current step.
    """
    from console.notices.mailer import SmtpMailer
    from console.working import Worker

    office = open_office(ctx)
    own = session(ctx)
    own.operator_name = own.operator_name or UNATTENDED
    operator = who(ctx)
    mail = settings(ctx).mail
    worker = Worker(office, operator, SmtpMailer(mail) if mail.host else None)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if once:
            done = worker.once()
            tell(done)
            return int(done.exit)
        worker.run(interval, tell)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def tell(done: Round) -> None:
    """Say what a round did, where it did something."""
    did = [f"{done.counts[name]:,} {words}" for name, words in WORDS.items() if done.counts.get(name)]
    if did:
        say(", ".join(did) + ".")
    for sentence in done.said:
        say(sentence)
    for trouble in done.troubles:
        say(str(trouble))
