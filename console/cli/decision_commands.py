"""A decision as a command: which cases, its own parameters, a preview, a question where many are meant, and the receipt.

Exit codes: 0 all that were meant; 3 some were skipped, or it waits for a second person; 1 none took part. A preview ends as the run
itself would, so that a script can ask first.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from console.cli.choosing_options import read_selection, selection_options
from console.cli.coding import code_option, with_code
from console.cli.opening import open_office, who
from console.cli.output import format_option, say, write, write_csv, write_json
from console.cli.receipts import write_plan, write_receipt
from console.cli.watching import watching
from console.errors import Usage
from console.params import options, read_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.desk import Decision, Desk, Disclosure
    from console.params import Option
    from console.selection import Receipt


def parameter_options(found: Sequence[Option], *, reason_needed: bool) -> list[click.Option]:
    """A decision's parameters as options; what is missing or cannot be read is said by `read_params`."""
    made: list[click.Option] = []
    for each in found:
        kind: Any = click.STRING
        if each.words:
            kind = click.Choice(each.words)
        elif each.type is bool:
            kind = click.Choice(["yes", "no"])
        required = each.required or (each.name == "reason" and reason_needed)
        made.append(
            click.Option(
                [each.flag, each.name],
                type=kind,
                metavar=None if isinstance(kind, click.Choice) else _metavar(each),
                help=each.help + ("  [needed]" if required else ""),
            )
        )
    return made


def _metavar(each: Option) -> str:
    return "DAY" if each.type is date else "NUMBER" if each.type is int else "TEXT"


def _example(desk: Desk) -> str:
    """A filter that the desk knows, for its help."""
    if desk.waiting:
        return desk.waiting
    return next((f"{term.name}:{term.words[0]}" for term in desk.terms if term.words), "")


def decision_command(desk: Desk, decision: Decision) -> click.Command:
    """`district <desk> <decision>`."""
    names = [each.name for each in options(decision.Params)]

    @click.command(decision.name, help=decision.help, short_help=decision.help)
    @selection_options(_example(desk))
    @click.option("--preview", is_flag=True, help="Say what it would do and do nothing.")
    @click.option("--yes", is_flag=True, help="Do not ask before many cases.")
    @code_option
    @click.option("--key", metavar="TEXT", help="A name of this call: the same key again returns the first receipt.")
    @format_option
    @click.pass_context
    def command(
        ctx: click.Context,
        /,
        ids: str | None,
        where: str | None,
        but: str | None,
        preview: bool,
        yes: bool,
        code: str | None,
        key: str | None,
        form: str,
        **typed: Any,
    ) -> int:
        selection = read_selection(ids, where, but)
        office = open_office(ctx)
        operator = who(ctx)
        params = read_params(decision.Params, {name: typed[name] for name in names}, office.sight(operator).calendar)
        if preview:
            plan = office.plan(operator, desk, decision, selection, params)
            return write_plan(plan, form)
        if not yes:
            from console.cli.asking import ask

            selection = ask(office, operator, desk, decision, selection, params, keyed=key is not None)
        call = read_key(key) or office.random.bytes(16).hex()

        def decide() -> Receipt:
            with watching() as progress:
                return office.decide(operator, desk, decision, selection, params, call, progress)

        return write_receipt(with_code(office, operator, code, decide), form)

    command.params[3:3] = parameter_options(options(decision.Params), reason_needed=decision.needs_reason)
    return command


def read_key(key: str | None) -> str | None:
    """The key as given. Raises Usage for one that is empty, long or not plain."""
    if key is None:
        return None
    if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Usage("--key takes 1 to 200 plain characters; nothing was done.")
    return key


def disclosure_command(desk: Desk, disclosure: Disclosure) -> click.Command:
    """`district <desk> <disclosure>`: recorded first, then given."""
    names = [each.name for each in options(disclosure.Params)]

    @click.command(disclosure.name, help=disclosure.help, short_help=disclosure.help)
    @click.option("--ids", metavar="ID", required=True, help=f"The {desk.singular}.")
    @code_option
    @click.option("--key", metavar="TEXT", help="A name of this call: the same key again is the same disclosure.")
    @format_option
    @click.pass_context
    def command(ctx: click.Context, /, ids: str, code: str | None, key: str | None, form: str, **typed: Any) -> None:
        from console.cli.choosing_options import case_numbers
        from console.deciding.disclosing import disclose

        numbers = case_numbers(ids)
        if len(numbers) != 1:
            raise Usage(f"{disclosure.title} is for one {desk.singular} at a time; nothing was shown.")
        office = open_office(ctx)
        operator = who(ctx)
        params = read_params(disclosure.Params, {name: typed[name] for name in names}, office.sight(operator).calendar)
        call = read_key(key) or office.random.bytes(16).hex()
        shown = with_code(
            office, operator, code, lambda: disclose(office, operator, desk, disclosure, numbers[0], params, call)
        )
        given = {"id": numbers[0], "disclosure": disclosure.name, "text": shown.text}
        if form == "json":
            write_json(given)
        elif form == "csv":
            write_csv([given], list(given))
        else:
            write(shown.text)
        say("This was recorded.")

    command.params[1:1] = parameter_options(options(disclosure.Params), reason_needed=True)
    return command
