"""What a decision opens and closes, counted before it is made: the contract's own views, read over the rows as they would be.

A decision moves more than the tie it names: a suspended parent's consent falls away, and a tutor's grant with it; a hold that ends
brings both back. So nothing is estimated: the views' text is evaluated twice for the students whom the change can touch, once over
the tables and once over the tables with the chosen changes in place, and the (viewer, student) pairs are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.lazy import sa, t

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from console.deciding.chosen import Chosen

_OF_MEMBERSHIP = "SELECT student_id FROM membership WHERE id IN ({rows})"
_OF_ACCOUNT = (
    "SELECT student_id FROM membership WHERE account_id IN ({rows})"
    " UNION SELECT student_id FROM access_grant WHERE account_id IN ({rows})"
    " UNION SELECT student_id FROM account WHERE id IN ({rows})"
)
_OF_GRANT = "SELECT student_id FROM access_grant WHERE id IN ({rows})"
_OF_CHALLENGE = (
    "SELECT m.student_id FROM challenge c JOIN membership m ON m.id = c.membership_id WHERE c.id IN ({rows})"
)
_PUPILS = "SELECT id FROM student WHERE school_id IN ({rows})"
_TUTORED = "SELECT student_id FROM access_grant WHERE school_id IN ({rows})"
_HELD = (
    "SELECT m.student_id FROM access_held h JOIN membership m ON m.id = h.membership_id"
    " JOIN student s ON s.id = m.student_id WHERE s.school_id IN ({rows})"
)

TOUCHED = {
    **dict.fromkeys(("membership.status", "membership.since", "membership.resumes_as"), _OF_MEMBERSHIP),
    **dict.fromkeys(("membership.suspended_until", "membership.blocked", "membership.rebased"), _OF_MEMBERSHIP),
    **dict.fromkeys(("account.status", "account.since", "account.suspended_until"), _OF_ACCOUNT),
    **dict.fromkeys(("access_grant.state", "access_grant.begins", "access_grant.ends"), _OF_GRANT),
    **dict.fromkeys(("access_grant.permission_reference", "access_grant.permission_witness"), _OF_GRANT),
    **dict.fromkeys(("student.mask", "student.parents_blocked", "student.verify_parents"), "{rows}"),
    "student.directory_opt_out": "{rows}",
    "challenge.state": _OF_CHALLENGE,
    "school.initial_rights": _PUPILS,
    "school.hold_policy": _HELD,
    "school.close_at_18": _PUPILS + " AND adult_on <= :today",
    **dict.fromkeys(("school.asp", "school.asp_advanced", "school.asp_consent"), _TUTORED),
}
"""The columns that decide over access, and whose students a change of one can touch (PORTAL, *Who may see a student's data*)."""

_STAFF = frozenset({"student.directory_opt_out"})
"""Only these move what certificated staff see. Otherwise a school's teachers times its students are not even read."""


AT_A_TIME = 8000
"""Students named by number, which reaches the views' indexes. More are counted in portions: a pair is one student's."""


def matters(columns: Collection[sa.Column[Any]]) -> bool:
    """Whether a change of these columns can open or close anything."""
    return any(str(column) in TOUCHED for column in columns)


def counts(connection: sa.Connection, chosen: Chosen, today: date) -> tuple[int, int]:
    """How many (viewer, student) pairs see more, and how many less, once the chosen rows are as they are to become.

    What a change opens elsewhere counts too, so this is read across all schools; only the two numbers come out.
    """
    from models.row_scope import everywhere

    with everywhere(connection):
        return _counts(connection, chosen, today)


def _counts(connection: sa.Connection, chosen: Chosen, today: date) -> tuple[int, int]:
    from models.views import what_if

    engine = connection.dialect.name
    moved = {str(column): (column, key, after) for column, key, after in chosen.becoming() if str(column) in TOUCHED}
    for key in {key for _, key, _ in moved.values()}:
        connection.execute(sa.text(f"CREATE INDEX chosen_{key} ON chosen ({key})"))
    if engine == "postgresql":
        connection.execute(sa.text("ANALYZE chosen"))
    unmoved = {} if _STAFF & moved.keys() else {each.name: _empty(each) for each in (t.post, t.account_school)}
    becoming = {column.table.name: _becoming(column.table, chosen) for column, _, _ in moved.values()}
    stands, becomes = what_if(engine, unmoved), what_if(engine, unmoved | becoming)
    more = less = 0
    whom = _touched(connection, [(name, key) for name, (_, key, _) in moved.items()], today)
    for start in range(0, len(whom), AT_A_TIME):
        alive = (
            'SELECT viewer, student, "class", {side} AS side FROM portal_access_period'
            ' WHERE "from" <= :today AND ("until" IS NULL OR "until" > :today)'
            f" AND student IN ({', '.join(map(str, whom[start : start + AT_A_TIME]))})"
        )
        # A class that is there on one side alone is gained or lost; a pair counts once, whatever the classes.
        opened, closed = connection.execute(
            sa.text(
                f"WITH stands AS ({stands} {alive.format(side=0)}),\n"
                f"becomes AS ({becomes} {alive.format(side=1)}),\n"
                "other AS (SELECT viewer, student, max(side) AS side"
                " FROM (SELECT * FROM stands UNION ALL SELECT * FROM becomes) b"
                ' GROUP BY viewer, student, "class" HAVING min(side) = max(side)),\n'
                "pairs AS (SELECT DISTINCT viewer, student, side FROM other)\n"
                "SELECT coalesce(sum(side), 0), coalesce(sum(1 - side), 0) FROM pairs"
            ).bindparams(sa.bindparam("today", today, sa.Date()))
        ).one()
        more, less = more + int(opened), less + int(closed)
    return more, less


def _touched(connection: sa.Connection, moved: list[tuple[str, str]], today: date) -> list[int]:
    """The students whom the changes can touch."""
    found = " UNION ".join(
        TOUCHED[name].format(rows=f"SELECT {key} FROM chosen WHERE {key} IS NOT NULL") for name, key in moved
    )
    named = [sa.bindparam("today", today, sa.Date())] if ":today" in found else []
    ids = connection.execute(sa.text(f"SELECT * FROM ({found}) f").bindparams(*named)).scalars()
    return sorted({student for student in ids if student is not None})


def _empty(table: sa.Table) -> str:
    return f"SELECT {', '.join(column.name for column in table.c)} FROM {{real}}{table.name} WHERE 1 = 0"


def _becoming(table: sa.Table, chosen: Chosen) -> str:
    """The table with the chosen rows as they are to become. One subquery a column, so that the rest still reads by index."""
    after = {column.name: (key, value) for column, key, value in chosen.becoming() if column.table is table}
    columns = []
    for column in table.c:
        if column.name not in after:
            columns.append(f"r.{column.name}")
            continue
        key, value = after[column.name]
        columns.append(
            f"CASE WHEN EXISTS (SELECT 1 FROM chosen WHERE {key} = r.id)"
            f" THEN (SELECT {value} FROM chosen WHERE {key} = r.id ORDER BY number LIMIT 1)"
            f" ELSE r.{column.name} END AS {column.name}"
        )
    return f"SELECT {', '.join(columns)} FROM {{real}}{table.name} r"
