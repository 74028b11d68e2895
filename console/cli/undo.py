"""`district undo BATCH`: every case of a decision back to what it was, unless something changed it since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.cli.coding import code_option, with_code
from console.cli.opening import open_office, who
from console.cli.output import format_option
from console.cli.receipts import write_receipt
from console.errors import Usage
from console.ids import read_batch_id

if TYPE_CHECKING:
    from console.selection import Receipt


@click.command("undo")
@click.argument("batch", metavar="BATCH")
@click.option("--key", metavar="TEXT", help="A name of this call: the same key again returns the first receipt.")
@code_option
@format_option
@click.pass_context
def command(ctx: click.Context, batch: str, key: str | None, code: str | None, form: str) -> int:
    """Take a decision back, where nothing changed since.

    BATCH is written like 7K2M-9QXH, in any case; district batches lists yours. Notices that were not sent yet are
    withdrawn. An undo is a decision too: it has a batch of its own and can be undone.
    """
    from console.cli.decision_commands import read_key
    from console.cli.watching import watching

    try:
        name = read_batch_id(batch)
    except ValueError:
        raise Usage("A batch is written like 7K2M-9QXH; nothing was done. Look it up with district batches.") from None
    office = open_office(ctx)
    operator, call = who(ctx), read_key(key) or office.random.bytes(16).hex()

    def undo() -> Receipt:
        with watching() as progress:
            return office.undo(operator, name, call, progress)

    return write_receipt(with_code(office, operator, code, undo), form)
