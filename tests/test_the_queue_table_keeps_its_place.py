"""The operator's place in a queue – the cursor, the marks, the lines on the screen – survives whatever happens to it."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from console.columns import fit
from console.queue import Tone
from fixtures.hostile import HOSTILE_NAMES
from screens import theme
from screens.marks import RANGE_LIMIT, Marks
from screens.queue_lines import GUTTER, Order
from screens.queue_table import QueueTable
from screens.theme import look
from tests.computed_queue import COLUMNS, ComputedQueue
from tests.queue_table_app import MILLION, TableApp, a_million, hostile
from tests.services.pty import Pty

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

# The first screen at 80×12, with the cursor on case 5 and cases 2 and 4 marked.
FIRST_SCREEN = """\
          No.  Applicant                Student                Facts  State
            1  José Okonkwo             Fatima Okonkwo             1  limited
  ●         2  Wei Nguyễn               Dmitri Nguyễn              2  needs info
            3  Oluwaseun Smith-Jones    Zoë Smith-Jones            3  approved
  ●         4  Zoë O'Neil               Oluwaseun O'Neil           4  submitted
›           5  Dmitri Żak               Wei Żak                    5  limited
            6  Fatima Alvarez           José Alvarez               6  needs info
            7  Ann Okonkwo              Ann Okonkwo                7  approved
            8  José Nguyễn              Fatima Nguyễn              8  submitted
            9  Wei Smith-Jones          Dmitri Smith-Jones         0  limited
           10  Oluwaseun O'Neil         Zoë O'Neil                 1  needs info"""


UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@asynccontextmanager
async def table(
    queue: ComputedQueue, *keys: str, size: tuple[int, int] = (80, 12), ascii_only: bool = False
) -> AsyncIterator[tuple[TableApp, Pilot[None]]]:
    """The table on `queue` after `keys`; one line of `size` is the status line."""
    app = TableApp(queue, ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        yield app, pilot


def cursor(app: TableApp) -> int | None:
    """The case under the cursor as the screen shows it."""
    found = [re.search(r"\d+", line) for line in app.lines() if line.startswith("›")]
    return int(found[0][0]) if found and found[0] else None


def printable(text: str) -> bool:
    """Whether every character of `text` shows itself and does nothing else; joiners belong to some letters."""
    return not {unicodedata.category(char) for char in text if char not in "\u200c\u200d"} & UNPRINTABLE


def marked(app: TableApp) -> list[int]:
    """The cases that the screen shows as marked."""
    return [int(line[GUTTER:].split()[0]) for line in app.lines() if line[2:3] in {"●", "✓"}]


async def test_the_first_screen_reads_like_this() -> None:
    async with table(a_million(), "down", "x", "j", "space", size=(80, 12)) as (app, _):
        assert "\n".join(app.lines()) == FIRST_SCREEN
        assert app.table.status == "2 marked · over 1,000 match · 1–10"


async def test_signs_have_an_ascii_form() -> None:
    async with table(a_million(), "x", "s", "S", ascii_only=True) as (app, _):
        app.table.show(a_million(), order=Order("id", descending=True))
        lines = app.lines()
        assert lines[0].lstrip().startswith("No. v")
        assert lines[1].startswith("> *")


async def test_small_queues_say_how_many_match_and_a_cap_says_over() -> None:
    async with table(ComputedQueue(range(1, 413)), "x", "x", "x", size=(120, 42)) as (app, _):
        assert app.table.status == "3 marked · 412 match · 1–40"
        app.table.show(ComputedQueue(range(1, 1002)))
        assert app.table.status == "3 marked · over 1,000 match · 1–40"


async def test_an_empty_queue_says_the_screens_sentence() -> None:
    async with table(ComputedQueue(range(1, 1)), "down", "G", "x", "enter", "V", "asterisk", size=(60, 8)) as (app, _):
        said = [line.strip() for line in app.lines()[1:] if line]
        assert said == ["Nothing waits here. New registrations appear as parents", "send them."]
        assert app.table.status == "0 marked · 0 match · 0–0"
        assert app.table.row is None
        assert not app.table.marks


async def test_paging_keeps_marks_and_shows_every_row_once() -> None:
    async with table(ComputedQueue(range(1, 601)), "x", size=(80, 22)) as (app, pilot):
        seen: list[str] = []
        for _ in range(40):
            seen += [line for line in app.lines()[1:] if line not in seen]
            app.table.action_page(1)
        numbers = sorted({int(line[GUTTER:].split()[0]) for line in seen})
        assert numbers == list(range(1, 601))
        assert cursor(app) == 600
        assert app.table.status == "1 marked · 600 match · 581–600"
        await pilot.press("home")
        assert marked(app) == [1]
        assert cursor(app) == 1


async def test_moving_back_and_forth_ends_where_it_began() -> None:
    async with table(a_million(), size=(80, 40)) as (app, _):
        go = app.table
        for way in (1, -1):
            for move, times in ((go.action_page, 9), (go.action_half, 5), (go.action_move, 300)):
                for _ in range(times):
                    move(way)
            if way == 1:
                assert cursor(app) == 1 + 9 * 37 + 5 * 19 + 300
        assert cursor(app) == 1
        assert go.status.endswith("1–38")


async def test_end_and_home_reach_a_million_rows_at_once() -> None:
    async with table(a_million(), "G", size=(80, 24)) as (app, pilot):
        assert cursor(app) == MILLION
        assert app.table.status == "0 marked · over 1,000 match · …"
        asked = app.queue.asked
        await pilot.press("up", "pageup", "x", "end", "g")
        assert cursor(app) == 1
        assert app.queue.asked <= asked + 2
        assert app.table.status == "1 marked · over 1,000 match · 1–22"


async def test_a_known_number_makes_the_end_a_known_place() -> None:
    async with table(ComputedQueue(range(1, 901)), "end", size=(80, 24)) as (app, _):
        assert app.table.status == "0 marked · 900 match · 879–900"
        for _ in range(60):
            app.table.action_page(-1)
        assert cursor(app) == 1
        assert app.table.status == "0 marked · 900 match · 1–22"


async def test_moving_in_reach_asks_the_queue_nothing() -> None:
    async with table(a_million()) as (app, pilot):
        asked = app.queue.asked
        await pilot.press("j", "pagedown", "ctrl+d", "k", "ctrl+u", "x", "asterisk", "V", "pagedown")
        assert app.queue.asked == asked


async def test_a_refresh_keeps_the_case_on_its_line() -> None:
    async with table(a_million()) as (app, pilot):
        for _ in range(40):
            app.table.action_page(1)
        await pilot.press("k", "k", "x")
        before = app.lines()
        app.table.show(a_million(), keep=app.table.row.id, same_filter=True)
        assert app.lines() == before
        assert len(app.marks) == 2


async def test_a_case_that_left_gives_its_place_to_the_next() -> None:
    async with table(a_million()) as (app, _):
        for _ in range(200):
            app.table.action_move(1)
        assert cursor(app) == 201
        line = [line[:1] for line in app.lines()].index("›")
        app.table.show(ComputedQueue(range(1, MILLION), gone=frozenset({201, 202})), keep=201, same_filter=True)
        assert cursor(app) == 203
        assert [line[:1] for line in app.lines()].index("›") == line


async def test_when_the_last_case_left_the_cursor_is_on_the_one_before() -> None:
    async with table(ComputedQueue(range(1, 50)), "end") as (app, _):
        app.table.show(ComputedQueue(range(1, 50), gone=frozenset({49})), keep=49, same_filter=True)
        assert cursor(app) == 48


async def test_a_case_nobody_knows_leaves_the_cursor_at_its_height() -> None:
    async with table(ComputedQueue(range(1, 50)), "down", "down") as (app, _):
        app.table.show(ComputedQueue(range(100, 150)), keep=-1)
        assert cursor(app) == 102


async def test_marks_by_id_survive_another_filter_and_another_order() -> None:
    async with table(ComputedQueue(range(1, 413)), "x", "x", "x") as (app, _):
        app.table.show(ComputedQueue(range(2, 413, 2)))
        assert marked(app) == [2]
        assert app.table.status.startswith("3 marked · 206 match")
        app.table.show(ComputedQueue(range(412, 0, -1)), keep=2)
        assert marked(app) == [3, 2, 1]
        assert cursor(app) == 2


async def test_all_that_match_is_marked_with_exceptions() -> None:
    async with table(ComputedQueue(range(1, 413)), "asterisk") as (app, pilot):
        assert app.table.status.startswith("all 412 marked · 412 match")
        assert marked(app) == list(range(1, 11))
        await pilot.press("x", "x")
        assert app.table.status.startswith("all but 2 marked")
        assert marked(app) == list(range(3, 11))
        assert app.table.marks == Marks(frozenset({1, 2}), all_matching=True)
        await pilot.press("end")
        assert marked(app) == list(range(403, 413))
        app.table.show(ComputedQueue(range(1, 415)), keep=412, same_filter=True)
        assert app.table.status.startswith("all but 2 marked · 414 match")
        await pilot.press("asterisk")
        assert app.table.status.startswith("0 marked")


async def test_all_that_match_ends_with_the_filter_it_meant() -> None:
    async with table(ComputedQueue(range(1, 413)), "asterisk", "x") as (app, _):
        app.table.show(a_million())
        assert not app.table.marks
        assert marked(app) == []


async def test_all_of_an_uncounted_queue_claims_no_number() -> None:
    async with table(a_million(), "asterisk") as (app, _):
        assert app.table.status == "all marked · over 1,000 match · 1–10"


async def test_a_range_follows_the_cursor_there_and_back() -> None:
    async with table(a_million(), "down", "V", "down", "down", "down", "up") as (app, pilot):
        assert marked(app) == [2, 3, 4]
        await pilot.press("up", "up", "up")
        assert marked(app) == [1, 2]
        await pilot.press("V", "down", "down")
        assert marked(app) == [1, 2]
        await pilot.press("V", "pagedown")
        assert app.table.marks.ids == {1, 2, *range(3, 13)}


async def test_a_range_lets_what_was_marked_before_be() -> None:
    async with table(a_million(), "down", "x", "home", "V", "down", "down", "down", "up", "up", "up") as (app, _):
        assert marked(app) == [1, 2]


async def test_a_range_reaches_over_windows_and_ends_at_its_limit() -> None:
    async with table(a_million(), "j", "V", "G") as (app, pilot):
        assert app.table.marks.ids == set(range(2, RANGE_LIMIT + 2))
        assert app.table.row.id == RANGE_LIMIT + 1
        assert any(isinstance(message, QueueTable.Told) and "1,000" in message.sentence for message in app.told)
        await pilot.press("down", "down", "up", "up", "up", "up")
        assert app.table.marks.ids == set(range(2, RANGE_LIMIT))


async def test_shift_and_arrows_mark_a_range_that_ends_without_shift() -> None:
    async with table(a_million(), "down", "shift+down", "shift+down", "down", "down") as (app, pilot):
        assert marked(app) == [2, 3, 4]
        await pilot.press("shift+up")
        assert marked(app) == [2, 3, 4, 5, 6]


async def test_a_mark_key_in_a_range_keeps_the_range() -> None:
    async with table(a_million(), "V", "down", "x", "x") as (app, _):
        assert marked(app) == [1]
        assert not app.table.ranging


async def test_escape_has_something_to_ask() -> None:
    async with table(a_million(), "V", "down") as (app, _):
        assert app.table.stop_range()
        assert not app.table.stop_range()
        assert app.table.clear_marks()
        assert not app.table.clear_marks()


@pytest.mark.parametrize("keys", [["down"] * 5, ["pagedown"] * 20, ["end"]])
async def test_resizing_keeps_the_case_and_fills_the_screen(keys: list[str]) -> None:
    async with table(a_million(), *keys, "x", size=(120, 40)) as (app, pilot):
        case = cursor(app)
        for width, height in ((80, 24), (60, 20), (40, 5), (200, 150), (120, 40)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            lines = app.lines()
            assert len(lines) == height - 1
            assert all(lines), "an empty line though there are rows"
            assert max(cell_len(line) for line in lines) <= width
            assert app.table.row.id == case
            assert any(line.startswith("›") for line in lines)
        assert len(app.table.marks.ids) == 1


def test_optional_columns_give_way_first_and_nothing_is_wider_than_the_screen() -> None:
    shown = {
        width: [c.name for c, cells in zip(COLUMNS, fit(COLUMNS, width), strict=True) if cells]
        for width in (40, 76, 116)
    }
    assert shown[116] == [column.name for column in COLUMNS]
    assert shown[76] == shown[40] == ["id", "applicant", "student", "match", "state"]
    for width in range(1, 200):
        for between in (1, 2):
            drawn = [cells for cells in fit(COLUMNS, width, between) if cells]
            assert sum(drawn) + between * (len(drawn) - 1) <= width
            assert width < 60 or sum(drawn) + between * (len(drawn) - 1) == width


async def test_hostile_names_neither_act_nor_move_a_column() -> None:
    width = 100
    queue = hostile()
    columns = [place for place, cells in enumerate(fit(COLUMNS, width - GUTTER)) if cells]
    state = next(place for place in columns if COLUMNS[place].name == "state")
    async with table(queue, size=(width, 30)) as (app, _):
        for number, _ in enumerate(HOSTILE_NAMES, 1):
            strip = app.table.render_line([line[:1] for line in app.lines()].index("›"))
            text = "".join(segment.text for segment in strip)
            assert cell_len(text) == width
            assert printable(text)
            assert strip.crop(width - COLUMNS[state].width).text.strip() == queue.row(number).state
            assert strip.crop(0, GUTTER + COLUMNS[0].width).text.split()[-1] == str(number)
            app.table.action_move(1)


async def test_keys_tell_the_screen() -> None:
    async with table(a_million(), "down", "enter", "x", "S", "s") as (app, pilot):
        moved = [message.row.id for message in app.told if isinstance(message, QueueTable.Moved)]
        opened = [message.case_id for message in app.told if isinstance(message, QueueTable.Opened)]
        sorts = [
            (message.column, message.descending) for message in app.told if isinstance(message, QueueTable.SortAsked)
        ]
        assert moved == [1, 2, 3]
        assert opened == [2]
        assert app.marks == [Marks(), Marks(frozenset({2}))]
        assert sorts == [("id", False), ("id", False)]
        app.table.show(a_million())
        await pilot.press("s", "S")
        asked = [
            (message.column, message.descending) for message in app.told if isinstance(message, QueueTable.SortAsked)
        ]
        assert asked[2:] == [("applicant", False), ("id", True)]


async def test_the_header_names_the_order() -> None:
    async with table(a_million()) as (app, _):
        app.table.show(a_million(), order=Order("match", descending=True))
        assert "Fa… ▼" in app.lines()[0]
        app.table.show(a_million(), order=Order("applicant"))
        assert "Applicant ▲" in app.lines()[0]


async def test_a_queue_that_fails_leaves_the_table_as_it_was() -> None:
    async with table(a_million(), "pagedown", "x") as (app, pilot):
        before, status = app.lines(), app.table.status
        app.queue.broken = True
        await pilot.press("end", "home")
        assert (app.lines(), app.table.status) == (before, status)
        assert sum(isinstance(message, QueueTable.Told) for message in app.told) == 2
        app.queue.broken = False
        await pilot.press("pagedown")
        assert cursor(app) == 1 + 9 + 1 + 9


async def test_the_cursor_is_a_bar_with_the_focus_and_a_glyph_without() -> None:
    async with table(a_million()) as (app, pilot):
        assert app.table.render_line(1)._segments[0].style.reverse
        app.query_one(Input).display = True
        app.query_one(Input).focus()
        await pilot.pause()
        styles = [segment.style for segment in app.table.render_line(1)]
        assert not any(style.reverse for style in styles)
        assert all(style.bold for style in styles)
        assert app.lines()[1].startswith("›")


@pytest.mark.parametrize("ansi", [True, False])
async def test_no_color_draws_no_colour(monkeypatch: pytest.MonkeyPatch, ansi: bool) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = TableApp(a_million(), ansi=ansi)
    async with app.run_test(size=(120, 12)) as pilot:
        await pilot.press("down", "x")
        colours = {
            colour
            for y in range(11)
            for segment in app.table.render_line(y)
            if segment.style
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour and not colour.is_default
        }
        assert not colours
        assert app.lines()[2].startswith("  ●")


def test_the_look_without_colour_has_the_same_weights() -> None:
    plain, coloured = look(colour=False), look()
    assert not any(style.color for style in plain.tones.values() if style)
    assert {tone for tone, style in plain.tones.items() if style and style.dim} == {Tone.DIM}
    assert plain.cursor == coloured.cursor
    assert plain.header == coloured.header


async def test_a_click_goes_there_marks_in_the_gutter_and_opens_twice() -> None:
    async with table(a_million()) as (app, pilot):
        await pilot.click(QueueTable, offset=(20, 4))
        assert cursor(app) == 4
        await pilot.click(QueueTable, offset=(2, 6))
        assert (cursor(app), marked(app)) == (6, [6])
        await pilot.click(QueueTable, offset=(20, 3), times=2)
        assert any(isinstance(message, QueueTable.Opened) and message.case_id == 3 for message in app.told)


def test_every_key_can_be_remapped_and_says_what_it_does() -> None:
    bindings = QueueTable.BINDINGS
    ids = [binding.id for binding in bindings]
    assert len(set(ids)) == len(ids)
    assert all(binding.id and binding.tooltip for binding in bindings)
    unreliable = {"ctrl+a", "ctrl+b", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+s", "ctrl+q", "ctrl+space"}
    keys = {key for binding in bindings for key in binding.key.split(",")}
    assert not keys & unreliable
    assert not any("alt" in key for key in keys)


def test_a_key_costs_little_on_the_wire_and_idling_nothing() -> None:
    with Pty([sys.executable, "-m", "tests.queue_table_app"], columns=120, rows=40) as pty:
        pty.wait_for("1–38")
        time.sleep(0.3)
        costs = []
        for key in ("j", "j", "k", "x"):
            before = len(pty.written)
            pty.send(key)
            time.sleep(0.2)
            costs.append(len(pty.written) - before)
        assert all(0 < cost < 1000 for cost in costs), costs
        before = len(pty.written)
        time.sleep(1)
        assert len(pty.written) == before


def test_no_escape_sequence_of_a_name_reaches_the_terminal() -> None:
    with Pty([sys.executable, "-m", "tests.queue_table_app", "--hostile"], columns=120, rows=40) as pty:
        pty.wait_for("1–38")
        time.sleep(0.3)
        begin = len(pty.written)
        for _ in range(len(HOSTILE_NAMES) // 30 + 1):
            pty.send("\x1b[6~")
            time.sleep(0.15)
        pty.wait_for(f"–{len(HOSTILE_NAMES)}")
        drawn = re.sub(rb"\x1b\[[\d;]*[mH]|\x1b\[\?2026[hl]", b"", pty.written[begin:])
        assert b"\x1b" not in drawn
        assert printable(drawn.decode().replace("\r\n", ""))


async def test_a_remapped_key_replaces_all_keys_of_its_action() -> None:
    app = TableApp(a_million())
    app.set_keymap({"queue.mark": "m", "queue.down": "n"})
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("m", "n", "m", "x", "space", "j")
        assert marked(app) == [1, 3]
        assert cursor(app) == 4


async def test_the_style_sheet_is_read_and_leaves_the_table_its_lines() -> None:
    class Styled(TableApp):
        CSS_PATH = Path(theme.__file__).with_name("console.tcss")

    app = Styled(a_million())
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("down", "x", "j", "space")
        assert app.table.region.size == (80, 11)
        assert "\n".join(app.lines()) == FIRST_SCREEN
