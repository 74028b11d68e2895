"""`district access`: why an account sees a student, or why not, and who sees a student at all, as the portal's views say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write, write_json, write_rows
from console.errors import Exit, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from console.access import Explanation, Way
    from console.authority import Operator


@click.group("access")
def command() -> None:
    """Who can see a student, what, through which tie, since when."""


@command.command("explain")
@click.option(
    "--account",
    type=click.IntRange(1, 2**63 - 1),
    required=True,
    metavar="A",
    help="The account's number in the portal.",
)
@click.option(
    "--student",
    type=click.IntRange(1, 2**63 - 1),
    required=True,
    metavar="S",
    help="The student's number in the portal.",
)
@format_option
@click.pass_context
def explain_command(ctx: click.Context, account: int, student: int, form: str) -> int:
    """Say what an account sees of a student, through which tie, since when and until when – or why it sees nothing."""
    from console.access import explain

    found: Explanation = _asked(
        ctx, student, lambda connection, today: explain(connection, account, student, today), account=account
    )
    if form == "json":
        write_json(
            {
                "account": found.account,
                "type": found.type,
                "name": found.name,
                "student": found.student,
                "student_name": found.student_name,
                "day": found.day,
                "sees": bool(found.ways),
                "ways": [_way(way) for way in found.ways],
                "reasons": list(found.reasons),
            }
        )
    elif form == "csv":
        write_rows([_way(way) for way in found.ways], ("tie", "via", "classes", "since", "until"), form)
    else:
        write(
            f"{found.name} (account {found.account}, {found.type.replace('_', ' ')}) – student {found.student}, {found.student_name}"
        )
        for way in found.ways:
            until = f"until {way.until}" if way.until else "with no end set"
            write(f"  sees {', '.join(way.classes)}")
            write(f"  through {way.via}, since {way.since}, {until}")
        if not found.ways:
            write("  sees nothing")
        for reason in found.reasons:
            write(f"  {reason}")
    return Exit.DONE


@command.command("who")
@click.option(
    "--student",
    type=click.IntRange(1, 2**63 - 1),
    required=True,
    metavar="S",
    help="The student's number in the portal.",
)
@format_option
@click.pass_context
def who_command(ctx: click.Context, student: int, form: str) -> int:
    """List everybody who sees anything of a student now."""
    from console.access import who_can_see

    found = _asked(ctx, student, lambda connection, today: who_can_see(connection, student, today))
    rows = [{"account": each.viewer, "type": each.type, "name": each.name, **_way(each.way)} for each in found]
    write_rows(rows, ("account", "type", "name", "via", "classes", "since", "until"), form, right=("account",))
    if not rows:
        say("Nobody sees this student now.")
    return Exit.DONE


def _way(way: Way) -> dict[str, Any]:
    return {"tie": way.tie, "via": way.via, "classes": list(way.classes), "since": way.since, "until": way.until}


def _asked(
    ctx: click.Context, student: int, question: Callable[[sa.Connection, Any], Any], *, account: int | None = None
) -> Any:
    """The answer, for an operator for whom the student and the account exist; that it was asked is recorded."""
    from console.authority import authorize
    from console.deciding.choosing import in_scope
    from console.desks import desk
    from console.lazy import sa as sql

    office, operator = open_office(ctx), who(ctx)
    students = desk("students")
    authorize(operator, students.see)
    sight = office.sight(operator)
    with office.reading(operator) as connection:
        known = connection.execute(
            sql.select(students.case().c.id)
            .select_from(students.source())
            .where(students.case().c.id == student, *in_scope(students, sight))
        ).first()
        if known is None:
            raise Refused(f"There is no such student: {student}. Look for one with district students list.")
        if account is not None:
            _known(connection, operator, account, student)
        answer = question(connection, sight.today)
    office.accesses.note(operator, students.name, "explained", student)
    office.accesses.flush()
    return answer


def _known(connection: sa.Connection, operator: Operator, account: int, student: int) -> None:
    """Raises Refused for an account that is neither of the operator's schools nor tied to the student."""
    from console.lazy import sa as sql
    from console.lazy import t
    from console.scope import accounts_of

    a, m, g = t.account.c, t.membership.c, t.access_grant.c
    tied = sql.or_(
        a.student_id == student,
        sql.exists().where(m.account_id == a.id, m.student_id == student),
        sql.exists().where(g.account_id == a.id, g.student_id == student),
    )
    found = connection.execute(sql.select(a.id).where(a.id == account, sql.or_(tied, accounts_of(operator))))
    if found.first() is None:
        raise Refused(f"There is no account {account}; nothing was explained; look for the right number.")
