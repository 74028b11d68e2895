"""The house keeps its own rules: who imports whom, what loads when, how long a file is, what the lock files say.

Each is a promise that a reader of the tree relies on and that no single change would notice that it breaks.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400  # lines
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-campaigns.lock")

# Runs the help of one desk and of all its decisions, and tells what is loaded then. A module that only
# stands ready to be loaded (console.lazy) has no submodules, so submodules are what counts.
HELP = """
import contextlib, importlib, io, json, sys
import click
cli = importlib.import_module("console.cli.main")
group = next(value for value in vars(cli).values() if isinstance(value, click.Group))
words = json.loads(sys.argv[1])
said = io.StringIO()
def run(*words):
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        group.main([*words, "--help"], prog_name="district")
def below(words):
    found, context = group, click.Context(group, info_name="district")
    for word in words:
        found = found.get_command(context, word)
        context = click.Context(found, info_name=word, parent=context)
    return found.list_commands(context) if isinstance(found, click.Group) else []
run(*words)
names = below(words)
if words:
    for name in names:
        run(*words, name)
heavy = sorted(name for name in sys.modules if name.startswith(("textual.", "sqlalchemy.", "alembic.", "psycopg.")))
print(json.dumps({"below": names, "heavy": heavy, "said": len(said.getvalue())}))
"""


def tracked() -> list[Path]:
    """Every file of the repository, whoever cloned it."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def help_of(*words: str) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-c", HELP, json.dumps(words)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, object] = json.loads(ran.stdout)
    return answer


def names_in(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def test_imports_run_one_way() -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_help_loads_the_terminal_toolkit_or_the_database() -> None:
    first = help_of()
    assert first["said"], "district --help says nothing"
    commands = first["below"]
    assert isinstance(commands, list)
    assert {"registrations", "challenges", "students", "grants", "schools", "audit"} <= set(commands)
    loaded = {"district": first["heavy"]} | {name: help_of(name)["heavy"] for name in commands}
    assert {name: heavy for name, heavy in loaded.items() if heavy} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_files_name_versions_and_hashes_and_nothing_of_any_machine(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pinned = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z_<>=!'\"0-9A-Z. ]+)? \\")
    digest = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
    comment = re.compile(r" {4}#[^/@]*")
    strange = [line for line in lines if not any(form.fullmatch(line) for form in (pinned, digest, comment))]
    assert strange == []
    unhashed = [line for line, after in pairwise(lines) if "==" in line and "--hash" not in after]
    assert unhashed == []


def test_every_dependency_is_locked_and_the_lock_files_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    def name(requirement: str) -> str:
        return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")

    groups = project["dependency-groups"]
    assert {name(entry) for entry in project["project"]["dependencies"] + groups["build"]} <= names_in(LOCKS[0])
    assert {name(entry) for entry in groups["dev"]} <= names_in(LOCKS[1])
    assert {name(entry) for entry in groups["campaigns"]} <= names_in(LOCKS[2])
    # One version a package, or one for each Python that the marker names; the same in every file that has it.
    versions: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for lock in LOCKS:
        pins: dict[str, list[tuple[str, str]]] = {}
        text = (ROOT / lock).read_text(encoding="utf-8")
        for package, version, marker in re.findall(r"^([a-z0-9-]+)==(\S+)(?: ; (.*?))? \\$", text, re.MULTILINE):
            pins.setdefault(package, []).append((version, marker))
        for package, found in pins.items():
            assert len({marker for _, marker in found}) == len(found), package
            versions.setdefault(package, set()).add(tuple(sorted(found)))
    assert versions
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_every_runtime_dependency_says_why_it_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    said = (ROOT / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8").lower()
    wanted = {re.split(r"[\[<>=!~; ]", entry, maxsplit=1)[0] for entry in project["project"]["dependencies"]}
    assert {package for package in wanted if f"| {package} " not in said} == set()


def test_no_file_names_a_package_registry_or_a_folder_of_a_machine() -> None:
    # In parts, because this file is looked at too.
    parts = [("pypi.", "org"), ("pythonhosted.", "org"), ("npmjs.", "org"), ("crates.", "io"), ("proxy.", "golang.org")]
    hosts = [first + second for first, second in [*parts, ("/ro", "ot/"), ("/opt/", "pypi"), ("/opt/", "wheels")]]
    found = {}
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="replace").lower()
        named = [host for host in hosts if host in text]
        if named:
            found[str(path.relative_to(ROOT))] = named
    assert found == {}


def test_a_source_file_has_one_reason_and_so_stays_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for package in ("console", "screens", "models", "fixtures")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts  # a migration is as long as the tables it makes
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_the_commands_of_the_house_are_listed_by_make_alone() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    wanted = {"demo", "test", "check", "lock", "picture", "faults", "failovers", "bench", "clean", "help"}
    assert wanted <= {line.split()[1] for line in listed.splitlines() if line.startswith("  make ")}


def test_what_is_given_away_as_source_holds_what_builds_it_and_says_how(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in tracked():
        there = copy / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(path.read_bytes())
    build = "from setuptools import build_meta; print(build_meta.build_sdist('out'))"
    ran = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with tarfile.open(copy / "out" / ran.stdout.splitlines()[-1]) as source:
        given = {name.partition("/")[2] for name in source.getnames()}
    wanted = [path.relative_to(ROOT) for path in tracked()]
    kept = [
        str(path) for path in wanted if path.parts[0] in ("docs", "tests", "console", "screens", "models", "fixtures")
    ]
    assert {*kept, *LOCKS, "Makefile", "README.md", "LICENSE", "CHANGELOG.md"} - given == set()
