"""The example settings file and docs/CONFIGURATION.md, written from the declarations so that neither can fall behind.

`python -m console.settings.guide` prints the page.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

from console.settings import FILE_NAME, TABLES, Declared, declared

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 100
DEMO = "demo"

HEAD = f"""\
# Configuration

One file, `{FILE_NAME}`, says where things are and how the house likes them. `district init` writes one in which every
key stands with its default; `district doctor` says what is wrong with it.

**Which file.** `--config FILE`, else the variable `DISTRICT_CONFIG`, else `{FILE_NAME}` in the current folder, else
`~/.config/district/{FILE_NAME}`, else `/etc/district/{FILE_NAME}`. Relative paths start at the file's own folder,
also those that come from the environment.

**Strict.** An unknown table or key is an error that names the nearest known one, and so is a value of another kind.

**Environment.** `DISTRICT_<TABLE>_<KEY>` overrides the file, as in the tables below; an unknown `DISTRICT_…` variable
is an error too. Lists are separated by commas, the keymap is `action=keys` separated by spaces. `DISTRICT_CONFIG` and
`DISTRICT_OPERATOR` (who decides, where nobody signs in) are not settings.

**Secrets** come only from files. A password in `{FILE_NAME}`, in the environment or in the database address is
refused; a secret file that anybody but its owner can read is refused as well (`chmod 600 FILE`).

**What is not here.** What opens or closes access – each school's initial rights, hold policy and switches – is a
decision at the schools desk, with a record: `district schools --help`.
"""


def toml(one: Declared, value: Any) -> str:
    """`key = value` as it stands in the file."""
    return f"{one.key} = {one.kind.write(value)}"


def example(values: Mapping[str, object]) -> str:
    """The commented file: `values` (`table.key` → value of that key's own type) are set, defaults commented out.

    The table `demo` stands in it only with a value. Raises KeyError for a name that is no setting.
    """
    left = dict(values)
    lines = [f"# {FILE_NAME}: where things are and how the house likes them. docs/CONFIGURATION.md explains it."]
    for table, keys in declared().items():
        if table == DEMO and not any(name.startswith(f"{DEMO}.") for name in values):
            continue
        lines += ["", f"[{table}]"]
        lines += [f"# {line}" for line in textwrap.wrap(_about(table), WIDTH)]
        for key, one in keys.items():
            name = f"{table}.{key}"
            if table == DEMO and name not in left:
                continue
            lines += ["", *(f"# {line}" for line in textwrap.wrap(one.doc, WIDTH))]
            lines.append(toml(one, left.pop(name)) if name in left else f"#{toml(one, one.default)}")
    if left:
        raise KeyError(f"no such setting: {', '.join(sorted(left))}")
    return "\n".join(lines) + "\n"


def page() -> str:
    """docs/CONFIGURATION.md."""
    parts = [HEAD]
    for table, keys in declared().items():
        parts += [f"## [{table}]", "", _about(table), ""]
        parts += ["| key | default | what it is | must be | variable |", "|---|---|---|---|---|"]
        parts += [
            f"| `{key}` | {_default(one)} | {_cell(one.doc)} | {_cell(one.kind.words)} | `{one.variable}` |"
            for key, one in keys.items()
        ]
        parts.append("")
    return "\n".join(parts)


def _about(table: str) -> str:
    return " ".join((TABLES[table].__doc__ or "").split())


def _default(one: Declared) -> str:
    if one.default in (None, "", (), frozenset()):
        return "none"
    written = one.kind.write(one.default)
    return f"`{written}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
