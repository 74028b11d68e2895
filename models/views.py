"""The portal's contract as SQL views: who may see what, from when until when (PORTAL, *Who may see a student's data*).

Everything that depends on the calendar is an interval of days, `from` inclusive and `until` exclusive (NULL is open); everything
that depends on a decision is there or not there. So no job has to run for a view to be right, and any day can be asked.
The views are made anew at each upgrade; the two engines differ in the words of `_DIALECTS` only. Asked for one viewer or one
student they read through indexes, so nothing is grouped or made distinct in them. docs/PORTAL-CONTRACT.md explains every column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from models.words import DataClass

if TYPE_CHECKING:
    from sqlalchemy import Connection

# "low(" … ")low": letters A to Z only, on both engines, and on PostgreSQL comparable with an indexed column again.
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
    },
    "postgresql": {
        "today": "(now() AT TIME ZONE (SELECT timezone FROM portal))::date",
        "later": "greatest",
        "sooner": "least",
        "yes": "true",
        "no": "false",
        "day": "date ",
        "low": "(lower(",
        "lowered": ' COLLATE "C") COLLATE "default")',
    },
}

ALWAYS = "0001-01-01"
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

# A challenge holds its tie from the moment the portal inserts it, taken over or not.
_HELD = """
CREATE VIEW access_held AS
SELECT membership_id FROM challenge WHERE state IN ('open', 'waiting', 'appealed')
UNION ALL
SELECT m.id
FROM membership m
JOIN account a ON a.id = m.account_id
JOIN student s ON s.id = m.student_id
JOIN intake_challenge i ON i.student_number = s.number AND {low}i.challenged{lowered} = a.login_key
WHERE i.taken_at IS NULL AND i.refused IS NULL
"""

# A parent's tie as the status alone says it: its level, from when, until the majority where the school closes it then.
_TIE = """
CREATE VIEW access_tie AS
SELECT m.id AS membership_id, m.account_id, m.student_id, a.login_key,
       CASE WHEN m.status = 'suspended' THEN m.resumes_as ELSE m.status END AS status,
       {later}(a.opens, CASE WHEN m.status = 'suspended' THEN m.suspended_until ELSE m.since END) AS opens,
       CASE WHEN h.close_at_18 AND m.rebased IS NULL THEN s.adult_on END AS closes,
       CASE WHEN h.hold_policy <> 'none' AND EXISTS (SELECT 1 FROM access_held x WHERE x.membership_id = m.id)
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

# An approved grant, once for the days before the student's majority closes ties and once for those from then on: the parents
# whose word counts are not the same.
_SEASON = """
CREATE VIEW access_season AS
SELECT g.id AS grant_id, g.ref, g.student_id, p.asp_consent, w.grown,
       CASE WHEN w.grown THEN s.adult_on ELSE {day}'{always}' END AS begins,
       CASE WHEN h.close_at_18 AND NOT w.grown THEN coalesce(s.adult_on, {day}'{never}') ELSE {day}'{never}' END AS ends,
       g.permission_reference IS NOT NULL AND g.permission_witness IS NOT NULL AS written
FROM access_grant g
JOIN school p ON p.id = g.school_id
JOIN student s ON s.id = g.student_id
LEFT JOIN school h ON h.id = s.school_id
CROSS JOIN (SELECT {no} AS grown UNION ALL SELECT {yes}) w
WHERE g.state = 'approved' AND (NOT w.grown OR (h.close_at_18 AND s.adult_on IS NOT NULL))
"""

# The approved parents of a grant's student, from when, and whether their last word for the grant is yes. A challenge that holds
# a tie takes its yes away and leaves its no: a hold never opens anything.
_CONSENTING = """
CREATE VIEW access_consenting AS
SELECT k.grant_id, k.grown, t.membership_id, t.opens,
       CASE WHEN t.hold <> 'none' THEN {no}
            ELSE coalesce((SELECT i.gives FROM intake_consent i
                           WHERE i.grant_ref = k.ref AND {low}i.login{lowered} = t.login_key
                           ORDER BY i.at DESC, i.id DESC LIMIT 1), {no}) END AS consents
FROM access_season k
JOIN access_tie t ON t.student_id = k.student_id AND t.status = 'approved' AND (t.closes IS NULL OR NOT k.grown)
"""

# Between which days an approved grant is carried: by the parents' will (any | all approved parents), or, while there is no
# approved parent, by a written permission.
_CARRIED = """
CREATE VIEW access_carried AS
SELECT k.grant_id, w.written,
       CASE WHEN w.written THEN k.begins
            ELSE {later}(k.begins, (SELECT min(c.opens) FROM access_consenting c
                                    WHERE c.grant_id = k.grant_id AND c.grown = k.grown AND c.consents)) END AS opens,
       CASE WHEN w.written
            THEN {sooner}(k.ends, coalesce((SELECT min(c.opens) FROM access_consenting c
                                            WHERE c.grant_id = k.grant_id AND c.grown = k.grown), {day}'{never}'))
            WHEN k.asp_consent = 'all'
            THEN {sooner}(k.ends, coalesce((SELECT min(c.opens) FROM access_consenting c
                                            WHERE c.grant_id = k.grant_id AND c.grown = k.grown AND NOT c.consents),
                                           {day}'{never}'))
            ELSE k.ends END AS closes
FROM access_season k
CROSS JOIN (SELECT {no} AS written UNION ALL SELECT {yes}) w
WHERE CASE WHEN w.written THEN k.written
           ELSE EXISTS (SELECT 1 FROM access_consenting c
                        WHERE c.grant_id = k.grant_id AND c.grown = k.grown AND c.consents) END
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
       CASE WHEN status = 'approved' AND hold <> 'limited' THEN 'parent_approved' ELSE 'parent_limited' END,
       'membership ' || membership_id, opens, coalesce(closes, {day}'{never}')
FROM access_tie
WHERE hold <> 'full' AND (NOT verify_parents OR (status = 'approved' AND hold <> 'limited'))
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
       {later}(a.opens, coalesce(g.begins, a.opens), c.opens, coalesce(e.begins, a.opens),
               CASE WHEN o.agreement_required THEN o.agreement_from ELSE a.opens END),
       {sooner}(g.ends, c.closes, coalesce(e.ends, {day}'{never}'),
                CASE WHEN o.agreement_required THEN coalesce(o.agreement_until, {day}'{never}') ELSE {day}'{never}' END)
FROM access_grant g
JOIN access_account_open a ON a.id = g.account_id AND a.type = 'asp'
JOIN school h ON h.id = g.school_id AND h.asp
JOIN access_carried c ON c.grant_id = g.id
JOIN student s ON s.id = g.student_id AND s.mask <> 'pseudonym'
JOIN enrollment e ON e.student_id = g.student_id AND e.school_id = g.school_id AND e.active
LEFT JOIN organisation o ON o.id = a.organisation_id
WHERE g.state = 'approved' AND g.ends IS NOT NULL
  AND (o.id IS NULL OR NOT o.agreement_required OR o.agreement_from IS NOT NULL)
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

_VIEWS = {
    "access_account_open": _ACCOUNT_OPEN,
    "access_held": _HELD,
    "access_tie": _TIE,
    "access_season": _SEASON,
    "access_consenting": _CONSENTING,
    "access_carried": _CARRIED,
    "access_own": _OWN,
    "access_reader": _READER,
    "portal_access_period": _PERIOD,
    "portal_access": _ACCESS,
    "portal_account": _ACCOUNT,
    "portal_student": _STUDENT,
}


def _classes() -> str:
    readers = {
        "self": SELF,
        "parent_limited": PARENT_LIMITED,
        "parent_approved": PARENT_APPROVED,
        "staff": STAFF,
        "asp": ASP,
        "asp_advanced": ASP_ADVANCED,
    }
    rows = ", ".join(f"('{reader}', '{name}')" for reader, names in readers.items() for name in names)
    return f"CREATE VIEW access_class (reader, class) AS VALUES {rows}"


def drop_views(connection: Connection) -> None:
    """Remove every view, so that tables below them can change."""
    for name in [*reversed(_VIEWS), "access_class"]:
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))


def make_views(connection: Connection) -> None:
    """Make every view anew for the connection's engine."""
    drop_views(connection)
    words = {**_DIALECTS[connection.dialect.name], "always": ALWAYS, "never": NEVER}
    connection.execute(text(_classes()))
    for statement in _VIEWS.values():
        connection.exec_driver_sql(statement.format(**words))
