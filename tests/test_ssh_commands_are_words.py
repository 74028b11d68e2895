"""What is asked for over SSH is read into words without a shell, and held to commands that name no file of the server.

In this process, every way; some of them over a real SSH server in test_ssh_gives_the_console_and_nothing_else.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import click
import pytest

from console.cli.failing import answering
from console.cli.main import COMMANDS, district
from console.cli.opening import Session
from console.cli.streams import FileIn, FileOut
from console.errors import Usage
from console.ssh.allowed import CLOSED, OPEN
from console.ssh.environment import cleaned
from console.ssh.words import LONGEST, read
from tests.line_mode import Answer, write_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal


@pytest.mark.parametrize(
    "asked",
    [
        "district roles; id",
        "district roles;id",
        "district roles && id",
        "district roles & id",
        "district roles | id",
        "district roles || id",
        "district roles > f",
        "district roles 2>&1",
        "district roles < f",
        "district roles <<x",
        "district roles <(id)",
        "district roles $(id)",
        "district roles $HOME",
        "district roles ${IFS}id",
        "district roles `id`",
        'district find "$(id)"',
        'district find "`id`"',
        'district find "a\\"; id; "b"',
        "district roles\nid",
        "district roles\rid",
        "(id)",
        "district\0id",
        "district \x1b[2J",
        "district \u202eroles",
        "district \udcff",
        "district 'roles",
        'district "roles',
        "district roles\\",
        "id",
        "/bin/sh",
        "sh -c id",
        "'district roles'",
        "./district roles",
        "/usr/bin/district roles",
        "env district roles",
        "DISTRICT roles",
        "X=1 district roles",
        "internal-sftp",
        "/usr/lib/openssh/sftp-server",
        "scp -t /tmp",
        "rsync --server . /tmp",
        "",
        "   ",
        "#",
        "district " + "x" * LONGEST,
    ],
    ids=lambda asked: repr(asked[:40]),
)
def test_what_a_shell_would_act_on_and_what_is_no_command_of_ours_is_refused(asked: str) -> None:
    with pytest.raises(Usage, match="nothing was done"):
        read(asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("district", []),
        ("district registrations list", ["registrations", "list"]),
        ("district x --where 'state:submitted match:>=3'", ["x", "--where", "state:submitted match:>=3"]),
        ('district x --where "match:>=3; id"', ["x", "--where", "match:>=3; id"]),
        ("district x '$(id)' '`id`'", ["x", "$(id)", "`id`"]),
        (r"district x a\;b \"c\"", ["x", "a;b", '"c"']),
        ("district x 'a\nb'", ["x", "a\nb"]),
        ("district x *.csv ~ #c", ["x", "*.csv", "~", "#c"]),
        ("  district\tx  ''", ["x", ""]),
        ("district find Ægir 'Łódź'", ["find", "Ægir", "Łódź"]),
    ],
    ids=repr,
)
def test_quotes_make_words_and_nothing_is_expanded(asked: str, words: list[str]) -> None:
    assert read(asked) == words


@pytest.fixture
def over_ssh(portal: Portal, tmp_path: Path) -> Iterator[Any]:
    """`over_ssh("roles")` is `ssh HOST district roles`, from where the key was read on."""
    config = write_settings(portal, tmp_path)

    def run(*words: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        own = Session(config=config, remote=True, opening=lambda *_, **__: portal.office)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = answering(lambda: int(district.main(list(words), standalone_mode=False, obj=own) or 0))
        return Answer(code, out.getvalue(), err.getvalue())

    return run


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "words",
    [
        "--config /etc/shadow roles",
        "--config=/etc/shadow roles",
        "--config district.toml",
        "import roster /etc/shadow",
        "import registrations -- /etc/shadow",
        "import accounts ../../etc/shadow --dry-run",
        "import accounts --dry-run /dev/stdin",
        "audit verify /etc/shadow --key x",
        "audit export --out MARK",
        "audit export --out=MARK --force",
        "audit export --force --out ./-",
        "init --database sqlite:///MARK",
        "demo MARK",
        "doctor",
        "work --once",
        "ssh install --dry-run",
        "ssh sign /etc/hostname --operator ann",
        "ssh command",
        "directory check",
        "directory sync",
    ],
)
def test_no_command_names_a_file_of_the_server(words: str, over_ssh: Any, tmp_path: Path) -> None:
    """VULNERABILITY: the shared account can read the portal's keys, and write where SQLite's file lies.

    ATTACK: every option and argument that names a file, and the commands of who runs the server. VERIFIES: one sentence, nothing of
    the file in it, nothing written.
    """
    before = sorted(tmp_path.rglob("*"))
    refused = over_ssh(*words.replace("MARK", str(tmp_path / "mark")).split())
    assert refused.code in (1, 2)
    assert "nothing was" in refused.sentence
    assert "root:" not in refused.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_what_an_operator_needs_can_be_run(over_ssh: Any) -> None:
    for words in ("registrations list", "roles", "batches", "audit checkpoint", "--help", "import --help"):
        assert over_ssh(*words.split()).code == 0, words


def test_every_command_is_open_over_ssh_or_closed_with_its_reason() -> None:
    assert OPEN & CLOSED.keys() == set()
    assert {listed.name for listed in COMMANDS} - OPEN - CLOSED.keys() == set()


def test_every_open_command_takes_its_files_by_stdin_and_stdout_there() -> None:
    """VULNERABILITY: a command that is added tomorrow takes a path. VERIFIES: none takes one that is not held back over SSH."""

    def below(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
        context = click.Context(command, info_name=name)
        yield from ((name, each) for each in command.params)
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                found = command.get_command(context, each)
                assert found is not None
                yield from below(found, f"{name} {each}")

    top, loose = click.Context(district), []
    for name in OPEN & {listed.name for listed in COMMANDS}:
        command = district.get_command(top, name)
        assert command is not None
        loose += [
            (where, each.name)
            for where, each in below(command, name)
            if isinstance(each.type, click.Path | click.File) and not isinstance(each.type, FileIn | FileOut)
        ]
    assert loose == []


EVIL = (
    *(
        "TEXTUAL_DRIVER",
        "TEXTUAL",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "GCONV_PATH",
    ),
    *(
        "DISTRICT_OPERATOR",
        "DISTRICT_CONFIG",
        "DISTRICT_DATABASE_URL",
        "XDG_RUNTIME_DIR",
        "TMPDIR",
        "SSL_CERT_FILE",
        "LDAPNOINIT",
    ),
    *(
        "PGHOST",
        "PGSSLMODE",
        "PGSERVICEFILE",
        "HTTPS_PROXY",
        "BASH_ENV",
        "ENV",
        "IFS",
        "EDITOR",
        "PAGER",
        "COLUMNS",
        "LC_x",
        "lc_all",
    ),
)


def test_few_variables_are_kept_and_their_values_are_checked() -> None:
    """VULNERABILITY: variables name modules, files, hosts. ATTACK: all, and odd values of the kept. VERIFIES: neither stays."""
    fixed = {"HOME": "/home/of/the/account", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    evil = dict.fromkeys(EVIL, "x") | {"HOME": "/tmp", "PATH": "/tmp"}
    assert cleaned(evil, "/home/of/the/account") == fixed
    good = {"TERM": "xterm-256color", "LANG": "en_US.UTF-8", "LC_ALL": "C.UTF-8", "SSH_USER_AUTH": "/tmp/sshauth.8Zq"}
    assert cleaned(good, "/home/of/the/account") == good | fixed
    for name in ("TERM", "LANG", "LC_ALL", "COLORTERM"):
        for value in ("", "../x", "/x", "a b", "x\n", "x\x1b", "x" * 65, "é"):
            assert cleaned({name: value}, "/home/of/the/account") == fixed, (name, value)
    assert cleaned({"SSH_USER_AUTH": "sshauth"}, "/home/of/the/account") == fixed
