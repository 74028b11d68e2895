"""The second belt: on PostgreSQL the tables show an operator of some schools nothing of the others, even where the console forgot to.

And what an operator sees and decides is the same on both engines: the belt takes nothing away that is theirs to see or to be judged.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa

from console.desks import desk
from console.errors import Refused
from models import tables as t
from models.engine import reading
from models.row_scope import POLICIES, SETTING, told
from tests.portals import NOON, open_portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.authority import Operator
    from tests.portals import Portal
    from tests.services.postgres import Cluster

HOUSE = Path(__file__).parent.parent
ACROSS = {
    "console/deciding/imagining.py": "a plan counts what a change opens at other schools too; two numbers come out",
    "console/desks/activation_accounts.py": "a login is one person's in the whole district; rows are locked, none is read",
}
"""Where a transaction of one school's operator reads across all, and why it may."""


class Two:
    """Two schools with one of everything each, a student whom both have to do with, and an operator of the first."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.ours, self.theirs = portal.school("Lincoln", asp=True), portal.school("Mission", asp=True)
        self.rows = {school: self._fill(school, name) for school, name in ((self.ours, "Ann"), (self.theirs, "Bob"))}
        self.ann = portal.hire("ann", "school_administrator", (self.ours,))

    def _fill(self, school: int, name: str) -> dict[str, int]:
        p = self.portal
        student = p.student(name, school=school)
        account = p.account(name.lower())
        registration = p.registration(student, account=account, tie="approved")
        tie = p.one(t.registration, registration).membership_id
        helper = p.account(f"helper-{name.lower()}", "asp")
        p.add(t.sealed_name, student_id=student, sealed=b"-")
        return {
            "student": student,
            "registration": registration,
            "challenge": p.add(
                t.challenge,
                ref=f"challenge-{name}",
                arrived_at=NOON,
                membership_id=tie,
                account_id=account,
                student_id=student,
                school_id=school,
                challenger_id=account,
                statement="-",
                answer_due=p.today,
                decision_due=p.today,
            ),
            "access_grant": p.add(
                t.access_grant,
                ref=f"grant-{name}",
                arrived_at=NOON,
                account_id=helper,
                student_id=student,
                school_id=school,
                purpose="homework",
            ),
            "directory_user": p.add(
                t.directory_user,
                directory_id=name,
                login=name,
                login_key=name.lower(),
                given_name=name,
                family_name="Vale",
                school_id=school,
                first_seen=NOON,
                last_seen=NOON,
            ),
        }

    def moved(self) -> int:
        """The first school's student is at home at the other by now; the first school's cases stay there."""
        student = self.rows[self.ours]["student"]
        self.portal.change(t.student, student, school_id=self.theirs)
        return student


@pytest.fixture
def two(portal: Portal) -> Two:
    return Two(portal)


@pytest.fixture
def belted(postgres: Cluster, tmp_path: Path) -> Iterator[Two]:
    """The same on PostgreSQL alone."""
    url = postgres.fresh_database()
    portal = open_portal(url, tmp_path)
    yield Two(portal)
    portal.office.engine.dispose()
    postgres.drop(url)


def counted(two: Two, schools: str | None) -> dict[str, int]:
    """How many rows of each table a plain session of the console's role sees, with the setting or without."""
    with psycopg.connect(two.portal.settings.database.url) as session:
        if schools is not None:
            session.execute("SELECT set_config(%s, %s, true)", (SETTING, schools))
        return {
            table: session.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[index, call-overload]
            for table in POLICIES
        }


def test_a_plain_select_sees_the_schools_of_the_setting(belted: Two) -> None:
    """VULNERABILITY: one query without its scope, and a school's operator reads the district.

    ATTACK: `SELECT … FROM student` and the other tables with nothing around it, in a transaction for the first school.
    VERIFIES: one row of each, the school's own; all without the setting; none for an operator of no school.
    """
    assert counted(belted, None) == counted(belted, "") == dict.fromkeys(POLICIES, 2)
    assert counted(belted, str(belted.ours)) == dict.fromkeys(POLICIES, 1)
    assert counted(belted, f"{belted.ours},{belted.theirs}") == dict.fromkeys(POLICIES, 2)
    assert counted(belted, told(frozenset())) == dict.fromkeys(POLICIES, 0)


def test_other_schools_rows_cannot_be_changed_or_planted(belted: Two) -> None:
    """ATTACK: UPDATE without a WHERE, and a row moved to a school that is not the operator's."""
    with psycopg.connect(belted.portal.settings.database.url) as session:
        session.execute("SELECT set_config(%s, %s, true)", (SETTING, str(belted.ours)))
        assert session.execute("UPDATE registration SET state = 'rejected'").rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            session.execute(
                "UPDATE directory_user SET school_id = %s WHERE school_id = %s", (belted.theirs, belted.ours)
            )
    assert belted.portal.one(t.registration, belted.rows[belted.theirs]["registration"]).state == "submitted"


@pytest.mark.parametrize("name", ["registrations", "challenges", "students", "grants", "activations"])
def test_a_desk_that_forgot_its_scope_shows_no_other_school(belted: Two, name: str) -> None:
    """VULNERABILITY: a desk's `within` is forgotten, and nothing else stands between its queue and the district.

    ATTACK: the desk without it, listed for an operator of one school.
    VERIFIES: on PostgreSQL the queue holds that school's case alone; for an operator of all schools it holds both.
    """
    forgetful = type("Forgetful", (type(desk(name)),), {"within": lambda _self, _operator: ()})()

    def shown(operator: Operator) -> int:
        return belted.portal.office.queue(operator, forgetful, "").count().number

    assert shown(belted.portal.operator()) == 2
    assert shown(belted.ann) == 1


def test_the_setting_ends_with_its_transaction(belted: Two) -> None:
    """ATTACK: the pool hands a connection on that has just been one school's, after a success and after an error."""
    office = belted.portal.office
    students = sa.select(sa.func.count()).select_from(t.student)
    for _ in range(10):
        with office.reading(belted.ann) as connection:
            assert connection.execute(students).scalar_one() == 1
        with suppress(ZeroDivisionError), office.writing(belted.ann) as connection:
            assert connection.execute(students).scalar_one() == 1
            raise ZeroDivisionError
        with reading(office.engine) as connection:
            assert connection.execute(students).scalar_one() == 2


def test_a_case_shows_its_student_wherever_the_home_school_is(two: Two) -> None:
    """The student moved away; the case stayed, and whoever settles it sees whom it is about – on both engines."""
    two.moved()
    for name in ("registrations", "challenges", "grants"):
        case = two.rows[two.ours]["access_grant" if name == "grants" else name.removesuffix("s")]
        view = two.portal.office.case(two.ann, desk(name), case)
        assert "Ann" in str(view.parts), name
    with pytest.raises(Refused, match="no such student"):
        two.portal.office.case(two.ann, desk("students"), two.rows[two.ours]["student"])


def test_an_account_that_reaches_beyond_is_still_the_districts_to_decide(two: Two) -> None:
    """VULNERABILITY: what the belt hides cannot speak against a decision either.

    ATTACK: the challenged has a tie at another school, which the operator's transaction cannot read; delete the account.
    VERIFIES: the decision is refused all the same, on both engines.
    """
    rows = two.rows[two.ours]
    account = two.portal.one(t.challenge, rows["challenge"]).account_id
    dean = two.portal.hire("dean", "district_administrator", (two.ours,))
    typed: dict[str, Any] = {"basis": "fraud", "reference": "7/26", "account": "yes", "reason": "forged", "by": dean}
    assert two.portal.plan("challenges", "suspend", rows["challenge"], **typed).count == 1
    two.portal.membership(account, two.rows[two.theirs]["student"])
    plan = two.portal.plan("challenges", "suspend", rows["challenge"], **typed)
    assert plan.count == 0
    assert "beyond your schools" in str(plan.skipped)


def test_a_plan_counts_what_it_opens_at_other_schools(two: Two) -> None:
    """What one school's operator is told of a decision is what the whole district's is told."""
    rows = two.rows[two.ours]
    helper = two.portal.account("third", "asp")
    two.portal.add(
        t.access_grant,
        ref="elsewhere",
        state="approved",
        arrived_at=NOON,
        account_id=helper,
        student_id=rows["student"],
        school_id=two.theirs,
        purpose="-",
        begins=two.portal.today,
        ends=two.portal.today + timedelta(days=9),
    )
    two.portal.add(t.enrollment, student_id=rows["student"], school_id=two.theirs)
    ann = two.portal.one(t.challenge, rows["challenge"]).account_id
    login = two.portal.one(t.account, ann).login
    two.portal.add(
        t.intake_consent, ref="yes", at=NOON - timedelta(days=1), grant_ref="elsewhere", login=login, gives=True
    )
    two.portal.change(t.membership, two.portal.one(t.challenge, rows["challenge"]).membership_id, status="approved")
    two.portal.change(t.challenge, rows["challenge"], state="waiting", waiting_until=two.portal.today)
    typed: dict[str, Any] = {"basis": "fraud", "reference": "7/26", "reason": "forged"}
    whole = two.portal.plan("challenges", "suspend", rows["challenge"], **typed)
    scoped = two.portal.plan("challenges", "suspend", rows["challenge"], by=two.ann, **typed)
    assert (scoped.opens, scoped.closes) == (whole.opens, whole.closes) == (0, 2)


def test_who_reads_across_all_schools_is_known_and_has_a_reason() -> None:
    found = {
        str(file.relative_to(HOUSE))
        for folder in ("console", "screens", "fixtures")
        for file in (HOUSE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "models.row_scope"
        if any(each.name == "everywhere" for each in node.names)
    }
    assert found == set(ACROSS)
