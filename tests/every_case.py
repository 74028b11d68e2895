"""A case of every kind at every desk, once in a school of ours, once in another school, once in no school at all.

A kind is a word for what decides whether a decision may be taken: mostly the state, sometimes what else is true of the case. A new
desk adds its rows to `ROWS`; the tests that need every case fail until it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.assurance import Demonstration
from console.desks import DESKS
from models import tables as t
from tests.portals import NOON, Portal

if TYPE_CHECKING:
    from collections.abc import Callable


class Place(StrEnum):
    """Where a case is, seen by an operator of some schools."""

    OURS = "ours"
    THEIRS = "theirs"
    NOWHERE = "nowhere"


@dataclass
class EveryCase:
    """The portal with its cases: `cases[desk, place][kind]` is a case's number."""

    portal: Portal
    home: dict[Place, int | None] = field(default_factory=dict)
    cases: dict[tuple[str, Place], dict[str, int]] = field(default_factory=dict)
    accounts: dict[int, int] = field(default_factory=dict)
    """A student's parent, by the student's number."""
    logins: dict[int, int] = field(default_factory=dict)
    """A login that could be a person's of the directory, by the entry's number."""
    ours: tuple[int, ...] = ()

    def student(self, school: int | None, **values: Any) -> int:
        """A student of the school, with one parent whose tie is limited."""
        made = self.portal.student(school=school or self.ours[0], **values)
        if school is None:
            with self.portal.owning() as connection:
                connection.execute(t.enrollment.delete().where(t.enrollment.c.student_id == made))
            self.portal.change(t.student, made, school_id=None)
        n = self.portal.number("login")
        self.accounts[made] = self.portal.account(f"login{n}")
        return made


def every_case(portal: Portal) -> EveryCase:
    """Fill an empty portal."""
    every = EveryCase(portal)
    rows = {place: _schools(portal, place) for place in (Place.OURS, Place.THEIRS)}
    every.ours = tuple(rows[Place.OURS].values())
    every.home = {place: kinds["tutoring"] for place, kinds in rows.items()} | {Place.NOWHERE: None}
    for place, kinds in rows.items():
        every.cases["schools", place] = kinds
    for name, make in ROWS.items():
        if name not in DESKS:
            continue
        for place, school in every.home.items():
            every.cases[name, place] = make(every, school)
    return every


def _schools(portal: Portal, place: Place) -> dict[str, int]:
    on: dict[str, Any] = {
        "initial_rights": "approve_for_any",
        "hold_policy": "full",
        "in_person_check": True,
        "asp": True,
        "asp_advanced": True,
        "asp_consent": "all",
        "close_at_18": True,
    }
    return {
        "tutoring": portal.school(f"{place} tutoring", asp=True),
        "plain": portal.school(f"{place} plain"),
        "switched": portal.school(f"{place} switched", **on),
        "withdrawn": portal.school(f"{place} withdrawn", status="withdrawn"),
    }


def _registrations(every: EveryCase, school: int | None) -> dict[str, int]:
    portal = every.portal
    later = portal.today + timedelta(days=9)
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "submitted": ("limited", {}),
        "needs_info": ("limited", {"state": "needs_info", "asked_at": NOON}),
        "lapsed": ("limited", {"state": "needs_info", "asked_at": NOON - timedelta(days=61)}),
        "deferred": ("limited", {"state": "deferred", "deferred_until": later}),
        "back": ("limited", {"state": "deferred", "deferred_until": portal.today}),
        "approved": ("approved", {"state": "approved", "decided_at": NOON}),
        "limited": ("limited", {"state": "limited", "decided_at": NOON}),
        "rejected": ("removed", {"state": "rejected", "decided_at": NOON}),
        "withdrawn": ("removed", {"state": "withdrawn"}),
        "expired": ("limited", {"state": "expired"}),
    }
    return {
        kind: portal.registration(every.student(school), tie=tie, **values) for kind, (tie, values) in kinds.items()
    }


def _challenges(every: EveryCase, school: int | None) -> dict[str, int]:
    portal = every.portal
    soon = portal.today + timedelta(days=2)
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "open": ("limited", {"state": "open"}),
        "waiting": ("limited", {"state": "waiting", "waiting_until": soon}),
        "back": ("limited", {"state": "waiting", "waiting_until": portal.today}),
        "suspended": ("suspended", {"state": "decided", "outcome": "suspended"}),
        "suspended appealed": ("suspended", {"state": "appealed", "outcome": "suspended"}),
        "ignored": ("limited", {"state": "closed", "outcome": "ignored"}),
        "ignored appealed": ("limited", {"state": "appealed", "outcome": "ignored"}),
    }
    made = {}
    for kind, (status, values) in kinds.items():
        student = every.student(school)
        account, n = every.accounts[student], portal.number("challenge")
        resumes = {"resumes_as": "limited"} if status == "suspended" else {}
        made[kind] = portal.add(
            t.challenge,
            ref=f"challenge-{n}",
            arrived_at=NOON - timedelta(days=1),
            membership_id=portal.membership(account, student, status, **resumes),
            account_id=account,
            student_id=student,
            school_id=school,
            challenger_id=portal.account(f"challenger{n}", "student", student_id=student),
            statement="I do not know them.",
            answer_due=portal.today,
            decision_due=soon,
            decided_at=NOON - timedelta(hours=1) if "outcome" in values else None,
            **values,
        )
    return made


def _students(every: EveryCase, school: int | None) -> dict[str, int]:
    portal = every.portal
    review = portal.today + timedelta(days=20)
    kinds: dict[str, dict[str, Any]] = {
        "open": {},
        "masked": {"mask": "initial", "mask_review": review},
        "sealed": {},
        "blocked": {"parents_blocked": True, "block_review": review},
        "verified": {"verify_parents": True, "verify_review": review},
        "opted": {"directory_opt_out": "address", "opt_out_review": review},
        "grown": {"adult_on": portal.today - timedelta(days=5)},
        "withdrawn": {"status": "withdrawn"},
    }
    made = {kind: every.student(school, **values) for kind, values in kinds.items()}
    for student in made.values():
        portal.membership(every.accounts[student], student, "limited")
    portal.decide("students", "mask", made["sealed"], level="pseudonym", review="+20d", reason="a court order")
    return made


def _grants(every: EveryCase, school: int | None) -> dict[str, int]:
    portal = every.portal
    end = portal.today + timedelta(days=30)
    kinds: dict[str, dict[str, Any]] = {
        "requested": {},
        "alive": {"state": "approved", "ends": end},
        "lacking": {"state": "approved", "ends": end},
        "ended": {"state": "approved", "ends": portal.today - timedelta(days=3)},
        "rejected": {"state": "rejected"},
        "revoked": {"state": "revoked", "ends": end},
    }
    if school is None:
        # Where no school has switched it on, nothing can be alive.
        kinds = {"of no school": {}, "rejected": kinds["rejected"]}
    made = {}
    for kind, values in kinds.items():
        student = every.student(school)
        parent, n = every.accounts[student], portal.number("grant")
        portal.membership(parent, student, "approved")
        made[kind] = portal.add(
            t.access_grant,
            **{
                "ref": f"grant-{n}",
                "arrived_at": NOON - timedelta(days=3),
                "account_id": portal.account(f"tutor{n}", "asp"),
                "student_id": student,
                "school_id": school,
                "purpose": "homework",
                "begins": portal.today - timedelta(days=20),
                **values,
            },
        )
        if kind == "alive":
            login = portal.one(t.account, parent).login
            portal.add(t.intake_consent, ref=f"consent-{n}", at=NOON, grant_ref=f"grant-{n}", login=login, gives=True)
    return made


def _activations(every: EveryCase, school: int | None) -> dict[str, int]:
    portal = every.portal
    kinds: dict[str, dict[str, Any]] = {
        "of the roster": {},
        "with a login": {},
        "of several": {"several": True},
        "disabled": {"disabled": True},
        "dismissed": {"state": "dismissed"},
        "gone": {"gone": True},
    }
    made = {}
    for kind, values in kinds.items():
        student, n = every.student(school), portal.number("entry")
        if kind == "with a login":
            every.accounts[student] = portal.account(f"other.name{n}", "student", "Kim", "Vale", student_id=student)
        made[kind] = portal.add(
            t.directory_user,
            directory_id=f"entry-{n}",
            login=f"kim.vale{n}",
            login_key=f"kim.vale{n}",
            given_name="Kim",
            family_name="Vale",
            name_key="kimvale",
            family_key="vale",
            number=portal.one(t.student, student).number,
            school_id=school,
            student_id=student,
            first_seen=NOON - timedelta(days=1),
            last_seen=NOON,
            **values,
        )
        every.logins[made[kind]] = every.accounts[student]
    return made


def _requests(every: EveryCase, school: int | None) -> dict[str, int]:
    """Deletions of approved parents, which ask for a second person."""
    portal, office = every.portal, every.portal.office
    kinds: dict[str, dict[str, Any]] = {
        "waiting": {},
        "refused": {"state": "refused", "decided_at": NOON},
        "expired": {"until": NOON},
    }
    made = {}
    asks, office.assurance = office.assurance, Demonstration()
    for kind, values in kinds.items():
        student = every.student(school)
        account, n = every.accounts[student], portal.number("challenge")
        case = portal.add(
            t.challenge,
            ref=f"challenge-{n}",
            arrived_at=NOON - timedelta(days=1),
            membership_id=portal.membership(account, student, "approved"),
            account_id=account,
            student_id=student,
            school_id=school,
            challenger_id=portal.account(f"challenger{n}", "student", student_id=student),
            statement="I do not know them.",
            answer_due=portal.today,
            decision_due=portal.today,
        )
        receipt = portal.decide("challenges", "delete", case, basis="own_request", reason="they asked")
        assert receipt.request is not None
        made[kind] = receipt.request
        if values:
            portal.change(t.request, made[kind], **values)
    office.assurance = asks
    return made


def _operators(every: EveryCase, school: int | None) -> dict[str, int]:
    portal = every.portal
    kinds: dict[str, dict[str, Any]] = {
        "proposed": {"status": "proposed"},
        "active": {},
        "disabled": {"status": "disabled"},
        "of the directory": {"origin": "directory"},
        "program": {"role": "intake", "unattended": True},
        "sealed": {"break_glass": True},
    }
    made = {}
    for kind, values in kinds.items():
        name = f"case {portal.number('operator')}"
        made[kind] = portal.hire(name, "help_desk", () if school is None else (school,)).id
        if values:
            portal.change(t.operator, made[kind], **values)
    return made


ROWS: dict[str, Callable[[EveryCase, int | None], dict[str, int]]] = {
    "registrations": _registrations,
    "challenges": _challenges,
    "students": _students,
    "grants": _grants,
    "activations": _activations,
    "requests": _requests,
    "operators": _operators,
}
"""How each desk's cases are made for a school (None: none). Schools are there first; the audit's are what the others leave."""
