"""A portal that lives through a history: each step is taken for real, and after each the promises are looked at.

What is looked at, and when: after every step the views against the oracle, on several days; around every decision its plan, its
receipt and its records; around every refusal that nothing at all changed; after an undo that what was is back; at the end that
every access is explained, every receipt is found again, and the ledger verifies.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.access import explain, who_can_see
from console.deciding.choosing import objections, taking_part
from console.desks import DESKS, desk
from console.errors import ConsoleError, Refused, Usage
from console.intake.taking import take_intake
from console.ledger.verifying import verify
from console.params import read_params
from console.selection import Receipt, Selection
from console.working import Worker
from models import tables as t
from tests.histories import Arrive, Decide, Move, Step, Take, Tally, Undo, Wait, Work
from tests.oracle import can_act, everything, is_alive, read_world, sees
from tests.rows_and_records import changes, lasting, rows_of, tell_the_truth
from tests.small_district import ADMINISTRATOR, PASSING, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from console.authority import Operator
    from console.desk import Decision, Desk
    from console.selection import Plan
    from tests.portals import Portal

DAYS = (-10, 0, 1, 8, 45, 200)
"""Days around the day of each step on which the views are asked."""
PERIODS = sa.select(
    *(sa.column(name) for name in ("viewer", "student", "class", "via")),
    *(sa.column(name, sa.Date) for name in ("from", "until")),
).select_from(sa.table("portal_access_period"))
NOBODY = 999
"""A number that nothing has."""


class Life:
    """One portal and what has happened to it."""

    def __init__(self, portal: Portal, tally: Tally) -> None:
        self.portal = portal
        self.office = portal.office
        self.tally = tally
        self.calls: list[tuple[Callable[[], Receipt], Receipt]] = []
        self.batches: list[str] = []
        self.sizes = [self.office.size()]
        self.number = 0
        self._note()

    def live(self, steps: list[Step]) -> None:
        """Take the steps, and look."""
        self.look()
        for step in steps:
            self.take(step)
            self.tally.steps += 1
            self.look()
        self.end()

    def take(self, step: Step) -> None:
        """Take one step."""
        match step:
            case Decide():
                self._decide(step)
            case Undo():
                if self.batches:
                    self._undo(self.batches[-1 - step.back % len(self.batches)], step.by)
            case Arrive():
                self._arrive(step)
            case Take():
                take_intake(self.office, self.office.operator("intake"))
            case Work():
                assert not Worker(self.office, self.office.operator("intake"), None).once().troubles
            case Move():
                run(self.portal, MOVES[step.what % len(MOVES)](self, step.place, step.days))
            case Wait():
                self.portal.clock.advance(timedelta(days=step.days))
        if not isinstance(step, Decide | Undo):
            self._note()

    # ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _decide(self, step: Decide) -> None:
        operator, of, office = self.office.operator(step.by), desk(step.desk), self.office
        calls = [call for call in (self._wished(of, operator, *wish) for wish in step.wishes) if call is not None]
        if not calls:
            return
        fits = [(made, params, self._cases(of, operator, made, params)) for made, params in calls if step.fitting]
        made, params, cases = next((each for each in fits if each[2]), (*calls[0], []))
        selection = self._selection(step, of, operator, made, cases)
        greyed = self._greyed(operator, of, made, selection)
        planned = attempted(lambda: office.plan(operator, of, made, selection, params))
        key = self._key()

        def call() -> Receipt:
            return office.decide(operator, of, made, selection, params, key)

        receipt = attempted(call)
        before, shown = self.rows, self.shown
        self._note()
        where = f"{of.name}.{made.name}"
        if isinstance(receipt, ConsoleError) or not receipt.done:
            self.tally.count(self.tally.refused, where)
            self._nothing(before, receipt, planned, params)
            return
        self.tally.count(self.tally.done, where)
        assert not greyed, (greyed, receipt)
        assert not isinstance(planned, ConsoleError), planned
        assert (planned.count, planned.skipped, planned.notices) == (receipt.done, receipt.skipped, receipt.notices)
        assert planned.skipped_count == receipt.skipped_count
        more, less = pairs(self.shown - shown), pairs(shown - self.shown)
        assert (planned.opens, planned.closes) == (len(more), len(less)), (where, planned, more, less)
        assert not made.closes or not self._not_professionals(more), (where, more)
        self._done(call, receipt, before)
        assert len(self.rows["notice"].keys() - before["notice"].keys()) == receipt.notices
        if step.then != "stay" and made.undoable:
            self._at_once(receipt, before, step.then)

    def _not_professionals(self, gains: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of the pairs that no grant explains: whom a closed tie silences may have said no to one."""
        return {pair for pair in gains if self.portal.one(t.account, pair[0]).type != "asp"}

    def _wished(self, of: Desk, operator: Operator, name: str, typed: dict[str, Any]) -> tuple[Decision, Any] | None:
        """The decision with its parameters; None where what was typed cannot be read."""
        made = of.decision(name)
        try:
            return made, read_params(made.Params, typed, self.office.sight(operator).calendar)
        except Usage:
            return None

    def _selection(self, step: Decide, of: Desk, operator: Operator, made: Decision, fitting: list[int]) -> Selection:
        watermark = self.sizes[step.places[0] % len(self.sizes)] if step.stale else None
        manner = step.manner if made.bulk or step.places[0] == 0 else "one"
        if manner == "all":
            return Selection(where="", but=step.places[1:], watermark=watermark)
        cases = fitting or [*self._cases(of, operator), NOBODY]
        chosen = [cases[place % len(cases)] for place in step.places]
        return Selection(ids=tuple(dict.fromkeys(chosen[:1] if manner == "one" else chosen)), watermark=watermark)

    def _cases(self, of: Desk, operator: Operator, made: Decision | None = None, params: Any = None) -> list[int]:
        """The desk's cases; with a decision those that can take it, should there be any."""
        sight = self.office.sight(operator)
        query = sa.select(of.key()).select_from(of.source()).order_by(of.key())
        if of.name == "operators":
            query = query.where(t.operator.c.name.in_(PASSING))  # who takes the steps stays able to take them
        if made is not None:
            try:
                made.check(params, sight)
            except ConsoleError:
                return []
            query = query.where(*taking_part(objections(of, made, params, sight, bulk=False, watermark=None)))
        with self.office.reading() as connection:
            return list(connection.execute(query).scalars())

    def _greyed(self, operator: Operator, of: Desk, made: Decision, selection: Selection) -> str | None:
        """Why the key for it is greyed out beside the one case, if it is."""
        if not selection.single or selection.ids is None:
            return None
        view = attempted(lambda: self.office.case(operator, of, (selection.ids or (0,))[0]))
        if isinstance(view, ConsoleError):
            return None
        return view.decisions[made.name]

    def _nothing(self, before: Any, receipt: Receipt | ConsoleError, planned: Plan | ConsoleError, params: Any) -> None:
        """Nothing was done: nothing changed, and the plan said so."""
        assert not changes(before, self.rows), receipt
        if isinstance(planned, ConsoleError):
            assert str(planned) == str(receipt)
        elif isinstance(receipt, ConsoleError):
            assert planned.reason_needed
            assert planned.count
            assert not params.reason.strip()
        else:
            assert receipt.batch is None
            assert (planned.count, planned.opens, planned.closes, planned.notices) == (0, 0, 0, 0)
            assert (planned.skipped, planned.skipped_count) == (receipt.skipped, receipt.skipped_count)

    def _done(self, call: Callable[[], Receipt], receipt: Receipt, before: Any) -> None:
        assert receipt.batch is not None
        self.batches.append(receipt.batch)
        self.calls.append((call, receipt))
        tell_the_truth(self.portal, receipt.batch, before, self.rows)

    def _at_once(self, receipt: Receipt, before: Any, then: str) -> None:
        """Undo it at once, and that too where `then` says so: what was is back."""
        after, redone = self.rows, None
        undone = self._undo(receipt.batch or "", ADMINISTRATOR)
        assert not isinstance(undone, ConsoleError), undone
        assert (undone.done, undone.skipped) == (receipt.done, ())
        assert not (left := lasting(before, self.rows)), left
        if then == "redo":
            redone = self._undo(undone.batch or "", ADMINISTRATOR)
            assert not isinstance(redone, ConsoleError), redone
            assert (redone.done, redone.skipped) == (receipt.done, ())
            assert not (left := lasting(after, self.rows)), left

    def _undo(self, batch: str, by: str) -> Receipt | ConsoleError:
        operator, key = self.office.operator(by), self._key()

        def call() -> Receipt:
            return self.office.undo(operator, batch, key)

        receipt = attempted(call)
        before = self.rows
        self._note()
        if isinstance(receipt, ConsoleError) or not receipt.done:
            assert not changes(before, self.rows), receipt
            self.tally.count(self.tally.refused, "undo")
            return receipt
        self.tally.count(self.tally.done, "undo")
        cases = self.portal.all(sa.select(t.batch.c.done).where(t.batch.c.id == batch))[0][0]
        left = cases - receipt.done - receipt.skipped_count
        assert left == 0 if operator.schools is None else left >= 0, "a case of another school does not exist"
        self._done(call, receipt, before)
        return receipt

    # ── what the portal and the roster do ───────────────────────────────────────────────────────────────────────────

    def _arrive(self, step: Arrive) -> None:
        """Something lies in the intake; whatever the places name, sensible or not."""
        one, two, three = step.places
        logins, students, grants = (
            self._column(t.account, "login"),
            self._numbers(),
            self._column(t.access_grant, "ref"),
        )
        ref, now = f"arrival-{self.number}", self.portal.clock.now()
        self.number += 1
        whose, login = students[one % len(students)], logins[two % len(logins)]
        typed = (login.upper(), login.lower(), login)[three % 3]
        match step.what:
            case "challenge":
                ties = self.portal.all(sa.select(t.membership.c.account_id, t.membership.c.student_id).order_by("id"))
                tie = ties[one % len(ties)]
                by = logins[two % len(logins)] if step.yes else self._parent(tie.student_id, two)
                new = {
                    "arrived_at": now,
                    "challenger": by,
                    "challenged": self.portal.one(t.account, tie.account_id).login,
                    "student_number": self.portal.one(t.student, tie.student_id).number,
                    "statement": "I do not know them.",
                }
                table = t.intake_challenge
            case "consent":
                grant = self.portal.one(t.access_grant, 1 + one % len(grants))
                new = {"at": now, "grant_ref": grant.ref, "gives": step.yes}
                new["login"] = self._parent(grant.student_id, two).upper() if three % 3 else typed
                table = t.intake_consent
            case "registration":
                kind = ("parent", "parent", "student", "asp")[three % 4]
                named = typed if three % 5 == 0 else f"new{self.number}"
                new = {
                    "kind": kind,
                    "arrived_at": now,
                    "login": named,
                    "given_name": "Pat",
                    "family_name": "Vale",
                    "student_number": whose if step.yes else str(NOBODY),
                    "email": f"{named}@mail.example",
                    "organisation": "Tutors",
                }
                table = t.intake_registration
            case "answer":
                of = ("registrations", "challenges")[two % 2]
                refs = self._column(desk(of).case(), "ref")
                new = {
                    "at": now,
                    "desk": of,
                    "case_ref": refs[one % len(refs)],
                    "text": "Yes.",
                    "withdraws": not step.yes,
                }
                table = t.intake_answer
            case "grant":
                new = {
                    "arrived_at": now,
                    "login": ("Tutor", "coach", login)[three % 3],
                    "student_number": whose,
                    "purpose": "homework",
                    "begins": self.portal.today + timedelta(days=two - 10) if step.yes else None,
                    "ends": self.portal.today + timedelta(days=three) if step.yes else None,
                }
                table = t.intake_grant
        run(self.portal, table.insert().values(ref=ref, **new))

    def _column(self, table: sa.Table, name: str) -> list[Any]:
        return [row[0] for row in self.portal.all(sa.select(table.c[name]).order_by(table.c.id))]

    def _numbers(self) -> list[str]:
        return self._column(t.student, "number")

    def _parent(self, student: int, place: int) -> str:
        """The login of somebody tied to the student."""
        m, a = t.membership.c, t.account.c
        query = (
            sa.select(a.login).join(t.membership, m.account_id == a.id).where(m.student_id == student).order_by(a.id)
        )
        tied = [row[0] for row in self.portal.all(query)] or ["nobody"]
        return str(tied[place % len(tied)])

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """The views say what the rules say, and the grants' desk says what the views do."""
        today = self.portal.today
        days = [today + timedelta(days=step) for step in DAYS]
        with self.office.reading() as connection:
            world = read_world(connection)
        for day in days:
            assert self._shown(day) == everything(world, day), day
        with self.office.reading() as connection:
            of = desk("grants")
            states = connection.execute(
                sa.select(t.access_grant.c.id, of.state(self.office.sight(self.portal.operator()))).select_from(
                    of.source()
                )
            )
            alive = {number for number, state in states if state == "alive"}
        assert alive == {
            grant.id
            for grant in world.grants
            if is_alive(world, grant, today) and can_act(world.account(grant.account), today)
        }

    def end(self) -> None:
        """Every tie is explained, and everybody for one student; every call finds its receipt; every log verifies."""
        with self.office.reading() as connection:
            world = read_world(connection)
            wholly = world.students[self.number % len(world.students)]
            tied = {(tie.account, tie.student) for tie in (*world.ties, *world.grants)}
            for student in world.students:
                readers = {reader.viewer for reader in who_can_see(connection, student.id, self.portal.today)}
                assert readers == {viewer for viewer, whose, _ in self.shown if whose == student.id}
                for account in world.accounts:
                    if student is wholly or (account.id, student.id) in tied:
                        told = explain(connection, account.id, student.id, self.portal.today)
                        assert set(told.classes) == sees(world, account, student, self.portal.today)
                        assert told.classes or all(map(str.strip, told.reasons or ("",))), told
        before = rows_of(self.portal)
        for call, receipt in self.calls:
            assert call() == replace(receipt, again=True)
        assert not changes(before, rows_of(self.portal))
        self.office.accesses.flush()
        for name in DESKS:
            self.office.queue(self.portal.operator(), desk(name)).first(50)
        verdict = verify(self.office)
        assert verdict.holds, verdict.sentences

    def _note(self) -> None:
        """Keep what is there now, to compare with later."""
        self.rows = rows_of(self.portal)
        self.periods = [tuple(row) for row in self.portal.all(PERIODS)]
        self.shown = self._shown(self.portal.today)
        if (size := self.office.size()) != self.sizes[-1]:
            self.sizes.append(size)

    def _shown(self, day: date) -> set[tuple[int, int, str]]:
        """Every (viewer, student, class) of a day, as the portal reads it; no tie says the same twice."""
        rows = [row[:4] for row in self.periods if row[4] <= day and (row[5] is None or day < row[5])]
        assert len(rows) == len(set(rows)), day
        return {row[:3] for row in rows}

    def _key(self) -> str:
        self.number += 1
        return f"call-{self.number}"


def _move_enrollment(life: Life, place: int, days: int) -> Any:
    return _some(life, t.enrollment, place).values(ends=life.portal.today + timedelta(days=days), active=days != 0)


def _enrol_again(life: Life, place: int, days: int) -> Any:
    return _some(life, t.enrollment, place).values(
        begins=life.portal.today + timedelta(days=days), ends=None, active=True
    )


def _change_home(life: Life, place: int, days: int) -> Any:
    return _some(life, t.student, place).values(school_id=(1, 2, 3, None)[days % 4])


def _grow_up(life: Life, place: int, days: int) -> Any:
    return _some(life, t.student, place).values(adult_on=life.portal.today + timedelta(days=days))


def _renumber(life: Life, place: int, days: int) -> Any:
    numbers = life._numbers()
    return _some(life, t.student, place).values(number=numbers[days % len(numbers)])


def _change_post(life: Life, place: int, days: int) -> Any:
    return _some(life, t.post, place).values(ends=life.portal.today + timedelta(days=days))


def _change_agreement(life: Life, place: int, days: int) -> Any:
    ends = life.portal.today + timedelta(days=days)
    return _some(life, t.organisation, place).values(agreement_until=ends, agreement_required=days != 1)


def _restrict(life: Life, place: int, days: int) -> Any:
    return _some(life, t.student, place).values(status="withdrawn" if days < 0 else "active")


def _some(life: Life, table: sa.Table, place: int) -> Any:
    ids = life._column(table, "id")
    return table.update().where(table.c.id == ids[place % len(ids)])


MOVES: tuple[Callable[[Life, int, int], Any], ...] = (
    _move_enrollment,
    _enrol_again,
    _change_home,
    _grow_up,
    _renumber,
    _change_post,
    _change_agreement,
    _restrict,
)


def attempted(call: Callable[[], Any]) -> Any:
    """What the call gives, or the sentence with which it was refused; anything else that goes wrong is a mistake."""
    try:
        return call()
    except (Refused, Usage) as refusal:
        return refusal


def pairs(classes: set[tuple[int, int, str]]) -> set[tuple[int, int]]:
    return {(viewer, student) for viewer, student, _ in classes}
