"""A grant is alive exactly while the contract opens something, says what it lacks, and ends by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.access.lacks import Lack
from console.authority import Operator, Role
from console.deciding.choosing import matching
from console.desk import Sight
from console.desks import desk
from console.desks.grants import STATES
from console.errors import Usage
from console.ledger.log import decode
from console.settings import Settings
from models import tables as t
from models.engine import open_engine, writing
from models.guards import make_guards
from models.views import make_views
from tests.worlds import OPEN, TODAY, alter, put, situations, troubled, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.oracle import World
    from tests.portals import Portal

DIGEST = "0f" * 32
PAPER = {"reference": "folder 12, page 3", "digest": DIGEST, "witness": "lee"}


@dataclass
class Tutoring:
    """A school that allows it, a student, a tutor, and an approved parent."""

    portal: Portal
    school: int
    student: int
    tutor: int
    parent: int
    tie: int

    def ask(self, **values: Any) -> int:
        n = self.portal.number("grant")
        return self.portal.add(
            t.access_grant,
            **{
                "ref": f"grant-{n}",
                "arrived_at": self.portal.clock.now() - timedelta(days=3),
                "account_id": self.tutor,
                "student_id": self.student,
                "school_id": self.school,
                "purpose": "homework",
                **values,
            },
        )

    def consent(self, grant: int, gives: bool = True) -> None:
        n = self.portal.number("consent")
        self.portal.add(
            t.intake_consent,
            ref=f"consent-{n}",
            at=self.portal.clock.now(),
            grant_ref=self.portal.one(t.access_grant, grant).ref,
            login=self.portal.one(t.account, self.parent).login.upper(),
            gives=gives,
        )

    def sees(self) -> set[str]:
        return self.portal.sees(self.tutor, self.student)

    def row(self, grant: int) -> dict[str, Any]:
        queue = self.portal.office.queue(self.portal.operator(), desk("grants"))
        return next(row for row in queue.records() if row["id"] == grant)

    def listed(self, where: str) -> list[int]:
        queue = self.portal.office.queue(self.portal.operator(), desk("grants"), where)
        return [row.id for row in queue.first(50)]


@pytest.fixture
def tutoring(portal: Portal) -> Tutoring:
    school = portal.school(asp=True)
    student = portal.student("Ada", "Berg", school=school)
    parent = portal.account("parent")
    tie = portal.membership(parent, student)
    return Tutoring(portal, school, student, portal.account("tutor", "asp", "Rae", "Holt"), parent, tie)


def test_a_grant_lives_by_approval_and_consent_and_ends_after_its_last_day(portal: Portal, tutoring: Tutoring) -> None:
    grant = tutoring.ask()
    assert (tutoring.row(grant)["state"], tutoring.row(grant)["lacks"]) == ("requested", ("consent",))
    portal.decide("grants", "approve", grant, until="2026-11-27")
    assert (tutoring.row(grant)["state"], tutoring.row(grant)["until"]) == ("lacking", date(2026, 11, 27))
    assert portal.one(t.access_grant, grant).ends == date(2026, 11, 28), "the table's end is exclusive"
    tutoring.consent(grant)
    assert (tutoring.row(grant)["state"], tutoring.sees()) == ("alive", {"assignments"})
    portal.clock.advance(timedelta(days=7))
    assert (tutoring.row(grant)["state"], tutoring.sees()) == ("alive", {"assignments"})
    portal.clock.advance(timedelta(days=1))
    assert (tutoring.row(grant)["state"], tutoring.sees()) == ("ended", set())
    assert tutoring.listed("state:ended") == tutoring.listed("state:approved") == [grant]


def _without(tutoring: Tutoring, lack: Lack) -> None:
    """Take one condition away."""
    portal = tutoring.portal
    yesterday = portal.today - timedelta(days=1)
    match lack:
        case Lack.SWITCH:
            portal.change(t.school, tutoring.school, asp=False)
        case Lack.ACCOUNT:
            portal.change(t.account, tutoring.tutor, status="suspended")
        case Lack.AGREEMENT:
            firm = portal.add(
                t.organisation, name="Firm", name_key="firm", agreement_required=True, agreement_until=yesterday
            )
            portal.change(t.account, tutoring.tutor, organisation_id=firm)
        case Lack.ENROLMENT:
            with writing(portal.office.engine) as connection:
                connection.execute(t.enrollment.update().values(ends=portal.today))
        case Lack.SEALED:
            portal.change(t.student, tutoring.student, mask="pseudonym", pseudonym="Heron-4821")
        case Lack.CONSENT:
            portal.change(t.membership, tutoring.tie, status="limited")
        case Lack.DATES:
            with writing(portal.office.engine) as connection:
                connection.execute(t.access_grant.update().values(begins=portal.today + timedelta(days=1)))


@pytest.mark.parametrize("lack", Lack)
def test_losing_one_condition_closes_and_is_named(portal: Portal, tutoring: Tutoring, lack: Lack) -> None:
    grant = tutoring.ask()
    tutoring.consent(grant)
    portal.decide("grants", "approve", grant, until="end-of-year")
    assert tutoring.sees() == {"assignments"}
    _without(tutoring, lack)
    assert tutoring.sees() == set()
    assert (tutoring.row(grant)["state"], tutoring.row(grant)["lacks"]) == ("lacking", (str(lack),))
    assert tutoring.listed(f"lacks:{lack}") == tutoring.listed("state:lacking") == [grant]
    view = portal.office.case(portal.operator(), desk("grants"), grant)
    (takes,) = (part for part in view.parts if part.title == "What it takes")
    assert [fact.label for fact in takes.facts].count("!") == 1


@pytest.mark.parametrize(
    ("lack", "why"),
    [
        (Lack.SWITCH, "the school does not allow after-school access"),
        (Lack.ACCOUNT, "the professional's account is not active"),
        (Lack.AGREEMENT, "the organisation's agreement is not in force"),
    ],
)
def test_what_the_district_cannot_answer_for_is_not_approved(
    portal: Portal, tutoring: Tutoring, lack: Lack, why: str
) -> None:
    grant = tutoring.ask()
    _without(tutoring, lack)
    receipt = portal.decide("grants", "approve", grant, until="end-of-year")
    assert [skip.why for skip in receipt.skipped] == [why]
    assert portal.office.case(portal.operator(), desk("grants"), grant).decisions["approve"] == why


def test_a_grant_never_outlasts_the_school_year(portal: Portal, tutoring: Tutoring) -> None:
    grant = tutoring.ask()
    end = portal.office.sight(portal.operator()).calendar.end_of_year()
    for until, message in (
        ((end + timedelta(days=1)).isoformat(), "ends with the school year"),
        ("2026-11-19", "a day that is over"),
    ):
        with pytest.raises(Usage, match=message):
            portal.decide("grants", "approve", grant, until=until)
    with pytest.raises(Usage, match="in the past"):
        portal.decide("grants", "approve", grant, until="end-of-year", begins="2026-11-19")
    portal.decide("grants", "approve", grant, until="end-of-year")
    assert tutoring.row(grant)["until"] == end
    with pytest.raises(Usage, match="ends with the school year"):
        portal.decide("grants", "extend", grant, until=(end + timedelta(days=1)).isoformat())


def test_a_request_begins_no_earlier_than_it_asks(portal: Portal, tutoring: Tutoring) -> None:
    wished = portal.today + timedelta(days=20)
    later, at_once = tutoring.ask(begins=wished), tutoring.ask(begins=portal.today - timedelta(days=5))
    receipt = portal.decide("grants", "approve", later, at_once, until="+10d")
    assert [(skip.id, skip.why) for skip in receipt.skipped] == [
        (later, "it asks to begin after that day, name another with --begins")
    ]
    assert tutoring.row(at_once)["begins"] == portal.today
    portal.decide("grants", "approve", later, until="+30d")
    assert tutoring.row(later)["begins"] == wished


def test_a_written_permission_takes_two_operators_and_no_parent(portal: Portal, tutoring: Tutoring) -> None:
    portal.change(t.membership, tutoring.tie, status="removed")
    portal.hire("lee", "after_school_coordinator")
    portal.hire("Kit", "auditor")
    grant = tutoring.ask()
    portal.decide("grants", "approve", grant, until="end-of-year")
    for wrong, message in (
        ({"witness": "Administrator"}, "somebody else"),
        ({"digest": "12ab"}, "64 hexadecimal digits"),
        ({"reference": "  "}, "--reference"),
    ):
        with pytest.raises(Usage, match=message):
            portal.decide("grants", "permission", grant, **{**PAPER, **wrong})
    for stranger in ("nobody", "kit"):
        receipt = portal.decide("grants", "permission", grant, **{**PAPER, "witness": stranger})
        assert [skip.why for skip in receipt.skipped] == ["there is no such second operator"]
    assert portal.plan("grants", "permission", grant, **PAPER).opens == 1
    done = portal.decide("grants", "permission", grant, **PAPER)
    assert tutoring.sees() == {"assignments"}
    ((body,),) = portal.all(sa.select(t.record.c.body).where(t.record.c.batch == done.batch))
    assert "folder 12" not in body
    assert "lee" not in body
    assert decode(body).after["permission_digest"] == DIGEST
    receipt = portal.decide("grants", "permission", grant, **PAPER)
    assert [skip.why for skip in receipt.skipped] == ["a written permission is on record"]
    undone = portal.undo(done.batch)
    assert tutoring.sees() == set()
    portal.undo(undone.batch)
    assert tutoring.sees() == {"assignments"}
    assert portal.one(t.access_grant, grant).permission_reference == "folder 12, page 3"


def test_a_paper_does_not_stand_in_for_a_parent_who_is_there(portal: Portal, tutoring: Tutoring) -> None:
    portal.hire("lee", "after_school_coordinator")
    grant = tutoring.ask()
    portal.decide("grants", "approve", grant, until="end-of-year")
    assert portal.plan("grants", "permission", grant, **PAPER).opens == 0
    portal.decide("grants", "permission", grant, **PAPER)
    assert tutoring.row(grant)["lacks"] == ("consent",)
    assert tutoring.sees() == set()


def test_an_ended_grant_that_is_extended_goes_on_from_today(portal: Portal, tutoring: Tutoring) -> None:
    grant = tutoring.ask()
    tutoring.consent(grant)
    portal.decide("grants", "approve", grant, until="+5d")
    receipt = portal.decide("grants", "extend", grant, until="+5d")
    assert [skip.why for skip in receipt.skipped] == ["it lasts that long already"]
    portal.clock.advance(timedelta(days=10))
    before = portal.today - timedelta(days=1)
    assert portal.plan("grants", "extend", grant, until="+5d").opens == 1
    extended = portal.decide("grants", "extend", grant, until="+5d")
    assert tutoring.sees() == {"assignments"}
    assert portal.sees(tutoring.tutor, tutoring.student, before) == set(), "no access is opened for days that are over"
    portal.undo(extended.batch)
    assert tutoring.row(grant)["state"] == "ended"


def test_revoking_and_rejecting_need_a_reason_and_tell_the_professional(portal: Portal, tutoring: Tutoring) -> None:
    alive, asked = tutoring.ask(), tutoring.ask()
    tutoring.consent(alive)
    portal.decide("grants", "approve", alive, until="end-of-year")
    for decision, grant in (("revoke", alive), ("reject", asked)):
        with pytest.raises(Usage, match="needs a reason"):
            portal.decide("grants", decision, grant)
    assert portal.plan("grants", "revoke", alive, reason="x").closes == 1
    portal.decide("grants", "revoke", alive, reason="the contract ended")
    portal.decide("grants", "reject", asked, reason="not a tutor of ours")
    assert tutoring.sees() == set()
    told = portal.all(sa.select(t.notice.c.template, t.notice.c.account_id).order_by(t.notice.c.id))
    assert [tuple(each) for each in told] == [
        ("grant-approved", tutoring.tutor),
        ("grant-revoked", tutoring.tutor),
        ("grant-rejected", tutoring.tutor),
    ]


def test_facts_name_no_family_beside_a_sealed_student(portal: Portal, tutoring: Tutoring) -> None:
    grant = tutoring.ask()
    portal.change(t.account, tutoring.parent, given_name="Ilse", family_name="Berg")
    portal.decide("students", "mask", tutoring.student, level="pseudonym", reason="x", review="+90d")
    view = portal.office.case(portal.operator(), desk("grants"), grant)
    said = f"{view.title} {view.parts}".lower()
    assert "berg" not in said
    assert "ilse" not in said


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = open_engine(database_url)
    with writing(engine) as made:
        t.metadata.create_all(made)
        make_views(made)
        make_guards(made)
    with engine.connect().execution_options(writes=True) as made, made.begin():
        yield made
    engine.dispose()


def test_the_desk_says_alive_exactly_when_the_contract_opens_something(
    connection: sa.Connection, tmp_path: Path
) -> None:
    policy = Settings.build({"database": {"url": "sqlite:///x"}, "portal": {"origin": "test.example/ledger"}}, tmp_path)
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 20, tzinfo=UTC)
    sight = Sight(Operator(1, "administrator", Role.DISTRICT_ADMINISTRATOR), noon, policy)
    grants = desk("grants")
    seen: set[str] = set()
    period = sa.table("portal_access_period", *(sa.column(name) for name in ("via", "from", "until")))
    today = sa.literal(TODAY, sa.Date())
    opened = sa.select(period.c.via).where(
        period.c["from"] <= today, sa.or_(period.c.until.is_(None), period.c.until > today)
    )
    shown = grants.shown(sight)
    listed = sa.select(t.access_grant.c.id, grants.state(sight).label("state"), *shown).select_from(grants.source())
    filters = [sa.and_(*matching(grants, f"state:{word}", sight)).label(f"is_{word}") for word in STATES]
    listed = listed.add_columns(*filters)
    put(connection, OPEN)

    def check(world: World) -> None:
        savepoint = connection.begin_nested()
        alter(connection, OPEN, world)
        through = {via for (via,) in connection.execute(opened) if via.startswith("grant ")}
        rows = connection.execute(listed).all()
        savepoint.rollback()
        assert {f"grant {row.id}" for row in rows if row.state == "alive"} == through
        for row in rows:
            missing = any(getattr(row, f"lacks_{lack}") for lack in Lack)
            assert row.state not in ("alive", "lacking") or missing == (row.state == "lacking")
            assert [word for word in STATES if getattr(row, f"is_{word}")] == [row.state]
            seen.add(row.state)

    for situation in situations():
        if {trouble.table for trouble in situation} != {"posts"}:
            check(troubled(OPEN, situation))
    settings(max_examples=60)(given(world=worlds())(check))()
    assert seen == set(STATES), "every state was met"


troubles = st.fixed_dictionaries(
    {
        "asp": st.sampled_from([True, True, False]),
        "advanced": st.booleans(),
        "policy": st.sampled_from(["any", "all"]),
        "tutor": st.sampled_from(["active", "active", "suspended"]),
        "parent": st.sampled_from(["approved", "approved", "limited", "removed"]),
        "sealed": st.sampled_from([False, False, True]),
        "grants": st.lists(
            st.tuples(
                st.sampled_from(["requested", "approved", "approved", "rejected"]),
                st.sampled_from([True, True, False, None]),
                st.sampled_from([-10, 0, 3]),
                st.sampled_from([-1, 20, 20]),
            ),
            min_size=1,
            max_size=4,
        ),
        "decision": st.sampled_from(["approve", "approve", "revoke", "extend", "permission", "reject"]),
    }
)


@given(trouble=troubles)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plan_counts_what_the_contract_then_opens_and_closes(
    portal: Portal, tutoring: Tutoring, trouble: dict[str, Any]
) -> None:
    if portal.number("hired") == 1:
        portal.hire("lee", "after_school_coordinator")
    portal.change(
        t.school, tutoring.school, asp=trouble["asp"], asp_advanced=trouble["advanced"], asp_consent=trouble["policy"]
    )
    n = portal.number("example")
    tutoring.tutor = portal.account(f"tutor{n}", "asp", status=trouble["tutor"])
    asked = []
    for state, says, begins, lasts in trouble["grants"]:
        tutoring.student = portal.student(
            school=tutoring.school,
            mask="pseudonym" if trouble["sealed"] else "none",
            pseudonym=f"Heron-{portal.number('code'):04}",
        )
        portal.membership(tutoring.parent, tutoring.student, trouble["parent"])
        dates = {}
        if state == "approved":
            dates = {
                "begins": portal.today + timedelta(days=begins),
                "ends": portal.today + timedelta(days=lasts),
            }
        grant = tutoring.ask(state=state, **dates)
        if says is not None:
            tutoring.consent(grant, says)
        asked.append(grant)
    typed: dict[str, str] = {
        "approve": {"until": "end-of-year"},
        "extend": {"until": "end-of-year"},
        "permission": PAPER,
    }.get(trouble["decision"], {"reason": "x"})
    cases = asked[:1] if trouble["decision"] == "permission" else asked
    plan = portal.plan("grants", trouble["decision"], *cases, **typed)
    before = _pairs(portal)
    receipt = portal.decide("grants", trouble["decision"], *cases, **typed)
    after = _pairs(portal)
    assert plan.count == receipt.done
    assert (plan.opens, plan.closes) == (len(after - before), len(before - after))


def _pairs(portal: Portal) -> set[tuple[int, int]]:
    """Who sees something of whom through a grant today."""
    period = sa.table(
        "portal_access_period", *(sa.column(name) for name in ("viewer", "student", "via", "from", "until"))
    )
    p, today = period.c, sa.literal(portal.today, sa.Date())
    found = portal.all(
        sa.select(p.viewer, p.student).where(
            p.via.like("grant %"), p["from"] <= today, sa.or_(p.until.is_(None), p.until > today)
        )
    )
    return {(row.viewer, row.student) for row in found}
