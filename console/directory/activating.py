"""Activations that the settings ask for (`directory.activate_students`, `activate_staff`): at a sync, clean matches, each on record.

They are the desk's own decision, carried out for the operator who syncs: an operator undoes them as any other. Nobody becomes an
administrator by themselves, and a school that approves every account itself goes on doing so at the desk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.deciding import Call, decide, repeated
from console.deciding.choosing import objections, selected, taking_part
from console.desks import desk
from console.desks.activation_decisions import Activating, Automatic, Login
from console.intake.report import Kind
from console.lazy import sa
from console.progress import SILENT
from console.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.authority import Operator
    from console.desk import Sight
    from console.office import Office
    from console.progress import Progress
    from console.settings.signing_tables import DirectorySettings

_STAFF = (Login.CERTIFICATED, Login.CLASSIFIED)


def activate(office: Office, operator: Operator, key: str, progress: Progress = SILENT) -> tuple[Kind, ...]:
    """Activate whom the settings say, in a batch a kind of login; the same key again does nothing twice. Returns how many."""
    sight = office.sight(operator)
    found = []
    for call in _calls(office.settings.directory, key):

        def work(connection: sa.Connection, call: Call = call) -> object:
            return decide(connection, call, sight, office.vault, office.random, office.assurance, progress)

        def made(connection: sa.Connection, call: Call = call) -> object:
            return repeated(connection, sight, call.key, call.digest())

        receipt = office.carry_out(work, made, operator)  # type: ignore[arg-type]
        found.append(Kind(_name(call), added=receipt.done))
    return tuple(found)


def would_activate(connection: sa.Connection, sight: Sight) -> tuple[Kind, ...]:
    """How many it would be, as the rows of this transaction are."""
    found = []
    for call in _calls(sight.settings.directory, ""):
        against = objections(call.desk, call.decision, call.params, sight, bulk=True, watermark=None)
        where = [*selected(call.desk, call.selection, sight), *taking_part(against)]
        counted = sa.select(sa.func.count()).select_from(call.desk.source()).where(*where)
        found.append(Kind(_name(call), added=int(connection.execute(counted).scalar_one())))
    return tuple(found)


def _calls(settings: DirectorySettings, key: str) -> Iterator[Call]:
    one = desk("activations")
    wanted: list[tuple[Login, str]] = [(Login.STUDENT, "student")] if settings.activate_students else []
    wanted += [(kind, "staff") for kind in _STAFF] if settings.activate_staff else []
    for kind, where in wanted:
        selection = Selection(where=f"state:waiting disabled:no kind:{where}")
        yield Call(one, Automatic(), selection, Activating(type=kind), f"{key} {kind}")


def _name(call: Call) -> str:
    return f"{call.params.type} logins activated"  # type: ignore[attr-defined]
