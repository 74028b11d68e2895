"""Opening a case: everything beside it in one reading, what can be decided and why not, and a line in the log of accesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.authority import authorize
from console.case_view import CaseView, Entry
from console.deciding.choosing import in_scope, objections
from console.errors import Refused
from console.lazy import sa, t
from console.text import paragraph, safe

if TYPE_CHECKING:
    from console.authority import Operator
    from console.desk import Decision, Desk, Sight
    from console.office import Office


def open_case(office: Office, operator: Operator, desk: Desk, case: int) -> CaseView:
    """The case as the operator may see it. Raises Refused when it does not exist for them."""
    authorize(operator, desk.see)
    sight = office.sight(operator)
    with office.reading(operator) as connection:
        row = connection.execute(
            sa.select(desk.state(sight).label("state"))
            .select_from(desk.source())
            .where(desk.among((case,)), *in_scope(desk, sight))
        ).one_or_none()
        if row is None:
            raise Refused(f"There is no such {desk.singular}: {case}. Look for it with its desk's list.")
        title, parts = desk.facts(connection, case, sight, office.vault)
        view = CaseView(
            desk=desk.name,
            id=case,
            state=row.state,
            title=title,
            parts=parts,
            thread=thread(connection, office, desk.name, case),
            decisions=availability(connection, desk, case, row.state, sight),
        )
    office.accesses.note(operator, desk.name, "opened", case)
    return view


def thread(connection: sa.Connection, office: Office, desk: str, case: int) -> tuple[Entry, ...]:
    """What was written about a case, oldest first; entries taken back by an undo say so."""
    entry = t.thread_entry
    rows = connection.execute(
        sa.select(entry, t.operator.c.name.label("operator"))
        .outerjoin(t.operator, sa.and_(t.operator.c.id == entry.c.author_id, entry.c.author == "operator"))
        .where(entry.c.desk == desk, entry.c.case_id == case, entry.c.withdrawn.is_(sa.false()))
        .order_by(entry.c.id)
    )
    return tuple(
        Entry(
            at=row.at,
            author=safe(row.operator or row.author),
            text=paragraph(office.vault.open("thread_entry", "body", f"{desk}:{case}", row.body).decode()),
        )
        for row in rows
    )


def availability(connection: sa.Connection, desk: Desk, case: int, state: str, sight: Sight) -> dict[str, str | None]:
    """For each decision, why this case cannot take it, or None: what makes a disabled key say why."""
    said: dict[str, str | None] = {}
    against = {each.name: _against(each, desk, sight) for each in desk.decisions}
    columns = [each.holds.label(f"{name}_{n}") for name, found in against.items() for n, each in enumerate(found)]
    row: Any = None
    if columns:
        row = (
            connection.execute(sa.select(*columns).select_from(desk.source()).where(desk.among((case,))))
            .mappings()
            .one()
        )
    for decision in desk.decisions:
        if not sight.operator.may(decision.permission):
            said[decision.name] = "your role does not have this right"
            continue
        holding = (
            each.said(state)
            for n, each in enumerate(against[decision.name])
            if row[f"{decision.name}_{n}"] is not False and row[f"{decision.name}_{n}"] != 0
        )
        said[decision.name] = next(holding, None)
    return said


def _against(decision: Decision, desk: Desk, sight: Sight) -> list[Any]:
    """The objections that stand whatever an operator adds: judged with the parameters' defaults where there are some."""
    from console.params import options

    blank: dict[str, Any] = {each.name: None for each in options(decision.Params) if each.required}
    params = decision.Params(**blank)
    return [each for each in objections(desk, decision, params, sight, bulk=False, watermark=None) if not each.unless]
