"""What a decision would do and what it did, in words: the body of its dialog, and the sentence afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from console.queue import Tone
from console.text import clip, join, pad, safe
from screens.words import lines, plural, words, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from textual.content import Content

    from console.desk import Desk
    from console.queue import Row
    from console.selection import Plan, Receipt, Skip
    from console.text import SafeText
    from screens.words import Words

SHOWN = 5
"""Cases that a dialog names."""
FEW = 3
"""The same on a small terminal."""
WHO = 24
"""Cells that a name takes."""
WAITS = "Waits for a second person: nothing happens until another confirms it."
ASKS = "It asks for a code of your second factor, for this alone."
REASONS = 4
"""Reasons for leaving out that a dialog names."""


def row_name(desk: Desk, row: Row) -> SafeText:
    """A case in one line: its number and who it is about, from the columns that the desk gives room to."""
    who = [pad(cell.text, WHO) for column, cell in zip(desk.columns, row.cells, strict=True) if column.grows]
    return join([pad(safe(f"{row.id}"), 6, right=True), *who], safe("  "))


def reasons(skipped: Sequence[Skip], count: int) -> list[tuple[int, SafeText]]:
    """How many were left out for each reason, the most frequent first; what was not listed comes last."""
    found = [(many, safe(why)) for why, many in Counter(each.why for each in skipped).most_common(REASONS)]
    rest = count - sum(many for many, _ in found)
    return [*found, (rest, safe("for other reasons"))] if rest > 0 else found


def plan_content(desk: Desk, plan: Plan, first: Sequence[Row], width: int, *, roomy: bool) -> Content:
    """Who takes part, who is left out and why, what it opens and closes, what is written to whom."""
    rows: list[Sequence[Words]] = [[(clip(row_name(desk, row), width), "")] for row in first[: SHOWN if roomy else FEW]]
    named = len(rows)
    if plan.count and plan.second_person:
        # First, for on a small terminal the rest is scrolled to.
        rows = [*([words(line, Tone.WARN)] for line in wrap(safe(WAITS), width)), *rows]
    if plan.count > named:
        rows.append([words(safe(f"        and {plan.count - named:,} more"), Tone.DIM)])
    space: list[Sequence[Words]] = [()] if roomy or plan.count <= 1 else []
    if plan.skipped_count:
        rows += [*space, [words(safe(f"{plural(plan.skipped_count, desk.singular)} left out:"), Tone.WARN)]]
        for many, why in reasons(plan.skipped, plan.skipped_count):
            rows += [
                [words(pad(safe(f"{many:,}" if n == 0 else ""), 6, right=True), Tone.WARN), (f"  {line}", "")]
                for n, line in enumerate(wrap(why, width - 8))
            ]
    if plan.count:
        rows += [*space, *([(line, "")] for line in wrap(safe(_effects(plan)), width))]
    if plan.count and plan.step_up:
        rows += [[words(line, Tone.DIM)] for line in wrap(safe(ASKS), width)]
    return lines(rows)


def unplanned_content(desk: Desk, first: Sequence[Row], width: int) -> Content:
    """Who is meant, while what is typed does not yet say what would become of them."""
    rows: list[Sequence[Words]] = [[(clip(row_name(desk, row), width), "")] for row in first]
    return lines([*rows, [words(safe("What it would do is shown here when the fields are filled in."), Tone.DIM)]])


def _effects(plan: Plan) -> str:
    moves = [
        f"{word} for {plural(many, 'person')}"
        for word, many in (("opens", plan.opens), ("closes", plan.closes))
        if many
    ]
    access = f"Access {' and '.join(moves)}." if moves else "Nobody's access changes."
    notices = f" {plural(plan.notices, 'notice')} will be sent; undoing soon withdraws them." if plan.notices else ""
    return access + notices


def receipt_sentence(title: str, desk: Desk, receipt: Receipt, undo_key: str, zone: tzinfo) -> str:
    """What was done, what was not and why, and how to take it back; `zone` is the portal's."""
    if receipt.request is not None:
        until = datetime.fromisoformat(receipt.until).astimezone(zone)
        waits = f"{title}: request {receipt.request} waits for a second person until {until:%A %H:%M}; nothing was done yet."
        return f"{waits} {_left_out(receipt)}".rstrip()
    if not receipt.done:
        return f"{title}: nothing was done. {_left_out(receipt)}".rstrip()
    said = [f"{title}: done for {plural(receipt.done, desk.singular)}.", _left_out(receipt)]
    if receipt.batch:
        said.append(f"{undo_key} takes it back ({receipt.batch})." if undo_key else f"Its batch is {receipt.batch}.")
    return " ".join(part for part in said if part)


def _left_out(receipt: Receipt) -> str:
    if not receipt.skipped_count:
        return ""
    why = "; ".join(f"{reason} ({many:,})" for many, reason in reasons(receipt.skipped, receipt.skipped_count)[:2])
    return f"{receipt.skipped_count:,} left out: {why}."
