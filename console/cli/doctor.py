"""`district doctor`: what is wrong here and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.cli.opening import session
from console.cli.output import format_option, write_csv, write_json, write_table
from console.errors import ConsoleError, Exit
from console.text import safe

if TYPE_CHECKING:
    from console.doctor import Finding

TONES = {"ok": "good", "warn": "warn", "bad": "bad"}


@click.command("doctor")
@format_option
@click.pass_context
def command(ctx: click.Context, form: str) -> int:
    """Look at settings, keys, database, ledger, disk and mail; change nothing.

    Ends with 0 when all is well enough to work, 1 when something is wrong, 4 when records are missing, 5 when something needed
    is not there.
    """
    return answer(_examine(ctx), form)


def answer(findings: list[Finding], form: str) -> int:
    """Write what was found in the format asked for, and return the exit code that it means."""
    rows = [{"id": each.name, "state": each.health, "found": each.text, "advice": each.advice} for each in findings]
    if form == "json":
        write_json(rows)
    elif form == "csv":
        write_csv(rows, ("id", "state", "found", "advice"))
    else:
        _draw(findings)
    codes = [each.exit for each in findings if each.health == "bad"]
    if Exit.UNVERIFIED in codes:
        return Exit.UNVERIFIED
    if Exit.UNAVAILABLE in codes:
        return Exit.UNAVAILABLE
    return Exit.REFUSED if codes else Exit.DONE


def _examine(ctx: click.Context) -> list[Finding]:
    from console.doctor import Doctor, Finding, Health
    from console.settings import Settings
    from console.wiring import open_clock

    try:
        settings = Settings.read(session(ctx).config)
    except ConsoleError as error:
        return [Finding("settings", Health.BAD, safe(str(error)), exit=error.exit)]
    return Doctor(settings, open_clock(settings, demo=settings.demo.today is not None)).examine()


def _draw(findings: list[Finding]) -> None:
    lines = []
    tones = []
    for each in findings:
        lines.append([safe(each.health), safe(each.name), each.text])
        tones.append([TONES[each.health], "plain", "plain"])
        if each.advice:
            lines.append([safe(""), safe(""), safe(f"→ {each.advice}")])
            tones.append(["plain", "plain", "dim"])
    write_table([safe(""), safe("What"), safe("Found")], lines, [False, False, False], tones=tones)
