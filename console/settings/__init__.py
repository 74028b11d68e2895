"""What stands in `district.toml`: where things are and how the house likes them, never who may see what.

Strict, because a misspelt key that is silently ignored is a policy that is silently not followed: an unknown key is
an error that names the nearest known one. Environment variables `DISTRICT_<TABLE>_<KEY>` override the file. A secret
comes from a file of its own that only its owner can read. What changes access (each school's switches) is a decision
with a record, not a line here. Every key declares its kind, its default and its sentence in one place; the example
file and docs/CONFIGURATION.md are written from that.
"""

from __future__ import annotations

import os
import re
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.errors import Unavailable, Usage
from console.settings import kinds
from console.settings.directory_rules import check as check_directory
from console.settings.signing_tables import DirectorySettings, SignInSettings
from console.settings.tables import (
    DEMO_MAKER,
    SECRET_WORDS,
    SQLITE,
    ConsoleSettings,
    DatabaseSettings,
    DemoSettings,
    KeySettings,
    LogSettings,
    MailSettings,
    PolicySettings,
    PortalSettings,
    RosterSettings,
    nearest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.settings.kinds import Kind

FILE_NAME = "district.toml"
SYSTEM_FILE = Path("/etc/district") / FILE_NAME
PREFIX = "DISTRICT_"
FROM_FILE_ALONE = frozenset({"signin", "directory"})
"""Tables that the environment cannot override."""
NOT_SETTINGS = frozenset({"DISTRICT_CONFIG", "DISTRICT_OPERATOR"})


@dataclass(frozen=True)
class Settings:
    """All settings, checked, with every path absolute. `file` is where they come from, None for defaults alone."""

    folder: Path
    file: Path | None = None
    portal: PortalSettings = field(default_factory=PortalSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    keys: KeySettings = field(default_factory=KeySettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    signin: SignInSettings = field(default_factory=SignInSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    mail: MailSettings = field(default_factory=MailSettings)
    roster: RosterSettings = field(default_factory=RosterSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    log: LogSettings = field(default_factory=LogSettings)
    demo: DemoSettings = field(default_factory=DemoSettings)

    @classmethod
    def read(cls, config: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings in force here: the file found in the order of `places`, then the environment's overrides.

        Raises Usage for anything in either that is not known or not of its kind, and Unavailable when there is no file.
        """
        found = os.environ if environment is None else environment
        return cls.load(find(config, found), found)

    @classmethod
    def load(cls, file: Path, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings of this file, overridden by `DISTRICT_*` of the environment given (none when left out)."""
        file = file.absolute()
        return cls.build(_parse(file), file.parent, file, environment or {})

    @classmethod
    def build(
        cls,
        content: Mapping[str, object],
        folder: Path,
        file: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """The settings of tables already read, as if they stood in a file of this folder."""
        where = str(file or FILE_NAME)
        values = _from_file(content, where)
        _override(values, environment or {})
        if values.get("demo") and values["demo"].get("made_by") != DEMO_MAKER:
            raise Usage(
                f"{where}: [demo] is written by `{DEMO_MAKER}` alone; remove it, for a real portal has the real date."
            )
        made = {
            table: kind(**_settled(values.get(table, {}), kind, folder.absolute())) for table, kind in TABLES.items()
        }
        check_directory(made["directory"], where)
        return cls(folder=folder.absolute(), file=file, **made)

    @staticmethod
    def example(values: Mapping[str, object] | None = None) -> str:
        """A commented `district.toml`: every key with its sentence; `values` (`table.key`) set, defaults not."""
        from console.settings.guide import example

        return example(values or {})


TABLES: dict[str, Any] = {
    one.name: one.default_factory for one in fields(Settings) if one.default_factory is not MISSING
}


@dataclass(frozen=True)
class Declared:
    """One key as declared, for the loader, the example file and the documentation."""

    table: str
    key: str
    attribute: str
    kind: Kind[Any]
    default: Any
    doc: str

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.table}_{self.key}".upper()


def declared() -> dict[str, dict[str, Declared]]:
    """Every table's keys, in the order of their declaration."""
    return {
        table: {
            key: Declared(table, key, one.name, one.metadata["kind"], one.default, one.metadata["doc"])
            for one in fields(kind)
            for key in [one.metadata["name"] or one.name]
        }
        for table, kind in TABLES.items()
    }


def places(environment: Mapping[str, str]) -> list[Path]:
    """Where a settings file is looked for when none is named, first found first used."""
    home = environment.get("HOME")
    own = [Path(home) / ".config" / "district" / FILE_NAME] if home else []
    return [Path(FILE_NAME).absolute(), *own, SYSTEM_FILE]


def find(config: Path | None, environment: Mapping[str, str]) -> Path:
    """The settings file: `--config`, DISTRICT_CONFIG, the current folder, ~/.config/district, /etc/district.

    Raises Unavailable when there is none.
    """
    named = config or (Path(environment["DISTRICT_CONFIG"]) if environment.get("DISTRICT_CONFIG") else None)
    if named is not None:
        return named
    for place in places(environment):
        if place.exists():
            return place
    raise Unavailable(
        f"There is no {FILE_NAME} here, in ~/.config/district or in /etc/district. "
        "`district init` makes a portal and `district demo` a district to try; --config FILE names another place."
    )


def _parse(file: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^)]*\)$", str(error))
        raise Usage(f"{file} is not TOML{' ' + place[0] if place else ''}; nothing was read from it.") from None
    except UnicodeDecodeError:
        raise Usage(f"{file} is not UTF-8; save it as UTF-8.") from None
    except OSError as error:
        raise Unavailable(f"The settings file {file} cannot be read: {error.strerror}.") from None


def _from_file(content: Mapping[str, object], where: str) -> dict[str, dict[str, Any]]:
    known = declared()
    values: dict[str, dict[str, Any]] = {}
    for table, keys in content.items():
        if table not in known:
            raise Usage(f"{where}: {_strange_table(table, keys, known)}")
        if not isinstance(keys, dict):
            raise Usage(f"{where}: [{table}] must be a table, it is {kinds.type_name(keys)}.")
        for key, value in keys.items():
            if key not in known[table]:
                raise Usage(f"{where}: {_strange_key(table, key, known)}")
            one = known[table][key]
            try:
                values.setdefault(table, {})[one.attribute] = one.kind.read(value)
            except kinds.MisfitError as misfit:
                raise Usage(f"{where}: {table}.{key} must be {one.kind.words}; {misfit}.") from None
    return values


def _override(values: dict[str, dict[str, Any]], environment: Mapping[str, str]) -> None:
    known = {one.variable: one for keys in declared().values() for one in keys.values()}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        one = known.get(variable)
        if one is None:
            if SECRET_WORDS.search(variable):
                raise Usage(
                    f"The environment variable {_shown(variable)} is refused: secrets come only from files. {_ADVICE}"
                )
            near = nearest(variable, [*known, *NOT_SETTINGS])
            raise Usage(f"The environment variable {_shown(variable)} is unknown; the nearest known one is {near}.")
        if one.table in FROM_FILE_ALONE:
            raise Usage(
                f"The environment variable {variable} is refused: how operators sign in stands in the settings file alone."
            )
        if one.attribute == "made_by":
            raise Usage(
                f"The environment variable {variable} is refused: only `{DEMO_MAKER}` makes a demonstration district."
            )
        try:
            values.setdefault(one.table, {})[one.attribute] = one.kind.listen(environment[variable])
        except kinds.MisfitError as misfit:
            raise Usage(f"The environment variable {variable} must be {one.kind.words}; {misfit}.") from None


_ADVICE = (
    "Write the secret into a file that only you can read and name it as database.password_file or mail.password_file."
)


def _strange_table(table: str, keys: object, known: Mapping[str, Mapping[str, Declared]]) -> str:
    if not isinstance(keys, dict):
        owner = next((name for name, own in known.items() if table in own), None)
        if SECRET_WORDS.search(table) and owner is None:
            return f"the key {_shown(table)} is refused: secrets come only from files. {_ADVICE}"
        near = (
            f"{owner}.{table}"
            if owner
            else nearest(table, [f"{name}.{key}" for name, own in known.items() for key in own])
        )
        return f"the key {_shown(table)} stands outside every table; the nearest known one is {near}."
    return f"the table [{_shown(table)}] is unknown; the nearest known one is [{nearest(table, known)}]."


def _strange_key(table: str, key: str, known: Mapping[str, Mapping[str, Declared]]) -> str:
    if SECRET_WORDS.search(key) and not key.endswith("_file"):
        own = f"{table}.password_file" if "password_file" in known[table] else ""
        advice = f"Write it into a file that only you can read and name that file as {own}." if own else _ADVICE
        return f"{table}.{_shown(key)} is refused: secrets come only from files. {advice}"
    owner = next((name for name, own in known.items() if key in own), table)
    near = key if owner != table else nearest(key, known[table])
    return f"{table}.{_shown(key)} is unknown; the nearest known key is {owner}.{near}."


def _shown(name: str) -> str:
    """A name that somebody typed, fit for a terminal: at most 60 characters, none of which is more than itself."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:60])


def _settled(values: Mapping[str, Any], kind: Any, folder: Path) -> dict[str, Any]:
    """The values with what the file left out, every path and SQLite file made absolute."""
    whole = {one.name: values.get(one.name, one.default) for one in fields(kind)}
    for name, value in whole.items():
        if isinstance(value, Path):
            whole[name] = folder / value
        elif name == "url" and value.startswith(SQLITE):
            whole[name] = f"{SQLITE}{folder / value.removeprefix(SQLITE)}"
    return whole
