"""What is confirmed is what was asked for: these parameters, these rows as they were, within a day, once – or nothing is done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from console.assurance import Demonstration
from console.deciding.requesting import Asked, digest_of
from console.desk import Needs
from console.desks import desk
from console.desks.registration_decisions import Approve
from console.errors import Refused, Unverified
from console.ledger.bundle import verify_bundle
from console.notices.rendering import render
from console.reports.exporting import Wanted
from console.signin.sessions import Sessions
from models import tables as t
from models.words import Log
from screens.app import ConsoleApp
from tests.line_mode import LineMode, write_settings
from tests.on_screen import hurried, press, settle, shown, until
from tests.requested import GROUND, account_of, actions, at_once, challenge, delete, on_sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from console.authority import Operator
    from console.reports.exporting import Exported
    from console.selection import Receipt
    from tests.portals import Portal

__all__ = ["hurried"]
DAY = timedelta(hours=24)


@pytest.fixture
def school(portal: Portal) -> int:
    portal.office.assurance = Demonstration()
    return portal.school()


@pytest.fixture
def other(portal: Portal) -> Operator:
    return portal.hire("omar", "district_administrator")


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Approving registrations takes two, so that there are requests over many cases."""
    monkeypatch.setattr(Approve, "needs", lambda *_: Needs(second_person=True))


def confirm(portal: Portal, number: int | None, by: Operator) -> Receipt:
    assert number is not None
    return portal.decide("requests", "confirm", number, by=by)


def ask(portal: Portal, school: int) -> tuple[int, int]:
    """A request to delete an approved parent's account, and its case."""
    case = challenge(portal, portal.student(school=school))
    number = delete(portal, case).request
    assert number is not None
    return number, case


def states(portal: Portal, cases: list[int]) -> list[str]:
    return [portal.one(t.registration, case).state for case in cases]


@pytest.mark.usefixtures("twice")
def test_the_rows_are_those_of_the_asking_and_no_others(portal: Portal, school: int, other: Operator) -> None:
    cases = [portal.registration(portal.student(school=school)) for _ in range(3)]
    waits = portal.decide("registrations", "approve", where="state:submitted")
    late = portal.registration(portal.student(school=school))
    assert (waits.done, waits.batch, states(portal, cases)) == (0, None, ["submitted"] * 3)
    plan = portal.plan("requests", "confirm", waits.request or 0, by=other)
    receipt = confirm(portal, waits.request, other)
    assert (plan.skipped, plan.notices) == (receipt.skipped, receipt.notices)
    assert states(portal, [*cases, late]) == ["approved"] * 3 + ["submitted"]
    undone = portal.undo(str(receipt.batch), other)
    assert (undone.done, states(portal, cases)) == (3, ["submitted"] * 3)


@pytest.mark.usefixtures("twice")
def test_what_changed_since_is_left_out_and_named(portal: Portal, school: int, other: Operator) -> None:
    """VULNERABILITY: between asking and confirming a case becomes another.

    ATTACK: have an unremarkable case confirmed, and change it while it waits.
    VERIFIES: a case takes part only in the version that was asked for, and only if it is eligible still.
    """
    cases = [portal.registration(portal.student(school=school)) for _ in range(4)]
    number = portal.decide("registrations", "approve", where="state:submitted").request
    portal.decide("registrations", "reject", cases[0], reason="not a parent")
    portal.decide("registrations", "ask", cases[1], message="Which school?")
    portal.change(t.registration, cases[2], flags=8)
    receipt = confirm(portal, number, other)
    assert [(skip.id, skip.why) for skip in receipt.skipped] == [
        (cases[0], "it changed since it was asked for"),
        (cases[1], "it changed since it was asked for"),
        (cases[2], "it is flagged and is decided one by one"),
    ]
    assert states(portal, cases) == ["rejected", "needs_info", "submitted", "approved"]


@pytest.mark.usefixtures("twice")
def test_where_nothing_is_left_nothing_is_confirmed(portal: Portal, school: int, other: Operator) -> None:
    case = portal.registration(portal.student(school=school))
    number = portal.decide("registrations", "approve", case).request
    portal.decide("registrations", "reject", case, reason="not a parent")
    receipt = confirm(portal, number, other)
    assert (receipt.done, [skip.id for skip in receipt.skipped]) == (0, [case])
    assert portal.one(t.request, number or 0).state == "waiting"


def _row(portal: Portal, number: int, case: int) -> None:
    """Another case is put in."""
    new = challenge(portal, portal.one(t.challenge, case).student_id)
    _write(portal, t.request_case.insert().values(request_id=number, case_id=new, version=0))


def _version(portal: Portal, number: int, case: int) -> None:
    del case
    c = t.request_case.c
    _write(portal, t.request_case.update().where(c.request_id == number).values(version=c.version + 1))


def _call(portal: Portal, number: int, case: int) -> None:
    """The call of another request, sealed by the portal itself."""
    second = delete(portal, case, reason="Another reason.").request
    call = portal.one(t.request, second or 0).call
    _write(portal, t.request.update().where(t.request.c.id == number).values(call=call))


def _action(portal: Portal, number: int, case: int) -> None:
    del case
    _write(portal, t.request.update().where(t.request.c.id == number).values(action="suspend"))


def _maker(portal: Portal, number: int, case: int) -> None:
    del case
    somebody = portal.hire("somebody", "district_administrator")
    _write(portal, t.request.update().where(t.request.c.id == number).values(maker_id=somebody.id))


def _everything(portal: Portal, number: int, case: int) -> None:
    """A row is put in, and digest and seal are made to fit: the signed record of the asking is what remains."""
    _row(portal, number, case)
    row = portal.one(t.request, number)
    vault = portal.office.vault
    call = vault.open("request", "call", bytes(row.digest).hex(), bytes(row.call))
    c = t.request_case.c
    rows = portal.all(sa.select(c.case_id, c.version).where(c.request_id == number).order_by(c.case_id))
    digest = digest_of(row.maker_id, Asked(row.desk, row.action, call, ""), [tuple(each) for each in rows])
    sealed = vault.seal("request", "call", digest.hex(), call)
    _write(portal, t.request.update().where(t.request.c.id == number).values(digest=digest, call=sealed))


def _write(portal: Portal, statement: Any) -> None:
    """As whoever owns the database: the console's own role may not."""
    with portal.owning() as connection:
        connection.execute(statement)


def test_a_request_that_was_changed_is_not_carried_out(portal: Portal, school: int, other: Operator) -> None:
    """VULNERABILITY: a second person confirms a row of a table, and tables can be written to.

    ATTACK: change the cases, a version, the parameters, the decision or the maker of a waiting request – even with everything that
    the table holds made to fit.
    VERIFIES: the digest covers all of it and stands in the signed record of the asking; where they differ nothing is done.
    """
    for tamper in (_row, _version, _call, _action, _maker, _everything):
        number, case = ask(portal, school)
        tamper(portal, number, case)
        before = actions(portal)
        with pytest.raises(Unverified):
            confirm(portal, number, other)
        assert account_of(portal, case).status == "active", tamper
        assert portal.one(t.request, number).state == "waiting", tamper
        assert actions(portal) == before, tamper


@on_sqlite
@pytest.mark.parametrize(("later", "done"), [(DAY - timedelta(seconds=1), 1), (DAY, 0)], ids=["in time", "too late"])
def test_it_waits_a_day(portal: Portal, school: int, other: Operator, later: timedelta, done: int) -> None:
    number, case = ask(portal, school)
    portal.clock.advance(later)
    receipt = confirm(portal, number, other)
    assert (receipt.done, account_of(portal, case).status) == (done, "deleted" if done else "active")
    if not done:
        assert receipt.skipped[0].why == "it is expired"
        assert portal.office.case(other, desk("requests"), number).state == "expired"
        assert delete(portal, case).request == number + 1


@on_sqlite
def test_asking_again_finds_the_same_request(portal: Portal, school: int) -> None:
    case = challenge(portal, portal.student(school=school))
    first = delete(portal, case, key="once")
    again = delete(portal, case, key="once")
    assert (again.again, again.request, again.until) == (True, first.request, first.until)
    with pytest.raises(Refused, match=f"Request {first.request} asks for just this"):
        delete(portal, case, key="another")
    assert actions(portal) == ["requests.ask"]


def test_who_could_confirm_is_told_and_nobody_else(portal: Portal, school: int, other: Operator) -> None:
    portal.change(t.operator, other.id, email="omar@district.example")
    for name, role in (("help", "help_desk"), ("off", "district_administrator")):
        portal.change(t.operator, portal.hire(name, role).id, email=f"{name}@district.example")
    portal.change(t.operator, portal.operator("off").id, status="disabled")
    portal.change(t.operator, portal.operator().id, email="maker@district.example")
    number, case = ask(portal, school)
    (notice,) = portal.all(sa.select(t.notice))
    assert notice.address == "omar@district.example"
    with portal.office.reading() as connection:
        letter = render(connection, portal.settings, portal.office.vault, notice)
    assert f"Request {number}" in letter.text
    assert "Vale" not in letter.subject + letter.text
    portal.decide("requests", "refuse", number, by=other, message="Call the family first.")
    answered = portal.all(sa.select(t.notice).where(t.notice.c.template == "request-answered"))
    assert [each.address for each in answered] == ["maker@district.example"]
    assert account_of(portal, case).status == "active"


@on_sqlite
def test_why_is_read_by_who_may_decide_and_names_by_who_sees_the_desk(
    portal: Portal, school: int, other: Operator
) -> None:
    number, _ = ask(portal, school)

    def read(by: Operator) -> str:
        return str(portal.office.case(by, desk("requests"), number).parts)

    assert GROUND["reason"] in read(other)
    assert "Kim Vale" in read(other)
    assert "closes for 1" in read(other)
    clerk = read(portal.hire("clerk", "help_desk"))
    assert GROUND["reason"] not in clerk
    assert GROUND["reference"] not in clerk
    (row,) = portal.all(sa.select(t.record.c.body))
    assert GROUND["reason"] not in row.body


ROWS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), max_size=4)
ASKED = st.builds(Asked, st.sampled_from(["a", "ab"]), st.sampled_from(["b", ""]), st.binary(max_size=3), st.just(""))


@given(st.integers(1, 3), ASKED, ROWS, st.integers(1, 3), ASKED, ROWS)
@settings(max_examples=300)
def test_the_digest_is_one_for_one_request(
    maker: int, asked: Asked, rows: list[Any], maker_2: int, asked_2: Asked, rows_2: list[Any]
) -> None:
    same = (maker, asked, rows) == (maker_2, asked_2, rows_2)
    assert (digest_of(maker, asked, rows) == digest_of(maker_2, asked_2, rows_2)) == same


@pytest.mark.usefixtures("twice")
def test_many_cases_take_as_many_statements_as_few(portal: Portal, school: int, other: Operator) -> None:
    def statements(count: int) -> tuple[int, int]:
        student = portal.student(school=school)
        for _ in range(count):
            portal.registration(student)
        seen: list[str] = []

        def note(*event: Any) -> None:
            seen.append(event[2])

        sa.event.listen(portal.office.engine, "before_cursor_execute", note)
        number = portal.decide("registrations", "approve", where="state:submitted").request
        asked = len(seen)
        assert confirm(portal, number, other).done == 1
        sa.event.remove(portal.office.engine, "before_cursor_execute", note)
        return asked, len(seen) - asked

    few, many = statements(2), statements(60)
    assert abs(few[0] - many[0]) <= 4
    assert abs(few[1] - many[1]) <= 12


def export(portal: Portal, out: Path, by: Operator | None = None, **how: Any) -> Exported:
    portal._calls += 1
    return portal.office.export(
        by or portal.operator(), Wanted("csv", out, force=True, **how), f"export-{portal._calls}-{out.name}"
    )


@pytest.fixture
def recorded(portal: Portal, school: int) -> Portal:
    """Five records on the ledger, and two a day to export alone."""
    object.__setattr__(portal.settings.signin, "export_rows", 2)
    for _ in range(5):
        portal.decide("registrations", "approve", portal.registration(portal.student(school=school)))
    return portal


def test_a_large_export_waits_and_then_holds_what_was_confirmed(
    recorded: Portal, other: Operator, tmp_path: Path
) -> None:
    portal, out = recorded, tmp_path / "report.zip"
    waits = export(portal, out, purpose="an audit")
    assert (waits.request is not None, waits.checkpoint, out.exists()) == (True, None, False)
    assert export(portal, out, where="action:approve no:<=1").count == 2
    assert confirm(portal, waits.request, other).done == 1
    assert export(portal, out, purpose="something else").request is not None
    made = export(portal, out, purpose="an audit")
    assert (made.request, made.count) == (None, 5)
    assert verify_bundle(out, portal.office.signer.key(Log.LEDGER).verify_key).holds
    assert portal.one(t.request, waits.request or 0).batch == made.batch
    assert export(portal, out, purpose="an audit").request is not None


def test_leave_is_the_makers_for_a_day_and_once(recorded: Portal, other: Operator, tmp_path: Path) -> None:
    """VULNERABILITY: leave that lies about is used by whoever finds it, and as often as they like.

    ATTACK: use another operator's leave, use one's own twice at once, and use it on the next day.
    VERIFIES: it is the maker's, is used up in the transaction of the export's record, and ends.
    """
    portal = recorded
    number = export(portal, tmp_path / "a.zip").request
    assert confirm(portal, number, other).done == 1
    assert export(portal, tmp_path / "b.zip", other).request is not None
    found = at_once([lambda n=n: export(portal, tmp_path / f"c{n}.zip") for n in range(2)])  # type: ignore[misc]
    made = [each for each in found if not isinstance(each, Exception) and each.request is None]
    assert len(made) == 1, found
    number = export(portal, tmp_path / "d.zip", where="action:approve").request
    assert confirm(portal, number, other).done == 1
    portal.clock.advance(DAY)
    assert export(portal, tmp_path / "d.zip", where="action:approve").request is not None


@on_sqlite
def test_slices_of_a_day_are_as_many(recorded: Portal, tmp_path: Path) -> None:
    """VULNERABILITY: a limit on one export is passed by many small ones.

    ATTACK: export two records, and two more.
    VERIFIES: what an operator exported alone that day counts.
    """
    portal = recorded
    assert export(portal, tmp_path / "a.zip", where="action:approve no:<=1").request is None
    assert export(portal, tmp_path / "b.zip", where="action:approve no:>=3").request is not None
    portal.clock.advance(DAY)
    assert export(portal, tmp_path / "b.zip", where="action:approve no:>=3", purpose="x").request is None


def test_an_export_is_announced_and_a_refused_one_is_on_record(
    recorded: Portal, other: Operator, tmp_path: Path
) -> None:
    portal = recorded
    portal.change(t.operator, other.id, email="omar@district.example")
    portal.change(t.operator, portal.operator().id, email="maker@district.example")
    made = export(portal, tmp_path / "a.zip", where="no:0")
    told = portal.all(sa.select(t.notice).where(t.notice.c.template == "export-made"))
    assert [(each.address, each.batch) for each in told] == [("omar@district.example", made.batch)]
    object.__setattr__(portal.settings.policy, "export_row_budget", 3)
    with pytest.raises(Refused, match="may be exported a day"):
        export(portal, tmp_path / "b.zip")
    assert actions(portal)[-1] == "audit.refused"
    assert portal.office.signer.signed_size(Log.LEDGER) == portal.office.size()


@on_sqlite
def test_the_line_mode_asks_lists_shows_and_confirms(
    portal: Portal, school: int, other: Operator, tmp_path: Path
) -> None:
    case = challenge(portal, portal.student(school=school))
    line = LineMode(portal, write_settings(portal, tmp_path))
    words = ("challenges", "delete", "--ids", case, *(f"--{name}={value}" for name, value in GROUND.items()))
    by = "administrator"
    assert line.run(*words, "--preview", "--format", "json", by=by).json["requires"] == ["reason", "second_person"]
    asked = line.run(*words, by=by)
    assert (asked.code, asked.out.split("\n")[0]) == (3, "delete: waits for a second person as request 1, 0 skipped")
    (listed,) = line.json("requests", "list", "--where", "waits:me", by=other.name)
    assert (listed["id"], listed["state"], listed["maker"], listed["cases"]) == (1, "waiting", "administrator", 1)
    assert GROUND["reason"] in line.run("requests", "show", "1", by=other.name).out
    assert line.run("requests", "confirm", "--ids", "1", by=by).code == 1
    done = line.run("requests", "confirm", "--ids", "1", "--format", "json", by=other.name)
    assert (done.code, done.json["done"]) == (0, 1)
    assert line.run("undo", done.json["batch"], by=other.name).code == 0
    assert account_of(portal, case).status == "active"


@on_sqlite
async def test_the_screen_says_who_has_to_confirm_and_the_other_one_confirms(
    portal: Portal, school: int, other: Operator
) -> None:
    number, case = ask(portal, school)
    app = ConsoleApp(portal.office, other, desk="requests")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert f"Request {number}" in shown(app)
        for said in ("Delete the account: 1 challenge, asked for by administrator", GROUND["reason"], "Kim Vale"):
            assert said in shown(app)
        await press(pilot, "c")
        assert "Access closes for 1 person." in shown(app)
        await press(pilot, "y")
        await until(pilot, "Confirm: done for 1 request.")
    assert account_of(portal, case).status == "deleted"


@on_sqlite
async def test_home_counts_what_waits_for_the_operator_alone(portal: Portal, school: int, other: Operator) -> None:
    ask(portal, school)
    for by, said in ((other, "8 Requests 1"), (portal.operator(), "8 Requests nothing")):
        app = ConsoleApp(portal.office, by)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            assert said in shown(app)


@on_sqlite
def test_a_real_portal_asks_a_second_person(portal: Portal) -> None:
    assert Sessions(portal.settings).second_person
    assert Sessions(portal.settings).asks
