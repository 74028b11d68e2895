"""What stands beside a request, for a person who has to answer for it: who asks, for what, about whom, why, and what it would do.

What it would do is read anew, with the maker's rights as they are now. Why and with which words is sealed, and opened for whoever has
the right to the decision itself, and for the maker; cases are named to whoever sees their desk, masked as everywhere.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from console.case_view import Fact, Part
from console.deciding.confirming import call_of, what_it_would_do
from console.deciding.requesting import opened
from console.deciding.second_person import EXPORT, could_confirm, rights
from console.desks.request_tables import action_words, confirmer, maker, state
from console.drawn import age
from console.errors import ConsoleError
from console.lazy import sa, t
from console.params import options
from console.queue import Tone
from console.reports.asking import Exporting
from console.text import SafeText, join, paragraph, safe

if TYPE_CHECKING:
    from console.desk import Desk, Sight
    from console.params import Option
    from console.selection import Plan
    from console.vault import Vault

SHOWN = 8
"""Cases named one by one."""


def request_facts(
    connection: sa.Connection, case: int, sight: Sight, vault: Vault, source: sa.FromClause
) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one request."""
    row = connection.execute(
        sa.select(
            t.request,
            t.request.c["count"].label("cases"),
            state(sight).label("now"),
            maker().c.name.label("maker_name"),
            maker().c.role.label("maker_role"),
            confirmer().c.name.label("confirmer_name"),
        )
        .select_from(source)
        .where(t.request.c.id == case)
    ).one()
    what = action_words(row.desk, row.action)
    why, typed = _said(row, sight, vault)
    parts = [
        Part("What is asked", (*_asked(row, what), *why)),
        Part("Whom it is about", _cases(connection, row, sight)),
        Part("What it would do now", _effects(connection, row, sight, vault) if row.now == "waiting" else ()),
        Part("As it was typed", typed),
        Part("Where it stands", _stands(connection, row, sight)),
    ]
    return safe(f"{what}: {_many(row)}, asked for by {row.maker_name}"), tuple(part for part in parts if part.facts)


def _many(row: Any) -> str:
    singular = "record" if (row.desk, row.action) == EXPORT else _desk(row).singular
    return f"1 {singular}" if row.cases == 1 else f"{row.cases:,} {singular}s"


def _desk(row: Any) -> Desk:
    from console.desks import desk

    return desk(row.desk)


def _moment(at: Any, sight: Sight) -> str:
    return f"{at.astimezone(sight.settings.portal.zone):%A, %-d %B, %H:%M}"


def _asked(row: Any, what: str) -> tuple[Fact, ...]:
    help_ = (
        "Give leave to write these records into a file, within a day."
        if (row.desk, row.action) == EXPORT
        else _desk(row).decision(row.action).help
    )
    return (
        Fact("What", safe(f"{what}, {_many(row)}"), Tone.ACCENT),
        Fact("", safe(help_), Tone.DIM),
        Fact("Who asks", safe(f"{row.maker_name}, {row.maker_role.replace('_', ' ')}")),
    )


def _said(row: Any, sight: Sight, vault: Vault) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """Why, and the other parameters, opened for who may know them."""
    right = rights().get((row.desk, row.action))
    if row.maker_id != sight.operator.id and (right is None or not sight.operator.may(right)):
        return (Fact("Why", safe("sealed: it is opened for whoever has the right to this decision"), Tone.DIM),), ()
    try:
        typed: dict[str, Any] = msgspec.json.decode(opened(row, vault).call)
        params = Exporting if (row.desk, row.action) == EXPORT else call_of(row, vault).decision.Params
    except (ConsoleError, KeyError, msgspec.ValidationError) as error:
        said = str(error) if isinstance(error, ConsoleError) else "it was asked for in another version of the console"
        return (Fact("Why", safe(said), Tone.BAD),), ()
    reason = paragraph(typed.pop("reason", ""))
    why = tuple(Fact("Why" if not n else "", line) for n, line in enumerate(reason))
    kinds = {each.name: each for each in options(params)}
    with_ = tuple(
        Fact(name.replace("_", " ").capitalize() if not n else "", line)
        for name, value in typed.items()
        if value not in (None, "")
        for n, line in enumerate(paragraph(_value(value, kinds.get(name))))
    )
    return why or (Fact("Why", safe("no reason was given"), Tone.WARN),), with_


def _value(value: Any, option: Option | None) -> str:
    """A parameter as people say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if option is not None and option.type is date:
        return f"{date.fromisoformat(value):%A, %-d %B %Y}"
    return str(value).replace("_", " ") if option is not None and option.words else str(value)


def _cases(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    """The first cases as their desk draws them."""
    if (row.desk, row.action) == EXPORT:
        c = t.request_case.c
        first, last = connection.execute(
            sa.select(sa.func.min(c.case_id), sa.func.max(c.case_id)).where(c.request_id == row.id)
        ).one()
        return (Fact("Records", safe(f"{row.cases:,} of the ledger, no. {first:,} to no. {last:,}")),)
    desk = _desk(row)
    if not sight.operator.may(desk.see):
        return (Fact("", safe(f"{_many(row)}; you do not see the desk {desk.title.lower()}"), Tone.DIM),)
    from console.rows import read_rows

    c = t.request_case.c
    first = connection.execute(
        sa.select(c.case_id).where(c.request_id == row.id).order_by(c.case_id).limit(SHOWN)
    ).scalars()
    shown = read_rows(connection, sight, desk, first.all())
    facts = [Fact(f"{desk.singular.capitalize()} {each.id}", _drawn(desk, each.cells, each.state)) for each in shown]
    if row.cases > len(shown):
        facts.append(Fact("", safe(f"and {row.cases - len(shown):,} more"), Tone.DIM))
    return tuple(facts)


def _drawn(desk: Desk, cells: Any, now: str) -> SafeText:
    """A case in one line: whom it is about, its school, its state."""
    told = [
        join([safe(column.title.lower()), cell.text], safe(" "))
        for column, cell in zip(desk.columns, cells, strict=True)
        if cell.text and (column.grows or column.name in ("school", "role", "type"))
    ]
    return join([*told, safe(now.replace("_", " "))], safe(" · "))


def _effects(connection: sa.Connection, row: Any, sight: Sight, vault: Vault) -> tuple[Fact, ...]:
    try:
        plan = what_it_would_do(connection, row, sight, vault)
    except (ConsoleError, KeyError) as error:
        return (
            Fact("!", safe(str(error) if isinstance(error, ConsoleError) else "It can be decided no more."), Tone.BAD),
        )
    if plan is None:
        return (Fact("Nothing", safe("yet: whoever asked makes the file afterwards, within 24 hours")),)
    return tuple(_planned(plan, row))


def _planned(plan: Plan, row: Any) -> list[Fact]:
    moves = [f"{word} for {many:,}" for word, many in (("opens", plan.opens), ("closes", plan.closes)) if many]
    facts = [
        Fact("Done for", safe(f"{plan.count:,} of {row.cases:,}"), Tone.PLAIN if plan.count else Tone.BAD),
        Fact(
            "Access",
            safe(" and ".join(moves) if moves else "changes for nobody"),
            Tone.WARN if plan.closes else Tone.PLAIN,
        ),
    ]
    if plan.notices:
        facts.append(Fact("Notices", safe(f"{plan.notices:,}")))
    for why, many in Counter(each.why for each in plan.skipped).most_common(4):
        ids = ", ".join(str(each.id) for each in plan.skipped if each.why == why)
        facts.append(Fact("Left out", safe(f"{many:,}: {why}" + (f" (no. {ids})" if many <= SHOWN else "")), Tone.WARN))
    return facts


def _stands(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    asked = Fact("Asked", safe(f"{_moment(row.made_at, sight)}, {age(row.made_at, sight.now)} ago"))
    return (asked, *_answered(connection, row, sight))


def _answered(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    until = f"{_moment(row.until, sight)}, {age(row.until, sight.now)}"
    match row.now:
        case "waiting":
            return (Fact("Waits", safe(f"until {until}"), Tone.WARN), _able(connection, row, sight))
        case "expired":
            return (Fact("Expired", safe(f"{until} ago: nobody confirmed it; ask again"), Tone.DIM),)
        case "withdrawn":
            return (Fact("Withdrawn", safe(f"by whoever asked, {_moment(row.decided_at, sight)}"), Tone.DIM),)
    facts = [
        Fact(
            row.now.capitalize(),
            safe(f"by {row.confirmer_name or 'nobody known'}, {_moment(row.decided_at, sight)}"),
            Tone.GOOD if row.now == "confirmed" else Tone.WARN,
        )
    ]
    if row.batch:
        facts.append(Fact("Batch", safe(row.batch)))
    elif row.now == "confirmed":
        left = (
            f"whoever asked can make it until {until}"
            if row.until > sight.now
            else "it was not made in time; ask again"
        )
        facts.append(Fact("Export", safe(left)))
    return tuple(facts)


def _able(connection: sa.Connection, row: Any, sight: Sight) -> Fact:
    """How many could confirm it: who they are is for who manages operators."""
    other = t.operator.alias("other")
    able = (
        sa.select(sa.func.count())
        .select_from(other)
        .join(t.request, t.request.c.id == row.id)
        .join(maker(), maker().c.id == t.request.c.maker_id)
        .where(could_confirm(t.request.c, maker().c, other.c, sight.now))
    )
    many = int(connection.execute(able).scalar_one())
    if not many:
        return Fact("Who can", safe("nobody who works here now; let a colleague in first"), Tone.BAD)
    return Fact("Who can", safe("1 operator" if many == 1 else f"{many:,} operators"))
