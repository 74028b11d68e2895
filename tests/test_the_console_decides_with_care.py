"""Deciding on the screen: one dialog for one or many, nothing without a yes, undone by a key, and never a surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from console.errors import Unavailable
from models import tables as t
from screens.case_screen import CaseScreen
from screens.decide_dialog import DecideDialog
from screens.desk_screen import DeskScreen
from screens.home import HomeScreen
from tests.on_screen import console, district, filled, hurried, press, rows, settle, shown, write

if TYPE_CHECKING:
    from tests.portals import Portal

__all__ = ["district", "filled", "hurried"]


def states(portal: Portal) -> dict[int, str]:
    return {row.id: row.state for row in portal.all(t.registration.select())}


async def test_marked_cases_are_approved_by_one_dialog_and_undone_by_one_key(district: Portal) -> None:
    before = states(district)
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "x", "x", "x", "a")
        assert "Approve: 3 registrations" in shown(app)
        assert states(district) == before
        await press(pilot, "y")
        assert [case for case, state in states(district).items() if state == "approved"] == [1, 2, 3]
        assert "done for 3 registrations" in shown(app)
        assert "0 marked · 37 match" in shown(app)
        await press(pilot, "u", "y")
        assert states(district) == before
        assert "0 marked · 40 match" in shown(app)


async def test_the_older_decision_is_undone_after_the_newer(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "a", "y", "d")
        await write(pilot, "+14d")
        await press(pilot, "tab", "tab", "y")
        assert (states(district)[1], states(district)[2]) == ("approved", "deferred")
        await press(pilot, "u", "y")
        assert (states(district)[1], states(district)[2]) == ("approved", "submitted")
        await press(pilot, "z", "y")
        assert states(district)[1] == "submitted"
        await press(pilot, "u")
        assert "You decided nothing here yet" in shown(app)


async def test_above_twenty_five_the_count_is_typed(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "asterisk", "a", "y")
        assert isinstance(app.screen, DecideDialog)
        assert "Type 36 and press enter." in shown(app)
        await write(pilot, "35")
        await press(pilot, "enter")
        assert isinstance(app.screen, DecideDialog)
        assert "approved" not in states(district).values()
        await press(pilot, "backspace", "6", "enter")
        assert list(states(district).values()).count("approved") == 36


async def test_flagged_cases_are_left_out_of_many_and_the_dialog_says_so(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "asterisk", "a")
        assert "4 registrations left out:" in shown(app)
        assert "4 it is flagged and is decided one by one" in shown(app)


@pytest.mark.parametrize("keys", [("n",), ("escape",), ("enter",), ("q",)])
async def test_a_closing_decision_takes_yes_and_nothing_else_for_yes(keys: tuple[str, ...], district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "r")
        await write(pilot, "Not a parent.")
        await press(pilot, "tab", *keys)
        assert not isinstance(app.screen, DecideDialog)
        assert set(states(district).values()) == {"submitted"}


async def test_a_reason_that_is_needed_is_asked_for(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "r", "tab", "y")
        assert "Reason is missing" in shown(app)
        await write(pilot, "Not a parent.")
        await press(pilot, "tab", "y")
        assert states(district)[1] == "rejected"


async def test_keys_typed_ahead_of_a_dialog_reach_it(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await pilot.press("r", *("space" if letter == " " else letter for letter in "yes no"), "tab", "y")
        await settle(pilot)
        record = district.all(t.record.select().where(t.record.c.action == "registrations.reject"))
        assert len(record) == 1, rows(app)


async def test_a_key_that_does_nothing_now_says_why(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "b")
        assert "Take the approval back: not now – it is submitted." in shown(app)
        district.hire("reader", "privacy_officer")
    async with console(district, desk="registrations", by="reader") as (app, pilot):
        assert "a Approve" in shown(app)
        await press(pilot, "a")
        assert "Approve: not now – your role does not have this right." in shown(app)


async def test_a_decision_for_one_case_says_so_when_many_are_marked(district: Portal) -> None:
    async with console(district, desk="challenges") as (app, pilot):
        await press(pilot, "b")
        assert "there is no case here" in shown(app)


async def test_after_a_decision_the_next_case_opens_by_itself(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "enter", "a", "y")
        assert isinstance(app.screen, CaseScreen)
        assert "Registration 2 submitted" in shown(app)
        assert "done for 1 registration" in shown(app)
        await press(pilot, "n", "n")
        assert "Registration 4 submitted" in shown(app)
        await press(pilot, "p")
        assert "Registration 3 submitted" in shown(app)


async def test_the_last_case_leads_back_to_the_queue(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        app.screen.show_where("state:submitted account:1")  # type: ignore[attr-defined]
        await settle(pilot)
        await press(pilot, "enter", "a", "y")
        assert isinstance(app.screen, DeskScreen)
        assert "No registration matches." in shown(app)


async def test_a_case_that_changed_meanwhile_is_not_decided_unseen(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        app.watching.stop()
        district.decide("registrations", "defer", 1, until="+14d")
        await press(pilot, "a")
        assert "it changed since you looked" in shown(app) or "nothing to do" in shown(app)
        await press(pilot, "y")
        assert states(district)[1] == "deferred"


async def test_escape_leaves_what_is_innermost(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "x", "slash")
        await write(pilot, " kind:student")
        assert "4 match" in shown(app)
        await press(pilot, "escape")
        assert "1 marked · 40 match" in shown(app)
        await press(pilot, "slash")
        await write(pilot, " kind:student")
        await press(pilot, "enter")
        assert "1 marked · 4 match" in shown(app)
        await press(pilot, "escape")
        assert "1 marked · 40 match" in shown(app)
        await press(pilot, "escape")
        assert "0 marked · 40 match" in shown(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, HomeScreen)
        await press(pilot, "escape")
        assert "Leave the console?" in shown(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, HomeScreen)


async def test_a_wrong_filter_is_explained_where_it_is_typed_and_the_list_stays(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        app.screen.action_filter()  # type: ignore[attr-defined]
        await settle(pilot)
        app.screen.prompt.line.value = "flagg:yes"  # type: ignore[attr-defined]
        await settle(pilot)
        assert "did you mean flag:?" in shown(app)
        assert "40 match" in shown(app)
        await press(pilot, "enter")
        assert app.screen.prompt.display  # type: ignore[attr-defined]
        app.screen.prompt.line.value = "flag:yes"  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert "4 match" in shown(app)


async def test_what_is_typed_into_a_filter_goes_on_behind_it_and_never_decides(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "slash")
        await write(pilot, "alv")
        assert "state:submitted alv " in rows(app)[0]
        await write(pilot, " fl")
        await press(pilot, "tab")
        await write(pilot, "y")
        await press(pilot, "tab", "shift+tab", "a", "enter")
        assert "flag:yes" in shown(app)
        assert isinstance(app.screen, DeskScreen)
    assert set(states(district).values()) == {"submitted"}


async def test_a_day_that_is_none_is_explained_in_the_dialog(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "d")
        await write(pilot, "+1y")
        assert "is not a day" in shown(app)
        await press(pilot, "tab", "tab", "y")
        assert isinstance(app.screen, DecideDialog)
        assert "end-of-year" in shown(app)


async def test_marks_outlive_a_filter_and_are_decided_with_what_is_hidden(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "x", "slash")
        await write(pilot, " kind:student")
        await press(pilot, "enter", "x", "a")
        assert "Approve: 2 registrations" in shown(app)


async def test_a_write_says_what_went_wrong_and_can_be_made_again_once(
    district: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []
    real = district.office.decide

    def lost(*call: object) -> object:
        *_, key, _progress = call
        keys.append(str(key))
        if len(keys) == 1:
            real(*call)  # type: ignore[arg-type]
            raise Unavailable("The database is not there; nothing is known.")
        return real(*call)  # type: ignore[arg-type]

    monkeypatch.setattr(district.office, "decide", lost)
    async with console(district, desk="registrations") as (app, pilot):
        app.watching.stop()
        await press(pilot, "a", "y")
        assert "The database is not there" in shown(app)
        await press(pilot, "a")
        # What was decided is not decided again: the case has changed since it was listed.
        assert "nothing to do" in shown(app)
        await press(pilot, "escape")
        desk = app.screen.desk  # type: ignore[attr-defined]
        decision = desk.decision("approve")
        app.writes.decide(desk, decision, app.screen.selection(), decision.Params())  # type: ignore[attr-defined]
        await settle(pilot)
        assert keys[0] == keys[1]
        assert len(district.all(t.batch.select())) == 1


async def test_copying_shows_what_it_copies(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "j", "y")
        assert app.clipboard == "2"
        assert "Copied: 2" in shown(app)


async def test_what_was_opened_is_on_record_when_the_console_is_left(district: Portal) -> None:
    async with console(district, desk="registrations") as (_, pilot):
        await press(pilot, "j", "enter")
    district.office.accesses.flush()
    opened = district.all(t.record.select().where(t.record.c.kind == "access"))
    assert [(row.action, row.case_id) for row in opened] == [("registrations.opened", 2)]


async def test_scrolling_past_cases_opens_none(district: Portal) -> None:
    async with console(district, desk="registrations") as (_, pilot):
        await press(pilot, "j", "j", "G", "g")
    district.office.accesses.flush()
    assert not district.all(t.record.select().where(t.record.c.kind == "access"))


async def test_a_reveal_takes_a_reason_is_recorded_and_masks_itself_again(district: Portal) -> None:
    district.decide("students", "mask", 1, level="initial", reason="order", review="+14d")
    async with console(district, desk="students") as (app, pilot):
        assert "Ana A." in shown(app)
        await press(pilot, "m", "tab", "y")
        assert "Reason is missing" in shown(app)
        await write(pilot, "A court asks.")
        await press(pilot, "tab", "y")
        assert "Ana Alvarez" in shown(app)
        assert district.all(t.record.select().where(t.record.c.action == "students.reveal"))
        await press(pilot, "escape")
        assert "Ana Alvarez" not in shown(app)


async def test_commands_do_what_keys_do(district: Portal) -> None:
    async with console(district, desk="registrations") as (app, pilot):
        await press(pilot, "colon")
        await write(pilot, "students")
        await press(pilot, "enter")
        assert shown(app).startswith("Students")
        await press(pilot, "1", "a", "y", "colon")
        batch = district.all(t.batch.select())[0].id
        await write(pilot, f"undo {batch.lower().replace('-', '')}")
        await press(pilot, "enter", "y")
        assert states(district)[1] == "submitted"
        await press(pilot, "colon")
        await write(pilot, "studnets")
        await press(pilot, "enter")
        assert "did you mean students?" in shown(app)
