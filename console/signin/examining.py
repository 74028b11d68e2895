"""What the doctor looks at of who signs in: who cannot, who alone could help them, and whether the emergency login is sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console.authority import Role
from console.lazy import sa, t
from models.words import OperatorStatus

if TYPE_CHECKING:
    from console.doctor import Doctor
    from console.filters import Predicate

SKEW = timedelta(seconds=15)
"""By how much two clocks may differ before codes of the second factor come close to being refused."""


def examine_operators(doctor: Doctor, connection: sa.Connection) -> None:
    """Look at the operators of a portal; in a demonstration, where nobody signs in, at their number alone."""
    o = t.operator.c
    number = _count(connection)
    if number:
        doctor.ok("operators", f"{number:,} work here")
    else:
        doctor.bad("operators", "nobody works here", "Run district --operator NAME init.")
        return
    if connection.execute(sa.select(t.portal.c.demo_seed)).scalar() is not None:
        return
    administrators = _count(connection, o.role == Role.DISTRICT_ADMINISTRATOR, o.break_glass.is_(sa.false()))
    if administrators == 1:
        doctor.warn(
            "operators",
            "one district administrator works here alone",
            "Add another with district operators add: nobody else can confirm, or reset a second factor that was lost.",
        )
    _factors(doctor, connection)
    _break_glass(doctor, connection)
    _clock(doctor, connection)


def _count(connection: sa.Connection, *where: Predicate) -> int:
    """How many people work here of whom this is true."""
    o = t.operator.c
    people = sa.select(sa.func.count()).where(o.unattended.is_(sa.false()), o.status == OperatorStatus.ACTIVE, *where)
    return int(connection.execute(people).scalar_one())


def _factors(doctor: Doctor, connection: sa.Connection) -> None:
    o, i = t.operator.c, t.invitation.c
    factor = sa.exists().where(t.operator_factor.c.operator_id == o.id)
    over = sa.exists().where(i.operator_id == o.id, i.until <= doctor.clock.now())
    without = _count(connection, sa.not_(factor))
    if without:
        doctor.warn(
            "second factor",
            f"{without:,} of those who work here cannot sign in: no second factor is set up",
            "See district operators list --where 'state:active factor:no', and invite them.",
        )
    else:
        doctor.ok("second factor", "everybody who works here has one")
    if ran_out := _count(connection, over):
        doctor.warn(
            "invitations", f"{ran_out:,} ran out unused", "Give out a new word with district operators invite NAME."
        )


def _break_glass(doctor: Doctor, connection: sa.Connection) -> None:
    """The emergency login is sealed while nobody signed in with it since it was set up."""
    o, f, s = t.operator.c, t.operator_factor.c, t.session.c
    glass = o.break_glass.is_(sa.true())
    enrolled = sa.exists().where(f.operator_id == o.id)
    used = sa.exists(
        sa.select(s.id)
        .join(t.operator_factor, f.operator_id == s.operator_id)
        .where(s.operator_id == o.id, s.began_at >= f.enrolled_at)
    )
    if not _count(connection, glass):
        if doctor.settings.directory.hosts:
            doctor.warn(
                "break-glass",
                "there is no emergency login for the day on which the directory does not answer",
                "Add one with district operators add NAME --role district_administrator --break-glass.",
            )
    elif _count(connection, glass, sa.not_(enrolled)):
        doctor.warn(
            "break-glass",
            "an emergency login is not set up and lets nobody in",
            "Invite it, enrol, and lock away what was written down.",
        )
    elif _count(connection, glass, used):
        doctor.warn(
            "break-glass",
            "an emergency login is not sealed: somebody signed in with it since it was set up",
            "Have it reset with district operators reset, enrol it anew and lock that away.",
        )
    else:
        doctor.ok("break-glass", "the emergency login is sealed: nobody signed in with it since it was set up")


def _clock(doctor: Doctor, connection: sa.Connection) -> None:
    """The database's own clock is another machine's: where both differ, one is wrong, and codes depend on ours."""
    if connection.dialect.name != "postgresql":
        return
    before = doctor.clock.now()
    theirs = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    away = abs(theirs - before)
    if away > SKEW:
        doctor.warn(
            "clock",
            f"the database's clock and this machine's differ by {away.total_seconds():,.0f} seconds",
            "Set both by NTP: codes of the second factor count for about a minute.",
        )
    else:
        doctor.ok("clock", "this machine and the database agree on the time")
