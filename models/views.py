"""The portal's contract as SQL views: who may see what, from when until when (PORTAL, *Who may see a student's data*).

Everything that depends on the calendar is an interval of days, `from` inclusive and `until` exclusive (NULL is open); everything
that depends on a decision is there or not there. So no job has to run for a view to be right, and any day can be asked.
The views are made anew at each upgrade; the two engines differ in the words of `_DIALECTS` only. Asked for one viewer or one
student they read through indexes, so nothing is grouped or made distinct in them. docs/PORTAL-CONTRACT.md explains every column.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from models.row_scope import drop_policies, make_policies
from models.words import DataClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

# "low(" … ")low": letters A to Z only, on both engines, and comparable with an indexed key, which is folded and compared so.
_DIALECTS = {
    "sqlite": {
        "today": "date('now', 'localtime')",
        "later": "max",
        "sooner": "min",
        "yes": "1",
        "no": "0",
        "day": "",
        "low": "lower(",
        "lowered": ")",
        "fence": "",
    },
    "postgresql": {
        "today": "(now() AT TIME ZONE (SELECT timezone FROM portal))::date",
        "later": "greatest",
        "sooner": "least",
        "yes": "true",
        "no": "false",
        "day": "date ",
        "low": "lower(",
        "lowered": ' COLLATE "C")',
        "fence": " OFFSET 0",
    },
}

NEVER = "9999-12-31"

PARENT_LIMITED = (DataClass.PUBLISHED,)
PARENT_APPROVED = (
    DataClass.PUBLISHED,
    DataClass.ASSIGNMENTS,
    DataClass.GRADES,
    DataClass.ATTENDANCE,
    DataClass.RECORD,
    DataClass.CONTACT,
)
STAFF = (
    DataClass.PUBLISHED,
    DataClass.ASSIGNMENTS,
    DataClass.GRADES,
    DataClass.ATTENDANCE,
    DataClass.RECORD,
    DataClass.DIRECTORY,
)
ASP = (DataClass.ASSIGNMENTS,)
ASP_ADVANCED = (DataClass.ASSIGNMENTS, DataClass.GRADES, DataClass.ATTENDANCE, DataClass.RECORD)
SELF = tuple(DataClass)

# Days between which an account can act: at once when active, from the end of a dated suspension otherwise.
_ACCOUNT_OPEN = """
CREATE VIEW access_account_open AS
SELECT id, type, login_key, student_id, staff_id, organisation_id,
       CASE WHEN status = 'suspended' THEN suspended_until ELSE since END AS opens
FROM account
WHERE status = 'active' OR (status = 'suspended' AND suspended_until IS NOT NULL)
"""

# Memberships under an open challenge, taken over or not, whatever the policy: for desks, which ask it of many ties at once.
_HELD = """
CREATE VIEW access_held AS
SELECT membership_id FROM challenge WHERE state IN ('open', 'waiting', 'appealed')
UNION ALL
SELECT m.id
FROM intake_challenge i
JOIN account a ON a.login_key = {low}i.challenged{lowered}
JOIN student s ON s.number = i.student_number
JOIN membership m ON m.account_id = a.id AND m.student_id = s.id
WHERE i.taken_at IS NULL AND i.refused IS NULL
"""

# A parent's tie as the status alone says it: its level, from when, until the majority where the school closes it then; and how
# an open challenge holds it, from the moment the portal inserts the challenge, taken over or not.
_TIE = """
CREATE VIEW access_tie AS
SELECT m.id AS membership_id, m.account_id, m.student_id, a.login_key,
       CASE WHEN m.status = 'suspended' THEN m.resumes_as ELSE m.status END AS status,
       {later}(a.opens, CASE WHEN m.status = 'suspended' THEN m.suspended_until ELSE m.since END) AS opens,
       CASE WHEN h.close_at_18 AND m.rebased IS NULL THEN s.adult_on END AS closes,
       CASE WHEN h.hold_policy <> 'none'
                 AND (EXISTS (SELECT 1 FROM challenge c
                              WHERE c.membership_id = m.id AND c.state IN ('open', 'waiting', 'appealed'))
                      OR EXISTS (SELECT 1 FROM intake_challenge i
                                 WHERE i.student_number = s.number AND {low}i.challenged{lowered} = a.login_key
                                   AND i.taken_at IS NULL AND i.refused IS NULL))
            THEN h.hold_policy ELSE 'none' END AS hold,
       s.verify_parents
FROM membership m
JOIN access_account_open a ON a.id = m.account_id AND a.type = 'parent'
JOIN student s ON s.id = m.student_id
LEFT JOIN school h ON h.id = s.school_id
WHERE NOT m.blocked AND NOT s.parents_blocked
  AND (m.status IN ('limited', 'approved')
       OR (m.status = 'suspended' AND m.suspended_until IS NOT NULL AND m.resumes_as IN ('limited', 'approved')))
"""

# What the approved parents of a grant's student say, as days: `willing` and `rebased`, the first on which one of them (one whose
# tie outlives the majority) says yes; `unwilling`, on which one does not; `first`, on which there is one at all; `majority`, on
# which ties close. A challenge that holds a tie takes the parent's yes away and leaves the no: a hold never opens anything.
_SAYINGS = {
    "willing": "min(CASE WHEN t.says THEN t.opens END)",
    "rebased": "min(CASE WHEN t.says AND t.closes IS NULL THEN t.opens END)",
    "unwilling": "min(CASE WHEN NOT t.says THEN t.opens END)",
    "first": "min(t.opens)",
    "majority": "min(t.closes)",
}
_PARENTS = """
FROM (SELECT k.opens, k.closes,
             k.hold = 'none' AND coalesce((SELECT i.gives FROM intake_consent i
                                           WHERE i.grant_ref = g.ref AND {low}i.login{lowered} = k.login_key
                                           ORDER BY i.at DESC, i.id DESC LIMIT 1), {no}) AS says
      FROM access_tie k
      WHERE k.student_id = g.student_id AND k.status = 'approved'{fence}) t
"""
_GRANT = """
CREATE VIEW access_asked AS
SELECT g.id, g.ref, g.state, g.account_id, g.student_id, g.school_id, g.begins, g.ends,
       g.permission_reference IS NOT NULL AND g.permission_witness IS NOT NULL AS written, {sayings}
FROM access_grant g{parents}
"""

# A student's own tie says whether the login was approved; there may be none.
_OWN = """
CREATE VIEW access_own AS
SELECT a.id AS account_id, a.student_id,
       CASE WHEN m.status = 'suspended' THEN m.resumes_as ELSE coalesce(m.status, 'pending') END AS status,
       {later}(a.opens, CASE WHEN m.status = 'suspended' THEN m.suspended_until ELSE coalesce(m.since, a.opens) END) AS opens
FROM access_account_open a
LEFT JOIN membership m ON m.account_id = a.id AND m.student_id = a.student_id
WHERE a.type = 'student' AND a.student_id IS NOT NULL
  AND (m.status IS NULL OR m.status IN ('pending', 'limited', 'approved')
       OR (m.status = 'suspended' AND m.suspended_until IS NOT NULL AND m.resumes_as IN ('pending', 'limited', 'approved')))
"""

_READER = """
CREATE VIEW access_reader AS
SELECT o.account_id AS viewer, o.student_id AS student, 'self' AS reader, 'self' AS via,
       o.opens, {day}'{never}' AS closes
FROM access_own o
JOIN student s ON s.id = o.student_id
LEFT JOIN school h ON h.id = s.school_id
WHERE o.status = 'approved' OR h.initial_rights = 'approve_for_grades'
UNION ALL
SELECT account_id, student_id,
       CASE hold WHEN 'full' THEN NULL
                 WHEN 'none' THEN CASE WHEN status = 'approved' THEN 'parent_approved'
                                       WHEN NOT verify_parents THEN 'parent_limited' END
                 ELSE CASE WHEN NOT verify_parents THEN 'parent_limited' END END,
       'membership ' || membership_id, opens, coalesce(closes, {day}'{never}')
FROM access_tie
UNION ALL
SELECT a.id, e.student_id, 'staff', 'school ' || e.school_id,
       {later}(a.opens, coalesce(p.begins, a.opens), coalesce(e.begins, a.opens)),
       {sooner}(coalesce(p.ends, {day}'{never}'), coalesce(e.ends, {day}'{never}'))
FROM access_account_open a
JOIN post p ON p.staff_id = a.staff_id AND p.active
JOIN enrollment e ON e.school_id = p.school_id AND e.active
WHERE a.type = 'certificated'
UNION ALL
SELECT a.id, e.student_id, 'staff', 'school ' || e.school_id,
       {later}(a.opens, coalesce(e.begins, a.opens)), coalesce(e.ends, {day}'{never}')
FROM access_account_open a
JOIN account_school p ON p.account_id = a.id
JOIN enrollment e ON e.school_id = p.school_id AND e.active
WHERE a.type = 'certificated'
  AND NOT EXISTS (SELECT 1 FROM post x WHERE x.staff_id = a.staff_id AND x.school_id = p.school_id AND x.active)
UNION ALL
SELECT g.account_id, g.student_id, CASE WHEN h.asp_advanced THEN 'asp_advanced' ELSE 'asp' END, 'grant ' || g.id,
       {later}(a.opens, coalesce(g.begins, a.opens), coalesce(e.begins, a.opens),
               CASE WHEN o.agreement_required THEN o.agreement_from ELSE a.opens END,
               CASE c.carrier WHEN 'parents' THEN g.willing WHEN 'rebased' THEN {later}(g.majority, g.rebased) ELSE a.opens END),
       {sooner}(g.ends, coalesce(e.ends, {day}'{never}'),
                CASE WHEN o.agreement_required THEN coalesce(o.agreement_until, {day}'{never}') ELSE {day}'{never}' END,
                CASE c.carrier WHEN 'parents' THEN coalesce(g.majority, {day}'{never}')
                               WHEN 'written' THEN coalesce(g.first, {day}'{never}') ELSE {day}'{never}' END,
                CASE WHEN c.carrier <> 'written' AND h.asp_consent = 'all'
                     THEN coalesce(g.unwilling, {day}'{never}') ELSE {day}'{never}' END)
FROM access_asked g
JOIN access_account_open a ON a.id = g.account_id AND a.type = 'asp'
JOIN school h ON h.id = g.school_id AND h.asp
JOIN student s ON s.id = g.student_id AND s.mask <> 'pseudonym'
JOIN enrollment e ON e.student_id = g.student_id AND e.school_id = g.school_id AND e.active
JOIN access_carrier c ON CASE c.carrier WHEN 'parents' THEN g.willing IS NOT NULL
                                        WHEN 'rebased' THEN g.rebased IS NOT NULL AND g.majority IS NOT NULL
                                        ELSE g.written END
LEFT JOIN organisation o ON o.id = a.organisation_id
WHERE g.state = 'approved' AND g.ends IS NOT NULL AND (o.id IS NULL OR NOT o.agreement_required OR o.agreement_from IS NOT NULL)
"""

_PERIOD = """
CREATE VIEW portal_access_period AS
SELECT r.viewer, r.student, c.class AS "class", r.via, r.opens AS "from",
       CASE WHEN r.closes = {day}'{never}' THEN NULL ELSE r.closes END AS "until"
FROM access_reader r
JOIN access_class c ON c.reader = r.reader
WHERE r.opens < r.closes
  AND (c.reader <> 'staff' OR c.class <> 'directory'
       OR NOT EXISTS (SELECT 1 FROM student s WHERE s.id = r.student AND s.directory_opt_out = 'all'))
"""

_ACCESS = """
CREATE VIEW portal_access AS
SELECT viewer, student, "class", via, "from", "until"
FROM portal_access_period
WHERE "from" <= {today} AND ("until" IS NULL OR "until" > {today})
"""

# A student's mask covers the name on the student's own login too.
_ACCOUNT = """
CREATE VIEW portal_account AS
SELECT a.id, a.login, a.type,
       CASE WHEN s.mask = 'pseudonym' THEN s.pseudonym ELSE a.given_name END AS given_name,
       CASE s.mask WHEN 'pseudonym' THEN '' WHEN 'initial' THEN s.family_initial ELSE a.family_name END AS family_name,
       a.status, CASE WHEN o.opens IS NOT NULL AND o.opens <= {today} THEN {yes} ELSE {no} END AS active, a.since
FROM account a
LEFT JOIN access_account_open o ON o.id = a.id
LEFT JOIN student s ON s.id = a.student_id
WHERE a.status <> 'deleted'
"""

_STUDENT = """
CREATE VIEW portal_student AS
SELECT s.id, s.source_id,
       CASE WHEN s.mask = 'pseudonym' THEN s.pseudonym ELSE s.given_name END AS given_name,
       CASE s.mask WHEN 'none' THEN s.family_name WHEN 'initial' THEN s.family_initial ELSE '' END AS family_name,
       s.grade, s.school_id, s.status, s.mask, s.directory_opt_out
FROM student s
"""

# A student's home school in numbers alone, for what is judged across schools: it reads all where models/row_scope.py shows few. Of the
# directory what makes a login or a number two people's.
_SCOPES = {
    "scope_home": "CREATE VIEW scope_home (student_id, school_id) AS SELECT id, school_id FROM student",
    "scope_entry": """
CREATE VIEW scope_entry (id, login_key, student_id, staff_id, account_id, state, gone) AS
SELECT id, login_key, student_id, staff_id, account_id, state, gone FROM directory_user
""",
}

# Who signs in with the directory's password: the entry's own id decides, for two entries can have one login name.
_DIRECTORY = """
CREATE VIEW portal_directory AS
SELECT d.directory_id, d.login_key AS login, d.account_id AS account
FROM directory_user d
JOIN account a ON a.id = d.account_id
WHERE d.state = 'activated' AND NOT d.gone AND NOT d.disabled AND a.status <> 'deleted'
"""

_READS = {
    "self": SELF,
    "parent_limited": PARENT_LIMITED,
    "parent_approved": PARENT_APPROVED,
    "staff": STAFF,
    "asp": ASP,
    "asp_advanced": ASP_ADVANCED,
}

# What each reader sees, and what may carry a grant: parents, parents after the majority, a written permission.
_CONSTANTS = {
    "access_class": "CREATE VIEW access_class (reader, class) AS VALUES "
    + ", ".join(f"('{reader}', '{name}')" for reader, names in _READS.items() for name in names),
    "access_carrier": "CREATE VIEW access_carrier (carrier) AS VALUES ('parents'), ('rebased'), ('written')",
}

_VIEWS = {
    "access_account_open": _ACCOUNT_OPEN,
    "access_held": _HELD,
    "access_tie": _TIE,
    "access_asked": _GRANT,
    "access_own": _OWN,
    "access_reader": _READER,
    "portal_access_period": _PERIOD,
    "portal_access": _ACCESS,
    "portal_account": _ACCOUNT,
    "portal_student": _STUDENT,
    "portal_directory": _DIRECTORY,
}

VIEWS = (*_CONSTANTS, *_SCOPES, *_VIEWS)
"""The name of every view."""


def _asked(engine: str) -> dict[str, str]:
    """The parents' sayings beside each grant: once a grant where an engine can (LATERAL), else one subquery for each."""
    if engine == "postgresql":
        columns = ", ".join(f"{saying} AS {name}" for name, saying in _SAYINGS.items())
        return {
            "sayings": ", ".join(f"p.{name}" for name in _SAYINGS),
            "parents": f" CROSS JOIN LATERAL (SELECT {columns}{_PARENTS}) p",
        }
    subqueries = (f"(SELECT {saying}{_PARENTS}) AS {name}" for name, saying in _SAYINGS.items())
    return {"sayings": ",\n".join(subqueries), "parents": ""}


def drop_views(connection: Connection) -> list[str]:
    """Remove every view, those of earlier versions too, so that tables below them can change.

    Returns the statements that give other roles back what they could read, for `make_views`.
    """
    found = sorted(name for name in inspect(connection).get_view_names() if name in VIEWS or name.startswith("access_"))
    if connection.dialect.name == "sqlite":
        for name in found:
            connection.exec_driver_sql(f'DROP VIEW "{name}"')
        return []
    allowed = _readers(connection)
    drop_policies(connection)
    if found:
        # In one statement their order does not matter. A view that somebody else built upon ours stops it.
        connection.exec_driver_sql("DROP VIEW " + ", ".join(f'"{name}"' for name in found))
    return allowed


def make_views(connection: Connection, allowed: Iterable[str] = ()) -> None:
    """Make every view anew for the connection's engine. Who could read one on PostgreSQL still can.

    `allowed` is what an earlier `drop_views` in this transaction returned.
    """
    allowed = [*allowed, *drop_views(connection)]
    engine = connection.dialect.name
    words = {**_DIALECTS[engine], "never": NEVER}
    words |= {name: part.format(**words) for name, part in _asked(engine).items()}
    for statement in (*_CONSTANTS.values(), *_SCOPES.values(), *_VIEWS.values()):
        connection.exec_driver_sql(statement.format(**words))
    make_policies(connection)
    for grant in allowed:
        connection.exec_driver_sql(grant)


_HEAD = re.compile(r"\s*CREATE VIEW (\w+(?: \([^)]*\))?) AS\s+(.*)", re.DOTALL)


def what_if(engine: str, instead: Mapping[str, str]) -> str:
    """A WITH list under which `portal_access_period` reads as it would with other rows in some tables.

    `instead` gives for a table's name the SELECT that stands for it, in which `{real}` before a table's name means the table
    itself. The views are the same text as those that the portal reads, so what they would say is not written down twice.
    """
    words = {**_DIALECTS[engine], "never": NEVER, "real": "main." if engine == "sqlite" else ""}
    words |= {name: part.format(**words) for name, part in _asked(engine).items()}
    parts = [f"{name} AS NOT MATERIALIZED ({select.format(**words)})" for name, select in instead.items()]
    for view, statement in (_CONSTANTS | _VIEWS).items():
        head = _HEAD.fullmatch(statement.format(**words))
        if head and (view.startswith("access_") or view == "portal_access_period"):
            parts.append(f"{head[1]} AS NOT MATERIALIZED ({head[2]})")
    return "WITH " + ",\n".join(parts)


def _readers(connection: Connection) -> list[str]:
    """The GRANT statements that give back what the making anew of the views takes from other PostgreSQL roles."""
    return list(
        connection.exec_driver_sql(
            "SELECT 'GRANT SELECT ON ' || quote_ident(c.relname) || ' TO '"
            " || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END"
            " FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a"
            " WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace"
            f" AND c.relname IN ({', '.join(repr(name) for name in VIEWS)})"
            " AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner"
            " ORDER BY 1"
        ).scalars()
    )
