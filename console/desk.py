"""The one abstraction: a desk, its queue, its facts, its decisions.

A desk is declared in one file of `console/desks/`: everything that screens, commands, the palette, help, the permission matrix and
the ledger know of it comes from there. Declaring loads no database: queries are methods, run when a case is wanted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from console.drawn import drawn
from console.params import Calendar, Params
from console.progress import SILENT
from console.queue import Cell, Tone
from console.text import SafeText

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import sqlalchemy as sa

    from console.authority import Operator, Permission
    from console.case_view import Part
    from console.deciding import Committed
    from console.filters import Predicate, Term
    from console.progress import Progress
    from console.queue import Column
    from console.selection import Plan
    from console.settings import Settings
    from console.vault import Vault

Value = SafeText | int | bool | date | datetime | tuple[SafeText, ...] | None
"""What a queue's column holds before it is drawn: text is already masked and printable."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks, and when: what a query may depend on besides the database."""

    operator: Operator
    now: datetime
    settings: Settings
    macs: Callable[[str, str], tuple[bytes, ...]] | None = field(default=None, compare=False, repr=False)
    """For a purpose and a text, what stands for the text in columns that must not say it (`Vault.macs`)."""

    @property
    def today(self) -> date:
        """The date of `now` in the portal's time zone."""
        return self.now.astimezone(self.settings.portal.zone).date()

    @property
    def calendar(self) -> Calendar:
        """What words for days are measured from."""
        return Calendar(self.today, self.settings.portal.school_year_end)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a case cannot take part: where `holds` is true, `why` is said (`{state}` stands for the case's state).

    `unless` names the parameter, left out so far, with which an operator can still lift it: such a one disables no key.
    """

    holds: Predicate
    why: str
    unless: str = ""

    def said(self, state: str) -> str:
        """The reason for a case in this state."""
        return self.why.replace("{state}", state.replace("_", " "))


@dataclass(frozen=True, slots=True)
class NoticeFor:
    """A message that follows a decision: its template and whose address it goes to (a column of the desk's source).

    `where` limits it to some of the cases; `message` is what the operator wrote, kept encrypted.
    """

    template: str
    account: sa.ColumnElement[int]
    message: str = ""
    where: Predicate | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a decision requires before it may be carried out, given its plan."""

    reason: bool = False
    typed_count: bool = False
    step_up: bool = False
    """A code of the second factor, given for this very action."""
    second_person: bool = False
    """Another operator confirms it; until then nothing is changed."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a decision's own steps get inside the transaction: the rows chosen, who, when, under which batch."""

    connection: sa.Connection
    sight: Sight
    batch: str
    params: Params
    vault: Vault
    chosen: sa.Table
    seal_random: Any
    progress: Progress = SILENT


class Decision(ABC):
    """One thing an operator can decide about the cases of a desk.

    The declaration is everything: name, key and help for people; permission for `authorize`; `states` and `objections` for who may
    take part; `changes` for what becomes of it. Changes are columns of the desk's case or of its ties, each with a value or an
    expression over the desk's source; before and after are recorded by the office, which also undoes from that record.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    key: ClassVar[str] = ""
    permission: ClassVar[Permission]
    states: ClassVar[tuple[str, ...]] = ()
    Params: ClassVar[type[Params]] = Params
    bulk: ClassVar[bool] = True
    closes: ClassVar[bool] = False
    undoable: ClassVar[bool] = True
    needs_reason: ClassVar[bool] = False
    bootstraps: ClassVar[bool] = False
    """Whether it is carried out by one alone, on record as such, while nobody else works here who could ever confirm it."""

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        """What keeps a case out, the most telling first, besides its state. `bulk` is true for more than one case."""
        del params, sight, bulk
        return ()

    @abstractmethod
    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        """Columns to set, each with its new value or an expression over the desk's source."""

    def ties(self, desk: Desk, params: Any) -> Mapping[sa.Table, sa.ColumnElement[int]]:
        """The other rows it may change: the desk's, unless its parameters name one.

        A row's id is an expression over the desk's source, a scalar subquery where its table is not in there.
        """
        del params
        return desk.ties()

    def subject(self, params: Any) -> sa.Column[Any] | None:
        """The column whose value before and after is the record's `from` and `to`, one of the changed; None for the state column."""
        del params
        return None

    def access(self, params: Any, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]] | None:
        """For each case, how many (viewer, student) pairs will see more, and how many less.

        None, the exact way: the portal's own views are read over the rows as they would be (`console.deciding.imagining`). A desk
        whose bulk decisions are about very many cases may count by a simpler rule here.
        """
        del params, sight
        return None

    def check(self, params: Any, sight: Sight) -> None:
        """Raise Usage when the parameters do not fit together."""
        del params, sight

    def needs(self, params: Any, count: int) -> Needs:
        """What `count` cases of this decision require."""
        del params
        return Needs(reason=self.needs_reason, typed_count=count > 25)

    def step_up(self, params: Any, sight: Sight) -> Predicate | None:
        """True for the cases that ask for a code; None for none. What `needs` says holds for all."""
        del params, sight
        return None

    def second_person(self, params: Any, sight: Sight) -> Predicate | None:
        """True for the cases that another operator has to confirm, with all that are decided together; None for none."""
        del params, sight
        return None

    def foreseen(self, connection: sa.Connection, plan: Plan, sight: Sight, vault: Vault) -> Plan:
        """The plan as a person is shown it: of a decision that lets another happen, with what that one would do."""
        del connection, sight, vault
        return plan

    def underlying(self, work: Work) -> Committed | None:
        """Carry out the decision that this one lets happen, in a batch of its own; None for one that is all there is.

        It comes before this one is recorded. Where it does nothing, this one is not taken either.
        """
        del work
        return None

    def prepare(self, connection: sa.Connection, where: Predicate, params: Any, sight: Sight) -> None:
        """Make the rows that `ties` lead to and that are not there yet, for the cases where `where` holds; first of all steps.

        Such a row begins as what an undo leaves behind (deleted, removed), so that what becomes of it is a change like any other.
        """
        del connection, where, params, sight

    def reserved(self, sight: Sight) -> Sequence[Objection]:
        """What keeps a case out of this operator's undo, for it takes more than the decision's right: as the case is, or would be."""
        del sight
        return ()

    def lasting(self) -> Sequence[Objection]:
        """What keeps a case out of an undo, besides a change of its rows since: what came to depend on the decision."""
        return ()

    def carry_out(self, work: Work) -> None:
        """What the changes alone do not say (thread entries, deadlines, sealing), in the same transaction."""
        del work

    def take_back(self, work: Work) -> None:
        """Undo what `carry_out` did; `work.chosen` holds the cases that are being undone. Undoing an undo comes here too."""
        del work

    def notices(self, params: Any) -> Sequence[NoticeFor]:
        """The messages that follow."""
        del params
        return ()


class Disclosure(ABC):
    """Something that returns data instead of changing it: authorised, recorded, and only then given."""

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    key: ClassVar[str] = ""
    permission: ClassVar[Permission]
    Params: ClassVar[type[Params]] = Params
    kind: ClassVar[str] = "access"
    step_up: ClassVar[bool] = False
    """Whether it asks for a code of the second factor."""
    seconds: ClassVar[int] = 60

    @abstractmethod
    def give(self, connection: sa.Connection, sight: Sight, case: int, vault: Vault) -> SafeText:
        """The data, for the operator's eyes, for `seconds` seconds."""


class Desk(ABC):
    """A kind of case: its queue, its facts, its decisions."""

    name: ClassVar[str]
    title: ClassVar[str]
    singular: ClassVar[str]
    help: ClassVar[str]
    digit: ClassVar[str]
    see: ClassVar[Permission]
    columns: ClassVar[tuple[Column, ...]]
    order: ClassVar[str]
    descending: ClassVar[bool] = False
    waiting: ClassVar[str] = ""
    empty: ClassVar[str] = "Nothing matches."
    whole: ClassVar[bool] = False
    """Whether the source has one row for each of the table's rows, so that what reads no other column can leave the joins out."""
    school_lanes: ClassVar[bool] = False
    """Whether the cases of one school and state have an index in the queue's order."""
    search_lanes: ClassVar[bool] = False
    """Whether each alternative of `search` has an index of its own and is better asked by itself."""
    terms: ClassVar[tuple[Term, ...]] = ()
    decisions: ClassVar[tuple[Decision, ...]] = ()
    disclosures: ClassVar[tuple[Disclosure, ...]] = ()
    exporting: ClassVar[type[Params] | None] = None
    """What is asked before the desk's records are exported with their proofs; None for a desk that exports none."""

    def decision(self, name: str) -> Decision:
        """The decision of that name. Raises KeyError."""
        for each in self.decisions:
            if each.name == name:
                return each
        raise KeyError(name)

    def disclosure(self, name: str) -> Disclosure:
        """The disclosure of that name. Raises KeyError."""
        for each in self.disclosures:
            if each.name == name:
                return each
        raise KeyError(name)

    @abstractmethod
    def case(self) -> sa.Table:
        """The table whose rows are the cases."""

    def key(self) -> sa.ColumnElement[int]:
        """The number by which people and commands name a case, as an expression over the source."""
        key: sa.ColumnElement[int] = self.case().c.id
        return key

    def apart(self) -> sa.Column[Any]:
        """The column of the primary key that orders cases that are equal in the queue's order, and orders them as `key` would."""
        last: sa.Column[Any] = self.case().c.id
        return last

    def among(self, cases: Sequence[int]) -> Predicate:
        """True for the cases of these numbers."""
        return self.key().in_(cases)

    def presumed(self, asked: frozenset[str]) -> Sequence[Predicate]:
        """What a filter means besides what it says; `asked` are the terms that it names."""
        del asked
        return ()

    def ties(self) -> Mapping[sa.Table, sa.ColumnElement[int]]:
        """Other rows that decisions change: their table and, in the source, their id. In locking order, accounts first."""
        return {}

    @abstractmethod
    def source(self) -> sa.FromClause:
        """The case joined with what its queue, filters and decisions read; one row a case."""

    def state(self, sight: Sight) -> sa.ColumnElement[str]:
        """The case's state now; derived where a date decides."""
        del sight
        state: sa.ColumnElement[str] = self.case().c.state
        return state

    def school(self) -> sa.ColumnElement[int] | None:
        """The school by which an operator's scope is judged; None where there is none."""
        return None

    def within(self, operator: Operator) -> Sequence[Predicate]:
        """What keeps the cases of other schools from an operator who has some; nothing for one who has all."""
        school = self.school()
        if operator.schools is None or school is None:
            return ()
        return (school.in_(sorted(operator.schools)),)

    @abstractmethod
    def shown(self, sight: Sight) -> Sequence[sa.ColumnElement[Any]]:
        """The labelled columns that `values` reads; `id` and `state` are there anyway."""

    @abstractmethod
    def values(self, row: Any, sight: Sight) -> dict[str, Value]:
        """A row of the queue by column name, masked and printable; further names appear in JSON only."""

    def order_by(self, column: str, sight: Sight) -> sa.ColumnElement[Any]:
        """What the queue is ordered by for a column: never NULL. Raises KeyError for a column that orders nothing."""
        del sight
        raise KeyError(column)

    def search(self, text: str) -> Predicate:
        """What a bare word in a filter means."""
        raise NotImplementedError

    def bearing(self, text: str) -> Sequence[sa.Select[Any]]:
        """Selects of the numbers of all cases that `search` can match, each served by an index; none where no index serves it."""
        del text
        return ()

    def tone(self, column: str, value: Value, row: Any) -> Tone:
        """How a value is coloured."""
        del column, value, row
        return Tone.PLAIN

    @abstractmethod
    def facts(
        self, connection: sa.Connection, case: int, sight: Sight, vault: Vault
    ) -> tuple[SafeText, tuple[Part, ...]]:
        """The case's title, and what stands beside it."""

    def cells(self, row: Any, sight: Sight) -> tuple[Cell, ...]:
        """The row as the queue draws it."""
        values = self.values(row, sight)
        return tuple(
            Cell(drawn(values.get(column.name), sight.now), self.tone(column.name, values.get(column.name), row))
            for column in self.columns
        )
