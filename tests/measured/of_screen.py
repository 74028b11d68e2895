"""What a key costs in the queue of the real console at 120×40, from a thousand registrations to a million, beside other tables.

`district` is opened on a real portal by an operator who signs in, on a pseudo-terminal; every registration is listed, then the filter
is changed. The other tables hold rows of the same columns in memory and know no database. All programs are open at once and are asked
in turns, a few keys each, round after round: what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.settings import FILE_NAME
from tests.measured.large import SERVER
from tests.measured.waiting import portal
from tests.measured.wire import Cost, Costs, Wire
from tests.services.postgres import Cluster
from tests.signing import equip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.measured.report import Report
    from tests.portals import Portal

TITLE = "The queue's table: what a key costs"
DISTRICT = Path(sys.executable).with_name("district")
GO = Path(__file__).parent.parent / "go" / "table.go"
ROUNDS, KEYS = 4, 6
ENGINES = ("SQLite", "PostgreSQL")
STILL = 0.3
"""Seconds without a byte before a turn: what follows the cursor at rest has come."""
IDLE = 5.0
"""Seconds without a key, in which nothing may be written."""
GOALS = {"cursor": (3, 450), "page": (8, 8000)}
"""Milliseconds and bytes."""
FLAT = 1.2
FILTERS = ("state:submitted", "state:submitted match:>=3", "state:submitted garcia")


@dataclass
class Table:
    """A program with a table of so many rows, and what its keys came to."""

    name: str
    rows: int
    wire: Wire
    ours: bool
    keys: dict[str, tuple[str, ...]]
    """For each kind of key the keys of one turn."""
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def turn(self, kind: str, keys: Sequence[str]) -> None:
        """Press these keys and keep what they cost."""
        self.wire.rest(STILL)
        self.costs.setdefault(kind, []).extend(self.wire.press(key) for key in keys)

    def cost(self, kind: str) -> Costs | None:
        """What keys of this kind came to; None where the table has none."""
        return Costs.of(self.costs[kind]) if kind in self.costs else None


LETTERS = {
    "cursor": ("j", "j", "k") * (KEYS // 3),
    "page": ("\x1b[6~",) * (KEYS // 2) + ("\x1b[5~",) * (KEYS // 2),
    "scrolled line": ("j",) * KEYS,
    "End and Home": ("G", "g"),
    "mark all, or none": ("*", "*"),
}
ARROWS = {
    "cursor": ("\x1b[B", "\x1b[B", "\x1b[A") * (KEYS // 3),
    "page": ("\x1b[6~",) * (KEYS // 2) + ("\x1b[5~",) * (KEYS // 2),
    "scrolled line": ("\x1b[B",) * KEYS,
    "End and Home": ("\x1b[1;5F", "\x1b[1;5H"),
}
BEFORE = {
    # What brings the cursor where a kind of key is measured: to the first row, or to the last line of the screen.
    "cursor": 0,
    "page": 0,
    "scrolled line": 45,
    "End and Home": 0,
    "mark all, or none": 0,
}


def ours(name: str, opened: Portal, rows: int, stack: ExitStack) -> Table:
    """The console at the registrations of this portal, everything listed."""
    who = equip(opened.settings)
    file = opened.settings.folder / FILE_NAME
    wire = stack.enter_context(Wire([DISTRICT, "--config", file, "--operator", "administrator"]))
    wire.wait_for("Password")
    wire.type(f"{who.password}\r")
    wire.wait_for("Code:")
    wire.type(f"{who.code(datetime.now(UTC))}\r")
    wire.wait_for("What waits")
    wire.type("1")
    wire.wait_for(" Registrations ")
    wire.rest()
    filter_by(wire, "")
    wire.wait_for("everything")
    return Table(name, rows, wire, ours=True, keys=LETTERS)


def filter_by(wire: Wire, where: str) -> Cost:
    """Type a filter; what Enter costs then."""
    wire.type("/")
    wire.wait_for("Enter keeps it")
    wire.type("\x15")
    wire.rest(0.05)
    wire.type(where)
    wire.rest(0.06)
    cost = wire.press("\r")
    wire.rest()
    return cost


def opened(report: Report, stack: ExitStack) -> Iterator[Table]:
    """Every program, started."""
    cluster = stack.enter_context(Cluster(settings=SERVER))
    sizes = (1_000,) if report.small else (1_000, 100_000, 1_000_000)
    for rows in sizes:
        for name in ENGINES[:1] if report.small else ENGINES:
            url = cluster.fresh_database() if name == "PostgreSQL" else None
            yield ours(name, portal(report.folder / f"waiting-{name}-{rows}", rows, url), rows, stack)
    tview = None if report.small else built(report.folder)
    for rows in sizes if tview else ():
        how = ["computed"] if rows > 100_000 else []
        wire = stack.enter_context(Wire([tview, str(rows), *how]))
        wire.wait_for("match")
        yield Table("tview", rows, wire, ours=False, keys=LETTERS)
    for rows in sizes[:2]:
        # Its animations would count as the key's time.
        wire = stack.enter_context(
            Wire([sys.executable, "-m", "tests.measured.textual_table", str(rows)], {"TEXTUAL_ANIMATIONS": "none"})
        )
        wire.wait_for("approved")
        yield Table("DataTable", rows, wire, ours=False, keys=ARROWS)


def built(folder: Path) -> Path:
    """The program on tview."""
    compiler = shutil.which("go")
    if compiler is None:
        raise RuntimeError("Go is not installed, nothing was measured; apt-get install golang-go")
    made = folder.resolve() / "table"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder.resolve() / "go-cache"),
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    subprocess.run([compiler, "build", "-o", made, GO], check=True, env=environment, timeout=300)
    return made


def measure(report: Report) -> None:
    """Press every kind of key in every table, in turns, then filter, then wait."""
    report.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        tables = list(opened(report, stack))
        memory = {id(table): table.wire.memory() for table in tables}
        for kind in LETTERS:
            for table in tables:
                if kind in table.keys:
                    table.wire.type(table.keys["End and Home"][1])
                    table.wire.rest()
                    table.wire.type(table.keys["cursor"][0] * BEFORE[kind])
                    table.wire.rest()
            for _ in range(1 if report.small else ROUNDS):
                for table in tables:
                    if kind in table.keys:
                        table.turn(kind, table.keys[kind])
        for _ in range(1 if report.small else 2):
            for where in FILTERS[:1] if report.small else FILTERS:
                for table in tables:
                    if table.ours:
                        table.costs.setdefault(f"filter {where}", []).append(filter_by(table.wire, where))
        say(report, tables)
        say_memory(report, tables, memory)


def say(report: Report, tables: Sequence[Table]) -> None:
    """A row for each kind of key and each of our portals; its peers of that size beside it."""
    own = [table for table in tables if table.ours]
    for kind in own[0].costs:
        for table in own:
            cost = table.cost(kind)
            assert cost is not None
            peers = [(each, each.cost(kind)) for each in tables if not each.ours and each.rows == table.rows]
            beside = ", ".join(f"{each.name} {_said(found)}" for each, found in peers if found)
            tview = next((found for each, found in peers if each.name == "tview" and found), None)
            goal = GOALS.get(kind)
            report.row(
                f"{kind}, {table.rows:,} on {table.name}",
                _said(cost),
                beside=beside or "–",
                ratio=f"{cost.milliseconds / tview.milliseconds:.2f}× tview" if tview else "–",
                goal=f"≤ {goal[0]} ms, ≤ {goal[1]:,} B" if goal else "–",
                reached=cost.milliseconds <= goal[0] and cost.written <= goal[1] if goal else None,
            )
    for kind in GOALS:
        for engine in dict.fromkeys(table.name for table in own):
            found = [table for table in own if table.name == engine]
            least, most = found[0].cost(kind), found[-1].cost(kind)
            assert least is not None
            assert most is not None
            ratio = most.milliseconds / least.milliseconds
            report.row(
                f"{kind}, {engine}: {found[-1].rows:,} rows beside {found[0].rows:,}",
                f"{most.milliseconds:.2f} ms",
                beside=f"{least.milliseconds:.2f} ms",
                ratio=f"{ratio:.2f}×",
                goal=f"≤ {FLAT}×",
                reached=ratio <= FLAT,
            )


def say_memory(report: Report, tables: Sequence[Table], before: dict[int, float]) -> None:
    """Memory after all those keys, beside what it was before them; and what an idle program writes."""
    least = {table.name: table.wire.memory() for table in reversed(tables)}
    for table in tables:
        now, peers = table.wire.memory(), [each for each in tables if not each.ours and each.rows == table.rows]
        if table.ours:
            report.row(
                f"memory at last, {table.rows:,} on {table.name}",
                f"{now:.0f} MB (before the keys {before[id(table)]:.0f})",
                beside=", ".join(f"{each.name} {each.wire.memory():.0f} MB" for each in peers) or "–",
                ratio=f"{now / least[table.name]:.2f}× the smallest portal",
                goal=f"≤ {FLAT}×",
                reached=now <= FLAT * least[table.name],
            )
    for table in tables:
        table.wire.rest()
    idle = 0.5 if report.small else IDLE
    written = [(table, table.wire.rest(idle)) for table in tables]
    own = sum(count for table, count in written if table.ours)
    others = sum(count for table, count in written if not table.ours)
    report.row(
        f"written while idle, {idle:g} s of each", f"{own} B", beside=f"{others} B", goal="0 B", reached=own == 0
    )
    report.note(
        "Times are medians from writing a key to the last byte that it brings about, bytes what nine of ten keys stay below. "
        "The console lists every registration with the case beside the queue; the others draw the same columns over the whole "
        "width and have no database, and tview's million rows are computed when they are drawn. DataTable is asked for no mark, "
        "and not for a million rows: filling it with 100,000 takes half a minute. A filter is timed from Enter."
    )


def _said(cost: Costs) -> str:
    return f"{cost.milliseconds:.1f} ms {cost.written:,} B"
