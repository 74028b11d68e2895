"""The worker: what merely follows a decision or an arrival is done here, in short steps that may run late, often, or twice at once.

Nothing that must be true at a moment waits for it: expiry, holds, deferral dates and the end of grants are derived by the views
(DESIGN). A step is a transaction of its own or several bounded ones; each claims its rows on the database – `FOR UPDATE SKIP
LOCKED` on PostgreSQL, the only write lock on SQLite, and an update conditioned on what it read – so several workers share the work
and kill -9 leaves it where it was. What can go wrong in sending, and what is then known, stands in `console.notices.outbox`.

A step that cannot be done says why and does not keep the others from being done.
"""

from __future__ import annotations

import logging
import queue
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize_everywhere
from console.errors import ConsoleError, Exit
from console.lazy import sa, t
from models.words import RegistrationState

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.authority import Operator
    from console.desk import Sight
    from console.notices.mailer import Mailer
    from console.office import Office

A_MATCH = 1_000
"""Waiting registrations that one transaction judges anew."""

_log = logging.getLogger("district.work")


@dataclass(slots=True)
class Round:
    """What one round did: a count for each thing, sentences for a person, and what could not be done."""

    counts: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    troubles: list[ConsoleError] = field(default_factory=list)

    @property
    def exit(self) -> Exit:
        """Done, or the code of the first trouble."""
        return self.troubles[0].exit if self.troubles else Exit.DONE


class Worker:
    """One worker. `mailer` is None where no mail server is configured: notices wait then."""

    def __init__(self, office: Office, operator: Operator, mailer: Mailer | None) -> None:
        """Raises Refused for an operator without the right to work, or of some schools: it works for all."""
        authorize_everywhere(operator, Permission.WORK)
        self._office = office
        self._operator = operator
        self._mailer = mailer
        self._stopped = False
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._judged: tuple[Any, ...] = ()
        self._silent_about_mail = False

    def stop(self) -> None:
        """End after the current step, or message; safe to call from a signal's handler.

        An event is not: its lock may be held by the very thread that the handler interrupts. A simple queue may be put to anywhere.
        """
        self._stopped = True
        self._woken.put(None)

    def run(self, interval: float, told: Callable[[Round], None]) -> None:
        """Round after round, `interval` seconds apart, until `stop`; `told` hears of each."""
        while not self._stopped:
            told(self.once())
            with suppress(queue.Empty):
                self._woken.get(timeout=interval)

    def once(self) -> Round:
        """One round of every step."""
        done = Round()
        for step in (self._take_in, self._match, self._remind, self._purge, self._tell, self._send):
            if self._stopped:
                break
            try:
                step(done)
            except ConsoleError as trouble:
                _log.warning("%s: %s", step.__name__.strip("_"), trouble)
                done.troubles.append(trouble)
            except Exception as mistake:  # noqa: BLE001 - nobody watches: a mistake in one step must not stop the notices
                name = step.__name__.strip("_")
                _log.critical("%s: %s", name, type(mistake).__name__)
                done.troubles.append(
                    ConsoleError(
                        f"The worker made a mistake ({name}, {type(mistake).__name__}); the other steps were done."
                    )
                )
        return done

    def _sight(self) -> Sight:
        return self._office.sight(self._operator)

    def _take_in(self, done: Round) -> None:
        """What the portal left in the intake tables; that a challenge arrived is told."""
        from console.intake.taking import take_intake
        from console.notices.alerting import alert_unseen

        report = take_intake(self._office, self._operator)
        done.counts["taken"] = sum(each.moved for each in report.kinds)
        if report.refused:
            done.said.append(f"{report.refused:,} rows of the intake tables were refused; the column refused says why.")
        done.counts["alerts"] = alert_unseen(self._office, self._sight())

    def _match(self, done: Round) -> None:
        """Facts and flags of what waits, if anything was decided or imported since, or a day began."""
        from console.evidence import recompute

        office, sight, r = self._office, self._sight(), t.registration.c
        state = (office.size(), sight.today)
        if state == self._judged:
            return
        waiting = r.state.in_((RegistrationState.SUBMITTED, RegistrationState.NEEDS_INFO, RegistrationState.DEFERRED))
        last = 0
        while not self._stopped:
            some = sa.select(r.id).where(waiting, r.id > last).order_by(r.id).limit(A_MATCH)
            with office.writing() as connection:
                ids = connection.execute(some).scalars().all()
                if ids:
                    between = sa.and_(waiting, r.id > last, r.id <= ids[-1])
                    recompute(connection, sight.today, sight.settings.policy.families_threshold, between)
            done.counts["matched"] = done.counts.get("matched", 0) + len(ids)
            if len(ids) < A_MATCH:
                self._judged = state
                return
            last = ids[-1]

    def _remind(self, done: Round) -> None:
        """Whoever was asked and has half of the time left; whoever owes a challenge an answer by tomorrow."""
        from console.notices.alerting import alert_due
        from console.notices.reminding import remind_applicants

        sight = self._sight()
        done.counts["reminders"] = remind_applicants(self._office, sight) + alert_due(self._office, sight)

    def _purge(self, done: Round) -> None:
        from console.purging import purge_accounts

        done.counts["purged"] = purge_accounts(self._office, self._sight())

    def _tell(self, done: Round) -> None:
        """What was in a dead worker's hand, and of messages that did not arrive."""
        from console.notices.alerting import tell_failures
        from console.notices.outbox import let_go

        lost = let_go(self._office)
        if lost:
            done.counts["unknown"] = lost
        done.counts["alerts"] = done.counts.get("alerts", 0) + tell_failures(self._office, self._sight())

    def _send(self, done: Round) -> None:
        from console.notices.outbox import due
        from console.notices.sending import send_due

        if self._mailer is None:
            with self._office.reading() as connection:
                waiting = due(connection, self._office.clock.now())
            if waiting and not self._silent_about_mail:
                self._silent_about_mail = True
                done.said.append(
                    f"No mail server is configured, so {waiting:,} notices wait. Set mail.host to send them."
                )
            return
        sent = send_due(self._office, self._mailer, lambda: self._stopped)
        done.counts |= {"sent": sent.sent, "later": sent.later, "failed": sent.failed}
        done.counts["unknown"] = done.counts.get("unknown", 0) + sent.unknown
        if sent.trouble is not None:
            raise sent.trouble
