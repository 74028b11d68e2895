"""`district import roster PATH` and `district import registrations|challenges|… PATH`: what comes in, looked at first or taken over.

The report goes to stdout; what was wrong with the files, line by line, to stderr – and into the report for a program.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.decision_commands import read_key
from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write_json, write_rows
from console.errors import Exit
from console.intake.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.intake.report import ImportReport

SAID = 20
"""Findings that a person is told of one by one; JSON has all that were kept."""

DESCRIPTION = """Bring in rosters, and what the portal collected.

\b
Examples:
  district import roster ROSTER.zip --dry-run
  district import roster ROSTER.zip
  district --operator intake import registrations registrations.jsonl

One transaction: all of a file comes in, or nothing. Again changes nothing.
"""


@click.group("import", help=DESCRIPTION)
def command() -> None:
    """Bring in rosters, and what the portal collected."""


def import_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every import takes."""
    for option in (
        format_option,
        click.option("--key", metavar="TEXT", help="A name of this call: the same key again finds the first report."),
        click.option("--skip-bad-rows", is_flag=True, help="Import the rest when rows are wrong."),
        click.option("--dry-run", is_flag=True, help="Say what would come in, change or go; import nothing."),
        click.argument("path", type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


@command.command("roster", short_help="A OneRoster roster: CSV 1.1 or 1.2, folder or zip, bulk or delta.")
@import_options
@click.option("--allow-withdrawals", is_flag=True, help="Withdraw also more than policy.withdrawal_stop_percent.")
@click.option("--allow-reused", is_flag=True, help="Take over rows whose id seems to be somebody else's now.")
@click.pass_context
def roster(
    ctx: click.Context,
    path: Path,
    dry_run: bool,
    skip_bad_rows: bool,
    key: str | None,
    form: str,
    allow_withdrawals: bool,
    allow_reused: bool,
) -> int:
    """Take over a roster: OneRoster CSV 1.1 or 1.2, a folder or a zip, bulk or delta."""
    from console.intake.importing import import_roster
    from console.intake.report import BadRows

    office = open_office(ctx)
    try:
        report = import_roster(
            office,
            who(ctx),
            path,
            dry_run=dry_run,
            allow_withdrawals=allow_withdrawals,
            allow_reused=allow_reused,
            skip_bad_rows=skip_bad_rows,
            key=read_key(key) or office.random.bytes(16).hex(),
        )
    except BadRows as bad:
        _findings(bad.report)
        raise
    return _write(report, form)


def _form_command(name: str, about: str) -> click.Command:
    @click.command(name, help=f"{about}\n\nPATH is CSV with a header, or JSON Lines.", short_help=about)
    @import_options
    @click.pass_context
    def form_command(
        ctx: click.Context, path: Path, dry_run: bool, skip_bad_rows: bool, key: str | None, form: str
    ) -> int:
        from console.intake.importing import import_form
        from console.intake.report import BadRows

        office = open_office(ctx)
        call = read_key(key) or office.random.bytes(16).hex()
        try:
            report = import_form(office, who(ctx), name, path, dry_run=dry_run, skip_bad_rows=skip_bad_rows, key=call)
        except BadRows as bad:
            _findings(bad.report)
            raise
        return _write(report, form)

    return form_command


for _each in FORMS.values():
    command.add_command(_form_command(_each.name, _each.says))


def _write(report: ImportReport, form: str) -> int:
    kinds = [
        {
            "kind": each.name,
            "added": each.added,
            "changed": each.changed,
            "withdrawn": each.withdrawn,
            "held": each.held,
        }
        for each in report.kinds
    ]
    if form == "json":
        write_json(_as_json(report, kinds))
    else:
        columns = ("kind", "added", "changed", "withdrawn", "held")
        write_rows(kinds, columns, form, right=columns[1:])
    if form != "json":
        _findings(report)
    _narrate(report)
    if report.dry_run:
        return Exit.REFUSED if report.errors or report.stops else Exit.DONE
    return Exit.PARTLY if report.errors or report.refused or report.held else Exit.DONE


def _as_json(report: ImportReport, kinds: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "import": report.what,
        "batch": report.batch,
        "dry_run": report.dry_run,
        "mode": report.mode or None,
        "sha256": report.digest,
        "kinds": kinds,
        "known": report.known,
        "refused": report.refused,
        "oddities": [
            {"what": each.what, "kind": each.kind, "line": each.line, "known": each.known, "says": each.says}
            for each in report.oddities
        ],
        "stops": list(report.stops),
        "errors": report.errors,
        "warnings": report.warnings,
        "findings": [
            {
                "severity": each.severity,
                "file": each.file,
                "line": each.line,
                "column": each.column,
                "reason": each.reason,
            }
            for each in (*report.findings, *report.refusals)
        ],
    }


def _findings(report: ImportReport) -> None:
    """The first of what was wrong: file, line, column, reason."""
    found = sorted((*report.findings, *report.refusals), key=lambda each: str(each.severity) != "error")
    for each in found[:SAID]:
        say(f"{each.severity}: {each}")
    total = report.errors + report.warnings + len(report.refusals)
    if total > SAID:
        say(f"and {total - SAID:,} more; --format json names up to a thousand of each.")
    for odd in report.oddities[:SAID]:
        say(f"line {odd.line} of the {odd.kind}, known as {odd.known}: {odd.says}")


def _narrate(report: ImportReport) -> None:
    for stop in report.stops:
        say(stop)
    if report.again:
        say("This call was made before; nothing was imported again.")
    elif report.dry_run:
        say("A dry run: nothing was imported.")
    elif not report.moved:
        say("Nothing was new; nothing was changed.")
    if report.refused:
        say(f"{report.refused:,} rows came in and were refused; their reasons are kept beside them.")
    if report.held:
        say(f"{report.held:,} rows were held back because their ids look reused; see --allow-reused.")
