"""The office: where operators, desks, the database and the ledger meet. Screens and commands call this and nothing below it.

`decide` is the only way a person at the console changes the portal's data. Each call is one unit of work; what comes back are frozen
values. What goes wrong comes back as one sentence.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Any

from console.accesses import Accesses
from console.authority import authorize
from console.browse import Browse, Order
from console.deciding import Call, Committed, decide, repeated
from console.deciding.planning import plan
from console.deciding.undoing import undo, undo_digest
from console.desk import Sight
from console.errors import ConsoleError, Refused, Rested, Unavailable
from console.faults import UNCONFIRMED, asks_to_repeat, saying
from console.lazy import sa, t
from console.ledger.log import lock_head, read_size
from console.progress import SILENT
from models.words import Log, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.assurance import Assurance
    from console.authority import Operator
    from console.case_view import CaseView
    from console.clock import Clock
    from console.deciding.disclosing import Shown
    from console.desk import Decision, Desk, Disclosure
    from console.directory import Directory
    from console.ids import RandomSource
    from console.ledger.merkle import Growth
    from console.ledger.seal import Signer
    from console.progress import Progress
    from console.reports.exporting import Exported, Wanted
    from console.reports.leave import ExportPlan
    from console.selection import Plan, Receipt, Selection
    from console.settings import Settings
    from console.signin.factor import Used
    from console.vault import Vault

_log = logging.getLogger("district.office")
TRIES = 3
"""Attempts at a transaction that the database asked to repeat (deadlock, serialisation)."""
NEVER_SAVED = "The database went down before it was saved; nothing was done. Try again."
"""Of a commit that was not confirmed in time and is found not to be there once everything is decided."""


class Office:
    """One portal's office. Thread-safe: each call opens its own transaction."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Clock,
        random: RandomSource,
        vault: Vault,
        signer: Signer,
        assurance: Assurance,
        directory: Directory | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.clock = clock
        self.random = random
        self.vault = vault
        self.signer = signer
        self.assurance = assurance
        self.directory = directory
        self.accesses = Accesses(self)
        self.names_files = True
        """Whether who works here may name files of this machine. At a screen over SSH they may not: the account is everybody's."""

    @contextmanager
    def reading(self, operator: Operator | None = None) -> Iterator[sa.Connection]:
        """A transaction that only reads, for an operator who is still here, or for the house itself. Raises SignedOut.

        For an operator of some schools PostgreSQL itself shows only their rows (models/row_scope.py).
        """
        from models.engine import reading

        schools = None if operator is None else operator.schools
        with saying("nothing was read"), reading(self.engine, schools=schools) as connection:
            if operator is not None:
                self.assurance.present(connection, operator, self.clock.now())
            yield connection

    @contextmanager
    def writing(self, operator: Operator | None = None, *, late: bool = False) -> Iterator[sa.Connection]:
        """A transaction that writes, for an operator who is still here, or for the house itself; committed at the end of the block.

        `late` as in `models.engine.writing`: an import, which is about the whole district. Raises SignedOut.
        """
        from models.engine import writing

        if late and operator is not None:
            # In a transaction of its own: one that has read would keep SQLite's other writers from committing.
            with self.reading(operator):
                pass
        schools = None if late or operator is None else operator.schools
        with saying("nothing was done"), writing(self.engine, late=late, schools=schools) as connection:
            if operator is not None and not late:
                self.assurance.present(connection, operator, self.clock.now())
            yield connection
            if operator is not None and late:
                # What took long ends for nobody who was signed out meanwhile; and it was no rest.
                with suppress(Rested):
                    self.assurance.present(connection, operator, self.clock.now())

    def operator(self, name: str) -> Operator:
        """The operator of that name, whom nothing vouches for yet. Raises Refused when there is none or they cannot work."""
        from console.operators import operator_of

        with self.reading() as connection:
            row = connection.execute(
                sa.select(t.operator).where(sa.func.lowered(t.operator.c.name) == name.lower())
            ).one_or_none()
            if row is None or row.status != OperatorStatus.ACTIVE:
                raise Refused(f"There is no operator {name!r} here; nothing was done. Name one with --operator.")
            return operator_of(connection, row)

    def sight(self, operator: Operator) -> Sight:
        """What the operator sees by now."""
        return Sight(operator, self.clock.now(), self.settings, self.vault.macs)

    def queue(self, operator: Operator, desk: Desk, where: str = "", order: Order | None = None) -> Browse:
        """A desk's queue. Raises Usage for a filter it does not understand, Refused without the right to see it."""
        authorize(operator, desk.see)
        with self.reading(operator) as connection:
            watermark = read_size(connection, Log.LEDGER)
        return Browse(partial(self.reading, operator), desk, self.sight(operator), where, order, watermark)

    def plan(self, operator: Operator, desk: Desk, decision: Decision, selection: Selection, params: Any) -> Plan:
        """What a decision would do. Changes nothing."""
        with self.reading(operator) as connection:
            call = Call(desk, decision, selection, params, "")
            sight = self.sight(operator)
            return decision.foreseen(connection, plan(connection, call, sight, self.assurance), sight, self.vault)

    def decide(
        self,
        operator: Operator,
        desk: Desk,
        decision: Decision,
        selection: Selection,
        params: Any,
        key: str,
        progress: Progress = SILENT,
    ) -> Receipt:
        """Decide. The same key with the same call returns the first receipt again, whatever became of the connection.

        Raises Cancelled where `progress` says so, which it can up to the commit: nothing was done then.
        """
        sight = self.sight(operator)
        call = Call(desk, decision, selection, params, key)
        return self.carry_out(
            lambda connection: decide(connection, call, sight, self.vault, self.random, self.assurance, progress),
            lambda connection: repeated(connection, sight, key, call.digest()),
            operator,
        )

    def step_up(self, operator: Operator, digest: bytes, code: str) -> Used | None:
        """Give a code of the second factor for the action of this digest: a plan's, or the one that CodeNeeded names.

        Raises Refused for a code that does not count. None where nobody is asked for one.
        """
        from console.signin.stepping_up import step_up

        return step_up(self, operator, digest, code)

    def undo(self, operator: Operator, batch: str, key: str, progress: Progress = SILENT) -> Receipt:
        """Undo a batch, where nothing changed since. Raises Cancelled as `decide`."""
        from console.desks import desk as desk_of

        sight = self.sight(operator)
        return self.carry_out(
            lambda connection: undo(
                connection, batch, sight, self.vault, self.random, key, desk_of, self.assurance, progress
            ),
            lambda connection: repeated(connection, sight, key, undo_digest(batch)),
            operator,
        )

    def export(self, operator: Operator, wanted: Wanted, key: str, progress: Progress = SILENT) -> Exported:
        """Write records with their proofs into a file; that they left the district is recorded first. Raises Cancelled."""
        from console.reports.exporting import export

        self._own_machine()
        return export(self, operator, wanted, key, progress)

    def plan_export(self, operator: Operator, wanted: Wanted) -> ExportPlan:
        """What an export would hold, and what it asks for first. Writes nothing."""
        from console.reports.exporting import plan_export

        self._own_machine()
        return plan_export(self, operator, wanted)

    def _own_machine(self) -> None:
        if not self.names_files:
            raise Refused(
                "Over SSH no file is written at the server; nothing was exported. From your own computer: "
                "ssh HOST district audit export --out - > report.zip"
            )

    def case(self, operator: Operator, desk: Desk, case: int) -> CaseView:
        """A case with everything beside it; that it was opened is recorded."""
        from console.opening import open_case

        return open_case(self, operator, desk, case)

    def disclose(
        self, operator: Operator, desk: Desk, disclosure: Disclosure, case: int, params: Any, key: str
    ) -> Shown:
        """Give what a disclosure gives of one case, once that is recorded and signed."""
        from console.deciding.disclosing import disclose

        return disclose(self, operator, desk, disclosure, case, params, key)

    def size(self, log: Log = Log.LEDGER) -> int:
        """How many records a log holds."""
        with self.reading() as connection:
            return read_size(connection, log)

    def seal(self, log: Log = Log.LEDGER, known: Growth | None = None) -> None:
        """Sign what the log holds. Raises Unverified when it does not continue what was signed, Unavailable if it may be lost yet."""
        from models.engine import confirm, has_standby

        with self.reading() as connection:
            # Whoever commits waits for the standby: what was just committed is there, and all before it. What another process left
            # unsigned may have been committed by a server that went down before its standby had it.
            confirmed = known is not None or not has_standby(connection)
            if confirmed or self.signer.signed_size(log) == read_size(connection, log):
                self.signer.seal(connection, log, known)
                return
        with self.writing() as connection:
            confirm(connection)
        with self.reading() as connection:
            self.signer.seal(connection, log)

    def carry_out(
        self,
        work: Callable[[sa.Connection], Committed],
        made: Callable[[sa.Connection], Receipt | None],
        operator: Operator | None = None,
        *,
        late: bool = False,
    ) -> Receipt:
        """Run `work` in a transaction for the operator, repeat it when the database asks, and sign what was committed.

        `made` finds the receipt of this very call. It is asked when the connection was lost while committing, which alone leaves
        open whether the work was saved; raises Unavailable that says so when there is no answer either.
        """
        done: Committed | None = None
        for attempt in range(TRIES):
            done = None
            try:
                with self.writing(operator, late=late) as connection:
                    done = work(connection)
                break
            except Unavailable as error:
                if done is not None:
                    return self._outcome(made, error)
                if not asks_to_repeat(error) or attempt == TRIES - 1:
                    raise
        assert done is not None  # noqa: S101 - the loop returns or raises
        if done.growth is not None:
            self._sign(done.growth)
        return done.receipt

    def _sign(self, known: Growth | None = None) -> None:
        """Sign what was saved. That it is saved is told whatever becomes of the signature: the next one covers it."""
        try:
            self.seal(known=known)
        except Exception as error:  # noqa: BLE001 - also one that nobody foresaw
            said = error if isinstance(error, ConsoleError) else type(error).__name__
            _log.critical("committed but not signed: %s", said)

    def _outcome(self, made: Callable[[sa.Connection], Receipt | None], error: Unavailable) -> Receipt:
        """What became of a commit whose answer was lost: the receipt when it was saved, the error when it was not.

        Whoever committed holds the head until it is decided: before that nobody can tell. A synchronous standby has it, too, when
        the transaction that looks has ended. SQLite's own answer is never lost: it is there to be read, also beside who keeps others
        from writing.
        """
        looking = self.reading if self.engine.dialect.name == "sqlite" else self.writing
        for pause in (0, 0.2, 1, 2):
            sleep(pause)
            try:
                with looking() as connection:
                    lock_head(connection, Log.LEDGER)
                    receipt = made(connection)
            except Unavailable:
                continue
            if receipt is None:
                raise error if str(error) != UNCONFIRMED else Unavailable(NEVER_SAVED)
            self._sign()
            return receipt
        if str(error) == UNCONFIRMED:
            raise error
        raise Unavailable(
            "The connection was lost while it was being saved, and it is not known whether it was. "
            "Look at your last decisions (district batches) before you repeat it."
        ) from error
