"""The table of rights beside what the desks declare: which right lets take which decisions, for people who read and for programs.

`python -m console.rights` prints the tables of docs/SECURITY.md; a test holds the page to them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from console.authority import POSTS, RIGHTS

if TYPE_CHECKING:
    from console.authority import Permission


def decisions(permission: Permission) -> tuple[str, ...]:
    """The decisions and disclosures that need the permission, as the command line writes them, desk by desk."""
    from console.desks import DESKS, desk

    return tuple(
        f"{name} {each.name}"
        for name in DESKS
        for kind in (desk(name).decisions, desk(name).disclosures)
        for each in kind
        if each.permission == permission
    )


def short(permission: Permission) -> str:
    """The decisions of a right, without the desk's name where the right says it."""
    own = permission.partition(".")[0] + " "
    return ", ".join(each.removeprefix(own) for each in decisions(permission))


def page() -> str:
    """The roles and their rights as the tables of docs/SECURITY.md."""
    lines = ["| | role | what it is for |", "|---|---|---|"]
    lines += [f"| {post.letter} | `{post.role}` | {post.means} |" for post in POSTS]
    heads = [post.letter for post in POSTS]
    lines += ["", f"| right | {' | '.join(heads)} | what it lets |", f"|---|{':-:|' * len(heads)}---|"]
    for right in RIGHTS:
        marks = " | ".join("x" if post.letter in right.letters else "" for post in POSTS)
        made = short(right.permission)
        lines.append(f"| `{right.permission}` | {marks} | {right.means}{f' ({made})' if made else ''} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
