"""The command `district`: the console itself when it stands alone, and the same desks in line mode.

One table says which command lives in which module, and in a line what it is for. A module is loaded when its command is used, so help
stays fast, and one that cannot be loaded breaks nothing but itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.catalogue import Catalogue, Listed
from console.cli.collector import collect_late
from console.cli.failing import answering
from console.cli.opening import Session
from console.cli.technical_log import silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.office import Office

COMMANDS = (
    Listed("Desks", "registrations", help="Parents, students and after-school professionals who apply for a student."),
    Listed(
        "Desks",
        "challenges",
        help="Students and parents who dispute somebody's tie: claim, ask, suspend, delete, ignore, reinstate.",
    ),
    Listed(
        "Desks",
        "students",
        help="Look up students; mask names, block or verify parents, keep directory information back.",
    ),
    Listed(
        "Desks",
        "grants",
        help="After-school professionals who ask for a student: approve, extend, revoke; see what is lacking.",
    ),
    Listed(
        "Desks",
        "schools",
        help="Each school's switches: initial rights, hold policy, check in person, after-school access.",
    ),
    Listed("Desks", "audit", help="What was decided, disclosed and looked at: browse, prove, export."),
    Listed(
        "Desks",
        "activations",
        help="People of the district's directory: give them a login of the portal, link one, or set them aside.",
    ),
    Listed(
        "Desks",
        "requests",
        help="What waits for a second person: confirm or refuse what a colleague asked for, withdraw your own.",
    ),
    Listed("Desks", "operators", help="Who works here, in which role, for which schools."),
    Listed("Records", "find", "find", "Find a person anywhere: students, logins, contacts."),
    Listed("Records", "access", "access", "Who can see a student, what, through which tie, since when."),
    Listed("Records", "batches", "batches", "Your last decisions, with the names that undo takes."),
    Listed("Records", "undo", "undo", "Take a decision back, where nothing changed since."),
    Listed("Data", "import", "imports", "Bring in rosters, and what the portal collected."),
    Listed("Data", "directory", "directory", "The district's directory: check it, and read who is in it."),
    Listed("Data", "notices", "notices", "What people are told, held, sent and withdrawn."),
    Listed("Data", "work", "work", "Send, remind, match again and purge; a loop, or --once from cron."),
    Listed("Signing in", "signin", "signin", "Sign in for the commands that follow."),
    Listed("Signing in", "signout", "signout", "Sign out, here or everywhere."),
    Listed("Signing in", "whoami", "whoami", "Say who is signed in here."),
    Listed("Set-up", "init", "init", "Found a portal, or bring its schema up to date."),
    Listed("Set-up", "doctor", "doctor", "What is wrong here, and what to do about it."),
    Listed("Set-up", "roles", "roles", "What each role may do."),
    Listed("Set-up", "ssh", "ssh", "Let operators in over SSH, to the console alone."),
    Listed("Set-up", "demo", "demo", "A synthetic district to try everything on."),
)

EXAMPLES = (
    ("district", "open the console"),
    ("district registrations list --where 'state:submitted match:>=3'", "what could be approved"),
    ("district registrations approve --where 'state:submitted match:>=3' --preview", "what that would do"),
    ("district undo 7K2M-9QXH", "take a decision back"),
    ("district audit verify", "prove the records"),
)


@click.group(
    cls=Catalogue,
    listed=COMMANDS,
    examples=EXAMPLES,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="The settings; else district.toml of this folder."
)
@click.option("--operator", "operator_name", metavar="NAME", envvar="DISTRICT_OPERATOR", help="Who decides.")
@click.option("--mouse", is_flag=True, help="Let the console have the mouse; the terminal cannot copy text then.")
@click.version_option(package_name="district-console", prog_name="district", message="%(prog)s %(version)s")
@click.pass_context
def district(ctx: click.Context, config: Path | None, operator_name: str | None, mouse: bool) -> None:
    """Run a school district's student portal: what waits, who may see what, and a record of every decision."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    session = ctx.ensure_object(Session)
    if session.remote:
        from console.ssh.allowed import hold

        hold(ctx.invoked_subcommand, config)
        config = session.config
    session.config, session.operator_name, session.mouse = config, operator_name or "", mouse
    if ctx.invoked_subcommand is None:
        from console.cli.console_screen import open_console

        open_console(ctx)


def _mend_streams() -> None:
    """What was started with a closed stream gets one that leads nowhere; else the next file opened would stand in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def main(arguments: Sequence[str] | None = None, *, opening: Callable[..., Office] | None = None) -> int:
    """Run the command line and return its exit code; `opening` is how the office is opened, where a test has its own."""
    if arguments is None and opening is None:
        from console.cli.environment import start_clean

        start_clean(sys.argv[1:])
        collect_late()
    silence()
    _mend_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    session = Session(opening=opening) if opening else Session()
    return answering(
        lambda: int(
            district.main(
                list(arguments) if arguments is not None else None,
                prog_name="district",
                standalone_mode=False,
                obj=session,
            )
            or 0
        )
    )


if __name__ == "__main__":
    sys.exit(main())
