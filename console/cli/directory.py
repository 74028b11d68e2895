"""`district directory`: the district's directory (LDAP), as the portal sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import session
from console.cli.output import format_option
from console.errors import Unavailable

if TYPE_CHECKING:
    from console.intake.report import ImportReport
    from console.progress import Progress


@click.group("directory")
def command() -> None:
    """The district's directory (LDAP): who may be given a login, and who signs in with it."""


@command.command("check", short_help="Say step by step what works of it and what does not.")
@click.argument("name", required=False, default="", metavar="[NAME]")
@format_option
@click.pass_context
def check(ctx: click.Context, name: str, form: str) -> int:
    """Look at every server, its certificate, the searching account, the base, attributes and groups; change nothing.

    With NAME also which role and schools that person would get. Nobody's password is asked for. Ends with 0 when all is well
    enough, 1 when something is wrong, 5 when no server can be asked.
    """
    from console.cli.doctor import answer
    from console.directory.checking import Check
    from console.directory.ldap import Ldap
    from console.settings import Settings
    from console.wiring import open_clock

    settings = Settings.read(session(ctx).config)
    if not settings.directory.hosts:
        raise Unavailable("directory.hosts names no server; nothing was asked. Name the directory in district.toml.")
    clock = open_clock(settings, demo=settings.demo.today is not None)
    return answer(Check(settings, Ldap(settings.directory, clock), clock).look(name), form)


@command.command("sync", short_help="Read everybody of the directory, for the activations desk.")
@click.option("--allow-withdrawals", is_flag=True, help="Go on although many would be gone at once.")
@click.option("--dry-run", is_flag=True, help="Show what it would do, and do nothing.")
@click.option("--key", metavar="TEXT", help="A name of this call: the same key again returns the first report.")
@format_option
@click.pass_context
def sync(ctx: click.Context, allow_withdrawals: bool, dry_run: bool, key: str | None, form: str) -> int:
    """Read everybody of the directory in pages and match them to the roster; who waits is seen at the activations desk.

    Who is no longer there is marked as gone; above policy.withdrawal_stop_percent of all, nothing is done unless
    --allow-withdrawals is given. From cron, name an operator of the role intake: district --operator intake directory sync
    """
    from console.cli.imports import answer
    from console.directory.syncing import sync as run
    from console.wiring import open_directory

    def call(office: Any, operator: Any, named: str, progress: Progress) -> ImportReport:
        directory = open_directory(office.settings, office.clock)
        if directory is None:
            raise Unavailable("directory.hosts names no server; nothing was read. Name the directory in district.toml.")
        wishes = {"dry_run": dry_run, "allow_withdrawals": allow_withdrawals}
        return run(office, operator, directory, **wishes, key=named, progress=progress)

    return answer(ctx, call, key, form)
