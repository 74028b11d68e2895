"""`district roles`: which role may do what, from the one table that `authorize()` reads and the desks' own declarations."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from console.authority import POST_OF, POSTS, RIGHTS, Role
from console.cli.output import format_option, say, write_csv, write_json
from console.rights import decisions, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.authority import Post, Right

WIDTH = 80
"""Columns that the table keeps to, on every terminal and in a pipe."""
_YES, _NO = "x", "·"
_GAP = "  "


@click.command("roles")
@click.argument("role", required=False, type=click.Choice([str(role) for role in Role]), metavar="[ROLE]")
@format_option
def command(role: str | None, form: str) -> None:
    """Show what each role may do, or what ROLE may: which decisions of which desk.

    An operator has one role, for all schools or for a few; what lies outside them does not exist for that operator.
    """
    posts = POSTS if role is None else (POST_OF[Role(role)],)
    rights = [right for right in RIGHTS if any(post.letter in right.letters for post in posts)]
    if form == "json":
        write_json([_row(right) | {"decisions": list(decisions(right.permission))} for right in rights])
    elif form == "csv":
        rows = [_row(right) | {"decisions": "; ".join(decisions(right.permission))} for right in rights]
        write_csv(rows, ["right", "means", "decisions", *(str(post.role) for post in POSTS)])
    else:
        for line in table(rights, posts) if role is None else words(rights, posts[0]):
            click.echo(line)
        if role is None:
            say("One role with its rights in words: district roles help_desk.")


def _row(right: Right) -> dict[str, Any]:
    held = {str(post.role): post.letter in right.letters for post in POSTS}
    return {"right": str(right.permission), "means": right.means} | held


def table(rights: Sequence[Right], posts: Sequence[Post]) -> list[str]:
    """All roles side by side: a line a right with its decisions, or what else it lets; then what each role is for."""
    names = max(len(right.permission) for right in rights)
    heads = " ".join(post.letter for post in posts)
    room = WIDTH - names - len(heads) - 2 * len(_GAP)
    lines = [f"{'Right':<{names}}{_GAP}{heads}{_GAP}Lets"]
    for right in rights:
        marks = " ".join(_YES if post.letter in right.letters else _NO for post in posts)
        said = wrap(short(right.permission) or right.means, room)
        lines.append(f"{right.permission:<{names}}{_GAP}{marks}{_GAP}{said[0]}".rstrip())
        lines += [" " * (names + len(heads) + 2 * len(_GAP)) + more for more in said[1:]]
    return [*lines, "", *(f"{post.letter}  {post.role.replace('_', ' ')}: {post.means}" for post in posts)]


def words(rights: Sequence[Right], post: Post) -> list[str]:
    """One role: what it is for, then each right as a sentence with its decisions."""
    names = max(len(right.permission) for right in rights)
    lines = [f"{post.role}: {post.means}", ""]
    for right in rights:
        made = short(right.permission)
        said = wrap(right.means + (f" ({made})" if made else ""), WIDTH - names - len(_GAP))
        lines.append(f"{right.permission:<{names}}{_GAP}{said[0]}")
        lines += [" " * (names + len(_GAP)) + more for more in said[1:]]
    return lines
