"""A code of the second factor on the command line: given with `--code`, or asked for at a terminal once it turns out to be needed.

The code is given for exactly the action that asked for it, under the key that the call has from the beginning; then the action is
carried out again, and uses it up.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import click

from console.cli.output import say
from console.errors import CodeNeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.authority import Operator
    from console.office import Office

T = TypeVar("T")

code_option = click.option(
    "--code", metavar="CODE", help="A code of your second factor, or a recovery code, where it asks for one."
)


def with_code(office: Office, operator: Operator, code: str | None, act: Callable[[], T]) -> T:
    """Do it; where it asks for a code, give one for it and do it again.

    Raises CodeNeeded where none was given and nobody is there to ask, Refused for one that does not count.
    """
    try:
        return act()
    except CodeNeeded as needed:
        if operator.unattended:
            raise
        if not code and not sys.stdin.isatty():
            raise CodeNeeded(f"{needed} Add --code.", needed.digest) from None
        used = office.step_up(operator, needed.digest, code or _asked(str(needed)))
    if used is not None and used.kind == "recovery code":
        say(f"A recovery code was used up; {used.left} are left.")
    return act()


def _asked(why: str) -> str:
    say(why)
    return str(click.prompt("Code", err=True))
