"""Compares a staged roster with the portal's and takes over what differs, a few statements for each kind of row.

Nothing is deleted: what is gone is withdrawn, what comes back is active again, what an operator decided (masks, blocks, switches,
ties) is not touched. What was done to a row, and what it was, stays (`console.intake.roster_history`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.intake.report import Kind
from console.intake.roster_files import Mode
from console.intake.roster_history import note_added, remember_rows
from console.intake.roster_sink import DIGEST
from console.intake.roster_tables import ADDED, CHANGED, CHANGES, HELD, NAMES_OF_A_STUDENT, TIED, WITHDRAWN
from console.lazy import sa, t
from models.words import Mask, RosterStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from console.intake.roster_tables import RosterKind, Stage
    from console.vault import Vault

    Differences = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Load:
    """One roster being taken over: where, from what, and what each file of it is.

    `partial` names the files of which rows were rejected: whoever is absent from those may be in a rejected row, and stays. `version`
    is what schools and students that change get, right unless somebody decides meanwhile. `step` is called between statements; it
    raises Cancelled where the import is given up.
    """

    connection: sa.Connection
    stage: Stage
    modes: Mapping[str, Mode]
    partial: frozenset[str]
    vault: Vault
    now: datetime
    number: int
    version: int
    step: Callable[[], None]

    def withdraws_absent(self, file: str) -> bool:
        """Whether who is not in the file is gone."""
        return self.modes[file] is Mode.BULK and file not in self.partial


def compare(load: Load) -> None:
    """Fill `differences` with what was added, changed and withdrawn among the rows that have identifiers."""
    if load.modes["users"] is Mode.DELTA or "users" in load.partial:
        _leave_ties_open(load)
    # In the order of the key under which they are kept: each kind goes behind the one before, not into its middle.
    for _, kind in sorted(load.stage.kinds.items()):
        load.step()
        if load.modes[kind.file] is not Mode.ABSENT:
            _compare(load, kind)
    _compare_births(load)
    load.stage.analyze(load.connection)


def _compare(load: Load, kind: RosterKind) -> None:
    stage, table, staged = load.stage, kind.table, kind.stage
    names = ("kind", "source_id", "change", "line")
    same = table.c.source_id == staged.c.source_id
    active = table.c.status == RosterStatus.ACTIVE
    here = sa.exists().where(table.c.source_id == staged.c.source_id)
    whole = sa.or_(~active, _digest(table.c.row_hash).is_distinct_from(_digest(staged.c.row_hash)))
    found = [
        sa.select(sa.literal(kind.name), staged.c.source_id, sa.literal(ADDED), staged.c.line).where(~here),
        sa.select(sa.literal(kind.name), staged.c.source_id, sa.case((whole, CHANGED), else_=TIED), staged.c.line)
        .select_from(staged.join(table, same))
        .where(sa.or_(~active, table.c.row_hash.is_distinct_from(staged.c.row_hash))),
    ]
    if load.withdraws_absent(kind.file):
        found.append(
            sa.select(sa.literal(kind.name), table.c.source_id, sa.literal(WITHDRAWN), sa.literal(0)).where(
                active, ~sa.exists().where(same)
            )
        )
    elif load.modes[kind.file] is Mode.DELTA:
        named: sa.ColumnElement[bool] = sa.exists().where(
            stage.gone.c.file == kind.file, stage.gone.c.source_id == table.c.source_id
        )
        if kind.file == "users":
            other = sa.exists().where(stage.people.c.source_id == table.c.source_id, stage.people.c.places)
            named = sa.or_(named, sa.and_(other, ~sa.exists().where(same)))
        found.append(
            sa.select(sa.literal(kind.name), table.c.source_id, sa.literal(WITHDRAWN), sa.literal(0)).where(
                active, named
            )
        )
    for query in found:
        load.connection.execute(stage.differences.insert().from_select(names, query))


def _leave_ties_open(load: Load) -> None:
    """Where not everybody is in the files, ties that end may have to wait: the next roster looks at whoever is in this one again."""
    for name in ("students", "contacts", "staff"):
        staged = load.stage.kinds[name].stage
        load.connection.execute(staged.update().values(row_hash=_digest(staged.c.row_hash)))


def _digest(row_hash: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """As much of a row's digest as tells of the row itself."""
    return sa.func.substr(row_hash, 1, DIGEST + 1, type_=sa.LargeBinary)


def _compare_births(load: Load) -> None:
    """Students of whom only the date of birth changed, or that and a tie."""
    births, student, found = load.stage.births, t.student, load.stage.differences
    query = sa.select(sa.literal("students"), student.c.source_id, sa.literal(CHANGED), sa.literal(0)).where(
        births.c.source_id == student.c.source_id,
        student.c.status == RosterStatus.ACTIVE,
        births.c.birth_date.is_distinct_from(student.c.birth_date),
        ~sa.exists().where(found.c.kind == "students", found.c.source_id == student.c.source_id),
    )
    tied = sa.exists().where(
        births.c.source_id == found.c.source_id,
        student.c.source_id == found.c.source_id,
        births.c.birth_date.is_distinct_from(student.c.birth_date),
    )
    load.connection.execute(
        found.update().where(found.c.kind == "students", found.c.change == TIED, tied).values(change=CHANGED)
    )
    load.connection.execute(found.insert().from_select(("kind", "source_id", "change", "line"), query))


def hold(load: Load, kind: str, source_ids: Iterable[str]) -> None:
    """Take rows out of the import: their ids look as if they were somebody else's now."""
    found = load.stage.differences
    for source_id in source_ids:
        load.connection.execute(
            found.update().where(found.c.kind == kind, found.c.source_id == source_id).values(change=HELD)
        )


def lock(load: Load) -> None:
    """Lock the students that change, in the order in which decisions lock them. On SQLite nothing else writes anyway."""
    if load.connection.dialect.name != "sqlite":
        student, found = t.student, load.stage.differences
        changing = sa.select(found.c.source_id).where(found.c.kind == "students", found.c.change != HELD)
        load.connection.execute(
            sa.select(student.c.id).where(student.c.source_id.in_(changing)).order_by(student.c.id).with_for_update()
        ).close()


def differing(load: Load) -> dict[str, dict[str, int]]:
    """How many rows of each kind have each change, for those that have any."""
    found = load.stage.differences
    # Kinds lie together; their changes would have to be sorted first.
    counted = (sa.func.count().filter(found.c.change == change).label(change) for change in CHANGES)
    rows = load.connection.execute(sa.select(found.c.kind, *counted).group_by(found.c.kind))
    return {kind: {change: count for change, count in zip(CHANGES, some, strict=True) if count} for kind, *some in rows}


def counts(load: Load, differences: Differences) -> list[Kind]:
    """The differences of each kind, with how many rows were active before: to be asked before `take_over`."""
    return [
        Kind(
            kind.name,
            active=_active(load.connection, kind.table),
            **{change: count for change, count in differences.get(kind.name, {}).items() if change != TIED},
        )
        for kind in load.stage.kinds.values()
    ]


def _active(connection: sa.Connection, table: sa.Table) -> int:
    return int(
        connection.execute(
            sa.select(sa.func.count()).select_from(table).where(table.c.status == RosterStatus.ACTIVE)
        ).scalar_one()
    )


def take_over(load: Load, differences: Differences) -> None:
    """Carry the differences out, kind after kind, history first."""
    note_added(load)
    for kind in load.stage.kinds.values():
        load.step()
        differing = differences.get(kind.name, {})
        for change, carry_out in _STEPS:
            if change in differing:
                carry_out(load, kind)
        if kind.name == "students":
            # Whoever is added brings theirs.
            _births(load)
        if ADDED in differing:
            _add(load, kind, differing[ADDED])


def _tied(load: Load, kind: RosterKind) -> None:
    """Rows that are the same but for what they say of ties: that becomes known."""
    table, staged = kind.table, kind.stage
    load.connection.execute(
        table.update()
        .where(table.c.source_id == staged.c.source_id, table.c.source_id.in_(_of(load, kind, TIED)))
        .values(row_hash=staged.c.row_hash)
    )


def _of(load: Load, kind: RosterKind, change: str) -> sa.Select[Any]:
    found = load.stage.differences
    return sa.select(found.c.source_id).where(found.c.kind == kind.name, found.c.change == change)


def _add(load: Load, kind: RosterKind, count: int) -> None:
    """Insert the staged rows that are not there, `count` of them."""
    from models.bulk import first_rows

    staged = kind.stage
    columns = ["source_id", *kind.columns, "row_hash"]
    values: list[sa.ColumnElement[Any]] = [staged.c[name] for name in columns]
    source: sa.FromClause = staged
    if kind.name == "students":
        births = load.stage.births
        source = staged.outerjoin(births, births.c.source_id == staged.c.source_id)
        columns += ["school_id", "directory_opt_out", "changed_at", "birth_date", "adult_on"]
        values += [
            _school_id(staged),
            sa.case((staged.c.opted_out, "all"), else_=""),
            sa.literal(load.now, t.student.c.changed_at.type),
            births.c.birth_date,
            births.c.adult_on,
        ]
    if "version" in kind.table.c:
        columns.append("version")
        values.append(sa.literal(load.version, kind.table.c.version.type))
    query = sa.select(*values).select_from(source).order_by(staged.c.line)
    if count < load.connection.execute(sa.select(sa.func.count()).select_from(staged)).scalar_one():
        found = load.stage.differences
        lines = sa.select(found.c.line).where(found.c.kind == kind.name, found.c.change == ADDED)
        query = query.where(staged.c.line.in_(lines))
    with first_rows(load.connection, kind.table, count):
        load.connection.execute(kind.table.insert().from_select(columns, query))


def _school_id(staged: sa.Table) -> sa.ScalarSelect[Any]:
    return sa.select(t.school.c.id).where(t.school.c.source_id == staged.c.school).scalar_subquery()


def _change(load: Load, kind: RosterKind) -> None:
    remember_rows(load, kind, CHANGED)
    table, staged = kind.table, kind.stage
    if kind.name == "students":
        _reseal(load, staged)
    values: dict[str, Any] = {name: staged.c[name] for name in (*kind.columns, "row_hash")}
    if kind.name == "students":
        values |= _student_values(load, staged)
    load.connection.execute(
        table.update()
        .where(table.c.source_id == staged.c.source_id, table.c.source_id.in_(_of(load, kind, CHANGED)))
        .values({**values, **_stated(load, table, RosterStatus.ACTIVE)})
    )


def _stated(load: Load, table: sa.Table, status: RosterStatus) -> dict[str, Any]:
    """What a row becomes that is here again or gone, beside its own values."""
    return {"status": status, "version": load.version} if "version" in table.c else {"status": status}


def _student_values(load: Load, staged: sa.Table) -> dict[str, Any]:
    """Where a student's row is more than a copy: sealed names, the home school, the directory opt-out.

    The family's opt-out is taken over when the roster begins to say it, and never taken back by a roster: after that, what an
    operator decided stands (PORTAL, *Who may see a student's data*: the opt-out outlives enrolment).
    """
    s = t.student.c
    sealed = s.mask == Mask.PSEUDONYM
    values: dict[str, Any] = {
        name: sa.case((sealed, s[name]), else_=staged.c[name]) for name in (*NAMES_OF_A_STUDENT, "email", "email_key")
    }
    said = sa.func.substr(s.row_hash, 17, 1, type_=sa.LargeBinary)
    begins = sa.and_(staged.c.opted_out, said.is_distinct_from(sa.literal(b"\x02", sa.LargeBinary)))
    values["directory_opt_out"] = sa.case((begins, "all"), else_=s.directory_opt_out)
    values["school_id"] = _school_id(staged)
    values["changed_at"] = load.now
    return values


def _reseal(load: Load, staged: sa.Table) -> None:
    """A sealed student's new name goes where the old one lies: encrypted."""
    from console.sealed_names import Name, seal_names

    student = t.student
    kind = load.stage.kinds["students"]
    rows = load.connection.execute(
        sa.select(student.c.id, staged.c.given_name, staged.c.middle_name, staged.c.family_name, staged.c.email)
        .join(staged, staged.c.source_id == student.c.source_id)
        .where(student.c.mask == Mask.PSEUDONYM, student.c.source_id.in_(_of(load, kind, CHANGED)))
        .order_by(student.c.id)
    ).all()
    names = [(row.id, Name(row.given_name, row.middle_name, row.family_name, row.email)) for row in rows]
    for (row, _), (sealed, mac) in zip(names, seal_names(load.vault, names), strict=True):
        load.connection.execute(t.sealed_name.update().where(t.sealed_name.c.student_id == row).values(sealed=sealed))
        load.connection.execute(student.update().where(student.c.id == row).values(sealed_name_mac=mac))


def _withdraw(load: Load, kind: RosterKind) -> None:
    remember_rows(load, kind, WITHDRAWN)
    table = kind.table
    values = _stated(load, table, RosterStatus.WITHDRAWN)
    if kind.name == "students":
        values["changed_at"] = load.now
    load.connection.execute(table.update().where(table.c.source_id.in_(_of(load, kind, WITHDRAWN))).values(values))


_STEPS = ((CHANGED, _change), (WITHDRAWN, _withdraw), (TIED, _tied))


def _births(load: Load) -> None:
    births, student, found = load.stage.births, t.student, load.stage.differences
    held = sa.select(found.c.source_id).where(found.c.kind == "students", found.c.change == HELD)
    # Of those who are gone nobody keeps others away, so that somebody may have decided meanwhile: theirs stays.
    version = sa.case((student.c.status == RosterStatus.ACTIVE, load.version), else_=student.c.version)
    load.connection.execute(
        student.update()
        .where(
            student.c.source_id == births.c.source_id,
            births.c.birth_date.is_distinct_from(student.c.birth_date),
            student.c.source_id.not_in(held),
        )
        .values(birth_date=births.c.birth_date, adult_on=births.c.adult_on, changed_at=load.now, version=version)
    )


def stamp(load: Load, version: int) -> None:
    """Give the schools and students that changed their version: the ledger's size after the import's record.

    They have it already, for writing a row of the largest table once more is dear, unless somebody decided meanwhile.
    """
    if version == load.version:
        return
    for name in ("schools", "students"):
        kind = load.stage.kinds[name]
        found = load.stage.differences
        changed = sa.select(found.c.source_id).where(found.c.kind == name, found.c.change.not_in((HELD, TIED)))
        other = kind.table.c.version != version
        load.connection.execute(
            kind.table.update().where(other, kind.table.c.source_id.in_(changed)).values(version=version)
        )
