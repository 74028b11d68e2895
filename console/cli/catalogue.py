"""Groups of commands that load a command when it is used, list themselves in sections, and suggest the nearest name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from console.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as it stands in the table: its section, its name, its module in `console.cli`, one line of help.

    Without a module it is a desk, which says the rest itself; its line stands here too, so that the list loads no desk.
    """

    section: str
    name: str
    module: str = ""
    help: str = ""


class Catalogue(click.Group):
    """The commands of a table, each loaded from `console.cli.<module>:command`; a desk from its declaration."""

    def __init__(
        self, *args: Any, listed: Sequence[Listed] = (), examples: Sequence[tuple[str, str]] = (), **rest: Any
    ) -> None:
        super().__init__(*args, **rest)
        self.listed = {each.name: each for each in listed}
        self.examples = examples

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        listed = self.listed.get(cmd_name)
        if listed is None:
            return None
        if not listed.module:
            from console.cli.desk_commands import desk_command

            return desk_command(cmd_name)
        return load(listed.module)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.listed and not args[0].startswith("-"):
            raise click.NoSuchCommand(args[0], possibilities=list(self.listed), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        width = max(len(name) for name in self.listed)
        for section in dict.fromkeys(each.section for each in self.listed.values()):
            rows = [(each.name.ljust(width), each.help) for each in self.listed.values() if each.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        write_examples(formatter, self.examples)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[tuple[str, str]]) -> None:
    """Commands to copy, each with what it does, never wrapped."""
    if not examples:
        return
    with formatter.section("Examples"):
        for line, does in examples:
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
            formatter.write(f"{'':>{formatter.current_indent + 4}}{does}\n")


def load(module: str) -> click.Command:
    """The `command` of a module of this package. Raises Unavailable for one that is not part of this installation."""
    name = f"console.cli.{module}"
    if find_spec(name) is None:
        raise Unavailable(f"This installation has no {module}; nothing was done. Install the console whole.")
    found: click.Command = import_module(name).command
    return found
