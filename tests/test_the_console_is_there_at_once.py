"""What stands on the terminal while the console starts: home's frame before anything heavy is loaded, its numbers before the toolkit
is, the question for the name where people sign in – and the terminal as it was, whatever goes wrong on the way.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import termios
import threading
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyte
import pytest

from console.settings import Settings
from console.settings.tables import DEMO_MAKER
from console.watch import watch
from fixtures.demo import build
from tests.portals import open_portal
from tests.services.pty import Pty
from tests.signing import equip, type_sign_in
from tests.starting import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.portals import Portal
    from tests.signing import Credentials

NUMBERS = "oldest"
"""What home says of a desk once it has counted."""
ALTERNATE, BACK = b"\x1b[?1049h", b"\x1b[?1049l"
TAKEN_OVER = b"\x1b[?1004h"
"""The toolkit has started: it asks to be told of the focus."""
UNKNOWN = re.compile(rb"\x1b\[[<>][0-9;]*u|\x1b\[\?[0-9;]+\$p")
"""Sequences that the terminal of the tests does not know and would draw."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demonstration."""
    return build(tmp_path_factory.mktemp("start") / "demo", students=60, seed=7, today=date(2026, 11, 21)).directory


@pytest.fixture
def real(tmp_path: Path) -> Iterator[tuple[Path, Credentials]]:
    """The folder of a portal at which people sign in, and who can."""
    portal = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path)
    write_settings(portal.settings, {})
    yield tmp_path, equip(portal.settings)
    portal.office.engine.dispose()


def write_settings(settings: Settings, more: dict[str, object]) -> None:
    values = {"database.url": settings.database.url, "portal.origin": settings.portal.origin} | more
    (settings.folder / "district.toml").write_text(Settings.example(values), encoding="utf-8")


def started(
    folder: Path,
    *,
    at: str = "textual",
    do: str = "nothing",
    columns: int = 80,
    rows: int = 24,
    words: Sequence[str] = (),
    **more: str,
) -> Pty:
    """The console on a terminal, saying what it loads; in a demonstration as its operator."""
    return Pty(
        [sys.executable, "-m", "tests.starting", at, do, *words],
        columns=columns,
        rows=rows,
        environment={"PYTHONPATH": str(Path(__file__).parent.parent), "DISTRICT_CONFIG": str(folder / "district.toml")}
        | more,
        folder=folder,
    )


def shown(screen: pyte.Screen) -> list[str]:
    """What stands on a screen, with how it looks."""
    columns = range(screen.columns)
    return [
        "".join(f"{c.data}{c.fg}{c.bold:d}{c.reverse:d}" for c in (screen.buffer[y][x] for x in columns))
        for y in range(screen.lines)
    ]


def test_the_frame_comes_before_the_libraries_and_the_numbers_before_the_toolkit(demo: Path) -> None:
    with started(demo) as terminal:
        before_all = terminal.read_until(said("sqlalchemy"))
        before_the_toolkit = terminal.read_until(said("textual"))
        terminal.read_until(TAKEN_OVER)
    assert ALTERNATE in before_all
    for words in ("Home", "What waits", "Alder Creek Unified (demonstration)", "Find a person", "Leave"):
        assert words.encode() in before_all
    assert b"Registrations" not in before_all  # which desks one sees depends on who one is
    assert b"Signed in as demo" in before_the_toolkit
    assert NUMBERS.encode() in before_the_toolkit
    assert said("psycopg") not in terminal.written


@pytest.mark.parametrize(("columns", "rows", "colour"), [(60, 20, False), (80, 24, True), (120, 40, True)])
def test_nothing_moves_when_the_toolkit_takes_over(demo: Path, columns: int, rows: int, colour: bool) -> None:
    more = {} if colour else {"NO_COLOR": "1"}
    with started(demo, columns=columns, rows=rows, **more) as terminal:
        page = terminal.read_until(said("textual"))
        terminal.read_until(TAKEN_OVER)
        terminal.read_until("Keys")  # the last line: a whole screen was drawn
        time.sleep(0.5)  # and whatever else there is to draw, for then the console is idle
        written = terminal.written
    assert written.count(ALTERNATE) == 1  # a terminal that enters it again clears it
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    stream.feed(UNKNOWN.sub(b"", page))
    first = shown(screen)
    assert "›" in first[3]
    if not colour:
        assert not re.search(r"red|green|brown|cyan", "".join(first))
    for line in UNKNOWN.sub(b"", written[len(page) :]).splitlines(keepends=True):
        stream.feed(line)
        assert shown(screen) == first


def test_keys_that_come_early_are_kept_and_not_echoed(demo: Path) -> None:
    with started(demo) as terminal:
        terminal.read_until("What waits")
        terminal.send("1")
        terminal.wait_for("match")
        assert terminal.screen()[0].startswith(" Registrations")
        assert b"1" not in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", terminal.written.split(said("sqlalchemy"))[0])


@pytest.mark.parametrize(
    ("at", "do", "code", "sentence"),
    [
        ("sqlalchemy", "fail", 70, "The console made a mistake"),
        ("textual", "fail", 70, "The console made a mistake"),
        ("textual", "SIGTERM", 143, ""),
        ("textual", "SIGINT", 130, ""),
    ],
)
def test_the_terminal_is_as_it_was_when_the_start_fails(demo: Path, at: str, do: str, code: int, sentence: str) -> None:
    with started(demo, at=at, do=do) as terminal:
        assert as_it_was(terminal, code)
        assert sentence in " ".join(terminal.screen())


def as_it_was(terminal: Pty, code: int) -> bool:
    """Whether the program has ended with this code, on the first screen, with the cursor, wrapping lines and echoing keys."""
    assert terminal.exit_code() == code, terminal.screen()
    written = terminal.written
    assert written.rfind(BACK) > written.rfind(ALTERNATE) >= 0
    for mode in (b"25", b"7"):
        assert written.rfind(b"\x1b[?" + mode + b"h") > max(0, written.rfind(b"\x1b[?" + mode + b"l"))
    local = termios.tcgetattr(terminal._master)[3]
    return bool(local & termios.ECHO and local & termios.ICANON)


def test_a_database_that_is_missing_is_said_on_the_terminal_as_it_was(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "district.toml").write_text(
        (demo / "district.toml").read_text(encoding="utf-8").replace("portal.db", "nowhere.db"), encoding="utf-8"
    )
    with started(tmp_path) as terminal:
        assert as_it_was(terminal, 5)
        assert "is missing; nothing was opened" in " ".join(terminal.screen())


def test_a_portal_that_only_pretends_to_be_a_demonstration_is_not_shown(real: tuple[Path, Credentials]) -> None:
    folder, _ = real
    settings = Settings.load(folder / "district.toml")
    pretended = {"demo.made_by": DEMO_MAKER, "demo.seed": 3, "demo.today": date(2026, 11, 21)}
    write_settings(settings, pretended)
    with started(folder, words=("demo", str(folder))) as terminal:
        assert as_it_was(terminal, 1)
        assert "did not make; it was not opened" in " ".join(" ".join(terminal.screen()).split())
    with started(folder) as terminal:  # without `demo` it is a portal at which people sign in
        terminal.read_until("Name:")
        assert terminal.written.rfind(BACK) > terminal.written.rfind(ALTERNATE)
        assert b"Signed in as" not in terminal.written


@pytest.mark.parametrize(("size", "theme"), [((59, 24), ""), ((80, 11), ""), ((80, 24), "nord")])
def test_where_the_page_would_not_be_homes_there_is_none(
    demo: Path, tmp_path: Path, size: tuple[int, int], theme: str
) -> None:
    text = (demo / "district.toml").read_text(encoding="utf-8").replace("portal.db", f"{demo / 'portal.db'}")
    text = text.replace('#theme = ""', f'theme = "{theme}"').replace('#ledger = "', f'ledger = "{demo}/')
    text = text.replace('#data = "', f'data = "{demo}/').replace('#state = "', f'state = "{demo}/')
    (tmp_path / "district.toml").write_text(text, encoding="utf-8")
    with started(tmp_path, columns=size[0], rows=size[1]) as terminal:
        assert ALTERNATE not in terminal.read_until(said("textual"))
        terminal.wait_for("What waits")


def test_a_real_portal_asks_who_is_there_before_anything_is_loaded(real: tuple[Path, Credentials]) -> None:
    folder, who = real
    with started(folder) as terminal:
        asked = terminal.read_until("Name:")
        assert said("sqlalchemy") not in asked
        terminal.read_until(said("textual"))  # while nobody types
        type_sign_in(terminal, who)
        terminal.wait_for("Signed in as administrator")
        before = terminal.written.split(ALTERNATE)[0]
        assert b"Home" not in before
        assert b"What waits" not in before
        terminal.wait_for("Operators")


def test_a_portal_that_cannot_be_opened_asks_nobody_for_a_password(real: tuple[Path, Credentials]) -> None:
    folder, _ = real
    (folder / "portal.db").rename(folder / "elsewhere.db")
    with started(folder) as terminal:
        assert terminal.exit_code() == 5
        assert "is missing; nothing was opened" in " ".join(terminal.screen())
        assert b"Password" not in terminal.written
        assert ALTERNATE not in terminal.written
        assert termios.tcgetattr(terminal._master)[3] & termios.ECHO


def test_what_was_decided_while_the_console_started_is_told(portal: Portal) -> None:
    told: list[int] = []
    stop = threading.Event()

    def tell(size: int) -> None:
        told.append(size)
        stop.set()

    size = portal.office.size()
    threading.Timer(10, stop.set).start()
    watch(portal.office, stop, tell, size - 1)
    assert told == [size]


HELP = """
import json, sys
from importlib.util import _LazyModule
from console.cli.main import main
code = main(sys.argv[1:])
# What is only looked for has no code yet; asking it for anything would load it.
loaded = {name: getattr(module, "__file__", "") for name, module in [*sys.modules.items()] if type(module) is not _LazyModule}
sys.stderr.write(json.dumps({"code": code, "modules": loaded}))
"""


@pytest.mark.parametrize("words", [(), ("registrations",), ("import",)], ids=["district", "registrations", "import"])
def test_help_loads_no_library_but_clicks(words: tuple[str, ...]) -> None:
    """Why `district --help` is there within 150 ms: one library more would take as long again. Times are measured, not tested."""
    ran = subprocess.run([sys.executable, "-c", HELP, *words, "--help"], capture_output=True, text=True, check=False)
    found = json.loads(ran.stderr)
    assert found["code"] == 0
    libraries = {name.partition(".")[0] for name, file in found["modules"].items() if "site-packages" in (file or "")}
    assert {name for name in libraries if not name.startswith("_")} == {"click"}
    whole = {"asyncio", "ssl", "sqlite3", "xml", "email", "zoneinfo", "multiprocessing", "http", "concurrent"}
    loaded = {name.partition(".")[0] for name in found["modules"]}
    assert not whole & loaded
    if not words:
        assert not {name for name in found["modules"] if name.startswith(("console.desk", "models", "screens"))}
