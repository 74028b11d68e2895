"""The best SQL that we can write by hand for what an operator asks of a queue, on each engine: what of_queries is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

_SHOWN = """r.id, r.state, r.kind, r.given_name, r.family_name, r.match, r.flags, r.facts, r.arrived_at, r.account_id, r.student_id,
r.deferred_until, r.asked_at, s.given_name, s.family_name, s.mask, s.pseudonym, h.name"""
_JOINED = "LEFT JOIN student s ON s.id = r.student_id LEFT JOIN school h ON h.id = r.school_id"
_TODAY = "'2026-11-20'"


@dataclass(frozen=True, slots=True)
class Question:
    """A filter of a desk, and the bare SQL of what is asked of it. `scoped`: by the help desk of schools 7 and 8.

    `typed` are values that stand as `:name` in the SQL: no plan for a word or a moment is there before it is typed.
    """

    desk: str
    where: str
    bare: dict[str, str]
    scoped: bool = False
    typed: dict[str, object] = field(default_factory=dict)

    @property
    def says(self) -> str:
        """As a row of the report."""
        return f"{self.desk} {self.where or 'all'}{', two schools' if self.scoped else ''}"


def _page(inner: str, order: str = "r.arrived_at, r.id") -> str:
    return f"SELECT {_SHOWN} FROM registration r {_JOINED} WHERE r.id IN ({inner}) ORDER BY {order}"


def _merged(lanes: list[str], order: str = "arrived_at, id") -> str:
    """The first forty of lanes that are each in order."""
    each = " UNION ALL ".join(
        f"SELECT * FROM (SELECT id, arrived_at FROM registration WHERE {lane} ORDER BY {order} LIMIT 40) l{n}"
        for n, lane in enumerate(lanes)
    )
    return f"SELECT id FROM (SELECT * FROM ({each}) m ORDER BY {order} LIMIT 40) p"


def questions() -> list[Question]:
    """What is asked; the words are the same on both engines."""
    waiting = ["state = 'submitted'", f"state = 'deferred' AND deferred_until <= {_TODAY}"]
    here = [f"school_id = {school} AND {lane}" for school in (7, 8) for lane in waiting]
    capped = "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1001) c"
    either = f"registration WHERE {waiting[0]} OR ({waiting[1]})"
    first = " UNION ALL ".join(
        f"SELECT * FROM (SELECT 1 FROM registration WHERE {lane} ORDER BY arrived_at, id LIMIT 1001) l{n}"
        for n, lane in enumerate(waiting)
    )
    moment = "2026-10-31 20:00:00"
    word = {"key": "oscarmarerwick", "behind": "oscarmarerwicl", "mail": "oscar.marerwick", "next": "oscar.marerwicl"}
    own = (
        "SELECT r.id FROM registration r LEFT JOIN student s ON s.id = r.student_id"
        " WHERE NOT (r.kind = 'student' AND coalesce(s.mask, 'none') <> 'none') AND"
    )
    bearers = (
        f"{own} r.family_key >= :key AND r.family_key < :behind"
        f" UNION {own} r.name_key >= :key AND r.name_key < :behind"
        f" UNION {own} r.email_key >= :mail AND r.email_key < :next"
        " UNION SELECT r.id FROM student s JOIN registration r ON r.student_id = s.id"
        " WHERE s.family_key >= :key AND s.family_key < :behind AND s.mask <> 'initial'"
    )
    student = """SELECT s.id, s.given_name, s.family_name, s.mask, s.pseudonym, s.number, s.grade, s.parents_blocked, s.verify_parents,
s.directory_opt_out, s.status, s.family_key, s.mask_review, s.block_review, s.verify_review, s.opt_out_review,
(SELECT count(*) FROM membership m WHERE m.student_id = s.id AND m.blocked), h.name
FROM student s LEFT JOIN school h ON h.id = s.school_id"""
    record = """SELECT r.log, r."index", r.at, r.operator_id, r.desk, r.action, r.case_id, r.batch, r.from_state, r.to_state,
r.kind, o.name FROM record r LEFT JOIN operator o ON o.id = r.operator_id WHERE r.log = 'ledger'"""
    newest = 'ORDER BY r."index" DESC LIMIT 40'
    return [
        Question(
            "registrations",
            "state:submitted",
            {
                "first": _page(_merged(waiting)),
                "last": _page(_merged(waiting, "arrived_at DESC, id DESC"), "r.arrived_at DESC, r.id DESC"),
                # In order: a plan that reads the table as it lies takes 0.3 ms or 1 s, as chance has it where it begins.
                "count": capped.format(f"({first}) w"),
                "exact": f"SELECT count(*) FROM {either}",
            },
        ),
        Question("registrations", "state:submitted", {"first": _page(_merged(here))}, scoped=True),
        Question(
            "registrations",
            "state:submitted match:>=5",
            {"first": _page(_merged([f"{lane} AND match >= 5" for lane in waiting]))},
        ),
        Question(
            "registrations",
            "state:submitted older:20d",
            {"first": _page(_merged([f"{lane} AND arrived_at < :moment" for lane in waiting]))},
            typed={"moment": moment},
        ),
        Question(
            "registrations",
            "oscar.marerwick",
            {
                "first": _page(f"SELECT id FROM ({bearers}) b") + " LIMIT 40",
                "count": f"SELECT count(*) FROM (SELECT 1 FROM ({bearers}) b LIMIT 1001) c",
            },
            typed=word,
        ),
        Question("students", "", {"first": f"{student} ORDER BY s.family_key, s.id LIMIT 40"}),
        Question("students", "number:10000671", {"first": f"{student} WHERE s.number = '10000671'"}),
        Question(
            "students",
            "mask:pseudonym",
            {
                "first": f"{student} WHERE s.mask <> 'none' AND s.mask = 'pseudonym' ORDER BY s.family_key, s.id LIMIT 40"
            },
        ),
        Question("audit", "", {"first": f"{record} {newest}"}),
        Question("audit", "action:students.reveal", {"first": f"{record} AND r.action = 'students.reveal' {newest}"}),
        Question(
            "audit",
            "kind:disclosure",
            {"first": f"{record} AND r.kind <> 'decision' AND r.kind = 'disclosure' {newest}"},
        ),
    ]
