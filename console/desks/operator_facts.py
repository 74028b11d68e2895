"""What stands beside an operator: who they are here, by what they sign in, since when, and what is alive of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.case_view import Fact, Part
from console.desks.operators import codes_of
from console.drawn import age
from console.lazy import sa, t
from console.queue import Tone
from console.signin.factor import RECOVERY_CODES, recovery_left
from console.text import SafeText, join, safe
from models.words import OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from datetime import datetime

    from console.desk import Sight
    from console.desks.operators import Operators

FEW_CODES = 3
"""Recovery codes left at which new ones should be made."""
_STATES = {
    OperatorStatus.PROPOSED: "proposed: cannot sign in before another operator confirms it",
    OperatorStatus.ACTIVE: "active",
    OperatorStatus.DISABLED: "disabled: cannot sign in",
}
_ORIGINS = {
    OperatorOrigin.LOCAL: "this portal keeps the password",
    OperatorOrigin.DIRECTORY: "the district's directory checks the password",
    OperatorOrigin.PROGRAM: "a program, with a key of its own",
}


def operator_facts(
    connection: sa.Connection, case: int, sight: Sight, desk: Operators
) -> tuple[SafeText, tuple[Part, ...]]:
    """The title and the parts of one operator."""
    o, adder = t.operator.c, t.operator.alias("adder")
    row = connection.execute(
        sa.select(
            *desk.shown(sight),
            o.id,
            o.status,
            o.email,
            o.epoch,
            o.added_at,
            o.checked_at,
            adder.c.name.label("added_by"),
            t.operator_password.c.set_at,
            t.operator_factor.c.enrolled_at,
            t.invitation.c.until.label("invited_until"),
        )
        .select_from(
            desk.source()
            .outerjoin(adder, adder.c.id == o.added_by)
            .outerjoin(t.operator_password, t.operator_password.c.operator_id == o.id)
            .outerjoin(t.operator_factor, t.operator_factor.c.operator_id == o.id)
            .outerjoin(t.invitation, t.invitation.c.operator_id == o.id)
        )
        .where(o.id == case)
    ).one()
    parts = [Part("Here", _here(row, sight)), Part("Signing in", _means(connection, row, sight))]
    keys = connection.execute(
        sa.select(t.operator_key.c.fingerprint, t.operator_key.c.added_at)
        .where(t.operator_key.c.operator_id == case)
        .order_by(t.operator_key.c.id)
    ).all()
    if keys:
        parts.append(Part("Keys", tuple(Fact(_day(key.added_at, sight), safe(key.fingerprint)) for key in keys)))
    return safe(row.name), tuple(parts)


def _here(row: Any, sight: Sight) -> tuple[Fact, ...]:
    schools = codes_of(row.schools)
    tone = {OperatorStatus.PROPOSED: Tone.WARN, OperatorStatus.DISABLED: Tone.DIM}.get(row.status, Tone.PLAIN)
    facts = [
        Fact("State", safe(_STATES[row.status]), tone),
        Fact("Role", safe(row.role.replace("_", " "))),
        Fact("Schools", join(schools, safe(", "))),
        Fact("E-mail", safe(row.email or "–")),
    ]
    if row.break_glass:
        facts.append(
            Fact("Break-glass", safe("for the day on which nothing else works; each use is announced"), Tone.WARN)
        )
    if row.added_at is not None:
        facts.append(Fact("Added", safe(f"{_day(row.added_at, sight)}, by {row.added_by or 'district init'}")))
    return tuple(facts)


def _means(connection: sa.Connection, row: Any, sight: Sight) -> tuple[Fact, ...]:
    facts = [Fact("Vouched by", safe(_ORIGINS[row.origin]))]
    if row.origin == OperatorOrigin.DIRECTORY:
        facts.append(Fact("Directory said", safe(f"{_ago(row.checked_at, sight)} that the account is in use")))
    if row.origin == OperatorOrigin.LOCAL:
        facts.append(
            Fact("Password", safe(f"set {_ago(row.set_at, sight)}" if row.set_at else "not set"), _missing(row.set_at))
        )
    if row.unattended:
        return tuple(facts)
    facts.append(
        Fact(
            "Second factor",
            safe(f"enrolled {_ago(row.enrolled_at, sight)}" if row.enrolled_at else "none"),
            _missing(row.enrolled_at),
        )
    )
    if row.enrolled_at is not None:
        left = recovery_left(connection, row.id)
        tone = Tone.WARN if left < FEW_CODES else Tone.PLAIN
        facts.append(Fact("Recovery codes", safe(f"{left} of {RECOVERY_CODES} left"), tone))
    if row.invited_until is not None:
        over = row.invited_until <= sight.now
        said = "ran out" if over else "holds until"
        facts.append(
            Fact("Invitation", safe(f"{said} {_moment(row.invited_until, sight)}"), Tone.WARN if over else Tone.PLAIN)
        )
    s = t.session.c
    alive = connection.execute(
        sa.select(sa.func.count()).where(
            s.operator_id == row.id, s.ended_at.is_(None), s.until > sight.now, s.epoch == row.epoch
        )
    ).scalar_one()
    facts.append(Fact("Sessions", safe(f"{alive} not ended" if alive else "none")))
    facts.append(Fact("Last sign-in", safe(_ago(row.last, sight))))
    return tuple(facts)


def _missing(at: datetime | None) -> Tone:
    return Tone.WARN if at is None else Tone.PLAIN


def _ago(at: datetime | None, sight: Sight) -> str:
    return f"{_moment(at, sight)} ({age(at, sight.now)})" if at is not None else "never"


def _moment(at: datetime, sight: Sight) -> str:
    return at.astimezone(sight.settings.portal.zone).strftime("%Y-%m-%d %H:%M")


def _day(at: datetime, sight: Sight) -> str:
    return at.astimezone(sight.settings.portal.zone).date().isoformat()
