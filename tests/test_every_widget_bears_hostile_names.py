"""ATTACK: thousands of generated names, each hostile in another way, in every widget that shows or takes text from outside,
on a real pseudo-terminal; the page is clicked on where they stand.

VERIFIES, by `pyte`: the terminal gets no order that harmless names do not bring, no cell around a widget or beside a name in
a queue is another than with harmless names, and nothing happens that nobody asked for.
"""

from __future__ import annotations

import random
import sys
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from fixtures.hostile import HOSTILE_NAMES, hostile_names
from tests.hostile_gallery import A_PAGE, COLUMNS_WIDE, PLAIN, ROWS_HIGH, WALL
from tests.terminal_judge import Judge
from tests.test_hostile_names_do_nothing import Written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.counted import Counted

pytestmark = pytest.mark.campaign

SEED = 20261122
WHOLE, SHORT = 10_000, 192
TURN = "\x1b[24~"
CLICKS = 4
"""Cells of a page that are clicked on."""


def gallery(*words: int) -> Judge:
    command = [sys.executable, "-m", "tests.hostile_gallery", *map(str, words)]
    return Judge(command, COLUMNS_WIDE, ROWS_HIGH)


def click(judge: Judge, chance: random.Random) -> None:
    """Click on some cells below the first rows."""
    for _ in range(CLICKS):
        x, y = chance.randint(1, COLUMNS_WIDE), chance.randint(3, ROWS_HIGH)
        judge.send(f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m")


def kept(page: list[list[str]]) -> dict[tuple[int, int], str]:
    """The cells that no name may change: the walls, and a queue's own cells beside the names."""
    cells = {(y, x): WALL for y, row in enumerate(page) for x, cell in enumerate(row) if cell == WALL}
    for y, row in enumerate(page):
        line = "".join(row)
        if line.count(PLAIN) == 5 and "4 d" in line:  # a row of the queue
            own = line.replace(PLAIN, "\0" * len(PLAIN))
            cells |= {(y, x): cell for x, cell in enumerate(own) if cell not in "\0 ›"}
    return cells


def pages(judge: Judge, count: int, chance: random.Random) -> Iterator[list[list[str]]]:
    """Every page, clicked on."""
    for number in range(1, count + 1):
        judge.stands(f"page {number} ")
        click(judge, chance)
        page = judge.stands(f"page {number} ")
        judge.send(TURN)
        yield page


@pytest.fixture(scope="module")
def usual() -> tuple[set[str], frozenset[str], dict[tuple[int, int], str]]:
    """What harmless names bring: orders, kinds of sequences, and the cells that are not theirs."""
    chance = random.Random(1)
    with gallery(0, 0, 3 * A_PAGE) as judge:
        found = [kept(page) for page in pages(judge, 3, chance)]
        assert judge.exit_code() == 0
        assert found[0] == found[-1]
        assert sum(cell == WALL for cell in found[0].values()) > 6_000
        assert sum(cell == "d" for cell in found[0].values()) == A_PAGE
        return judge.orders.names, Written.read(bytes(judge.raw)).kinds, found[0]


def test_thousands_of_names_in_every_widget(
    usual: tuple[set[str], frozenset[str], dict[tuple[int, int], str]], whole: bool, counted: Counted
) -> None:
    orders, kinds, own = usual
    names = WHOLE if whole else SHORT
    assert len(set(islice(hostile_names(SEED), names))) >= min(names, len(HOSTILE_NAMES)) * 0.95
    chance = random.Random(SEED)
    moved: list[str] = []
    happened: list[str] = []
    with gallery(SEED, 0, names) as judge:
        for number, page in enumerate(pages(judge, names // A_PAGE, chance), 1):
            moved += [
                f"page {number}, cell {at}: {page[at[0]][at[1]]!a}"
                for at, cell in own.items()
                if page[at[0]][at[1]] != cell
            ]
            said = "".join(page[0])
            if "happened: nothing." not in said:
                happened.append(said.strip())
        assert judge.exit_code() == 0
        foreign = judge.orders.names - orders
        written = Written.read(bytes(judge.raw))
    counted(
        "hostile names in every widget",
        names=names,
        pages=names // A_PAGE,
        foreign_orders=len(foreign),
        foreign_sequences=len(written.kinds - kinds) + len(written.orders),
        actions=len(happened),
        neighbours_changed=len(moved),
    )
    assert foreign == set()
    assert written.kinds - kinds == set()
    assert written.orders == set()
    assert happened == []
    assert moved == [], moved[:10]


def test_a_terminal_that_is_given_orders_says_so() -> None:
    for order in (
        "\x1b]0;owned\x07",
        "\x1b[6n",
        "\x07",
        "\x1bc",
        "\x1b[?1049l",
        "\x1b[5;6r",
        "\x0e",
        "\x1b[3J",
    ):
        with Judge(
            [
                "printf",
                "%b",
                f"{order}page 1 ".replace("\x1b", "\\033").replace("\x07", "\\007").replace("\x0e", "\\016"),
            ],
            40,
            5,
        ) as judge:
            judge.stands("page 1")
            assert judge.orders.names - {"draw"}, ascii(order)
