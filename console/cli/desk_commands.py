"""A desk as a group of commands, made from its declaration: `list`, `show`, every decision, every disclosure.

Nothing here knows a desk; a decision that a desk declares tomorrow is a command tomorrow.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from console.cli.catalogue import load, write_examples
from console.errors import Unavailable

if TYPE_CHECKING:
    from console.desk import Desk


class DeskGroup(click.Group):
    """The commands of one desk; its help also says its filters and what its cases go through."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(name=desk.name, help=desk.help)
        self.desk = desk
        self.sections: dict[str, list[str]] = {"Look": [], "Decide": [], "Disclose": [], "More": []}
        from console.cli.decision_commands import decision_command, disclosure_command
        from console.cli.queue_commands import list_command, show_command

        self._put("Look", list_command(desk))
        self._put("Look", show_command(desk))
        for decision in desk.decisions:
            self._put("Decide", decision_command(desk, decision))
        for disclosure in desk.disclosures:
            self._put("Disclose", disclosure_command(desk, disclosure))
        if find_spec(f"console.cli.{desk.name}") is not None:
            more = load(desk.name)
            if isinstance(more, click.Group):
                for command in more.commands.values():
                    self._put("More", command)

    def _put(self, section: str, command: click.Command) -> None:
        self.add_command(command)
        self.sections[section].append(str(command.name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for names in self.sections.values() for name in names]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        keys = {each.name: each.key for each in self.desk.decisions}
        keys |= {each.name: each.key for each in self.desk.disclosures}
        width = max(len(name) for name in self.commands)
        for section, names in self.sections.items():
            if names:
                with formatter.section(section):
                    formatter.write_dl([(name.ljust(width), self._line(name, keys)) for name in names])
        if self.desk.terms:
            with formatter.section("Filters for --where, joined by spaces"):
                formatter.write_dl([(f"{term.name}:", _about(term.help, term.words)) for term in self.desk.terms])

    def _line(self, name: str, keys: dict[str, str]) -> str:
        help_ = self.commands[name].get_short_help_str(limit=200)
        return f"{help_} (key {keys[name]})" if keys.get(name) else help_

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        name = self.desk.name
        waiting = f" --where '{self.desk.waiting}'" if self.desk.waiting else ""
        examples = [(f"district {name} list{waiting}", "what waits" if waiting else "all there is")]
        if self.desk.decisions:
            first = self.desk.decisions[0]
            if first.bulk and self.desk.waiting:
                examples.append((f"district {name} {first.name}{waiting} --preview", "what that would do"))
            else:
                examples.append((f"district {name} {first.name} --ids 7 --preview", "what that would do"))
            examples.append(("district undo BATCH", "take it back"))
        write_examples(formatter, examples)


def _about(text: str, words: tuple[str, ...]) -> str:
    return f"{text}: {', '.join(words)}" if words else text


@cache
def desk_command(name: str) -> click.Command:
    """The group of a desk. Raises Unavailable for one that is not part of this installation."""
    from console.desks import desk

    if find_spec(f"console.desks.{name}") is None:
        raise Unavailable(f"This installation has no desk {name}; nothing was done. Install the console whole.")
    return DeskGroup(desk(name))
