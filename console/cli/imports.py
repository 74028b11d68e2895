"""`district import`: rosters, and what the portal collected or already has; every one can be tried first with --dry-run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write_csv, write_json, write_rows
from console.cli.streams import FileIn
from console.cli.watching import watching
from console.errors import Exit
from console.intake.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from console.intake.findings import Finding
    from console.intake.report import ImportReport
    from console.progress import Progress

SAID = 40
"""Findings that a person is told one by one; JSON has all that were kept."""
SHORT = {
    "registrations": "Applications, as people typed them.",
    "challenges": "Challenges of a tie to a student.",
    "grants": "After-school professionals' requests.",
    "consents": "Parents' consents to grants.",
    "answers": "Answers to questions, applications taken back.",
    "accounts": "Accounts and ties of a portal in use, once.",
}
COLUMNS = ("name", "added", "changed", "withdrawn", "held", "active")


@click.group("import")
def command() -> None:
    """Bring in rosters, and what the portal collected.

    An import is one transaction with one record: all of a file comes in, or nothing. The same file again changes nothing.
    --dry-run shows what it would do. From cron, name an operator of the role intake: district --operator intake import …
    """


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every import takes."""
    for option in (
        click.pass_context,
        format_option,
        click.option("--key", metavar="TEXT", help="A name of this call: the same key again returns the first report."),
        click.option("--skip-bad-rows", is_flag=True, help="Import the rest when rows are wrong."),
        click.option("--dry-run", is_flag=True, help="Show what it would do, and do nothing."),
        click.argument("path", type=FileIn(), metavar="PATH"),
    ):
        function = option(function)
    return function


@command.command("roster", short_help="A OneRoster roster: schools, people, who belongs where.")
@click.option("--allow-withdrawals", is_flag=True, help="Go on although much of the roster would be withdrawn.")
@click.option("--allow-reused", is_flag=True, help="Take over rows whose id looks like somebody else's now.")
@_options
def import_roster(
    ctx: click.Context,
    path: Path,
    dry_run: bool,
    skip_bad_rows: bool,
    key: str | None,
    form: str,
    allow_withdrawals: bool,
    allow_reused: bool,
) -> int:
    """Bring in a OneRoster CSV roster, 1.1 or 1.2, bulk or delta: PATH is its zip or folder, or - for a zip on stdin.

    Who is absent from a bulk file is withdrawn; above policy.withdrawal_stop_percent of any kind nothing is imported unless
    --allow-withdrawals is given. What an operator decided is not touched: masks, blocks, switches, ties.
    """
    from console.intake.importing import import_roster as run

    def call(office: Any, operator: Any, named: str, progress: Progress) -> ImportReport:
        return run(
            office,
            operator,
            path,
            dry_run=dry_run,
            allow_withdrawals=allow_withdrawals,
            allow_reused=allow_reused,
            skip_bad_rows=skip_bad_rows,
            key=named,
            progress=progress,
        )

    return answer(ctx, call, key, form)


def _form_command(kind: str) -> click.Command:
    @_options
    def import_form(
        ctx: click.Context, path: Path, dry_run: bool, skip_bad_rows: bool, key: str | None, form: str
    ) -> int:
        from console.intake.importing import import_form as run

        def call(office: Any, operator: Any, named: str, progress: Progress) -> ImportReport:
            wishes = {"dry_run": dry_run, "skip_bad_rows": skip_bad_rows}
            return run(office, operator, kind, path, **wishes, key=named, progress=progress)

        return answer(ctx, call, key, form)

    says = (
        f"{FORMS[kind].says}\n\nPATH is a CSV file with a header or JSON Lines, or - for stdin; "
        "docs/INTAKE.md describes every column."
    )
    return click.command(kind, help=says, short_help=SHORT[kind])(import_form)


for _kind in FORMS:
    command.add_command(_form_command(_kind))


def answer(ctx: click.Context, call: Callable[..., ImportReport], key: str | None, form: str) -> int:
    """Make the call and write its report; what was wrong with the rows is said in either case."""
    from console.cli.decision_commands import read_key
    from console.intake.report import BadRows

    named = read_key(key)
    office, operator = open_office(ctx), who(ctx)
    try:
        with watching() as progress:
            report = call(office, operator, named or office.random.bytes(16).hex(), progress)
    except BadRows as error:
        _write(error.report, form, done=False)
        raise
    _write(report, form, done=True)
    return _exit(report)


def _exit(report: ImportReport) -> Exit:
    if report.dry_run and (report.stops or report.errors):
        return Exit.REFUSED
    return Exit.PARTLY if report.held or report.refused or report.errors else Exit.DONE


def _write(report: ImportReport, form: str, *, done: bool) -> None:
    rows = [asdict(each) for each in report.kinds if each.moved or each.held or each.active]
    if form == "json":
        write_json(_shape(report, rows))
    else:
        if form == "csv":
            write_csv(rows, COLUMNS)
        elif rows:
            write_rows(rows, COLUMNS, form, titles={"name": "What"}, right=COLUMNS[1:])
        _tell_all(report)
    if done:
        _say_what_was_done(report)


def _tell_all(report: ImportReport) -> None:
    """What was wrong, refused, or odd, to a person."""
    _tell(report.findings, report.errors + report.warnings)
    _tell(report.refusals, report.refused)
    for odd in report.oddities[:SAID]:
        say(f"line {odd.line}, {odd.kind} no. {odd.known}: {odd.says}")
    if len(report.oddities) > SAID:
        say(f"{len(report.oddities) - SAID:,} more ids look reused or changed; --format json has them.")


def _shape(report: ImportReport, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The report as JSON has it."""
    return {
        "import": report.what,
        "dry_run": report.dry_run,
        "batch": report.batch,
        "number": report.number or None,
        "again": report.again,
        "mode": report.mode or None,
        "sha256": report.digest,
        "kinds": rows,
        "known": report.known,
        "refused": report.refused,
        "refusals": [_finding(each) for each in report.refusals],
        "ids": [asdict(each) for each in report.oddities],
        "stops": list(report.stops),
        "errors": report.errors,
        "warnings": report.warnings,
        "findings": [_finding(each) for each in report.findings],
    }


def _finding(each: Finding) -> dict[str, Any]:
    return {
        "severity": str(each.severity),
        "file": each.file,
        "line": each.line,
        "column": each.column,
        "reason": each.reason,
    }


def _tell(findings: Iterable[Finding], count: int) -> None:
    told = list(findings)[:SAID]
    for each in told:
        say(f"{each.severity}: {each}")
    if count > len(told):
        say(f"{count - len(told):,} more like these; --format json has the first thousand.")


def _say_what_was_done(report: ImportReport) -> None:
    if report.again:
        say("This call was made before; nothing was imported again.")
    elif report.dry_run:
        for stop in report.stops:
            say(f"It would stop: {stop}. --allow-withdrawals goes on.")
        if report.errors:
            say("It would stop: rows are wrong. --skip-bad-rows imports the rest.")
        say("A dry run: nothing was imported.")
    else:
        parts = [f"{report.moved:,} rows were written"]
        parts += [f"{report.known:,} were known"] if report.known else []
        parts += [f"{report.refused:,} were refused"] if report.refused else []
        parts += [f"{report.held:,} were held back (--allow-reused takes them over)"] if report.held else []
        say(f"{', '.join(parts)}; batch {report.batch}.")
