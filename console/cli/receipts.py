"""What a decision did, or would do, in the shapes that DESIGN promises, and the exit code that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.output import say, write_csv, write_json
from console.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.selection import Plan, Receipt, Skip

WHYS_SAID = 8
"""Skipped cases that a person is told of one by one; a file gets all of them."""


def _skips(skipped: Sequence[Skip]) -> list[dict[str, Any]]:
    return [{"id": each.id, "why": each.why} for each in skipped]


def write_receipt(receipt: Receipt, form: str) -> int:
    """The receipt on stdout; returns 0 when all took part, 3 when some did or it waits for a second person, 1 when none."""
    shape = {
        "decision": receipt.decision,
        "batch": receipt.batch,
        "done": receipt.done,
        "skipped": _skips(receipt.skipped),
        "notices": receipt.notices,
        "request": receipt.request,
    }
    left = max(receipt.skipped_count, len(receipt.skipped))
    if form == "json":
        write_json(shape)
    elif form == "csv":
        write_csv([{**shape, "skipped": left}], list(shape))
    else:
        _receipt_in_words(receipt, left)
    if left > len(receipt.skipped):
        say(f"{left:,} were skipped; the first {len(receipt.skipped):,} are named.")
    if receipt.again:
        say("This call was made before; nothing was done again.")
    if receipt.request is not None:
        say(
            f"Nothing was done yet: another operator confirms it with district requests confirm --ids {receipt.request}, "
            "within 24 hours."
        )
        return Exit.PARTLY
    if not receipt.done:
        if form != "table":
            say("None of them could take part; nothing was done.")
        return Exit.REFUSED
    return Exit.PARTLY if left else Exit.DONE


def _receipt_in_words(receipt: Receipt, left: int) -> None:
    notices = f", {_of(receipt.notices, 'notice')}" if receipt.notices else ""
    if receipt.request is not None:
        click.echo(
            f"{receipt.decision}: waits for a second person as request {receipt.request}, {left:,} skipped{notices}"
        )
        _whys(receipt.skipped, left)
        return
    click.echo(f"{receipt.decision}: {receipt.done:,} done, {left:,} skipped{notices}")
    _whys(receipt.skipped, left)
    if receipt.batch:
        click.echo(f"batch {receipt.batch}")
        say(f"district undo {receipt.batch} takes it back.")
    elif not receipt.done:
        say("None of them could take part; nothing was done.")


def write_plan(plan: Plan, form: str) -> int:
    """The preview on stdout: the receipt's shape, with `preview`, `access` and no batch; returns what the run would end with."""
    shape = {
        "decision": plan.decision,
        "preview": True,
        "batch": None,
        "done": plan.count,
        "skipped": _skips(plan.skipped),
        "notices": plan.notices,
        "access": {"opens": plan.opens, "closes": plan.closes},
        "requires": requires(plan),
    }
    left = max(plan.skipped_count, len(plan.skipped))
    if form == "json":
        write_json(shape)
    elif form == "csv":
        row = {**shape, "skipped": left, "opens": plan.opens, "closes": plan.closes}
        write_csv([row], ["decision", "preview", "done", "skipped", "notices", "opens", "closes"])
    else:
        click.echo(f"{plan.decision}: would do {plan.count:,}, skip {left:,}, send {_of(plan.notices, 'notice')}")
        click.echo(f"access opens for {plan.opens:,} and closes for {plan.closes:,}")
        _whys(plan.skipped, left)
    if left > len(plan.skipped):
        say(f"{left:,} would be skipped; the first {len(plan.skipped):,} are named.")
    say("A preview: nothing was done." + "".join(f" {NEEDED[each]}" for each in requires(plan)))
    if not plan.count:
        return Exit.REFUSED
    return Exit.PARTLY if left or plan.second_person else Exit.DONE


NEEDED = {
    "reason": "It will need --reason.",
    "code": "It will ask for a code of your second factor (--code).",
    "second_person": "It will wait for a second person.",
}


def requires(plan: Plan) -> list[str]:
    """What it takes besides a yes, in the words of the JSON."""
    asked = {"reason": plan.reason_needed, "code": plan.step_up, "second_person": plan.second_person}
    return [name for name, needed in asked.items() if needed]


def _whys(skipped: Sequence[Skip], left: int) -> None:
    by_reason: dict[str, list[int]] = {}
    for each in skipped:
        by_reason.setdefault(each.why, []).append(each.id)
    for why, ids in by_reason.items():
        named = ", ".join(str(each) for each in ids[:WHYS_SAID])
        more = f" and {len(ids) - WHYS_SAID:,} more" if len(ids) > WHYS_SAID else ""
        click.echo(f"  skipped {named}{more}: {why}")
    if left > len(skipped):
        click.echo(f"  skipped {left - len(skipped):,} more")


def _of(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
