"""`district demo`: build a synthetic district and open the console on it; it opens only what it made."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from console.cli.opening import session
from console.cli.output import say
from console.errors import Usage

DEFAULT = Path("district-demo")


@click.command("demo")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--build",
    "building",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Build in this new folder; open nothing.",
)
@click.option("--students", default=500, show_default=True, help="How many students, 50 to 1,000,000.")
@click.option("--seed", default=7, show_default=True, help="The same seed builds the same district.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day its calendar stands at; else the real one.",
)
@click.option("--live", is_flag=True, help="A simulated portal keeps sending while you work.")
@click.pass_context
def command(
    ctx: click.Context,
    directory: Path | None,
    building: Path | None,
    students: int,
    seed: int,
    today: date | None,
    live: bool,
) -> int:
    """A synthetic district to try everything on.

    Without --build, opens the console on DIRECTORY (./district-demo), built first when it is not there. No real person
    is in it, and no other portal is ever opened by this command.
    """
    day = getattr(today, "date", date.today)()
    if building is not None:
        _build(building, students, seed, day)
        return 0
    folder = directory or DEFAULT
    if not folder.exists() or not any(folder.iterdir()):
        _build(folder, students, seed, day)
    from fixtures.demo_folder import OPERATOR, declared, prove

    own = session(ctx)
    own.opened_settings = settings = declared(folder)
    own.operator_name = own.operator_name or OPERATOR
    from console.cli.console_screen import open_console

    if not live:
        open_console(ctx, lambda: prove(folder, settings))
        return 0
    from console.cli.opening import open_office
    from fixtures.demo import students_of
    from fixtures.live import LivePortal

    prove(folder, settings)
    office = open_office(ctx)
    portal = LivePortal(office, students_of(office))
    portal.start()
    try:
        open_console(ctx)
    finally:
        portal.stop()
    return 0


def _build(folder: Path, students: int, seed: int, today: date) -> None:
    from console.cli.watching import watching
    from fixtures.demo import build

    say(f"Building a district of {students:,} students in {folder} …")
    try:
        with watching() as progress:
            demo = build(folder, students=students, seed=seed, today=today, progress=progress)
    except ValueError as error:
        raise Usage(f"No such district can be built: {error}.") from None
    for kind, count in demo.counts.items():
        say(f"  {count:>9,}  {kind}")
    say(f"The ledger's public key: {demo.verifier_key}")
    say(f"Open it with: district demo {folder}")
